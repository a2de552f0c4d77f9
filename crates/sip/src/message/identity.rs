//! Who calls, and what of that may be shown: P-Asserted-Identity and P-Preferred-Identity (RFC
//! 3325), Privacy (RFC 3323).

use std::fmt;

use super::{Malformed, NameAddr, Uri};

/// The identity that a network vouches for, or that a phone would like: a SIP address, a number, or
/// one of each (RFC 3325 §9.1, §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssertedIdentity {
    /// A `sip:` or `sips:` address.
    Sip(NameAddr),
    /// A `tel:` number.
    Tel(NameAddr),
    /// Both, of the same person.
    Both {
        /// The `sip:` or `sips:` address.
        sip: NameAddr,
        /// The `tel:` number.
        tel: NameAddr,
    },
}

impl AssertedIdentity {
    /// The identity of `addresses`, one or two in any order: two of one kind, and other schemes, are
    /// an error.
    pub fn new(addresses: impl IntoIterator<Item = NameAddr>) -> Result<Self, Malformed> {
        let mut identity = None;
        for address in addresses {
            identity = Some(match (&address.uri, identity) {
                (Uri::Sip(_), None) => Self::Sip(address),
                (Uri::Tel(_), None) => Self::Tel(address),
                (Uri::Sip(_), Some(Self::Tel(tel))) => Self::Both { sip: address, tel },
                (Uri::Tel(_), Some(Self::Sip(sip))) => Self::Both { sip, tel: address },
                (Uri::Sip(_) | Uri::Tel(_), Some(_)) => return Err(Malformed::Count),
                (Uri::Other(_), _) => return Err(Malformed::Scheme),
            });
        }
        identity.ok_or(Malformed::Count)
    }

    /// The SIP address, when there is one.
    pub const fn sip(&self) -> Option<&NameAddr> {
        match self {
            Self::Sip(sip) | Self::Both { sip, .. } => Some(sip),
            Self::Tel(_) => None,
        }
    }

    /// The number, when there is one.
    pub const fn tel(&self) -> Option<&NameAddr> {
        match self {
            Self::Tel(tel) | Self::Both { tel, .. } => Some(tel),
            Self::Sip(_) => None,
        }
    }

    /// One or both, the SIP address first: a field of the model each.
    pub fn addresses(&self) -> impl Iterator<Item = &NameAddr> {
        self.sip().into_iter().chain(self.tel())
    }

    /// The name to show, of either.
    pub fn display(&self) -> Option<&str> {
        self.addresses().find_map(|address| address.display.as_deref())
    }
}

/// What a caller wants hidden (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Privacy {
    /// `id`: the asserted identity.
    pub id: bool,
    /// `user`: what the user agent itself would hide.
    pub user: bool,
    /// `header`: headers that show the path.
    pub header: bool,
    /// `session`: the media addresses.
    pub session: bool,
    /// `history`: the History-Info entries of the user's domain.
    pub history: bool,
    /// `critical`: fail rather than show.
    pub critical: bool,
}

impl Privacy {
    /// The field written `text`; `none` and words that are not known ask for nothing.
    pub fn parse(text: &str) -> Self {
        let mut privacy = Self::default();
        for word in text.split([';', ',']).map(str::trim) {
            match word.to_ascii_lowercase().as_str() {
                "id" => privacy.id = true,
                "user" => privacy.user = true,
                "header" => privacy.header = true,
                "session" => privacy.session = true,
                "history" => privacy.history = true,
                "critical" => privacy.critical = true,
                _ => {}
            }
        }
        privacy
    }

    /// Whether the caller's number must not be shown.
    pub const fn hides_identity(self) -> bool {
        self.id || self.user || self.header
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.id, "id"),
            (self.user, "user"),
            (self.header, "header"),
            (self.session, "session"),
            (self.history, "history"),
            (self.critical, "critical"),
        ];
        let mut separator = "";
        for (_, word) in words.into_iter().filter(|(asked, _)| *asked) {
            write!(f, "{separator}{word}")?;
            separator = ";";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

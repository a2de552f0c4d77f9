//! Header field names.

use std::fmt;

use super::token::Token;

macro_rules! names {
    ($($variant:ident $long:literal $compact:literal)*) => {
        /// The name of a header field. Names are equal without regard to case and to the compact
        /// form.
        #[derive(Clone)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $long, "`")] $variant,)*
            /// A field this stack has no word for; printed as it was written.
            Other(Token),
        }

        const NAMES: &[(&str, &str, HeaderName)] =
            &[$(($long, $compact, HeaderName::$variant)),*];

        impl HeaderName {
            /// Position in the list of known names; `OTHER` for others.
            pub(crate) const fn index(&self) -> u8 {
                enum Known { $($variant,)* }
                match self {
                    $(Self::$variant => Known::$variant as u8,)*
                    Self::Other(_) => OTHER,
                }
            }
        }
    };
}

names! {
    Accept "Accept" ""
    AcceptContact "Accept-Contact" "a"
    AcceptEncoding "Accept-Encoding" ""
    AcceptLanguage "Accept-Language" ""
    AlertInfo "Alert-Info" ""
    Allow "Allow" ""
    AllowEvents "Allow-Events" "u"
    AuthenticationInfo "Authentication-Info" ""
    Authorization "Authorization" ""
    CallId "Call-ID" "i"
    CallInfo "Call-Info" ""
    Contact "Contact" "m"
    ContentDisposition "Content-Disposition" ""
    ContentEncoding "Content-Encoding" "e"
    ContentId "Content-ID" ""
    ContentLanguage "Content-Language" ""
    ContentLength "Content-Length" "l"
    ContentTransferEncoding "Content-Transfer-Encoding" ""
    ContentType "Content-Type" "c"
    CSeq "CSeq" ""
    Date "Date" ""
    Diversion "Diversion" ""
    ErrorInfo "Error-Info" ""
    Event "Event" "o"
    Expires "Expires" ""
    FlowTimer "Flow-Timer" ""
    From "From" "f"
    HistoryInfo "History-Info" ""
    Identity "Identity" "y"
    InfoPackage "Info-Package" ""
    InReplyTo "In-Reply-To" ""
    Join "Join" ""
    MaxForwards "Max-Forwards" ""
    MimeVersion "MIME-Version" ""
    MinExpires "Min-Expires" ""
    MinSe "Min-SE" ""
    Organization "Organization" ""
    PAccessNetworkInfo "P-Access-Network-Info" ""
    PCalledPartyId "P-Called-Party-ID" ""
    PEarlyMedia "P-Early-Media" ""
    PAssertedIdentity "P-Asserted-Identity" ""
    PAssociatedUri "P-Associated-URI" ""
    Path "Path" ""
    PPreferredIdentity "P-Preferred-Identity" ""
    Priority "Priority" ""
    Privacy "Privacy" ""
    ProxyAuthenticate "Proxy-Authenticate" ""
    ProxyAuthorization "Proxy-Authorization" ""
    ProxyRequire "Proxy-Require" ""
    RAck "RAck" ""
    Reason "Reason" ""
    RecordRoute "Record-Route" ""
    RecvInfo "Recv-Info" ""
    ReferredBy "Referred-By" "b"
    ReferSub "Refer-Sub" ""
    ReferTo "Refer-To" "r"
    RejectContact "Reject-Contact" "j"
    RemotePartyId "Remote-Party-ID" ""
    Replaces "Replaces" ""
    ReplyTo "Reply-To" ""
    RequestDisposition "Request-Disposition" "d"
    Require "Require" ""
    ResourcePriority "Resource-Priority" ""
    RetryAfter "Retry-After" ""
    Route "Route" ""
    RSeq "RSeq" ""
    Server "Server" ""
    ServiceRoute "Service-Route" ""
    SessionExpires "Session-Expires" "x"
    SipEtag "SIP-ETag" ""
    SipIfMatch "SIP-If-Match" ""
    Subject "Subject" "s"
    SubscriptionState "Subscription-State" ""
    Supported "Supported" "k"
    TargetDialog "Target-Dialog" ""
    Timestamp "Timestamp" ""
    To "To" "t"
    Unsupported "Unsupported" ""
    UserAgent "User-Agent" ""
    UserToUser "User-to-User" ""
    Via "Via" "v"
    Warning "Warning" ""
    WwwAuthenticate "WWW-Authenticate" ""
}

pub(crate) const OTHER: u8 = u8::MAX;

impl HeaderName {
    /// The name written `text`, long or compact, in any case; `None` when that is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let index = lookup(text.as_bytes());
        match NAMES.get(usize::from(index)) {
            Some((_, _, name)) => Some(name.clone()),
            None => Token::new(text).map(Self::Other),
        }
    }

    /// The long form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(token) => token.as_str(),
            known => NAMES.get(usize::from(known.index())).map_or("", |(long, _, _)| long),
        }
    }

    /// The compact form (RFC 3261 §7.3.3 and later registrations).
    pub fn compact(&self) -> Option<char> {
        NAMES.get(usize::from(self.index())).and_then(|(_, compact, _)| compact.chars().next())
    }

    /// Whether a message may carry the field at most once (RFC 3261 §7.3.1, table 2).
    pub const fn is_single(&self) -> bool {
        matches!(
            self,
            Self::CallId
                | Self::ContentDisposition
                | Self::ContentId
                | Self::ContentLength
                | Self::ContentType
                | Self::CSeq
                | Self::Date
                | Self::Event
                | Self::Expires
                | Self::FlowTimer
                | Self::From
                | Self::InfoPackage
                | Self::Join
                | Self::MaxForwards
                | Self::MimeVersion
                | Self::MinExpires
                | Self::MinSe
                | Self::RAck
                | Self::ReferredBy
                | Self::ReferSub
                | Self::ReferTo
                | Self::Replaces
                | Self::RetryAfter
                | Self::RSeq
                | Self::SessionExpires
                | Self::SipEtag
                | Self::SipIfMatch
                | Self::SubscriptionState
                | Self::TargetDialog
                | Self::Timestamp
                | Self::To
        )
    }

    /// The known name at `index`.
    pub(crate) fn by_index(index: u8) -> Option<&'static Self> {
        NAMES.get(usize::from(index)).map(|(_, _, name)| name)
    }

    /// The long form of the known name at `index`.
    pub(crate) fn known(index: u8) -> &'static str {
        NAMES.get(usize::from(index)).map_or("", |(long, _, _)| long)
    }

    /// Whether the model holds each comma-separated value of the field as a field of its own.
    pub(crate) const fn is_address_list(&self) -> bool {
        matches!(
            self,
            Self::Via
                | Self::Route
                | Self::RecordRoute
                | Self::Contact
                | Self::Path
                | Self::ServiceRoute
                | Self::PAssertedIdentity
                | Self::PPreferredIdentity
                | Self::PAssociatedUri
                | Self::Diversion
                | Self::HistoryInfo
        )
    }
}

/// The index of the known name `bytes`, else `OTHER`.
#[inline]
pub(crate) fn lookup(bytes: &[u8]) -> u8 {
    let ends = ends(bytes);
    let mut slot = slot(ends);
    loop {
        let known = &SLOTS[slot];
        // As it is written most often. A longer name is more than its ends.
        if known.ends == ends && usize::from(known.len) == bytes.len() && bytes.len() <= 16 {
            return known.index;
        }
        let Some((long, compact, _)) = NAMES.get(usize::from(known.index)) else {
            return OTHER;
        };
        if bytes.eq_ignore_ascii_case(long.as_bytes())
            || bytes.eq_ignore_ascii_case(compact.as_bytes())
        {
            return known.index;
        }
        slot = (slot + 1) % SLOT_COUNT;
    }
}

/// A name or compact form, to be compared without a look at the text.
#[derive(Clone, Copy)]
struct Slot {
    ends: (u64, u64),
    len: u8,
    index: u8,
}

/// At most half full, so probing ends.
const SLOT_COUNT: usize = 256;
static SLOTS: [Slot; SLOT_COUNT] = slots();

const fn slots() -> [Slot; SLOT_COUNT] {
    let mut table = [Slot { ends: (0, 0), len: 0, index: OTHER }; SLOT_COUNT];
    let mut at = 0;
    while at < NAMES.len() {
        insert(&mut table, NAMES[at].0.as_bytes(), at as u8);
        insert(&mut table, NAMES[at].1.as_bytes(), at as u8);
        at += 1;
    }
    table
}

const fn insert(table: &mut [Slot; SLOT_COUNT], name: &[u8], index: u8) {
    if name.is_empty() {
        return;
    }
    let mut slot = slot(ends(name));
    while table[slot].index != OTHER {
        slot = (slot + 1) % SLOT_COUNT;
    }
    table[slot] = Slot { ends: ends(name), len: name.len() as u8, index };
}

/// The first octets and the last, eight of each where there are so many, else four or fewer: they may
/// overlap, and together are all of a name of up to 16 octets.
const fn ends(name: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64)
    } else if let (Some(first), Some(last)) = (name.first(), name.last()) {
        (*first as u64 | (name[name.len() / 2] as u64) << 8, *last as u64)
    } else {
        (0, 0)
    }
}

/// Where to look for a name, in any case.
const fn slot((first, last): (u64, u64)) -> usize {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let folded = (first | CASE) ^ (last | CASE).rotate_left(FACTORS.1);
    (folded.wrapping_mul(FACTORS.0) >> 56) as usize
}

/// With these 98 of the 102 names and letters have a slot of their own.
const FACTORS: (u64, u32) = (0x5FF3_26AB_277C_269F, 37);

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a.as_str().eq_ignore_ascii_case(b.as_str()),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_by_its_compact_form() {
        for (long, compact, name) in NAMES {
            assert_eq!(HeaderName::parse(long).as_ref(), Some(name));
            assert_eq!(HeaderName::parse(&long.to_uppercase()).as_ref(), Some(name));
            assert_eq!(name.as_str(), *long);
            if let Some(letter) = compact.chars().next() {
                assert_eq!(HeaderName::parse(compact).as_ref(), Some(name));
                assert_eq!(name.compact(), Some(letter));
            }
        }
        assert!(NAMES.len() < SLOT_COUNT / 2);
    }

    #[test]
    fn unknown_names_keep_their_spelling_and_ignore_case_when_compared() {
        let name = HeaderName::parse("X-Odd").expect("a token");
        assert_eq!(name.as_str(), "X-Odd");
        assert_eq!(Some(name), HeaderName::parse("x-ODD"));
        assert_eq!(HeaderName::parse("two words"), None);
        assert_eq!(HeaderName::parse(""), None);
        assert_eq!(HeaderName::parse("q"), HeaderName::parse("Q"));
    }
}

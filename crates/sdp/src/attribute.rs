//! `a=` lines that are no field of [`Session`](crate::Session) or [`Media`](crate::Media).
//!
//! One whose value cannot be read is kept as it was written, and so is one that nobody here acts on, like those of
//! ICE: it counts for nothing, and is not lost.

use std::fmt::{self, Write};

use crate::crypto::Crypto;
use crate::print::Page;
use crate::t38::T38Attribute;
use crate::text::Text;

/// An `a=` line that has no field of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `a=group` (RFC 5888).
    Group(Group),
    /// `a=mid`: the medium's name in groups.
    Mid(Text),
    /// `a=crypto`: keys for SRTP (RFC 4568).
    Crypto(Crypto),
    /// `a=fingerprint`: the certificate of a DTLS end (RFC 8122).
    Fingerprint(Fingerprint),
    /// `a=setup`: which end connects (RFC 4145).
    Setup(Setup),
    /// `a=ssrc` (RFC 5576).
    Ssrc(Ssrc),
    /// `a=silenceSupp` (RFC 3108).
    SilenceSupp(SilenceSupp),
    /// One of fax over T.38.
    T38(T38Attribute),
    /// Any other.
    Other {
        /// What stands before the colon.
        name: Text,
        /// What stands behind it.
        value: Option<Text>,
    },
}

/// `a=group:BUNDLE 0 1`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What the group is for: `LS`, `FID`, `BUNDLE`.
    pub semantics: Text,
    /// The `a=mid` of its members.
    pub mids: Vec<Text>,
}

/// `a=fingerprint:sha-256 4A:AD:…`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function, in small letters.
    pub hash: Text,
    /// Its value.
    pub octets: Vec<u8>,
}

/// The value of `a=setup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// It connects.
    Active,
    /// It waits.
    Passive,
    /// It does either.
    ActPass,
    /// Not yet.
    HoldConn,
}

/// `a=ssrc:4 cname:x`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssrc {
    /// The source.
    pub id: u32,
    /// What is said of it.
    pub name: Text,
    /// Its value.
    pub value: Option<Text>,
}

/// `a=silenceSupp:off - - - -`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceSupp {
    /// Whether silence is left out.
    pub on: bool,
    /// Timer, preference, comfort-noise and field mark, as they were written.
    pub rest: Text,
}

impl Attribute {
    /// `name` or `name:value`; `None` where there is no name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, value) = split(text);
        if name.is_empty() {
            return None;
        }
        let typed = value.and_then(|value| typed(name, value));
        let typed = typed.or_else(|| T38Attribute::parse(name, value).map(Self::T38));
        Some(
            typed
                .unwrap_or_else(|| Self::Other { name: name.into(), value: value.map(Text::from) }),
        )
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.text("a=");
        // Writing on a page cannot fail.
        let _ = match self {
            Self::Group(group) => write!(page, "{group}"),
            Self::Mid(mid) => write!(page, "mid:{mid}"),
            Self::Crypto(crypto) => write!(page, "crypto:{crypto}"),
            Self::Fingerprint(fingerprint) => write!(page, "{fingerprint}"),
            Self::Setup(setup) => write!(page, "setup:{}", setup.name()),
            Self::Ssrc(Ssrc { id, name, value: None }) => write!(page, "ssrc:{id} {name}"),
            Self::Ssrc(Ssrc { id, name, value: Some(value) }) => {
                write!(page, "ssrc:{id} {name}:{value}")
            }
            Self::SilenceSupp(SilenceSupp { on, rest }) => {
                let on = if *on { "on" } else { "off" };
                let space = if rest.is_empty() { "" } else { " " };
                write!(page, "silenceSupp:{on}{space}{rest}")
            }
            Self::T38(t38) => write!(page, "{t38}"),
            Self::Other { name, value: None } => page.write_str(name),
            Self::Other { name, value: Some(value) } => write!(page, "{name}:{value}"),
        };
        page.end();
    }
}

/// `name` or `name:value`
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, value)) => (name.trim_ascii(), Some(value.trim_ascii())),
        None => (text.trim_ascii(), None),
    }
}

/// The value of the attribute `name` among those that have no type.
pub(crate) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find_map(|attribute| {
        let Attribute::Other { name: found, value } = attribute else { return None };
        found.eq_ignore_ascii_case(name).then(|| value.as_deref().unwrap_or_default())
    })
}

fn typed(name: &str, value: &str) -> Option<Attribute> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        3 if is("mid") => {
            let mid = value.split_ascii_whitespace().next()?;
            Some(Attribute::Mid(mid.into()))
        }
        4 if is("ssrc") => Ssrc::parse(value).map(Attribute::Ssrc),
        5 if is("group") => Group::parse(value).map(Attribute::Group),
        5 if is("setup") => Setup::parse(value).map(Attribute::Setup),
        6 if is("crypto") => Crypto::parse(value).map(Attribute::Crypto),
        11 if is("fingerprint") => Fingerprint::parse(value).map(Attribute::Fingerprint),
        11 if is("silenceSupp") => SilenceSupp::parse(value).map(Attribute::SilenceSupp),
        _ => None,
    }
}

impl Group {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace().map(Text::from);
        Some(Self { semantics: words.next()?, mids: words.collect() })
    }
}

impl Fingerprint {
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let hash = words.next()?.to_ascii_lowercase().into();
        let octet = |pair: &str| match pair.as_bytes() {
            [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                u8::from_str_radix(pair, 16).ok()
            }
            _ => None,
        };
        let octets = words.next()?.split(':').map(octet).collect::<Option<_>>()?;
        Some(Self { hash, octets })
    }
}

impl Setup {
    fn parse(value: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn]
            .into_iter()
            .find(|setup| setup.name().eq_ignore_ascii_case(value))
    }

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }
}

impl Ssrc {
    fn parse(value: &str) -> Option<Self> {
        let (id, rest) = value.split_once(' ')?;
        let (name, value) = split(rest);
        let id = id.parse().ok()?;
        (!name.is_empty()).then(|| Self { id, name: name.into(), value: value.map(Text::from) })
    }
}

impl SilenceSupp {
    fn parse(value: &str) -> Option<Self> {
        let (word, rest) = value.split_once(' ').unwrap_or((value, ""));
        let on = match () {
            () if word.eq_ignore_ascii_case("on") => true,
            () if word.eq_ignore_ascii_case("off") => false,
            () => return None,
        };
        Some(Self { on, rest: rest.trim_ascii().into() })
    }
}

/// `group:BUNDLE 0 1`
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group:{}", self.semantics)?;
        self.mids.iter().try_for_each(|mid| write!(f, " {mid}"))
    }
}

/// `fingerprint:sha-256 4A:AD`
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fingerprint:{}", self.hash)?;
        let mut before = ' ';
        for octet in &self.octets {
            write!(f, "{before}{octet:02X}")?;
            before = ':';
        }
        Ok(())
    }
}

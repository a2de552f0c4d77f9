//! A description as a whole, and the lines before its first medium (RFC 8866 §5).

use std::fmt;

use crate::address::{Address, Connection};
use crate::attribute::{self, Attribute};
use crate::media::{Direction, Media, MediaKind};
use crate::print::Page;
use crate::text::{Text, Words};
use crate::time::{Timing, ZoneAdjustment};

/// A session description: who, where, and one entry per `m=` line.
///
/// [`Session::parse`] reads it; [`Session::to_body`] and `Display` print it, lines ended by CRLF. Lines for people
/// (`i= u= e= p=`), keys in the clear (`k=`) and letters that nobody knows are read over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`: who made it, and its version.
    pub origin: Origin,
    /// `s=`: the session's name; empty where it has none, which is written `-`.
    pub name: Text,
    /// `c=` before the first `m=`: the address of every medium that names none itself.
    pub connection: Option<Connection>,
    /// `b=` before the first `m=`.
    pub bandwidth: Vec<Bandwidth>,
    /// `t=` and `r=`; none is `t=0 0`, without bounds.
    pub times: Vec<Timing>,
    /// `z=`
    pub zones: Vec<ZoneAdjustment>,
    /// The direction of every medium that names none itself.
    pub direction: Option<Direction>,
    /// `a=ptime` before the first `m=`, where it does not belong and is meant for all.
    pub ptime_ms: Option<u16>,
    /// `a=maxptime` before the first `m=`, likewise.
    pub max_ptime_ms: Option<u16>,
    /// All other `a=` lines before the first `m=`.
    pub attributes: Vec<Attribute>,
    /// `m=` lines in order; their number and order is fixed for the life of a dialog (RFC 3264 §8).
    pub media: Vec<Media>,
}

/// `o=`: user name, session id, version and address of the maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user's name there; empty where there is none, which is written `-`.
    pub user: Text,
    /// Together with the user and address unique to the session.
    pub id: u64,
    /// Grows by one with every change of the description (RFC 3264 §8).
    pub version: u64,
    /// The maker's address; of no use for media.
    pub address: Address,
}

/// A `b=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// What is bounded.
    pub kind: BandwidthKind,
    /// The bound, in the kind's unit.
    pub value: u64,
}

/// The word before the colon of a `b=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BandwidthKind {
    /// `CT`: all media of all sites, in kbit/s.
    ConferenceTotal,
    /// `AS`: one medium with its IP headers, in kbit/s.
    ApplicationSpecific,
    /// `TIAS`: one medium without headers, in bit/s (RFC 3890).
    TransportIndependent,
    /// `RS`: RTCP of senders, in bit/s (RFC 3556).
    RtcpSenders,
    /// `RR`: RTCP of receivers, in bit/s.
    RtcpReceivers,
    /// Any other word, as it was written.
    Other(Text),
}

impl Session {
    /// An empty description by `origin`.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            name: Text::EMPTY,
            connection: None,
            bandwidth: Vec::new(),
            times: Vec::new(),
            zones: Vec::new(),
            direction: None,
            ptime_ms: None,
            max_ptime_ms: None,
            attributes: Vec::new(),
            media: Vec::new(),
        }
    }

    /// The direction of `media`: its own, else the session's, else both ways.
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction.or(self.direction).unwrap_or_default()
    }

    /// The address of `media`: its own, else the session's.
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a Connection> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// The packet time of `media` in milliseconds: its own, else the session's.
    pub fn ptime_of(&self, media: &Media) -> Option<u16> {
        media.ptime_ms.or(self.ptime_ms)
    }

    /// The longest packet time of `media` in milliseconds: its own, else the session's.
    pub fn max_ptime_of(&self, media: &Media) -> Option<u16> {
        media.max_ptime_ms.or(self.max_ptime_ms)
    }

    /// The first audio medium that is in use.
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|m| m.kind == MediaKind::Audio && m.port != 0)
    }

    /// The value of an attribute of the whole session that has no type of its own, like `tool`; empty where it has
    /// none. Names are compared without regard to case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attribute::find(&self.attributes, name)
    }
}

impl Origin {
    /// What is assumed of an `o=` line that is missing.
    pub const fn unknown() -> Self {
        Self { user: Text::EMPTY, id: 0, version: 0, address: Address::UNSPECIFIED }
    }

    /// `alice 42 3 IN IP4 192.0.2.1`. Where it is not, as much as can be told: a number that is missing or none is 0,
    /// one beyond 64 bits the largest, an address that is none 0.0.0.0. Nothing depends on them but the question
    /// whether two descriptions are the same.
    #[inline]
    pub(crate) fn parse(value: &[u8]) -> Self {
        let mut words = Words(value);
        let user = words.next().map_or(Text::EMPTY, name);
        let mut numeric =
            || words.next_if(|word| !word.eq_ignore_ascii_case(b"IN")).map_or(0, saturating);
        let (id, version) = (numeric(), numeric());
        let address = Address::parse(&mut words).unwrap_or(Address::UNSPECIFIED);
        Self { user, id, version, address }
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.kept_or_dash(&self.user);
        page.text(" ");
        page.number(self.id);
        page.text(" ");
        page.number(self.version);
        page.text(" ");
        self.address.print(page);
    }
}

/// The name that a word is: `-` is none.
pub(crate) fn name(word: &[u8]) -> Text {
    if word == b"-" { Text::EMPTY } else { Text::piece(word) }
}

/// A numeric string of any length; what exceeds 64 bits saturates, what is no number is 0.
fn saturating(text: &[u8]) -> u64 {
    let digits = text.iter().map(|b| b.wrapping_sub(b'0'));
    let mut value = 0u64;
    // So many digits cannot exceed 64 bits.
    let short = text.len() < 20;
    for digit in digits {
        value = match digit {
            10.. => return 0,
            _ if short => value * 10 + u64::from(digit),
            _ => value.saturating_mul(10).saturating_add(digit.into()),
        };
    }
    value
}

impl Bandwidth {
    /// `AS:84`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (kind, value) = value.split_once(':')?;
        let (kind, value) = (kind.trim_ascii(), value.trim_ascii().parse().ok()?);
        let known = [
            BandwidthKind::ConferenceTotal,
            BandwidthKind::ApplicationSpecific,
            BandwidthKind::TransportIndependent,
            BandwidthKind::RtcpSenders,
            BandwidthKind::RtcpReceivers,
        ];
        let found = known.into_iter().find(|known| known.name().eq_ignore_ascii_case(kind));
        let kind = match found {
            Some(kind) => kind,
            None if kind.is_empty() => return None,
            None => BandwidthKind::Other(kind.into()),
        };
        Some(Self { kind, value })
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.text("b=");
        page.text(self.kind.name());
        page.text(":");
        page.number(self.value);
        page.end();
    }
}

impl BandwidthKind {
    /// The word.
    pub fn name(&self) -> &str {
        match self {
            Self::ConferenceTotal => "CT",
            Self::ApplicationSpecific => "AS",
            Self::TransportIndependent => "TIAS",
            Self::RtcpSenders => "RS",
            Self::RtcpReceivers => "RR",
            Self::Other(word) => word,
        }
    }
}

/// `alice 42 3 IN IP4 192.0.2.1`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(0);
        self.print(&mut page);
        page.show(f)
    }
}

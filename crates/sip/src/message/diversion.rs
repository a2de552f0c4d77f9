//! How a call came here: Diversion (RFC 5806) and History-Info (RFC 7044).

use std::fmt;

use super::grammar::{self, delta_seconds};
use super::token::words;
use super::{Malformed, NameAddr, Params, Privacy, Reason};

words! {
    /// Why a call was diverted (RFC 5806 §4).
    pub enum DiversionReason {
        /// Not known.
        Unknown "unknown"
        /// The callee was busy.
        UserBusy "user-busy"
        /// The callee did not answer.
        NoAnswer "no-answer"
        /// The callee could not be reached.
        Unavailable "unavailable"
        /// All calls are diverted.
        Unconditional "unconditional"
        /// At this time calls are diverted.
        TimeOfDay "time-of-day"
        /// The callee does not want to be disturbed.
        DoNotDisturb "do-not-disturb"
        /// The callee diverted this call.
        Deflection "deflection"
        /// The callee is somewhere else.
        FollowMe "follow-me"
        /// The callee's line does not work.
        OutOfService "out-of-service"
        /// The callee is away.
        Away "away"
    }
}

words! {
    /// What of a diverting user may be shown (RFC 5806 §4).
    pub enum DiversionPrivacy {
        /// Nothing.
        Full "full"
        /// Not the name.
        Name "name"
        /// Not the address.
        Uri "uri"
        /// Everything.
        Off "off"
    }
}

/// One diversion; the topmost of a message is the latest (RFC 5806 §4).
///
/// A parameter whose value is of a form this type does not know stays in `address.params`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Who diverted, with further parameters.
    pub address: NameAddr,
    /// Why.
    pub reason: Option<DiversionReason>,
    /// How many diversions the entry stands for; one when absent.
    pub counter: Option<u32>,
    /// How many there may be.
    pub limit: Option<u32>,
    /// What may be shown.
    pub privacy: Option<DiversionPrivacy>,
    /// Whether the address was verified.
    pub screen: Option<bool>,
}

impl Diversion {
    /// The one diversion written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut address = NameAddr::parse(bytes)?;
        let params = &mut address.params;
        let number = |params: &mut Params, name: &str| match params.take(name) {
            None => Ok(None),
            Some(value) => delta_seconds(value.unwrap_or_default().as_bytes()).map(Some),
        };
        let counter = number(params, "counter")?;
        let limit = number(params, "limit")?;
        let reason = params.value("reason").and_then(DiversionReason::parse);
        let privacy = params.value("privacy").and_then(DiversionPrivacy::parse);
        let screen = params.value("screen").and_then(|word| match word {
            _ if word.eq_ignore_ascii_case("yes") => Some(true),
            _ if word.eq_ignore_ascii_case("no") => Some(false),
            _ => None,
        });
        let known = [
            ("reason", reason.is_some()),
            ("privacy", privacy.is_some()),
            ("screen", screen.is_some()),
        ];
        for (name, _) in known.into_iter().filter(|(_, known)| *known) {
            params.remove(name);
        }
        Ok(Self { address, reason, counter, limit, privacy, screen })
    }
}

impl fmt::Display for Diversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if let Some(reason) = &self.reason {
            write!(f, ";reason={reason}")?;
        }
        if let Some(counter) = self.counter {
            write!(f, ";counter={counter}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ";limit={limit}")?;
        }
        if let Some(privacy) = &self.privacy {
            write!(f, ";privacy={privacy}")?;
        }
        match self.screen {
            None => Ok(()),
            Some(screen) => f.write_str(if screen { ";screen=yes" } else { ";screen=no" }),
        }
    }
}

/// A place in the tree of retargetings: `1.2.1` (RFC 7044 §5, `hi-index-val`). At least one number,
/// at most 32.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryIndex(Vec<u32>);

impl HistoryIndex {
    /// `numbers` as an index; `None` for none or more than 32.
    pub fn new(numbers: Vec<u32>) -> Option<Self> {
        (1..=MAX_DEPTH).contains(&numbers.len()).then_some(Self(numbers))
    }

    /// The index written `text`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let number = |part: &str| {
            let number = grammar::number(part.as_bytes());
            number.and_then(|number| u32::try_from(number).ok()).ok_or(Malformed::Number)
        };
        // One more than may be, so that too many are seen.
        let numbers: Result<Vec<_>, _> = text.split('.').take(MAX_DEPTH + 1).map(number).collect();
        Self::new(numbers?).ok_or(Malformed::Count)
    }

    /// The numbers from the root on.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// The place that this one is below; `None` for a root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Self::new(above.to_vec())
    }

    /// The first place below this one (RFC 7044 §10.3); `None` when the tree is too deep.
    pub fn child(&self) -> Option<Self> {
        Self::new(self.0.iter().copied().chain([1]).collect())
    }
}

const MAX_DEPTH: usize = 32;

impl fmt::Display for HistoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for number in &self.0 {
            write!(f, "{separator}{number}")?;
            separator = ".";
        }
        Ok(())
    }
}

/// How the target of an entry was found (RFC 7044 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryTarget {
    /// `rc`: a contact of the same user as the entry of that index.
    RegisteredContact(HistoryIndex),
    /// `mp`: another user than that of the entry of that index.
    MappedUser(HistoryIndex),
    /// `np`: the same target as the entry of that index.
    NoChange(HistoryIndex),
}

/// One entry of the history: `<sip:bob@h?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1` (RFC 7044 §5);
/// the last of a message is the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryInfo {
    /// Whereto the request was sent, with further parameters.
    pub address: NameAddr,
    /// The entry's place.
    pub index: HistoryIndex,
    /// How the target was found.
    pub target: Option<HistoryTarget>,
}

impl HistoryInfo {
    /// The one entry written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut address = NameAddr::parse(bytes)?;
        let params = &mut address.params;
        let index = params.take("index").flatten().ok_or(Malformed::MissingParameter)?;
        let mut target = None;
        for (name, kind) in TARGETS {
            if let Some(value) = params.take(name) {
                let value = HistoryIndex::parse(&value.unwrap_or_default())?;
                if target.replace(kind(value)).is_some() {
                    return Err(Malformed::Parameter);
                }
            }
        }
        Ok(Self { index: HistoryIndex::parse(&index)?, address, target })
    }

    /// Why the request did not stay there: the Reason among the URI's headers (RFC 7044 §10.2).
    pub fn reason(&self) -> Option<Reason> {
        let text = self.address.uri.as_sip()?.header("Reason")?;
        Reason::parse(text.as_bytes()).ok()
    }

    /// The cause why the request was sent there, `cause` of the URI (RFC 4458 §2).
    pub fn cause(&self) -> Option<u16> {
        self.address.uri.param("cause")?.parse().ok()
    }

    /// What may not be shown of the entry: the Privacy among the URI's headers (RFC 7044 §10.1).
    pub fn privacy(&self) -> Privacy {
        let text = self.address.uri.as_sip().and_then(|uri| uri.header("Privacy"));
        text.map_or_else(Privacy::default, |text| Privacy::parse(&text))
    }
}

type TargetOf = fn(HistoryIndex) -> HistoryTarget;

const TARGETS: [(&str, TargetOf); 3] = [
    ("rc", HistoryTarget::RegisteredContact),
    ("mp", HistoryTarget::MappedUser),
    ("np", HistoryTarget::NoChange),
];

impl fmt::Display for HistoryInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};index={}", self.address, self.index)?;
        match &self.target {
            None => Ok(()),
            Some(HistoryTarget::RegisteredContact(index)) => write!(f, ";rc={index}"),
            Some(HistoryTarget::MappedUser(index)) => write!(f, ";mp={index}"),
            Some(HistoryTarget::NoChange(index)) => write!(f, ";np={index}"),
        }
    }
}

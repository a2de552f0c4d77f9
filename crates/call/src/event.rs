//! The eleven words of Q.931 that the legs of a call share.

use std::borrow::Cow;
use std::fmt;

use tipring_core::{Cause, Number, Redact};

/// What one leg tells the other.
///
/// There are no bodies in it: each leg terminates its own media, and the media engine joins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call begins. Towards a leg it is said by [`crate::Output::PlaceLeg`].
    Setup(Box<Setup>),
    /// The number is complete and being worked on; no sound.
    Proceeding,
    /// The called side rings.
    Alerting {
        /// The called side sends its own ringback; play none locally.
        early_media: bool,
    },
    /// Something happens before answer that can be heard, or nothing but delay.
    Progress {
        /// The called side sends audio.
        early_media: bool,
    },
    /// The called side answered.
    Answer,
    /// A digit was pressed.
    Digit {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// In ms.
        ms: u16,
    },
    /// The connected party changed.
    Update(Update),
    /// One side put the other on hold, or took it back.
    Hold {
        /// On hold.
        on: bool,
    },
    /// The called side says to try elsewhere; this ends the leg that says it.
    Redirect(Redirect),
    /// One side wants the other connected elsewhere.
    Transfer(Transfer),
    /// The end of a leg.
    Release(Release),
}

/// The beginning of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Who is called.
    pub called: Number,
    /// Who calls; `None` when it is not available.
    pub calling: Option<Number>,
    /// The caller's name.
    pub calling_name: Option<String>,
    /// Whether the called user may see them.
    pub privacy: Privacy,
    /// Where the call was sent on from, the first time first.
    pub redirecting: Vec<Redirecting>,
    /// The ring that the caller wants, by the gateway's name for it.
    pub distinctive: Option<String>,
    /// What more there is to know of the caller, and where.
    pub links: Vec<Link>,
}

/// Where a call was sent on from, and why (Q.952).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirecting {
    /// The number that was called before.
    pub number: Number,
    /// Why the call did not stay there.
    pub reason: RedirectReason,
    /// Whether whom it is sent to may see that.
    pub privacy: Privacy,
}

/// Why a call was sent on (Q.952 §1.5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectReason {
    /// Not known.
    #[default]
    Unknown,
    /// All calls are sent on.
    Unconditional,
    /// Who was called was busy.
    Busy,
    /// Nobody answered.
    NoReply,
    /// Who was called sent on this call.
    Deflection,
    /// Who was called could not be reached.
    NotReachable,
}

/// A place that tells more of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `https://…` or `http://…`. It comes from the caller's side: look at it with care.
    pub uri: String,
    /// `icon`, `info` or `card`.
    pub purpose: String,
}

impl Setup {
    /// A call to `called` by nobody in particular.
    pub const fn new(called: Number) -> Self {
        Self {
            called,
            calling: None,
            calling_name: None,
            privacy: Privacy::Allowed,
            redirecting: Vec::new(),
            distinctive: None,
            links: Vec::new(),
        }
    }
}

/// Presentation of the calling party (Q.951).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    /// The called user may see number and name.
    #[default]
    Allowed,
    /// Only the network may.
    Restricted,
}

/// A changed connected party.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// The number.
    pub number: Option<Number>,
    /// The name.
    pub name: Option<String>,
}

/// Other places to try, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Addresses in the words of the leg that gave them; the gateway makes targets of them.
    pub contacts: Vec<String>,
    /// The cause to report when none of them can be reached.
    pub cause: Cause,
    /// Somebody else may be called now; false when it is the same party, by another way.
    pub diverts: bool,
}

/// Where a transferred party shall be connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// An address in the words of the leg that gave it.
    pub to: String,
}

/// Why a leg ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// In Q.850's words.
    pub cause: Cause,
    /// What told us, for the one who asks why a call ended: `on-hook`, `loop open`, `BYE`, `timer no answer`.
    pub evidence: Cow<'static, str>,
    /// What it says of other ways to who is called.
    pub scope: Scope,
    /// The code that who is called gave, in the words of its leg, for another leg that speaks the same.
    pub code: Option<u16>,
}

/// What a release says of other ways to who is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    #[default]
    Leg,
    /// Who is called will not answer elsewhere either: others that ring for the same call stop.
    Everywhere,
    /// Nobody has heard of the call, and by another way it may come there.
    Way,
}

impl Release {
    /// A release with its evidence.
    pub fn new(cause: Cause, evidence: impl Into<Cow<'static, str>>) -> Self {
        Self { cause, evidence: evidence.into(), scope: Scope::Leg, code: None }
    }

    /// The same, as who is called has said it.
    pub fn with_code(self, code: u16) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same as the last word of who is called.
    pub fn everywhere(self) -> Self {
        Self { scope: Scope::Everywhere, ..self }
    }

    /// The same of a way that has failed before anybody was reached.
    pub fn of_the_way(self) -> Self {
        Self { scope: Scope::Way, ..self }
    }
}

/// The word and what matters of its contents, numbers redacted.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(setup) => write!(f, "Setup({})", Redact::Number(&setup.called)),
            Self::Proceeding => f.write_str("Proceeding"),
            Self::Alerting { early_media: false } => f.write_str("Alerting"),
            Self::Alerting { early_media: true } => f.write_str("Alerting(early media)"),
            Self::Progress { early_media: false } => f.write_str("Progress"),
            Self::Progress { early_media: true } => f.write_str("Progress(early media)"),
            Self::Answer => f.write_str("Answer"),
            Self::Digit { ms, .. } => write!(f, "Digit({ms} ms)"),
            Self::Update(_) => f.write_str("Update"),
            Self::Hold { on: true } => f.write_str("Hold"),
            Self::Hold { on: false } => f.write_str("Hold(off)"),
            Self::Redirect(redirect) => write!(f, "Redirect({})", redirect.contacts.len()),
            Self::Transfer(_) => f.write_str("Transfer"),
            Self::Release(release) => write!(f, "Release({release})"),
        }
    }
}

/// `17 user busy, BYE`
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.cause, self.evidence)
    }
}

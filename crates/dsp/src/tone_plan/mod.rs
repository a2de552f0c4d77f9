//! The tones of each country, as data.
//!
//! *What*: a [`TonePlan`] has a [`Program`] for each [`Name`]. [`TonePlan::all`] has more than fifty countries, after
//! ITU-T E.180 Supplement 2 and the national interface descriptions; [`TonePlan::parse`] reads the
//! same notation from elsewhere, and `Display` writes it.
//!
//! ```text
//! [us] United States                              code and English name
//! dial 350@-13+440@-13                            two frequencies, each of -13 dBm0, until the caller dials
//! busy 480+620/500,0/500                          500 ms on, 500 ms off; -10 dBm0 in all where nothing is said
//! ringback 400@-16*16%85/1000,0/2000              400 Hz modulated by 16 Hz, 85 % deep (90 where nothing is said)
//! stutter-dial !425/100,!0/100,425                a segment with ! is played once, at the beginning
//! ```
//!
//! *Where to start*: [`TonePlan::find`].

mod notation;

use std::sync::LazyLock;

pub use notation::{Fault, ParseError};

use crate::tone::Program;

/// A tone that tells a caller how the call goes (E.180).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Dial, please.
    Dial,
    /// Dial tone with something to notice: a diversion is active, messages wait.
    StutterDial,
    /// The called telephone rings.
    Ringback,
    /// The called user is busy.
    Busy,
    /// No path through the network ("reorder", "fast busy").
    Congestion,
    /// Another call waits; heard in a conversation.
    CallWaiting,
    /// The special information tone: three rising frequencies before an announcement.
    Information,
    /// The number leads nowhere, where that has a tone of its own.
    NumberUnobtainable,
    /// The receiver has been left off the hook.
    Howler,
}

impl Name {
    /// Every name.
    pub const ALL: [Name; 9] = [
        Name::Dial,
        Name::StutterDial,
        Name::Ringback,
        Name::Busy,
        Name::Congestion,
        Name::CallWaiting,
        Name::Information,
        Name::NumberUnobtainable,
        Name::Howler,
    ];

    /// In lower case with hyphens, as the notation has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Name::Dial => "dial",
            Name::StutterDial => "stutter-dial",
            Name::Ringback => "ringback",
            Name::Busy => "busy",
            Name::Congestion => "congestion",
            Name::CallWaiting => "call-waiting",
            Name::Information => "information",
            Name::NumberUnobtainable => "number-unobtainable",
            Name::Howler => "howler",
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The tones of one country, or of one exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct TonePlan {
    /// ISO 3166-1 alpha-2 in lower case, but `uk`, and `us-old`.
    pub code: String,
    /// English name of the country.
    pub country: String,
    tones: [Option<Program>; Name::ALL.len()],
}

impl TonePlan {
    /// A plan without a tone.
    pub fn new(code: &str, country: &str) -> TonePlan {
        TonePlan {
            code: code.to_owned(),
            country: country.to_owned(),
            tones: [None; Name::ALL.len()],
        }
    }

    /// Every plan that is built in, by code.
    pub fn all() -> &'static [TonePlan] {
        static PLANS: LazyLock<Vec<TonePlan>> = LazyLock::new(|| {
            TonePlan::parse(include_str!("plans.txt")).expect("a test parses the plans")
        });
        &PLANS
    }

    /// The plan of a country; upper case is taken, and `gb` for `uk`.
    pub fn find(code: &str) -> Option<&'static TonePlan> {
        let wanted = if code.eq_ignore_ascii_case("gb") { "uk" } else { code };
        TonePlan::all().iter().find(|plan| plan.code.eq_ignore_ascii_case(wanted))
    }

    /// What this tone sounds like; `None` if the plan does not say.
    pub fn tone(&self, name: Name) -> Option<&Program> {
        self.tones[name as usize].as_ref()
    }

    /// Puts a tone in, or in the place of what there was.
    pub fn set(&mut self, name: Name, program: Program) {
        self.tones[name as usize] = Some(program);
    }

    /// The tones that the plan has, in the order of [`Name::ALL`].
    pub fn tones(&self) -> impl Iterator<Item = (Name, &Program)> {
        Name::ALL
            .into_iter()
            .zip(&self.tones)
            .filter_map(|(name, tone)| Some((name, tone.as_ref()?)))
    }
}

//! Who is reached by which number.

use std::fmt;

use tipring_core::{Cause, Number};

use crate::pattern::{DIALABLE, Pattern};

/// Where a call comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An analog line, by name.
    Line(String),
    /// An ISDN span, by name.
    Span(String),
    /// A SIP trunk, by name.
    Trunk(String),
    /// An account of the SIP server, by name.
    User(String),
    /// A SIP peer that is neither.
    Guest,
}

/// Which origins a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFrom {
    /// All.
    Any,
    /// Every user.
    AnyUser,
    /// The line, span, trunk or user of this name.
    Named(String),
}

/// The kind of place that a rule leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An analog line, by name.
    Line(String),
    /// An ISDN span, by name.
    Span(String),
    /// A SIP trunk, by name.
    Trunk(String),
    /// A group, by name.
    Group(String),
    /// The user whose name is the number.
    User,
    /// A SIP address outside this gateway (a redirection's contact).
    Address,
}

/// One routing rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What the CDR and the dry run call it: its name, or its place (from 1).
    pub label: String,
    /// Whose calls it applies to.
    pub from: RuleFrom,
    /// Which numbers.
    pub pattern: Pattern,
    /// Where they lead.
    pub to: Target,
    /// How many leading characters of the number are dropped.
    pub strip: usize,
    /// What is put before the rest.
    pub prefix: String,
}

/// Who has which number, without any rule.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Numbers of lines (and spans), and the names of those lines.
    pub lines: Vec<(Number, Target)>,
    /// Names of users.
    pub users: Vec<Number>,
}

/// Rules, first match first, and the directory after them.
#[derive(Clone, Debug, Default)]
pub struct RoutePlan {
    rules: Vec<Rule>,
    directory: Directory,
}

/// Where a number leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The rule's label; `None` when the directory alone knew it.
    pub rule: Option<String>,
    /// Where to.
    pub target: Target,
    /// The number there.
    pub number: Number,
}

/// Why a number leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No rule and nobody has it: cause 1.
    Unallocated,
    /// It could become a number with more digits: cause 28.
    Incomplete,
    /// A rule's rewriting leaves no number: cause 28.
    NothingLeft,
    /// It leads only where no call may go now: cause 42.
    Closed,
}

/// What the digits so far are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not a number yet.
    NeedMore,
    /// A number, and more digits could make another.
    Match,
    /// A number that cannot be longer.
    Complete,
    /// No number begins so.
    Impossible,
}

/// What became of one rule in a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrace {
    /// The rule's label; `None` for the directory.
    pub rule: Option<String>,
    /// The outcome.
    pub outcome: RuleOutcome,
}

/// The outcome of one rule in a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// It is for calls from elsewhere.
    OtherOrigin,
    /// The number does not match.
    NoMatch,
    /// The number does not match yet; more digits could.
    Incomplete,
    /// It matches, but its rewriting leaves no number.
    NothingLeft,
    /// It matches, and leads there.
    Matched(Routed),
    /// An earlier rule has matched.
    NotReached,
}

impl RoutePlan {
    /// A plan of `rules` in their order, then `directory`.
    pub const fn new(rules: Vec<Rule>, directory: Directory) -> Self {
        Self { rules, directory }
    }

    /// Where `number` leads for a call from `from`.
    pub fn route(&self, from: &Origin, number: &str) -> Result<Routed, NoRoute> {
        self.route_to(from, number, |_| true)
    }

    /// Where `number` leads for a call from `from` while only the places that are `open` may be called: rules that lead
    /// elsewhere are passed over.
    pub fn route_to(
        &self,
        from: &Origin,
        number: &str,
        open: impl Fn(&Target) -> bool,
    ) -> Result<Routed, NoRoute> {
        let (mut incomplete, mut closed) = (false, false);
        let rules = self.rules.iter().map(|rule| rule.try_on(from, number));
        for outcome in rules.chain(std::iter::once_with(|| self.directory.find(number))) {
            match outcome {
                RuleOutcome::Matched(routed) if open(&routed.target) => return Ok(routed),
                RuleOutcome::Matched(_) => closed = true,
                RuleOutcome::NothingLeft => return Err(NoRoute::NothingLeft),
                RuleOutcome::Incomplete => incomplete = true,
                RuleOutcome::OtherOrigin | RuleOutcome::NoMatch | RuleOutcome::NotReached => {}
            }
        }
        Err(match (closed, incomplete) {
            (true, _) => NoRoute::Closed,
            (false, true) => NoRoute::Incomplete,
            (false, false) => NoRoute::Unallocated,
        })
    }

    /// Whether something can be dialled that leads calls from `from` to `number` at the trunk `target`, other trunks
    /// aside. Where a rule drops digits that its pattern leaves open, a few of them are tried.
    pub fn leads_to(&self, from: &Origin, target: &Target, number: &str) -> bool {
        let open = |to: &Target| to == target || !matches!(to, Target::Trunk(_));
        let leads = |dialled: String| {
            self.route_to(from, &dialled, open)
                .is_ok_and(|routed| routed.target == *target && *routed.number == *number)
        };
        let rules = self.rules.iter();
        let mut own = rules.filter(|rule| rule.to == *target && rule.from.applies_to(from));
        own.any(|rule| rule.dialled_for(number).into_iter().any(leads))
    }

    /// The dry run: every rule in order, then the directory.
    pub fn explain(&self, from: &Origin, number: &str) -> Vec<RuleTrace> {
        let mut decided = false;
        let mut traces = Vec::with_capacity(self.rules.len() + 1);
        for rule in &self.rules {
            let outcome = if decided { RuleOutcome::NotReached } else { rule.try_on(from, number) };
            decided |= outcome.decides();
            traces.push(RuleTrace { rule: Some(rule.label.clone()), outcome });
        }
        let outcome = if decided { RuleOutcome::NotReached } else { self.directory.find(number) };
        traces.push(RuleTrace { rule: None, outcome });
        traces
    }

    /// What the digits that a telephone has dialled so far are worth.
    pub fn verdict(&self, from: &Origin, digits: &str) -> Verdict {
        let rules = self.rules.iter().filter(|rule| rule.from.applies_to(from)).map(|rule| {
            let found = rule.pattern.check(digits);
            (found.accepts, found.may_extend)
        });
        let directory = self.directory.numbers().map(|number| {
            let rest = number.strip_prefix(digits);
            (rest == Some(""), rest.is_some_and(|rest| !rest.is_empty()))
        });
        let (accepts, extends) = rules
            .chain(directory)
            .fold((false, false), |sum, one| (sum.0 || one.0, sum.1 || one.1));
        match (accepts, extends) {
            (false, false) => Verdict::Impossible,
            (false, true) => Verdict::NeedMore,
            (true, false) => Verdict::Complete,
            (true, true) => Verdict::Match,
        }
    }
}

/// What can have been dialled for a number, as far as it is tried.
const MAX_DIALLED: usize = 32;

impl Rule {
    /// Numbers that this rule matches and makes `number` of.
    fn dialled_for(&self, number: &str) -> Vec<String> {
        let Some(rest) = number.strip_prefix(&self.prefix) else { return Vec::new() };
        let mut starts = vec![String::new()];
        for dropped in 0..self.strip {
            let open = self.strip - dropped - 1;
            let longer = starts.iter().flat_map(|start| DIALABLE.chars().map(move |c| (start, c)));
            let longer = longer.map(|(start, c)| format!("{start}{c}"));
            let matches = |start: &String| self.pattern.accepts_around(start, open, rest);
            starts = longer.filter(matches).take(MAX_DIALLED).collect();
        }
        starts.into_iter().map(|start| start + rest).collect()
    }

    fn try_on(&self, from: &Origin, number: &str) -> RuleOutcome {
        if !self.from.applies_to(from) {
            return RuleOutcome::OtherOrigin;
        }
        let found = self.pattern.check(number);
        if !found.accepts {
            let longer = found.may_extend && is_dialable(number);
            return if longer { RuleOutcome::Incomplete } else { RuleOutcome::NoMatch };
        }
        let rest: String = number.chars().skip(self.strip).collect();
        match Number::new(format!("{}{rest}", self.prefix)) {
            Ok(number) => RuleOutcome::Matched(Routed {
                rule: Some(self.label.clone()),
                target: self.to.clone(),
                number,
            }),
            Err(_) => RuleOutcome::NothingLeft,
        }
    }
}

/// Only what is dialled digit by digit can be incomplete; a name is wrong or right.
fn is_dialable(number: &str) -> bool {
    Number::new(number).is_ok_and(|number| number.is_dialable())
}

impl RuleFrom {
    /// Whether a call from `origin` is meant.
    pub fn applies_to(&self, origin: &Origin) -> bool {
        match self {
            Self::Any => true,
            Self::AnyUser => matches!(origin, Origin::User(_)),
            Self::Named(wanted) => origin.name() == Some(wanted),
        }
    }
}

impl Origin {
    /// The name of what it comes from.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Line(name) | Self::Span(name) | Self::Trunk(name) | Self::User(name) => {
                Some(name)
            }
            Self::Guest => None,
        }
    }

    /// Whether a call from here may go to `target`. Toll fraud: whoever sends us a datagram must not call out at our
    /// cost, so a guest reaches lines and users only.
    pub fn may_call(&self, target: &Target) -> bool {
        *self != Self::Guest || matches!(target, Target::Line(_) | Target::Group(_) | Target::User)
    }
}

impl Directory {
    fn find(&self, number: &str) -> RuleOutcome {
        let line = self.lines.iter().find(|(has, _)| has.as_str() == number);
        let user = || self.users.iter().find(|name| name.as_str() == number);
        let found = line
            .map(|(has, target)| (has.clone(), target.clone()))
            .or_else(|| user().map(|name| (name.clone(), Target::User)));
        if let Some((number, target)) = found {
            return RuleOutcome::Matched(Routed { rule: None, target, number });
        }
        let longer = is_dialable(number) && self.numbers().any(|has| has.starts_with(number));
        if longer { RuleOutcome::Incomplete } else { RuleOutcome::NoMatch }
    }

    fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.lines.iter().map(|(number, _)| number).chain(&self.users)
    }
}

impl RuleOutcome {
    const fn decides(&self) -> bool {
        matches!(self, Self::Matched(_) | Self::NothingLeft)
    }
}

impl NoRoute {
    /// The cause to release the call with.
    pub const fn cause(self) -> Cause {
        match self {
            Self::Unallocated => Cause::UNALLOCATED_NUMBER,
            Self::Incomplete | Self::NothingLeft => Cause::INVALID_NUMBER_FORMAT,
            Self::Closed => Cause::CONGESTION,
        }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unallocated => "no rule matches the number and nobody has it",
            Self::Incomplete => "the number is incomplete",
            Self::NothingLeft => "the rule that matches leaves no number to call",
            Self::Closed => "nobody takes calls now where the number leads",
        })
    }
}

impl std::error::Error for NoRoute {}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(name) => write!(f, "line {name}"),
            Self::Span(name) => write!(f, "span {name}"),
            Self::Trunk(name) => write!(f, "trunk {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::User => f.write_str("user"),
            Self::Address => f.write_str("address"),
        }
    }
}

/// One line of a dry run: `rule 1: matches, calls +15551234 at trunk provider`.
impl fmt::Display for RuleTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(label) => write!(f, "rule {label}: {}", self.outcome),
            None => write!(f, "directory: {}", self.outcome),
        }
    }
}

impl fmt::Display for RuleOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOrigin => f.write_str("is for calls from elsewhere"),
            Self::NoMatch => f.write_str("does not match"),
            Self::Incomplete => f.write_str("does not match yet; more digits could"),
            Self::NothingLeft => f.write_str("matches, but leaves no number to call"),
            Self::Matched(Routed { target, number, .. }) => {
                write!(f, "matches, calls {number} at {target}")
            }
            Self::NotReached => f.write_str("is not reached"),
        }
    }
}

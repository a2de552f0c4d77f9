//! Number patterns: digit maps, and regular expressions in slashes.
//!
//! Both become the same small automaton, run without backtracking: time is the product of the lengths of pattern
//! and number, whatever the pattern (R. Cox, "Regular Expression Matching Can Be Simple And Fast"). The automaton
//! also tells whether more digits could match, which a telephone's dialling needs.

mod digit_map;
mod program;
mod regex;

use std::fmt;

use program::Program;

/// Which numbers a rule is for.
///
/// A digit map (after RFC 3435 §2.1.5) matches whole numbers: digits, `*`, `#`, `+` and `A`–`D` stand for
/// themselves, `X` for 0–9, `Z` for 1–9, `N` for 2–9, `[2-9*]` for any of a set, `.` for any number of the element
/// before it, also none (in the first place: for any number at all), a `T` at the end for "wait whether more comes".
///
/// A regular expression in slashes matches anywhere in the number unless anchored: literals, `.`, `[a-z]`, `[^0-9]`,
/// `\d`, groups, `|`, `*`, `+`, `?`, `{2}`, `{2,5}`, `{2,}`, `^`, `$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    program: Program,
    /// The `T` of a digit map: a match is never complete before its timer.
    timed: bool,
}

/// How a text stands to a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// It matches.
    pub accepts: bool,
    /// With more digits it could match (again).
    pub may_extend: bool,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Where, in characters from 0.
    pub at: usize,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing in it.
    Empty,
    /// It is longer than [`Pattern::MAX_LEN`], or its repetitions make it so.
    TooLong,
    /// A character that cannot be dialled, in a digit map.
    NotDialable(char),
    /// A `T` that is not at the end of a digit map.
    TimerNotLast,
    /// A `[` without its `]`.
    OpenClass,
    /// `[]`, or a range whose end comes before its start.
    EmptyClass,
    /// A `(` without its `)`, or groups deeper than 16.
    OpenGroup,
    /// A `)` without its `(`.
    StrayParenthesis,
    /// A `*`, `+`, `?` or `{` with nothing before it.
    NothingToRepeat,
    /// A `{…}` that is not `{2}`, `{2,}` or `{2,5}` with numbers up to 64.
    BadRepeat,
    /// A backslash before something that has no meaning with it.
    BadEscape,
    /// A regular expression without the slash at its end.
    OpenSlash,
    /// A character outside ASCII.
    NotAscii,
}

impl Pattern {
    /// The longest a pattern may be, in characters.
    pub const MAX_LEN: usize = 256;

    /// Parses a digit map, or a regular expression in slashes.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let fail = |at, problem| Err(PatternError { at, problem });
        if text.is_empty() {
            return fail(0, Problem::Empty);
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_graphic() && c != ' ') {
            return fail(at, Problem::NotAscii);
        }
        if text.len() > Self::MAX_LEN {
            return fail(Self::MAX_LEN, Problem::TooLong);
        }
        let (node, timed) = match text.strip_prefix('/') {
            Some(expression) => (regex::parse(expression)?, false),
            None => digit_map::parse(text)?,
        };
        let program = Program::new(&node)
            .ok_or(PatternError { at: text.len() - 1, problem: Problem::TooLong })?;
        Ok(Self { text: text.to_owned(), program, timed })
    }

    /// How `text` stands to the pattern.
    pub fn check(&self, text: &str) -> Match {
        let found = self.program.check(text);
        Match { may_extend: found.may_extend || (found.accepts && self.timed), ..found }
    }

    /// Whether it matches `start`, any `open` characters that can be dialled, and `rest`.
    pub(crate) fn accepts_around(&self, start: &str, open: usize, rest: &str) -> bool {
        self.program.accepts_around(start, open, rest)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

/// What can be dialled.
pub(crate) const DIALABLE: &str = "0123456789*#+ABCD";

/// What both notations are parsed into.
#[derive(Clone, Debug)]
enum Node {
    /// One character of a set of ASCII characters.
    Set(u128),
    /// The start of the number.
    Start,
    /// The end of the number.
    End,
    /// One after the other.
    Sequence(Vec<Node>),
    /// One of them.
    Either(Vec<Node>),
    /// So often; without end when `most` is `None`.
    Repeat { node: Box<Node>, least: u8, most: Option<u8> },
}

/// The set that holds `c` alone; empty for a character outside ASCII.
const fn one(c: char) -> u128 {
    if c.is_ascii() { 1 << c as u32 } else { 0 }
}

/// The set of all characters from `first` to `last`.
fn range(first: char, last: char) -> u128 {
    (first..=last).map(one).fold(0, |set, one| set | one)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "character {}: {}", self.at + 1, self.problem)
    }
}

impl std::error::Error for PatternError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a pattern needs at least one character",
            Self::TooLong => "a pattern has at most 256 characters, repetitions included",
            Self::NotDialable(c) => {
                return write!(
                    f,
                    "`{}` cannot be dialled; a name is matched by a regular expression: /^name$/",
                    c.escape_default()
                );
            }
            Self::TimerNotLast => "`T` stands at the end of a digit map",
            Self::OpenClass => "`[` needs a `]`",
            Self::EmptyClass => "the set in brackets is empty",
            Self::OpenGroup => "`(` needs a `)`, and groups nest at most 16 deep",
            Self::StrayParenthesis => "`)` without `(`",
            Self::NothingToRepeat => "nothing stands before the repetition",
            Self::BadRepeat => "a repetition is {2}, {2,} or {2,5}, up to 64",
            Self::BadEscape => "a backslash stands before punctuation, `d` or `w`",
            Self::OpenSlash => "a regular expression ends with a slash",
            Self::NotAscii => "only ASCII characters can be matched",
        })
    }
}

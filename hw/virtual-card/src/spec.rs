//! What a card has: `fxs=4,fxo=2,bri=1,pri=1`.

use std::fmt;

use tipring_hw_models::Law;

/// What a card has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSpec {
    /// FXS ports, 1 to [`CardSpec::MAX_FXS`].
    pub fxs: u8,
    /// The law of its PCM highway.
    pub law: Law,
}

/// Why a text describes no card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// Not `kind=count`.
    Syntax(String),
    /// Not a kind of port.
    UnknownKind(String),
    /// The kind comes twice.
    Repeated(&'static str),
    /// A kind that the simulated card does not have yet.
    NotSimulated(&'static str),
    /// No port at all.
    NoPorts,
    /// More ports than a card has.
    TooManyPorts(u32),
}

impl CardSpec {
    /// Most FXS ports of a card.
    pub const MAX_FXS: u8 = 128;

    /// A card with so many FXS ports in µ-law.
    pub const fn fxs(fxs: u8) -> Self {
        Self { fxs, law: Law::Mu }
    }

    /// Reads `fxs=4`; the kinds `fxo`, `bri` and `pri` are known, and only 0 of them can be had.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let mut counts = [None::<u32>; KINDS.len()];
        for part in text.split(',') {
            let part = part.trim();
            let syntax = || SpecError::Syntax(part.chars().take(32).collect());
            let (kind, count) = part.split_once('=').ok_or_else(syntax)?;
            let kind = kind.trim();
            let place = KINDS
                .iter()
                .position(|known| *known == kind)
                .ok_or_else(|| SpecError::UnknownKind(kind.chars().take(32).collect()))?;
            let count = count.trim().parse().map_err(|_| syntax())?;
            if counts[place].replace(count).is_some() {
                return Err(SpecError::Repeated(KINDS[place]));
            }
        }
        let [fxs, others @ ..] = counts;
        for (kind, count) in KINDS[1..].iter().zip(others) {
            if count.unwrap_or(0) > 0 {
                return Err(SpecError::NotSimulated(kind));
            }
        }
        match fxs.unwrap_or(0) {
            0 => Err(SpecError::NoPorts),
            fxs => match u8::try_from(fxs) {
                Ok(fxs) if fxs <= Self::MAX_FXS => Ok(Self::fxs(fxs)),
                _ => Err(SpecError::TooManyPorts(fxs)),
            },
        }
    }
}

/// As [`CardSpec::parse`] reads it.
impl fmt::Display for CardSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fxs={}", self.fxs)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(part) => write!(f, "{part:?} is not like `fxs=4`"),
            Self::UnknownKind(kind) => {
                write!(f, "{kind:?} is no kind of port; known are {}", KINDS.join(", "))
            }
            Self::Repeated(kind) => write!(f, "`{kind}` is given twice"),
            Self::NotSimulated(kind) => write!(f, "{kind} ports are not simulated yet, only fxs"),
            Self::NoPorts => f.write_str("a card needs at least one port, as in `fxs=4`"),
            Self::TooManyPorts(count) => {
                write!(f, "{count} ports are too many; a card has at most {}", CardSpec::MAX_FXS)
            }
        }
    }
}

impl std::error::Error for SpecError {}

const KINDS: [&str; 4] = ["fxs", "fxo", "bri", "pri"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_reads_as_it_is_printed() {
        for fxs in 1..=CardSpec::MAX_FXS {
            assert_eq!(CardSpec::parse(&CardSpec::fxs(fxs).to_string()), Ok(CardSpec::fxs(fxs)));
        }
        assert_eq!(CardSpec::parse(" fxs=4, fxo=0 "), Ok(CardSpec::fxs(4)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, sentence) in [
            ("", "\"\" is not like `fxs=4`"),
            ("fxs=x", "\"fxs=x\" is not like `fxs=4`"),
            ("fxs=4,fxo=2", "fxo ports are not simulated yet, only fxs"),
            ("bri=1", "bri ports are not simulated yet, only fxs"),
            ("fxs=0", "a card needs at least one port, as in `fxs=4`"),
            ("fxs=1,fxs=2", "`fxs` is given twice"),
            ("fxs=200", "200 ports are too many; a card has at most 128"),
            ("isa=1", "\"isa\" is no kind of port; known are fxs, fxo, bri, pri"),
        ] {
            let error = CardSpec::parse(text).expect_err(text);
            assert_eq!(error.to_string(), sentence);
        }
    }
}

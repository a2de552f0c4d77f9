//! Accept, and the weights in it and in Contact.

use std::fmt;

use super::{ContentType, Malformed};

/// A weight from 0 to 1 in thousandths (`qvalue`, RFC 3261 §25.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QValue(u16);

impl QValue {
    /// The weight where none is written.
    pub const ONE: Self = Self(1000);

    /// `thousandths` as a weight; `None` above 1000.
    pub const fn new(thousandths: u16) -> Option<Self> {
        if thousandths <= 1000 { Some(Self(thousandths)) } else { None }
    }

    /// 0 to 1000.
    pub const fn thousandths(self) -> u16 {
        self.0
    }

    /// The weight written `text`: 0 or 1 with up to three decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        if decimals.len() > 3 || whole.len() > 1 || !digits(whole) || !digits(decimals) {
            return None;
        }
        // `.5` is no qvalue, but it is sent and it is clear.
        if whole.is_empty() && decimals.is_empty() {
            return None;
        }
        let whole = whole.parse::<u16>().unwrap_or(0);
        let value = format!("{decimals:0<3}").parse::<u16>().ok()?;
        Self::new(whole * 1000 + value)
    }
}

impl fmt::Display for QValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 1000 {
            return f.write_str("1");
        }
        let decimals = format!("{:03}", self.0);
        match decimals.trim_end_matches('0') {
            "" => f.write_str("0"),
            decimals => write!(f, "0.{decimals}"),
        }
    }
}

/// One range of an Accept: `text/*;q=0.5` (RFC 3261 §20.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange {
    /// The type; `*` as subtype or as both is a range.
    pub media: ContentType,
    /// How welcome; 0 is not at all.
    pub q: QValue,
}

impl MediaRange {
    /// The one range written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut media = ContentType::parse(bytes)?;
        if media.kind.as_str() == "*" && media.subtype.as_str() != "*" {
            return Err(Malformed::Token);
        }
        let q = match media.params.take("q") {
            None => QValue::ONE,
            Some(text) => text.and_then(|text| QValue::parse(&text)).ok_or(Malformed::Parameter)?,
        };
        Ok(Self { media, q })
    }

    /// How closely the range names the type `kind/subtype`: not at all, by `*/*`, by `kind/*`, by
    /// name. Parameters do not count.
    pub(crate) fn closeness(&self, kind: &str, subtype: &str) -> u8 {
        let same = |range: &str, word: &str| range.eq_ignore_ascii_case(word);
        match (self.media.kind.as_str(), self.media.subtype.as_str()) {
            ("*", _) => 1,
            (range, "*") if same(range, kind) => 2,
            (range, sub) if same(range, kind) && same(sub, subtype) => 3,
            _ => 0,
        }
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.media.fmt(f)?;
        if self.q == QValue::ONE { Ok(()) } else { write!(f, ";q={}", self.q) }
    }
}

//! Reliable provisional responses: RSeq and RAck (RFC 3262 §7).

use std::fmt;
use std::num::NonZeroU32;

use super::grammar::{self, split, trim, trim_start};
use super::{CSeq, Malformed, Method};

/// The number of a reliable provisional response, 1 to 2³²−1 (RFC 3262 §7.1).
///
/// The first of a transaction is chosen below 2³¹, the following count up by one and never wrap
/// (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RSeq(NonZeroU32);

impl RSeq {
    /// `number` as an RSeq; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// 1 to 2³²−1.
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The next number; `None` after the last.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The RSeq written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let number = grammar::number(trim(bytes)).and_then(|number| u32::try_from(number).ok());
        number.and_then(Self::new).ok_or(Malformed::Number)
    }
}

impl fmt::Display for RSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which provisional response a PRACK acknowledges: `RAck: 776656 1 INVITE` (RFC 3262 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// The response's RSeq.
    pub rseq: RSeq,
    /// The response's CSeq number, below 2³¹.
    pub cseq: u32,
    /// The response's CSeq method.
    pub method: Method,
}

impl RAck {
    /// The RAck written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (rseq, rest) = split(bytes, bytes.iter().take_while(|o| o.is_ascii_digit()).count());
        let after = trim_start(rest);
        if after.len() == rest.len() {
            return Err(Malformed::Number);
        }
        let CSeq { number, method } = CSeq::parse(after)?;
        Ok(Self { rseq: RSeq::parse(rseq)?, cseq: number, method })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method)
    }
}

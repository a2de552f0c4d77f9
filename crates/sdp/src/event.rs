//! Which telephone-events somebody takes (RFC 4733 §2.4.1).

use std::fmt;

/// A set of event codes, 0 to 255: `0-15,16`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Events([u64; 4]);

impl Events {
    /// No event.
    pub const NONE: Self = Self([0; 4]);
    /// The sixteen keys, which are meant where nothing is said.
    pub const DTMF: Self = Self([0xFFFF, 0, 0, 0]);
    /// The keys and the hook flash: what we offer (RFC 4733 §3.2, RFC 4734).
    pub const DTMF_AND_FLASH: Self = Self([0x1_FFFF, 0, 0, 0]);

    /// Reads `0-15,16` and with spaces; `None` where a part is no event or range of them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut events = Self::NONE;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (code(first)?, code(last)?);
            if first > last {
                return None;
            }
            (first..=last).for_each(|code| events.0[usize::from(code / 64)] |= 1 << (code % 64));
        }
        Some(events)
    }

    /// Whether it has the event.
    pub const fn contains(self, code: u8) -> bool {
        self.0[(code / 64) as usize] >> (code % 64) & 1 == 1
    }

    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        matches!(self.0, [0, 0, 0, 0])
    }
}

fn code(text: &str) -> Option<u8> {
    text.trim_ascii().parse().ok()
}

/// `0-15,32`
impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = 0u16;
        let mut comma = "";
        let has = |code: u16| u8::try_from(code).is_ok_and(|code| self.contains(code));
        while next < 256 {
            let first = next;
            while has(next) {
                next += 1;
            }
            match next - first {
                0 => next += 1,
                1 => write!(f, "{comma}{first}")?,
                _ => write!(f, "{comma}{first}-{}", next - 1)?,
            }
            if has(first) {
                comma = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({self})")
    }
}

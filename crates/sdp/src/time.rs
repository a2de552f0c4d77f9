//! When a session is on: `t=`, `r=` and `z=` lines (RFC 8866 §5.9 to §5.11).
//!
//! A telephone call is not scheduled and says `t=0 0`. A conference's invitation may say more, which is kept.

use crate::print::Page;

/// A `t=` line and the `r=` lines behind it. Times are seconds since 1900, as NTP counts them; 0 is "no bound".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// When it begins.
    pub start: u64,
    /// When it ends.
    pub stop: u64,
    /// When it comes again.
    pub repeats: Vec<Repeat>,
}

/// An `r=` line, all in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// From one time to the next.
    pub interval: u64,
    /// How long it lasts each time.
    pub duration: u64,
    /// From the start of the interval to each session in it.
    pub offsets: Vec<u64>,
}

/// A pair of a `z=` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneAdjustment {
    /// From then on, in seconds since 1900.
    pub at: u64,
    /// Seconds that repeated times are moved by.
    pub by: i64,
}

impl Timing {
    /// `2873397496 2873404696`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let (start, stop) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { start, stop, repeats: Vec::new() })
    }

    /// Whether it begins or ends.
    pub const fn is_bounded(&self) -> bool {
        self.start != 0 || self.stop != 0
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.text("t=");
        page.number(self.start);
        page.text(" ");
        page.number(self.stop);
        page.end();
        for repeat in &self.repeats {
            page.text("r=");
            page.number(repeat.interval);
            for part in std::iter::once(&repeat.duration).chain(&repeat.offsets) {
                page.text(" ");
                page.number(*part);
            }
            page.end();
        }
    }
}

impl Repeat {
    /// `7d 1h 0 25h`
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut times = value.split_ascii_whitespace().map(|word| u64::try_from(typed(word)?).ok());
        let (interval, duration) = (times.next()??, times.next()??);
        Some(Self { interval, duration, offsets: times.collect::<Option<_>>()? })
    }
}

impl ZoneAdjustment {
    /// `2882844526 -1h 2898848070 0`; nothing where a word cannot be read.
    pub(crate) fn parse_all(value: &str) -> Vec<Self> {
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        let pair = |pair: &[&str]| match pair {
            [at, by] => Some(Self { at: at.parse().ok()?, by: typed(by)? }),
            _ => None,
        };
        words.chunks(2).map(pair).collect::<Option<_>>().unwrap_or_default()
    }

    pub(crate) fn print(self, page: &mut Page) {
        page.number(self.at);
        page.text(if self.by < 0 { " -" } else { " " });
        page.number(self.by.unsigned_abs());
    }
}

/// Seconds, or a number with its unit: `7d`, `-1h`, `5m`, `9s`.
fn typed(word: &str) -> Option<i64> {
    let (digits, unit) = match word.as_bytes().last()? {
        b'd' => (&word[..word.len() - 1], 86_400),
        b'h' => (&word[..word.len() - 1], 3_600),
        b'm' => (&word[..word.len() - 1], 60),
        b's' => (&word[..word.len() - 1], 1),
        _ => (word, 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

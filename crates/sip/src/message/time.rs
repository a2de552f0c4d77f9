//! Date (RFC 3261 §20.17), Timestamp (§20.38), Retry-After (§20.33).

use std::fmt;
use std::time::Duration;

use super::grammar::{self, delta_seconds, split, trim, trim_start};
use super::{Malformed, Params};

/// A moment of the calendar: `Sat, 13 Nov 2010 23:29:00 GMT`, whole seconds from 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u64);

impl Date {
    /// The moment `seconds` after 1 January 1970 UTC; `None` after the year 9999.
    pub const fn from_unix_seconds(seconds: u64) -> Option<Self> {
        if seconds <= LAST_SECOND { Some(Self(seconds)) } else { None }
    }

    /// Seconds since 1 January 1970 UTC, leap seconds not counted.
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }

    /// The date written `bytes`. The zone must be GMT; the day of the week must be one, but is not
    /// compared with the date.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(trim(bytes)).map_err(|_| Malformed::Date)?;
        Self::scan(text).ok_or(Malformed::Date)
    }

    fn scan(text: &str) -> Option<Self> {
        let (weekday, rest) = text.split_once(',')?;
        let mut words = rest.split_ascii_whitespace();
        let [day, month, year, clock, zone] = [(); 5].map(|()| words.next().unwrap_or_default());
        let known = |word: &&&str| word.eq_ignore_ascii_case(weekday);
        WEEKDAYS.iter().find(known)?;
        if words.next().is_some() || !zone.eq_ignore_ascii_case("GMT") {
            return None;
        }
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
        let month = u64::try_from(month).ok()? + 1;
        let (day, year) = (digits(day, 1..=2)?, digits(year, 4..=4)?);
        let mut parts = clock.splitn(3, ':').map(|part| digits(part, 2..=2));
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        // A leap second is the second after it.
        if year < 1970 || day < 1 || day > days_of(month, year) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_before(year) + (1..month).map(|m| days_of(m, year)).sum::<u64>() + day - 1;
        Self::from_unix_seconds(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let mut year = 1970 + days / 366;
        while days_before(year + 1) <= days {
            year += 1;
        }
        let (mut day, mut month) = (days - days_before(year), 1);
        while day >= days_of(month, year) {
            day -= days_of(month, year);
            month += 1;
        }
        let word = |words: &[&'static str], at: u64| {
            usize::try_from(at).ok().and_then(|at| words.get(at).copied()).unwrap_or_default()
        };
        // 1 January 1970 was a Thursday.
        let (weekday, month) = (word(&WEEKDAYS, (days + 3) % 7), word(&MONTHS, month - 1));
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let day = day + 1;
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// 31 December 9999, 23:59:59.
const LAST_SECOND: u64 = 253_402_300_799;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 1 January 1970 to 1 January of `year`, 1970 or later.
const fn days_before(year: u64) -> u64 {
    let past = year - 1;
    let leaps = past / 4 - past / 100 + past / 400;
    // 1969 / 4 − 1969 / 100 + 1969 / 400
    (year - 1970) * 365 + leaps - 477
}

/// `month` from 1 to 12.
const fn days_of(month: u64, year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn digits(text: &str, len: std::ops::RangeInclusive<usize>) -> Option<u64> {
    len.contains(&text.len()).then(|| grammar::number(text.as_bytes())).flatten()
}

/// When a request was sent, on the sender's own clock: `Timestamp: 54.2 0.5` (RFC 3261 §20.38), to
/// a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The sender's clock.
    pub sent: Duration,
    /// How long the receiver took to answer, in a response.
    pub delay: Option<Duration>,
}

impl Timestamp {
    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (sent, rest) =
            split(bytes, bytes.iter().take_while(|o| !o.is_ascii_whitespace()).count());
        if !sent.first().is_some_and(u8::is_ascii_digit) {
            return Err(Malformed::Number);
        }
        let rest = trim_start(rest);
        let delay = (!rest.is_empty()).then(|| decimal(rest)).transpose()?;
        Ok(Self { sent: decimal(sent)?, delay })
    }
}

/// `*DIGIT [ "." *DIGIT ]` in seconds; digits beyond a nanosecond are dropped.
fn decimal(bytes: &[u8]) -> Result<Duration, Malformed> {
    let (whole, fraction) = split(bytes, memchr::memchr(b'.', bytes).unwrap_or(bytes.len()));
    let fraction = fraction.get(1..).unwrap_or_default();
    if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(Malformed::Number);
    }
    let seconds = if whole.is_empty() { Some(0) } else { grammar::number(whole) };
    let nanos = fraction.iter().chain(&[b'0'; 9]).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Ok(Duration::new(seconds.ok_or(Malformed::Number)?, nanos))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |f: &mut fmt::Formatter<'_>, time: Duration| {
            write!(f, "{}", time.as_secs())?;
            let fraction = format!("{:09}", time.subsec_nanos());
            match fraction.trim_end_matches('0') {
                "" => Ok(()),
                fraction => write!(f, ".{fraction}"),
            }
        };
        write(f, self.sent)?;
        self.delay.map_or(Ok(()), |delay| {
            f.write_str(" ")?;
            write(f, delay)
        })
    }
}

/// How long to wait before the next try: `Retry-After: 120 (in a meeting);duration=3600` (RFC 3261
/// §20.33).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Wait this long; what does not fit counts as 2³²−1.
    pub seconds: u32,
    /// Why, in words; a comment within it keeps its parentheses.
    pub comment: Option<String>,
    /// The callee will be there for this long then.
    pub duration_seconds: Option<u32>,
}

impl RetryAfter {
    /// A wait alone.
    pub const fn new(seconds: u32) -> Self {
        Self { seconds, comment: None, duration_seconds: None }
    }

    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (seconds, rest) = split(bytes, bytes.iter().take_while(|o| o.is_ascii_digit()).count());
        let seconds = delta_seconds(seconds)?;
        let rest = trim_start(rest);
        let (comment, rest) = if rest.first() == Some(&b'(') {
            let (comment, rest) = grammar::comment(rest).ok_or(Malformed::Comment)?;
            (Some(comment), rest)
        } else {
            (None, rest)
        };
        let params = Params::parse(rest)?;
        let duration_seconds =
            params.value("duration").map(|text| delta_seconds(text.as_bytes())).transpose()?;
        Ok(Self { seconds, comment, duration_seconds })
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        if let Some(comment) = &self.comment {
            f.write_str(" ")?;
            grammar::write_comment(f, comment)?;
        }
        self.duration_seconds.map_or(Ok(()), |seconds| write!(f, ";duration={seconds}"))
    }
}

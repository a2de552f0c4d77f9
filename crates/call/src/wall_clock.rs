//! Monotonic time as a date.

use std::fmt;

use tipring_core::Instant;

/// Ties the machines' time to the calendar: taken once by the shell, when the origin of [`Instant`] was.
///
/// A clock that jumps later does not change it, so the length of a call stays right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// Milliseconds from 1970-01-01T00:00:00Z to [`Instant::ZERO`].
    pub unix_ms_at_origin: u64,
}

impl WallClock {
    /// `at` in milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self, at: Instant) -> u64 {
        self.unix_ms_at_origin.saturating_add(at.as_millis())
    }

    /// `at` as RFC 3339 UTC with milliseconds: `2026-11-20T16:45:20.123Z`.
    pub fn rfc3339(self, at: Instant) -> String {
        Utc(self.unix_ms(at)).to_string()
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, printed as RFC 3339.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 3339 ends with year 9999; a clock beyond it is broken and shows its last millisecond.
        let ms = self.0.min(253_402_300_799_999);
        let (year, month, day) = civil_from_days(ms / 86_400_000);
        let (hour, minute, second) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, ".{:03}Z", ms % 1000)
    }
}

/// The proleptic Gregorian date of a day counted from 1970-01-01 (years that begin in March, eras of 400 years).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let clock = WallClock { unix_ms_at_origin: unix_ms };
            assert_eq!(clock.rfc3339(Instant::ZERO), text);
        }
    }

    #[test]
    fn time_since_the_origin_is_added() {
        let clock = WallClock { unix_ms_at_origin: 1_000 };
        assert_eq!(clock.rfc3339(Instant::from_micros(1_234_567)), "1970-01-01T00:00:02.234Z");
    }
}

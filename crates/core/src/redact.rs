//! What a log may show.

use core::fmt;

/// Wraps a text that a log shows only in part.
///
/// Numbers of up to four characters are extensions and are shown; longer ones lose all but their first three
/// characters and their length. Secrets are never shown.
#[derive(Clone, Copy)]
pub enum Redact<'a> {
    /// A telephone number or user name.
    Number(&'a str),
    /// A password, key or digest.
    Secret(&'a str),
}

impl fmt::Display for Redact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Number(text) = self else {
            return f.write_str("***");
        };
        let shown = if text.chars().count() <= 4 { usize::MAX } else { 3 };
        text.chars().enumerate().try_for_each(|(at, c)| {
            let c = if at >= shown { 'x' } else { c };
            if c.is_control() { Ok(()) } else { fmt::Write::write_char(f, c) }
        })
    }
}

impl fmt::Debug for Redact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn hides_long_numbers_and_all_secrets() {
        assert_eq!(Redact::Number("101").to_string(), "101");
        assert_eq!(Redact::Number("15551234").to_string(), "155xxxxx");
        assert_eq!(Redact::Number("1\n2").to_string(), "12");
        assert_eq!(Redact::Secret("hunter2").to_string(), "***");
    }
}

//! What was dialled, or who is reached.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

/// A dialled number or a user's name: 1 to 64 visible ASCII characters without spaces.
///
/// Digits, `*`, `#`, `+` and `A` to `D` can be dialled; everything else (`alice`) can only be named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(String);

/// Why a text is not a [`Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// There is nothing in it.
    Empty,
    /// It is longer than 64 characters.
    TooLong,
    /// It holds a space, a control character or a character outside ASCII.
    BadCharacter,
}

impl Number {
    /// The longest a number may be, in characters.
    pub const MAX_LEN: usize = 64;

    /// Checks and takes `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, NumberError> {
        let text = text.into();
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        if text.len() > Self::MAX_LEN {
            return Err(NumberError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(NumberError::BadCharacter);
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a telephone key pad can dial all of it.
    pub fn is_dialable(&self) -> bool {
        self.0.bytes().all(|b| matches!(b, b'0'..=b'9' | b'*' | b'#' | b'+' | b'A'..=b'D'))
    }
}

impl Deref for Number {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a number needs at least one character",
            Self::TooLong => "a number has at most 64 characters",
            Self::BadCharacter => "a number holds visible ASCII characters only",
        })
    }
}

impl core::error::Error for NumberError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_can_be_dialled_or_named() {
        assert!(Number::new("+15551234").is_ok_and(|n| n.is_dialable()));
        assert!(Number::new("alice").is_ok_and(|n| !n.is_dialable()));
        assert_eq!(Number::new(""), Err(NumberError::Empty));
        assert_eq!(Number::new("1 2"), Err(NumberError::BadCharacter));
        assert_eq!(Number::new("1\r\n2"), Err(NumberError::BadCharacter));
        assert_eq!(Number::new("é"), Err(NumberError::BadCharacter));
        assert_eq!(Number::new("1".repeat(65)), Err(NumberError::TooLong));
    }
}

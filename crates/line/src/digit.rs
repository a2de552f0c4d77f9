//! One key of a telephone.

use std::fmt;

/// A dialled digit: `0`–`9`, `*`, `#`, `A`–`D` (ITU-T Q.23).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(char);

impl Digit {
    /// The digit that `key` names; lower-case `a`–`d` are taken too.
    pub const fn new(key: char) -> Option<Self> {
        match key.to_ascii_uppercase() {
            key @ ('0'..='9' | '*' | '#' | 'A'..='D') => Some(Self(key)),
            _ => None,
        }
    }

    /// The digit as a character.
    pub const fn as_char(self) -> char {
        self.0
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.0)
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_a_telephone_has_are_digits() {
        let keys: String = ('\0'..='\u{7f}').filter(|c| Digit::new(*c).is_some()).collect();
        assert_eq!(keys, "#*0123456789ABCDabcd");
        assert_eq!(Digit::new('a').map(Digit::as_char), Some('A'));
    }
}

//! Text: cutting lines, and keeping short words in place.
//!
//! The searchers of the standard library are made for long texts: on words of a few letters a plain loop takes half the
//! time, and descriptions consist of those.

use std::fmt;
use std::ops::Deref;

/// A text as it was written. One of at most 22 octets, as nearly all in a description are, is kept in place and takes
/// no allocation.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Kept);

#[derive(Clone, PartialEq, Eq)]
enum Kept {
    /// All that fits in place is: the same text is always kept alike.
    Short {
        length: u8,
        /// Zeros behind the text.
        octets: [u8; Text::IN_PLACE],
    },
    Long(Box<str>),
}

impl Text {
    /// The longest text kept in place, in octets.
    const IN_PLACE: usize = 22;

    /// No text.
    pub const EMPTY: Self = Self(Kept::Short { length: 0, octets: [0; Self::IN_PLACE] });

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Short { length, octets } => {
                std::str::from_utf8(&octets[..usize::from(*length)]).expect("it was text")
            }
            Kept::Long(text) => text,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The octets of the text, which are UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Short { length, octets } => &octets[..usize::from(*length)],
            Kept::Long(text) => text.as_bytes(),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&str> for Text {
    #[inline]
    fn from(text: &str) -> Self {
        let mut octets = [0; Self::IN_PLACE];
        let kept = match (octets.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Kept::Short { length, octets }
            }
            _ => Kept::Long(text.into()),
        };
        Self(kept)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.len() > Self::IN_PLACE { Self(Kept::Long(text.into())) } else { (*text).into() }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What stands before and behind the first `byte`, which is ASCII.
#[inline]
pub(crate) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = find(text.as_bytes(), byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Where `byte` stands first: eight octets at once, each of which becomes 0 where it is the one looked for.
#[inline]
fn find(octets: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let wanted = ONES * u64::from(byte);
    let (eights, rest) = octets.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let zero = u64::from_le_bytes(*eight) ^ wanted;
        // The lowest bit set is exact: a borrow only goes upwards.
        let hit = zero.wrapping_sub(ONES) & !zero & (ONES << 7);
        if hit != 0 {
            return Some(number * 8 + hit.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|b| *b == byte).map(|at| eights.len() * 8 + at)
}

/// The number that the text begins with, and what stands behind it.
#[inline]
pub(crate) fn number(text: &str) -> Option<(u32, &str)> {
    let mut value = 0u64;
    let mut digits = 0;
    for digit in text.bytes().map(|b| b.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
        value = value * 10 + u64::from(digit);
        if value > u32::MAX.into() {
            return None;
        }
        digits += 1;
    }
    (digits > 0).then(|| (value as u32, &text[digits..]))
}

/// The words between white space.
#[derive(Clone)]
pub(crate) struct Words<'a>(pub(crate) &'a str);

impl<'a> Words<'a> {
    /// The next word, when it is such a one.
    #[inline]
    pub(crate) fn next_if(&mut self, wanted: impl FnOnce(&str) -> bool) -> Option<&'a str> {
        let mut ahead = self.clone();
        let word = ahead.next().filter(|word| wanted(word))?;
        *self = ahead;
        Some(word)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        // As a rule the first comparison decides.
        let space = |b: &u8| *b <= b' ' && b.is_ascii_whitespace();
        let first = self.0.as_bytes().iter().position(|b| !space(b))?;
        let rest = &self.0[first..];
        let end = rest.as_bytes().iter().position(space).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_what_the_standard_library_cuts() {
        for text in ["", " ", "a", " a", "a ", "a b", "\ta \u{c} bc\r", "é ü", "a\u{a0}b"] {
            assert!(Words(text).eq(text.split_ascii_whitespace()), "{text:?}");
            assert_eq!(split_once(text, b' '), text.split_once(' '), "{text:?}");
        }
        for length in 0..40 {
            let text = "y".repeat(length) + "x" + &"y".repeat(40 - length);
            assert_eq!(find(text.as_bytes(), b'x'), Some(length));
            assert_eq!(find(text.as_bytes(), b'z'), None);
        }
        assert_eq!(number("101 x"), Some((101, " x")));
        assert_eq!(number("4294967295"), Some((u32::MAX, "")));
        assert_eq!((number(""), number("x"), number("4294967296")), (None, None, None));
        assert_eq!(number(&"9".repeat(30)), None);
        let mut words = Words("one two");
        assert_eq!(
            (words.next_if(|w| w == "two"), words.next_if(|w| w == "one")),
            (None, Some("one"))
        );
        assert_eq!(words.next(), Some("two"));
    }

    #[test]
    fn a_text_is_kept_as_it_was_written_whatever_its_length() {
        for length in 0..64 {
            for letter in ["x", "é", "\0"] {
                let text = letter.repeat(length);
                let kept = Text::from(text.as_str());
                assert_eq!((kept.as_str(), kept.as_bytes()), (text.as_str(), text.as_bytes()));
                assert_eq!(kept, Text::from(text.clone()));
                assert_ne!(kept, Text::from(text + letter));
            }
        }
        assert_eq!(size_of::<Option<Text>>(), size_of::<String>());
    }
}

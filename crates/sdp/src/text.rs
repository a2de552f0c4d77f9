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

    /// A [`piece`] of a description.
    #[inline]
    pub(crate) fn piece(octets: &[u8]) -> Self {
        let mut place = [0; Self::IN_PLACE];
        let kept = match (place.get_mut(..octets.len()), u8::try_from(octets.len())) {
            (Some(short), Ok(length)) => {
                short.copy_from_slice(octets);
                Kept::Short { length, octets: place }
            }
            _ => Kept::Long(piece(octets).into()),
        };
        Self(kept)
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
    fn from(text: &str) -> Self {
        Self::piece(text.as_bytes())
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

/// A piece of a description. It is text: descriptions are, and are cut only at ASCII.
pub(crate) fn piece(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("text was cut at ASCII")
}

/// What stands before and behind the first `byte`, which is ASCII.
#[inline]
pub(crate) fn split_once(octets: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = find(octets, byte)?;
    Some((&octets[..at], &octets[at + 1..]))
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

/// The number that the octets begin with, and what stands behind it.
#[inline]
pub(crate) fn number(mut octets: &[u8]) -> Option<(u32, &[u8])> {
    let (mut value, mut any) = (0u64, false);
    while let [digit @ b'0'..=b'9', rest @ ..] = octets {
        value = value * 10 + u64::from(digit - b'0');
        if value > u32::MAX.into() {
            return None;
        }
        (octets, any) = (rest, true);
    }
    any.then_some((value as u32, octets))
}

/// A number and nothing else.
#[inline]
pub(crate) fn whole_number(octets: &[u8]) -> Option<u32> {
    number(octets).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// What stands behind white space.
#[inline]
pub(crate) fn skip_space(mut octets: &[u8]) -> &[u8] {
    while let [space, rest @ ..] = octets
        && is_space(*space)
    {
        octets = rest;
    }
    octets
}

/// As a rule the first comparison decides.
#[inline]
const fn is_space(byte: u8) -> bool {
    byte <= b' ' && byte.is_ascii_whitespace()
}

/// The words between white space.
#[derive(Clone)]
pub(crate) struct Words<'a>(pub(crate) &'a [u8]);

impl<'a> Words<'a> {
    /// The next word, when it is such a one.
    #[inline]
    pub(crate) fn next_if(&mut self, wanted: impl FnOnce(&[u8]) -> bool) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let word = ahead.next().filter(|word| wanted(word))?;
        *self = ahead;
        Some(word)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let octets = skip_space(self.0);
        let mut at = 0;
        while octets.get(at).is_some_and(|byte| !is_space(*byte)) {
            at += 1;
        }
        let (word, rest) = octets.split_at(at);
        self.0 = rest;
        (at > 0).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_what_the_standard_library_cuts() {
        for text in ["", " ", "a", " a", "a ", "a b", "\ta \u{c} bc\r", "é ü", "a\u{a0}b"] {
            let words = Words(text.as_bytes()).map(piece);
            assert!(words.eq(text.split_ascii_whitespace()), "{text:?}");
            let halves = split_once(text.as_bytes(), b' ').map(|(a, b)| (piece(a), piece(b)));
            assert_eq!(halves, text.split_once(' '), "{text:?}");
            assert_eq!(piece(skip_space(text.as_bytes())), text.trim_ascii_start());
        }
        for length in 0..40 {
            let text = "y".repeat(length) + "x" + &"y".repeat(40 - length);
            assert_eq!(find(text.as_bytes(), b'x'), Some(length));
            assert_eq!(find(text.as_bytes(), b'z'), None);
        }
        let number_of =
            |text: &'static str| number(text.as_bytes()).map(|(n, rest)| (n, piece(rest)));
        assert_eq!(number_of("101 x"), Some((101, " x")));
        assert_eq!(number_of("4294967295"), Some((u32::MAX, "")));
        for none in ["", "x", "+1", "4294967296", "999999999999999999999999999999"] {
            assert_eq!(number_of(none), None);
        }
        assert_eq!((whole_number(b"0070"), whole_number(b"7 ")), (Some(70), None));
        let mut words = Words(b"one two");
        assert_eq!(words.next_if(|word| word == b"two"), None);
        assert_eq!(words.next_if(|word| word == b"one"), Some(&b"one"[..]));
        assert_eq!(words.next(), Some(&b"two"[..]));
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

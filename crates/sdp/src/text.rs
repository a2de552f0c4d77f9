//! Cutting short lines. The searchers of the standard library are made for long texts: on words of a few letters a
//! plain loop takes half the time, and descriptions consist of those.

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
    let (wanted, mut at) = (ONES * u64::from(byte), 0);
    while let Some(eight) = octets.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let zero = u64::from_le_bytes(*eight) ^ wanted;
        // The lowest bit set is exact: a borrow only goes upwards.
        let hit = zero.wrapping_sub(ONES) & !zero & (ONES << 7);
        if hit != 0 {
            return Some(at + hit.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    octets[at..].iter().position(|b| *b == byte).map(|rest| at + rest)
}

/// The number that the text begins with, and what stands behind it.
#[inline]
pub(crate) fn number(text: &str) -> Option<(u32, &str)> {
    let mut value = 0u32;
    let mut digits = 0;
    for digit in text.bytes().map(|b| b.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
        value = value.checked_mul(10)?.checked_add(digit.into())?;
        digits += 1;
    }
    (digits > 0).then(|| (value, &text[digits..]))
}

/// The words between white space.
#[derive(Clone)]
pub(crate) struct Words<'a>(pub(crate) &'a str);

impl<'a> Words<'a> {
    /// The next word, when it is such a one.
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
        let first = self.0.bytes().position(|b| !b.is_ascii_whitespace())?;
        let rest = &self.0[first..];
        let end = rest.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(rest.len());
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
        assert_eq!((number(""), number("x"), number("4294967296")), (None, None, None));
        let mut words = Words("one two");
        assert_eq!(
            (words.next_if(|w| w == "two"), words.next_if(|w| w == "one")),
            (None, Some("one"))
        );
        assert_eq!(words.next(), Some("two"));
    }
}

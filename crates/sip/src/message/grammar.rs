//! Octet classes and the scanning steps that all fields share (RFC 3261 §25.1).
//!
//! Everything here works on octets: old phones send Latin-1. A fold (CR LF followed by white space)
//! counts as white space; the framing has made sure that CR and LF occur in a field nowhere else.

use std::borrow::Cow;
use std::fmt;

use super::{Malformed, Params, Token};

pub(crate) const TOKEN: u16 = 1;
pub(crate) const LWS: u16 = 1 << 1;
pub(crate) const CONTROL: u16 = 1 << 2;
pub(crate) const HOST: u16 = 1 << 3;
/// `unreserved / user-unreserved`.
pub(crate) const USER: u16 = 1 << 4;
/// `unreserved / param-unreserved`.
pub(crate) const URI_PARAM: u16 = 1 << 5;
/// `unreserved / hnv-unreserved`.
pub(crate) const URI_HEADER: u16 = 1 << 6;
/// `unreserved`, and what a `password` adds.
pub(crate) const PASSWORD: u16 = 1 << 7;
/// What an unquoted value of a parameter can hold, and more that phones put there.
pub(crate) const VALUE: u16 = 1 << 8;
/// What can stand in a URI within a message, escaped or not; `%` begins an escape.
pub(crate) const URI: u16 = 1 << 9;

const CLASS: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let octet = at as u8;
        let mut class = 0;
        let alnum = octet.is_ascii_alphanumeric();
        let unreserved = alnum || contains(b"-_.!~*'()", octet);
        let control = octet < 0x20 || octet == 0x7F;
        if alnum || contains(b"-.!%*_+`'~", octet) {
            class |= TOKEN;
        }
        if contains(b" \t\r\n", octet) {
            class |= LWS;
        }
        if control {
            class |= CONTROL;
        }
        if alnum || contains(b"-._", octet) {
            class |= HOST;
        }
        if unreserved || contains(b"&=+$,;?/", octet) {
            class |= USER;
        }
        if unreserved || contains(b"[]/:&+$", octet) {
            class |= URI_PARAM;
        }
        if unreserved || contains(b"[]/?:+$", octet) {
            class |= URI_HEADER;
        }
        if unreserved || contains(b"&=+$,", octet) {
            class |= PASSWORD;
        }
        if !contains(b"; \t\r\n,\"<>", octet) {
            class |= VALUE;
        }
        if !control && !contains(b"%<>\"@ ", octet) {
            class |= URI;
        }
        table[at] = class;
        at += 1;
    }
    table
}

const fn contains(set: &[u8], octet: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == octet {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether `octet` belongs to one of the classes in `class`.
pub(crate) const fn is(octet: u8, class: u16) -> bool {
    CLASS[octet as usize] & class != 0
}

/// Whether `bytes` is one or more octets of `class`.
pub(crate) fn all(bytes: &[u8], class: u16) -> bool {
    !bytes.is_empty() && span(bytes, class) == bytes.len()
}

/// Where `octet` stands first. Within a few octets this finds it faster than `memchr`.
#[inline]
pub(crate) fn find(bytes: &[u8], octet: u8) -> Option<usize> {
    let pattern = u64::from(octet) * ONES;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        // An octet that is equal becomes 0, and borrows.
        let word = u64::from_le_bytes(*word) ^ pattern;
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zeros != 0 {
            return Some(at * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    let at = bytes.len() - rest.len();
    rest.iter().position(|&found| found == octet).map(|found| at + found)
}

/// How many octets at the front are of `class`, which is one class and no union.
#[inline]
pub(crate) fn span(bytes: &[u8], class: u16) -> usize {
    let (chunks, _) = bytes.as_chunks::<8>();
    let mut at = 0;
    for chunk in chunks {
        if chunk.iter().fold(class, |all, &octet| all & CLASS[usize::from(octet)]) == 0 {
            break;
        }
        at += chunk.len();
    }
    while let Some(&octet) = bytes.get(at)
        && is(octet, class)
    {
        at += 1;
    }
    at
}

/// `bytes` without white space and folds at its front.
#[inline]
pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    // At most one space, nearly always.
    match bytes {
        [b' ', rest @ ..] if !rest.first().is_some_and(|&next| is(next, LWS)) => rest,
        [first, ..] if is(*first, LWS) => trim_all_start(bytes),
        _ => bytes,
    }
}

#[cold]
fn trim_all_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is(*first, LWS)
    {
        bytes = rest;
    }
    bytes
}

/// `bytes` without white space and folds at its end.
#[inline]
pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    match bytes.last() {
        Some(&last) if is(last, LWS) => trim_all_end(bytes),
        _ => bytes,
    }
}

#[cold]
fn trim_all_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is(*last, LWS)
    {
        bytes = rest;
    }
    bytes
}

/// `bytes` without white space and folds at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(trim_start(bytes))
}

/// `bytes` parted before position `at`; everything and nothing when there is no such position.
pub(crate) fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// The length of the quoted string at the front of `bytes`, both quotes included.
pub(crate) fn quoted_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    if bytes.first() != Some(&b'"') {
        return None;
    }
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at) {
            Some(b'"') => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The text between the quotes of `bytes`, escapes resolved; unquoted `bytes` as they are.
pub(crate) fn unquote(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return Cow::Borrowed(bytes);
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut octets = inner.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\\' => out.extend(octets.next()),
            _ => out.push(octet),
        }
    }
    Cow::Owned(out)
}

/// `bytes` as text: UTF-8 where they are that, else Latin-1; folds and control characters become
/// one space.
pub(crate) fn text(bytes: &[u8]) -> String {
    if let Some(text) = plain(bytes) {
        return text.to_owned();
    }
    // 0xC2 begins the control characters of Latin-1 in UTF-8.
    let clean = !bytes.iter().any(|&octet| is(octet, CONTROL) || octet == 0xC2);
    match std::str::from_utf8(bytes) {
        Ok(text) if clean => text.to_owned(),
        Ok(text) => squeeze(text.chars()),
        Err(_) => squeeze(bytes.iter().map(|&octet| char::from(octet))),
    }
}

/// `bytes` as text, when it is printable ASCII alone, as nearly all of a message is.
pub(crate) fn plain(bytes: &[u8]) -> Option<&str> {
    if is_plain(bytes) { std::str::from_utf8(bytes).ok() } else { None }
}

/// Whether `bytes` is printable ASCII alone.
#[inline]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    // In each octet: its own top bit, a borrow where it is below a space, a carry where it is DEL.
    let plain = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (word | word.wrapping_sub(ONES * 0x20) | word.wrapping_add(ONES)) & (ONES << 7) == 0
    };
    match bytes.last_chunk() {
        None => bytes.iter().all(|octet| matches!(octet, b' '..=b'~')),
        Some(last) => plain(last) && bytes.as_chunks().0.iter().all(plain),
    }
}

/// The value of a parameter as text: without its quotes, escapes resolved.
pub(crate) fn value_text(value: &[u8]) -> Cow<'_, str> {
    match unquote(value) {
        Cow::Borrowed(value) => plain(value).map_or_else(|| Cow::Owned(text(value)), Cow::Borrowed),
        Cow::Owned(value) => Cow::Owned(text(&value)),
    }
}

/// A control character of ASCII becomes a space; one of Latin-1, which may stand inside a word, a
/// mark for what cannot be read.
const fn printable(c: char) -> char {
    match c {
        '\0'..='\x1F' | '\x7F' => ' ',
        '\u{80}'..='\u{9F}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn squeeze(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut in_fold = false;
    for c in chars {
        let fold = c == '\r' || c == '\n';
        if in_fold && (fold || c == ' ' || c == '\t') {
            continue;
        }
        in_fold = fold;
        out.push(printable(c));
    }
    out
}

/// The digits at the front of `bytes` as a number, `limit` for all that are not below that, and what
/// follows them.
#[inline]
pub(crate) fn digits(bytes: &[u8], limit: u32) -> (u32, &[u8]) {
    let (mut rest, mut number) = (bytes, 0);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        number = (number * 10 + u64::from(digit - b'0')).min(u64::from(limit));
        rest = after;
    }
    // No more than `limit`.
    (number as u32, rest)
}

/// The value of `bytes` as a decimal number; `None` when it is none or does not fit.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 20 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (front, last) = split(bytes, bytes.len().min(19));
    // Nineteen digits fit.
    let sum = front.iter().fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
    last.iter()
        .try_fold(sum, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// Whether there is a space or a control character other than DEL.
#[inline]
pub(crate) fn has_space(bytes: &[u8]) -> bool {
    // In each octet: a borrow where it is below 0x21, or its own top bit.
    let below = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word.wrapping_sub(ONES * 0x21) & !word & (ONES << 7) != 0
    };
    match bytes.last_chunk() {
        None => bytes.iter().any(|&octet| octet <= b' '),
        Some(last) => below(last) || bytes.as_chunks().0.iter().any(below),
    }
}

/// A one in each octet.
const ONES: u64 = 0x0101_0101_0101_0101;

/// FNV-1a: the same for the same octets, on every machine.
pub(crate) fn fnv1a(octets: impl IntoIterator<Item = u8>) -> u64 {
    octets.into_iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// `delta-seconds` (RFC 3261 §25.1); what does not fit counts as 2³²−1.
pub(crate) fn delta_seconds(bytes: &[u8]) -> Result<u32, Malformed> {
    let bytes = trim(bytes);
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::Number);
    }
    let seconds = number(bytes).and_then(|seconds| u32::try_from(seconds).ok());
    Ok(seconds.unwrap_or(u32::MAX))
}

/// `bytes` before its first `;`, trimmed, and its parameters from there on.
pub(crate) fn value_and_params(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (value, params) = split(bytes, memchr::memchr(b';', bytes).unwrap_or(bytes.len()));
    (trim(value), params)
}

/// `token *( ";" param )`
pub(crate) fn token_and_params(bytes: &[u8]) -> Result<(Token, Params), Malformed> {
    let (value, params) = value_and_params(bytes);
    Ok((Token::from_bytes(value).ok_or(Malformed::Token)?, Params::parse(params)?))
}

/// The text of the comment at the front of `bytes`, escapes resolved, and what follows it (RFC 3261
/// §25.1). Parentheses within must be in pairs and are kept.
pub(crate) fn comment(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut octets = bytes.strip_prefix(b"(")?.iter().enumerate();
    let (mut inner, mut depth) = (Vec::new(), 0usize);
    while let Some((at, &octet)) = octets.next() {
        match octet {
            b'\\' => {
                inner.push(*octets.next()?.1);
                continue;
            }
            b'(' => depth += 1,
            b')' if depth == 0 => return Some((text(&inner), split(bytes, at + 2).1)),
            b')' => depth -= 1,
            _ => {}
        }
        inner.push(octet);
    }
    None
}

/// Parts `value` at the first `separator` outside quotes and angle brackets.
pub(crate) fn split_once(value: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut at = 0;
    while let Some(&octet) = value.get(at) {
        match octet {
            b'"' => match quoted_len(value.get(at..).unwrap_or_default()) {
                Some(len) => at += len,
                None => break,
            },
            b'<' => match memchr::memchr(b'>', value.get(at..).unwrap_or_default()) {
                Some(len) => at += len + 1,
                None => break,
            },
            _ if octet == separator => {
                let (front, rest) = split(value, at);
                return (front, rest.get(1..));
            }
            _ => at += 1,
        }
    }
    (value, None)
}

/// The comma-separated parts of a list, trimmed; empty parts are yielded too.
#[derive(Clone, Debug)]
pub(crate) struct List<'a>(Option<&'a [u8]>);

impl<'a> List<'a> {
    pub(crate) const fn new(value: &'a [u8]) -> Self {
        Self(Some(value))
    }
}

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let value = self.0?;
        let (part, rest) = match memchr::memchr(b',', value) {
            None => (value, None),
            Some(_) => split_once(value, b','),
        };
        self.0 = rest;
        Some(trim(part))
    }
}

/// A parameter's name and value.
pub(crate) type RawParam<'a> = (&'a [u8], Option<&'a [u8]>);

/// The parameters `;name=value` at the front of a field; values raw, quotes included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParamScan<'a>(&'a [u8]);

impl<'a> ParamScan<'a> {
    /// What has not been read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// `bytes` starts with `;` or is empty, but for white space.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads all of them, and gives the value of the first called `name`.
    pub(crate) fn check_and_find(mut self, name: &[u8]) -> Result<Option<&'a [u8]>, Malformed> {
        let mut found = None;
        while let Some((known, value)) = self.next_param()? {
            if found.is_none() && (known == name || known.eq_ignore_ascii_case(name)) {
                found = Some(value);
            }
        }
        Ok(found.flatten())
    }

    #[inline(always)]
    fn next_param(&mut self) -> Result<Option<RawParam<'a>>, Malformed> {
        let rest = match trim_start(self.0) {
            [] => return Ok(None),
            [b';', rest @ ..] => trim_start(rest),
            _ => return Err(Malformed::Parameter),
        };
        let (name, rest) = split(rest, span(rest, TOKEN));
        if name.is_empty() {
            return Err(Malformed::Parameter);
        }
        let after = trim_start(rest);
        let Some(after) = after.strip_prefix(b"=") else {
            self.0 = after;
            return Ok(Some((name, None)));
        };
        let after = trim_start(after);
        let len = match after.first() {
            Some(b'"') => quoted_len(after).ok_or(Malformed::QuotedString)?,
            _ => span(after, VALUE),
        };
        let (value, rest) = split(after, len);
        if value.is_empty() {
            return Err(Malformed::Parameter);
        }
        self.0 = rest;
        Ok(Some((name, Some(value))))
    }
}

impl<'a> Iterator for ParamScan<'a> {
    type Item = Result<RawParam<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_param().transpose();
        if matches!(item, Some(Err(_))) {
            self.0 = &[];
        }
        item
    }
}

/// Writes into a field so that no control character, and so no line end, can get in.
pub(crate) struct Clean<'a>(pub(crate) &'a mut String);

impl fmt::Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text.as_bytes()) || !text.chars().any(char::is_control) {
            self.0.push_str(text);
        } else {
            self.0.extend(text.chars().map(printable));
        }
        Ok(())
    }
}

/// Writes `text` as a quoted string.
pub(crate) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write;
    f.write_char('"')?;
    write_escaped(f, text, &['"', '\\'])?;
    f.write_char('"')
}

/// Writes `text` as a comment.
pub(crate) fn write_comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write;
    f.write_char('(')?;
    write_escaped(f, text, &['(', ')', '\\'])?;
    f.write_char(')')
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str, special: &[char]) -> fmt::Result {
    use fmt::Write;
    for c in text.chars() {
        if special.contains(&c) {
            f.write_char('\\')?;
        }
        f.write_char(printable(c))?;
    }
    Ok(())
}

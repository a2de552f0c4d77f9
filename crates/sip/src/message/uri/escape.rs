//! Escapes: `%` and two hexadecimal digits.

use std::borrow::Cow;

use super::super::grammar::{self, URI_HEADER, USER};

/// Whether each `%` starts an escape, and no octet is one that a URI in a message can never hold.
pub(super) fn escapes_are_good(bytes: &[u8]) -> bool {
    good_span(bytes) == bytes.len()
}

/// How far that is so from the front on; an `@` ends it too.
pub(super) fn good_span(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += grammar::span(rest, grammar::URI);
        match bytes.get(at..) {
            Some([b'%', a, b, ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => at += 3,
            _ => return at,
        }
    }
}

/// The normal spelling of a part whose escapes are good, where `class` needs no escape.
///
/// An octet that `class` allows but that was escaped stays escaped unless it is `unreserved`: the
/// two are not the same (RFC 3261 §19.1.4).
pub(super) fn normal(bytes: &[u8], class: u16) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&octet) = bytes.get(at) {
        let escaped = if octet == b'%' { hex_pair(bytes.get(at + 1..at + 3)) } else { None };
        match escaped {
            Some(octet) if is_unreserved(octet) => out.push(char::from(octet)),
            Some(octet) => push_escape(&mut out, octet),
            None if grammar::is(octet, class) => out.push(char::from(octet)),
            None => push_escape(&mut out, octet),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// The spelling where an escape stands for exactly the octets that `class` does not allow: for
/// parts in which `class` leaves out each separator, so that nothing changes its meaning.
pub(super) fn canonical(bytes: &[u8], class: u16) -> String {
    escape(&decoded(bytes), class)
}

const fn is_unreserved(octet: u8) -> bool {
    // What all four classes share.
    grammar::is(octet, USER)
        && grammar::is(octet, URI_HEADER)
        && !matches!(octet, b'+' | b'$' | b'/' | b'?')
}

/// Plain text with an escape for each octet that is not of `class`.
pub(super) fn escape(bytes: &[u8], class: u16) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &octet in bytes {
        if grammar::is(octet, class) {
            out.push(char::from(octet));
        } else {
            push_escape(&mut out, octet);
        }
    }
    out
}

fn push_escape(out: &mut String, octet: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(octet >> 4)]));
    out.push(char::from(HEX[usize::from(octet & 15)]));
}

fn hex_pair(pair: Option<&[u8]>) -> Option<u8> {
    let &[a, b] = pair? else {
        return None;
    };
    let digit =
        |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(a)? << 4 | digit(b)?)
}

/// Text with its escapes resolved; what is then not UTF-8 is read as Latin-1.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let out = decoded(text.as_bytes());
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => error.into_bytes().iter().map(|&octet| char::from(octet)).collect(),
    })
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&octet) = bytes.get(at) {
        let escaped = if octet == b'%' { hex_pair(bytes.get(at + 1..at + 3)) } else { None };
        out.push(escaped.unwrap_or(octet));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

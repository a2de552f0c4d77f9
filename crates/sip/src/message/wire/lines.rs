//! Lines: what a header is made of.

use super::super::MAX_LINE;
use super::super::grammar::{self, split, trim_start};
use super::check::Fault;

/// Cuts the header into fields, folds included, and notes the first fault met on the way.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the next line begins.
    pub(crate) at: usize,
    /// The first line ends with LF alone: all of them may, so that what is refused can be answered.
    bare: bool,
    pub(crate) fault: Option<Fault>,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, bare: false, fault: None }
    }

    /// The lines of a message: a line feed alone at the end of the first is a fault.
    pub(super) fn of_message(bytes: &'a [u8]) -> Self {
        let end = memchr::memchr(b'\n', bytes);
        let bare = end.is_some_and(|at| !bytes.get(..at).unwrap_or_default().ends_with(b"\r"));
        Self { bare, fault: bare.then_some(Fault::ControlCharacter), ..Self::new(bytes) }
    }

    /// The octets that no line has taken.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next field without its CR LF; empty at the end of the header, `None` at the end of the
    /// octets.
    pub(crate) fn next_line(&mut self) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.at..)?;
        let mut end = 0;
        let line = loop {
            end += memchr::memchr(b'\n', bytes.get(end..)?)? + 1;
            let ended = bytes.get(..end)?;
            let line = match ended.strip_suffix(b"\r\n") {
                Some(line) => line,
                None if self.bare => ended.strip_suffix(b"\n")?,
                // A line feed alone is found below to be a control character.
                None => continue,
            };
            // A fold; an empty line cannot be folded, it ends the header.
            if line.is_empty() || !matches!(bytes.get(end), Some(b' ' | b'\t')) {
                break line;
            }
        };
        self.check(line);
        self.at += end;
        Some(line)
    }

    /// The next field, or what is left when no CR LF ends it.
    pub(crate) fn next_or_last(&mut self) -> Option<&'a [u8]> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        let line = self.rest();
        self.at = self.bytes.len();
        self.check(line);
        (!line.is_empty()).then_some(line)
    }

    #[inline]
    fn check(&mut self, line: &[u8]) {
        // Without an early exit, so that the compiler can look at many octets at once.
        let control =
            line.iter().fold(false, |any, octet| any | (*octet < 0x20) | (*octet == 0x7F));
        if control && has_bad_control(line) {
            self.note(Fault::ControlCharacter);
        }
        if line.len() > MAX_LINE {
            self.note(Fault::LineTooLong);
        }
    }

    pub(crate) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

/// Parts a field at its colon; `None` when there is none or the name is no token. The value's end is
/// not trimmed.
#[inline]
pub(crate) fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = split(line, grammar::span(line, grammar::TOKEN));
    let mut rest = rest;
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    let value = trim_start(rest.strip_prefix(b":")?);
    (!name.is_empty()).then_some((name, value))
}

/// Whether a control character stands where only printable text may: all but tabs, folds, and
/// within quotes `quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F)`.
fn has_bad_control(line: &[u8]) -> bool {
    let (mut rest, mut quoted) = (line, false);
    loop {
        rest = match rest {
            [] => return false,
            [b'\r', b'\n', b' ' | b'\t', after @ ..] => after,
            [b'\\', escaped, after @ ..] if quoted && !matches!(escaped, b'\r' | b'\n') => after,
            [b'"', after @ ..] => {
                quoted = !quoted;
                after
            }
            [octet, after @ ..] if !grammar::is(*octet, grammar::CONTROL) || *octet == b'\t' => {
                after
            }
            _ => return true,
        };
    }
}

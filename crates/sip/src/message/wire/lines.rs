//! Lines: what a header is made of.

use super::super::grammar::{self, trim_start};
use super::super::{MAX_LINE, name};
use super::check::Fault;

/// Cuts the header into fields, folds included, and notes the first fault met on the way.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// The octets that no line has taken.
    rest: &'a [u8],
    /// Line ends so far, those of folds included.
    ends: usize,
    /// The first line ends with LF alone: all of them may, so that what is refused can be answered.
    bare: bool,
    pub(crate) fault: Option<Fault>,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, rest: bytes, ends: 0, bare: false, fault: None }
    }

    /// The lines of a message: a line feed alone at the end of the first is a fault.
    pub(super) fn of_message(bytes: &'a [u8]) -> Self {
        let end = memchr::memchr(b'\n', bytes);
        let bare = end.is_some_and(|at| !bytes.get(..at).unwrap_or_default().ends_with(b"\r"));
        Self { bare, fault: bare.then_some(Fault::ControlCharacter), ..Self::new(bytes) }
    }

    /// The octets that no line has taken.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Where the next line begins.
    pub(crate) const fn at(&self) -> usize {
        self.bytes.len() - self.rest.len()
    }

    /// The next field without its CR LF; empty at the end of the header, `None` at the end of the
    /// octets.
    #[inline(always)]
    pub(crate) fn next_line(&mut self) -> Option<&'a [u8]> {
        let (mut line_end, mut ends) = (0, 0);
        let (line, rest) = loop {
            line_end += memchr::memchr(b'\n', self.rest.get(line_end..)?)?;
            let (line, rest) = self.rest.split_at_checked(line_end)?;
            line_end += 1;
            let line = match line {
                [line @ .., b'\r'] => line,
                line if self.bare => line,
                // `fault` finds a line feed alone.
                _ => continue,
            };
            ends += 1;
            // A fold; an empty line cannot be folded, it ends the header.
            match rest {
                [_, b' ' | b'\t', ..] if !line.is_empty() => {}
                [_, rest @ ..] => break (line, rest),
                [] => return None,
            }
        };
        self.rest = rest;
        self.ends += ends;
        if line.len() > MAX_LINE {
            self.note(Fault::LineTooLong);
        }
        Some(line)
    }

    /// The next field, or what is left when no CR LF ends it.
    pub(crate) fn next_or_last(&mut self) -> Option<&'a [u8]> {
        if let Some(line) = self.next_line() {
            return Some(line);
        }
        let line = std::mem::take(&mut self.rest);
        if line.len() > MAX_LINE {
            self.note(Fault::LineTooLong);
        }
        (!line.is_empty()).then_some(line)
    }

    pub(crate) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// The first fault of the lines so far; a control character is the first of all.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let header = self.bytes.get(..self.at()).unwrap_or_default();
        if has_bad_control(header, self.ends) { Some(Fault::ControlCharacter) } else { self.fault }
    }

    /// Line ends so far, those of folds included.
    pub(super) const fn ends(&self) -> usize {
        self.ends
    }
}

/// How many control characters there are, counted so that the compiler looks at many octets at once.
fn controls(bytes: &[u8]) -> usize {
    let mut count = 0;
    // An octet counts to 255.
    for block in bytes.chunks(240) {
        let mut found = 0u8;
        for &octet in block {
            found += u8::from((octet < 0x20) | (octet == 0x7F));
        }
        count += usize::from(found);
    }
    count
}

/// Parts a field at its colon into name, the name's place in the list of known ones, and value; `None`
/// when there is no colon or the name is no token. The value's end is not trimmed.
#[inline(always)]
pub(crate) fn split_field(line: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (mut name, value) = line.split_at_checked(grammar::find(line, b':')?)?;
    while let [front @ .., b' ' | b'\t'] = name {
        name = front;
    }
    let index = name::lookup(name);
    // A known name is a token.
    let good = index != name::OTHER || grammar::all(name, grammar::TOKEN);
    good.then(|| (name, index, trim_start(value.get(1..).unwrap_or_default())))
}

/// Whether a control character stands where only printable text may: all but tabs, line ends, folds,
/// and within quotes `quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F)`. The header has so many line
/// ends.
pub(super) fn has_bad_control(header: &[u8], ends: usize) -> bool {
    // Most often these are all.
    if controls(header) == 2 * ends {
        return false;
    }
    let (mut rest, mut quoted) = (header, false);
    loop {
        rest = match rest {
            [] => return false,
            [b'\r', b'\n', b' ' | b'\t', after @ ..] => after,
            [b'\r', b'\n', after @ ..] => {
                quoted = false;
                after
            }
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

//! A look at a message for those who only want to know which it is.

use super::super::grammar::trim_end;
use super::super::{HeaderName, RawCSeq};
use super::lines::{Lines, split_field};
use super::view::Start;

/// What tells a message from others: its start line, Call-ID and CSeq, as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// The start line.
    pub start: Start<'a>,
    /// The first Call-ID.
    pub call_id: &'a [u8],
    /// The method in the first CSeq.
    pub method: &'a [u8],
}

impl<'a> Glance<'a> {
    /// Looks at the message `bytes`; `None` when there is no start line, Call-ID or CSeq.
    ///
    /// Nothing is checked, and nothing is read beyond what is looked for: a fraction of what
    /// [`View::parse`](super::View::parse) takes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let blank = bytes.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let mut lines = Lines::of_message(bytes.get(blank..)?);
        let start = Start::parse(lines.next_line()?)?;
        let (mut call_id, mut cseq) = (None, None);
        loop {
            if let (Some(call_id), Some(cseq)) = (call_id, cseq) {
                let RawCSeq { method, .. } = RawCSeq::parse(cseq).ok()?;
                return Some(Self { start, call_id, method });
            }
            let (_, index, value) = match lines.next_line()? {
                [] => return None,
                // Call-ID, its compact form, and CSeq.
                line @ [b'C' | b'c' | b'I' | b'i', ..] => match split_field(line) {
                    Some(field) => field,
                    None => continue,
                },
                _ => continue,
            };
            let slot = match HeaderName::by_index(index) {
                Some(HeaderName::CallId) => &mut call_id,
                Some(HeaderName::CSeq) => &mut cseq,
                _ => continue,
            };
            slot.get_or_insert(trim_end(value));
        }
    }
}

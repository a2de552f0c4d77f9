//! Frames on a byte stream.
//!
//! ```text
//! 00  COBS( type u8 · seq u8 · payload · CRC-32C of all before, little endian )  00
//! ```
//!
//! COBS (Cheshire and Baker, 1999) leaves no 00 inside, so after any damage the next 00 is the next
//! chance. A delimiter stands on both sides: a damaged delimiter costs the frame it belongs to,
//! never its neighbour. Empty frames mean nothing.

use crate::crc::Crc;
use crate::{MAX_BODY, crc32c};

/// A frame that arrived whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is; see [`crate::message`].
    pub kind: u8,
    /// Sequence number, in the sense of the type.
    pub seq: u8,
    /// The rest.
    pub payload: &'a [u8],
}

/// Encodes one frame into `out`; returns the octets used, or `None` when `out` is too small
/// ([`crate::MAX_FRAME`] always suffices for a payload of at most [`crate::MAX_PAYLOAD`]).
pub fn encode(kind: u8, seq: u8, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut writer = FrameWriter::new(kind, seq, out);
    writer.bytes(payload);
    writer.finish()
}

/// Writes a frame from front to back: COBS and CRC on the way, no second buffer.
pub(crate) struct FrameWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    /// Where the code octet of the open COBS group stands.
    code_at: usize,
    /// Value of that code octet: octets in the group plus one.
    code: u8,
    crc: Crc,
    full: bool,
}

impl<'a> FrameWriter<'a> {
    pub(crate) fn new(kind: u8, seq: u8, out: &'a mut [u8]) -> Self {
        let mut writer = Self { out, len: 0, code_at: 0, code: 1, crc: Crc::new(), full: false };
        writer.put(0);
        writer.open_group();
        writer.u8(kind);
        writer.u8(seq);
        writer
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.crc.add(value);
        self.stuff(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn i16(&mut self, value: i16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.u8(*byte);
        }
    }

    pub(crate) fn finish(mut self) -> Option<usize> {
        for byte in self.crc.value().to_le_bytes() {
            self.stuff(byte);
        }
        self.close_group();
        self.put(0);
        (!self.full).then_some(self.len)
    }

    fn stuff(&mut self, byte: u8) {
        if self.code == 0xFF {
            self.close_group();
            self.open_group();
        }
        if byte == 0 {
            self.close_group();
            self.open_group();
        } else {
            self.put(byte);
            self.code += 1;
        }
    }

    fn open_group(&mut self) {
        self.code_at = self.len;
        self.code = 1;
        self.put(0);
    }

    fn close_group(&mut self) {
        if let Some(code) = self.out.get_mut(self.code_at) {
            *code = self.code;
        }
    }

    fn put(&mut self, byte: u8) {
        match self.out.get_mut(self.len) {
            Some(slot) => *slot = byte,
            None => self.full = true,
        }
        self.len += 1;
    }
}

/// Finds frames in a byte stream that may be damaged anywhere.
///
/// Holds one frame of [`MAX_BODY`] octets. What is not a whole frame with a right CRC is counted
/// and skipped up to the next delimiter; after that nothing of it is remembered.
#[derive(Clone, Debug)]
pub struct Decoder {
    body: [u8; MAX_BODY],
    len: usize,
    state: State,
    counters: FrameCounters,
}

/// What a decoder has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounters {
    /// Octets fed.
    pub octets: u64,
    /// Frames that arrived whole.
    pub frames: u64,
    /// Frames with a wrong CRC.
    pub crc_errors: u64,
    /// Frames cut inside a COBS group, or shorter than type, sequence number and CRC.
    pub framing_errors: u64,
    /// Frames longer than any that the protocol has.
    pub oversize: u64,
}

impl FrameCounters {
    /// Everything that was thrown away.
    pub const fn errors(&self) -> u64 {
        self.crc_errors + self.framing_errors + self.oversize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between frames: only delimiters so far.
    Idle,
    /// Inside a COBS group with so many octets to come; `zero`: the group ends in a 00 if another
    /// follows.
    Group { left: u8, zero: bool },
    /// The frame is lost; wait for the delimiter.
    Lost,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that has seen nothing. It takes what comes first as the beginning of a frame.
    pub const fn new() -> Self {
        Self {
            body: [0; MAX_BODY],
            len: 0,
            state: State::Idle,
            counters: FrameCounters {
                octets: 0,
                frames: 0,
                crc_errors: 0,
                framing_errors: 0,
                oversize: 0,
            },
        }
    }

    /// Takes one octet; gives the frame that it completes, if any.
    pub fn push(&mut self, byte: u8) -> Option<Frame<'_>> {
        self.counters.octets += 1;
        if byte == 0 {
            return self.delimiter();
        }
        match self.state {
            State::Lost => {}
            State::Idle => {
                self.len = 0;
                self.state = State::Group { left: byte - 1, zero: byte != 0xFF };
            }
            State::Group { left: 0, zero } => {
                self.state = State::Group { left: byte - 1, zero: byte != 0xFF };
                if zero {
                    self.store(0);
                }
            }
            State::Group { left, zero } => {
                self.state = State::Group { left: left - 1, zero };
                self.store(byte);
            }
        }
        None
    }

    /// Takes octets and calls `sink` with every frame they complete.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(Frame<'_>)) {
        for byte in bytes {
            if let Some(frame) = self.push(*byte) {
                sink(frame);
            }
        }
    }

    /// Forgets a half-received frame, as after the stream was reopened. Counters stay.
    pub fn clear(&mut self) {
        self.state = State::Idle;
        self.len = 0;
    }

    /// What was seen so far.
    pub const fn counters(&self) -> &FrameCounters {
        &self.counters
    }

    fn store(&mut self, byte: u8) {
        match self.body.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
            }
            None => {
                self.counters.oversize += 1;
                self.state = State::Lost;
            }
        }
    }

    fn delimiter(&mut self) -> Option<Frame<'_>> {
        let state = core::mem::replace(&mut self.state, State::Idle);
        match state {
            State::Idle | State::Lost => return None,
            State::Group { left: 0, .. } => {}
            State::Group { .. } => {
                self.counters.framing_errors += 1;
                return None;
            }
        }
        let whole = self.body.get(..self.len)?;
        let Some((body, crc)) = whole.split_last_chunk::<4>() else {
            self.counters.framing_errors += 1;
            return None;
        };
        let [kind, seq, payload @ ..] = body else {
            self.counters.framing_errors += 1;
            return None;
        };
        if crc32c(body) != u32::from_le_bytes(*crc) {
            self.counters.crc_errors += 1;
            return None;
        }
        self.counters.frames += 1;
        Some(Frame { kind: *kind, seq: *seq, payload })
    }
}

/// Reads little-endian fields from the front of a payload; `None` when it is too short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
}

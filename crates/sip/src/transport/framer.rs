//! Messages out of a stream of octets (RFC 3261 §18.3), however the octets are cut.
//!
//! ```text
//! state \ input   CR LF          token octet   other octet     CR LF CR LF                  length reached   MAX_MESSAGE octets
//! Between         ↑line end,     ▸Header       ↑broken ▸Broken –                            –                –
//!                 2nd: ↑ping
//! Header          –              –             –               no Content-Length or a bad   –                ↑broken (513)
//!                                                              one: ↑broken (400) ▸Broken                    ▸Broken
//!                                                              too large: ↑broken (513)
//!                                                              ▸Broken; else ▸Body
//! Body            –              –             –               –                            ↑message         –
//!                                                                                           ▸Between
//! Broken          –              –             –               –                            –                –
//! ```
//!
//! ↑ is a [`Frame`]. A first line that is no start line breaks the stream as soon as it is complete. Time is not kept
//! here: whoever owns the connection gives up on a message that does not end ([`Framer::is_mid_message`]).

use core::fmt;

use crate::message::MAX_MESSAGE;
use crate::message::wire::{Fault, Rejected, View};

/// What was found in the stream, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// All octets of one message.
    Message(Vec<u8>),
    /// A line end between messages: a pong, where one is waited for (RFC 5626 §3.5.1).
    LineEnd,
    /// The line end after a [`Frame::LineEnd`]: together they are a ping, which is owed a line end.
    Ping,
    /// Where the next message begins cannot be told. Nothing follows.
    Broken(Broken),
}

/// Why a stream cannot be followed any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// What stands where a message must begin is none.
    Garbage,
    /// A message that does not say how long it is, or is too long; its sender may be owed an answer.
    Message(Rejected),
}

/// The receiving end of a stream.
#[derive(Debug, Default)]
pub struct Framer {
    state: State,
    /// Octets of the message that is being received, and whatever came with them.
    buffer: Vec<u8>,
    /// Where in `buffer` the next octet to look at is.
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// After `line_ends` line ends; `cr` when the last octet was one.
    Between {
        line_ends: usize,
        cr: bool,
    },
    /// From `at` up to `scanned` there is no end of the header.
    Header {
        scanned: usize,
        started: bool,
    },
    /// The message ends at `end`.
    Body {
        end: usize,
    },
    Broken,
}

impl Default for State {
    fn default() -> Self {
        BETWEEN
    }
}

impl Framer {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next octets. [`poll_frame`](Self::poll_frame) must be drained before the next call: then no more
    /// than [`MAX_MESSAGE`] octets are ever kept besides `bytes`.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.state != State::Broken {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What comes next in the octets received so far.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        loop {
            let before = (self.state, self.at);
            let frame = match self.state {
                State::Between { line_ends, cr } => self.in_between(line_ends, cr),
                State::Header { scanned, started } => self.in_header(scanned, started),
                State::Body { end } => self.in_body(end),
                State::Broken => return None,
            };
            if frame.is_some() {
                return frame;
            }
            if before == (self.state, self.at) {
                self.compact();
                return None;
            }
        }
    }

    /// Whether a message has begun and is not complete.
    pub fn is_mid_message(&self) -> bool {
        matches!(self.state, State::Header { .. } | State::Body { .. })
    }

    /// Octets kept.
    pub fn kept(&self) -> usize {
        self.buffer.len() - self.at
    }

    fn in_between(&mut self, line_ends: usize, cr: bool) -> Option<Frame> {
        let octet = *self.buffer.get(self.at)?;
        match octet {
            // RFC 3261 §7.5: line ends before a start line are nothing.
            b'\r' | b'\n' => {
                self.at += 1;
                if octet == b'\n' && cr {
                    let is_ping = line_ends % 2 == 1;
                    self.state = State::Between { line_ends: line_ends + 1, cr: false };
                    return Some(if is_ping { Frame::Ping } else { Frame::LineEnd });
                }
                self.state = State::Between { line_ends, cr: octet == b'\r' };
            }
            // No message begins so, but the greeting of TLS does.
            0..=b' ' | 0x7F => return Some(self.break_off(Broken::Garbage)),
            _ => self.state = State::Header { scanned: self.at, started: false },
        }
        None
    }

    fn in_header(&mut self, mut scanned: usize, mut started: bool) -> Option<Frame> {
        let window = self.buffer.get(..self.buffer.len().min(self.at + MAX_MESSAGE))?;
        let is_full = window.len() - self.at == MAX_MESSAGE;
        let scanned = loop {
            let Some(found) = memchr::memchr(b'\n', window.get(scanned..)?) else {
                break window.len();
            };
            let line_end = scanned + found + 1;
            let lines = window.get(self.at..line_end)?;
            if lines.ends_with(b"\r\n\r\n") {
                return self.header_ends(line_end);
            }
            if !started && lines.ends_with(b"\r\n") {
                match window.get(line_end) {
                    // The next octet may be a fold; this line end is looked at again then.
                    None if !is_full => break line_end - 1,
                    Some(b' ' | b'\t') | None => {}
                    Some(_) if View::parse(lines).is_err() => {
                        return Some(self.break_off(Broken::Garbage));
                    }
                    Some(_) => started = true,
                }
            }
            scanned = line_end;
        };
        if is_full {
            let broken = broken_message(window.get(self.at..)?, Fault::TooLarge);
            return Some(self.break_off(broken));
        }
        self.state = State::Header { scanned, started };
        None
    }

    /// The header ends at `end`.
    fn header_ends(&mut self, end: usize) -> Option<Frame> {
        let header = self.buffer.get(self.at..end)?;
        let read = View::parse(header).map(|view| match view.after_header() {
            [] => (view.content_length(), view.check()),
            // For whoever takes line feeds alone for line ends it has ended before.
            _ => (Err(Fault::ControlCharacter), Ok(())),
        });
        let length = match read {
            Ok((Ok(Some(length)), _)) if length <= MAX_MESSAGE - header.len() => length,
            Ok((Ok(Some(_)), _)) => {
                let broken = broken_message(header, Fault::TooLarge);
                return Some(self.break_off(broken));
            }
            // RFC 3261 §18.3: on a stream it is a must. A header that is wrong in other ways may hide it.
            Ok((Ok(None), checked)) => {
                let fault = checked.err().unwrap_or(Fault::Missing("Content-Length"));
                let broken = broken_message(header, fault);
                return Some(self.break_off(broken));
            }
            Ok((Err(fault), _)) => {
                let broken = broken_message(header, fault);
                return Some(self.break_off(broken));
            }
            Err(_) => return Some(self.break_off(Broken::Garbage)),
        };
        self.state = State::Body { end: end + length };
        None
    }

    fn in_body(&mut self, end: usize) -> Option<Frame> {
        let message = self.buffer.get(self.at..end)?.to_vec();
        self.at = end;
        self.state = BETWEEN;
        Some(Frame::Message(message))
    }

    fn break_off(&mut self, broken: Broken) -> Frame {
        self.state = State::Broken;
        self.buffer = Vec::new();
        self.at = 0;
        Frame::Broken(broken)
    }

    /// Gives back what was taken.
    fn compact(&mut self) {
        self.buffer.drain(..self.at);
        match &mut self.state {
            State::Header { scanned: place, .. } | State::Body { end: place } => *place -= self.at,
            State::Between { .. } | State::Broken => {}
        }
        self.at = 0;
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT_CAPACITY);
        }
    }
}

fn broken_message(header: &[u8], fault: Fault) -> Broken {
    match View::parse(header) {
        Ok(view) => Broken::Message(view.reject(fault)),
        Err(_) => Broken::Garbage,
    }
}

const BETWEEN: State = State::Between { line_ends: 0, cr: false };

/// Octets that an idle stream may hold on to.
const KEPT_CAPACITY: usize = 4096;

/// `Header 312`
impl fmt::Display for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Between { .. } => "Between",
            State::Header { .. } => "Header",
            State::Body { .. } => "Body",
            State::Broken => "Broken",
        };
        write!(f, "{state} {}", self.kept())
    }
}

//! What a message is owed, by datagram and on a stream.

/// A message and what it is owed by a gateway that has the user `user` of `example.com`, who is not registered.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub verdict: Verdict,
}

/// What is owed.
#[derive(Clone, Copy)]
pub struct Verdict {
    pub datagram: Owed,
    pub stream: OnStream,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owed {
    /// A final response with this status.
    Status(u16),
    /// Nothing, because this section says so.
    Silence(&'static str),
}

/// What differs where the octets come in a stream, which tells the end of a message by Content-Length alone (RFC 3261
/// §18.3, §7.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnStream {
    /// Nothing.
    Same,
    /// Where the next message begins cannot be told: this status, and the end of the connection.
    Closed(u16),
    /// What begins there is no message: the end of the connection.
    Garbage,
    /// More octets are waited for.
    Unfinished,
    /// The same, but its Content-Length leaves octets over, which spoil what follows.
    Remainder,
    /// What a datagram pads itself with is another message, and then none: both are answered, and the connection ends.
    TwoAndGarbage([u16; 2]),
}

impl Verdict {
    pub const fn stream(self, stream: OnStream) -> Self {
        Self { stream, ..self }
    }
}

/// This status by every way.
pub const fn status(code: u16) -> Verdict {
    Verdict { datagram: Owed::Status(code), stream: OnStream::Same }
}

/// Silence by every way, as this section says.
pub const fn silence(section: &'static str) -> Verdict {
    Verdict { datagram: Owed::Silence(section), stream: OnStream::Same }
}

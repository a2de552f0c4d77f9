//! From samples to messages.

use std::fmt;

use super::{Error, Message, MessageType, Presentation};
use crate::fsk::{Demodulator, Event, Heard, Standard};

/// A message with its type, length and checksum.
const MAX_OCTETS: usize = 258;

/// Sum over the characters of the odds that each is another, above which a right checksum says too little: of pairs of
/// errors about one in 16 leaves it right. Measured: none of 6,000 messages from SNR 2 to 7 dB was taken that was wrong.
const MAX_DOUBT: f32 = 1.0;

/// Waits for a burst and tells what it says.
///
/// ```text
///              Idle           Octet                                   FramingError   CarrierLost
///   Hunting    → Receiving    (seizure: ignored)                      -              -
///   Receiving  → Receiving*   first no type: → Hunting                → Hunting*     → Hunting*
///                             last: told, → Hunting
/// ```
/// `*` if type and length were received: `Err(Truncated)` is told.
#[derive(Clone, Debug)]
pub struct Receiver {
    demodulator: Demodulator,
    state: State,
    octets: [u8; MAX_OCTETS],
    /// Sum of the odds that a character is another.
    doubt: f32,
    failure: Failure,
}

/// A message that arrived intact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// In which standard it came.
    pub standard: Standard,
    /// All that it says.
    pub presentation: Presentation,
}

/// Why there is no message, by how far the receiver got: the last one that got farthest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was louder than -47 dBm0.
    NoSignal,
    /// There was a signal, but no mark signal of 30 bits or more.
    NoMark,
    /// A mark signal came, and no character after it.
    NoCharacter,
    /// The first character was no message type, but this.
    NoType(u8),
    /// The character after so many had a zero for a stop bit.
    Framing {
        /// Characters before it.
        octets: u16,
    },
    /// The signal ended, or paused for 13 bits, after so many characters.
    Truncated {
        /// Characters that came.
        octets: u16,
        /// Characters of the whole message.
        of: u16,
    },
    /// The sum over all characters is wrong.
    Checksum {
        /// Number of the checksum's character, from 1.
        octet: u16,
    },
    /// What the message says is wrong.
    Message(Error),
}

impl Failure {
    /// How far the receiver got.
    fn rank(self) -> u8 {
        match self {
            Failure::NoSignal => 0,
            Failure::NoMark => 1,
            Failure::NoCharacter => 2,
            Failure::NoType(_) => 3,
            Failure::Framing { .. } | Failure::Truncated { .. } => 4,
            Failure::Checksum { .. } => 5,
            Failure::Message(_) => 6,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoSignal => f.write_str("no carrier: nothing is louder than -47 dBm0"),
            Failure::NoMark => f.write_str("there is a signal, but no mark signal of 30 bits"),
            Failure::NoCharacter => f.write_str("no character follows the mark signal"),
            Failure::NoType(octet) => {
                write!(f, "the first octet, {octet:#04x}, is no message type")
            }
            Failure::Framing { octets } => {
                write!(f, "framing error: octet {} has no stop bit", octets + 1)
            }
            Failure::Truncated { octets, of } => {
                write!(f, "the signal ends after {octets} of {of} octets")
            }
            Failure::Checksum { octet } => write!(f, "the checksum, octet {octet}, is wrong"),
            Failure::Message(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No mark signal yet.
    Hunting,
    /// After the mark signal, with so many octets.
    Receiving { count: usize },
}

impl Receiver {
    /// A receiver that has heard nothing.
    pub fn new(standard: Standard) -> Receiver {
        Receiver::of(Demodulator::new(standard))
    }

    /// A receiver of whatever standard arrives.
    pub fn auto() -> Receiver {
        Receiver::of(Demodulator::auto())
    }

    fn of(demodulator: Demodulator) -> Receiver {
        Receiver {
            demodulator,
            state: State::Hunting,
            octets: [0; MAX_OCTETS],
            doubt: 0.0,
            failure: Failure::NoSignal,
        }
    }

    /// Listens; `told` hears of each message about a caller and of each failure after the mark signal.
    pub fn process(&mut self, samples: &[i16], mut told: impl FnMut(Result<Message, Error>)) {
        self.listen(samples, |result| {
            told(result.and_then(|received| Message::try_from(&received.presentation)));
        });
    }

    /// Listens; `told` hears of each message of any type and of each failure after the mark signal.
    pub fn listen(&mut self, samples: &[i16], mut told: impl FnMut(Result<Received, Error>)) {
        let Receiver { demodulator, state, octets, doubt, failure } = self;
        demodulator.listen(samples, |heard, standard| {
            let mut reading = Reading { state, octets, doubt, failure };
            let (result, goes_on) = reading.take(heard);
            if let (Some(result), Some(standard)) = (result, standard) {
                told(result.map(|presentation| Received { standard, presentation }));
            }
            goes_on
        });
        if *failure == Failure::NoSignal && demodulator.has_heard() {
            *failure = Failure::NoMark;
        }
    }

    /// Why there was no message so far; of messages that arrived it says nothing.
    pub fn failure(&self) -> Failure {
        self.failure
    }
}

/// Reads the first message of a recording, in one standard or in whichever it is.
///
/// # Errors
/// Why there is none.
pub fn read(samples: &[i16], standard: Option<Standard>) -> Result<Received, Failure> {
    let mut receiver = standard.map_or_else(Receiver::auto, Receiver::new);
    let mut first = None;
    // Stop bits that the recording cut off, and the bits after which they are decided.
    for samples in [samples, &[0; 400]] {
        receiver.listen(samples, |result| {
            if let (None, Ok(received)) = (&first, result) {
                first = Some(received);
            }
        });
    }
    first.ok_or(receiver.failure())
}

/// Network operators' own types (0xF1 and up) are not waited for: noise begins like them.
fn is_beginning(octet: u8) -> bool {
    octet < 0x90 && MessageType::from_octet(octet).is_some()
}

/// A receiver without its demodulator.
struct Reading<'a> {
    state: &'a mut State,
    octets: &'a mut [u8; MAX_OCTETS],
    doubt: &'a mut f32,
    failure: &'a mut Failure,
}

impl Reading<'_> {
    /// What there is to tell, and whether the demodulator shall go on.
    fn take(&mut self, heard: Heard) -> (Option<Result<Presentation, Error>>, bool) {
        match (*self.state, heard.event) {
            (State::Hunting, Event::Idle) => {
                self.begin();
                (None, true)
            }
            (State::Hunting, Event::Octet(_) | Event::FramingError | Event::CarrierLost) => {
                (None, true)
            }
            (State::Receiving { count }, Event::Octet(octet)) => {
                self.octet(count, octet, heard.margin)
            }
            (State::Receiving { count }, event) => {
                match event {
                    Event::Idle => self.begin(),
                    Event::FramingError | Event::CarrierLost | Event::Octet(_) => {
                        *self.state = State::Hunting;
                    }
                }
                let octets = count as u16;
                if count > 0 {
                    self.fail(match event {
                        Event::FramingError => Failure::Framing { octets },
                        Event::Idle | Event::CarrierLost | Event::Octet(_) => {
                            Failure::Truncated { octets, of: self.whole(count) }
                        }
                    });
                }
                ((count > 1).then_some(Err(Error::Truncated)), true)
            }
        }
    }

    /// After the mark signal.
    fn begin(&mut self) {
        *self.state = State::Receiving { count: 0 };
        *self.doubt = 0.0;
        self.fail(Failure::NoCharacter);
    }

    fn octet(
        &mut self,
        count: usize,
        octet: u8,
        margin: f32,
    ) -> (Option<Result<Presentation, Error>>, bool) {
        // `count` is below type + length + 255 + checksum, so the octet has its place.
        self.octets[count] = octet;
        let count = count + 1;
        *self.doubt += (-margin).exp();
        if count == 1 && !is_beginning(octet) {
            *self.state = State::Hunting;
            self.fail(Failure::NoType(octet));
            return (None, true);
        }
        if count < 2 || count < usize::from(self.whole(count)) {
            *self.state = State::Receiving { count };
            return (None, true);
        }
        *self.state = State::Hunting;
        let result = match Presentation::parse(&self.octets[..count]) {
            Ok(_) if *self.doubt > MAX_DOUBT => Err(Error::Doubtful),
            result => result,
        };
        match result {
            Ok(_) => {}
            Err(Error::Checksum) => self.fail(Failure::Checksum { octet: count as u16 }),
            Err(error) => self.fail(Failure::Message(error)),
        }
        // What follows is not of this burst.
        (Some(result), false)
    }

    /// Octets of the whole message, when so many are there.
    fn whole(&self, count: usize) -> u16 {
        if count < 2 { 3 } else { 3 + u16::from(self.octets[1]) }
    }

    fn fail(&mut self, failure: Failure) {
        if failure.rank() >= self.failure.rank() {
            *self.failure = failure;
        }
    }
}

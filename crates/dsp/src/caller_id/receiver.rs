//! From samples to messages.

use super::{Error, Message, parse};
use crate::fsk::{Demodulator, Event, Standard};

/// A message with its type, length and checksum.
const MAX_OCTETS: usize = 258;

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
}

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
        Receiver {
            demodulator: Demodulator::new(standard),
            state: State::Hunting,
            octets: [0; MAX_OCTETS],
        }
    }

    /// Listens; `told` hears of each message and of each failure after the mark signal.
    pub fn process(&mut self, samples: &[i16], mut told: impl FnMut(Result<Message, Error>)) {
        let Receiver { demodulator, state, octets } = self;
        demodulator.process(samples, |event| {
            if let Some(result) = state.take(octets, event) {
                told(result);
            }
        });
    }
}

impl State {
    fn take(
        &mut self,
        octets: &mut [u8; MAX_OCTETS],
        event: Event,
    ) -> Option<Result<Message, Error>> {
        match (*self, event) {
            (State::Hunting, Event::Idle) => {
                *self = State::Receiving { count: 0 };
                None
            }
            (State::Hunting, _) => None,
            (State::Receiving { count }, Event::Octet(octet)) => {
                // `count` is below type + length + 255 + checksum, so the octet has its place.
                octets[count] = octet;
                let count = count + 1;
                if count == 1 && !is_message_type(octet) {
                    *self = State::Hunting;
                    return None;
                }
                if count < 2 || count < 3 + usize::from(octets[1]) {
                    *self = State::Receiving { count };
                    return None;
                }
                *self = State::Hunting;
                Some(parse(&octets[..count]))
            }
            (State::Receiving { count }, event) => {
                *self = match event {
                    Event::Idle => State::Receiving { count: 0 },
                    _ => State::Hunting,
                };
                (count > 1).then_some(Err(Error::Truncated))
            }
        }
    }
}

/// Single data messages, and the multiple data messages of GR-30 and EN 300 659-3: noise seldom
/// begins like them.
fn is_message_type(octet: u8) -> bool {
    matches!(octet, 0x04 | 0x06 | 0x80..=0x8F)
}

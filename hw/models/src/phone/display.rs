//! The caller-ID display: octets to messages (Telcordia GR-30, ETSI EN 300 659-3).
//!
//! | state   | octet                        | bad stop, silence     |
//! |---------|------------------------------|-----------------------|
//! | Idle    | a type after a long mark → Length, else – | –        |
//! | Length  | → Body                       | → Idle                |
//! | Body    | last: checksum → event; Idle | → Idle                |

use super::PhoneEvent;
use super::fsk::{Demodulator, Found};
use super::spectrum::{Level, block_energy};
use crate::BLOCK_SAMPLES;

/// What the display shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerId {
    /// The calling number; `None` when it was not sent.
    pub number: Option<String>,
    /// The caller's name; `None` when it was not sent.
    pub name: Option<String>,
    /// Month, day, hour, minute: eight digits.
    pub date: Option<String>,
    /// The caller withheld the number.
    pub private: bool,
    /// The modem that carried it.
    pub standard: CallerIdStandard,
}

/// The modem that carried a caller ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdStandard {
    /// Bell 202: 1200 and 2200 Hz.
    Bell202,
    /// ITU-T V.23: 1300 and 2100 Hz.
    V23,
}

impl CallerIdStandard {
    /// The name of the control socket.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bell202 => "bell202",
            Self::V23 => "v23",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Display {
    modem: Demodulator,
    state: State,
    quiet: bool,
    threshold: f32,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    Length { kind: u8, standard: CallerIdStandard },
    Body { kind: u8, standard: CallerIdStandard, length: u8, octets: Vec<u8> },
}

impl Default for Display {
    fn default() -> Self {
        Self {
            modem: Demodulator::default(),
            state: State::Idle,
            quiet: true,
            threshold: block_energy(-45.0),
        }
    }
}

impl Display {
    /// The receiver was lifted, or the line fell silent.
    pub(super) fn reset(&mut self) {
        if !self.quiet {
            *self = Self::default();
        }
    }

    pub(super) fn listen(
        &mut self,
        block: &[i16; BLOCK_SAMPLES],
        level: &Level,
    ) -> Option<PhoneEvent> {
        if !level.reaches(self.threshold) {
            // The stop bit of the last octet may lie in this block.
            let event = if self.quiet { None } else { self.demodulate(block) };
            self.reset();
            return event;
        }
        self.quiet = false;
        self.demodulate(block)
    }

    fn demodulate(&mut self, block: &[i16; BLOCK_SAMPLES]) -> Option<PhoneEvent> {
        let Self { modem, state, .. } = self;
        let mut event = None;
        modem.demodulate(block, |modem, found| {
            event = match found {
                Found::Octet { value, mark_bits } => state.octet(value, mark_bits, modem),
                Found::BadStop => {
                    *state = State::Idle;
                    None
                }
            }
            .or(event.take());
        });
        event
    }
}

impl State {
    fn octet(&mut self, value: u8, mark_bits: u32, modem: &Demodulator) -> Option<PhoneEvent> {
        match self {
            Self::Idle => {
                if mark_bits >= MARK_BITS && KINDS.contains(&value) {
                    let standard = if modem.is_v23() {
                        CallerIdStandard::V23
                    } else {
                        CallerIdStandard::Bell202
                    };
                    *self = Self::Length { kind: value, standard };
                }
                None
            }
            Self::Length { kind, standard } => {
                let (kind, standard) = (*kind, *standard);
                *self = Self::Body { kind, standard, length: value, octets: Vec::new() };
                None
            }
            Self::Body { kind, standard, length, octets } => {
                if octets.len() < usize::from(*length) {
                    octets.push(value);
                    return None;
                }
                let sum = octets.iter().fold(kind.wrapping_add(*length), |s, o| s.wrapping_add(*o));
                let event = (sum.wrapping_add(value) == 0)
                    .then(|| message(*kind, octets, *standard))
                    .flatten();
                *self = Self::Idle;
                event
            }
        }
    }
}

fn message(kind: u8, octets: &[u8], standard: CallerIdStandard) -> Option<PhoneEvent> {
    match kind {
        SDMF_CALL => {
            let (date, number) = octets.split_at_checked(8)?;
            let mut caller = CallerId {
                number: None,
                name: None,
                date: Some(text(date)),
                private: number == b"P",
                standard,
            };
            if number != b"P" && number != b"O" {
                caller.number = Some(text(number));
            }
            Some(PhoneEvent::CallerId(caller))
        }
        SDMF_WAITING => Some(PhoneEvent::MessageWaiting { on: octets.first() == Some(&0x42) }),
        MDMF_CALL => Some(PhoneEvent::CallerId(parameters(octets, standard))),
        _ => parameter(octets, 0x0B)
            .and_then(|value| value.first())
            .map(|value| PhoneEvent::MessageWaiting { on: *value != 0 }),
    }
}

fn parameters(octets: &[u8], standard: CallerIdStandard) -> CallerId {
    let show = |code| parameter(octets, code).map(text).filter(|shown| !shown.is_empty());
    CallerId {
        number: show(0x02).or_else(|| show(0x03)),
        name: show(0x07),
        date: show(0x01),
        private: parameter(octets, 0x04) == Some(b"P"),
        standard,
    }
}

/// The value of the first parameter with this code.
fn parameter(mut octets: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [code, length, rest @ ..] = octets {
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        if *code == wanted {
            return Some(value);
        }
        octets = rest;
    }
    None
}

/// Printable characters; ISO 8859-1 above ASCII, as ETSI displays do.
fn text(octets: &[u8]) -> String {
    octets.iter().map(|o| char::from(*o)).filter(|c| !c.is_control()).collect()
}

/// A message begins after a mark signal; the shortest that is sent is 80 bits less tolerance (EN 300 659-1: type 2).
const MARK_BITS: u32 = 30;
/// SDMF call: date and number.
const SDMF_CALL: u8 = 0x04;
/// SDMF message waiting: 42h lit, 6Fh dark.
const SDMF_WAITING: u8 = 0x06;
/// MDMF call set-up.
const MDMF_CALL: u8 = 0x80;
/// MDMF message waiting.
const MDMF_WAITING: u8 = 0x82;
const KINDS: [u8; 4] = [SDMF_CALL, SDMF_WAITING, MDMF_CALL, MDMF_WAITING];

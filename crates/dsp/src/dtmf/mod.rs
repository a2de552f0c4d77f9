//! Dual-tone multi-frequency signalling: ITU-T Q.23 (sending) and Q.24 (receiving).

mod burst;
mod detector;
mod early;
mod judge;
mod low;
mod partial;
mod spectrum;
mod sums;

pub use detector::{Detector, Event};

use crate::tone::{Player, Program, Segment, Tone};

/// Frequencies of the rows of the keypad, Hz (Q.23).
pub const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];

/// Frequencies of the columns of the keypad, Hz (Q.23).
pub const HIGH_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// Level of the low tone where nobody says otherwise, dBm0.
pub const LOW_DBM0: f32 = -9.0;

/// Level of the high tone where nobody says otherwise, dBm0: 2 dB more, as lines lose more there.
pub const HIGH_DBM0: f32 = -7.0;

/// One of the sixteen keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The keys in the order of their RFC 4733 event codes.
    const CHARS: [u8; 16] = *b"0123456789*#ABCD";
    /// The keys as they lie, row by row.
    const KEYPAD: [u8; 16] = [1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15];

    /// All sixteen, by event code.
    pub fn all() -> impl Iterator<Item = Digit> + Clone {
        (0..16).map(Digit)
    }

    /// `0`-`9`, `*`, `#`, `A`-`D` (or `a`-`d`).
    pub fn from_char(c: char) -> Option<Digit> {
        let c = u8::try_from(c).ok()?.to_ascii_uppercase();
        Digit::CHARS.iter().position(|x| *x == c).map(|code| Digit(code as u8))
    }

    /// The event code of RFC 4733 §3.2: 0-9, 10 `*`, 11 `#`, 12-15 A-D.
    pub const fn from_event(code: u8) -> Option<Digit> {
        if code < 16 { Some(Digit(code)) } else { None }
    }

    /// The key in this row and column of the keypad, 0-3 each.
    pub fn from_row_column(row: usize, column: usize) -> Option<Digit> {
        if row > 3 || column > 3 { None } else { Some(Digit(Digit::KEYPAD[row * 4 + column])) }
    }

    /// The key as it is printed.
    pub const fn as_char(self) -> char {
        Digit::CHARS[self.0 as usize] as char
    }

    /// The event code of RFC 4733 §3.2.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// Row and column on the keypad, 0-3 each.
    pub fn row_column(self) -> (usize, usize) {
        let place = Digit::KEYPAD.iter().position(|code| *code == self.0).unwrap_or(0);
        (place / 4, place % 4)
    }

    /// The two frequencies in Hz, low one first.
    pub fn frequencies(self) -> (f32, f32) {
        let (row, column) = self.row_column();
        (LOW_HZ[row], HIGH_HZ[column])
    }

    /// The tone of this key with the levels of its low and high frequency in dBm0.
    pub fn tone(self, low_dbm0: f32, high_dbm0: f32) -> Tone {
        let (low, high) = self.frequencies();
        Tone::new(&[(low, low_dbm0), (high, high_dbm0)])
    }
}

/// Sends one digit at a time.
#[derive(Clone, Debug, Default)]
pub struct Generator {
    player: Player,
}

impl Generator {
    /// A generator of silence.
    pub fn new() -> Generator {
        Generator::default()
    }

    /// Starts a digit at the usual levels, with a pause after it that belongs to it. Lengths in
    /// samples; a tone of [`crate::tone::FOREVER`] lasts until [`Generator::stop`].
    pub fn start(&mut self, digit: Digit, tone_samples: u32, pause_samples: u32) {
        self.start_at(digit, tone_samples, pause_samples, LOW_DBM0, HIGH_DBM0);
    }

    /// As [`Generator::start`] with other levels, dBm0.
    pub fn start_at(
        &mut self,
        digit: Digit,
        tone_samples: u32,
        pause_samples: u32,
        low_dbm0: f32,
        high_dbm0: f32,
    ) {
        self.player.start(Program::once(&[
            Segment { tone: digit.tone(low_dbm0, high_dbm0), samples: tone_samples },
            Segment { tone: Tone::SILENCE, samples: pause_samples },
        ]));
    }

    /// Falls silent at once.
    pub fn stop(&mut self) {
        self.player.stop();
    }

    /// Whether the tone or its pause goes on.
    pub fn is_sending(&self) -> bool {
        self.player.is_playing()
    }

    /// Writes the next samples, silence after the end. Returns how many belong to the digit.
    pub fn process(&mut self, out: &mut [i16]) -> usize {
        self.player.process(out)
    }
}

//! A digit that came as RFC 4733, turned back into sound exactly as long as it was.

use tipring_dsp::dtmf::{Digit, HIGH_DBM0, LOW_DBM0};
use tipring_dsp::tone::{Player, Program};

use crate::block::BLOCK_SAMPLES;
use crate::fifo::Fifo;

/// Silence after a digit, in samples: 40 ms, the least that Q.24 lets a receiver ask for.
const PAUSE: u32 = 320;

#[derive(Clone, Copy, Debug)]
struct Wanted {
    digit: Digit,
    /// Its length in samples, once known.
    total: Option<u32>,
}

/// Sounds the digits of one stream, one after the other.
pub(crate) struct DigitTone {
    wanted: Fifo<Wanted, 8>,
    player: Player,
    played: u32,
    pause: u32,
}

impl DigitTone {
    pub(crate) fn new() -> Self {
        Self { wanted: Fifo::new(), player: Player::new(), played: 0, pause: 0 }
    }

    pub(crate) fn began(&mut self, digit: Digit) {
        // Beyond eight digits behind, the newest are left out; the event ring has them all.
        self.wanted.push(Wanted { digit, total: None });
    }

    /// The digit that began last is over; it lasted `samples`.
    pub(crate) fn ended(&mut self, samples: u32) {
        if let Some(last) = self.wanted.back_mut().filter(|w| w.total.is_none()) {
            last.total = Some(samples.max(PAUSE));
        }
    }

    /// Whether a digit sounds or waits.
    pub(crate) fn is_active(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// The digit that sounds or is next.
    pub(crate) fn digit(&self) -> Option<Digit> {
        self.wanted.front().map(|wanted| wanted.digit)
    }

    /// The next 5 ms; `None` where none of it sounds.
    pub(crate) fn process(&mut self) -> Option<[i16; BLOCK_SAMPLES]> {
        let mut out = [0; BLOCK_SAMPLES];
        let mut at = 0;
        let mut sounds = false;
        while at < BLOCK_SAMPLES {
            let room = (BLOCK_SAMPLES - at) as u32;
            if self.pause > 0 {
                let n = self.pause.min(room);
                self.pause -= n;
                at += n as usize;
                continue;
            }
            let Some(Wanted { digit, total }) = self.wanted.front().copied() else { break };
            if self.played == 0 {
                self.player.start(Program::continuous(digit.tone(LOW_DBM0, HIGH_DBM0)));
            }
            let n = total.map_or(room, |total| total.saturating_sub(self.played).min(room));
            self.player.process(&mut out[at..at + n as usize]);
            at += n as usize;
            self.played += n;
            sounds |= n > 0;
            if total.is_some_and(|total| self.played >= total) {
                self.wanted.pop();
                self.played = 0;
                self.pause = PAUSE;
            }
        }
        sounds.then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(c: char) -> Digit {
        Digit::from_char(c).expect("a key")
    }

    /// Samples that sound, as runs.
    fn runs(tone: &mut DigitTone, ticks: usize) -> Vec<usize> {
        let blocks = (0..ticks).map(|_| tone.process().unwrap_or([0; BLOCK_SAMPLES]));
        let samples: Vec<i16> = blocks.flatten().collect();
        // A tone's zero crossings are shorter than a pause.
        let mut runs = vec![];
        let mut last: Option<usize> = None;
        for (at, _) in samples.iter().enumerate().filter(|(_, s)| **s != 0) {
            match (last, runs.last_mut()) {
                (Some(last), Some(run)) if at - last < 20 => *run += at - last,
                _ => runs.push(1),
            }
            last = Some(at);
        }
        runs
    }

    #[test]
    fn a_digit_sounds_as_long_as_its_event_said() {
        let mut tone = DigitTone::new();
        tone.began(key('5'));
        let mut heard = runs(&mut tone, 14);
        tone.ended(800);
        heard.extend(runs(&mut tone, 20));
        assert_eq!(heard.len(), 2);
        assert!((795..=800).contains(&(heard[0] + heard[1])), "{heard:?}");
        assert!(!tone.is_active());
    }

    #[test]
    fn digits_in_a_hurry_keep_their_pause() {
        let mut tone = DigitTone::new();
        for c in ['1', '1', '2'] {
            tone.began(key(c));
            tone.ended(400);
        }
        assert_eq!(runs(&mut tone, 100).len(), 3);
    }
}

//! Which payload type stands for what in our descriptions, for the life of a dialog (RFC 3264 §8.3.2).

use crate::codec::Codec;
use crate::encoding::Encoding;
use crate::media::Media;
use crate::payload::Payload;

/// What a payload type of ours stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Codec(Codec),
    /// Telephone-events at a clock.
    Events(u32),
    /// Comfort noise at a clock.
    Noise(u32),
}

impl Meaning {
    /// `None` where it is nothing of ours: events and noise at a clock that none of our codecs has.
    pub(crate) fn of(payload: &Payload) -> Option<Self> {
        let map = payload.meaning()?;
        if let Some(codec) = map.codec() {
            return Some(Self::Codec(codec));
        }
        let ours = || Codec::ALL.iter().any(|codec| codec.clock_hz() == map.clock_hz);
        let is = |encoding| map.encoding == encoding && map.channels == 1 && ours();
        if is(Encoding::TelephoneEvent) {
            Some(Self::Events(map.clock_hz))
        } else if is(Encoding::ComfortNoise) {
            Some(Self::Noise(map.clock_hz))
        } else {
            None
        }
    }
}

/// The numbers in use. A number keeps its meaning unless the peer's offer gives it another; a number that either end has
/// ever used is not given to something else by us.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// At most one entry a meaning, of which there are few.
    entries: Vec<(Meaning, u8)>,
    /// A bit for each number that has stood for something.
    used: u128,
}

impl Numbers {
    /// The number for `meaning`: the one it has, else `wanted` where that is free, else a dynamic one.
    pub(crate) fn give(&mut self, meaning: Meaning, wanted: Option<u8>) -> u8 {
        // RFC 5761 §4: we offer none that would look like RTCP on a shared port.
        let offerable = |number: u8| !(64..=95).contains(&number);
        let known = self.entries.iter().find(|(known, n)| *known == meaning && offerable(*n));
        if let Some((_, number)) = known {
            return *number;
        }
        let fresh = |number: &u8| self.used & (1 << number) == 0;
        let free = |number: &u8| self.entries.iter().all(|(_, taken)| taken != number);
        let number = wanted
            .filter(fresh)
            .or_else(|| (96..=127).find(fresh))
            .or_else(|| (96..=127).find(free))
            .expect("there are more dynamic numbers than meanings");
        self.set(meaning, number);
        number
    }

    /// What the peer's description calls by a number we call so too, as far as we have no number for it yet.
    pub(crate) fn learn(&mut self, media: &Media) {
        for payload in media.payloads() {
            self.used |= 1 << payload.number;
            let known = |meaning: Meaning, number: u8| {
                self.entries.iter().any(|(known, taken)| *known == meaning || *taken == number)
            };
            match Meaning::of(payload) {
                Some(meaning) if !known(meaning, payload.number) => {
                    self.entries.push((meaning, payload.number));
                }
                Some(_) | None => {}
            }
        }
    }

    /// `meaning` goes by `number` from now on, as the peer's offer has it.
    pub(crate) fn set(&mut self, meaning: Meaning, number: u8) {
        self.entries.retain(|(known, taken)| *known != meaning && *taken != number);
        self.entries.push((meaning, number));
        self.used |= 1 << number;
    }
}

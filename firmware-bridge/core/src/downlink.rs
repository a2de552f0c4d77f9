//! The buffer of two blocks between the host and the PCM highway.
//!
//! The host sends one block for each that it gets, so the buffer neither grows nor shrinks for long. Playing begins when
//! both places are filled: from then on a block may be late by the time of one. A block that was lost on the way (its
//! sequence number is skipped) is replaced by the one before it, so that the delay stays the same.

use tipring_bridge_proto::{BLOCK_SAMPLES, Pcm};

/// 5 ms of every channel.
pub(crate) type Samples<const PORTS: usize> = [[u8; BLOCK_SAMPLES]; PORTS];

pub(crate) struct Downlink<const PORTS: usize> {
    blocks: [Samples<PORTS>; PLACES],
    first: usize,
    filled: usize,
    silence: u8,
    playing: bool,
    seq: Option<u8>,
    underruns: u32,
    overruns: u32,
}

impl<const PORTS: usize> Downlink<PORTS> {
    pub(crate) const fn new(silence: u8) -> Self {
        Self {
            blocks: [[[silence; BLOCK_SAMPLES]; PORTS]; PLACES],
            first: 0,
            filled: 0,
            silence,
            playing: false,
            seq: None,
            underruns: 0,
            overruns: 0,
        }
    }

    /// A session begins or PCM stops: nothing waits, nothing was missed.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.playing = false;
        self.seq = None;
        self.underruns = 0;
        self.overruns = 0;
    }

    pub(crate) fn push(&mut self, seq: u8, pcm: &Pcm<'_>) {
        let ahead = self.seq.map_or(1, |last| seq.wrapping_sub(last));
        if ahead == 0 {
            return;
        }
        self.seq = Some(seq);
        if (2..=MOST_LOST + 1).contains(&ahead) && self.playing {
            for _ in 1..ahead {
                self.repeat();
            }
        }
        let silence = self.silence;
        let place = self.place();
        place.fill([silence; BLOCK_SAMPLES]);
        for (to, from) in place.iter_mut().zip(pcm.channels) {
            *to = *from;
        }
    }

    /// Gives the next 5 ms; silence when there is none.
    pub(crate) fn pop(&mut self, out: &mut [[u8; BLOCK_SAMPLES]]) {
        self.playing |= self.filled == PLACES;
        if !self.playing || self.filled == 0 {
            self.underruns = self.underruns.wrapping_add(u32::from(self.playing));
            out.fill([self.silence; BLOCK_SAMPLES]);
            return;
        }
        let block = &self.blocks[self.first % PLACES];
        for (to, from) in out.iter_mut().zip(block) {
            *to = *from;
        }
        self.first = (self.first + 1) % PLACES;
        self.filled -= 1;
    }

    /// Samples of a channel that wait.
    pub(crate) fn fill(&self) -> u16 {
        (self.filled * BLOCK_SAMPLES) as u16
    }

    /// Blocks of silence played for want of one, since the session began.
    pub(crate) fn underruns(&self) -> u32 {
        self.underruns
    }

    /// Blocks thrown away because both places were filled, since the session began.
    pub(crate) fn overruns(&self) -> u32 {
        self.overruns
    }

    fn repeat(&mut self) {
        let last = self.blocks[(self.first + self.filled + PLACES - 1) % PLACES];
        *self.place() = last;
    }

    /// The next place; when all are filled, the oldest block goes.
    fn place(&mut self) -> &mut Samples<PORTS> {
        if self.filled == PLACES {
            self.first = (self.first + 1) % PLACES;
            self.overruns = self.overruns.wrapping_add(1);
        } else {
            self.filled += 1;
        }
        &mut self.blocks[(self.first + self.filled - 1) % PLACES]
    }
}

const PLACES: usize = 2;
/// A larger gap is a host that paused, not blocks that were lost.
const MOST_LOST: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn push(downlink: &mut Downlink<1>, seq: u8, octet: u8) {
        let channels = [[octet; BLOCK_SAMPLES]];
        downlink.push(seq, &Pcm { clock: 0, fill: 0, underruns: 0, channels: &channels });
    }

    fn pop(downlink: &mut Downlink<1>) -> u8 {
        let mut out = [[0; BLOCK_SAMPLES]];
        downlink.pop(&mut out);
        out[0][0]
    }

    #[test]
    fn playing_begins_with_two_blocks_and_an_empty_buffer_is_silence() {
        let mut downlink = Downlink::new(0xFF);
        push(&mut downlink, 0, 1);
        assert_eq!((pop(&mut downlink), downlink.underruns()), (0xFF, 0));
        push(&mut downlink, 1, 2);
        assert_eq!((pop(&mut downlink), downlink.fill()), (1, 40));
        assert_eq!(pop(&mut downlink), 2);
        assert_eq!((pop(&mut downlink), downlink.underruns()), (0xFF, 1));
        push(&mut downlink, 2, 3);
        assert_eq!(pop(&mut downlink), 3, "no second filling after an underrun");
    }

    #[test]
    fn a_third_block_pushes_the_oldest_out() {
        let mut downlink = Downlink::new(0xFF);
        for n in 0..3 {
            push(&mut downlink, n, n);
        }
        assert_eq!((pop(&mut downlink), downlink.overruns()), (1, 1));
    }

    #[test]
    fn a_lost_block_is_replaced_by_the_one_before_it() {
        let mut downlink = Downlink::new(0xFF);
        push(&mut downlink, 254, 1);
        push(&mut downlink, 255, 2);
        assert_eq!((pop(&mut downlink), pop(&mut downlink)), (1, 2));
        push(&mut downlink, 1, 4);
        assert_eq!((pop(&mut downlink), pop(&mut downlink)), (2, 4));
        push(&mut downlink, 1, 9);
        assert_eq!(downlink.fill(), 0, "the same block twice counts once");
    }
}

//! A card's rings, and what its clock says.
//!
//! The pacing card and the engine run in lock step, one block up, one down. Its clock tells what is missing:
//!
//! | the oldest block's clock     | what the tick does                                                       |
//! |------------------------------|--------------------------------------------------------------------------|
//! | is the expected one          | takes it                                                                 |
//! | no block                     | conceals: somebody called `tick` without one                             |
//! | up to 100 ms late            | drops it: its time was concealed                                         |
//! | up to 100 ms early           | conceals, and leaves it for its time: the ones between were lost         |
//! | anything else                | takes it and counts from there: the card started over                    |
//!
//! Any other card's blocks are all taken, and as many are given back.

use crate::block::{BLOCK_SAMPLES, CardBlock};
use crate::ring::{Consumer, Producer};

/// How far the clock may be off and still be the same run, in samples.
const REACH: i32 = 800;
/// Ticks without a block after which the card is taken for gone: 100 ms.
const GONE: u32 = 20;

pub(crate) struct CardPort {
    up: Consumer<CardBlock>,
    down: Producer<CardBlock>,
    paces: bool,
    /// Clock of the block that should come next.
    expected: Option<u32>,
    absent: u32,
    have: bool,
    channels: u16,
    /// Blocks owed to the card, and the clock of the latest that came up.
    owed: u32,
    answering: u32,
    out: CardBlock,
    pub(crate) late: u64,
    pub(crate) missing: u64,
    pub(crate) dropped: u64,
}

impl CardPort {
    pub(crate) fn new(up: Consumer<CardBlock>, down: Producer<CardBlock>, paces: bool) -> Self {
        Self {
            up,
            down,
            paces,
            expected: None,
            absent: 0,
            have: false,
            channels: 0,
            owed: 0,
            answering: 0,
            out: CardBlock::SILENCE,
            late: 0,
            missing: 0,
            dropped: 0,
        }
    }

    pub(crate) fn paces(&self) -> bool {
        self.paces
    }

    /// Blocks that wait.
    pub(crate) fn pending(&self) -> usize {
        self.up.len()
    }

    /// Decides what this tick's block is. For the pacing card only.
    pub(crate) fn begin(&mut self) {
        self.have = self.align();
        if self.have {
            self.absent = 0;
        } else {
            self.missing += u64::from(self.expected.is_some());
            self.pass_absent();
        }
        if let Some(expected) = &mut self.expected {
            self.answering = *expected;
            self.owed += 1;
            *expected = expected.wrapping_add(BLOCK_SAMPLES as u32);
        }
    }

    /// The next block of a card that does not pace, and how many are missing before it; call until `None`, at most
    /// [`Self::AT_ONCE`] times. [`Self::taken`] after each.
    pub(crate) fn next(&mut self) -> Option<(&CardBlock, u32)> {
        let block = self.up.peek()?;
        let ahead = self.expected.map_or(0, |e| block.clock.wrapping_sub(e) as i32);
        let missing = if (0..=REACH).contains(&ahead) { ahead / BLOCK_SAMPLES as i32 } else { 0 };
        Some((block, missing.unsigned_abs()))
    }

    /// Blocks taken in one tick from a card that does not pace.
    pub(crate) const AT_ONCE: usize = 8;

    /// The block that [`Self::next`] gave is used up.
    pub(crate) fn taken(&mut self, missing: u32) {
        if let Some(block) = self.up.peek() {
            self.answering = block.clock;
            self.channels = block.channels;
            self.expected = Some(block.clock.wrapping_add(BLOCK_SAMPLES as u32));
            self.owed += 1 + missing;
            self.missing += u64::from(missing);
            self.up.skip();
        }
    }

    /// The octets of a channel in this tick's block. For the pacing card only.
    pub(crate) fn channel(&self, channel: u8) -> Option<&[u8; BLOCK_SAMPLES]> {
        self.up.peek().filter(|_| self.have)?.channel(channel)
    }

    /// Where the channel's octets for the card go.
    pub(crate) fn channel_out(&mut self, channel: u8) -> Option<&mut [u8; BLOCK_SAMPLES]> {
        self.out.channel_mut(channel)
    }

    /// Whether a block is owed to the card.
    pub(crate) fn owes(&self) -> bool {
        self.owed > 0
    }

    /// Gives the card one block of what was written.
    pub(crate) fn give(&mut self) {
        self.owed = self.owed.saturating_sub(1);
        (self.out.clock, self.out.channels) = (self.answering, self.channels);
        if self.down.push(self.out).is_err() {
            self.dropped += 1;
        }
    }

    /// Ends the tick of the pacing card.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.have) {
            self.up.skip();
        }
    }

    /// Skips late blocks; whether the oldest is this tick's.
    fn align(&mut self) -> bool {
        while let Some(block) = self.up.peek() {
            self.channels = block.channels;
            let expected = *self.expected.get_or_insert(block.clock);
            let ahead = block.clock.wrapping_sub(expected) as i32;
            if ahead == 0 || ahead.saturating_abs() > REACH {
                self.expected = Some(block.clock);
                return true;
            }
            if ahead > 0 {
                return false;
            }
            self.late += 1;
            self.up.skip();
        }
        false
    }

    fn pass_absent(&mut self) {
        self.absent += 1;
        if self.absent >= GONE {
            self.expected = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::ring;

    struct Bench {
        port: CardPort,
        up: Producer<CardBlock>,
        down: Consumer<CardBlock>,
    }

    fn bench() -> Bench {
        let (up, up_out) = ring(32, || CardBlock::SILENCE);
        let (down_in, down) = ring(32, || CardBlock::SILENCE);
        Bench { port: CardPort::new(up_out, down_in, true), up, down }
    }

    impl Bench {
        fn block(&mut self, clock: u32) {
            assert!(self.up.push(CardBlock { clock, channels: 1, ..CardBlock::SILENCE }).is_ok());
        }

        /// The clock of the block that a tick used.
        fn tick(&mut self) -> Option<u32> {
            self.port.begin();
            let used = self.port.channel(0).is_some();
            let clock = self.port.up.peek().map(|b| b.clock);
            while self.port.owes() {
                self.port.give();
            }
            self.port.end();
            clock.filter(|_| used)
        }
    }

    #[test]
    fn one_up_one_down() {
        let mut b = bench();
        for clock in [1000, 1040, 1080] {
            b.block(clock);
            assert_eq!(b.tick(), Some(clock));
            assert_eq!(b.down.pop().map(|d| d.clock), Some(clock));
            assert!(b.down.is_empty());
        }
    }

    #[test]
    fn a_lost_block_is_concealed_and_those_after_it_keep_their_time() {
        let mut b = bench();
        b.block(1000);
        b.block(1080);
        let used: Vec<_> = (0..3).map(|_| b.tick()).collect();
        assert_eq!(used, [Some(1000), None, Some(1080)]);
        assert_eq!((b.port.missing, b.down.len()), (1, 3));
    }

    #[test]
    fn a_block_that_comes_after_its_tick_is_dropped() {
        let mut b = bench();
        b.block(1000);
        assert_eq!((b.tick(), b.tick()), (Some(1000), None));
        b.block(1040);
        b.block(1080);
        assert_eq!((b.tick(), b.port.late), (Some(1080), 1));
    }

    #[test]
    fn a_card_that_is_gone_gets_nothing_and_is_taken_up_again_at_any_clock() {
        let mut b = bench();
        b.block(1000);
        b.tick();
        (0..100).for_each(|_| assert_eq!(b.tick(), None));
        assert_eq!(b.down.len(), 20);
        b.block(7);
        assert_eq!(b.tick(), Some(7));
    }

    #[test]
    fn a_clock_that_jumps_is_followed() {
        let mut b = bench();
        b.block(1000);
        b.block(500_000);
        b.block(40);
        assert_eq!((b.tick(), b.tick(), b.tick()), (Some(1000), Some(500_000), Some(40)));
    }
}

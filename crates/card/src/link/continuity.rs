//! Whether audio blocks follow each other by the card's clock.

use tipring_bridge_proto::BLOCK_SAMPLES;

/// Watches the clock of the blocks of one session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuity {
    next: Option<u32>,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// After the last one, with so many blocks lost between.
    Next { missing: u32 },
    /// At or before the last one.
    Old,
    /// Somewhere that loss does not explain: count from here.
    Jump,
}

impl Continuity {
    pub(super) fn accept(&mut self, clock: u32) -> Step {
        let following = clock.wrapping_add(BLOCK);
        let Some(next) = self.next else {
            self.next = Some(following);
            return Step::Next { missing: 0 };
        };
        let ahead = clock.wrapping_sub(next);
        let behind = next.wrapping_sub(clock);
        if (1..=HORIZON).contains(&behind) {
            return Step::Old;
        }
        self.next = Some(following);
        if ahead <= HORIZON && ahead.is_multiple_of(BLOCK) {
            Step::Next { missing: ahead / BLOCK }
        } else {
            Step::Jump
        }
    }
}

const BLOCK: u32 = BLOCK_SAMPLES as u32;
/// Clocks further apart than this (10 s) are not those of neighbours.
const HORIZON: u32 = 80_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_repeats_are_seen_and_the_clock_may_wrap() {
        let mut continuity = Continuity::default();
        assert_eq!(continuity.accept(u32::MAX - 39), Step::Next { missing: 0 });
        assert_eq!(continuity.accept(0), Step::Next { missing: 0 });
        assert_eq!(continuity.accept(u32::MAX - 39), Step::Old);
        assert_eq!(continuity.accept(0), Step::Old);
        assert_eq!(continuity.accept(160), Step::Next { missing: 3 });
        assert_eq!(continuity.accept(201), Step::Jump);
        assert_eq!(continuity.accept(241), Step::Next { missing: 0 });
        assert_eq!(continuity.accept(1_000_000), Step::Jump);
    }
}

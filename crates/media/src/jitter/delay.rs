//! How long to wait: the delay that all but one packet in a hundred would have kept.
//!
//! Each packet's transit (when it arrived, less its timestamp) falls into a bin of 5 ms, counted from the quickest
//! of late. Older packets weigh less, so the picture forgets in about ten seconds.

/// Width of a bin, in samples.
const BIN: i32 = 40;
/// Bins: 240 ms, a little over the longest delay.
const BINS: usize = 48;
/// What one packet more takes from the weight of those before it.
const FORGET: f32 = 0.998;
/// The part of the packets that may come too late.
const TAIL: f32 = 0.01;
/// The part of the packets that may be quicker than "the quickest".
const HEAD: f32 = 0.005;
/// Packets between two looks at the picture.
const EVERY: u8 = 16;
/// Shortest and longest delay, in samples: 10 and 200 ms.
const RANGE: (i32, i32) = (80, 1600);

/// The picture of one stream's transits.
#[derive(Clone, Debug)]
pub(crate) struct DelayEstimate {
    bins: [f32; BINS],
    /// Weight of the next packet; grows instead of all bins shrinking.
    weight: f32,
    total: f32,
    /// The transit where bin 0 begins; `None` before the first packet.
    quickest: Option<u32>,
    until_look: u8,
    target: i32,
}

impl DelayEstimate {
    pub(crate) fn new() -> Self {
        Self {
            bins: [0.0; BINS],
            weight: 1.0,
            total: 0.0,
            quickest: None,
            until_look: EVERY,
            target: RANGE.0,
        }
    }

    /// Adds a packet's transit: its arrival less its timestamp, modulo 2³².
    pub(crate) fn observe(&mut self, transit: u32) {
        let quickest = *self.quickest.get_or_insert(transit);
        let mut behind = transit.wrapping_sub(quickest) as i32;
        if behind < -(BINS as i32) * BIN {
            // Nothing of the old picture would be left in it.
            *self = Self { quickest: Some(transit), ..Self::new() };
            behind = 0;
        } else if behind < 0 {
            let steps = (-(behind + 1) / BIN + 1) as u32;
            self.lower(steps);
            behind += steps as i32 * BIN;
        }
        let bin = (behind / BIN) as usize;
        self.bins[bin.min(BINS - 1)] += self.weight;
        self.total += self.weight;
        self.weight /= FORGET;
        if self.weight > 1e6 {
            self.bins.iter_mut().for_each(|bin| *bin *= 1e-6);
            self.total *= 1e-6;
            self.weight *= 1e-6;
        }
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = EVERY;
            self.look();
        }
    }

    /// The transit of the quickest packets, modulo 2³².
    pub(crate) fn quickest(&self) -> Option<u32> {
        self.quickest
    }

    /// The delay to aim for, in samples beyond the quickest packets: 80 to 1600.
    pub(crate) fn target(&self) -> i32 {
        self.target
    }

    /// Makes room for quicker packets below bin 0.
    fn lower(&mut self, steps: u32) {
        let shift = (steps as usize).min(BINS);
        self.bins.copy_within(..BINS - shift, shift);
        self.bins[..shift].fill(0.0);
        self.total = self.bins.iter().sum();
        self.quickest = self.quickest.map(|q| q.wrapping_sub(steps * BIN as u32));
    }

    fn look(&mut self) {
        // A longer way, or a peer whose clock is slower: nobody is as quick any more.
        let mut head = 0;
        let mut weight = 0.0;
        while head < BINS - 1 && weight + self.bins[head] < HEAD * self.total {
            weight += self.bins[head];
            head += 1;
        }
        if head > 0 {
            self.bins.copy_within(head.., 0);
            self.bins[BINS - head..].fill(0.0);
            self.total = self.bins.iter().sum();
            self.quickest = self.quickest.map(|q| q.wrapping_add(head as u32 * BIN as u32));
        }
        let mut tail = 0.0;
        let mut last = BINS - 1;
        while last > 0 && tail + self.bins[last] < TAIL * self.total {
            tail += self.bins[last];
            last -= 1;
        }
        self.target = ((last as i32 + 1) * BIN).clamp(RANGE.0, RANGE.1);
    }
}

/// The longest delay, in samples.
pub(crate) const LONGEST: i32 = RANGE.1;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(transits: impl IntoIterator<Item = u32>) -> DelayEstimate {
        let mut estimate = DelayEstimate::new();
        transits.into_iter().for_each(|t| estimate.observe(t));
        estimate
    }

    #[test]
    fn a_steady_path_asks_for_the_least() {
        let estimate = after([u32::MAX - 5; 1000]);
        assert_eq!((estimate.target(), estimate.quickest()), (80, Some(u32::MAX - 5)));
    }

    #[test]
    fn jitter_asks_for_its_own_width() {
        let estimate = after((0..1000).map(|n| 5000 + n % 10 * 48));
        assert!((432..=520).contains(&estimate.target()), "{}", estimate.target());
    }

    #[test]
    fn one_late_packet_changes_nothing_and_many_do() {
        let late = |every: u32| (0..1000).map(move |n| if n % every == 7 { 900 } else { 0 });
        assert_eq!(after(late(900)).target(), 80);
        assert!(after(late(20)).target() >= 900);
    }

    #[test]
    fn the_quickest_follows_a_path_that_got_shorter_or_longer() {
        let estimate = after((0..600).map(|n| if n < 300 { 4000 } else { 3000 }));
        assert_eq!(estimate.quickest(), Some(3000));
        let estimate = after((0..4000).map(|n| if n < 300 { 4000 } else { 5000 }));
        assert_eq!((estimate.quickest(), estimate.target()), (Some(5000), 80));
    }
}

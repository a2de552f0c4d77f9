//! What all targets share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tipring_core::Rng;

/// The time of a processor that one input may take, whatever its length.
const LONGEST: Duration = Duration::from_millis(10);

/// Tries before an input counts as slow: what a virtual machine is stopped for counts as its processor's time, but hardly
/// in all of them.
const TRIES: usize = 5;

/// Does `work`, which must do the same each time, and fails when it is always slow.
///
/// # Panics
/// When each of five tries in a row took more than 10 ms of a processor's time.
pub fn in_time(work: impl Fn()) {
    let is_slow = |_| {
        let began = worked();
        work();
        worked() - began > LONGEST
    };
    assert!(!(0..TRIES).all(is_slow), "slow: over {LONGEST:?} in each of {TRIES} tries");
}

/// The time that this thread has had of a processor.
fn worked() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("not before it began")
}

/// Cuts `bytes` into pieces of up to 64 octets, the same for a seed each time.
pub fn pieces(seed: u16, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rng = Rng::new(seed.into());
    let longest = 1 + rng.below(64);
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::try_from(rng.below(longest)).expect("small") + 1;
        let (piece, after) = rest.split_at(rest.len().min(length));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

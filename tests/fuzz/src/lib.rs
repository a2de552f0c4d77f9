//! What all targets share.

use std::time::{Duration, Instant};

/// What one input may take; the longest is 4 kB, which takes some tens of microseconds.
const LONGEST: Duration = Duration::from_millis(10);

/// Tries before an input counts as slow: the machine may stop us in one of them, hardly in all.
const TRIES: usize = 5;

/// Does `work`, which must do the same each time, and fails when it is always slow.
///
/// # Panics
/// When each of five tries in a row took more than 10 ms.
pub fn in_time(work: impl Fn()) {
    let is_slow = |_| {
        let began = Instant::now();
        work();
        began.elapsed() > LONGEST
    };
    assert!(!(0..TRIES).all(is_slow), "slow: over {LONGEST:?} in each of {TRIES} tries");
}

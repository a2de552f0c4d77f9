//! How old transactions get: none outlives the timer of its state (RFC 3261 table 4).

use std::collections::BTreeMap;

use tipring_core::{Duration, Instant};
use tipring_sip::agent::UserAgent;

/// 64·T1: timers B, D, F, H, J, L and M over UDP.
const MOST: Duration = Duration::from_secs(32);
/// T4: timers I and K.
const SHORT: Duration = Duration::from_secs(5);
/// Timer C, and 64·T1 for what its CANCEL is worth.
const RINGING: Duration = Duration::from_secs(180 + 32);

/// Since when each transaction is in its state.
#[derive(Default)]
pub struct Ages(BTreeMap<String, Instant>);

impl Ages {
    /// Looks at all transactions; `rung` is when a provisional response last allowed an INVITE to take its time.
    #[track_caller]
    pub fn check(&mut self, now: Instant, rung: Instant, ua: &UserAgent) {
        let mut known = BTreeMap::new();
        for line in ua.describe().filter(|line| line.starts_with("tx-")) {
            let since = self.0.get(&line).copied().unwrap_or(now);
            let (since, most) = match longest(&line) {
                Some(most) => (since, most),
                None => (since.max(rung), RINGING),
            };
            assert!(now - since <= most, "{line} is {:?} old", now - since);
            known.insert(line, since);
        }
        self.0 = known;
    }
}

/// How long a transaction may be in its state; `None` for one that rings, which a session bounds.
fn longest(line: &str) -> Option<Duration> {
    let words: Vec<_> = line.split(' ').collect();
    let [_, method, end, state, ..] = words.as_slice() else {
        panic!("no transaction: {line}");
    };
    match (*method, *end, *state) {
        ("INVITE", _, "Proceeding") => None,
        ("INVITE", "client", "Completed") => Some(MOST),
        ("INVITE", "server", "Confirmed") | (_, "client", "Completed") => Some(SHORT),
        _ => Some(MOST),
    }
}

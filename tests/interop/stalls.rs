//! When this machine stopped its threads. Whoever measures milliseconds must know: a stop of one core stops whatever part
//! of the gateway runs there.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::process;

/// A thread that wakes later than this was stopped.
pub const LATE: Duration = Duration::from_millis(8);

/// How often a witness looks at the clock.
const BEAT: Duration = Duration::from_millis(2);

/// A thread should have run from `since` on, and ran again at `until`.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    pub since: Instant,
    pub until: Instant,
}

impl Stall {
    /// Whether it fell into this time.
    pub fn overlaps(&self, time: &Range<Instant>) -> bool {
        self.since < time.end && time.start < self.until
    }
}

/// Notes a wake-up that was due at `due`: those that come late one after the other because of one stop are one stall.
pub fn note(stalls: &mut Vec<Stall>, due: Instant) {
    let now = Instant::now();
    if now.saturating_duration_since(due) <= LATE {
        return;
    }
    match stalls.last_mut().filter(|last| due <= last.until) {
        Some(last) => last.until = now,
        None => stalls.push(Stall { since: due, until: now }),
    }
}

/// A thread for each core that does nothing but look at the clock, as urgent as the gateway's.
pub struct Witnesses {
    stalls: Arc<Mutex<Vec<Stall>>>,
    stop: Arc<AtomicBool>,
}

impl Witnesses {
    pub fn start() -> Self {
        let witnesses = Self { stalls: Arc::default(), stop: Arc::default() };
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (stalls, stop) = (Arc::clone(&witnesses.stalls), Arc::clone(&witnesses.stop));
            thread::spawn(move || {
                process::hurry_as(40);
                let (mut next, mut own) = (Instant::now(), Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    next += BEAT;
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                    note(&mut own, next);
                }
                stalls.lock().expect("no thread has failed").extend(own);
            });
        }
        witnesses
    }

    /// Ends them; gives what they saw.
    pub fn end(self) -> Vec<Stall> {
        self.stop.store(true, Ordering::Relaxed);
        let all = || (Arc::strong_count(&self.stalls) == 1).then_some(());
        process::until("the witnesses", Duration::from_secs(5), all);
        std::mem::take(&mut self.stalls.lock().expect("no thread has failed"))
    }
}

#[test]
fn one_stop_is_one_stall_however_many_wake_ups_it_made_late() {
    let now = Instant::now();
    let ago = |ms| now - Duration::from_millis(ms);
    let mut stalls = Vec::new();
    for due in [ago(200), ago(180), ago(160), ago(20)] {
        note(&mut stalls, due);
    }
    note(&mut stalls, Instant::now());
    assert_eq!(stalls.len(), 1, "{stalls:?}");
    assert!(
        stalls[0].overlaps(&(ago(300)..ago(190))) && !stalls[0].overlaps(&(ago(300)..ago(200)))
    );
}

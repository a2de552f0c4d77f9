//! When this machine stopped its threads. Whoever measures milliseconds must know: a stop of one core stops whatever part
//! of the gateway runs there. A stop of some 30 ms tears the tone of a key in two, a longer one swallows it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::process;
use crate::rtp::Received;

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

/// How long all of them were.
pub fn total(stalls: &[Stall]) -> Duration {
    stalls.iter().map(|stall| stall.until - stall.since).sum()
}

/// The longest pause between two packets, without what this machine was stopped for meanwhile.
pub fn longest_pause(packets: &[Received], stalls: &[Stall]) -> Duration {
    let pauses = packets.windows(2).map(|pair| {
        let (from, to) = (pair[0].at, pair[1].at);
        let stopped = stalls
            .iter()
            .map(|stall| stall.until.min(to).saturating_duration_since(stall.since.max(from)));
        (to - from).saturating_sub(stopped.sum())
    });
    pauses.max().unwrap_or_default()
}

/// Tries what a stop of this machine can spoil, and tries it again only where one was seen meanwhile.
///
/// # Panics
/// When it does not succeed though nothing stopped, or not in three tries.
pub fn despite_stops<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3 {
        let witnesses = Witnesses::start();
        let done = attempt();
        let stalls = witnesses.end();
        if let Some(done) = done {
            return done;
        }
        assert!(!stalls.is_empty(), "{what}: no, though this machine did not stop");
        eprintln!("{what}: once more, because this machine stopped: {stalls:?}");
    }
    panic!("{what}: three times this machine stopped meanwhile");
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

#[test]
fn a_pause_is_as_long_as_it_is_without_the_stops_in_it() {
    let start = Instant::now();
    let after = |ms| start + Duration::from_millis(ms);
    let header =
        tipring_rtp::Header { payload_type: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0 };
    let packets =
        [0, 20, 140, 160, 250].map(|ms| Received { at: after(ms), header, payload: Vec::new() });
    let stall = |from, to| Stall { since: after(from), until: after(to) };
    let pause = |stalls: &[Stall]| longest_pause(&packets, stalls).as_millis();
    assert_eq!(pause(&[]), 120);
    assert_eq!(pause(&[stall(30, 130)]), 90);
    assert_eq!(pause(&[stall(10, 130), stall(130, 135), stall(170, 300)]), 20);
}

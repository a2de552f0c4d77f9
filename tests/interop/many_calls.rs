//! Thirty calls at once on one card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::control::PATIENCE;
use crate::process;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};

#[test]
fn thirty_phones_talk_at_once() {
    let mut site = Site::start(30, "");
    let peers: Vec<Endpoint> = (0..30).map(|_| Endpoint::open()).collect();
    let mut calls = Vec::new();
    for (peer, number) in peers.iter().zip(101u16..) {
        let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", peer.port);
        let scenario = scenario.argument("-d").argument(10_000);
        calls.push(scenario.call(&site, &number.to_string()));
    }
    for port in 1..=30 {
        site.phones.rings(port);
        site.phones.off_hook(port);
    }
    let baseline = Baseline::start();
    for call in &mut calls {
        call.succeeds(LONG);
    }
    let baseline = baseline.end();
    for port in 1..=30 {
        let open = json!({"event": "loop", "port": port, "open": true});
        site.phones.expect(PATIENCE, &open);
        site.phones.on_hook(port);
    }
    let mut worst = Duration::ZERO;
    for peer in &peers {
        let packets = peer.received();
        assert!(packets.len() > 450, "{}", packets.len());
        let gap = packets.windows(2).map(|pair| pair[1].at - pair[0].at).max();
        worst = worst.max(gap.unwrap_or_default());
    }
    eprintln!("the longest pause between two packets of thirty streams: {worst:?}");
    assert!(worst < Duration::from_millis(150), "{worst:?}");
    let (records, ticks) = site.leave_and_sum_up(30);
    eprintln!("{ticks:?}; of a thread that only waits for its time: {baseline:?}");
    let lost: u64 = records.iter().filter_map(|record| record["rtp"]["lost"].as_u64()).sum();
    assert_eq!(lost, 0);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:?}");
}

/// A thread that does nothing but wake each 5 ms: how late it is, is this machine's doing.
struct Baseline {
    thread: thread::JoinHandle<Wakes>,
    stop: Arc<AtomicBool>,
}

/// How a [`Baseline`] fared.
#[derive(Clone, Copy, Debug, Default)]
struct Wakes {
    count: u64,
    /// More than 5 ms after their time.
    late: u64,
    latest: Duration,
}

impl Baseline {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            process::hurry();
            let mut wakes = Wakes::default();
            let mut next = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                next += TICK;
                thread::sleep(next.saturating_duration_since(Instant::now()));
                let late = next.elapsed();
                wakes.count += 1;
                wakes.late += u64::from(late > TICK);
                wakes.latest = wakes.latest.max(late);
            }
            wakes
        });
        Self { thread, stop }
    }

    fn end(self) -> Wakes {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic")
    }
}

const TICK: Duration = Duration::from_millis(5);

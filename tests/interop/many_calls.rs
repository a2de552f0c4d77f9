//! Thirty calls at once on one card.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use serialport::{SerialPort, TTYPort};

use crate::control::PATIENCE;
use crate::process;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};
use crate::stalls::{self, Witnesses};

#[test]
fn thirty_phones_talk_at_once() {
    let (baseline, witnesses) = (Baseline::start(), Witnesses::start());
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
    for call in &mut calls {
        call.succeeds(LONG);
    }
    let (baseline, stalls) = (baseline.end(), witnesses.end());
    for port in 1..=30 {
        let open = json!({"event": "loop", "port": port, "open": true});
        site.phones.expect(PATIENCE, &open);
        site.phones.on_hook(port);
    }
    let mut worst = Duration::ZERO;
    for peer in &peers {
        let packets = peer.received();
        assert!(packets.len() > 450, "{}", packets.len());
        worst = worst.max(stalls::longest_pause(&packets, &stalls));
    }
    eprintln!("the longest pause between two packets of thirty streams: {worst:?}");
    assert!(worst < Duration::from_millis(150), "{worst:?}");
    let (records, ticks) = site.leave_and_sum_up(30);
    eprintln!("{ticks:?}; where nothing is done but to pass blocks on: {baseline:?}, {stalls:?}");
    // Two samples of one scheduler: as many more are chance. A core may have stopped where only the gateway was.
    let stopped = u64::try_from(stalls::total(&stalls).as_millis() / 5).expect("not so long");
    assert!(ticks.missed <= 2 * baseline.missed + stopped, "{ticks:?} {baseline:?}");
    assert!(ticks.late <= 2 * baseline.late + 2 + stopped, "{ticks:?} {baseline:?}");
    let lost: u64 = records.iter().filter_map(|record| record["rtp"]["lost"].as_u64()).sum();
    assert_eq!(lost, 0);
    assert!(records.iter().all(|record| record["cause"] == 16), "{records:?}");
}

/// Two threads and a pseudo-terminal between them that do nothing but pass on a block each 5 ms. How late these are is this
/// machine's doing; the kernel's own worker, which carries octets from one end of the terminal to the other, included.
struct Baseline {
    /// Gives its end of the terminal, which must stay open until all was read.
    writer: thread::JoinHandle<TTYPort>,
    reader: thread::JoinHandle<Blocks>,
    stop: Arc<AtomicBool>,
}

/// How the blocks of a [`Baseline`] fared.
#[derive(Clone, Copy, Debug, Default)]
struct Blocks {
    blocks: u64,
    /// Ticks that would have been made without a block.
    missed: u64,
    /// Blocks that came more than 10 ms after the one before.
    late: u64,
    longest: Duration,
}

impl Baseline {
    /// Begins once both threads have the right to run at once that the gateway's have.
    fn start() -> Self {
        let (mut near, mut far) = TTYPort::pair().expect("a pseudo-terminal");
        near.set_timeout(PATIENCE).expect("a timeout");
        far.set_timeout(PATIENCE).expect("a timeout");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let hurried = Arc::new(Barrier::new(2));
        let both = Arc::clone(&hurried);
        let writer = thread::spawn(move || {
            process::hurry_as(40);
            both.wait();
            let mut due = Instant::now();
            let mut last = false;
            while !last {
                due += BLOCK;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                last = stopped.load(Ordering::Relaxed);
                near.write_all(&[u8::from(last); OCTETS]).expect("the terminal is open");
            }
            near
        });
        let reader = thread::spawn(move || {
            process::hurry_as(40);
            hurried.wait();
            let mut blocks = Blocks::default();
            let mut block = [0; OCTETS];
            let mut before = Instant::now();
            while block[0] == 0 {
                far.read_exact(&mut block).expect("the terminal is open");
                let now = Instant::now();
                blocks.count(now - before);
                before = now;
            }
            blocks
        });
        Self { writer, reader, stop }
    }

    fn end(self) -> Blocks {
        self.stop.store(true, Ordering::Relaxed);
        let blocks = self.reader.join().expect("it does not panic");
        drop(self.writer.join().expect("it does not panic"));
        blocks
    }
}

impl Blocks {
    /// A block that came so long after the last one, judged as the gateway's media thread judges it: it waits 20 ms, and
    /// then makes a tick without a block each 5 ms.
    fn count(&mut self, pause: Duration) {
        self.blocks += 1;
        self.longest = self.longest.max(pause);
        if pause > BLOCK * 4 {
            self.missed += 1 + ((pause - BLOCK * 4).as_micros() / BLOCK.as_micros()) as u64;
        } else if pause > BLOCK * 2 {
            self.late += 1;
        }
    }
}

const BLOCK: Duration = Duration::from_millis(5);
/// Octets of a block of thirty channels.
const OCTETS: usize = 30 * 40;

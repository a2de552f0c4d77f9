//! A minute of talk between a handset and a SIP peer, measured to the sample.
//!
//! Both ends speak in turns of a second, so that the echo of the two-wire line is in nobody's way. Every turn must be
//! found whole, and all at the same place: no sample lost, doubled or stretched.
//!
//! The peer's own packets must be on time for that. A turn in which this machine sent one too late, or just before, is not
//! measured, and when those are too many they talk again. A machine that stops a thread that does nothing but look at the
//! clock stops those of the gateway and the card as well: a turn in which it was seen to may have a flaw of some
//! milliseconds. Every other turn is whole.

use std::fs;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tipring_dsp::wav::{self, Format};

use crate::audio::{self, RATE};
use crate::process::until;
use crate::rtp::Endpoint;
use crate::sipp::Scenario;
use crate::site::{LONG, Site};
use crate::stalls::{Stall, Witnesses};

/// How long they talk.
const SECONDS: usize = 60;
/// The jitter buffer has found its depth by then.
const SETTLING: Duration = Duration::from_secs(4);
/// The first sound is found within this.
const SEARCH: usize = RATE / 2;
/// The least correlation of a turn that is whole.
const WHOLE: f64 = 0.99;
/// The least of one that this machine has put a flaw in: some 50 ms of its second.
const FLAWED: f64 = 0.95;
/// How long a sample may be on its way, in seconds.
const IN_FLIGHT: f64 = 0.1;
/// So many turns must be measured.
const ENOUGH: usize = 20;

#[test]
fn a_minute_of_speech_passes_whole_in_both_directions() {
    for _ in 0..3 {
        let talk = talk();
        eprintln!("{talk:#?}");
        if talk.down.turns.len() < ENOUGH {
            eprintln!("too little was measured towards the telephone: our own packets were late");
            continue;
        }
        let flaws = talk.flaws();
        if flaws.is_empty() {
            return;
        }
        // A stop may do more harm than is excused: the buffer grows, a packet comes too late, the first sample does.
        assert!(!talk.stalls.is_empty(), "{flaws:?}, though this machine did not stop: {talk:?}");
        eprintln!("{flaws:?}, but this machine stopped");
    }
    panic!("three times this machine was too busy to measure anything");
}

/// What became of a minute.
#[derive(Debug)]
struct Talk {
    /// From the handset to the peer.
    up: Way,
    /// From the peer to the handset.
    down: Way,
    /// When this machine stopped our threads.
    stalls: Vec<Stall>,
    record: Value,
}

impl Talk {
    /// What is not as it should be.
    fn flaws(&self) -> Vec<&'static str> {
        let whole = |way: &Way| {
            way.slips.is_empty() && way.worst() >= FLAWED && way.flawed(&self.stalls).is_empty()
        };
        let rtp = &self.record["rtp"];
        let all = [
            ("not whole towards the peer", whole(&self.up)),
            ("not whole towards the telephone", whole(&self.down)),
            // A packet's first sample waits for its last; the card's clock beats every 5 ms.
            ("late at the peer", (15.0..=20.0 + 15.0).contains(&self.up.delay_ms)),
            // The packet is whole already; 40 ms in the jitter buffer, and what the beats of the card round up.
            ("late at the telephone", (40.0..=15.0 + 50.0).contains(&self.down.delay_ms)),
            ("packets lost or late", rtp["lost"] == 0 && rtp["late"] == 0),
        ];
        all.into_iter().filter(|(_, is_good)| !is_good).map(|(name, _)| name).collect()
    }
}

/// One direction.
#[derive(Debug)]
struct Way {
    /// The place in what was heard of the first sample said.
    at: usize,
    /// When the first sample was said.
    since: Instant,
    /// The correlation of each turn with what was heard of it, by the second in which it was said.
    turns: Vec<(usize, f64)>,
    /// Turns that were found elsewhere than they should be: the second, and by how many samples.
    slips: Vec<(usize, i64)>,
    delay_ms: f64,
}

impl Way {
    /// The turns that are not whole though this machine stopped nothing meanwhile.
    fn flawed(&self, stalls: &[Stall]) -> Vec<usize> {
        let stopped = |second: usize| {
            let time = seconds(self.since, second as f64, second as f64 + 1.0 + IN_FLIGHT);
            stalls.iter().any(|stall| stall.overlaps(&time))
        };
        let flawed = self.turns.iter().filter(|(_, correlation)| *correlation < WHOLE);
        flawed.map(|(second, _)| *second).filter(|second| !stopped(*second)).collect()
    }

    /// The lowest correlation.
    fn worst(&self) -> f64 {
        self.turns.iter().map(|(_, correlation)| *correlation).fold(1.0, f64::min)
    }
}

/// From and to so many seconds after `since`.
fn seconds(since: Instant, from: f64, to: f64) -> Range<Instant> {
    since + Duration::from_secs_f64(from)..since + Duration::from_secs_f64(to)
}

fn talk() -> Talk {
    let mut site = Site::start(1, "");
    let peer = Endpoint::open();
    let scenario = Scenario::new("caller_hangs_up").with("AUDIO_PORT", peer.port);
    let length = SETTLING.as_millis() as usize + SECONDS * 1000 + 3000;
    let mut sipp = scenario.argument("-d").argument(length).call(&site, "101");
    let spoken = audio::turns(audio::speech(SECONDS, 1), true);
    let answered = audio::turns(audio::speech(SECONDS, 2), false);
    let (mouth, ear) = (site.file("mouth.wav"), site.file("ear.wav"));
    fs::write(&mouth, wav::print(Format::Pcm16, RATE as u32, &spoken)).expect("a file");

    site.phones.rings(1);
    site.phones.off_hook(1);
    peer.peer();
    thread::sleep(SETTLING);
    let witnesses = Witnesses::start();
    let recording_from = Instant::now();
    site.phones.op(json!({"op": "record", "port": 1, "wav": ear}));
    let playing_from = Instant::now();
    site.phones.op(json!({"op": "play", "port": 1, "wav": mouth}));
    peer.speak(&answered);
    let over = Duration::from_secs(SECONDS as u64) + Duration::from_millis(500);
    until("the end of the talk", over + LONG, || (playing_from.elapsed() > over).then_some(()));
    site.phones.op(json!({"op": "stop", "port": 1}));
    let (late, mut stalls) = (peer.stalls(), witnesses.end());
    sipp.succeeds(LONG);
    site.phones.on_hook(1);

    let heard = peer.heard();
    // What came just before is where to begin to look.
    let arrived = heard.arrivals.iter().find(|(_, at)| *at >= playing_from).expect("audio").0;
    let from = arrived.saturating_sub(400);
    let mut up = compare(&spoken, true, &heard.samples, from, (playing_from, &[]));
    let (first, at) =
        heard.arrivals.iter().rev().find(|(first, _)| *first <= up.at).expect("audio");
    up.delay_ms = (*at - playing_from).as_secs_f64() * 1000.0 + (up.at - first) as f64 / 8.0;
    let recorded = wav::parse(&fs::read(&ear).expect("a recording")).expect("a WAV file").samples;
    let mut down = compare(&answered, false, &recorded, 0, (peer.spoke(), &late));
    let spoke = peer.spoke() - recording_from;
    down.delay_ms = down.at as f64 / 8.0 - spoke.as_secs_f64() * 1000.0;
    stalls.extend(late);
    let record = site.leave(1).remove(0);
    Talk { up, down, stalls, record }
}

/// Finds every turn of `said`, since then, in `heard`, but those that a late packet has spoilt; the first one is looked
/// for from `from` on.
fn compare(
    said: &[i16],
    first: bool,
    heard: &[i16],
    from: usize,
    (since, late): (Instant, &[Stall]),
) -> Way {
    let begin = if first { 0 } else { RATE };
    let offset = from + begin;
    let found = audio::find(&said[begin..begin + RATE], heard, offset..offset + SEARCH);
    let at = found.at.saturating_sub(begin);
    let mut way = Way { at, since, turns: Vec::new(), slips: Vec::new(), delay_ms: f64::NAN };
    for turn in (begin..said.len()).step_by(2 * RATE) {
        let second = (turn / RATE) as f64;
        let time = seconds(since, (second - 1.0).max(0.0), second + 1.0);
        if late.iter().any(|stall| stall.overlaps(&time)) {
            continue;
        }
        let due = at + turn;
        let range = due.saturating_sub(400)..due + 400;
        let found = audio::find(&said[turn..turn + RATE], heard, range);
        way.turns.push((turn / RATE, found.correlation));
        if found.at != due {
            way.slips.push((turn / RATE, found.at as i64 - due as i64));
        }
    }
    way
}

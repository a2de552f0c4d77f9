//! Thirty calls for a minute, with everything in them, and not one allocation or release inside a tick.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use tipring_core::{CardId, ContextId, Duration, Instant, Rng, TerminationId};
use tipring_dsp::dtmf::{Digit, Generator};
use tipring_dsp::echo::Tail;
use tipring_dsp::g711::{self, Law};
use tipring_dsp::tone::{Program, Tone};
use tipring_media::control::{Command, Direction, Event, RtpFormat, RtpParams};
use tipring_media::{BLOCK_SAMPLES, CardBlock, Engine, EngineConfig, EngineHandle};
use tipring_rtp::rtcp::Cname;

/// Counts what a thread allocates and frees while it is told to.
struct Counting;

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    if COUNTING.get() {
        COUNT.set(COUNT.get() + 1);
    }
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only thread-local cells without
// destructors, which allocate nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: u32 = 30;
/// Calls on the second card, whose clock is not the engine's.
const SECOND: u32 = 4;

fn phone(call: u32) -> TerminationId {
    TerminationId(call)
}

fn stream(call: u32) -> TerminationId {
    TerminationId(1000 + call)
}

struct World {
    engine: Engine,
    handle: EngineHandle,
    rng: Rng,
    now: Instant,
    flying: BTreeMap<(Instant, u64), (TerminationId, bool, Vec<u8>)>,
    sent: u64,
    digits: u64,
    bursts: u64,
    keys: Generator,
}

impl World {
    fn new() -> Self {
        let config = EngineConfig { cards: 2, terminations: 64, ..EngineConfig::default() };
        let (engine, handle) = Engine::new(config);
        Self {
            engine,
            handle,
            rng: Rng::new(1),
            now: Instant::from_millis(1),
            flying: BTreeMap::new(),
            sent: 0,
            digits: 0,
            bursts: 0,
            keys: Generator::new(),
        }
    }

    fn send(&mut self, command: Command) {
        self.handle.control.send(command).expect("the ring has room");
    }

    fn set_up(&mut self, call: u32) {
        let (card, channel) =
            if call < SECOND { (CardId(1), call) } else { (CardId(0), call - SECOND) };
        let channel = channel as u8;
        let law = if call.is_multiple_of(3) { Law::A } else { Law::Mu };
        let termination = phone(call);
        let echo = (!call.is_multiple_of(4)).then_some(Tail::Ms32);
        self.send(Command::AddCardChannel { termination, card, channel, law, echo });
        let events = (!call.is_multiple_of(5)).then_some(101);
        let ptime_ms = [10, 20, 30, 60][call as usize % 4];
        let format = RtpFormat { ptime_ms, ..RtpFormat::g711(Law::Mu, events) };
        let cname = Cname::new("gateway@tipring.test");
        let ssrc = self.rng.next_u32();
        let params = RtpParams { format, ssrc, sequence: 1, timestamp: 1, cname };
        self.send(Command::AddRtp { termination: stream(call), params });
        self.send(Command::Join { context: ContextId(call), a: phone(call), b: stream(call) });
        self.send(Command::DetectDigits { termination: phone(call), on: true, mute: true });
    }

    /// What signalling might do at this time.
    fn signal(&mut self, tick: u32) {
        let call = tick / 7 % CALLS;
        let digit = Digit::from_event((call % 16) as u8).expect("sixteen keys");
        let (phone, stream) = (phone(call), stream(call));
        match tick % 70 {
            0 => self.send(Command::SendDigit { termination: stream, digit, ms: 80 }),
            7 => self.send(Command::SendDigit { termination: phone, digit, ms: 80 }),
            14 => {
                let program = Program::on_off(Tone::dual(440.0, 480.0, -19.0), 300, 200);
                self.send(Command::PlayTone { termination: phone, program });
            }
            21 => {
                let samples = vec![99; 4_000].into_boxed_slice();
                self.send(Command::PlaySamples { termination: phone, samples });
            }
            28 => self.send(Command::StopTone { termination: phone }),
            35 => self.send(Command::Stats { termination: stream }),
            42 => {
                let direction = Direction::SEND_ONLY;
                self.send(Command::SetDirection { termination: stream, direction });
            }
            49 => {
                let direction = Direction::BOTH;
                for call in 0..CALLS {
                    let termination = TerminationId(1000 + call);
                    self.send(Command::SetDirection { termination, direction });
                }
            }
            56 => {
                self.send(Command::Remove { termination: phone });
                self.send(Command::Remove { termination: stream });
                self.set_up(call);
            }
            63 => {
                let b = TerminationId((call + 1) % CALLS);
                self.send(Command::Join { context: ContextId(call), a: phone, b });
                // Back to where it was, or it leaves a call behind.
                let other = (call + 1) % CALLS;
                let (a, b) = (TerminationId(other), TerminationId(1000 + other));
                self.send(Command::Join { context: ContextId(other), a, b });
            }
            _ => {}
        }
    }

    fn cards(&mut self, tick: u32) {
        // Keys pressed on every phone of the first card.
        if !self.keys.is_sending() {
            let digit = Digit::from_event((tick % 16) as u8).expect("sixteen keys");
            self.keys.start(digit, 800, 8_000);
        }
        let (mut linear, mut octets) = ([0; BLOCK_SAMPLES], [0; BLOCK_SAMPLES]);
        self.keys.process(&mut linear);
        g711::encode(Law::Mu, &linear, &mut octets);
        let mut up = CardBlock { clock: tick * 40, channels: 32, ..CardBlock::SILENCE };
        up.octets.as_chunks_mut().0.fill(octets);
        // Blocks are lost, and the second card is much too fast.
        if !tick.is_multiple_of(97) {
            let _ = self.handle.cards[0].up.push(up);
        }
        let blocks = if tick.is_multiple_of(1_000) { 2 } else { 1 };
        (0..blocks).for_each(|_| {
            let _ = self.handle.cards[1].up.push(up);
        });
    }

    fn network(&mut self) {
        while let Some(slot) = self.handle.rtp.pop() {
            self.sent += 1;
            if self.rng.chance(0.05) {
                continue;
            }
            // Calls 0 and 1 talk to each other, 2 and 3, …
            let to = TerminationId(1000 + ((slot.termination.0 - 1000) ^ 1));
            let at = self.now + Duration::from_micros(self.rng.below(60_000));
            self.flying.insert((at, self.sent), (to, slot.rtcp, slot.datagram().to_vec()));
        }
        while let Some(first) = self.flying.first_entry() {
            let at = first.key().0;
            if at > self.now {
                break;
            }
            let (to, rtcp, octets) = first.remove();
            assert!(self.handle.rtp.push(to, at, rtcp, &octets));
        }
    }

    /// One tick; how often it allocated or freed.
    fn tick(&mut self, tick: u32) -> u64 {
        self.signal(tick);
        self.cards(tick);
        self.network();
        COUNT.set(0);
        COUNTING.set(true);
        self.engine.tick(self.now);
        COUNTING.set(false);
        for card in &mut self.handle.cards {
            while card.down.pop().is_some() {}
        }
        while let Some(event) = self.handle.control.poll_event() {
            match event {
                Event::DigitEnded { .. } => self.digits += 1,
                Event::BurstDone { .. } => self.bursts += 1,
                Event::Refused { termination, refusal } => panic!("{termination}: {refusal:?}"),
                _ => {}
            }
        }
        self.now += Duration::from_millis(5);
        COUNT.get()
    }
}

#[test]
fn a_minute_of_thirty_calls_neither_allocates_nor_frees_in_a_tick() {
    let mut world = World::new();
    (0..CALLS).for_each(|call| world.set_up(call));
    let busy: Vec<_> =
        (0..12_000).map(|tick| (tick, world.tick(tick))).filter(|(_, count)| *count > 0).collect();
    assert_eq!(busy, [], "ticks and their allocations");
    // And all of it really went on.
    assert!(world.sent > 50_000, "{}", world.sent);
    assert!(world.digits > 500 && world.bursts > 100, "{} {}", world.digits, world.bursts);
    let counters = world.engine.counters();
    assert_eq!((counters.events_dropped, counters.datagrams_dropped), (0, 0));
    assert!(counters.card_missing > 100);
    // The counter counts.
    COUNT.set(0);
    COUNTING.set(true);
    drop(std::hint::black_box(Box::new(1)));
    COUNTING.set(false);
    assert_eq!(COUNT.get(), 2);
}

//! The rig: a card and an engine on each side, and the pipe between.

use std::collections::BTreeMap;

use tipring_core::{CardId, ContextId, Duration, Instant, Rng, TerminationId};
use tipring_dsp::echo::Tail;
use tipring_dsp::g711::{self, Law};
use tipring_media::control::{Command, Event, RtpFormat, RtpParams};
use tipring_media::{BLOCK_SAMPLES, CardBlock, Engine, EngineConfig, EngineHandle};
use tipring_rtp::Packet;
use tipring_rtp::rtcp::Cname;

/// The card channel's termination on each side.
pub const PHONE: TerminationId = TerminationId(1);
/// The RTP stream's termination on each side.
pub const STREAM: TerminationId = TerminationId(2);
/// Where they meet.
pub const CALL: ContextId = ContextId(1);

/// One end: an engine, its card and what was heard there.
pub struct Side {
    pub engine: Engine,
    pub handle: EngineHandle,
    pub events: Vec<Event>,
    /// Octets that channel 0 of the card speaks, block by block; silence when used up.
    pub speaks: std::collections::VecDeque<[u8; BLOCK_SAMPLES]>,
    /// Octets that channel 0 of the card heard.
    pub hears: Vec<u8>,
    /// Octets that channel 1 heard.
    pub hears_too: Vec<u8>,
    /// Datagrams sent: whether RTCP, and the octets.
    pub sent: Vec<(bool, Vec<u8>)>,
    pub plugged: bool,
    /// How far below what channel 0 hears its hybrid gives it back, in dB; `None` is not at all.
    pub echo_db: Option<f32>,
    /// Whether calls have an echo canceller.
    pub cancels: Option<Tail>,
    pub clock: u32,
}

/// What the network does to a packet.
#[derive(Clone, Copy, Default)]
pub struct Network {
    pub loss: f64,
    pub twins: f64,
    pub delay_ms: u64,
    /// Added to the delay, evenly from 0 on: packets overtake each other.
    pub jitter_ms: u64,
}

pub struct Pair {
    pub now: Instant,
    pub a: Side,
    pub b: Side,
    pub network: Network,
    /// Whether the card of side `b` hangs: it makes up for it afterwards, all at once.
    pub b_hangs: bool,
    b_owes: u32,
    rng: Rng,
    /// Under way: when due, in order; whether to side `b`; and what.
    flying: BTreeMap<(Instant, u64), (bool, bool, Vec<u8>)>,
    count: u64,
}

pub fn params(format: RtpFormat, ssrc: u32) -> RtpParams {
    let cname = Cname::new("phone@tipring.test");
    RtpParams { format, ssrc, sequence: 65_530, timestamp: u32::MAX - 4_000, cname }
}

/// A block that says which it is, never silent.
pub fn block(n: u32) -> [u8; BLOCK_SAMPLES] {
    let mut rng = Rng::new(u64::from(n));
    std::array::from_fn(|_| rng.next_u32() as u8)
}

/// Adds what was heard 15 ms ago to what is said.
fn add_echo(heard: &[u8], db: f32, octets: &mut [u8; BLOCK_SAMPLES]) {
    let Some(from) = heard.len().checked_sub(3 * BLOCK_SAMPLES) else { return };
    let (mut echo, mut linear) = ([0; BLOCK_SAMPLES], [0; BLOCK_SAMPLES]);
    g711::decode(Law::Mu, &heard[from..from + BLOCK_SAMPLES], &mut echo);
    g711::decode(Law::Mu, octets, &mut linear);
    for (sample, echo) in linear.iter_mut().zip(echo) {
        *sample += (f32::from(echo) * 10f32.powf(-db / 20.0)) as i16;
    }
    g711::encode(Law::Mu, &linear, octets);
}

impl Side {
    fn new() -> Self {
        let (engine, handle) = Engine::new(EngineConfig { terminations: 8, ..Default::default() });
        Self {
            engine,
            handle,
            events: vec![],
            speaks: [].into(),
            hears: vec![],
            hears_too: vec![],
            sent: vec![],
            plugged: true,
            echo_db: None,
            cancels: None,
            clock: 77,
        }
    }

    pub fn send(&mut self, command: Command) {
        self.handle.control.send(command).expect("the ring has room");
    }

    /// A phone joined with a stream.
    pub fn call(&mut self, law: Law, format: RtpFormat, ssrc: u32) {
        let (card, echo) = (CardId(0), self.cancels);
        self.send(Command::AddCardChannel { termination: PHONE, card, channel: 0, law, echo });
        self.send(Command::AddRtp { termination: STREAM, params: params(format, ssrc) });
        self.send(Command::Join { context: CALL, a: PHONE, b: STREAM });
    }

    fn tick(&mut self, now: Instant) {
        if self.plugged {
            let mut up = CardBlock { clock: self.clock, channels: 4, ..CardBlock::SILENCE };
            if let (Some(octets), Some(block)) = (up.channel_mut(0), self.speaks.pop_front()) {
                *octets = block;
            }
            if let (Some(octets), Some(db)) = (up.channel_mut(0), self.echo_db) {
                add_echo(&self.hears, db, octets);
            }
            self.handle.cards[0].up.push(up).map_err(|_| ()).expect("drained every tick");
            self.clock = self.clock.wrapping_add(BLOCK_SAMPLES as u32);
        }
        self.engine.tick(now);
        while let Some(down) = self.handle.cards[0].down.pop() {
            self.hears.extend(down.channel(0).expect("the card has channels"));
            self.hears_too.extend(down.channel(1).expect("the card has channels"));
        }
        self.events.extend(std::iter::from_fn(|| self.handle.control.poll_event()));
        self.handle.control.collect_garbage();
    }

    /// How often an event that `what` knows was told.
    pub fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|e| what(e)).count()
    }

    /// RTP packets sent so far.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'_>> {
        let rtp = self.sent.iter().filter(|(rtcp, _)| !rtcp);
        rtp.map(|(_, octets)| Packet::parse(octets).expect("well formed"))
    }
}

impl Pair {
    pub fn new(seed: u64) -> Self {
        Self {
            now: Instant::from_millis(1_000),
            a: Side::new(),
            b: Side::new(),
            network: Network::default(),
            b_hangs: false,
            b_owes: 0,
            rng: Rng::new(seed),
            flying: BTreeMap::new(),
            count: 0,
        }
    }

    /// A pair in a µ-law call with telephone events.
    pub fn talking(seed: u64) -> Self {
        let mut pair = Self::new(seed);
        let format = RtpFormat::g711(Law::Mu, Some(101));
        pair.a.call(Law::Mu, format, 0xA);
        pair.b.call(Law::Mu, format, 0xB);
        pair
    }

    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms / 5 {
            self.deliver();
            self.a.tick(self.now);
            self.b_owes += 1;
            while self.b_owes > 0 && !self.b_hangs {
                self.b_owes -= 1;
                self.b.tick(self.now);
            }
            self.collect();
            self.now += Duration::from_millis(5);
        }
    }

    fn collect(&mut self) {
        for to_b in [true, false] {
            let side = if to_b { &mut self.a } else { &mut self.b };
            while let Some(slot) = side.handle.rtp.pop() {
                let octets = slot.datagram().to_vec();
                side.sent.push((slot.rtcp, octets.clone()));
                if self.rng.chance(self.network.loss) {
                    continue;
                }
                let copies = if self.rng.chance(self.network.twins) { 2 } else { 1 };
                for _ in 0..copies {
                    let jitter = self.rng.below(self.network.jitter_ms * 1000 + 1);
                    let way = Duration::from_micros(self.network.delay_ms * 1000 + jitter);
                    self.count += 1;
                    let key = (self.now + way, self.count);
                    self.flying.insert(key, (to_b, slot.rtcp, octets.clone()));
                }
            }
        }
    }

    fn deliver(&mut self) {
        while let Some(first) = self.flying.first_entry() {
            let at = first.key().0;
            if at > self.now {
                break;
            }
            let (to_b, rtcp, octets) = first.remove();
            let side = if to_b { &mut self.b } else { &mut self.a };
            assert!(side.handle.rtp.push(STREAM, at, rtcp, &octets), "the ring has room");
        }
    }
}

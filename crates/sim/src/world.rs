//! The world and its clock.
//!
//! ```text
//!   phones ─ VirtualCard ═bytes═ Link ─┬─ events, commands ─ Gateway ─ datagrams ─ Net ─ Agents
//!                                      └─ blocks ─ Engine ─ RTP ─ RtpSockets ──────┘
//! ```
//!
//! Time jumps from one deadline to the next: every machine's own, the cards' steps of 1.25 ms,
//! arrivals of datagrams. Everything that is due at an instant is done before the next one.

use std::collections::{BTreeMap, VecDeque};

use tipring_call::Cdr;
use tipring_core::{CardId, Duration, Instant, Rng};
use tipring_gateway::{Audit, EndedCall, Gateway};
use tipring_media::control::Command;
use tipring_media::{ControlEnd, Engine, EngineConfig};

use crate::agent::{Agent, Phase};
use crate::card::Card;
use crate::diary::Diary;
use crate::dns::Dns;
use crate::net::{Net, Parcel};
use crate::people::{Here, Phone};
use crate::rtp_sockets::RtpSockets;
use crate::site::{GATEWAY, Site};
use crate::streams::Streams;

/// The longest that [`World::rest`] waits: howler and lock-out apart, every timer of a call has
/// fired by then.
const REST: Duration = Duration::from_secs(200);

/// A gateway, its cards and phones, a network and SIP peers.
pub struct World {
    pub(crate) seed: u64,
    pub(crate) now: Instant,
    pub(crate) gateway: Gateway,
    pub(crate) engine: Engine,
    pub(crate) control: ControlEnd,
    pub(crate) orders: VecDeque<Command>,
    pub(crate) ticked: Instant,
    pub(crate) sockets: RtpSockets,
    pub(crate) cards: Vec<Card>,
    pub(crate) lines: BTreeMap<String, (usize, u8)>,
    pub(crate) diaries: BTreeMap<(usize, u8), Diary>,
    pub(crate) listening: BTreeMap<(usize, u8), Instant>,
    /// The network; its weather and its losses.
    pub net: Net,
    pub(crate) agents: Vec<Agent>,
    pub(crate) streams: Streams,
    /// The name service: its records and its moods.
    pub dns: Dns,
    pub(crate) ended: Vec<EndedCall>,
    pub(crate) refused: Vec<String>,
    pub(crate) log: Vec<String>,
    pub(crate) rng: Rng,
}

impl World {
    /// A world whose cards are plugged in but not yet in service, at time zero.
    pub fn new(site: Site) -> Self {
        let mut rng = Rng::new(site.seed);
        let count = u8::try_from(site.cards.len()).expect("few cards");
        let (engine, handle) = Engine::new(EngineConfig {
            cards: count,
            master: (count > 0).then_some(CardId(0)),
            ..EngineConfig::default()
        });
        let lines = site.config.lines.iter();
        let lines = lines
            .map(|line| (line.name.clone(), (usize::from(line.card.0), line.port.0)))
            .collect::<BTreeMap<_, _>>();
        let diaries = lines.values().map(|place| (*place, Diary::default())).collect();
        let cards = site.cards.iter().zip(handle.cards);
        let mut world = Self {
            seed: site.seed,
            now: Instant::ZERO,
            gateway: Gateway::new(Instant::ZERO, site.config, rng.fork()),
            engine,
            control: handle.control,
            orders: VecDeque::new(),
            ticked: Instant::ZERO,
            sockets: RtpSockets::new(GATEWAY.ip(), handle.rtp),
            cards: cards.map(|(spec, end)| Card::new(spec, &mut rng, end)).collect(),
            lines,
            diaries,
            listening: BTreeMap::new(),
            net: Net::new(rng.fork()),
            streams: Streams::new(Rng::new(site.seed ^ 0x5354_5245)),
            agents: Vec::new(),
            dns: site.dns,
            ended: Vec::new(),
            refused: Vec::new(),
            log: Vec::new(),
            rng,
        };
        world.settle();
        world
    }

    /// A world in which all lines are in service.
    pub fn in_service(site: Site) -> Self {
        let mut world = Self::new(site);
        let lines = world.lines.len();
        let up = world
            .run_until(Duration::from_secs(3), |w| w.gateway.audit().lines_in_service == lines);
        assert!(up, "the cards do not come into service");
        world.run_for(Duration::from_millis(100));
        world
    }

    /// Puts a SIP peer at `address`, as in `10.0.1.1:5060`.
    pub fn add_agent(&mut self, name: &str, address: &str) {
        let address = address.parse().expect("an address and a port");
        let rng = self.rng.fork();
        self.agents.push(Agent::new(name, address, GATEWAY, rng));
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// A SIP peer.
    pub fn agent(&mut self, name: &str) -> Here<'_> {
        let agent = self.agents.iter_mut().find(|agent| agent.name() == name);
        Here { agent: agent.expect("an agent of this name"), now: self.now }
    }

    /// The connections of a SIP peer end: in good order, or by a reset.
    pub fn cut(&mut self, name: &str, in_order: bool) {
        self.log(format!("connections of {name} are cut"));
        self.streams.cut(self.now, name, in_order);
    }

    /// A SIP peer, to be looked at.
    pub fn see(&self, name: &str) -> &Agent {
        let agent = self.agents.iter().find(|agent| agent.name() == name);
        agent.expect("an agent of this name")
    }

    /// Where a SIP peer's call stands.
    pub fn phase(&self, name: &str) -> Phase {
        self.see(name).phase()
    }

    /// Whether a datagram is on its way whose first line contains `text`.
    pub fn flying(&self, text: &str) -> bool {
        self.net.flying().any(|parcel| parcel.first_line().contains(text))
    }

    /// The phone at a line.
    pub fn phone(&mut self, line: &str) -> Phone<'_> {
        Phone { place: self.lines[line], world: self }
    }

    /// What the person at a phone has noticed.
    pub fn diary(&self, line: &str) -> &Diary {
        &self.diaries[&self.lines[line]]
    }

    /// The records of the calls that have ended.
    pub fn cdrs(&self) -> impl ExactSizeIterator<Item = &Cdr> {
        self.ended.iter().map(|ended| &ended.cdr)
    }

    /// The record of the only call there was.
    pub fn cdr(&self) -> &Cdr {
        assert_eq!(self.ended.len(), 1, "calls ended: {:?}", self.cdrs().collect::<Vec<_>>());
        &self.ended[0].cdr
    }

    /// The ladders of the calls that have ended, times rounded to tenths of a second.
    pub fn ladder(&self) -> String {
        let ladders = self.ended.iter().map(|ended| rounded(&ended.ladder.to_string()));
        ladders.collect::<Vec<_>>().join("\n")
    }

    /// What is alive in the gateway.
    pub fn alive(&self) -> Audit {
        self.gateway.audit()
    }

    /// The media engine's counters.
    pub fn media(&self) -> tipring_media::Counters {
        self.engine.counters()
    }

    /// The counters of a card's link.
    pub fn link(&self, card: usize) -> tipring_card::link::counters::LinkCounters {
        self.cards[card].link.counters()
    }

    /// RTP datagrams that were no RTP, and those that came from strangers.
    pub fn rtp_dropped(&self) -> (u64, u64) {
        (self.sockets.malformed, self.sockets.strangers)
    }

    /// Another program of the gateway's host has this even RTP port from now on.
    pub fn occupy_rtp_port(&mut self, port: u16) {
        self.sockets.foreign.insert(port);
    }

    /// Pulls a card's cable.
    pub fn unplug(&mut self, card: usize) {
        self.log(format!("card {card} unplugged"));
        self.cards[card].unplug(self.now);
        self.settle();
    }

    /// Plugs it in again.
    pub fn plug(&mut self, card: usize) {
        if !self.cards[card].virtual_card.is_plugged() {
            self.log(format!("card {card} plugged"));
            self.cards[card].plug(self.now);
        }
    }

    /// A card's firmware stops dead until the card is reset or unplugged.
    pub fn hang(&mut self, card: usize) {
        self.log(format!("card {card} hangs"));
        self.cards[card].virtual_card.hang();
    }

    /// Presses a card's reset button.
    pub fn reset(&mut self, card: usize) {
        self.log(format!("card {card} reset"));
        self.cards[card].virtual_card.reset();
    }

    /// Damages a card's serial line: `octets` is the share of octets with an error, flipped, lost
    /// or doubled.
    pub fn corrupt(&mut self, card: usize, octets: f64) {
        self.cards[card].virtual_card.corrupt(octets / 8.0);
    }

    /// Detunes a card's crystal: it runs fast by so many millionths.
    pub fn drift(&mut self, card: usize, ppm: f64) {
        self.cards[card].virtual_card.drift(ppm);
    }

    /// Lets octets appear on a card's serial line that the card did not send.
    pub fn serial_garbage(&mut self, card: usize, bytes: &[u8]) {
        self.cards[card].garbage(self.now, bytes);
        self.settle();
    }

    /// Sends a datagram from anywhere to anywhere.
    pub fn throw(&mut self, parcel: Parcel) {
        self.net.send(self.now, parcel);
    }

    /// Octets by chance, from the world's seed.
    pub fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.rng.next_u32() as u8).collect()
    }

    /// Ends all calls and registrations, as the program does when it is stopped.
    pub fn shut_down(&mut self) {
        self.gateway.shut_down(self.now);
        self.settle();
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until `done` holds, at most for `limit`; whether it holds.
    pub fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            let next = self.next_deadline();
            if next > end {
                self.now = self.now.max(end);
                return false;
            }
            self.now = self.now.max(next);
            self.settle();
        }
    }

    /// Lets time pass until `done` holds, and fails with `what` when it does not within `limit`.
    #[track_caller]
    pub fn wait(&mut self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) {
        assert!(self.run_until(limit, done), "waited {limit:?} in vain: {what}");
    }

    /// Waits until nothing is left of any call, and asserts it: no call, leg, session, transaction,
    /// dialog, stream, port, timer; nothing dropped on the way that had to arrive.
    #[track_caller]
    pub fn rest(&mut self) {
        let quiet = |w: &Self| w.gateway.audit().is_quiet() && w.agents.iter().all(Agent::is_idle);
        self.run_until(REST, quiet);
        self.run_for(Duration::from_millis(100));
        // A server that is dead may just have been asked whether it is back.
        self.run_until(Duration::from_secs(2), quiet);
        let audit = self.gateway.audit();
        assert!(audit.is_quiet(), "something is left: {audit:?}");
        assert_eq!(audit.sip.timers, audit.sip.registrations, "SIP timers: {audit:?}");
        assert_eq!(
            self.engine.terminations(),
            audit.lines_in_service,
            "terminations in the engine"
        );
        assert_eq!(self.sockets.open_streams(), 0, "RTP sockets open");
        assert_eq!(self.sockets.overflow, 0, "RTP packets dropped before the engine");
        let counters = self.engine.counters();
        assert_eq!(
            (counters.events_dropped, counters.datagrams_dropped),
            (0, 0),
            "dropped by the engine"
        );
        assert!(self.orders.is_empty(), "commands wait for the engine");
        assert!(self.refused.is_empty(), "the engine refused: {:?}", self.refused);
        let restless = self.agents.iter().find(|agent| !agent.is_idle());
        assert!(restless.is_none(), "not idle: {:?}", restless.map(|agent| agent.name()));
    }

    pub(crate) fn log(&mut self, text: String) {
        self.log.push(format!("{} {text}", self.now));
    }
}

/// A failing test shows where it was.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let last = self.log.len().saturating_sub(60);
        eprintln!("\nseed {}, at {}; {:?}\n", self.seed, self.now, self.gateway.audit());
        for line in &self.log[last..] {
            eprintln!("{line}");
        }
        for ended in &self.ended {
            eprintln!("\nended: {:?}\n{}", ended.cdr, ended.ladder);
        }
        for ladder in self.gateway.ladders() {
            eprintln!("\ngoing on:\n{ladder}");
        }
        for agent in &self.agents {
            eprintln!("{} {:?}: {}", agent.name(), agent.phase(), agent.log().join(", "));
        }
    }
}

/// A ladder with its times in tenths of a second, so that it reads the same when a digit is found 5
/// ms earlier.
fn rounded(ladder: &str) -> String {
    let line = |line: &str| match line.get(..9).and_then(|time| time.trim().parse::<f64>().ok()) {
        Some(time) => format!("{time:>7.1}  {}", &line[9..]),
        None => line.to_owned(),
    };
    ladder.lines().map(|text| line(text) + "\n").collect()
}

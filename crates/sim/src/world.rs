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
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use tipring_call::Cdr;
use tipring_core::{CardId, Duration, Instant, Rng, TerminationId};
use tipring_gateway::config::Transport;
use tipring_gateway::{Audit, CardInput, Datagram, EndedCall, Gateway, Output, QueryId};
use tipring_media::control::{self, Command};
use tipring_media::{ControlEnd, Engine, EngineConfig};
use tipring_rtp::Learning;
use tipring_virtual_card::{Dialling, PhoneSet};

use crate::agent::{Agent, Phase};
use crate::card::{Card, Said};
use crate::diary::Diary;
use crate::net::{Net, Parcel};
use crate::rtp_sockets::RtpSockets;
use crate::site::{GATEWAY, Site};
use crate::sound::Sound;

/// How long the answer to a name look-up takes.
const LOOK_UP: Duration = Duration::from_millis(5);
/// The longest that [`World::rest`] waits: howler and lock-out apart, every timer of a call has
/// fired by then.
const REST: Duration = Duration::from_secs(200);

/// A gateway, its cards and phones, a network and SIP peers.
pub struct World {
    seed: u64,
    now: Instant,
    gateway: Gateway,
    engine: Engine,
    control: ControlEnd,
    orders: VecDeque<Command>,
    ticked: Instant,
    sockets: RtpSockets,
    cards: Vec<Card>,
    lines: BTreeMap<String, (usize, u8)>,
    diaries: BTreeMap<(usize, u8), Diary>,
    listening: BTreeMap<(usize, u8), Instant>,
    /// The network; its weather and its losses.
    pub net: Net,
    agents: Vec<Agent>,
    names: BTreeMap<String, Vec<SocketAddr>>,
    answers: Vec<(Instant, QueryId, Vec<SocketAddr>)>,
    ended: Vec<EndedCall>,
    refused: Vec<String>,
    log: Vec<String>,
    rng: Rng,
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
            gateway: Gateway::new(Instant::ZERO, site.config, rng.next_u64()),
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
            agents: Vec::new(),
            names: site.names,
            answers: Vec::new(),
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
        self.run_until(REST, |w| {
            w.gateway.audit().is_quiet() && w.agents.iter().all(Agent::is_idle)
        });
        self.run_for(Duration::from_millis(100));
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

    fn next_deadline(&self) -> Instant {
        let media = self.ticked + Engine::PATIENCE;
        let others = [self.gateway.poll_timeout(), self.net.poll_timeout()].into_iter().flatten();
        let cards = self.cards.iter().map(Card::poll_timeout);
        let agents = self.agents.iter().filter_map(Agent::poll_timeout);
        let answers = self.answers.iter().map(|(at, ..)| *at);
        others.chain(cards).chain(agents).chain(answers).fold(media, Instant::min)
    }

    /// Does everything that is due now.
    fn settle(&mut self) {
        let now = self.now;
        self.run_cards();
        self.tick();
        for _ in 0..64 {
            let mut busy = false;
            while let Some(parcel) = self.net.arrive(now) {
                busy = true;
                self.deliver(&parcel);
            }
            for at in 0..self.agents.len() {
                if self.agents[at].poll_timeout().is_some_and(|due| due <= now) {
                    self.agents[at].handle_timeout(now);
                }
                while let Some(parcel) = self.agents[at].poll_transmit() {
                    self.net.send(now, parcel);
                }
            }
            if self.gateway.poll_timeout().is_some_and(|due| due <= now) {
                busy = true;
                self.gateway.handle_timeout(now);
            }
            if let Some(at) = self.answers.iter().position(|(due, ..)| *due <= now) {
                busy = true;
                let (_, query, addresses) = self.answers.remove(at);
                self.gateway.handle_resolved(now, query, &addresses);
            }
            busy |= self.obey();
            if !busy {
                return;
            }
        }
        panic!("the world does not come to rest at {now}");
    }

    fn run_cards(&mut self) {
        let mut said = Vec::new();
        for at in 0..self.cards.len() {
            self.cards[at].run(self.now, &mut said);
            for said in said.drain(..) {
                match said {
                    Said::ToGateway(input) => self.tell_gateway(at, input),
                    Said::AtPhone(port, event) => {
                        self.log(format!("card {at} port {port}: {event:?}"));
                        if let Some(diary) = self.diaries.get_mut(&(at, port)) {
                            diary.note(self.now, event);
                        }
                    }
                    Said::Log(text) => self.log(format!("card {at}: {text}")),
                }
            }
        }
        self.obey();
    }

    fn tell_gateway(&mut self, card: usize, input: CardInput) {
        match &input {
            CardInput::Up(_) => self.log(format!("card {card} up")),
            CardInput::Down { reason } => self.log(format!("card {card} down: {reason}")),
            CardInput::Event { .. } => {}
        }
        let card = CardId(u8::try_from(card).expect("few cards"));
        self.gateway.handle_card(self.now, card, input);
    }

    /// Ticks the engine for every block of the master, or by the clock where there is none.
    fn tick(&mut self) {
        let mut ticked = false;
        while self.engine.pending() > 0 {
            self.ticked = self.now;
            self.engine.tick(self.now);
            ticked = true;
        }
        // As the program's media thread: late once, then by absolute deadlines.
        while self.now >= self.ticked + Engine::PATIENCE {
            self.ticked += Engine::TICK;
            self.engine.tick(self.now);
            ticked = true;
        }
        if !ticked {
            return;
        }
        for card in &mut self.cards {
            card.give_blocks(self.now);
        }
        let Self { sockets, net, now, .. } = self;
        sockets.transmit(*now, |parcel| net.send(*now, parcel));
        while let Some(event) = self.control.poll_event() {
            if let control::Event::Refused { termination, refusal } = event {
                self.refused.push(format!("{termination}: {refusal:?}"));
            }
            self.gateway.handle_media(self.now, event);
        }
        self.obey();
    }

    fn deliver(&mut self, parcel: &Parcel) {
        if parcel.to == GATEWAY {
            let datagram = Datagram {
                transport: Transport::Udp,
                local: parcel.to,
                remote: parcel.from,
                bytes: &parcel.bytes,
            };
            self.gateway.handle_datagram(self.now, datagram);
        } else if parcel.to.ip() == GATEWAY.ip() {
            self.sockets.receive(self.now, parcel);
        } else if let Some(agent) = self.agents.iter_mut().find(|agent| {
            let rtcp = agent.rtp().port() + 1;
            parcel.to == agent.sip()
                || parcel.to.ip() == agent.rtp().ip()
                    && [agent.rtp().port(), rtcp].contains(&parcel.to.port())
        }) {
            agent.handle(self.now, parcel);
        }
    }

    /// Does what the gateway wants; whether it wanted anything.
    fn obey(&mut self) -> bool {
        let now = self.now;
        let mut any = false;
        while let Some(output) = self.gateway.poll_output() {
            any = true;
            match output {
                Output::Datagram { local, remote, bytes, .. } => {
                    self.net.send(now, Parcel { from: local, to: remote, bytes });
                }
                Output::Card { card, port, command } => {
                    let card = &mut self.cards[usize::from(card.0)];
                    if let Err(error) = card.command(now, port, command) {
                        self.log(format!("{port} {command:?}: {error}"));
                    }
                }
                Output::Media(command) => self.orders.push_back(command),
                Output::OpenRtp { termination, port } => self.open_rtp(termination, port),
                Output::RtpPeer { termination, rtp, rtcp, behind_nat } => {
                    let learning = if behind_nat { Learning::AnyHost } else { Learning::SameHost };
                    self.sockets.peer(now, termination, rtp, rtcp, learning);
                }
                Output::CloseRtp { termination } => self.sockets.close(now, termination),
                Output::Resolve { query, host, port, .. } => {
                    let found = self.names.get(&host).cloned().unwrap_or_default();
                    let with_port = |mut address: SocketAddr| {
                        address.set_port(port.unwrap_or(address.port()));
                        address
                    };
                    let found = found.into_iter().map(with_port).collect();
                    self.answers.push((now + LOOK_UP, query, found));
                }
                Output::Ended(ended) => self.ended.push(*ended),
            }
        }
        while let Some(command) = self.orders.pop_front() {
            if let Err(command) = self.control.send(command) {
                self.orders.push_front(command);
                break;
            }
        }
        any
    }

    fn open_rtp(&mut self, termination: TerminationId, port: u16) {
        if !self.sockets.open(termination, port) {
            self.gateway.handle_rtp_unavailable(self.now, termination);
        }
    }

    fn log(&mut self, text: String) {
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

/// A SIP peer, now.
pub struct Here<'a> {
    agent: &'a mut Agent,
    now: Instant,
}

impl Here<'_> {
    /// Calls a number at the gateway.
    pub fn call(&mut self, number: &str) {
        self.agent.call(self.now, number);
    }

    /// Sends CANCEL.
    pub fn cancel(&mut self) {
        self.agent.cancel(self.now);
    }

    /// BYE, CANCEL or a refusal, as its call stands.
    pub fn hang_up(&mut self) {
        self.agent.hang_up(self.now);
    }

    /// Answers the call that rings.
    pub fn pick_up(&mut self) {
        self.agent.pick_up(self.now);
    }

    /// Changes the direction of its audio: `sendonly` holds.
    pub fn reinvite(&mut self, direction: &str) {
        self.agent.reinvite(self.now, direction);
    }

    /// Sends a request in its call.
    pub fn request(&mut self, method: &str, extra: &str, body: &str) {
        self.agent.request(self.now, method, extra, body);
    }

    /// Registers at the gateway for so many seconds.
    pub fn register(&mut self, expires: u32) {
        self.agent.register(self.now, expires);
    }

    /// Sends a request outside of its call.
    pub fn ask(&mut self, method: &str) {
        self.agent.ask(self.now, method);
    }
}

impl Deref for Here<'_> {
    type Target = Agent;

    fn deref(&self) -> &Agent {
        self.agent
    }
}

impl DerefMut for Here<'_> {
    fn deref_mut(&mut self) -> &mut Agent {
        self.agent
    }
}

/// The phone at a line, and the person at it.
pub struct Phone<'a> {
    world: &'a mut World,
    place: (usize, u8),
}

impl Phone<'_> {
    fn set(&mut self) -> &mut PhoneSet {
        let (card, port) = self.place;
        self.world.cards[card].virtual_card.phone(port).expect("the card has this port")
    }

    /// Lifts the receiver.
    pub fn off_hook(&mut self) {
        self.set().off_hook();
    }

    /// Whether it is lifted.
    pub fn is_off_hook(&mut self) -> bool {
        self.set().is_off_hook()
    }

    /// Puts it down.
    pub fn on_hook(&mut self) {
        self.set().on_hook();
    }

    /// Dials by keys.
    pub fn dial(&mut self, digits: &str) {
        self.dial_by(digits, Dialling::DTMF);
    }

    /// Dials by keys or dial, as it is said.
    pub fn dial_by(&mut self, digits: &str, how: Dialling) {
        self.set().dial(digits, how).expect("the phone is off the hook and has these digits");
    }

    /// Breaks the loop for so long.
    pub fn flash(&mut self, ms: u32) {
        self.set().flash(ms).expect("the phone is off the hook");
    }

    /// Speaks into the receiver from now on; gives what is said, with its time.
    pub fn say(&mut self, samples: &[i16]) -> Sound {
        self.set().play(samples, false);
        let step = 1250;
        let at = Instant::from_micros(self.world.now.as_micros() / step * step);
        Sound { at, samples: samples.to_vec() }
    }

    /// Keeps what is heard from now on.
    pub fn listen(&mut self) {
        self.set().record();
        let block = 5000;
        let at = Instant::from_micros(self.world.now.as_micros() / block * block);
        self.world.listening.insert(self.place, at);
    }

    /// What was heard since [`Phone::listen`].
    pub fn heard(&mut self) -> Sound {
        let samples = self.set().stop_recording().expect("somebody listens");
        Sound { at: self.world.listening[&self.place], samples }
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

//! The tick.
//!
//! ```text
//!  orders ─► apply │ datagrams ─► jitter buffers │ ingress of all ─► frames │ mix, egress of all ─► blocks, datagrams
//! ```

use tipring_core::{CardId, Duration, Instant, TerminationId};
use tipring_dsp::g711;
use tipring_rtp::rtcp::Ntp;

use crate::block::{BLOCK_SAMPLES, CardBlock, RtpSlot};
use crate::card::CardPort;
use crate::context::Context;
use crate::control::{Command, Direction, Event};
use crate::frame::Frame;
use crate::handle::{CardEnd, ControlEnd, EngineHandle, RtpEnd};
use crate::order::{Garbage, Order};
use crate::outbox::Outbox;
use crate::ring::{Consumer, ring};
use crate::termination::{CardChannel, Outside, Termination};

/// Sizes, all fixed for the engine's life, and who paces it.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// How many cards have rings: [`CardId`] 0 up to this.
    pub cards: u8,
    /// The card whose blocks are the engine's clock; `None` where a timer is.
    pub master: Option<CardId>,
    /// Most terminations at a time.
    pub terminations: usize,
    /// Most contexts at a time.
    pub contexts: usize,
    /// Commands, and events, that may wait.
    pub commands: usize,
    /// Datagrams that may wait, each way.
    pub datagrams: usize,
    /// The wall clock's NTP time at `Instant::ZERO`, for RTCP.
    pub ntp_origin: Ntp,
}

impl Default for EngineConfig {
    /// One card, master; 256 terminations.
    fn default() -> Self {
        Self {
            cards: 1,
            master: Some(CardId(0)),
            terminations: 256,
            contexts: 128,
            commands: 1024,
            datagrams: 1024,
            ntp_origin: Ntp::ORIGIN,
        }
    }
}

/// What the engine has counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Ticks.
    pub ticks: u64,
    /// Datagrams for terminations that are not there.
    pub unknown_termination: u64,
    /// Events that found their ring full.
    pub events_dropped: u64,
    /// Datagrams that found their ring full.
    pub datagrams_dropped: u64,
    /// Blocks of cards that came after their tick.
    pub card_late: u64,
    /// Blocks of cards that never came in time.
    pub card_missing: u64,
    /// Blocks for cards that found their ring full.
    pub card_dropped: u64,
}

/// The media engine: owned by one thread, which calls [`Engine::tick`] for each 5 ms.
pub struct Engine {
    pub(crate) config: EngineConfig,
    orders: Consumer<Order>,
    incoming: Consumer<RtpSlot>,
    pub(crate) out: Outbox,
    pub(crate) cards: Vec<CardPort>,
    /// By place; `None` where the place is free.
    pub(crate) terminations: Vec<Option<Termination>>,
    /// What each said in this tick, by place.
    frames: Vec<Frame>,
    /// Names and places, sorted by name.
    pub(crate) places: Vec<(TerminationId, usize)>,
    pub(crate) contexts: Vec<Context>,
    /// When this tick should have been: real time, evened out.
    nominal: Option<Instant>,
    /// Ticks in row that were late by more than a quarter of a tick.
    late_in_row: u32,
    ticks: u64,
    unknown_termination: u64,
}

/// Blocks that may wait in a card's ring.
const CARD_BLOCKS: usize = 32;
/// Commands carried out in one tick.
const ORDERS: usize = 64;
/// A tick, in microseconds.
const TICK_MICROS: i64 = 5_000;
/// Late ticks in row that may make up for a card that hung: as many as blocks can wait.
const BURST: u32 = CARD_BLOCKS as u32;
/// Real time away from the ticks beyond which they begin anew, in microseconds.
const LOST_TOUCH: i64 = 200_000;

impl Engine {
    /// The length of a tick.
    pub const TICK: Duration = Duration::from_millis(5);

    /// How long to wait for a block of the master card before ticking without it. A tick without a block conceals,
    /// and drops the block should it come after all, so a wait longer than the host's own hiccups is kind.
    pub const PATIENCE: Duration = Duration::from_millis(20);

    /// An engine and the far ends of its rings.
    pub fn new(config: EngineConfig) -> (Self, EngineHandle) {
        let nobody = TerminationId(0);
        let (orders, orders_out) =
            ring(config.commands, || Order::Plain(Command::StopTone { termination: nobody }));
        let (events_in, events) =
            ring(config.commands.max(2), || Event::RtpResumed { termination: nobody });
        let (garbage_in, garbage) =
            ring(config.commands.max(3) + config.terminations, || Garbage::Samples(Box::default()));
        let (incoming, incoming_out) = ring(config.datagrams, || RtpSlot::EMPTY);
        let (outgoing_in, outgoing) = ring(config.datagrams, || RtpSlot::EMPTY);
        let mut cards = Vec::new();
        let mut card_ends = Vec::new();
        for id in 0..config.cards {
            let (up_in, up) = ring(CARD_BLOCKS, || CardBlock::SILENCE);
            let (down, down_out) = ring(CARD_BLOCKS, || CardBlock::SILENCE);
            cards.push(CardPort::new(up, down, config.master == Some(CardId(id))));
            card_ends.push(CardEnd { up: up_in, down: down_out });
        }
        let out = Outbox {
            events: events_in,
            garbage: garbage_in,
            outgoing: outgoing_in,
            events_dropped: 0,
            datagrams_dropped: 0,
        };
        let engine = Self {
            config,
            orders: orders_out,
            incoming: incoming_out,
            out,
            cards,
            terminations: (0..config.terminations).map(|_| None).collect(),
            frames: vec![Frame::SILENCE; config.terminations],
            places: Vec::with_capacity(config.terminations),
            contexts: Vec::with_capacity(config.contexts),
            nominal: None,
            late_in_row: 0,
            ticks: 0,
            unknown_termination: 0,
        };
        let control = ControlEnd { orders, events, garbage, master: config.master };
        let rtp = RtpEnd { incoming, outgoing };
        (engine, EngineHandle { control, rtp, cards: card_ends })
    }

    /// Blocks of the master card that wait. Call [`Self::tick`] until there are none; and where none has come for
    /// [`Self::PATIENCE`], call it without one, then every [`Self::TICK`] by absolute deadlines until one comes.
    pub fn pending(&self) -> usize {
        let master = self.config.master.and_then(|id| self.cards.get(usize::from(id.0)));
        master.map_or(0, CardPort::pending)
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        let sum = |count: fn(&CardPort) -> u64| self.cards.iter().map(count).sum();
        Counters {
            ticks: self.ticks,
            unknown_termination: self.unknown_termination,
            events_dropped: self.out.events_dropped,
            datagrams_dropped: self.out.datagrams_dropped,
            card_late: sum(|card| card.late),
            card_missing: sum(|card| card.missing),
            card_dropped: sum(|card| card.dropped),
        }
    }

    /// Terminations there are.
    pub fn terminations(&self) -> usize {
        self.places.len()
    }

    /// One block of 5 ms, through and through. Never allocates, frees, locks, logs or calls the operating system.
    pub fn tick(&mut self, now: Instant) {
        self.ticks += 1;
        let nominal = self.keep_time(now);
        for _ in 0..ORDERS {
            if !self.out.has_room() {
                break;
            }
            let Some(order) = self.orders.pop() else { break };
            self.apply(now, order);
        }
        self.take_datagrams(nominal);
        self.take_blocks();
        self.ingress(now);
        self.egress(now);
        self.give_blocks();
    }

    /// The nominal time of this tick.
    fn keep_time(&mut self, now: Instant) -> Instant {
        let micros = |at: Instant| i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let nominal = match self.nominal {
            Some(previous) => {
                let expected = micros(previous) + TICK_MICROS;
                let ahead = micros(now).saturating_sub(expected);
                let late = ahead > TICK_MICROS / 4;
                self.late_in_row = if late { self.late_in_row + 1 } else { 0 };
                match ahead {
                    _ if ahead.abs() > LOST_TOUCH => micros(now),
                    // Ticks are late, never early: what comes earlier was nearer to the truth. A burst of late ones
                    // makes up for a card that hung, and must not be taken for the passing of time; those that stay
                    // late make up for nothing.
                    ..0 => expected + ahead / 8,
                    0.. if self.late_in_row > BURST => expected + ahead / 16,
                    0.. => expected + ahead / 256,
                }
            }
            None => micros(now),
        };
        let nominal = Instant::from_micros(nominal.unsigned_abs());
        self.nominal = Some(nominal);
        nominal
    }

    fn take_datagrams(&mut self, nominal: Instant) {
        for _ in 0..self.incoming.len() {
            let Some(slot) = self.incoming.peek() else { break };
            let place = self.places.binary_search_by_key(&slot.termination, |(id, _)| *id);
            let termination =
                place.ok().and_then(|at| self.terminations.get_mut(self.places[at].1)?.as_mut());
            match termination {
                Some(Termination { outside: Outside::Rtp(stream), direction, .. }) => {
                    let wanted = direction.receive;
                    let origin = self.config.ntp_origin;
                    let lead = samples_between(nominal, slot.at);
                    stream.handle_datagram(slot, lead, wanted, origin, &mut self.out);
                }
                _ => self.unknown_termination += 1,
            }
            self.incoming.skip();
        }
    }

    /// Decides on the master's block; feeds the resamplers with those of the others.
    fn take_blocks(&mut self) {
        for (card, port) in (0u8..).zip(&mut self.cards) {
            if port.paces() {
                port.begin();
                continue;
            }
            for _ in 0..CardPort::AT_ONCE {
                let Some((block, missing)) = port.next() else { break };
                let channels =
                    self.terminations.iter_mut().flatten().filter_map(|t| t.channel_of(card));
                for CardChannel { channel, law, drift, .. } in channels {
                    let Some(drift) = drift else { continue };
                    let mut linear = [0; BLOCK_SAMPLES];
                    (0..missing).for_each(|_| drift.up.push(&linear));
                    if let Some(octets) = block.channel(*channel) {
                        g711::decode(*law, octets, &mut linear);
                    }
                    drift.up.push(&linear);
                }
                port.taken(missing);
            }
        }
    }

    fn ingress(&mut self, now: Instant) {
        for (termination, frame) in self.terminations.iter_mut().zip(&mut self.frames) {
            let Some(termination) = termination else { continue };
            let block = match &termination.outside {
                Outside::Card(CardChannel { card, channel, drift: None, .. }) => {
                    self.cards.get(usize::from(*card)).and_then(|port| port.channel(*channel))
                }
                _ => None,
            };
            termination.ingress(block, frame, &mut self.out);
            let id = termination.id;
            let both = termination.direction == Direction::BOTH;
            if let Outside::Rtp(stream) = &mut termination.outside {
                stream.receiver.handle_timeout(now, both, id, &mut self.out);
                stream.handle_timeout(now, id, self.config.ntp_origin, &mut self.out);
            }
        }
    }

    fn egress(&mut self, now: Instant) {
        let mut heard = Frame::SILENCE;
        for (place, termination) in self.terminations.iter_mut().enumerate() {
            let Some(termination) = termination else { continue };
            match termination.context.and_then(|id| self.contexts.iter().find(|c| c.id == id)) {
                Some(context) => {
                    context.mix(place, &self.frames, !termination.is_rtp(), &mut heard);
                }
                None => heard = Frame::SILENCE,
            }
            let card = match &termination.outside {
                Outside::Card(CardChannel { card, channel, drift: None, .. }) => {
                    self.cards.get_mut(usize::from(*card)).and_then(|p| p.channel_out(*channel))
                }
                _ => None,
            };
            termination.egress(now, &mut heard, card, &mut self.out);
        }
    }

    /// One block to the master for the one that came, and to the others as many as came.
    fn give_blocks(&mut self) {
        for (card, port) in (0u8..).zip(&mut self.cards) {
            while port.owes() {
                let channels =
                    self.terminations.iter_mut().flatten().filter_map(|t| t.channel_of(card));
                for CardChannel { channel, law, drift, .. } in channels {
                    let Some(drift) = drift else { continue };
                    let mut linear = [0; BLOCK_SAMPLES];
                    drift.down.pull(&mut linear);
                    if let Some(octets) = port.channel_out(*channel) {
                        g711::encode(*law, &linear, octets);
                    }
                }
                port.give();
            }
            port.end();
        }
    }

    /// The place of a termination.
    pub(crate) fn place(&self, id: TerminationId) -> Option<usize> {
        let at = self.places.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.places.get(at).map(|(_, place)| *place)
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.event(event);
    }
}

/// How much later than `from` is `to`, in samples; below zero where it is earlier. At most 2 s.
fn samples_between(from: Instant, to: Instant) -> i32 {
    let later = to.since(from).as_micros().min(2_000_000) as i32;
    let earlier = from.since(to).as_micros().min(2_000_000) as i32;
    (later - earlier) / 125
}

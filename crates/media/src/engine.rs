//! The tick.

use tipring_core::{CardId, Instant};
use tipring_rtp::rtcp::Ntp;

use crate::block::{CardBlock, RtpSlot};
use crate::control::Event;
use crate::handle::{CardEnd, ControlEnd, EngineHandle, RtpEnd};
use crate::order::{Garbage, Order};
use crate::ring::{Consumer, Producer, ring};

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

struct CardPort {
    up: Consumer<CardBlock>,
    down: Producer<CardBlock>,
}

/// The media engine: owned by one thread, which calls [`Engine::tick`] for each 5 ms.
pub struct Engine {
    config: EngineConfig,
    orders: Consumer<Order>,
    events: Producer<Event>,
    garbage: Producer<Garbage>,
    incoming: Consumer<RtpSlot>,
    outgoing: Producer<RtpSlot>,
    cards: Vec<CardPort>,
}

/// Blocks that may wait in a card's ring.
const CARD_BLOCKS: usize = 32;

impl Engine {
    /// An engine and the far ends of its rings.
    pub fn new(config: EngineConfig) -> (Self, EngineHandle) {
        let (orders, orders_out) = ring(config.commands);
        let (events_in, events) = ring(config.commands);
        let (garbage_in, garbage) = ring(config.commands + 2 * config.terminations);
        let (incoming, incoming_out) = ring(config.datagrams);
        let (outgoing_in, outgoing) = ring(config.datagrams);
        let mut cards = Vec::new();
        let mut card_ends = Vec::new();
        for _ in 0..config.cards {
            let (up_in, up) = ring(CARD_BLOCKS);
            let (down, down_out) = ring(CARD_BLOCKS);
            cards.push(CardPort { up, down });
            card_ends.push(CardEnd { up: up_in, down: down_out });
        }
        let engine = Self {
            config,
            orders: orders_out,
            events: events_in,
            garbage: garbage_in,
            incoming: incoming_out,
            outgoing: outgoing_in,
            cards,
        };
        let control = ControlEnd { orders, events, garbage, master: config.master };
        let rtp = RtpEnd { incoming, outgoing };
        (engine, EngineHandle { control, rtp, cards: card_ends })
    }

    /// Blocks of the master card that wait: call [`Engine::tick`] until there are none; and where none has come for
    /// 7.5 ms, call it without one, at absolute deadlines of 5 ms.
    pub fn pending(&self) -> usize {
        let master = self.config.master.and_then(|id| self.cards.get(usize::from(id.0)));
        master.map_or(0, |card| card.up.len())
    }

    /// One block of 5 ms, through and through. Never allocates, frees, locks, logs or calls the operating system.
    pub fn tick(&mut self, now: Instant) {
        let _ = now;
        while self.orders.pop().is_some() {}
        let _ = (&self.events, &self.garbage, &self.outgoing);
        while !self.incoming.is_empty() {
            self.incoming.skip();
        }
        for card in &mut self.cards {
            if let Some(block) = card.up.pop() {
                let _ = card.down.push(CardBlock { clock: block.clock, ..CardBlock::SILENCE });
            }
        }
    }
}

//! The far ends of the engine's rings, to be shared out among threads.
//!
//! ```text
//!  signalling  ── ControlEnd ──  orders ──►  ┌────────┐  ──► outgoing ── RtpEnd ── rtp-io
//!              ◄── events, garbage ────────  │ Engine │  ◄── incoming ──
//!  card thread ── CardEnd ── up ──────────►  └────────┘  ──► down ── CardEnd ── card thread
//! ```

use tipring_core::{CardId, Instant, TerminationId};

use crate::block::{CardBlock, RtpSlot};
use crate::control::{Command, Event};
use crate::order::{Garbage, Order};
use crate::ring::{Consumer, Producer};

/// All far ends of one engine.
pub struct EngineHandle {
    /// For signalling.
    pub control: ControlEnd,
    /// For the thread that owns the RTP sockets.
    pub rtp: RtpEnd,
    /// For the cards' threads, by [`CardId`].
    pub cards: Vec<CardEnd>,
}

/// Signalling's end.
pub struct ControlEnd {
    pub(crate) orders: Producer<Order>,
    pub(crate) events: Consumer<Event>,
    pub(crate) garbage: Consumer<Garbage>,
    pub(crate) master: Option<CardId>,
}

/// The RTP sockets' end.
pub struct RtpEnd {
    /// What arrived, from addresses that [`tipring_rtp::SourceLock`] admits.
    pub incoming: Producer<RtpSlot>,
    /// What is to be sent.
    pub outgoing: Consumer<RtpSlot>,
}

/// A card's end.
pub struct CardEnd {
    /// Blocks from the card.
    pub up: Producer<CardBlock>,
    /// Blocks for the card: one for each that came up.
    pub down: Consumer<CardBlock>,
}

impl ControlEnd {
    /// Gives a command to the engine. What it needs to keep is allocated here. Gives the command back where
    /// [`crate::EngineConfig::commands`] wait already.
    #[expect(clippy::result_large_err, reason = "the caller's own value comes back")]
    pub fn send(&mut self, command: Command) -> Result<(), Command> {
        self.collect_garbage();
        if self.orders.vacant() == 0 {
            return Err(command);
        }
        let order = Order::prepare(command, self.master);
        self.orders.push(order).map_err(|_| ()).expect("only this end fills the ring");
        Ok(())
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Frees what the engine has retired; how many pieces.
    pub fn collect_garbage(&mut self) -> usize {
        std::iter::from_fn(|| self.garbage.pop()).map(Garbage::free).count()
    }
}

impl RtpEnd {
    /// Hands a datagram over; false where it is too long or the ring is full, and it is dropped.
    pub fn push(
        &mut self,
        termination: TerminationId,
        arrival: Instant,
        rtcp: bool,
        datagram: &[u8],
    ) -> bool {
        RtpSlot::new(termination, arrival, rtcp, datagram)
            .is_some_and(|slot| self.incoming.push(slot).is_ok())
    }

    /// Takes the next datagram to be sent.
    pub fn pop(&mut self) -> Option<RtpSlot> {
        self.outgoing.pop()
    }
}

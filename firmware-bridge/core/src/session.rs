//! One session with a host. Made anew for each; leaving it drops its numbers and its clocks.

use tipring_bridge_proto::{Hello, LineEvent, Receiver, Sender};

pub(crate) struct Session {
    pub(crate) id: u32,
    /// The card's 8 kHz clock when it began.
    pub(crate) began: u32,
    pub(crate) watchdog_us: u64,
    /// When the last valid frame came.
    pub(crate) heard_at: u64,
    pub(crate) streaming: bool,
    pub(crate) commands: Receiver,
    pub(crate) events: Sender<Happening, EVENT_QUEUE>,
    /// Sequence number of the next block up.
    pub(crate) pcm_seq: u8,
    /// The next port whose hook the host has not been told.
    pub(crate) to_announce: u8,
}

/// An event with its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening {
    pub(crate) clock: u32,
    /// 1-based.
    pub(crate) port: u8,
    pub(crate) event: LineEvent,
}

impl Session {
    pub(crate) fn new(now: u64, clock: u32, hello: &Hello) -> Self {
        Self {
            id: hello.session,
            began: clock,
            watchdog_us: u64::from(hello.watchdog_ms.max(SHORTEST_WATCHDOG_MS)) * 1000,
            heard_at: now,
            streaming: false,
            commands: Receiver::new(),
            events: Sender::new(),
            pcm_seq: 0,
            to_announce: 0,
        }
    }
}

/// Events that wait for the host; beyond, they are dropped and counted.
const EVENT_QUEUE: usize = 64;
/// Hooks are announced while at least so many places are free for what happens meanwhile.
pub(crate) const EVENTS_RESERVED: usize = 32;
/// A shorter watchdog would bite between two heartbeats.
const SHORTEST_WATCHDOG_MS: u16 = 100;

/// Whether there is room to announce another hook.
pub(crate) fn may_announce(session: &Session) -> bool {
    session.events.len() + EVENTS_RESERVED < EVENT_QUEUE
}

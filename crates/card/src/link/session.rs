//! What a link knows of the card while a session runs.

use tipring_bridge_proto::{BLOCK_MICROS, Descriptor, HEARTBEAT_MS, LineCommand, Receiver, Sender};
use tipring_core::{Duration, Instant};

use super::continuity::Continuity;

/// One session with one life of a card. Dropped when either ends, with all its timers.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) card: Descriptor,
    pub(super) commands: Sender<(u8, LineCommand), COMMAND_QUEUE>,
    pub(super) events: Receiver,
    /// An event came: tell the card which one is expected.
    pub(super) ack_due: bool,
    pub(super) continuity: Continuity,
    /// Sequence number of the next block down.
    pub(super) pcm_seq: u8,
    /// When the card last showed that this session runs.
    pub(super) heard: Instant,
    /// When the last block came, or the session began.
    pub(super) audio: Instant,
    pub(super) flow: Flow,
    pub(super) heartbeat_at: Instant,
    pub(super) stats_at: Instant,
}

/// Audio from the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// None yet.
    Awaited,
    /// Blocks come.
    Running,
    /// They came, and stopped.
    Stalled,
}

impl Session {
    pub(super) fn new(now: Instant, card: Descriptor) -> Self {
        Self {
            card,
            commands: Sender::new(),
            events: Receiver::new(),
            ack_due: false,
            continuity: Continuity::default(),
            pcm_seq: 0,
            heard: now,
            audio: now,
            flow: Flow::Awaited,
            heartbeat_at: now + HEARTBEAT,
            stats_at: now + STATS,
        }
    }

    /// Whether `other` describes the same life of the same card in the same session.
    pub(super) fn is_same_life(&self, other: &Descriptor) -> bool {
        (self.card.session, self.card.boot, self.card.began)
            == (other.session, other.boot, other.began)
    }

    /// When the card is given up: silent, or alive without audio.
    pub(super) fn lost_at(&self) -> Instant {
        if self.card.channels == 0 { self.heard + LOST } else { self.heard.min(self.audio) + LOST }
    }

    /// When a running flow of audio counts as stalled.
    pub(super) fn stall_at(&self) -> Option<Instant> {
        (self.flow == Flow::Running).then(|| self.audio + STALL)
    }

    /// The earliest of what this session waits for, but for suspicion, which is the link's.
    pub(super) fn poll_timeout(&self) -> Instant {
        let retry = self.commands.poll_timeout().map(Instant::from_micros);
        [Some(self.heartbeat_at), Some(self.stats_at), Some(self.lost_at()), self.stall_at(), retry]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.heartbeat_at)
    }
}

/// Commands that may wait for the card: a few for each of the ports when it comes up.
pub(super) const COMMAND_QUEUE: usize = 1024;
/// Heartbeat of this end.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(HEARTBEAT_MS);
/// How often the card's counters are fetched.
pub(super) const STATS: Duration = Duration::from_secs(1);
/// Three blocks without audio are a stall.
pub(super) const STALL: Duration = Duration::from_micros(3 * BLOCK_MICROS);
/// Silence after which the card is asked whether the session still runs.
pub(super) const SUSPECT: Duration = Duration::from_millis(250);
/// Silence after which the card is lost.
pub(super) const LOST: Duration = Duration::from_secs(1);

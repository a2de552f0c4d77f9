//! What a link has seen.

use tipring_bridge_proto::{FrameCounters, Stats};

/// Counters of one link since it was made; they survive the card's going and coming.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames received and thrown away.
    pub frames: FrameCounters,
    /// Whole frames of a type that is not known.
    pub unknown: u64,
    /// Whole frames whose payload was impossible, or PCM of another number of channels than
    /// promised.
    pub malformed: u64,
    /// Whole frames of another session, or none that the state asks for.
    pub stale: u64,
    /// Events given out.
    pub events: u64,
    /// Events that came again and were not given out again.
    pub event_duplicates: u64,
    /// Events with an unknown code or port: acknowledged, not given out.
    pub events_unknown: u64,
    /// Commands taken.
    pub commands: u64,
    /// Commands refused because their queue was full.
    pub commands_refused: u64,
    /// Commands sent again.
    pub command_retransmissions: u64,
    /// Audio blocks received, in order.
    pub pcm_in: u64,
    /// Audio blocks that never came.
    pub pcm_missing: u64,
    /// Audio blocks that came again.
    pub pcm_duplicates: u64,
    /// Leaps of the card's clock that no loss explains.
    pub pcm_jumps: u64,
    /// Audio blocks thrown away because nobody fetched them.
    pub pcm_unfetched: u64,
    /// Audio blocks to the card.
    pub pcm_out: u64,
    /// Audio blocks to the card thrown away: no session, or the transport does not take them.
    pub pcm_out_dropped: u64,
    /// Control frames thrown away because the transport does not take them; delivery repairs it.
    pub control_dropped: u64,
    /// Times that audio was due and did not come for 15 ms.
    pub stalls: u64,
    /// Times that nothing came for 250 ms, or the card said that it knows no session.
    pub suspects: u64,
    /// Sessions opened.
    pub sessions: u64,
    /// Sessions lost.
    pub downs: u64,
    /// Times that the card was told to reset.
    pub resets: u64,
    /// Times that three resets in 60 s slowed the greeting down.
    pub quarantines: u64,
    /// Times that this end itself was not run for 100 ms or more.
    pub late_wakeups: u64,
    /// Round trip of the last heartbeat, µs.
    pub round_trip_us: u64,
    /// Longest round trip of a heartbeat, µs.
    pub round_trip_max_us: u64,
    /// The card's own counters, as last reported.
    pub card: Stats,
}

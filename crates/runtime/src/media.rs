//! The media thread: waits for the master card's block, or for 5 ms, and ticks the engine.
//!
//! ```text
//!  card threads ──unpark──► move blocks in ─► Engine::tick ─► move blocks out, flush ─► unpark rtp-io, tell signalling
//! ```
//!
//! Waiting, moving and waking happen here, outside of the tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use ringbuf::traits::{Consumer, Producer};
use tipring_card::thread::CardAudio;
use tipring_core::Duration;
use tipring_media::{CardEnd, Engine};

use crate::clock::Clock;
use crate::priority;
use crate::watch::Guard;

/// The engine's block.
const BLOCK: Duration = Engine::TICK;
/// A block later than this after its time is counted.
const LATE: Duration = Duration::from_millis(5);
/// A card that gave no block for so long is gone; the timer's ticks are then nobody's fault.
const GONE: Duration = Duration::from_millis(100);

/// One card's audio, from its thread's rings to the engine's.
pub struct CardPath {
    /// The card thread's rings.
    pub audio: CardAudio,
    /// The engine's rings.
    pub end: CardEnd,
}

/// Counters of the media thread.
#[derive(Debug, Default)]
pub struct MediaCounters {
    /// Ticks.
    pub ticks: AtomicU64,
    /// Ticks that the timer made, for want of a block.
    pub timer_ticks: AtomicU64,
    /// Of these, ticks whose block was missed: the card had given one less than 100 ms before.
    pub missed_ticks: AtomicU64,
    /// Ticks whose block came more than 5 ms after its time.
    pub late_ticks: AtomicU64,
    /// The longest tick so far, in microseconds.
    pub longest_tick_us: AtomicU64,
    /// Blocks that found a ring full.
    pub overflow: AtomicU64,
    /// Set to end the thread.
    pub stop: std::sync::atomic::AtomicBool,
}

/// What the media thread owns and whom it wakes.
pub struct MediaThread {
    /// The clock.
    pub clock: Clock,
    /// The engine.
    pub engine: Engine,
    /// The cards, by id.
    pub cards: Vec<CardPath>,
    /// The RTP thread.
    pub rtp: thread::Thread,
    /// Called after a tick; signalling looks for events.
    pub wake_signalling: Box<dyn Fn() + Send>,
    /// Counters.
    pub counters: Arc<MediaCounters>,
    /// Whether to ask for real-time priority.
    pub realtime: bool,
    /// Tells when this thread panics.
    pub guard: Guard,
}

impl MediaThread {
    /// Starts the thread.
    pub fn spawn(self) -> std::io::Result<thread::JoinHandle<()>> {
        thread::Builder::new().name("media".into()).spawn(move || self.run())
    }

    fn run(mut self) {
        if self.realtime
            && let Err(error) = priority::make_realtime()
        {
            tracing::warn!(%error, "no real-time priority for the media thread: audio may stutter under load");
        }
        let mut last = self.clock.now();
        let mut latest_block = None;
        let mut woken = 0u32;
        while !self.counters.stop.load(Ordering::Relaxed) {
            self.take_blocks();
            let now = self.clock.now();
            if self.engine.pending() == 0 {
                let deadline = last + Engine::PATIENCE;
                if now < deadline {
                    thread::park_timeout(deadline - now);
                    continue;
                }
                // Absolute deadlines: a late wake-up does not slow the clock down.
                last += BLOCK;
                if now > last + LATE * 4 {
                    last = now;
                }
                self.counters.timer_ticks.fetch_add(1, Ordering::Relaxed);
                if latest_block.is_some_and(|at| now < at + GONE) {
                    self.counters.missed_ticks.fetch_add(1, Ordering::Relaxed);
                }
            } else {
                if latest_block == Some(last) && now > last + BLOCK + LATE {
                    self.counters.late_ticks.fetch_add(1, Ordering::Relaxed);
                }
                last = now;
                latest_block = Some(now);
            }
            self.engine.tick(now);
            self.count(self.clock.now() - now);
            self.give_blocks();
            self.rtp.unpark();
            woken = woken.wrapping_add(1);
            if woken.is_multiple_of(2) {
                (self.wake_signalling)();
            }
        }
    }

    fn count(&self, took: Duration) {
        self.counters.ticks.fetch_add(1, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counters.longest_tick_us.fetch_max(us, Ordering::Relaxed);
    }

    fn take_blocks(&mut self) {
        for card in &mut self.cards {
            while let Some(block) = card.audio.up.try_pop() {
                if card.end.up.push(bytemuck::cast(block)).is_err() {
                    self.counters.overflow.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn give_blocks(&mut self) {
        for card in &mut self.cards {
            let mut any = false;
            while let Some(block) = card.end.down.pop() {
                any = true;
                if card.audio.down.try_push(bytemuck::cast(block)).is_err() {
                    self.counters.overflow.fetch_add(1, Ordering::Relaxed);
                }
            }
            if any {
                card.audio.flush();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tipring_bridge_proto::PcmBlock;
    use tipring_media::CardBlock;

    /// The card protocol and the engine each have their block; the shell casts one to the other.
    #[test]
    fn a_block_keeps_every_field_on_its_way_through() {
        let mut octets = [0; 128 * 40];
        octets.iter_mut().enumerate().for_each(|(at, octet)| *octet = at as u8);
        let block = CardBlock { clock: 7, channels: 3, fill: 2, underruns: 5, missing: 1, octets };
        let wire: PcmBlock = bytemuck::cast(block);
        assert_eq!((wire.clock, wire.channels, wire.fill), (7, 3, 2));
        assert_eq!((wire.underruns, wire.missing, wire.octets), (5, 1, octets));
    }
}

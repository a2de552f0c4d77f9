//! The jitter buffer: packets in as they come, 5 ms out at every tick.
//!
//! ```text
//!  insert ──► slots[sequence % 64] ──► take: 40 samples from timestamp `at` on
//!     │                                  ▲
//!     └──► DelayEstimate ── target ──────┘  moves `at`
//! ```
//! Time is counted in the engine's samples (`clock`); the *delay* is how long the quickest packets wait. `at` moves by
//! exactly the samples played, but for these:
//!
//! | what                                               | change of the delay                                    |
//! |----------------------------------------------------|--------------------------------------------------------|
//! | the next packet comes after its time               | grows at once: play goes back to it, nothing is lost   |
//! | a packet comes after a later one was played        | grows at once to the target, by concealment            |
//! | delay beyond target by more than `SLACK`, for 2 s  | shrinks, a block at a time, where it is quiet or lost  |
//! | the delay is below the target                      | grows where it is quiet                                |
//! | timestamps jump, or a long outage ends             | as at the beginning                                    |
//!
//! The engine has one in each RTP stream; `tipring tool jitter` plays traces through one alone.

mod delay;

use tipring_dsp::g711::{self, Law};
use tipring_dsp::level;

use crate::block::BLOCK_SAMPLES;
use delay::{DelayEstimate, LONGEST};

/// Packets the buffer holds: 320 ms of the shortest.
const SLOTS: usize = 64;
/// The longest packet: 120 ms.
pub const MAX_PACKET: usize = 960;
/// The delay a stream begins with, in samples: 40 ms.
const FIRST_DELAY: i32 = 320;
/// Delay beyond the target that is left alone, in samples: what a stream begins with never slips on a good path.
const SLACK: i32 = 320;
/// Where shrinking stops, in samples beyond the target.
const NEAR: i32 = 160;
/// Ticks for which the delay must have been too long before it shrinks: 2 s.
const PATIENCE: u32 = 400;
/// Ticks between two steps of shrinking: 25 ms.
const STEP: u32 = 5;
/// Delay beyond which audio is dropped at once, in samples: 60 ms over the longest.
const OVERFULL: i32 = LONGEST + 480;
/// Ticks without audio after which concealment has faded and the delay may be set anew: 60 ms.
const FADED: u32 = 12;
/// Ticks without a packet after which there is nothing to conceal with: 1 s.
const GONE: u32 = 200;
/// Mean square of what is taken for quiet: −45 dBm0.
const QUIET: u64 = 8000;
/// A timestamp this far back on a newer packet is another timeline: 1 s.
const JUMP: i32 = 8000;
/// What is told of a delay that two timelines at once would make, in samples.
const OUTLANDISH: i32 = 1 << 24;
const BLOCK: i32 = BLOCK_SAMPLES as i32;

/// What a packet brings.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// G.711.
    Audio(Law, &'a [u8]),
    /// Comfort noise or a telephone event: the audio pauses on purpose.
    Pause,
}

/// What a tick gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// 40 octets of this law.
    Audio(Law),
    /// Something should be there and is not.
    Missing,
    /// Nothing should be there.
    Pause,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Blocks played as they came.
    pub played: u64,
    /// Blocks made up for lost or late packets.
    pub concealed: u64,
    /// Packets too late to be played.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Samples cut out or put in to change the delay.
    pub slipped: u64,
}

#[derive(Clone)]
struct Slot {
    sequence: u64,
    timestamp: u32,
    /// 0 for a pause.
    len: u16,
    law: Law,
    played: bool,
    octets: [u8; MAX_PACKET],
}

/// One stream's buffer.
pub struct JitterBuffer {
    slots: Box<[Slot]>,
    estimate: DelayEstimate,
    play: Option<Play>,
    /// Samples taken since the buffer was made.
    clock: u32,
    counters: Counters,
}

struct Play {
    /// Timestamp of the next sample.
    at: u32,
    /// The packet it should be in.
    next: u64,
    highest: u64,
    /// Samples still to be put in.
    owed: i32,
    /// Ticks since the last audio.
    without: u32,
    /// Of these, ticks that concealed, and may turn out to have been the sender's own pause.
    unproven: u64,
    /// Whether the sender said that it pauses.
    paused: bool,
    /// Ticks for which the delay has been too long; counts on while shrinking.
    too_long: u32,
    /// Whether no audio was taken yet: what comes before the first packet is still welcome.
    fresh: bool,
    /// Whether no audio was taken since `at` was set by a packet: that one may have been slow, so quicker ones set it
    /// again.
    settling: bool,
}

enum Found {
    Audio {
        slot: usize,
        offset: usize,
    },
    /// Samples until the next audio, and whether packets between are missing.
    Gap {
        samples: i32,
        lost: bool,
    },
    Empty,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl JitterBuffer {
    /// An empty buffer; all that it will ever need is allocated here.
    pub fn new() -> Self {
        let empty = Slot {
            sequence: 0,
            timestamp: 0,
            len: 0,
            law: Law::Mu,
            played: false,
            octets: [0; MAX_PACKET],
        };
        Self {
            slots: vec![empty; SLOTS].into_boxed_slice(),
            estimate: DelayEstimate::new(),
            play: None,
            clock: 0,
            counters: Counters::default(),
        }
    }

    /// Forgets the stream; the counters stay.
    pub fn restart(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.sequence = 0);
        self.estimate = DelayEstimate::new();
        self.play = None;
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How long the quickest packets wait, in samples.
    pub fn delay(&self) -> i32 {
        let quickest = self.estimate.quickest().unwrap_or(0);
        let delay = |p: &Play| self.clock.wrapping_sub(p.at).wrapping_sub(quickest) as i32;
        self.play.as_ref().map_or(0, delay).clamp(-OUTLANDISH, OUTLANDISH)
    }

    /// The timestamp of the sample that comes next; `None` before the first packet.
    pub fn position(&self) -> Option<u32> {
        self.play.as_ref().map(|play| play.at)
    }

    /// Puts a packet in, by its extended sequence number (1 or more) and its timestamp. `lead` is how much later than the latest tick it arrived, in samples, below zero where it
    /// was earlier.
    pub fn insert(&mut self, sequence: u64, timestamp: u32, lead: i32, content: Content<'_>) {
        let audio = match content {
            Content::Audio(_, []) => return,
            Content::Audio(_, octets) if octets.len() > MAX_PACKET => return,
            Content::Audio(..) => true,
            Content::Pause => false,
        };
        let play = self.play.get_or_insert_with(|| Play {
            at: first_at(timestamp, lead),
            next: sequence,
            highest: sequence,
            owed: 0,
            without: 0,
            unproven: 0,
            paused: true,
            too_long: 0,
            fresh: true,
            settling: true,
        });
        let place = (sequence % SLOTS as u64) as usize;
        if self.slots[place].sequence == sequence {
            self.counters.duplicates += 1;
            return;
        }
        if play.fresh && sequence < play.next && play.next - sequence < SLOTS as u64 / 4 {
            play.next = sequence;
        }
        let transit = self.clock.wrapping_add_signed(lead).wrapping_sub(timestamp);
        if sequence < play.next {
            let lateness = play.at.wrapping_sub(timestamp) as i32;
            // An old packet of another timeline says nothing about this one.
            if audio && (0..JUMP).contains(&lateness) {
                self.counters.late += 1;
                self.estimate.observe(transit);
                self.grow_for_latecomer();
            }
            return;
        }
        if audio {
            self.estimate.observe(transit);
        }
        let in_row = sequence == play.highest + 1;
        play.highest = play.highest.max(sequence);
        play.next = play.next.max(play.highest.saturating_sub(SLOTS as u64 - 1));
        let slot = &mut self.slots[place];
        (slot.sequence, slot.timestamp, slot.played, slot.len) = (sequence, timestamp, false, 0);
        if let Content::Audio(law, octets) = content {
            slot.octets[..octets.len()].copy_from_slice(octets);
            (slot.len, slot.law) = (octets.len() as u16, law);
            self.place(sequence, timestamp, lead, in_row);
        }
    }

    /// Takes the next 40 octets, or learns why there are none.
    pub fn take(&mut self, out: &mut [u8; BLOCK_SAMPLES]) -> Taken {
        let taken = self.take_block(out);
        self.clock = self.clock.wrapping_add(BLOCK as u32);
        let Some(play) = &mut self.play else { return Taken::Pause };
        match taken {
            Taken::Audio(_) => {
                self.counters.played += 1;
                play.without = 0;
                play.paused = false;
                (play.fresh, play.settling) = (false, false);
            }
            Taken::Missing | Taken::Pause => play.without = play.without.saturating_add(1),
        }
        taken
    }

    /// Sets the delay for audio that came in: late, after a pause, or after a jump.
    fn place(&mut self, sequence: u64, timestamp: u32, lead: i32, in_row: bool) {
        let delay = self.delay();
        let target = self.estimate.target();
        let Some(play) = &mut self.play else { return };
        let margin = timestamp.wrapping_sub(play.at) as i32;
        let unproven = std::mem::take(&mut play.unproven);
        if !in_row || margin < 0 {
            self.counters.concealed += unproven;
        }
        let idle = play.without >= FADED;
        let too_late = margin < 0 && delay.saturating_sub(margin) > LONGEST;
        // A tick that comes late finds many packets at once; `lead` tells how many of them were due.
        let ahead = margin.saturating_sub(lead);
        let jumped = ahead > OVERFULL || margin < -JUMP;
        let quicker = play.settling && margin.saturating_sub(whole_blocks(lead)) > FIRST_DELAY;
        if jumped || quicker || (idle && too_late) {
            // Another timeline, another path, or the end of a long outage.
            self.estimate = DelayEstimate::new();
            self.estimate.observe(self.clock.wrapping_add_signed(lead).wrapping_sub(timestamp));
            play.at = first_at(timestamp, lead);
            (play.owed, play.too_long, play.settling) = (0, 0, true);
            if jumped {
                // What is left of the old timeline would never be due.
                play.next = sequence;
            }
        } else if margin < 0 && !too_late {
            // All since then was concealment: play it from its beginning.
            play.at = timestamp;
            (play.too_long, play.without) = (0, 0);
            self.counters.slipped += u64::from(margin.unsigned_abs());
        } else if idle && delay - target > SLACK {
            let cut = (delay - target - NEAR).min(margin.max(0)) / BLOCK * BLOCK;
            play.at = play.at.wrapping_add_signed(cut);
        }
    }

    /// A packet came after a later one had been played: the order on the way is worse than thought.
    fn grow_for_latecomer(&mut self) {
        let short = self.estimate.target() - self.delay();
        if let Some(play) = self.play.as_mut().filter(|p| p.owed == 0 && short >= BLOCK) {
            play.owed = short.min(LONGEST) / BLOCK * BLOCK;
        }
    }

    fn take_block(&mut self, out: &mut [u8; BLOCK_SAMPLES]) -> Taken {
        if self.play.is_none() {
            return Taken::Pause;
        }
        self.adapt();
        if let Some(play) = self.play.as_mut().filter(|p| p.owed > 0) {
            play.owed -= BLOCK;
            self.counters.slipped += BLOCK as u64;
            self.counters.concealed += 1;
            return Taken::Missing;
        }
        let mut filled = 0;
        let mut law = None;
        while filled < BLOCK_SAMPLES {
            match self.find() {
                Found::Audio { slot, offset } => {
                    let law = *law.get_or_insert(self.slots[slot].law);
                    filled += self.copy(slot, offset, law, &mut out[filled..]);
                }
                // The sender's timeline is not in step with ours: go on where its audio begins.
                Found::Gap { samples, lost: false } if samples < BLOCK => self.advance(samples),
                missing if filled == 0 => return self.without_audio(&missing),
                _ => {
                    // A packet of an odd length ends here, and nothing follows it yet.
                    let law = law.unwrap_or(Law::Mu);
                    out[filled..].fill(law.silence());
                    self.advance((BLOCK_SAMPLES - filled) as i32);
                    filled = BLOCK_SAMPLES;
                }
            }
        }
        Taken::Audio(law.unwrap_or(Law::Mu))
    }

    /// Part of the block, or all of it, is not there.
    fn without_audio(&mut self, missing: &Found) -> Taken {
        let Some(play) = &mut self.play else { return Taken::Pause };
        play.at = play.at.wrapping_add(BLOCK as u32);
        match missing {
            Found::Gap { lost: true, samples } => {
                self.counters.concealed += 1;
                // What is made up need not be long.
                let cut = samples - BLOCK;
                if play.too_long > PATIENCE && cut >= BLOCK {
                    play.at = play.at.wrapping_add(BLOCK as u32);
                    self.counters.slipped += BLOCK as u64;
                }
                Taken::Missing
            }
            _ if play.paused || play.without >= GONE => Taken::Pause,
            // The packets' numbers tell: the sender left this out.
            Found::Gap { .. } => Taken::Pause,
            _ => {
                play.unproven += 1;
                Taken::Missing
            }
        }
    }

    /// Shrinks or grows the delay where it is not heard.
    fn adapt(&mut self) {
        let delay = self.delay();
        let excess = delay - self.estimate.target();
        let Some(play) = &mut self.play else { return };
        if excess > SLACK || (play.too_long > PATIENCE && excess > NEAR) {
            play.too_long += 1;
        } else {
            play.too_long = 0;
        }
        let step = play.too_long > PATIENCE && play.too_long.is_multiple_of(STEP);
        let overfull = delay > OVERFULL;
        if overfull {
            let cut = excess / BLOCK * BLOCK;
            self.counters.slipped += u64::from(cut.unsigned_abs());
            self.advance(cut);
        } else if step && self.next_is_quiet() {
            self.counters.slipped += BLOCK as u64;
            self.advance(BLOCK);
        } else if excess <= -BLOCK
            && self.next_is_quiet()
            && let Some(play) = self.play.as_mut().filter(|p| p.owed == 0)
        {
            play.owed = BLOCK;
        }
    }

    fn advance(&mut self, samples: i32) {
        if let Some(play) = &mut self.play {
            play.at = play.at.wrapping_add_signed(samples);
        }
    }

    /// Where the sample `at` is. Passes packets that are over, and lost ones once a later one is due.
    fn find(&mut self) -> Found {
        let mut lost = false;
        loop {
            let Some(play) = &mut self.play else { return Found::Empty };
            if play.next > play.highest {
                return Found::Empty;
            }
            // The first packet there is, from `next` on; the numbers between are missing.
            let Some(sequence) = (play.next..=play.highest)
                .find(|s| self.slots[(s % SLOTS as u64) as usize].sequence == *s)
            else {
                return Found::Empty;
            };
            lost |= sequence != play.next;
            let slot = (sequence % SLOTS as u64) as usize;
            let Slot { timestamp, len, played, .. } = self.slots[slot];
            let offset = play.at.wrapping_sub(timestamp) as i32;
            if len == 0 {
                play.paused = true;
                play.next = sequence + 1;
            } else if offset < 0 {
                return Found::Gap { samples: -offset, lost };
            } else if offset < i32::from(len) {
                play.next = sequence;
                return Found::Audio { slot, offset: offset as usize };
            } else {
                self.counters.late += u64::from(!played);
                play.next = sequence + 1;
                lost = false;
            }
        }
    }

    /// Copies from a slot as much as it has and `out` takes, in `law`.
    fn copy(&mut self, slot: usize, offset: usize, law: Law, out: &mut [u8]) -> usize {
        let slot = &mut self.slots[slot];
        slot.played = true;
        let octets = &slot.octets[offset..usize::from(slot.len)];
        let n = octets.len().min(out.len());
        match (slot.law, law) {
            (Law::Mu, Law::A) => g711::mu_to_a(octets, &mut out[..n]),
            (Law::A, Law::Mu) => g711::a_to_mu(octets, &mut out[..n]),
            _ => out[..n].copy_from_slice(&octets[..n]),
        }
        self.advance(n as i32);
        n
    }

    /// Whether the next block lies in one packet and is quiet.
    fn next_is_quiet(&mut self) -> bool {
        let Found::Audio { slot, offset } = self.find() else { return false };
        let slot = &self.slots[slot];
        let Some(octets) = slot.octets[..usize::from(slot.len)].get(offset..offset + BLOCK_SAMPLES)
        else {
            return false;
        };
        let mut linear = [0; BLOCK_SAMPLES];
        g711::decode(slot.law, octets, &mut linear);
        level::energy(&linear) < QUIET * BLOCK_SAMPLES as u64
    }
}

/// Where play begins so that a packet waits [`FIRST_DELAY`] from when it came, which is `lead` after the latest tick: an
/// engine that is behind makes the ticks between all at once, and they must not use the delay up.
fn first_at(timestamp: u32, lead: i32) -> u32 {
    timestamp.wrapping_sub((FIRST_DELAY + whole_blocks(lead)) as u32)
}

/// How many samples of whole ticks are due before a packet with this `lead`. One that was found long after it came is
/// played at once at the earliest.
fn whole_blocks(lead: i32) -> i32 {
    let lead = lead.clamp(-FIRST_DELAY, JUMP);
    lead.div_euclid(BLOCK) * BLOCK + if lead.rem_euclid(BLOCK) > 0 { BLOCK } else { 0 }
}

#[cfg(test)]
mod tests;

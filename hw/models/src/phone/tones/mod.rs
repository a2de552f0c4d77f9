//! A person's ear for call-progress tones: what sounds, for how long, how often (ITU-T E.180 and its Supplement 2).
//!
//! ```text
//!  block ─► loud enough? ─► windows of 40 ms ─► Sound ─► Burst (sound, on, off before it) ─► name
//! ```
//!
//! It knows no country and names what it hears as a traveller would: a continuous single tone is dial tone (a British
//! number-unobtainable tone sounds the same), and a tone in equal halves of a quarter second is congestion.
//!
//! | sound                  | while it lasts                              | when it ends                              |
//! |------------------------|---------------------------------------------|-------------------------------------------|
//! | 350+440                | dial at 240 ms; stutter-dial after short bursts, or when 440 alone alternates | –       |
//! | 400+425, 330+440       | stutter-dial at 240 ms                      | –                                         |
//! | 440+480, 400+450       | ringback at 200 ms                          | –                                         |
//! | 480+620                | busy at 360 ms                              | congestion below that                     |
//! | 400 to 450             | dial at 1.9 s; howler at 0.5 s when loud    | ringback from 0.6 s, after 0.6 s silence; in equal halves: busy from 310 ms, congestion below; 400/350/225/525: congestion |
//! | 1400+2060+2450+2600    | howler at 80 ms                             | –                                         |
//! | a loud sweep           | howler at 0.4 s                             | –                                         |
//! | 950, 1400, 1800 in turn | number-unobtainable at the third           | –                                         |
//! | anything else, 120 ms  | what was named has ended                    | –                                         |

mod sound;

use super::spectrum::{Level, block_energy};
use crate::BLOCK_SAMPLES;
use sound::{Sound, Window};

/// A call-progress tone by ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToneName {
    /// Dial tone.
    Dial,
    /// Dial tone with something to notice.
    StutterDial,
    /// The called phone rings.
    Ringback,
    /// The called user is busy.
    Busy,
    /// No path ("reorder").
    Congestion,
    /// Special information tone.
    NumberUnobtainable,
    /// Receiver off the hook.
    Howler,
}

impl ToneName {
    /// The name of the control socket.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::StutterDial => "stutter-dial",
            Self::Ringback => "ringback",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::NumberUnobtainable => "number-unobtainable",
            Self::Howler => "howler",
        }
    }

    /// Silence after which the tone has ended, ms: longer than any pause in its cadence.
    const fn hang_ms(self) -> u32 {
        match self {
            Self::Dial => 60,
            Self::StutterDial => 400,
            Self::Ringback => 5300,
            Self::Busy => 750,
            Self::Congestion => 700,
            Self::NumberUnobtainable => 1300,
            Self::Howler => 500,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct ToneEar {
    window: Window,
    begins: f32,
    lasts: f32,
    loud: f32,
    phase: Phase,
    /// The last bursts, newest first.
    bursts: [Option<Burst>; 3],
    sit: InformationTone,
    named: Option<ToneName>,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Silence, for so many blocks.
    Quiet {
        blocks: u32,
    },
    Sounding(Sounding),
}

/// A burst that lasts.
#[derive(Clone, Debug, Default)]
struct Sounding {
    blocks: u32,
    /// Silent blocks at its end so far.
    tail: u32,
    off_ms: u32,
    heard: Tally,
    /// Windows in a row that are no call-progress tone.
    strange: u32,
    /// Windows in a row that are as loud as only a howler is.
    loud: u32,
    lowest: u32,
    highest: u32,
}

/// How many windows of a burst sounded like what.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    windows: u32,
    dial: u32,
    special: u32,
    ringback: u32,
    low: u32,
    single: u32,
    howler: u32,
}

/// A burst that has ended.
#[derive(Clone, Copy, Debug)]
struct Burst {
    heard: Tally,
    on_ms: u32,
    /// Silence before it.
    off_ms: u32,
}

/// The three notes of the special information tone (E.180 §9), as far as they were heard.
#[derive(Clone, Copy, Debug, Default)]
struct InformationTone {
    note: usize,
    windows: u32,
}

/// Tones that end and begin in a block.
pub(super) type Changes = [Option<(ToneName, bool)>; 2];

impl Default for ToneEar {
    fn default() -> Self {
        Self {
            window: Window::default(),
            begins: block_energy(-40.0),
            lasts: block_energy(-44.0),
            loud: block_energy(-6.0),
            phase: Phase::Quiet { blocks: FOREVER_BLOCKS },
            bursts: [None; 3],
            sit: InformationTone::default(),
            named: None,
        }
    }
}

impl ToneEar {
    pub(super) fn named(&self) -> Option<ToneName> {
        self.named
    }

    /// The receiver was put down; gives the tone that was heard until then.
    pub(super) fn reset(&mut self) -> Option<ToneName> {
        let named = self.named.take();
        if named.is_some() || !matches!(self.phase, Phase::Quiet { blocks: FOREVER_BLOCKS }) {
            *self = Self::default();
        }
        named
    }

    /// Takes a block; gives what changed.
    pub(super) fn listen(&mut self, block: &[i16; BLOCK_SAMPLES], level: &Level) -> Changes {
        let sounding = match &mut self.phase {
            Phase::Quiet { blocks } if !level.reaches(self.begins) => {
                *blocks = blocks.saturating_add(1).min(FOREVER_BLOCKS);
                let off_ms = *blocks * BLOCK_MS;
                return self.silent_for(off_ms);
            }
            Phase::Quiet { blocks } => {
                let off_ms = *blocks * BLOCK_MS;
                self.window.clear();
                if off_ms > SIT_GAP_MS {
                    self.sit = InformationTone::default();
                }
                self.phase = Phase::Sounding(Sounding { off_ms, ..Sounding::begin() });
                let Phase::Sounding(sounding) = &mut self.phase else {
                    return [None; 2];
                };
                sounding
            }
            Phase::Sounding(sounding) => sounding,
        };
        sounding.blocks += 1;
        sounding.tail = if level.reaches(self.lasts) { 0 } else { sounding.tail + 1 };
        if sounding.tail == TAIL_BLOCKS {
            return self.burst_ended();
        }
        let Some((sound, energy)) = self.window.add(block, level) else {
            return [None; 2];
        };
        self.sit.hear(sound);
        sounding.hear(sound, energy > self.loud);
        self.recognise()
    }

    fn recognise(&mut self) -> Changes {
        let Phase::Sounding(sounding) = &mut self.phase else {
            return [None; 2];
        };
        let short =
            |burst: &Burst| burst.on_ms <= STUTTER_MS && burst.heard.is_mostly(burst.heard.dial);
        let stuttered = sounding.off_ms <= STUTTER_MS
            && matches!(&self.bursts, [Some(a), Some(b), _]
                if short(a) && short(b) && a.off_ms <= STUTTER_MS);
        if let Some(name) = sounding.name(stuttered) {
            return self.rename(Some(name));
        }
        if self.sit.is_complete() {
            return self.rename(Some(ToneName::NumberUnobtainable));
        }
        if sounding.strange >= STRANGE_WINDOWS {
            sounding.heard = Tally::default();
            let goes_on = match self.named {
                Some(ToneName::Howler) => sounding.loud > 0,
                Some(ToneName::NumberUnobtainable) => true,
                _ => false,
            };
            if !goes_on {
                return self.rename(None);
            }
        }
        [None; 2]
    }

    fn burst_ended(&mut self) -> Changes {
        let tail = Phase::Quiet { blocks: TAIL_BLOCKS };
        let Phase::Sounding(sounding) = std::mem::replace(&mut self.phase, tail) else {
            return [None; 2];
        };
        let burst = Burst {
            heard: sounding.heard,
            on_ms: (sounding.blocks - sounding.tail) * BLOCK_MS,
            off_ms: sounding.off_ms,
        };
        let [a, b, _] = self.bursts;
        self.bursts = [Some(burst), a, b];
        let heard = burst.heard;
        let name = if heard.is_mostly(heard.low) && burst.on_ms < LOW_BUSY_MS {
            Some(ToneName::Congestion)
        } else {
            self.cadence()
        };
        name.map_or([None; 2], |name| self.rename(Some(name)))
    }

    /// What bursts of a single frequency mean.
    fn cadence(&self) -> Option<ToneName> {
        let [Some(now), Some(before), earlier] = self.bursts else {
            return None;
        };
        let single = |burst: &Burst| burst.heard.is_mostly(burst.heard.single);
        if !single(&now) || !single(&before) {
            return None;
        }
        let is = |ms: u32, wanted: u32| ms.abs_diff(wanted) <= 45;
        let path_engaged = is(before.on_ms, 400) && is(now.off_ms, 350) && is(now.on_ms, 225)
            || is(before.on_ms, 225) && is(now.off_ms, 525) && is(now.on_ms, 400);
        if path_engaged {
            return Some(ToneName::Congestion);
        }
        let halves = |a: &Burst, b: &Burst| {
            a.on_ms.abs_diff(b.on_ms) <= 60 && b.on_ms.abs_diff(b.off_ms) <= 60
        };
        if !halves(&before, &now) {
            return None;
        }
        match now.on_ms {
            310..=700 => Some(ToneName::Busy),
            // Two short bursts may be a waiting call.
            120..310 if earlier.is_some_and(|earlier| halves(&earlier, &before)) => {
                Some(ToneName::Congestion)
            }
            _ => None,
        }
    }

    fn silent_for(&mut self, off_ms: u32) -> Changes {
        if off_ms == LONG_GAP_MS
            && let Some(Burst { heard, on_ms: 600..=1800, .. }) = self.bursts[0]
            && heard.is_mostly(heard.single)
        {
            return self.rename(Some(ToneName::Ringback));
        }
        match self.named {
            Some(named) if off_ms > named.hang_ms() => self.rename(None),
            _ => [None; 2],
        }
    }

    fn rename(&mut self, name: Option<ToneName>) -> Changes {
        let was = std::mem::replace(&mut self.named, name);
        if was == name {
            return [None; 2];
        }
        [was.map(|was| (was, false)), name.map(|name| (name, true))]
    }
}

impl Sounding {
    fn begin() -> Self {
        Self { lowest: u32::MAX, ..Self::default() }
    }

    fn hear(&mut self, sound: Sound, loud: bool) {
        self.loud = if loud { self.loud + 1 } else { 0 };
        let heard = &mut self.heard;
        heard.windows += 1;
        let strange = self.strange;
        self.strange = 0;
        match sound {
            Sound::Dial => heard.dial += 1,
            Sound::SpecialDial => heard.special += 1,
            Sound::Ringback => heard.ringback += 1,
            Sound::Low => heard.low += 1,
            Sound::Single => heard.single += 1,
            Sound::Howler => heard.howler += 1,
            Sound::Steady(hertz) => {
                self.lowest = self.lowest.min(hertz);
                self.highest = self.highest.max(hertz);
                self.strange = strange + 1;
            }
            Sound::Other => self.strange = strange + 1,
        }
    }

    /// What the burst is, as soon as it can be told.
    fn name(&self, stuttered: bool) -> Option<ToneName> {
        let heard = &self.heard;
        let is = |windows: u32, least: u32| windows >= least && heard.is_mostly(windows);
        let sweep = self.loud >= 9 && self.lowest < 1200 && self.highest > 2000;
        if sweep || is(heard.howler, 2) || self.loud >= 12 && is(heard.single, 12) {
            return Some(ToneName::Howler);
        }
        let alternates = heard.dial >= 6 && heard.single >= 6;
        if is(heard.special, 6) || alternates && heard.is_mostly(heard.dial + heard.single) {
            return Some(ToneName::StutterDial);
        }
        if is(heard.dial, 6) {
            return Some(if stuttered { ToneName::StutterDial } else { ToneName::Dial });
        }
        if is(heard.ringback, 5) {
            return Some(ToneName::Ringback);
        }
        if is(heard.low, 9) {
            return Some(ToneName::Busy);
        }
        is(heard.single, 47).then_some(ToneName::Dial)
    }
}

impl Tally {
    /// Whether so many windows are nearly all of the burst.
    fn is_mostly(&self, windows: u32) -> bool {
        windows > 0 && windows * 10 >= self.windows * 7
    }
}

impl InformationTone {
    fn hear(&mut self, sound: Sound) {
        let Sound::Steady(hertz) = sound else {
            return;
        };
        if SIT_HERTZ.get(self.note).is_some_and(|note| note.contains(&hertz)) {
            self.windows += 1;
        } else if self.windows >= SIT_WINDOWS
            && SIT_HERTZ.get(self.note + 1).is_some_and(|note| note.contains(&hertz))
        {
            *self = Self { note: self.note + 1, windows: 1 };
        } else if SIT_HERTZ[0].contains(&hertz) {
            *self = Self { note: 0, windows: 1 };
        }
    }

    fn is_complete(&self) -> bool {
        self.note + 1 == SIT_HERTZ.len() && self.windows >= SIT_WINDOWS
    }
}

const BLOCK_MS: u32 = 5;
/// Silence in which a burst ends, 20 ms; the beat of 440 and 480 Hz is quiet for less.
const TAIL_BLOCKS: u32 = 4;
/// Silence that is not counted further, an hour.
const FOREVER_BLOCKS: u32 = 720_000;
/// A burst of 480 + 620 Hz below this is congestion.
const LOW_BUSY_MS: u32 = 350;
/// Silence after a burst of a single tone that only ringback has.
const LONG_GAP_MS: u32 = 600;
/// The bursts and gaps of stutter dial tone are shorter.
const STUTTER_MS: u32 = 250;
/// Windows of something else after which a tone has ended, 120 ms.
const STRANGE_WINDOWS: u32 = 3;
/// Notes of the information tone follow each other within this.
const SIT_GAP_MS: u32 = 200;
/// Windows that make a note of it, 160 ms.
const SIT_WINDOWS: u32 = 4;
/// The notes: E.180's 950, 1400, 1800 Hz and their North American variants.
const SIT_HERTZ: [std::ops::RangeInclusive<u32>; 3] = [890..=1040, 1330..=1440, 1720..=1860];

//! One steady tone: how long it has sounded, its frequency and level, and where it began and ended.

use super::{Event, MIN_POWER, Signal, dbm0_of_power};
use crate::bank::{
    ALIAS_HZ, Bank, Complex, Frame, HOP, SPACING_HZ, WINDOW, filled, hz_of_turns, response,
};

/// What the tone must be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    pub signal: Signal,
    /// Where the bank hears it best.
    pub spacings: usize,
    pub hz: f32,
    /// Largest deviation.
    pub accept_hz: f32,
    /// Frames until it is certain.
    pub frames: u16,
}

/// Share of all power that the tone has in a frame: noise at 8 dB SNR leaves 0.86 and hardly ever 0.7.
const MIN_SHARE: f32 = 0.55;

/// By how much a frame may deviate from the largest deviation of the mean.
const JITTER_HZ: f32 = 14.0;

/// By how much the power of a frame may differ from the mean, either way: 4.5 dB. ANSam goes 2 dB up and down.
const MAX_CHANGE: f32 = 2.8;

/// Of all products of neighbours the part that is in phase: 1 for a steady tone.
const MIN_COHERENCE: f32 = 0.8;

/// Frames that may lack the tone: a reversal of the phase spoils three.
const MAX_MISSED: u8 = 5;

/// Frames over which means are taken, far more than make any tone certain: 131 s.
const REMEMBERED: u16 = 1 << 14;

/// Frames on either side of an edge: those that may lack the tone, and two before.
const EDGE: usize = MAX_MISSED as usize + 3;

/// What a frame changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Nothing,
    /// The tone sounds in this frame.
    Sounds,
    Began(Event),
    Ended(Ended),
}

/// What a run of frames with the tone has been like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Frames with the tone, those of long ago counted less.
    pub frames: u16,
    /// Their mean power.
    pub power: f32,
    /// Whether the newest frame is one of them.
    pub sounds: bool,
    /// By how much the phase turns from frame to frame.
    pub turns: f32,
}

/// A tone that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    start: u64,
    samples: u64,
    level_dbm0: f32,
    hz: f32,
}

impl Ended {
    pub fn event(self, signal: Signal) -> Event {
        let Ended { start, samples, level_dbm0, hz } = self;
        Event::Ended { signal, start, samples, level_dbm0, hz }
    }
}

/// Follows one tone.
#[derive(Clone, Debug)]
pub(super) struct Steady {
    spec: Spec,
    run: Option<Run>,
}

/// A stretch of frames with the tone.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// End of the first window with it.
    first: u64,
    /// With the tone, up to `REMEMBERED`, as the sums have them.
    frames: u16,
    missed: u8,
    /// Products of neighbours, and their magnitudes.
    products: Complex,
    magnitudes: f32,
    power: f32,
    /// Amplitudes of the frames before the first and after.
    onset: [f32; 2 * EDGE],
    heard: usize,
    told: bool,
    start: u64,
}

impl Steady {
    pub const fn new(spec: Spec) -> Steady {
        Steady { spec, run: None }
    }

    pub const fn spec(&self) -> &Spec {
        &self.spec
    }

    /// How the run goes that there is.
    pub fn course(&self) -> Option<Course> {
        let run = self.run?;
        Some(Course {
            frames: run.frames,
            power: run.mean_power(),
            sounds: run.missed == 0,
            turns: run.products.turns(),
        })
    }

    /// Listens to the newest frame.
    pub fn hear(&mut self, bank: &Bank) -> Step {
        let frame = bank.frame(0);
        let now = frame.at(self.spec.spacings);
        let power = now.power();
        // At the edge of what is accepted 0.2 of the power is left.
        let may_sound = power >= 0.2 * MIN_SHARE * frame.total && power >= 0.2 * MIN_POWER;
        if self.run.is_none() && !may_sound {
            return Step::Nothing;
        }
        let product = now.against(bank.frame(1).at(self.spec.spacings));
        let sounds = if may_sound { self.sounds(frame, power, product) } else { None };
        match (&mut self.run, sounds) {
            (None, None) => Step::Nothing,
            (None, Some(power)) => self.begin(bank, power),
            (Some(run), Some(power)) if run.is_chance(power) => self.begin(bank, power),
            (Some(run), sounds) => {
                run.trace(now);
                let steady = sounds.filter(|power| run.fits(*power));
                match steady {
                    Some(power) => self.goes_on(power, product),
                    None => self.misses(bank),
                }
            }
        }
    }

    fn begin(&mut self, bank: &Bank, power: f32) -> Step {
        self.run = Some(Run::begin(bank.position(), self.amplitudes(bank), power));
        Step::Sounds
    }

    /// The last amplitudes, the newest last.
    fn amplitudes(&self, bank: &Bank) -> [f32; EDGE] {
        std::array::from_fn(|n| bank.frame(EDGE - 1 - n).power(self.spec.spacings).sqrt())
    }

    /// The power of the tone, if the frame has it.
    fn sounds(&self, frame: &Frame, power: f32, product: Complex) -> Option<f32> {
        let hz = hz_of_turns(product.turns(), self.spec.hz);
        if (hz - self.spec.hz).abs() > (self.spec.accept_hz + JITTER_HZ).min(ALIAS_HZ / 2.0) {
            return None;
        }
        let left = response(hz - self.spec.spacings as f32 * SPACING_HZ);
        let power = power / (left * left);
        (power >= MIN_SHARE * frame.total && power >= MIN_POWER).then_some(power)
    }

    fn goes_on(&mut self, power: f32, product: Complex) -> Step {
        let (spec, Some(run)) = (self.spec, &mut self.run) else { return Step::Nothing };
        // After a reversal the product is another's.
        if run.missed == 0 {
            run.products = run.products.plus(product);
            run.magnitudes += product.power().sqrt();
        }
        run.missed = 0;
        if run.frames == REMEMBERED {
            run.forget_half();
        }
        run.frames += 1;
        run.power += power;
        if run.told || run.frames < spec.frames {
            return Step::Sounds;
        }
        let hz = run.hz(&spec);
        let coherent = run.products.power().sqrt() >= MIN_COHERENCE * run.magnitudes;
        if !coherent || (hz - spec.hz).abs() > spec.accept_hz {
            self.run = None;
            return Step::Nothing;
        }
        run.told = true;
        run.start = run.start(&spec);
        let level_dbm0 = dbm0_of_power(run.mean_power());
        Step::Began(Event::Began { signal: spec.signal, start: run.start, level_dbm0, hz })
    }

    fn misses(&mut self, bank: &Bank) -> Step {
        let Some(run) = &mut self.run else { return Step::Nothing };
        run.missed += 1;
        if run.missed <= MAX_MISSED {
            return Step::Nothing;
        }
        let run = *run;
        self.run = None;
        if !run.told {
            return Step::Nothing;
        }
        let hz = run.hz(&self.spec);
        let full = run.shown_amplitude(&self.spec, hz);
        let (at, share) = edge(self.amplitudes(bank).iter().rev(), full);
        let at = EDGE - 1 - at;
        // Windows end a hop after another; this one began so long before the newest ended.
        let newest = (EDGE - 1 - at) * HOP + WINDOW;
        let over = bank.position().saturating_sub(newest as u64) + filled(share) as u64;
        let samples = over.saturating_sub(run.start);
        let level_dbm0 = dbm0_of_power(run.mean_power());
        Step::Ended(Ended { start: run.start, samples, level_dbm0, hz })
    }
}

impl Run {
    fn begin(end: u64, amplitudes: [f32; EDGE], power: f32) -> Run {
        let mut onset = [0.0; 2 * EDGE];
        onset[..EDGE].copy_from_slice(&amplitudes);
        Run {
            first: end,
            frames: 1,
            missed: 0,
            products: Complex::ZERO,
            magnitudes: 0.0,
            power,
            onset,
            heard: EDGE,
            told: false,
            start: 0,
        }
    }

    fn mean_power(&self) -> f32 {
        self.power / f32::from(self.frames)
    }

    /// Older frames weigh half as much from here on, so that sums stay exact for ever.
    fn forget_half(&mut self) {
        self.frames /= 2;
        self.power /= 2.0;
        self.products = self.products.scaled(0.5);
        self.magnitudes /= 2.0;
    }

    /// Whether what was taken for the tone so far was noise, as the tone is so much louder or came so much later.
    fn is_chance(&self, power: f32) -> bool {
        let louder = self.frames >= 4 && power > MAX_CHANGE * self.mean_power();
        !self.told && (louder || self.frames < 4 && self.missed >= 2)
    }

    /// Whether this is the power of the tone; its first frames are not full.
    fn fits(&self, power: f32) -> bool {
        let mean = self.mean_power();
        power * MAX_CHANGE >= mean && (self.frames < 4 || power <= MAX_CHANGE * mean)
    }

    fn trace(&mut self, now: Complex) {
        if let Some(slot) = self.onset.get_mut(self.heard) {
            *slot = now.power().sqrt();
            self.heard += 1;
        }
    }

    fn hz(&self, spec: &Spec) -> f32 {
        hz_of_turns(self.products.turns(), spec.hz)
    }

    /// The amplitude that the bank shows of it in a full window.
    fn shown_amplitude(&self, spec: &Spec, hz: f32) -> f32 {
        self.mean_power().sqrt() * response(hz - spec.spacings as f32 * SPACING_HZ)
    }

    fn start(&self, spec: &Spec) -> u64 {
        let full = self.shown_amplitude(spec, self.hz(spec));
        let (at, share) = edge(self.onset[..self.heard].iter(), full);
        let end = (self.first + (at * HOP) as u64).saturating_sub(((EDGE - 1) * HOP) as u64);
        end.saturating_sub(filled(share) as u64)
    }
}

/// The frame that is nearest to half full where amplitudes first pass half of the full one, and its share.
fn edge<'a>(amplitudes: impl Iterator<Item = &'a f32>, full: f32) -> (usize, f32) {
    let mut before = 0.0;
    for (at, amplitude) in amplitudes.enumerate() {
        let share = amplitude / full.max(1e-9);
        if share >= 0.5 {
            let is_nearer = share - 0.5 < 0.5 - before || at == 0;
            return if is_nearer { (at, share) } else { (at - 1, before) };
        }
        before = share;
    }
    (0, before)
}

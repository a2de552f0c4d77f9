//! An exchange that plays its tones, more or less as its plan says, and what is heard of them.

use tipring_dsp::{
    level,
    progress::{Detector, Event},
    tone::{FOREVER, Program, Segment, Tone},
    tone_plan::{Name, TonePlan},
};

use crate::common::{Random, Signal};

/// How an exchange plays a tone.
#[derive(Clone, Copy)]
pub struct Exchange {
    /// Relative.
    pub hz: f32,
    pub cadence: f32,
    pub gain_db: f32,
    /// Below the tone while it sounds.
    pub snr_db: f32,
    pub ms: usize,
    /// Where in the cadence it is entered, ms.
    pub enter_ms: usize,
}

pub const EXCHANGE: Exchange =
    Exchange { hz: 1.0, cadence: 1.0, gain_db: 0.0, snr_db: 35.0, ms: 9000, enter_ms: 0 };

impl Exchange {
    /// The segments one after the other, with silence before and after.
    pub fn signal(self, program: &Program, random: &mut Random) -> Vec<i16> {
        let lead = 1600 + (random.unit() * 400.0) as usize;
        let mut signal = Signal::silence(lead + self.ms * 8);
        let segments = program.segments();
        let (mut n, mut at, mut skip) = (0, lead, self.enter_ms * 8);
        let mut loudest = -60.0f32;
        while at < signal.0.len() {
            if n == segments.len() {
                let Some(first) = program.repeat_from() else { break };
                n = first;
            }
            let Segment { tone, samples } = segments[n];
            n += 1;
            let samples = if samples == FOREVER {
                usize::MAX
            } else {
                (samples as f32 * self.cadence) as usize
            };
            if skip >= samples {
                skip -= samples;
                continue;
            }
            let samples = (samples - skip).min(signal.0.len() - at);
            skip = 0;
            loudest = loudest.max(self.add(&mut signal, random, tone, at, samples));
            at += samples;
        }
        signal.noise(random, loudest - self.snr_db);
        signal.0.extend([0.0; 800]);
        signal.through_mu_law()
    }

    /// Adds a tone; its level.
    fn add(
        self,
        signal: &mut Signal,
        random: &mut Random,
        tone: Tone,
        at: usize,
        samples: usize,
    ) -> f32 {
        let mut power = 0.0;
        for (hz, dbm0) in tone.components() {
            let (hz, dbm0) = (hz * self.hz, dbm0 + self.gain_db);
            signal.tone(random, at, samples, hz, dbm0);
            power += level::dbm0_to_peak(dbm0).powi(2) / 2.0;
            if let Some((apart, percent)) = tone.modulation() {
                // Sidebands of a phase of their own: exchanges that add two tones sound like this.
                let side = dbm0 + 20.0 * (f32::from(percent) / 200.0).log10();
                signal.tone(random, at, samples, hz - apart, side);
                signal.tone(random, at, samples, hz + apart, side);
            }
        }
        level::power_to_dbm0(power)
    }
}

/// Draws of what may be wrong with an exchange, within what must do.
pub fn draw(random: &mut Random, snr_db: f32) -> Exchange {
    let mut within = |most: f32| most * (2.0 * random.unit() - 1.0);
    Exchange {
        hz: 1.0 + within(0.015),
        cadence: 1.0 + within(0.1),
        gain_db: within(8.0) - 2.0,
        snr_db,
        ..EXCHANGE
    }
}

/// Events with the positions at which they were told.
pub fn events(plan: &TonePlan, samples: &[i16]) -> Vec<(u64, Event)> {
    let mut events = vec![];
    let mut detector = Detector::new(plan);
    for piece in samples.chunks(8) {
        let told = detector.position() + piece.len() as u64;
        detector.process(piece, |event| events.push((told, event)));
    }
    events
}

/// The tones that were told.
pub fn names(events: &[(u64, Event)]) -> Vec<Name> {
    let began = |(_, event): &(u64, Event)| match event {
        Event::Began { name, .. } => Some(*name),
        Event::Ended { .. } => None,
    };
    events.iter().filter_map(began).collect()
}

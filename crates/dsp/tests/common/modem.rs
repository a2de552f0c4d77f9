//! Fax machines and modems that call and answer, and what is heard of them.

use tipring_dsp::{
    fax::{self, Detector, Event},
    level,
};

use crate::common::{Random, Signal};

/// Events with the positions at which they were told.
pub fn events(samples: &[i16]) -> Vec<(u64, Event)> {
    let mut events = vec![];
    let mut detector = Detector::new();
    for piece in samples.chunks(8) {
        let told = detector.position() + piece.len() as u64;
        detector.process(piece, |event| events.push((told, event)));
    }
    events
}

/// Where it begins in all signals here, samples.
pub const AT: usize = 2000;

/// A tone of this frequency and level, with noise so many dB below it, and what was heard.
#[derive(Clone, Copy)]
pub struct Call {
    pub hz: f32,
    pub dbm0: f32,
    pub ms: usize,
    pub snr_db: f32,
    pub modulated: bool,
    pub reversals_ms: usize,
    /// The phase of a reversal in turns.
    pub jump: f64,
}

pub const CNG: Call = Call {
    hz: 1100.0,
    dbm0: -20.0,
    ms: 500,
    snr_db: 30.0,
    modulated: false,
    reversals_ms: 0,
    jump: 0.5,
};
pub const CED: Call = Call { hz: 2100.0, ms: 2600, ..CNG };
pub const ANS_REVERSED: Call = Call { reversals_ms: 450, ..CED };
pub const ANSAM: Call = Call { modulated: true, ..CED };
pub const ANSAM_REVERSED: Call = Call { modulated: true, ..ANS_REVERSED };

impl Call {
    pub fn signal(self, random: &mut Random) -> Vec<i16> {
        let offset = (random.unit() * 64.0) as usize;
        let mut signal = Signal::silence(AT + self.ms * 8 + 3000);
        let peak = level::dbm0_to_peak(self.dbm0);
        let phase = f64::from(random.unit());
        for n in 0..self.ms * 8 {
            let jumps = (n / 8).checked_div(self.reversals_ms).unwrap_or(0);
            let turns = f64::from(self.hz) * n as f64 / 8000.0 + phase + self.jump * jumps as f64;
            let swing = (std::f64::consts::TAU * 15.0 * n as f64 / 8000.0).sin();
            let envelope = if self.modulated { 1.0 + 0.2 * swing } else { 1.0 };
            let x = f64::from(peak) * envelope * (std::f64::consts::TAU * turns).sin();
            signal.0[AT + n] += x as f32;
        }
        signal.noise(random, self.dbm0 - self.snr_db);
        signal.through_mu_law()[offset..].to_vec()
    }

    pub fn heard(self, seed: u64) -> Vec<(u64, Event)> {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 77);
        events(&self.signal(&mut random))
    }

    /// The signals that were told, in their order, in so many trials.
    pub fn told(self, trials: u64) -> Vec<Vec<fax::Signal>> {
        let told = |(_, event): &(u64, Event)| match event {
            Event::Began { signal, .. } | Event::Became { signal, .. } => Some(*signal),
            Event::Ended { .. } => None,
        };
        (0..trials).map(|seed| self.heard(seed).iter().filter_map(told).collect()).collect()
    }
}

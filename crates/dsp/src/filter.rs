//! What lies below speech taken away: direct current, and the hum of the mains.
//!
//! | | loss at 0 | 50 | 60 | 100 | 120 Hz | from 300 Hz | delay at 300 Hz, 1 kHz |
//! |---|---|---|---|---|---|---|---|
//! | [`Filter::dc_removal`] | all | 0.1 | 0.05 | 0 | 0 dB | 0 dB | 0 |
//! | [`Filter::hum_removal`] | 45 | 61 | 50 | 50 | 39 dB | ≤ 0.1 dB | 1.5, 0.1 ms |

use std::f64::consts::TAU;

use crate::{SAMPLE_RATE, level::saturate_f32};

/// Two recursive sections of second order, one after the other.
#[derive(Clone, Debug)]
pub struct Filter {
    sections: [Section; 2],
}

impl Filter {
    /// Takes direct current away: first order, 3 dB of loss at 6.4 Hz. A step has decayed to 1 % in 120 ms.
    pub fn dc_removal() -> Filter {
        let first = Section::new([1.0, -1.0, 0.0], [-0.995, 0.0]);
        Filter { sections: [first, Section::new([1.0, 0.0, 0.0], [0.0, 0.0])] }
    }

    /// Takes hum of 50 and 60 Hz and its octave away, and direct current down by 45 dB: elliptic, fourth order, 45 dB of
    /// loss up to 115 Hz, 0.1 dB of ripple from 250 Hz.
    pub fn hum_removal() -> Filter {
        let first = Section::resonant(46.1, 184.5, 0.8329);
        Filter { sections: [first, Section::resonant(106.7, 215.2, 0.9668)] }
    }

    /// Filters in place.
    pub fn process(&mut self, samples: &mut [i16]) {
        let [first, second] = &mut self.sections;
        for sample in samples {
            *sample = saturate_f32(second.next(first.next(f32::from(*sample))));
        }
        first.rest();
        second.rest();
    }
}

#[derive(Clone, Debug)]
struct Section {
    /// Of this sample, the last and the one before it.
    forward: [f32; 3],
    /// Of the last result and the one before it.
    back: [f32; 2],
    state: [f32; 2],
}

impl Section {
    fn new(forward: [f64; 3], back: [f64; 2]) -> Section {
        let (forward, back) = (forward.map(|c| c as f32), back.map(|c| c as f32));
        Section { forward, back, state: [0.0; 2] }
    }

    /// Nothing passes at one frequency; poles at another. Far above both, the gain is one.
    fn resonant(zero_hz: f64, pole_hz: f64, radius: f64) -> Section {
        let turn = |hz: f64| 2.0 * (TAU * hz / f64::from(SAMPLE_RATE)).cos();
        let back = [-radius * turn(pole_hz), radius * radius];
        // At half the sample rate z is -1.
        let gain = (1.0 - back[0] + back[1]) / (2.0 + turn(zero_hz));
        Section::new([gain, -gain * turn(zero_hz), gain], back)
    }

    #[inline(always)]
    fn next(&mut self, input: f32) -> f32 {
        let output = self.forward[0] * input + self.state[0];
        self.state[0] = self.forward[1] * input - self.back[0] * output + self.state[1];
        self.state[1] = self.forward[2] * input - self.back[1] * output;
        output
    }

    /// Denormal numbers are slow: what has died away is nothing.
    fn rest(&mut self) {
        for state in &mut self.state {
            if state.abs() < 1e-15 {
                *state = 0.0;
            }
        }
    }
}

//! The chip's codec: what passes between the PCM highway and the wires.

use super::*;

/// How the codec is set for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioPath {
    /// The law of the PCM highway; `None` when PCM is switched off or not companded.
    pub law: Option<Law>,
    /// Highway to wires passes.
    pub receive: bool,
    /// Wires to highway passes.
    pub transmit: bool,
    /// Digital loopback: what comes from the highway goes back to it.
    pub loopback: bool,
    /// Gain from the highway to the wires; 1 is 0 dB.
    pub receive_gain: f32,
    /// Gain from the wires to the highway; 1 is 0 dB.
    pub transmit_gain: f32,
}

impl Si3210 {
    /// How the codec is set now. `closed`: the phone's hook switch is closed.
    ///
    /// In the active states speech passes while the loop carries current, in the on-hook transmission states always.
    pub fn audio_path(&self, closed: bool) -> AudioPath {
        let mode = self.get(reg::PCM_MODE);
        let law = match mode & (PCM_ENABLE | PCM_FORMAT) {
            PCM_ENABLE => Some(Law::A),
            tipring_chips::si3210::PCM_MU_LAW => Some(Law::Mu),
            _ => None,
        };
        let through = match self.linefeed {
            Linefeed::ForwardActive | Linefeed::ReverseActive => closed,
            Linefeed::ForwardOnHookTransmission | Linefeed::ReverseOnHookTransmission => true,
            Linefeed::Open | Linefeed::TipOpen | Linefeed::Ringing | Linefeed::RingOpen => false,
        };
        let gains = self.get(reg::AUDIO_GAIN);
        AudioPath {
            law,
            receive: through && gains & 0x10 == 0,
            transmit: through && gains & 0x20 == 0,
            loopback: self.get(reg::LOOPBACK) & LOOPBACK_RESET != 0,
            receive_gain: analogue(gains) * self.digital(indirect::RECEIVE_GAIN),
            transmit_gain: analogue(gains >> 2) * self.digital(indirect::TRANSMIT_GAIN),
        }
    }

    fn digital(&self, address: u8) -> f32 {
        f32::from(self.indirect[usize::from(address)]) / 16384.0
    }
}

/// ARX and ATX: 0, −3.5, +3.5 dB, mute.
fn analogue(bits: u8) -> f32 {
    match bits & 3 {
        0 => 1.0,
        1 => 0.668_344,
        2 => 1.496_236,
        _ => 0.0,
    }
}

/// Applies a gain in place; 1 leaves every bit as it is.
pub(crate) fn amplify(samples: &mut [i16], gain: f32) {
    if gain != 1.0 {
        for sample in samples {
            *sample = (f32::from(*sample) * gain) as i16;
        }
    }
}

//! One FXS line: chip, wires, phone.

use crate::STEP_SAMPLES;
use crate::phone::PhoneSet;
use crate::si3210::{Si3210, amplify};
use crate::twowire::TwoWire;

/// One FXS line: chip, wires, phone.
#[derive(Clone, Debug, Default)]
pub struct FxsLine {
    /// The line chip.
    pub chip: Si3210,
    /// The wires.
    pub wire: TwoWire,
    /// What hangs on them.
    pub phone: PhoneSet,
}

impl FxsLine {
    /// 1.25 ms pass: `down` comes from the PCM highway, `up` goes to it.
    pub fn step(&mut self, down: &[u8; STEP_SAMPLES], up: &mut [u8; STEP_SAMPLES]) {
        let closed = self.phone.step();
        let (sense, socket) = self.wire.solve(&self.chip.feed(), closed);
        self.chip.step(&sense);
        let connected = closed && !self.wire.cut;
        let path = self.chip.audio_path(connected);
        let mut received = [0; STEP_SAMPLES];
        let mut sent = [0; STEP_SAMPLES];
        if connected {
            self.phone.speak(&mut sent);
        }
        let Some(law) = path.law else {
            // Nothing drives the highway: it floats to ones.
            *up = [0xFF; STEP_SAMPLES];
            self.phone.hear(&socket, None);
            return;
        };
        if path.receive {
            received = down.map(|octet| law.decode(octet));
            amplify(&mut received, path.receive_gain);
        }
        self.phone.hear(&socket, (path.receive && !self.wire.cut).then_some(&received));
        *up = if path.loopback {
            *down
        } else if path.transmit {
            self.wire.add_echo(&received, &mut sent);
            amplify(&mut sent, path.transmit_gain);
            sent.map(|sample| law.encode(sample))
        } else {
            [law.silence(); STEP_SAMPLES]
        };
    }
}

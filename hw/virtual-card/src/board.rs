//! The board of the virtual card: chips on an SPI bus, phones on the chips.

use tipring_bridge_proto as proto;
use tipring_chips::si3210::SPI_READ;
use tipring_firmware::Board;
use tipring_hw_models::{FxsLine, Law, Si3210};

/// Chips, wires and phones.
#[derive(Clone, Debug)]
pub(crate) struct SimBoard {
    pub(crate) lines: Vec<FxsLine>,
    pub(crate) law: Law,
    pub(crate) serial: [u8; 16],
}

impl Board for SimBoard {
    fn fxs_chips(&self) -> u8 {
        self.lines.len() as u8
    }

    fn law(&self) -> proto::Law {
        match self.law {
            Law::Mu => proto::Law::Mu,
            Law::A => proto::Law::A,
        }
    }

    fn serial(&self) -> [u8; 16] {
        self.serial
    }

    fn reset_chips(&mut self) {
        for line in &mut self.lines {
            line.chip = Si3210::new();
        }
    }

    fn read(&mut self, chip: u8, register: u8) -> u8 {
        let Some(line) = self.lines.get_mut(usize::from(chip)) else {
            return 0xFF;
        };
        line.chip.select();
        line.chip.transfer(SPI_READ | register);
        line.chip.transfer(0)
    }

    fn write(&mut self, chip: u8, register: u8, value: u8) {
        if let Some(line) = self.lines.get_mut(usize::from(chip)) {
            line.chip.select();
            line.chip.transfer(register);
            line.chip.transfer(value);
        }
    }
}

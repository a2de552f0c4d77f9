//! Bringing a Si3210 up, in the order of its data sheet.
//!
//! | state     | does                                            | then                | or                     |
//! |-----------|-------------------------------------------------|---------------------|------------------------|
//! | Identify  | R0 and the reset values                         | Indirect            | no chip, settings lost |
//! | Indirect  | one indirect register a poll, R31 not busy      | Verify              | 500 ms: settings lost  |
//! | Verify    | reads one back a poll                           | PowerUp             | another value, or 500 ms since Identify: settings lost |
//! | PowerUp   | converter on, R82 ≥ C0                          | Calibrate           | 500 ms: no battery     |
//! | Calibrate | R96 becomes 0                                   | Converter           | 2 s: calibration failed |
//! | Converter | R93 calibrates, R107 in 2 to D                  | done: linefeed forward | 500 ms: calibration failed |
//!
//! Left out of the data sheet's procedure: the leak test, the manual calibration of boards with a Si3201, and the thermal
//! filters' detour (indirect 37–39).

use tipring_bridge_proto::Law;
use tipring_chips::si3210::{
    BATTERY_UP, CALIBRATE, DCDC_CALIBRATE, DCDC_OFF, INDIRECT_BUSY, LOOPBACK_RESET, Linefeed,
    PCM_A_LAW, PCM_MU_LAW, detect, indirect, reg,
};

use super::Chip;
use crate::Board;

/// Why a chip is not in service: the codes of [`tipring_bridge_proto::LineEvent::Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ChipFault {
    NoChip = 1,
    SettingsLost = 2,
    NoBattery = 3,
    CalibrationFailed = 4,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Startup {
    Identify,
    Indirect { next: usize, deadline: u64 },
    Verify { next: usize, asked: bool, deadline: u64 },
    PowerUp { deadline: u64 },
    Converter { deadline: u64 },
    Calibrate { deadline: u64 },
}

impl Startup {
    /// One poll's worth; true when the chip is in service.
    pub(super) fn poll<B: Board>(
        &mut self,
        now: u64,
        law: Law,
        chip: &mut Chip<'_, B>,
    ) -> Result<bool, ChipFault> {
        *self = match *self {
            Self::Identify => {
                identify(chip)?;
                Self::Indirect { next: 0, deadline: now + INDIRECT_US }
            }
            // A chip that stays busy, or was pulled out: R31 reads FF then.
            Self::Indirect { deadline, .. } | Self::Verify { deadline, .. } if now >= deadline => {
                return Err(ChipFault::SettingsLost);
            }
            Self::Indirect { next, deadline } => match INDIRECT.get(next) {
                Some((address, value)) => {
                    let next = next + usize::from(chip.write_indirect(*address, *value));
                    Self::Indirect { next, deadline }
                }
                None => Self::Verify { next: 0, asked: false, deadline },
            },
            Self::Verify { next, asked, deadline } => match INDIRECT.get(next) {
                Some((address, value)) => {
                    let (next, asked) = verify(chip, next, asked, *address, *value)?;
                    Self::Verify { next, asked, deadline }
                }
                None if chip.read(reg::INDIRECT_STATUS) & INDIRECT_BUSY != 0 => return Ok(false),
                None => {
                    power_up(chip);
                    Self::PowerUp { deadline: now + POWER_US }
                }
            },
            Self::PowerUp { deadline } => {
                if chip.read(reg::BATTERY_SENSE_1) >= BATTERY_UP {
                    chip.write(reg::CURRENT_LIMIT, LIMIT_23_MA);
                    chip.write(reg::DCDC_CONTROL, MINIMUM_OFF_TIME);
                    chip.write(reg::CALIBRATION_2, 0x1F);
                    chip.write(reg::CALIBRATION_1, CALIBRATE | 0x1F);
                    Self::Calibrate { deadline: now + CALIBRATION_US }
                } else if now >= deadline {
                    chip.write(reg::POWER_DOWN_1, DCDC_OFF);
                    return Err(ChipFault::NoBattery);
                } else {
                    return Ok(false);
                }
            }
            Self::Calibrate { deadline } => {
                if chip.read(reg::CALIBRATION_1) == 0 {
                    chip.write(reg::DCDC_CONTROL, DCDC_CALIBRATE | MINIMUM_OFF_TIME);
                    Self::Converter { deadline: now + POWER_US }
                } else if now >= deadline {
                    return Err(ChipFault::CalibrationFailed);
                } else {
                    return Ok(false);
                }
            }
            Self::Converter { deadline } => {
                let busy = chip.read(reg::DCDC_CONTROL) & DCDC_CALIBRATE != 0;
                if !busy && (0x02..=0x0D).contains(&chip.read(reg::DC_PEAK)) {
                    enter_service(chip, law);
                    return Ok(true);
                }
                if now >= deadline {
                    return Err(ChipFault::CalibrationFailed);
                }
                return Ok(false);
            }
        };
        Ok(false)
    }
}

fn identify<B: Board>(chip: &mut Chip<'_, B>) -> Result<(), ChipFault> {
    let revision = chip.read(reg::ID) & 0x0F;
    if revision == 0 || revision == 0x0F || chip.read(reg::DETECT) & detect::ALWAYS_ZERO != 0 {
        return Err(ChipFault::NoChip);
    }
    let as_reset = chip.read(reg::LOOPBACK) == LOOPBACK_RESET
        && chip.read(reg::LINEFEED) == 0
        && chip.read(reg::HYBRID) == 0x33;
    // A chip that was in service before is brought to the same point by hand.
    if !as_reset {
        chip.write(reg::LINEFEED, Linefeed::Open.code());
        chip.write(reg::HYBRID, 0x33);
        if chip.read(reg::HYBRID) != 0x33 {
            return Err(ChipFault::SettingsLost);
        }
    }
    chip.write(reg::POWER_DOWN_1, DCDC_OFF);
    Ok(())
}

/// Asks for the register `next`, or compares what came; what to verify then, and whether it was asked for.
fn verify<B: Board>(
    chip: &mut Chip<'_, B>,
    next: usize,
    asked: bool,
    address: u8,
    value: u16,
) -> Result<(usize, bool), ChipFault> {
    if chip.read(reg::INDIRECT_STATUS) & INDIRECT_BUSY != 0 {
        return Ok((next, asked));
    }
    if !asked {
        chip.write(reg::INDIRECT_ADDRESS, address);
        return Ok((next, true));
    }
    let read = [chip.read(reg::INDIRECT_DATA_LO), chip.read(reg::INDIRECT_DATA_HI)];
    if u16::from_le_bytes(read) != value {
        return Err(ChipFault::SettingsLost);
    }
    Ok((next + 1, false))
}

fn power_up<B: Board>(chip: &mut Chip<'_, B>) {
    chip.write(reg::LOOPBACK, 0);
    chip.write(reg::ENHANCEMENT, 0xEB);
    chip.write(reg::AUTOMATIC, 0x07);
    chip.write(reg::BATTERY_FEED, 0x01);
    chip.write(reg::BATTERY_HIGH, BATTERY_78_V);
    chip.write(reg::DCDC_PERIOD, 0xFF);
    chip.write(reg::POWER_DOWN_1, 0);
}

fn enter_service<B: Board>(chip: &mut Chip<'_, B>, law: Law) {
    let mode = match law {
        Law::Mu => PCM_MU_LAW,
        Law::A => PCM_A_LAW,
    };
    let [low, high] = (u16::from(chip.number()) * 8).to_le_bytes();
    for (register, value) in [
        (reg::PCM_TX_START_LO, low),
        (reg::PCM_TX_START_HI, high),
        (reg::PCM_RX_START_LO, low),
        (reg::PCM_RX_START_HI, high),
        (reg::PCM_MODE, mode),
        (reg::INTERRUPT_STATUS_1, 0xFF),
        (reg::INTERRUPT_STATUS_2, 0xFF),
        (reg::INTERRUPT_STATUS_3, 0xFF),
        (reg::COMMON_MODE_VOLTAGE, 0x04),
        (reg::RING_SILENCE_DEBOUNCE, LOOP_DEBOUNCE),
        (reg::LOOP_CLOSURE_DEBOUNCE, LOOP_DEBOUNCE),
        (reg::RING_OSCILLATOR, 0),
        (reg::LINEFEED, Linefeed::ForwardActive.code()),
    ] {
        chip.write(register, value);
    }
}

/// What the indirect registers must hold before the line is powered.
const INDIRECT: [(u8, u16); 10] = [
    (indirect::RING_OFFSET, 0),
    (indirect::RING_COEFFICIENT, 0x7EFD),
    (indirect::RING_X, 0x0177),
    (indirect::RING_Y, 0),
    (indirect::RECEIVE_GAIN, 0x4000),
    (indirect::TRANSMIT_GAIN, 0x4000),
    // 10 mA.
    (indirect::LOOP_CLOSURE_THRESHOLD, 0x1000),
    // 34 mA.
    (indirect::RING_TRIP_THRESHOLD, 0x3600),
    (indirect::LOOP_CLOSURE_FILTER, 0x8000),
    (indirect::RING_TRIP_FILTER, 0x0320),
];

/// R74: 70 V peak of ringing and 7.5 V to spare.
const BATTERY_78_V: u8 = 0x34;
/// R71.
const LIMIT_23_MA: u8 = 1;
/// R93, bits 4:0.
const MINIMUM_OFF_TIME: u8 = 0x19;
/// R69 and R63: 5 ms, so that a break of 14 ms (24 pulses a second at 67 % make) shows.
const LOOP_DEBOUNCE: u8 = 4;
/// All indirect registers together take 30 ms.
const INDIRECT_US: u64 = 500_000;
const POWER_US: u64 = 500_000;
const CALIBRATION_US: u64 = 2_000_000;

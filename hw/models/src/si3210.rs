//! The Si3210 as its data sheet describes it: SPI, registers, supervision. Written from the data sheet, not from the
//! driver. Never checked against silicon.
//!
//! Time passes in steps of 1.25 ms, the chip's own debounce clock. Between steps registers read and write at once;
//! what takes time in the chip (converter start, calibration, an indirect access, a linefeed change) is done at a step.
//!
//! ```text
//!  SPI ─ direct registers ─ linefeed ─ Feed ──► two wires
//!                │                              │
//!      R68, R18–20, R78–89 ◄── detectors ◄── Sense
//! ```

use tipring_chips::si3210::{
    BATTERY_UP, CALIBRATE, DCDC_CALIBRATE, DCDC_OFF, INDIRECT_BUSY, INDIRECT_DONE, LOOPBACK_RESET,
    Linefeed, PCM_ENABLE, PCM_FORMAT, SPI_READ, auto, detect, indirect, reg, ring, status1,
    status2,
};

use crate::law::Law;
use crate::twowire::{Feed, Sense};

mod audio;

pub use audio::AudioPath;
pub(crate) use audio::amplify;

/// One chip.
#[derive(Clone, Debug)]
pub struct Si3210 {
    registers: [u8; 128],
    indirect: [u16; indirect::COUNT as usize],
    /// Register that the next SPI byte belongs to, with its read bit.
    access: Option<u8>,
    pending: Option<IndirectAccess>,
    /// R28/R29 were written since the last access, so writing R30 stores instead of fetching.
    data_written: bool,
    /// Battery made by the DC-DC converter, V.
    battery: f32,
    calibration_steps: u16,
    dcdc_steps: u16,
    linefeed: Linefeed,
    /// Steps left of the current half of the chip's own ring cadence.
    ring_steps: u32,
    loop_filter: f32,
    trip_filter: f32,
    /// Steps for which the raw loop closure has differed from the debounced one.
    closure_steps: u8,
    trip_steps: u8,
    /// Ringing voltage for the programmed oscillator, V RMS.
    ring_volts: f32,
}

#[derive(Clone, Copy, Debug)]
struct IndirectAccess {
    address: u8,
    write: Option<u16>,
}

impl Default for Si3210 {
    fn default() -> Self {
        Self::new()
    }
}

impl Si3210 {
    /// A chip out of reset.
    pub fn new() -> Self {
        let mut registers = [0; 128];
        for (register, value) in RESET_VALUES {
            registers[usize::from(register)] = value;
        }
        Self {
            registers,
            indirect: [0; indirect::COUNT as usize],
            access: None,
            pending: None,
            data_written: false,
            battery: 0.0,
            calibration_steps: 0,
            dcdc_steps: 0,
            linefeed: Linefeed::Open,
            ring_steps: 0,
            loop_filter: 0.0,
            trip_filter: 0.0,
            closure_steps: 0,
            trip_steps: 0,
            ring_volts: 0.0,
        }
    }

    /// Chip select falls: the next byte is an access byte, whatever was under way.
    pub fn select(&mut self) {
        self.access = None;
    }

    /// One byte each way over SPI.
    pub fn transfer(&mut self, byte: u8) -> u8 {
        match self.access.take() {
            None => {
                self.access = Some(byte);
                0xFF
            }
            Some(access) if access & SPI_READ != 0 => self.read(access & !SPI_READ),
            Some(access) => {
                self.write(access, byte);
                0xFF
            }
        }
    }

    /// A register, read.
    pub fn read(&self, register: u8) -> u8 {
        match register {
            reg::LINEFEED => {
                self.registers[usize::from(reg::LINEFEED)] & 0x07 | self.linefeed.code() << 4
            }
            reg::BATTERY_SENSE_1 | reg::BATTERY_SENSE_2 => {
                (self.battery / 0.376).clamp(0.0, 255.0) as u8
            }
            _ => self.registers[usize::from(register & 0x7F)],
        }
    }

    /// A register, written.
    pub fn write(&mut self, register: u8, value: u8) {
        let register = register & 0x7F;
        let slot = &mut self.registers[usize::from(register)];
        match register {
            reg::ID
            | reg::INDIRECT_STATUS
            | reg::DETECT
            | reg::DTMF
            | reg::LOOP_VOLTAGE..=reg::BATTERY_SENSE_2 => {}
            reg::INTERRUPT_STATUS_1..=reg::INTERRUPT_STATUS_3 => *slot &= !value,
            reg::INDIRECT_DATA_LO | reg::INDIRECT_DATA_HI => {
                *slot = value;
                self.data_written = true;
            }
            reg::INDIRECT_ADDRESS => self.start_indirect(value),
            reg::CALIBRATION_1 => {
                *slot = value;
                if value & CALIBRATE != 0 {
                    self.calibration_steps = CALIBRATION_STEPS;
                }
            }
            reg::DCDC_CONTROL => {
                *slot = value;
                if value & DCDC_CALIBRATE != 0 {
                    self.dcdc_steps = DCDC_CALIBRATION_STEPS;
                }
            }
            reg::RING_OSCILLATOR => *slot = *slot & 0xA4 | value & 0x1B,
            reg::LINEFEED => {
                *slot = value & 0x07;
                self.registers[usize::from(reg::DETECT)] &= !detect::RING_TRIP;
                self.trip_steps = 0;
            }
            _ => *slot = value,
        }
    }

    /// An indirect register as it is now, for tests and for looking inside.
    pub fn indirect(&self, address: u8) -> Option<u16> {
        self.indirect.get(usize::from(address)).copied()
    }

    /// Whether an enabled interrupt is pending.
    pub fn interrupt(&self) -> bool {
        (0..3).any(|i| {
            self.registers[usize::from(reg::INTERRUPT_STATUS_1 + i)]
                & self.registers[usize::from(reg::INTERRUPT_ENABLE_1 + i)]
                != 0
        })
    }

    /// What the line is actually fed with: LFS.
    pub fn linefeed(&self) -> Linefeed {
        self.linefeed
    }

    /// What the chip puts on its wires.
    pub fn feed(&self) -> Feed {
        let limit_ma = 20.0 + 3.0 * f32::from(self.get(reg::CURRENT_LIMIT) & 7);
        let open_circuit = f32::from(self.get(reg::ON_HOOK_VOLTAGE) & 0x3F) * 1.5;
        let volts = open_circuit.min((self.battery - 4.0).max(0.0));
        match self.linefeed {
            Linefeed::Open | Linefeed::TipOpen | Linefeed::RingOpen => {
                Feed { limit_ma, ..Feed::default() }
            }
            Linefeed::ForwardActive | Linefeed::ForwardOnHookTransmission => {
                Feed { volts, limit_ma, ringing_volts: 0.0 }
            }
            Linefeed::ReverseActive | Linefeed::ReverseOnHookTransmission => {
                Feed { volts: -volts, limit_ma, ringing_volts: 0.0 }
            }
            Linefeed::Ringing => Feed { volts, limit_ma, ringing_volts: self.ring_volts },
        }
    }

    /// 1.25 ms pass with this on the wires.
    pub fn step(&mut self, sense: &Sense) {
        self.step_supply();
        self.step_indirect();
        self.step_linefeed();
        self.measure(sense);
        if self.linefeed == Linefeed::Ringing {
            self.detect_ring_trip(sense.ringing_ma);
        } else {
            self.detect_loop_closure(sense.loop_ma.abs());
        }
    }

    /// Overloads transistor Q1: the alarm that a short to ground raises.
    pub fn overload(&mut self) {
        self.registers[usize::from(reg::INTERRUPT_STATUS_2)] |= 0x04;
        if self.get(reg::AUTOMATIC) & auto::POWER_ALARM != 0 {
            self.registers[usize::from(reg::LINEFEED)] = 0;
            self.linefeed = Linefeed::Open;
        }
    }

    fn get(&self, register: u8) -> u8 {
        self.registers[usize::from(register)]
    }

    fn start_indirect(&mut self, address: u8) {
        self.registers[usize::from(reg::INDIRECT_ADDRESS)] = address;
        self.registers[usize::from(reg::INDIRECT_STATUS)] = INDIRECT_BUSY;
        let data =
            u16::from_le_bytes([self.get(reg::INDIRECT_DATA_LO), self.get(reg::INDIRECT_DATA_HI)]);
        self.pending = Some(IndirectAccess { address, write: self.data_written.then_some(data) });
        self.data_written = false;
    }

    fn step_indirect(&mut self) {
        let Some(access) = self.pending.take() else {
            return;
        };
        self.registers[usize::from(reg::INDIRECT_STATUS)] = 0;
        self.registers[usize::from(reg::INTERRUPT_STATUS_3)] |= INDIRECT_DONE;
        let Some(slot) = self.indirect.get_mut(usize::from(access.address)) else {
            return;
        };
        if let Some(value) = access.write {
            *slot = value;
        } else {
            let [low, high] = slot.to_le_bytes();
            self.registers[usize::from(reg::INDIRECT_DATA_LO)] = low;
            self.registers[usize::from(reg::INDIRECT_DATA_HI)] = high;
        }
    }

    fn step_supply(&mut self) {
        let on = self.get(reg::POWER_DOWN_1) & DCDC_OFF == 0 && self.get(reg::DCDC_PERIOD) != 0;
        let target = if on { f32::from(self.get(reg::BATTERY_HIGH) & 0x3F) * 1.5 } else { 0.0 };
        let step = BATTERY_VOLTS_PER_STEP;
        self.battery += (target - self.battery).clamp(-step, step);
        if count_down(&mut self.dcdc_steps) {
            self.registers[usize::from(reg::DCDC_CONTROL)] &= !DCDC_CALIBRATE;
            self.registers[usize::from(reg::DC_PEAK)] = 0x08;
        }
        if count_down(&mut self.calibration_steps) {
            self.registers[usize::from(reg::CALIBRATION_1)] = 0;
        }
    }

    fn step_linefeed(&mut self) {
        let wanted = Linefeed::from_code(self.get(reg::LINEFEED));
        let powered = self.battery >= f32::from(BATTERY_UP) * 0.376 * 0.8;
        let control = self.get(reg::RING_OSCILLATOR);
        if !powered || wanted != Linefeed::Ringing {
            self.linefeed = if powered { wanted } else { Linefeed::Open };
            self.registers[usize::from(reg::RING_OSCILLATOR)] =
                control & !(ring::ACTIVE | ring::ON_LINE | ring::ENABLED);
            return;
        }
        let on = if control & ring::ENABLED == 0 {
            self.begin_ringing();
            true
        } else {
            self.ring_cadence(control)
        };
        self.linefeed = if on { Linefeed::Ringing } else { Linefeed::ForwardOnHookTransmission };
        let state = ring::ENABLED | if on { ring::ACTIVE | ring::ON_LINE } else { 0 };
        let control = self.get(reg::RING_OSCILLATOR);
        self.registers[usize::from(reg::RING_OSCILLATOR)] = control & 0x1B | state;
    }

    fn begin_ringing(&mut self) {
        // RNGX = ¼·√((1−c)/(1+c))·2¹⁵·Vpk/96, c = RCO/2¹⁵
        let c = f32::from(self.indirect[usize::from(indirect::RING_COEFFICIENT)] as i16) / 32768.0;
        let x = f32::from(self.indirect[usize::from(indirect::RING_X)] as i16) / 32768.0;
        let shape = ((1.0 - c) / (1.0 + c)).max(0.0).sqrt() * 0.25;
        let peak = if shape > 0.0 { x * 96.0 / shape } else { 0.0 };
        // The ringing must fit below the battery with 7.5 V to spare.
        self.ring_volts =
            peak.clamp(0.0, (self.battery - 7.5).max(0.0)) * core::f32::consts::FRAC_1_SQRT_2;
        self.ring_steps = self.timer(reg::RING_ACTIVE_LO);
        self.trip_filter = 0.0;
        self.trip_steps = 0;
    }

    /// The chip's own cadence, when both timers are enabled; otherwise it rings without pause.
    fn ring_cadence(&mut self, control: u8) -> bool {
        let on = control & ring::ON_LINE != 0;
        let both = ring::ACTIVE_TIMER | ring::INACTIVE_TIMER;
        if control & both != both {
            return true;
        }
        self.ring_steps = self.ring_steps.saturating_sub(1);
        if self.ring_steps > 0 {
            return on;
        }
        self.registers[usize::from(reg::INTERRUPT_STATUS_1)] |=
            if on { status1::RING_ACTIVE } else { status1::RING_INACTIVE };
        self.ring_steps = self.timer(if on { reg::RING_INACTIVE_LO } else { reg::RING_ACTIVE_LO });
        self.trip_filter = 0.0;
        !on
    }

    /// A 125 µs timer register pair, in steps.
    fn timer(&self, low: u8) -> u32 {
        (u32::from(self.get(low)) | u32::from(self.get(low + 1)) << 8).div_ceil(10)
    }

    fn measure(&mut self, sense: &Sense) {
        let signed = |value: f32, unit: f32| {
            let code = (value.abs() / unit).min(63.0) as u8;
            if value < 0.0 { code | 0x40 } else { code }
        };
        self.registers[usize::from(reg::LOOP_VOLTAGE)] = signed(sense.volts, 1.5);
        self.registers[usize::from(reg::LOOP_CURRENT)] = signed(sense.loop_ma, 1.25);
        let volts = (sense.volts.abs() / 0.376).min(255.0) as u8;
        let (tip, ring) = if sense.volts < 0.0 { (volts, 0) } else { (0, volts) };
        self.registers[usize::from(reg::TIP_VOLTAGE)] = tip;
        self.registers[usize::from(reg::RING_VOLTAGE)] = ring;
    }

    fn detect_loop_closure(&mut self, loop_ma: f32) {
        let filter = self.filter(indirect::LOOP_CLOSURE_FILTER);
        self.loop_filter += (loop_ma - self.loop_filter) * filter;
        let status = self.get(reg::DETECT);
        let closed = status & detect::LOOP_CLOSED != 0;
        // A fifth of hysteresis keeps a loop at the threshold from chattering.
        let threshold = self.threshold_ma(indirect::LOOP_CLOSURE_THRESHOLD);
        let raw = self.loop_filter > if closed { threshold * 0.8 } else { threshold };
        let mut status = status & !detect::LOOP_CLOSED_RAW;
        if raw {
            status |= detect::LOOP_CLOSED_RAW;
        }
        if raw == closed {
            self.closure_steps = 0;
        } else {
            self.closure_steps = self.closure_steps.saturating_add(1);
            let ringing = self.get(reg::LINEFEED) == Linefeed::Ringing.code();
            let debounce =
                if ringing { reg::RING_SILENCE_DEBOUNCE } else { reg::LOOP_CLOSURE_DEBOUNCE };
            if self.closure_steps >= self.get(debounce).max(1) {
                status ^= detect::LOOP_CLOSED;
                self.closure_steps = 0;
                self.registers[usize::from(reg::INTERRUPT_STATUS_2)] |= status2::LOOP_CLOSURE;
                self.loop_closure_changed(!closed);
            }
        }
        self.registers[usize::from(reg::DETECT)] = status;
    }

    fn loop_closure_changed(&mut self, closed: bool) {
        let linefeed = self.get(reg::LINEFEED);
        let on_hook_transmission = linefeed & 3 == Linefeed::ForwardOnHookTransmission.code();
        if closed && on_hook_transmission && self.get(reg::AUTOMATIC) & auto::LOOP_CLOSURE != 0 {
            self.registers[usize::from(reg::LINEFEED)] = linefeed & 4 | 1;
        }
    }

    fn detect_ring_trip(&mut self, ringing_ma: f32) {
        let filter = self.filter(indirect::RING_TRIP_FILTER);
        self.trip_filter += (ringing_ma - self.trip_filter) * filter;
        if self.trip_filter <= self.threshold_ma(indirect::RING_TRIP_THRESHOLD) {
            self.trip_steps = 0;
            return;
        }
        self.trip_steps = self.trip_steps.saturating_add(1);
        if self.trip_steps < self.get(reg::RING_TRIP_DEBOUNCE).max(1) {
            return;
        }
        let already = self.get(reg::DETECT) & detect::RING_TRIP != 0;
        if !already {
            self.registers[usize::from(reg::DETECT)] |= detect::RING_TRIP;
            self.registers[usize::from(reg::INTERRUPT_STATUS_2)] |= status2::RING_TRIP;
            if self.get(reg::AUTOMATIC) & auto::RING_TRIP != 0 {
                self.registers[usize::from(reg::LINEFEED)] = Linefeed::ForwardActive.code();
            }
        }
    }

    /// A threshold register in mA: bits 15:9 in 1.27 mA.
    fn threshold_ma(&self, address: u8) -> f32 {
        f32::from(self.indirect[usize::from(address)] >> 9) * 1.27
    }

    /// A filter register as the share of the difference taken in one step. The chip filters at 800 Hz, as the steps.
    fn filter(&self, address: u8) -> f32 {
        (f32::from(self.indirect[usize::from(address)]) / 32768.0).min(1.0)
    }
}

/// Counts down to zero; true in the step that arrives there.
fn count_down(steps: &mut u16) -> bool {
    let was = *steps;
    *steps = was.saturating_sub(1);
    was == 1
}

/// Registers that are not zero after a reset.
const RESET_VALUES: [(u8, u8); 19] = [
    (reg::ID, 0x05),
    (reg::PCM_MODE, 0x08),
    (reg::LOOPBACK, LOOPBACK_RESET),
    (reg::TWO_WIRE_IMPEDANCE, 0x08),
    (reg::HYBRID, 0x33),
    (reg::POWER_DOWN_1, DCDC_OFF),
    (reg::RING_SILENCE_DEBOUNCE, 0x54),
    (reg::BATTERY_FEED, 0x03),
    (reg::AUTOMATIC, 0x1F),
    (reg::LOOP_CLOSURE_DEBOUNCE, 0x0A),
    (reg::RING_TRIP_DEBOUNCE, 0x0A),
    (reg::ON_HOOK_VOLTAGE, 0x20),
    (reg::COMMON_MODE_VOLTAGE, 0x02),
    (reg::BATTERY_HIGH, 0x32),
    (reg::BATTERY_LOW, 0x10),
    (reg::DCDC_PERIOD, 0xFF),
    (reg::DCDC_CONTROL, 0x14),
    (reg::CALIBRATION_1, 0x1F),
    (reg::CALIBRATION_2, 0x1F),
];

/// The converter reaches 75 V in 32 ms.
const BATTERY_VOLTS_PER_STEP: f32 = 3.0;
/// Converter calibration, 10 ms.
const DCDC_CALIBRATION_STEPS: u16 = 8;
/// Line calibration, 120 ms (the data sheet allows 600).
const CALIBRATION_STEPS: u16 = 96;

#[cfg(test)]
mod tests;

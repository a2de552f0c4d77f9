//! Si3210/Si3215 ProSLIC: one FXS line.
//!
//! SPI is two bytes, most significant bit first: an access byte (bit 7 set reads, bits 6:0 the register), then data.
//! Behind 128 direct registers lies a bank of 16-bit indirect registers, reached through R28–R31.

/// Bit 7 of the access byte: the next byte is read from the chip.
pub const SPI_READ: u8 = 0x80;

/// Direct registers, by number.
pub mod reg {
    /// SPI mode and identity: bit 7 daisy chain, 5:4 part, 3:0 revision.
    pub const ID: u8 = 0;
    /// PCM mode: bit 7 Si3215 family, 5 enable, 4:3 format, 2 sixteen-bit, 0 tri-state.
    pub const PCM_MODE: u8 = 1;
    /// Transmit start, in PCM clocks after frame sync, low byte.
    pub const PCM_TX_START_LO: u8 = 2;
    /// Transmit start, high bits.
    pub const PCM_TX_START_HI: u8 = 3;
    /// Receive start, low byte.
    pub const PCM_RX_START_LO: u8 = 4;
    /// Receive start, high bits.
    pub const PCM_RX_START_HI: u8 = 5;
    /// Loopbacks; reads [`super::LOOPBACK_RESET`] after a reset.
    pub const LOOPBACK: u8 = 8;
    /// Audio path: bits 5:4 mutes, 3:2 transmit gain, 1:0 receive gain.
    pub const AUDIO_GAIN: u8 = 9;
    /// Two-wire impedance: bit 3 enable, 2:0 the synthesised impedance.
    pub const TWO_WIRE_IMPEDANCE: u8 = 10;
    /// Hybrid balance: 6:4 transmit, 2:0 receive.
    pub const HYBRID: u8 = 11;
    /// Power-down 1: bit 4 switches the DC-DC converter off.
    pub const POWER_DOWN_1: u8 = 14;
    /// Power-down 2: ADC and DAC power.
    pub const POWER_DOWN_2: u8 = 15;
    /// Interrupt status 1: oscillators and ring generator; a written one clears.
    pub const INTERRUPT_STATUS_1: u8 = 18;
    /// Interrupt status 2: power alarms, loop closure, ring trip; a written one clears.
    pub const INTERRUPT_STATUS_2: u8 = 19;
    /// Interrupt status 3: bit 1 indirect access done; a written one clears.
    pub const INTERRUPT_STATUS_3: u8 = 20;
    /// Interrupt enable 1.
    pub const INTERRUPT_ENABLE_1: u8 = 21;
    /// Interrupt enable 2.
    pub const INTERRUPT_ENABLE_2: u8 = 22;
    /// Interrupt enable 3.
    pub const INTERRUPT_ENABLE_3: u8 = 23;
    /// DTMF decoder of the Si3210: bit 4 valid, 3:0 digit.
    pub const DTMF: u8 = 24;
    /// Indirect data, low byte.
    pub const INDIRECT_DATA_LO: u8 = 28;
    /// Indirect data, high byte.
    pub const INDIRECT_DATA_HI: u8 = 29;
    /// Indirect address; writing it starts the access.
    pub const INDIRECT_ADDRESS: u8 = 30;
    /// Indirect status: bit 0 busy.
    pub const INDIRECT_STATUS: u8 = 31;
    /// Oscillator 1 control.
    pub const OSCILLATOR_1: u8 = 32;
    /// Oscillator 2 control.
    pub const OSCILLATOR_2: u8 = 33;
    /// Ring oscillator control: see [`super::ring`].
    pub const RING_OSCILLATOR: u8 = 34;
    /// Ring active timer (RAT), low byte, 125 µs a step.
    pub const RING_ACTIVE_LO: u8 = 48;
    /// Ring active timer, high byte.
    pub const RING_ACTIVE_HI: u8 = 49;
    /// Ring inactive timer (RIT), low byte, 125 µs a step.
    pub const RING_INACTIVE_LO: u8 = 50;
    /// Ring inactive timer, high byte.
    pub const RING_INACTIVE_HI: u8 = 51;
    /// Bit 0: the data bit that FSK generation sends.
    pub const FSK_DATA: u8 = 52;
    /// Loop closure debounce while ringing is silent, 1.25 ms a step.
    pub const RING_SILENCE_DEBOUNCE: u8 = 63;
    /// Linefeed: 2:0 wanted (LF), 6:4 actual (LFS). See [`super::Linefeed`].
    pub const LINEFEED: u8 = 64;
    /// Battery feed control.
    pub const BATTERY_FEED: u8 = 66;
    /// Automatic and manual control: see [`super::auto`].
    pub const AUTOMATIC: u8 = 67;
    /// Loop closure and ring trip status: see [`super::detect`].
    pub const DETECT: u8 = 68;
    /// Loop closure debounce (LCDI), 1.25 ms a step.
    pub const LOOP_CLOSURE_DEBOUNCE: u8 = 69;
    /// Ring trip debounce (RTDI), 1.25 ms a step.
    pub const RING_TRIP_DEBOUNCE: u8 = 70;
    /// Loop current limit: 20 + 3·n mA, n 0–7.
    pub const CURRENT_LIMIT: u8 = 71;
    /// On-hook voltage: 5:0 in 1.5 V, bit 6 sign.
    pub const ON_HOOK_VOLTAGE: u8 = 72;
    /// Common mode voltage, 1.5 V a step.
    pub const COMMON_MODE_VOLTAGE: u8 = 73;
    /// High battery, 1.5 V a step.
    pub const BATTERY_HIGH: u8 = 74;
    /// Low battery, 1.5 V a step.
    pub const BATTERY_LOW: u8 = 75;
    /// Loop voltage sensed: bit 6 sign, 5:0 in 1.5 V.
    pub const LOOP_VOLTAGE: u8 = 78;
    /// Loop current sensed: bit 6 sign, 5:0 in 1.25 mA.
    pub const LOOP_CURRENT: u8 = 79;
    /// Tip voltage sensed, 0.376 V a step.
    pub const TIP_VOLTAGE: u8 = 80;
    /// Ring voltage sensed, 0.376 V a step.
    pub const RING_VOLTAGE: u8 = 81;
    /// Battery voltage sensed, first channel, 0.376 V a step.
    pub const BATTERY_SENSE_1: u8 = 82;
    /// Battery voltage sensed, second channel.
    pub const BATTERY_SENSE_2: u8 = 83;
    /// DC-DC converter PWM period, 61.035 ns a step.
    pub const DCDC_PERIOD: u8 = 92;
    /// DC-DC converter: bit 7 calibration start and busy, 4:0 minimum off time.
    pub const DCDC_CONTROL: u8 = 93;
    /// DC-DC converter pulse width.
    pub const DCDC_PULSE_WIDTH: u8 = 94;
    /// Calibration control 1: bit 6 start and busy, 5 fast, 4:0 what to calibrate.
    pub const CALIBRATION_1: u8 = 96;
    /// Calibration control 2: 4:0 what to calibrate.
    pub const CALIBRATION_2: u8 = 97;
    /// DC peak current calibration result.
    pub const DC_PEAK: u8 = 107;
    /// Enhancement enable: 7 ILIMEN, 5 DCSU, 2 LCVE, 1 DCFIL, 0 HYSTEN.
    pub const ENHANCEMENT: u8 = 108;
}

/// Indirect registers of the Si3210, by number (the Si3215 numbers them otherwise).
pub mod indirect {
    /// Ringing DC offset.
    pub const RING_OFFSET: u8 = 19;
    /// Ringing oscillator coefficient (RCO).
    pub const RING_COEFFICIENT: u8 = 20;
    /// Ringing oscillator first initial condition (RNGX).
    pub const RING_X: u8 = 21;
    /// Ringing oscillator second initial condition (RNGY).
    pub const RING_Y: u8 = 22;
    /// Receive digital gain, 4000h is 0 dB.
    pub const RECEIVE_GAIN: u8 = 26;
    /// Transmit digital gain, 4000h is 0 dB.
    pub const TRANSMIT_GAIN: u8 = 27;
    /// Loop closure threshold (LCRT).
    pub const LOOP_CLOSURE_THRESHOLD: u8 = 28;
    /// Ring trip threshold (RPTP): 3600h is 34 mA.
    pub const RING_TRIP_THRESHOLD: u8 = 29;
    /// Loop closure filter (NCLR); 8000h passes everything.
    pub const LOOP_CLOSURE_FILTER: u8 = 35;
    /// Ring trip filter (NRTP).
    pub const RING_TRIP_FILTER: u8 = 36;
    /// Thermal low-pass pole of Q1, Q2.
    pub const THERMAL_Q12: u8 = 37;
    /// Thermal low-pass pole of Q3, Q4.
    pub const THERMAL_Q34: u8 = 38;
    /// Thermal low-pass pole of Q5, Q6.
    pub const THERMAL_Q56: u8 = 39;
    /// One past the last register of the bank.
    pub const COUNT: u8 = 105;
}

/// R1: µ-law, PCM enabled.
pub const PCM_MU_LAW: u8 = 0x28;
/// R1: A-law, PCM enabled.
pub const PCM_A_LAW: u8 = 0x20;
/// R1: bit 5, PCM enabled.
pub const PCM_ENABLE: u8 = 0x20;
/// R1: bits 4:3, the format; 00 A-law, 01 µ-law.
pub const PCM_FORMAT: u8 = 0x18;
/// R8 as a reset leaves it: digital loopback.
pub const LOOPBACK_RESET: u8 = 0x02;
/// R14: bit 4, DC-DC converter off.
pub const DCDC_OFF: u8 = 0x10;
/// R93: bit 7, calibration start and busy.
pub const DCDC_CALIBRATE: u8 = 0x80;
/// R96: bit 6, calibration start and busy.
pub const CALIBRATE: u8 = 0x40;
/// R31: bit 0, an indirect access is under way.
pub const INDIRECT_BUSY: u8 = 0x01;
/// R20: bit 1, an indirect access is done.
pub const INDIRECT_DONE: u8 = 0x02;
/// R82 at or above this code (72 V) means the DC-DC converter is up.
pub const BATTERY_UP: u8 = 0xC0;

/// What the two wires are fed with: the codes of R64, both wanted (bits 2:0) and actual (bits 6:4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Linefeed {
    /// No feed on either wire.
    Open = 0,
    /// Tip positive, speech path on when the loop is closed.
    ForwardActive = 1,
    /// Forward with the speech path on while on-hook (on-hook transmission).
    ForwardOnHookTransmission = 2,
    /// Tip open (ground start).
    TipOpen = 3,
    /// Ringing.
    Ringing = 4,
    /// Ring positive.
    ReverseActive = 5,
    /// Reverse with on-hook transmission.
    ReverseOnHookTransmission = 6,
    /// Ring open.
    RingOpen = 7,
}

impl Linefeed {
    /// The state with code `code & 7`.
    pub const fn from_code(code: u8) -> Self {
        match code & 7 {
            0 => Self::Open,
            1 => Self::ForwardActive,
            2 => Self::ForwardOnHookTransmission,
            3 => Self::TipOpen,
            4 => Self::Ringing,
            5 => Self::ReverseActive,
            6 => Self::ReverseOnHookTransmission,
            _ => Self::RingOpen,
        }
    }

    /// The code in bits 2:0.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The state that bits 6:4 of R64 say the line is in.
    pub const fn actual(r64: u8) -> Self {
        Self::from_code(r64 >> 4)
    }
}

/// Bits of R34, the ring oscillator.
pub mod ring {
    /// The oscillator is active.
    pub const ACTIVE: u8 = 0x80;
    /// Ringing voltage is on the line now.
    pub const ON_LINE: u8 = 0x20;
    /// The active timer (RAT) is enabled.
    pub const ACTIVE_TIMER: u8 = 0x10;
    /// The inactive timer (RIT) is enabled.
    pub const INACTIVE_TIMER: u8 = 0x08;
    /// The oscillator is enabled (read only; linefeed 4 enables it).
    pub const ENABLED: u8 = 0x04;
    /// Ringing has a DC offset.
    pub const OFFSET: u8 = 0x02;
    /// Trapezoid instead of sine.
    pub const TRAPEZOID: u8 = 0x01;
}

/// Bits of R18.
pub mod status1 {
    /// Ring inactive timer expired (RGI).
    pub const RING_INACTIVE: u8 = 0x20;
    /// Ring active timer expired (RGA).
    pub const RING_ACTIVE: u8 = 0x10;
}

/// Bits of R19.
pub mod status2 {
    /// Power alarms of Q6 to Q1.
    pub const POWER_ALARMS: u8 = 0xFC;
    /// Loop closure changed (LCIP).
    pub const LOOP_CLOSURE: u8 = 0x02;
    /// Ring trip (RTIP).
    pub const RING_TRIP: u8 = 0x01;
}

/// Bits of R67.
pub mod auto {
    /// Ring trip changes the linefeed to active (AORD).
    pub const RING_TRIP: u8 = 0x04;
    /// Loop closure changes on-hook transmission to active (AOLD).
    pub const LOOP_CLOSURE: u8 = 0x02;
    /// A power alarm opens the linefeed (AOPN).
    pub const POWER_ALARM: u8 = 0x01;
}

/// Bits of R68; bits 7:3 read zero on a living chip.
pub mod detect {
    /// Loop closed, debounced (LCR).
    pub const LOOP_CLOSED: u8 = 0x01;
    /// Ring trip, debounced (RTP).
    pub const RING_TRIP: u8 = 0x02;
    /// Loop closed, not debounced (DBIRAW).
    pub const LOOP_CLOSED_RAW: u8 = 0x04;
    /// Bits that are never set; a floating bus sets them.
    pub const ALWAYS_ZERO: u8 = 0xF8;
}

/// What sine ringing at one frequency needs, for 70 V peak without offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingTone {
    /// Ringing frequency, tenths of a hertz.
    pub frequency_dhz: u16,
    /// RCO = cos(2πf/1000)·2¹⁵.
    pub coefficient: u16,
    /// RNGX = ¼·√((1−c)/(1+c))·2¹⁵·70/96.
    pub x: u16,
    /// NRTP, the ring trip filter for this frequency.
    pub trip_filter: u16,
    /// RTDI, the ring trip debounce for this frequency, 1.25 ms a step.
    pub trip_debounce: u8,
}

/// The ringing frequencies that the data sheet gives ring trip settings for, and 25 Hz with those of 20 Hz.
pub const RING_TONES: [RingTone; 7] = [
    RingTone {
        frequency_dhz: 167,
        coefficient: 0x7F4B,
        x: 0x013A,
        trip_filter: 0x0200,
        trip_debounce: 0x0F,
    },
    RingTone {
        frequency_dhz: 200,
        coefficient: 0x7EFD,
        x: 0x0177,
        trip_filter: 0x0320,
        trip_debounce: 0x0B,
    },
    RingTone {
        frequency_dhz: 250,
        coefficient: 0x7E6C,
        x: 0x01D6,
        trip_filter: 0x0320,
        trip_debounce: 0x0B,
    },
    RingTone {
        frequency_dhz: 300,
        coefficient: 0x7DBB,
        x: 0x0235,
        trip_filter: 0x0380,
        trip_debounce: 0x09,
    },
    RingTone {
        frequency_dhz: 400,
        coefficient: 0x7BFA,
        x: 0x02F3,
        trip_filter: 0x0400,
        trip_debounce: 0x07,
    },
    RingTone {
        frequency_dhz: 500,
        coefficient: 0x79BC,
        x: 0x03B2,
        trip_filter: 0x06A8,
        trip_debounce: 0x05,
    },
    RingTone {
        frequency_dhz: 600,
        coefficient: 0x7702,
        x: 0x0473,
        trip_filter: 0x0800,
        trip_debounce: 0x05,
    },
];

/// The entry of [`RING_TONES`] nearest to a frequency in tenths of a hertz.
pub const fn ring_tone(frequency_dhz: u16) -> RingTone {
    let (mut nearest, mut i) = (RING_TONES[0], 1);
    while i < RING_TONES.len() {
        if RING_TONES[i].frequency_dhz.abs_diff(frequency_dhz)
            < nearest.frequency_dhz.abs_diff(frequency_dhz)
        {
            nearest = RING_TONES[i];
        }
        i += 1;
    }
    nearest
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn ring_tones_follow_the_data_sheets_formulas() {
        for tone in RING_TONES {
            let hertz = f64::from(tone.frequency_dhz) / 10.0;
            let c = (2.0 * std::f64::consts::PI * hertz / 1000.0).cos();
            let x = 0.25 * ((1.0 - c) / (1.0 + c)).sqrt() * 32768.0 * 70.0 / 96.0;
            assert!(
                (c * 32768.0 - f64::from(tone.coefficient)).abs() <= 1.0,
                "{hertz}: {:X}",
                (c * 32768.0) as u16
            );
            assert!((x - f64::from(tone.x)).abs() <= 1.5, "{hertz}: {:X}", x as u16);
        }
    }

    #[test]
    fn the_nearest_ring_tone_is_taken() {
        assert_eq!(ring_tone(200).coefficient, 0x7EFD);
        assert_eq!(ring_tone(225).frequency_dhz, 200);
        assert_eq!(ring_tone(226).frequency_dhz, 250);
        assert_eq!(ring_tone(0).frequency_dhz, 167);
        assert_eq!(ring_tone(9999).frequency_dhz, 600);
    }

    #[test]
    fn linefeed_codes_are_those_of_r64() {
        for code in 0..8 {
            assert_eq!(Linefeed::from_code(code).code(), code);
            assert_eq!(Linefeed::actual(code << 4), Linefeed::from_code(code));
        }
        assert_eq!(Linefeed::Ringing.code(), 4);
        assert_eq!(Linefeed::ReverseActive.code(), Linefeed::ForwardActive.code() | 4);
    }
}

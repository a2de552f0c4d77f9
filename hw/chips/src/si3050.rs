//! Si3050 with Si3018/3019: one exchange line (FXO).
//!
//! SPI is three bytes: [`SPI_WRITE`] or [`SPI_READ`], the register, data. Only the registers that the card needs to
//! seize, ring-detect and supervise a line are named; no firmware drives this chip yet.

/// First byte of a write.
pub const SPI_WRITE: u8 = 0x20;
/// First byte of a read.
pub const SPI_READ: u8 = 0x60;

/// Registers, by number.
pub mod reg {
    /// Control 1: bit 7 software reset.
    pub const CONTROL_1: u8 = 1;
    /// Control 2; reads [`super::CONTROL_2_RESET`] after a reset, which is how a chip is found.
    pub const CONTROL_2: u8 = 2;
    /// Interrupt mask.
    pub const INTERRUPT_MASK: u8 = 3;
    /// Interrupt source; a written zero clears.
    pub const INTERRUPT_SOURCE: u8 = 4;
    /// Hook and ring: see [`super::hook`].
    pub const HOOK: u8 = 5;
    /// Power-down of the line side; writing 0 brings the isolation link up.
    pub const POWER: u8 = 6;
    /// Line-side chip: 7:4 identity (0 while the link is down), 3:0 revision.
    pub const LINE_SIDE: u8 = 11;
    /// Bit 6 the isolation link is locked, 4:0 loop current in 3.3 mA.
    pub const LINK: u8 = 12;
    /// International control 1.
    pub const INTERNATIONAL_1: u8 = 16;
    /// Ring validation 1, 2 and 3.
    pub const RING_VALIDATION: [u8; 3] = [22, 23, 24];
    /// DC termination: 7:6 DCV, 5:4 MINI, 1 ILIM, 0 DCR.
    pub const DC_TERMINATION: u8 = 26;
    /// Loop current, about 1.1 mA a step.
    pub const LOOP_CURRENT: u8 = 28;
    /// Line voltage, signed, 1 V a step; 0 below 3 V.
    pub const LINE_VOLTAGE: u8 = 29;
    /// AC termination: 3:0 the impedance.
    pub const AC_TERMINATION: u8 = 30;
    /// DAA control 5: 6:5 off-hook speed, 3 OHS2.
    pub const DAA_5: u8 = 31;
    /// PCM mode: 5 enable, 4:3 format, 0 tri-state.
    pub const PCM_MODE: u8 = 33;
    /// PCM transmit start, low byte.
    pub const PCM_TX_START_LO: u8 = 34;
    /// PCM transmit start, high bits.
    pub const PCM_TX_START_HI: u8 = 35;
    /// PCM receive start, low byte.
    pub const PCM_RX_START_LO: u8 = 36;
    /// PCM receive start, high bits.
    pub const PCM_RX_START_HI: u8 = 37;
}

/// R2 after a reset.
pub const CONTROL_2_RESET: u8 = 0x03;
/// R33: µ-law, PCM enabled.
pub const PCM_MU_LAW: u8 = 0x28;
/// R33: A-law, PCM enabled.
pub const PCM_A_LAW: u8 = 0x20;

/// Bits of R5.
pub mod hook {
    /// Negative ring detected (RDTN).
    pub const RING_NEGATIVE: u8 = 0x40;
    /// Positive ring detected (RDTP).
    pub const RING_POSITIVE: u8 = 0x20;
    /// On-hook line monitor (ONHM): hears caller ID.
    pub const ON_HOOK_MONITOR: u8 = 0x08;
    /// Ring detected (RDT).
    pub const RING: u8 = 0x04;
    /// Off-hook (OH).
    pub const OFF_HOOK: u8 = 0x01;
}

//! One FXS port: its chip from reset to service, its line in service.
//!
//! | event \ phase        | Startup              | Service                                        | Failed          |
//! |----------------------|----------------------|------------------------------------------------|-----------------|
//! | poll                 | next step → Service; fault → Failed | hook, ringing, open loop, supervision | 1 s: → Startup |
//! | command              | kept, applied in service | acted on                                   | kept            |
//! | chip answers FF, or has lost its settings | fault → Failed | fault → Failed                  | –               |
//! | chip opened the line | –                    | power alarm; 1 s later feeds again             | –               |
//! | session ends         | defaults             | ring off, loop closed, forward                 | defaults        |

mod hook;
mod ringing;
mod startup;

use tipring_bridge_proto::{Impedance, Law, LineCommand, LineEvent};
use tipring_chips::si3210::{INDIRECT_BUSY, Linefeed, detect, reg, status2};

use crate::Board;
use hook::HookWatch;
use ringing::{Edge, Ringing};
use startup::{ChipFault, Startup};

/// One chip on the board's bus.
pub(crate) struct Chip<'a, B> {
    board: &'a mut B,
    number: u8,
}

impl<'a, B: Board> Chip<'a, B> {
    pub(crate) fn new(board: &'a mut B, number: u8) -> Self {
        Self { board, number }
    }

    fn number(&self) -> u8 {
        self.number
    }

    fn read(&mut self, register: u8) -> u8 {
        self.board.read(self.number, register)
    }

    fn write(&mut self, register: u8, value: u8) {
        self.board.write(self.number, register, value);
    }

    /// Starts an indirect write; false while the chip is busy with the last one.
    fn write_indirect(&mut self, address: u8, value: u16) -> bool {
        if self.read(reg::INDIRECT_STATUS) & INDIRECT_BUSY != 0 {
            return false;
        }
        let [low, high] = value.to_le_bytes();
        self.write(reg::INDIRECT_DATA_LO, low);
        self.write(reg::INDIRECT_DATA_HI, high);
        self.write(reg::INDIRECT_ADDRESS, address);
        true
    }
}

/// One FXS port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FxsPort {
    phase: Phase,
    /// What the host wants the line to be fed with.
    feed: Linefeed,
    settings: Settings,
    hook: HookWatch,
    ringing: Option<Ringing>,
    /// The loop is open until then: a disconnect signal, or the rest after a power alarm.
    open_until: Option<u64>,
    /// The feed was switched; what the loop says until then is not the person's doing.
    settle_until: Option<u64>,
    current: Current,
    supervise_at: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Startup(Startup),
    Service,
    Failed { retry_at: u64 },
}

/// Settings that a chip forgets with its supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    gain: u8,
    impedance: Impedance,
}

impl Settings {
    const DEFAULT: Self = Self { gain: 0, impedance: Impedance::Ohm600 };

    fn apply<B: Board>(&self, chip: &mut Chip<'_, B>) {
        chip.write(reg::AUDIO_GAIN, self.gain);
        chip.write(reg::TWO_WIRE_IMPEDANCE, IMPEDANCE_ENABLE | self.impedance as u8);
    }
}

/// Loop current as it was last reported.
#[derive(Clone, Copy, Debug, Default)]
struct Current {
    measure_at: u64,
    ma_x10: i16,
}

impl FxsPort {
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Startup(Startup::Identify),
            feed: Linefeed::ForwardActive,
            settings: Settings::DEFAULT,
            hook: HookWatch::new(),
            ringing: None,
            open_until: None,
            settle_until: None,
            current: Current { measure_at: 0, ma_x10: 0 },
            supervise_at: 0,
        }
    }

    pub(crate) fn is_off_hook(&self) -> bool {
        self.hook.is_off_hook()
    }

    /// The session has ended: ring off, loop closed, forward active, nothing as a host set it.
    pub(crate) fn make_safe<B: Board>(&mut self, now: u64, chip: &mut Chip<'_, B>) {
        self.ringing = None;
        self.open_until = None;
        self.feed = Linefeed::ForwardActive;
        self.settings = Settings::DEFAULT;
        self.hook.set_flash_window(FLASH_MIN_MS, FLASH_MAX_MS);
        if matches!(self.phase, Phase::Service) {
            self.settings.apply(chip);
            self.set_feed(now, chip);
        }
    }

    /// Acts on a command; gives what the host should know at once.
    pub(crate) fn handle_command<B: Board>(
        &mut self,
        now: u64,
        chip: &mut Chip<'_, B>,
        command: &LineCommand,
    ) -> Option<LineEvent> {
        let event = self.silence_ringing(command);
        match command {
            LineCommand::Linefeed(feed) => {
                self.open_until = None;
                self.feed = Linefeed::from_code(*feed as u8);
            }
            // A receiver that is lifted cannot be rung; that it is, the host has been told or is about to be.
            LineCommand::Ring(_) if self.hook.is_off_hook() => return event,
            LineCommand::Ring(ring) => self.ringing = Some(Ringing::new(*ring)),
            LineCommand::StopRing => self.feed = Linefeed::ForwardActive,
            LineCommand::OpenLoop { ms } => self.open_until = Some(now + u64::from(*ms) * 1000),
            LineCommand::Polarity { reversed } => self.feed = turned(self.feed, *reversed),
            LineCommand::FlashWindow { min_ms, max_ms } => {
                self.hook.set_flash_window(*min_ms, *max_ms);
                return event;
            }
            LineCommand::Gain { tx_db10, rx_db10 } => {
                self.settings.gain = nearest_gain(*tx_db10) << 2 | nearest_gain(*rx_db10);
            }
            LineCommand::Impedance(impedance) => self.settings.impedance = *impedance,
            LineCommand::Unknown(opcode) => {
                return Some(LineEvent::Unsupported { opcode: *opcode });
            }
        }
        if matches!(self.phase, Phase::Service) {
            self.settings.apply(chip);
            if self.ringing.is_none() || matches!(command, LineCommand::Ring(_)) {
                self.set_feed(now, chip);
            }
        }
        event
    }

    /// Commands that end ringing end it here; the host hears of a burst that was cut.
    fn silence_ringing(&mut self, command: &LineCommand) -> Option<LineEvent> {
        if !matches!(
            command,
            LineCommand::Linefeed(_)
                | LineCommand::Ring(_)
                | LineCommand::StopRing
                | LineCommand::OpenLoop { .. }
        ) {
            return None;
        }
        let was_on = self.ringing.take()?.is_on();
        was_on.then_some(LineEvent::Ringing { on: false })
    }

    /// To be called at least each [`crate::POLL_MICROS`].
    pub(crate) fn poll<B: Board>(
        &mut self,
        now: u64,
        law: Law,
        chip: &mut Chip<'_, B>,
        mut event: impl FnMut(LineEvent),
    ) {
        let fault = match &mut self.phase {
            Phase::Startup(startup) => match startup.poll(now, law, chip) {
                Ok(false) => return,
                Ok(true) => {
                    self.phase = Phase::Service;
                    self.settings.apply(chip);
                    self.set_feed(now, chip);
                    return;
                }
                Err(fault) => fault,
            },
            Phase::Failed { retry_at } => {
                if now >= *retry_at {
                    self.phase = Phase::Startup(Startup::Identify);
                }
                return;
            }
            Phase::Service => match self.serve(now, chip, &mut event) {
                Ok(()) => return,
                Err(fault) => fault,
            },
        };
        if self.ringing.take().is_some_and(|ringing| ringing.is_on()) {
            event(LineEvent::Ringing { on: false });
        }
        self.hook.resume(now);
        self.phase = Phase::Failed { retry_at: now + RETRY_US };
        event(LineEvent::Fault { code: fault as u8 });
    }

    fn serve<B: Board>(
        &mut self,
        now: u64,
        chip: &mut Chip<'_, B>,
        event: &mut impl FnMut(LineEvent),
    ) -> Result<(), ChipFault> {
        let status = chip.read(reg::DETECT);
        if status & detect::ALWAYS_ZERO != 0 {
            return Err(ChipFault::NoChip);
        }
        if now >= self.supervise_at {
            self.supervise_at = now + SUPERVISE_US;
            if chip.read(reg::LOOPBACK) != 0 {
                return Err(ChipFault::SettingsLost);
            }
        }
        if self.open_until.is_some_and(|until| now >= until) {
            self.open_until = None;
            self.set_feed(now, chip);
        }
        if self.is_open() {
            return Ok(());
        }
        if chip.read(reg::LINEFEED) & 7 == Linefeed::Open.code() {
            if chip.read(reg::LOOPBACK) != 0 {
                return Err(ChipFault::SettingsLost);
            }
            self.power_alarm(now, chip, event);
            return Ok(());
        }
        if self.ringing.is_some() {
            self.ring(now, chip, status, event);
            return Ok(());
        }
        let closed = status & detect::LOOP_CLOSED != 0;
        if let Some(until) = self.settle_until {
            // A loop that is closed again needs no further patience.
            if now < until && !closed {
                return Ok(());
            }
            self.settle_until = None;
            self.hook.resume(now);
        }
        if let Some(change) = self.hook.watch(now, closed) {
            self.current = Current { measure_at: now + SETTLE_CURRENT_US, ma_x10: 0 };
            event(change);
        }
        if closed {
            self.measure(now, chip, event);
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.open_until.is_some() || self.feed == Linefeed::Open
    }

    fn ring<B: Board>(
        &mut self,
        now: u64,
        chip: &mut Chip<'_, B>,
        status: u8,
        event: &mut impl FnMut(LineEvent),
    ) {
        let Some(ringing) = &mut self.ringing else {
            return;
        };
        let tripped = if ringing.is_on() {
            status & detect::RING_TRIP != 0
        } else {
            ringing.is_quiet(now) && status & detect::LOOP_CLOSED != 0
        };
        if tripped {
            if ringing.is_on() {
                event(LineEvent::Ringing { on: false });
            }
            self.ringing = None;
            self.feed = Linefeed::ForwardActive;
            self.hook.lifted();
            self.current = Current { measure_at: now + SETTLE_CURRENT_US, ma_x10: 0 };
            self.set_feed(now, chip);
            event(LineEvent::RingTrip);
            return;
        }
        match ringing.poll(now, chip) {
            None => {}
            Some(Edge::On) => {
                chip.write(reg::RING_TRIP_DEBOUNCE, ringing.tone().trip_debounce);
                chip.write(reg::LINEFEED, Linefeed::Ringing.code());
                event(LineEvent::Ringing { on: true });
            }
            Some(Edge::Off) => {
                let reversed = turned(self.feed, false) != self.feed;
                let silent = turned(Linefeed::ForwardOnHookTransmission, reversed);
                chip.write(reg::LINEFEED, silent.code());
                event(LineEvent::Ringing { on: false });
            }
            Some(Edge::Ended) => {
                self.ringing = None;
                self.feed = Linefeed::ForwardActive;
                self.set_feed(now, chip);
            }
        }
    }

    /// The chip has opened the line to protect itself (AOPN): rest, then feed again.
    fn power_alarm<B: Board>(
        &mut self,
        now: u64,
        chip: &mut Chip<'_, B>,
        event: &mut impl FnMut(LineEvent),
    ) {
        let alarms = chip.read(reg::INTERRUPT_STATUS_2) & status2::POWER_ALARMS;
        chip.write(reg::INTERRUPT_STATUS_2, alarms);
        if self.ringing.take().is_some_and(|ringing| ringing.is_on()) {
            event(LineEvent::Ringing { on: false });
        }
        self.open_until = Some(now + RETRY_US);
        event(LineEvent::PowerAlarm { transistors: alarms >> 2 });
    }

    /// Writes the feed that is wanted now.
    fn set_feed<B: Board>(&mut self, now: u64, chip: &mut Chip<'_, B>) {
        let feed = if self.open_until.is_some() { Linefeed::Open } else { self.feed };
        if chip.read(reg::LINEFEED) & 7 != feed.code() {
            chip.write(reg::LINEFEED, feed.code());
            self.settle_until = Some(now + SETTLE_US);
        }
    }

    fn measure<B: Board>(
        &mut self,
        now: u64,
        chip: &mut Chip<'_, B>,
        event: &mut impl FnMut(LineEvent),
    ) {
        if now < self.current.measure_at || !self.hook.is_off_hook() {
            return;
        }
        self.current.measure_at = now + SETTLE_CURRENT_US;
        let code = chip.read(reg::LOOP_CURRENT);
        // 1.25 mA a step, bit 6 the sign.
        let magnitude = i16::from(code & 0x3F) * 25 / 2;
        let ma_x10 = if code & 0x40 != 0 { -magnitude } else { magnitude };
        if ma_x10.abs_diff(self.current.ma_x10) > 20 {
            self.current.ma_x10 = ma_x10;
            event(LineEvent::LoopCurrent { ma_x10 });
        }
    }
}

/// The active states with tip and ring swapped or not; others stay.
fn turned(feed: Linefeed, reversed: bool) -> Linefeed {
    match (feed, reversed) {
        (Linefeed::ForwardActive, true) => Linefeed::ReverseActive,
        (Linefeed::ForwardOnHookTransmission, true) => Linefeed::ReverseOnHookTransmission,
        (Linefeed::ReverseActive, false) => Linefeed::ForwardActive,
        (Linefeed::ReverseOnHookTransmission, false) => Linefeed::ForwardOnHookTransmission,
        (feed, _) => feed,
    }
}

/// ATX and ARX have 0, −3.5 and +3.5 dB.
const fn nearest_gain(db_x10: i16) -> u8 {
    match db_x10 {
        ..-17 => 1,
        -17..=17 => 0,
        18.. => 2,
    }
}

/// R10, bit 3.
const IMPEDANCE_ENABLE: u8 = 0x08;
const FLASH_MIN_MS: u16 = 300;
const FLASH_MAX_MS: u16 = 1000;
/// After a fault or a power alarm, 1 s.
const RETRY_US: u64 = 1_000_000;
/// How often the chip is asked whether it still has its settings, 100 ms.
const SUPERVISE_US: u64 = 100_000;
/// After the feed was switched, the loop is given this to close again.
const SETTLE_US: u64 = 100_000;
/// Loop current is measured this long after a change, and this often.
const SETTLE_CURRENT_US: u64 = 250_000;

#[cfg(test)]
mod tests;

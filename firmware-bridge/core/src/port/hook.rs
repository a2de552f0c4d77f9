//! From loop closed and open to hook, flash and digits.
//!
//! | state            | closed                                    | open             | time                              |
//! |------------------|-------------------------------------------|------------------|-----------------------------------|
//! | OnHook           | → Lifting                                 | –                | –                                 |
//! | Lifting          | –                                         | → OnHook         | 15 ms: off-hook → OffHook         |
//! | OffHook          | –                                         | → Break          | –                                 |
//! | Break            | by its length: noise → before; pulse → Make; flash → OffHook; else → OffHook | – | longest: on-hook → OnHook |
//! | Make (of a digit) | –                                        | → Break          | 150 ms: digit → OffHook           |
//!
//! A break is noise below 8 ms, a dial pulse up to 110 ms (7 pulses a second at 33 % make) or up to the shortest flash,
//! a flash inside the window, on-hook beyond it.

use tipring_bridge_proto::LineEvent;

/// Times in µs.
#[derive(Clone, Copy, Debug)]
pub(super) struct HookWatch {
    state: State,
    flash_min_us: u64,
    /// 0: no flash.
    flash_max_us: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    OnHook,
    Lifting { since: u64 },
    OffHook,
    Break { since: u64, train: Train },
    Make { since: u64, train: Train },
}

/// Pulses counted so far.
#[derive(Clone, Copy, Debug, Default)]
struct Train {
    pulses: u8,
    break_us: u64,
    /// Closed time between the pulses.
    make_us: u64,
}

impl HookWatch {
    pub(super) const fn new() -> Self {
        Self { state: State::OnHook, flash_min_us: 300_000, flash_max_us: 1_000_000 }
    }

    pub(super) fn set_flash_window(&mut self, min_ms: u16, max_ms: u16) {
        self.flash_min_us = u64::from(min_ms) * 1000;
        self.flash_max_us = u64::from(max_ms) * 1000;
    }

    pub(super) fn is_off_hook(&self) -> bool {
        !matches!(self.state, State::OnHook | State::Lifting { .. })
    }

    /// Ring trip has told that the receiver is lifted.
    pub(super) fn lifted(&mut self) {
        self.state = State::OffHook;
    }

    /// The feed was off for a while, so the loop says nothing of that time: a break begins anew, a digit is forgotten.
    pub(super) fn resume(&mut self, now: u64) {
        self.state = match self.state {
            State::OnHook | State::Lifting { .. } => State::OnHook,
            State::OffHook | State::Make { .. } => State::OffHook,
            State::Break { .. } => State::Break { since: now, train: Train::default() },
        };
    }

    /// Takes the debounced loop.
    pub(super) fn watch(&mut self, now: u64, closed: bool) -> Option<LineEvent> {
        match self.state {
            State::OnHook => {
                if closed {
                    self.state = State::Lifting { since: now };
                }
                None
            }
            State::Lifting { since } => {
                if !closed {
                    self.state = State::OnHook;
                    return None;
                }
                if now - since < LIFT_US {
                    return None;
                }
                self.state = State::OffHook;
                Some(LineEvent::Hook { off: true })
            }
            State::OffHook => {
                if !closed {
                    self.state = State::Break { since: now, train: Train::default() };
                }
                None
            }
            State::Break { since, train } => self.in_break(now, since, train, closed),
            State::Make { since, mut train } => {
                if !closed {
                    train.make_us += now - since;
                    self.state = State::Break { since: now, train };
                    return None;
                }
                if now - since < DIGIT_END_US {
                    return None;
                }
                self.state = State::OffHook;
                train.digit()
            }
        }
    }

    fn in_break(
        &mut self,
        now: u64,
        since: u64,
        mut train: Train,
        closed: bool,
    ) -> Option<LineEvent> {
        let break_us = now - since;
        let longest_pulse = match self.flash_max_us {
            0 => PULSE_MAX_US,
            _ => PULSE_MAX_US.min(self.flash_min_us),
        };
        if !closed {
            if break_us <= longest_pulse.max(self.flash_max_us) {
                return None;
            }
            self.state = State::OnHook;
            return Some(LineEvent::Hook { off: false });
        }
        if break_us < PULSE_MIN_US {
            self.state = if train.pulses == 0 {
                State::OffHook
            } else {
                train.make_us += break_us;
                State::Make { since: now, train }
            };
            return None;
        }
        let flash = (self.flash_min_us..=self.flash_max_us).contains(&break_us);
        if flash && self.flash_max_us > 0 {
            self.state = State::OffHook;
            return Some(LineEvent::Flash { ms: to_u16(break_us / 1000) });
        }
        if break_us > longest_pulse {
            self.state = State::OffHook;
            return None;
        }
        train.pulses = train.pulses.saturating_add(1);
        train.break_us += break_us;
        self.state = State::Make { since: now, train };
        None
    }
}

impl Train {
    /// `None`: more pulses than any digit has.
    fn digit(&self) -> Option<LineEvent> {
        let digit = match self.pulses {
            1..=9 => self.pulses,
            10 => 0,
            _ => return None,
        };
        let pulses = u64::from(self.pulses);
        let break_us = self.break_us / pulses;
        // One pulse has no pause beside it to measure: take the rate that dials are made for.
        let period_us = match pulses {
            1 => NOMINAL_PERIOD_US.max(break_us),
            _ => break_us + self.make_us / (pulses - 1),
        };
        Some(LineEvent::PulseDigit {
            digit,
            pps_x10: to_u16(10_000_000 / period_us),
            break_percent: (break_us * 100 / period_us) as u8,
        })
    }
}

fn to_u16(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// The loop must be closed so long before it is off-hook.
const LIFT_US: u64 = 15_000;
/// A shorter break is noise.
const PULSE_MIN_US: u64 = 8_000;
/// A longer break is no dial pulse.
const PULSE_MAX_US: u64 = 110_000;
/// The loop is closed so long after the last pulse of a digit.
const DIGIT_END_US: u64 = 150_000;
/// Ten pulses a second.
const NOMINAL_PERIOD_US: u64 = 100_000;

#[cfg(test)]
mod tests;

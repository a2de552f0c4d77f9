//! Ringing, and caller ID before the first ring or after it.
//!
//! ```text
//!   before:  Settle ─► Alert ─► AlertGuard ─► Burst ─► BurstGuard ─► Starting ─► Sounding(no caller ID)
//!   after:   Starting ─► Sounding ──end of a burst before a long silence──► Delay ─► Burst ─► Sounding(no caller ID)
//! ```

use tipring_core::{Cause, Duration, Instant};

use super::talking::Talking;
use super::{
    CallRequest, Caller, CardAction, CardInput, FxsPort, Input, Linefeed, MediaInput, PortEvent,
    State,
};
use crate::country::{CallerIdTiming, RingCadence, ToneName};

/// A telephone that rings or is about to.
#[derive(Debug)]
pub(super) struct Ringing {
    cadence: RingCadence,
    phase: Phase,
    /// Who calls, until it has been sent.
    caller: Option<Caller>,
    /// Ring bursts that have ended.
    bursts: usize,
}

#[derive(Debug)]
enum Phase {
    /// The line is reversed, or lets audio pass to the telephone on its hook.
    Settle { until: Instant },
    /// DT-AS sounds.
    Alert { until: Instant },
    /// Silence after DT-AS.
    AlertGuard { until: Instant },
    /// Caller ID is being sent before the first ring; at the latest `until` the telephone rings all the same.
    Burst { until: Instant },
    /// Silence between caller ID and the first ring.
    BurstGuard { until: Instant },
    /// The card has been told to ring; at the latest `until` it must have begun.
    Starting { until: Instant },
    /// The telephone rings.
    Sounding,
    /// The silence between the first ring and caller ID.
    Delay { until: Instant },
    /// Caller ID is being sent between two rings.
    BetweenRings { until: Instant },
}

/// A burst of caller ID lasts a second; a media engine that does not report its end is not waited for.
const BURST_BOUND: Duration = Duration::from_secs(4);
/// A card that has not begun to ring by then will not.
const START_BOUND: Duration = Duration::from_secs(4);
/// The shortest silence of a cadence that caller ID fits into: delay, burst and margin (GR-30 §2.4: 500 to 1500 ms
/// after the ring, over 200 ms before the next).
const LONG_SILENCE_MS: u16 = 1800;

impl Ringing {
    pub(super) fn until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Settle { until }
            | Phase::Alert { until }
            | Phase::AlertGuard { until }
            | Phase::Burst { until }
            | Phase::BurstGuard { until }
            | Phase::Starting { until }
            | Phase::Delay { until }
            | Phase::BetweenRings { until } => Some(until),
            Phase::Sounding => None,
        }
    }

    /// Whether the burst that has just ended precedes a long silence.
    fn long_silence(&self) -> bool {
        let bursts = self.cadence.0;
        let at = self.bursts.checked_sub(1).and_then(|last| last.checked_rem(bursts.len()));
        at.and_then(|at| bursts.get(at)).is_some_and(|burst| burst.off_ms >= LONG_SILENCE_MS)
    }
}

impl FxsPort {
    /// The call wants the telephone to ring.
    pub(super) fn ring(
        &mut self,
        now: Instant,
        caller: Caller,
        distinctive: Option<RingCadence>,
    ) -> State {
        let cadence = distinctive.unwrap_or(self.config.country.ring.cadence);
        let mut ringing =
            Ringing { cadence, phase: Phase::Sounding, caller: Some(caller), bursts: 0 };
        if !self.config.caller_id {
            ringing.caller = None;
        }
        match self.config.country.caller_id.timing {
            CallerIdTiming::BeforeRing { reversal, settle_ms, .. } if ringing.caller.is_some() => {
                self.io.card(CardAction::Linefeed(if reversal {
                    Linefeed::ReverseOnHookTransmission
                } else {
                    Linefeed::OnHookTransmission
                }));
                ringing.phase = Phase::Settle { until: now + ms(settle_ms) };
            }
            CallerIdTiming::BeforeRing { .. } | CallerIdTiming::AfterFirstRing { .. } => {
                self.start_ringing(now, &mut ringing);
            }
        }
        State::Ringing(ringing)
    }

    pub(super) fn in_ringing(&mut self, now: Instant, mut ringing: Ringing, input: Input) -> State {
        match input {
            Input::Card(CardInput::RingTrip | CardInput::Hook { off: true }) => {
                self.stop_ringing(&ringing);
                self.io.detect(true);
                self.io.event(PortEvent::Answered);
                return State::Talking(Talking::default());
            }
            Input::Call(CallRequest::Released { .. }) => {
                self.stop_ringing(&ringing);
                return State::OnHook;
            }
            Input::Timeout => return self.next_phase(now, ringing),
            Input::Card(CardInput::Ringing { on: true }) => self.burst_began(&mut ringing),
            Input::Card(CardInput::Ringing { on: false }) => self.burst_ended(now, &mut ringing),
            Input::Media(MediaInput::BurstDone) => self.caller_id_sent(now, &mut ringing),
            input => self.io.ignore(&input),
        }
        State::Ringing(ringing)
    }

    fn burst_began(&mut self, ringing: &mut Ringing) {
        match ringing.phase {
            Phase::Starting { .. } => {
                self.io.event(PortEvent::Alerting);
                ringing.phase = Phase::Sounding;
            }
            Phase::BetweenRings { .. } | Phase::Delay { .. } => {
                // Too late: the ring has begun again. Nobody reads half a message.
                self.io.silence();
                ringing.phase = Phase::Sounding;
            }
            Phase::Sounding
            | Phase::Settle { .. }
            | Phase::Alert { .. }
            | Phase::AlertGuard { .. }
            | Phase::Burst { .. }
            | Phase::BurstGuard { .. } => {}
        }
    }

    fn burst_ended(&mut self, now: Instant, ringing: &mut Ringing) {
        let Phase::Sounding = ringing.phase else { return };
        ringing.bursts = ringing.bursts.saturating_add(1);
        if let CallerIdTiming::AfterFirstRing { delay_ms } = self.config.country.caller_id.timing
            && ringing.caller.is_some()
            && ringing.long_silence()
        {
            ringing.phase = Phase::Delay { until: now + ms(delay_ms) };
        }
    }

    fn caller_id_sent(&mut self, now: Instant, ringing: &mut Ringing) {
        match ringing.phase {
            Phase::Burst { .. } => {
                self.io.sounding = false;
                ringing.phase = Phase::BurstGuard { until: now + self.guard() };
            }
            Phase::BetweenRings { .. } => {
                self.io.sounding = false;
                ringing.phase = Phase::Sounding;
            }
            _ => {}
        }
    }

    fn next_phase(&mut self, now: Instant, mut ringing: Ringing) -> State {
        match ringing.phase {
            Phase::Settle { .. } => match self.config.country.caller_id.timing {
                CallerIdTiming::BeforeRing { alert_ms, .. } if alert_ms > 0 => {
                    self.io.play(ToneName::DualToneAlert);
                    ringing.phase = Phase::Alert { until: now + ms(alert_ms) };
                }
                CallerIdTiming::BeforeRing { .. } | CallerIdTiming::AfterFirstRing { .. } => {
                    self.send_caller_id(&mut ringing);
                    ringing.phase = Phase::Burst { until: now + BURST_BOUND };
                }
            },
            Phase::Alert { .. } => {
                self.io.silence();
                ringing.phase = Phase::AlertGuard { until: now + self.guard() };
            }
            Phase::AlertGuard { .. } => {
                self.send_caller_id(&mut ringing);
                ringing.phase = Phase::Burst { until: now + BURST_BOUND };
            }
            Phase::Delay { .. } => {
                self.send_caller_id(&mut ringing);
                ringing.phase = Phase::BetweenRings { until: now + BURST_BOUND };
            }
            Phase::Burst { .. } | Phase::BurstGuard { .. } => {
                self.io.silence();
                self.io.card(CardAction::Linefeed(Linefeed::Forward));
                self.start_ringing(now, &mut ringing);
            }
            Phase::BetweenRings { .. } => {
                self.io.silence();
                ringing.phase = Phase::Sounding;
            }
            Phase::Starting { .. } => {
                self.stop_ringing(&ringing);
                self.io.event(PortEvent::Refused { cause: Cause::DESTINATION_OUT_OF_ORDER });
                return State::OnHook;
            }
            Phase::Sounding => {}
        }
        State::Ringing(ringing)
    }

    fn start_ringing(&mut self, now: Instant, ringing: &mut Ringing) {
        self.io.card(CardAction::Ring {
            cadence: ringing.cadence,
            frequency_hz: self.config.country.ring.frequency_hz,
        });
        ringing.phase = Phase::Starting { until: now + START_BOUND };
    }

    fn send_caller_id(&mut self, ringing: &mut Ringing) {
        if let Some(caller) = ringing.caller.take() {
            self.io.send_caller_id(self.config.country.caller_id.scheme, caller);
        }
    }

    /// Leaves the line as it is when idle.
    fn stop_ringing(&mut self, ringing: &Ringing) {
        self.io.silence();
        self.io.card(match ringing.phase {
            Phase::Settle { .. }
            | Phase::Alert { .. }
            | Phase::AlertGuard { .. }
            | Phase::Burst { .. }
            | Phase::BurstGuard { .. } => CardAction::Linefeed(Linefeed::Forward),
            Phase::Starting { .. }
            | Phase::Sounding
            | Phase::Delay { .. }
            | Phase::BetweenRings { .. } => CardAction::StopRing,
        });
    }

    fn guard(&self) -> Duration {
        match self.config.country.caller_id.timing {
            CallerIdTiming::BeforeRing { guard_ms, .. } => ms(guard_ms),
            CallerIdTiming::AfterFirstRing { .. } => Duration::ZERO,
        }
    }
}

fn ms(ms: u16) -> Duration {
    Duration::from_millis(ms.into())
}

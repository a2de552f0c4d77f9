//! What the media engine says.

use tipring_call::{Event, Release};
use tipring_core::{Cause, Duration, Instant, LegId, TerminationId};
use tipring_line::MediaInput;
use tipring_media::control;

use crate::gateway::{Gateway, Owner, Wake};
use crate::lines::line_digit;

/// A call whose peer has sent no audio for so long is over, counted from the first warning after 2 s.
const SILENCE: Duration = Duration::from_secs(298);

impl Gateway {
    pub(crate) fn media_event(&mut self, now: Instant, event: control::Event) {
        tracing::trace!(?event, "media event");
        match event {
            control::Event::DigitBegan { termination, digit, .. } => {
                if let (Some(Owner::Line(line)), Some(digit)) =
                    (self.owners.get(&termination).copied(), line_digit(digit))
                {
                    self.line_media(now, line, MediaInput::DigitBegan(digit));
                }
            }
            control::Event::DigitEnded { termination, digit, ms, .. } => {
                let ms = u16::try_from(ms).unwrap_or(u16::MAX);
                match (self.owners.get(&termination).copied(), line_digit(digit)) {
                    (Some(Owner::Line(line)), Some(digit)) => {
                        self.line_media(now, line, MediaInput::DigitEnded { digit, ms });
                    }
                    (Some(Owner::Leg(leg)), Some(digit)) => {
                        self.note(now, leg, true, format!("digit {digit} {ms} ms"));
                        self.leg_says(now, leg, Event::Digit { digit: digit.as_char(), ms });
                    }
                    _ => {}
                }
            }
            control::Event::BurstDone { termination } => {
                if let Some(Owner::Line(line)) = self.owners.get(&termination).copied() {
                    self.line_media(now, line, MediaInput::BurstDone);
                }
            }
            control::Event::Removed { termination, stats } => {
                let owner = self.owners.remove(&termination);
                self.timers.cancel(&Wake::Silence(termination));
                if let (Some(Owner::Leg(leg)), Some(stats)) = (owner, stats) {
                    self.stream_reported(termination, leg, &stats);
                }
            }
            control::Event::RtpSilent { termination, ms } => {
                if let Some(leg) = self.stream_leg(termination) {
                    tracing::warn!(%leg, ms, "no audio arrives");
                    self.note(now, leg, true, "(no RTP arrives)");
                    self.timers.set(Wake::Silence(termination), now + SILENCE);
                }
            }
            control::Event::RtpResumed { termination } => {
                if let Some(leg) = self.stream_leg(termination) {
                    tracing::info!(%leg, "audio arrives again");
                    self.timers.cancel(&Wake::Silence(termination));
                }
            }
            control::Event::Refused { termination, refusal } => {
                tracing::error!(%termination, ?refusal, "the media engine refused a command");
                let missing = refusal == control::Refusal::UnknownTermination;
                if let Some(leg) = self.stream_leg(termination).filter(|_| missing) {
                    self.stream_refused(now, termination, leg);
                }
            }
            control::Event::Flash { .. } | control::Event::Stats { .. } => {}
        }
    }

    /// Nothing has arrived for long although audio should go both ways: the peer has lost its power or its network.
    pub(crate) fn stream_is_dead(&mut self, now: Instant, termination: TerminationId) {
        let Some(leg) = self.stream_leg(termination) else { return };
        let session = self.sip_leg(leg).and_then(|sip| sip.session);
        if session.is_some_and(|session| self.agent.has_session_timer(session)) {
            // A sign of life may come without audio; without one, the session timer ends the call.
            return;
        }
        let release = Release::new(Cause::RECOVERY_ON_TIMER_EXPIRY, "no audio for five minutes");
        if let Some(session) = session {
            self.end_session(now, leg, session, &release);
        }
        self.leg_says(now, leg, Event::Release(release));
        self.forget_leg(now, leg);
    }

    fn stream_leg(&self, termination: TerminationId) -> Option<LegId> {
        match self.owners.get(&termination)? {
            Owner::Leg(leg) => Some(*leg),
            Owner::Line(_) => None,
        }
    }
}

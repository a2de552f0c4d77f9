//! What the media engine says.

use tipring_call::Event;
use tipring_core::{Instant, LegId};
use tipring_line::MediaInput;
use tipring_media::control;

use crate::gateway::{Gateway, Owner};
use crate::lines::line_digit;

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
                        self.note(now, leg, true, &format!("digit {digit} {ms} ms"));
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
                if let (Some(Owner::Leg(leg)), Some(stats)) = (owner, stats) {
                    self.stream_reported(termination, leg, &stats);
                }
            }
            control::Event::RtpSilent { termination, ms } => {
                if let Some(leg) = self.stream_leg(termination) {
                    tracing::warn!(%leg, ms, "no audio arrives");
                    self.note(now, leg, true, "(no RTP arrives)");
                }
            }
            control::Event::RtpResumed { termination } => {
                if let Some(leg) = self.stream_leg(termination) {
                    tracing::info!(%leg, "audio arrives again");
                }
            }
            control::Event::Refused { termination, refusal } => {
                tracing::error!(%termination, ?refusal, "the media engine refused a command");
            }
            control::Event::Flash { .. } | control::Event::Stats { .. } => {}
        }
    }

    fn stream_leg(&self, termination: tipring_core::TerminationId) -> Option<LegId> {
        match self.owners.get(&termination)? {
            Owner::Leg(leg) => Some(*leg),
            Owner::Line(_) => None,
        }
    }
}

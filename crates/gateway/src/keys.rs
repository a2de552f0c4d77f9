//! Keys and hook flashes between a telephone and a SIP peer, or between two SIP peers.
//!
//! ```text
//! from            to a telephone     to a SIP peer with `Rtp`              to one with `Info`
//! telephone, key  its audio          telephone-event, else its audio       INFO application/dtmf-relay, no audio
//! RTP event       sound              telephone-event, else sound           INFO
//! INFO, key       sound              telephone-event, else sound           INFO
//! flash           –                  INFO application/hook-flash           the same
//! ```
//!
//! RFC 6086 §2 calls this usage of INFO legacy: it has no package, and a peer that does not know it refuses. Then, and
//! before the call is answered, keys go as if by `Rtp`; so does each key whose INFO fails otherwise.

use tipring_call::{Event, Origin};
use tipring_core::{Duration, Instant, LegId, LineId};
use tipring_dsp::dtmf::Digit;
use tipring_media::control::Command;
use tipring_sip::message::Status;
use tipring_sip::session::Signal;

use crate::config::DtmfRelay;
use crate::gateway::Gateway;

/// The shortest key that we send, ms (RFC 4733 §2.5.1.4: 40 ms are heard everywhere).
const SHORTEST_MS: u16 = 40;

impl Gateway {
    /// How who calls from here is told of keys.
    pub(crate) fn dtmf_of(&self, origin: &Origin) -> DtmfRelay {
        match origin {
            Origin::Trunk(name) => {
                let at = self.trunk_by_name(name);
                at.map_or(DtmfRelay::Rtp, |at| self.config.trunks[at].dtmf)
            }
            Origin::User(name) => self.user_dtmf(name),
            Origin::Line(_) | Origin::Span(_) | Origin::Guest => DtmfRelay::Rtp,
        }
    }

    /// How a user of ours is told of keys.
    pub(crate) fn user_dtmf(&self, name: &str) -> DtmfRelay {
        let user = self.config.users.iter().find(|user| user.name == name);
        user.map_or(DtmfRelay::Rtp, |user| user.dtmf)
    }

    /// A key for a SIP leg's peer.
    pub(crate) fn send_digit(&mut self, now: Instant, leg: LegId, digit: char, ms: u16) {
        let Some(digit) = Digit::from_char(digit) else { return };
        let Some(sip) = self.sip_leg(leg) else { return };
        let ms = ms.max(SHORTEST_MS);
        if sip.dtmf == DtmfRelay::Info {
            let duration = Duration::from_millis(ms.into());
            if self.send_signal(now, leg, Signal::Digit { digit: digit.as_char(), duration }) {
                return;
            }
        }
        self.send_event(now, leg, digit, ms);
    }

    /// A key by telephone-event, or as sound where none were agreed.
    fn send_event(&mut self, now: Instant, leg: LegId, digit: Digit, ms: u16) {
        let stream = self.sip_leg(leg).and_then(|sip| sip.stream.as_ref());
        if let Some(termination) = stream.map(|stream| stream.termination) {
            self.media(Command::SendDigit { termination, digit, ms });
            self.note(now, leg, false, format!("digit {}", digit.as_char()));
        }
    }

    /// Sends an INFO; false when there is no answered call to send it in.
    fn send_signal(&mut self, now: Instant, leg: LegId, signal: Signal) -> bool {
        let Some(session) = self.sip_leg(leg).and_then(|sip| sip.session) else { return false };
        let (kind, body) = signal.to_info();
        self.agent.info(now, session, kind, body).is_ok()
    }

    /// The telephone of a line that passes flashes on was flashed. Where no SIP peer is, nobody could make anything of it.
    pub(crate) fn line_flashes(&mut self, now: Instant, id: LineId) {
        let leg = self.line(id).and_then(|line| line.leg);
        if let Some(peer) = leg.and_then(|leg| self.peer_leg(leg)) {
            self.send_signal(now, peer, Signal::Flash);
        }
    }

    /// A key or a flash that an INFO of the peer tells of.
    pub(crate) fn informed(&mut self, now: Instant, leg: LegId, signal: Signal) {
        let Signal::Digit { digit, duration } = signal else {
            // A telephone cannot be flashed; another SIP peer may know what it means.
            if let Some(peer) = self.peer_leg(leg) {
                self.send_signal(now, peer, signal);
            }
            return;
        };
        let Some(digit) = Digit::from_char(digit) else { return };
        let ms = u16::try_from(duration.as_millis()).unwrap_or(u16::MAX);
        match self.peer_channel(leg) {
            // No audio carried it, so that a telephone must be made to hear it.
            Some(termination) => self.media(Command::SendDigit { termination, digit, ms }),
            None => self.leg_says(now, leg, Event::Digit { digit: digit.as_char(), ms }),
        }
    }

    /// The peer's answer to our INFO. A key that it has not taken goes another way, in its turn: those that wait for an
    /// answer are told of in their order, and a new one comes after them.
    pub(crate) fn info_answered(
        &mut self,
        now: Instant,
        leg: LegId,
        status: Status,
        signal: Option<Signal>,
    ) {
        let unknown = [
            Status::METHOD_NOT_ALLOWED,
            Status::UNSUPPORTED_MEDIA_TYPE,
            Status::BAD_INFO_PACKAGE,
            Status::NOT_IMPLEMENTED,
        ];
        let Some(sip) = self.sip_leg(leg) else { return };
        if unknown.contains(&status) && sip.dtmf == DtmfRelay::Info {
            tracing::info!(%leg, status = status.code(), "the peer takes no INFO");
            sip.dtmf = DtmfRelay::Rtp;
            self.refresh_peer_mute(leg);
        }
        if let (Some(Signal::Digit { digit, duration }), false) = (signal, status.is_success())
            && let Some(digit) = Digit::from_char(digit)
        {
            let ms = u16::try_from(duration.as_millis()).unwrap_or(u16::MAX);
            self.send_event(now, leg, digit, ms);
        }
    }
}

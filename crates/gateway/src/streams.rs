//! The RTP streams of SIP legs: port, termination, negotiation.

use std::net::IpAddr;

use tipring_core::TerminationId;
use tipring_dsp::g711::Law;
use tipring_media::control::{self, PayloadTypes, RtpFormat};
use tipring_sdp::{
    Codec, Direction, LocalMedia, OfferAnswer, OfferAnswerError, Plan, Rejection, Session,
};
use tipring_sip::message::{Status, Warning};

/// The payload type under which we offer telephone-events.
pub const TELEPHONE_EVENT: u8 = 101;

/// One RTP stream from its first description to its removal.
#[derive(Debug)]
pub struct Stream {
    /// Its termination in the media engine.
    pub termination: TerminationId,
    /// Its RTP port.
    pub port: u16,
    negotiation: OfferAnswer,
    local: LocalMedia,
}

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadDescription {
    /// It cannot be read: 400.
    Unreadable,
    /// It can be read, but not agreed to: 488, with a Warning.
    Rejected(Rejection),
    /// It answers no offer of ours.
    NoOffer,
}

impl BadDescription {
    /// What a request with it is refused with (RFC 3261 §21.4.1, §21.4.26).
    pub fn status(self) -> Status {
        match self {
            Self::Unreadable | Self::NoOffer => Status::BAD_REQUEST,
            Self::Rejected(_) => Status::NOT_ACCEPTABLE_HERE,
        }
    }

    /// What the Warning of its refusal says (RFC 3261 §20.43).
    pub fn warning(self) -> (u16, String) {
        let miscellaneous = |text: &str| (Warning::MISCELLANEOUS, text.to_owned());
        match self {
            Self::Unreadable => miscellaneous("the description cannot be read"),
            Self::NoOffer => miscellaneous("the description answers no offer"),
            Self::Rejected(reason) => (reason.warning(), reason.to_string()),
        }
    }
}

impl Stream {
    /// A stream that receives at `address`:`port`.
    pub fn new(
        termination: TerminationId,
        address: IpAddr,
        port: u16,
        mut codecs: Vec<Codec>,
        ptime_ms: u8,
        session_id: u64,
    ) -> Self {
        // What the engine does not encode is not offered.
        codecs.retain(|codec| law_of(*codec).is_some());
        let local = LocalMedia {
            codecs,
            telephone_event: Some(TELEPHONE_EVENT),
            ptime_ms,
            ..LocalMedia::new(address, port)
        };
        Self { termination, port, negotiation: OfferAnswer::new(session_id), local }
    }

    /// What was agreed last.
    pub fn plan(&self) -> Option<&Plan> {
        self.negotiation.agreed()
    }

    /// The format to receive with before anything is agreed.
    pub fn first_format(&self) -> RtpFormat {
        let law = self.local.codecs.first().copied().and_then(law_of).unwrap_or(Law::Mu);
        RtpFormat { ptime_ms: self.local.ptime_ms, ..RtpFormat::g711(law, Some(TELEPHONE_EVENT)) }
    }

    /// The format that was agreed.
    pub fn format(&self) -> RtpFormat {
        self.plan().map_or_else(|| self.first_format(), format_of)
    }

    /// What passes by what was agreed; nothing is sent before.
    pub fn direction(&self) -> control::Direction {
        match self.plan().map(|plan| plan.direction) {
            None | Some(Direction::RecvOnly) => control::Direction::RECEIVE_ONLY,
            Some(Direction::SendRecv) => control::Direction::BOTH,
            Some(Direction::SendOnly) => control::Direction::SEND_ONLY,
            Some(Direction::Inactive) => control::Direction::INACTIVE,
        }
    }

    /// The name of the codec that was agreed.
    pub fn codec_name(&self) -> Option<&'static str> {
        Some(self.plan()?.codec.name())
    }

    /// Our next offer; `hold` puts the peer on hold. Whether the peer holds us is for its answer to say: an offer that
    /// took it for granted would leave it no way to let us go, where it has asked for our offer (RFC 6337 §5.3).
    pub fn offer(&mut self, hold: bool) -> Vec<u8> {
        let direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        self.local.direction = direction;
        self.negotiation.offer(&self.local).to_body()
    }

    /// Our answer to the peer's offer.
    pub fn answer(&mut self, offer: &[u8], hold: bool) -> Result<Vec<u8>, BadDescription> {
        let offer = Session::parse(offer).map_err(|_| BadDescription::Unreadable)?;
        self.local.direction = if hold { Direction::SendOnly } else { Direction::SendRecv };
        let (answer, _) =
            self.negotiation.answer(&self.local, &offer).map_err(BadDescription::Rejected)?;
        Ok(answer.to_body())
    }

    /// The peer's answer to our offer.
    pub fn accept_answer(&mut self, answer: &[u8]) -> Result<(), BadDescription> {
        let answer = Session::parse(answer).map_err(|_| BadDescription::Unreadable)?;
        match self.negotiation.accept_answer(&answer) {
            Ok(_) => Ok(()),
            Err(OfferAnswerError::NoOffer) => Err(BadDescription::NoOffer),
            Err(OfferAnswerError::Rejected(reason)) => Err(BadDescription::Rejected(reason)),
        }
    }

    /// Our offer was refused: what was agreed before it holds.
    pub fn withdraw(&mut self) {
        self.negotiation.withdraw();
    }

    /// Whether an offer of ours has no answer yet.
    pub fn is_offering(&self) -> bool {
        self.negotiation.is_offering()
    }

    /// Whether the peer has put us on hold.
    pub fn peer_holds(&self) -> bool {
        self.plan().is_some_and(|plan| plan.held_by_peer)
    }
}

/// How the engine encodes a codec; `None` where it cannot.
fn law_of(codec: Codec) -> Option<Law> {
    match codec {
        Codec::Pcmu => Some(Law::Mu),
        Codec::Pcma => Some(Law::A),
        Codec::G722
        | Codec::G726_16
        | Codec::G726_24
        | Codec::G726_32
        | Codec::G726_40
        | Codec::Aal2G726_16
        | Codec::Aal2G726_24
        | Codec::Aal2G726_32
        | Codec::Aal2G726_40
        | Codec::G729
        | Codec::Opus
        | Codec::Clearmode => None,
    }
}

fn format_of(plan: &Plan) -> RtpFormat {
    let received = plan.receive.payload_type(plan.codec);
    RtpFormat {
        law: law_of(plan.codec).expect("only what the engine encodes is offered and answered"),
        send: PayloadTypes { audio: plan.payload_type, telephone_event: plan.telephone_event },
        receive: PayloadTypes {
            audio: received.unwrap_or(plan.payload_type),
            telephone_event: plan.receive.telephone_event,
        },
        ptime_ms: plan.ptime_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(port: u16, codecs: &[Codec]) -> Stream {
        let address = IpAddr::from([192, 0, 2, 1]);
        Stream::new(TerminationId(1), address, port, codecs.to_vec(), 20, 7)
    }

    #[test]
    fn two_streams_agree_on_the_offerers_first_codec_and_hold() {
        let mut ours = stream(20000, &[Codec::Pcma, Codec::Pcmu]);
        let mut theirs = stream(30000, &[Codec::Pcmu, Codec::Pcma]);
        let offer = ours.offer(false);
        let answer = theirs.answer(&offer, false).expect("common codec");
        ours.accept_answer(&answer).expect("it answers our offer");
        assert_eq!((ours.codec_name(), theirs.codec_name()), (Some("PCMA"), Some("PCMA")));
        assert_eq!(ours.plan().and_then(|p| p.rtp).map(|a| a.port()), Some(30000));
        assert_eq!(ours.direction(), control::Direction::BOTH);
        let offer = ours.offer(true);
        let answer = theirs.answer(&offer, false).expect("hold");
        ours.accept_answer(&answer).expect("hold");
        assert!(theirs.peer_holds() && !ours.peer_holds());
        assert_eq!(theirs.direction(), control::Direction::RECEIVE_ONLY);
        assert_eq!(ours.direction(), control::Direction::SEND_ONLY);
    }

    #[test]
    fn a_peer_that_holds_us_may_let_us_go_by_our_offer() {
        let (mut ours, mut theirs) = (stream(20000, &[Codec::Pcmu]), stream(30000, &[Codec::Pcmu]));
        let offer = theirs.offer(true);
        theirs.accept_answer(&ours.answer(&offer, false).expect("held")).expect("held");
        assert!(ours.peer_holds());
        // It asks for an offer, and answers whether it still holds.
        let answer = theirs.answer(&ours.offer(false), true).expect("still held");
        ours.accept_answer(&answer).expect("still held");
        assert!(ours.peer_holds());
        let answer = theirs.answer(&ours.offer(false), false).expect("resumed");
        ours.accept_answer(&answer).expect("resumed");
        assert!(!ours.peer_holds() && ours.direction() == control::Direction::BOTH);
    }

    #[test]
    fn what_cannot_be_read_and_what_cannot_be_agreed_differ() {
        let mut ours = stream(20000, &[Codec::Pcmu]);
        assert_eq!(ours.answer(b"\xff\xff", false), Err(BadDescription::Unreadable));
        let offer = stream(30000, &[Codec::Pcma]).offer(false);
        assert!(matches!(ours.answer(&offer, false), Err(BadDescription::Rejected(_))));
        assert_eq!(ours.accept_answer(&offer), Err(BadDescription::NoOffer));
    }
}

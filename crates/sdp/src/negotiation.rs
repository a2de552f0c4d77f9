//! What a dialog remembers of its offers and answers (RFC 3264 §8).
//!
//! ```text
//!                  offer()            accept_answer()     answer()          withdraw()
//! no offer of ours → Offered          NoOffer             → Settled         –
//! Offered          → Offered (new)    plan, stays (183    → Settled         → what was before
//!                                     and 200 may both
//!                                     carry the answer)
//! ```

use std::fmt;

use crate::offer::{self, LocalMedia, Plan, Rejection};
use crate::session::{Address, Media, MediaKind, Origin, Session};

/// The offers and answers of one dialog, from our side.
///
/// It numbers our descriptions, keeps the order of `m=` lines and the payload type of telephone-events as the
/// dialog began with them, and remembers what is agreed while a new offer is out.
#[derive(Clone, Debug)]
pub struct OfferAnswer {
    id: u64,
    /// Our last description; `None` before the first.
    sent: Option<Session>,
    /// Our offer that is out, or whose answer is in force.
    ours: Option<Ours>,
    agreed: Option<Plan>,
    telephone_event: Option<u8>,
}

#[derive(Clone, Debug)]
struct Ours {
    local: LocalMedia,
    offer: Session,
    answered: bool,
}

/// Why an answer could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferAnswerError {
    /// No offer of ours is waiting for one.
    NoOffer,
    /// It leaves no way to talk.
    Rejected(Rejection),
}

impl OfferAnswer {
    /// Nothing offered yet. `id` makes our `o=` line unique; any random number serves.
    pub const fn new(id: u64) -> Self {
        // RFC 8866 §5.2 allows any length, but many peers read a signed 64-bit number.
        let id = id >> 2;
        Self { id, sent: None, ours: None, agreed: None, telephone_event: None }
    }

    /// Our offer for an INVITE or re-INVITE. An offer that is out is replaced.
    pub fn offer(&mut self, local: &LocalMedia) -> Session {
        let mut local = local.clone();
        // RFC 3264 §8.3.2: a number keeps its meaning for the life of the dialog.
        local.telephone_event =
            local.telephone_event.map(|own| self.telephone_event.unwrap_or(own));
        let mut offer = offer::offer(self.origin(), &local);
        if let Some(sent) = &self.sent {
            keep_lines(&mut offer, sent);
        }
        let offer = self.number(offer);
        self.telephone_event = self.telephone_event.or(local.telephone_event);
        self.ours = Some(Ours { local, offer: offer.clone(), answered: false });
        offer
    }

    /// Our answer to the peer's offer, and what is agreed by it. On a rejection everything stays as it was.
    pub fn answer(
        &mut self,
        local: &LocalMedia,
        remote: &Session,
    ) -> Result<(Session, Plan), Rejection> {
        let (answer, plan) = offer::answer(self.origin(), local, remote)?;
        let answer = self.number(answer);
        self.telephone_event = self.telephone_event.or(plan.telephone_event);
        self.ours = None;
        self.agreed = Some(plan);
        Ok((answer, plan))
    }

    /// What is agreed by the peer's answer to our offer. A provisional response and the final one may both carry
    /// it; the later counts.
    pub fn accept_answer(&mut self, answer: &Session) -> Result<Plan, OfferAnswerError> {
        let ours = self.ours.as_mut().ok_or(OfferAnswerError::NoOffer)?;
        let plan = offer::accept_answer(&ours.local, &ours.offer, answer)
            .map_err(OfferAnswerError::Rejected)?;
        ours.answered = true;
        self.agreed = Some(plan);
        Ok(plan)
    }

    /// Our offer was refused: what was agreed before stays in force (RFC 3264 §4).
    pub fn withdraw(&mut self) {
        if self.is_offering() {
            self.ours = None;
        }
    }

    /// Whether an offer of ours waits for its answer.
    pub fn is_offering(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| !ours.answered)
    }

    /// What is in force.
    pub fn agreed(&self) -> Option<&Plan> {
        self.agreed.as_ref()
    }

    fn origin(&self) -> Origin {
        let version = self.sent.as_ref().map_or(1, |sent| sent.origin.version);
        Origin {
            user: "-".into(),
            id: self.id,
            version,
            address: Address::Ip(std::net::Ipv4Addr::UNSPECIFIED.into()),
        }
    }

    /// RFC 3264 §8: the version grows by one when anything else has changed, and only then.
    fn number(&mut self, mut session: Session) -> Session {
        if self.sent.as_ref().is_some_and(|sent| *sent != session) {
            session.origin.version += 1;
        }
        self.sent = Some(session.clone());
        session
    }
}

/// RFC 3264 §8: a later offer has every line of the former description, in its place; ours stands where audio was.
fn keep_lines(offer: &mut Session, sent: &Session) {
    let at = sent.media.iter().position(is_live_audio).unwrap_or(0);
    let mut media: Vec<Media> = sent.media.iter().map(Media::refused).collect();
    for (ours, slot) in offer.media.drain(..).zip(media.iter_mut().skip(at)) {
        *slot = ours;
    }
    offer.media = media;
}

fn is_live_audio(media: &Media) -> bool {
    media.kind == MediaKind::Audio && media.port != 0
}

/// `offering`, or what is agreed: `PCMU sendrecv 192.0.2.1:4000`
impl fmt::Display for OfferAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.agreed {
            _ if self.is_offering() => f.write_str("offering"),
            None => f.write_str("nothing agreed"),
            Some(Plan { codec, direction, rtp: Some(rtp), .. }) => {
                write!(f, "{codec} {direction} {rtp}")
            }
            Some(Plan { codec, direction, rtp: None, .. }) => write!(f, "{codec} {direction}"),
        }
    }
}

impl fmt::Display for OfferAnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOffer => f.write_str("an answer came to no offer"),
            Self::Rejected(reason) => reason.fmt(f),
        }
    }
}

impl std::error::Error for OfferAnswerError {}

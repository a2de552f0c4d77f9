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

use crate::address::Address;
use crate::attribute::Attribute;
use crate::media::{Media, MediaKind};
use crate::numbers::Numbers;
use crate::offer::{self, LocalMedia};
use crate::plan::Plan;
use crate::rejection::Rejection;
use crate::session::{Origin, Session};
use crate::text::Text;

/// The offers and answers of one dialog, from our side.
///
/// It numbers our descriptions, keeps the order of `m=` lines and the meaning of payload types as the dialog began
/// with them, and remembers what is agreed while a new offer is out.
#[derive(Clone, Debug)]
pub struct OfferAnswer {
    id: u64,
    /// Our last description; `None` before the first.
    sent: Option<Session>,
    /// Whether that is an offer, which is out or whose answer is in force.
    ours: Option<Ours>,
    agreed: Option<Plan>,
    /// Our lines as they were agreed last, where they are not those of `sent`.
    lines: Option<Vec<Media>>,
    numbers: Numbers,
    /// Which line carries the call.
    slot: usize,
}

#[derive(Clone, Debug)]
struct Ours {
    local: LocalMedia,
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
    pub fn new(id: u64) -> Self {
        // RFC 3264 §5: both numbers fit in 63 bits, and the version has room to grow.
        let id = id >> 2;
        let numbers = Numbers::default();
        Self { id, sent: None, ours: None, agreed: None, lines: None, numbers, slot: 0 }
    }

    /// Our offer for an INVITE or re-INVITE, or for a response to one without. An offer that is out is replaced.
    pub fn offer(&mut self, local: &LocalMedia) -> &Session {
        let audio = offer::offer(local, &mut self.numbers);
        let mut offer = offer::describe(self.origin(), local, local.address);
        offer.media = arrange(self.lines(), self.slot, audio, &local.others);
        self.number(&mut offer);
        // What is agreed stays so until the offer is answered.
        let before = self.sent.replace(offer);
        self.lines.get_or_insert_with(|| before.map_or_else(Vec::new, |before| before.media));
        self.ours = Some(Ours { local: local.clone(), answered: false });
        self.sent.as_ref().expect("it was just put there")
    }

    /// Our answer to the peer's offer, and what is agreed by it. On a rejection everything stays as it was.
    pub fn answer(
        &mut self,
        local: &LocalMedia,
        remote: &Session,
    ) -> Result<(&Session, &Plan), Rejection> {
        self.learn(remote);
        let (mut answer, plan, slot) =
            offer::answer(self.origin(), local, remote, self.slot, &mut self.numbers)?;
        self.number(&mut answer);
        self.slot = slot;
        (self.lines, self.ours) = (None, None);
        Ok((self.sent.insert(answer), self.agreed.insert(plan)))
    }

    /// What is agreed by the peer's answer to our offer. A provisional response and the final one may both carry
    /// it; the later counts.
    pub fn accept_answer(&mut self, answer: &Session) -> Result<&Plan, OfferAnswerError> {
        self.learn(answer);
        let (Some(ours), Some(offer)) = (&mut self.ours, &self.sent) else {
            return Err(OfferAnswerError::NoOffer);
        };
        let plan = offer::accept_answer(&ours.local, offer, self.slot, answer)
            .map_err(OfferAnswerError::Rejected)?;
        ours.answered = true;
        // RFC 3264 §6: a line that was refused is off.
        let refused = |at: usize| answer.media.get(at).is_none_or(|media| media.port == 0);
        let line = |(at, m): (usize, &Media)| if refused(at) { m.refused() } else { m.clone() };
        let any = (0..offer.media.len()).any(refused);
        self.lines = any.then(|| offer.media.iter().enumerate().map(line).collect());
        Ok(self.agreed.insert(plan))
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
        Origin { user: Text::EMPTY, id: self.id, version, address: Address::UNSPECIFIED }
    }

    /// Our lines as they were agreed last.
    fn lines(&self) -> &[Media] {
        match (&self.lines, &self.sent) {
            (Some(lines), _) => lines,
            (None, Some(sent)) => &sent.media,
            (None, None) => &[],
        }
    }

    fn learn(&mut self, remote: &Session) {
        let audio = remote.media.iter().filter(|media| media.kind == MediaKind::Audio);
        audio.for_each(|media| self.numbers.learn(media));
    }

    /// RFC 3264 §8: the version grows by one when anything else has changed, and only then.
    fn number(&self, session: &mut Session) {
        if self.sent.as_ref().is_some_and(|sent| *sent != *session) {
            session.origin.version += 1;
        }
    }
}

/// RFC 3264 §8: a later offer has every line that was agreed before, in its place. Audio stands at `slot`. What else
/// we offer stands where its kind stood, else in a place whose line is off (§8.1), else behind all; what would exceed
/// the most lines that are read is left out.
fn arrange(before: &[Media], slot: usize, audio: Media, others: &[Media]) -> Vec<Media> {
    let mut lines: Vec<Option<Media>> = vec![None; before.len()];
    match lines.get_mut(slot) {
        Some(line) => *line = Some(audio),
        None => lines.push(Some(audio)),
    }
    for media in others {
        let kin = |old: &Media| old.kind == media.kind && old.port != 0;
        let place = |fits: &dyn Fn(&Media) -> bool| {
            let mut places = lines.iter().zip(before);
            places.position(|(line, old)| line.is_none() && fits(old))
        };
        match place(&kin).or_else(|| place(&|old| old.port == 0)) {
            Some(at) => lines[at] = Some(media.clone()),
            None if lines.len() < Session::MAX_MEDIA => lines.push(Some(media.clone())),
            None => {}
        }
    }
    let whole = |(at, line): (usize, Option<Media>)| {
        let old = before.get(at);
        let mut line = line.or_else(|| old.map(Media::refused)).expect("a line is old or new");
        // RFC 5888 §9.1: a stream that goes on keeps its name.
        if let (None, Some(mid)) = (line.mid(), old.and_then(Media::mid)) {
            line.attributes.push(Attribute::Mid(mid.into()));
        }
        line
    };
    lines.into_iter().enumerate().map(whole).collect()
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

//! INFO: keys and hook flashes of old gateways, and packages (RFC 6086).
//!
//! ```text
//! state \ event   the application's   challenge    2xx, other    405, 501: all that wait;   408, 481 and the like,
//!                 INFO                that we      failure       415, 469: those alike      or no answer
//!                                     answer
//! Idle            sent ▸Sent          –            –             –                          –
//! Sent            waits; 32 wait:     sent again   told; next    all told; next ▸Sent,      told; the call ends
//!                 not taken                        ▸Sent, none   none ▸Idle
//!                                                  ▸Idle
//! ```

use std::collections::VecDeque;

use tipring_core::{Duration, Instant};

use super::modify::ends_dialog;
use super::party::Party;
use super::{EndedBy, Failure, Hangup, Purpose, Session, State};
use crate::agent::Output;
use crate::message::{HeaderName, Headers, Method, Request, Response, Status};
use crate::transaction::ServerId;

/// What an INFO without a package tells: what people do at a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A key was pressed.
    Digit {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// For how long; 160 ms where the peer does not say.
        duration: Duration,
    },
    /// The hook was flashed.
    Flash,
}

/// A key press whose length is not told.
const DEFAULT_DURATION: Duration = Duration::from_millis(160);
/// What a telephone can hear and a register will wait for.
const DURATIONS: core::ops::RangeInclusive<u64> = 40..=8191;

impl Signal {
    /// The signal in an INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160`), `application/dtmf` (`5`),
    /// `application/hook-flash`, `application/broadsoft` (`event flashhook`), and a flash by the names that the first two
    /// give it (`!`, 16, `hf`).
    pub fn of_info(headers: &Headers, body: &[u8]) -> Option<Self> {
        let kind = headers.content_type().ok()?;
        let text = std::str::from_utf8(body).ok()?;
        if kind.is("application/hook-flash") {
            return Some(Self::Flash);
        }
        if kind.is("application/broadsoft") {
            let flash = text.trim().to_ascii_lowercase();
            return flash.starts_with("event flashhook").then_some(Self::Flash);
        }
        if kind.is("application/dtmf") {
            return Self::new(text.trim(), DEFAULT_DURATION);
        }
        if !kind.is("application/dtmf-relay") {
            return None;
        }
        let field = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(['=', ':']));
            let found = lines.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let ms = field("Duration").and_then(|ms| ms.parse::<u64>().ok());
        let duration = ms.map(|ms| ms.clamp(*DURATIONS.start(), *DURATIONS.end()));
        let duration = duration.map_or(DEFAULT_DURATION, Duration::from_millis);
        Self::new(field("Signal")?, duration)
    }

    fn new(word: &str, duration: Duration) -> Option<Self> {
        // Events 0 to 16 of RFC 4733 are sent as numbers too.
        let digit = match word.to_ascii_uppercase().as_str() {
            "10" => '*',
            "11" => '#',
            "12" => 'A',
            "13" => 'B',
            "14" => 'C',
            "15" => 'D',
            "!" | "16" | "HF" | "FLASH" => return Some(Self::Flash),
            word => {
                let mut letters = word.chars();
                let digit = letters.next().filter(|digit| "0123456789*#ABCD".contains(*digit))?;
                letters.next().is_none().then_some(digit)?
            }
        };
        Some(Self::Digit { digit, duration })
    }

    /// How an INFO says it: Content-Type and body.
    pub fn to_info(self) -> (&'static str, Vec<u8>) {
        match self {
            Self::Digit { digit, duration } => {
                let text = format!("Signal={digit}\r\nDuration={}\r\n", duration.as_millis());
                ("application/dtmf-relay", text.into_bytes())
            }
            Self::Flash => ("application/hook-flash", b"signal=hf\r\n".to_vec()),
        }
    }
}

impl Session {
    pub(super) fn peer_informs(&mut self, server: ServerId, request: Request) {
        if matches!(self.state, State::Leaving(_) | State::Over) {
            return self.respond_gone(server, &request);
        }
        if let Some(refusal) = self.refuse_info(&request) {
            return self.respond(server, refusal);
        }
        self.respond_status(server, &request, Status::OK);
        let Request { headers, body, .. } = request;
        let signal = Signal::of_info(&headers, &body);
        self.say(Output::Info { session: self.id, signal, headers, body });
    }

    /// The refusal owed to an INFO of a package or with a body that nobody here understands.
    fn refuse_info(&self, request: &Request) -> Option<Response> {
        let config = &self.endpoint.config;
        let refusal = |status| self.endpoint.response(request, status, &self.local_tag);
        if let Some(package) = request.headers.first(&HeaderName::InfoPackage) {
            let name = package.split(';').next().unwrap_or(package).trim();
            let known = config.info_packages.iter().any(|known| known.eq_ignore_ascii_case(name));
            let mut response = refusal(Status::BAD_INFO_PACKAGE);
            response.headers.push(HeaderName::RecvInfo, config.info_packages.join(", "));
            return (!known).then_some(response);
        }
        if request.body.is_empty() {
            return None;
        }
        let kind = request.headers.content_type();
        let known =
            kind.is_ok_and(|kind| config.info_types.iter().any(|accepted| kind.is(accepted)));
        let mut response = refusal(Status::UNSUPPORTED_MEDIA_TYPE);
        response.headers.push(HeaderName::Accept, config.info_types.join(", "));
        (!known).then_some(response)
    }

    /// Sends an INFO, or has it wait for the one before; `None` when too many wait.
    pub(super) fn send_info(&mut self, fork: usize, info: Info) -> Option<()> {
        self.with_party(fork, |session, party| match &mut party.informing {
            None => {
                let sent = session.post_info(party, info);
                let informing = Informing { sent, waiting: VecDeque::new() };
                party.informing = Some(Box::new(informing));
                Some(())
            }
            Some(informing) if informing.waiting.len() < MAX_WAITING => {
                informing.waiting.push_back(info);
                Some(())
            }
            Some(_) => None,
        })
        .flatten()
    }

    fn post_info(&mut self, party: &mut Party, info: Info) -> Request {
        let path = party.dialog.next_hop(&self.endpoint.path);
        let mut request = party.dialog.request(Method::Info);
        if let Some(package) = info.package {
            request.headers.push(HeaderName::InfoPackage, package);
            request.headers.push(HeaderName::ContentDisposition, "info-package");
        }
        request.set_body(&info.content_type, info.body);
        self.send_in_dialog(Purpose::Info, party.fork, path, request.clone());
        request
    }

    pub(super) fn info_answered(&mut self, now: Instant, fork: usize, response: &Response) {
        let status = response.status;
        if status.is_provisional() {
            return;
        }
        let settled = self.with_party(fork, |session, party| session.settle_info(party, response));
        for signal in settled.unwrap_or_default() {
            self.say(Output::InfoAnswered { session: self.id, status, signal });
        }
        if ends_dialog(status) && matches!(self.state, State::Confirmed(_)) {
            self.end(now, Hangup::new(EndedBy::Remote, Vec::new()));
        }
    }

    /// The INFOs that a final response settles, none when it is a challenge that is answered: the one that was sent, and
    /// those that wait and would be refused like it. The next one goes out.
    fn settle_info(&mut self, party: &mut Party, response: &Response) -> Vec<Option<Signal>> {
        let cseq = response.headers.cseq();
        let current = |informing: &mut Box<Informing>| informing.sent.headers.cseq() == cseq;
        let Some(mut informing) = party.informing.take_if(current) else {
            return Vec::new();
        };
        if self.is_worth_repeating(response) {
            let path = party.dialog.next_hop(&self.endpoint.path);
            let number = party.dialog.next_cseq();
            self.repeat(Purpose::Info, party.fork, path, number, &mut informing.sent);
            party.informing = Some(informing);
            return Vec::new();
        }
        let settled = informing.settle(response.status);
        if !ends_dialog(response.status)
            && let Some(next) = informing.waiting.pop_front()
        {
            informing.sent = self.post_info(party, next);
            party.informing = Some(informing);
        }
        settled
    }

    pub(super) fn info_unanswered(&mut self, now: Instant, fork: usize, failure: Failure) {
        let (session, status) = (self.id, failure.status());
        let informing = self.with_party(fork, |_, party| party.informing.take()).flatten();
        let signal = informing.and_then(|informing| signal_of(&informing.sent));
        self.say(Output::InfoAnswered { session, status, signal });
        if matches!(self.state, State::Confirmed(_)) {
            self.end(now, Hangup::new(failure.ended_by(), Vec::new()));
        }
    }
}

/// An INFO to be sent.
#[derive(Debug)]
pub(super) struct Info {
    pub(super) package: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// Our INFOs in one dialog. Over UDP one that is lost comes again after its successor, so the next one waits until the
/// one before is answered.
#[derive(Debug)]
pub(super) struct Informing {
    /// It has no final response. Not signed.
    sent: Request,
    waiting: VecDeque<Info>,
}

impl Informing {
    /// What the one that was sent tells, and those that wait and would be refused for the same reason.
    fn settle(&mut self, status: Status) -> Vec<Option<Signal>> {
        let mut settled = vec![signal_of(&self.sent)];
        let method = matches!(status, Status::METHOD_NOT_ALLOWED | Status::NOT_IMPLEMENTED);
        let kind = matches!(status, Status::UNSUPPORTED_MEDIA_TYPE | Status::BAD_INFO_PACKAGE);
        let headers = &self.sent.headers;
        let package = headers.first(&HeaderName::InfoPackage);
        let content_type = headers.first(&HeaderName::ContentType);
        self.waiting.retain(|info| {
            let alike = info.package.as_deref() == package
                && Some(info.content_type.as_str()) == content_type;
            let refused = method || (kind && alike);
            if refused {
                settled.push(info.signal());
            }
            !refused
        });
        settled
    }
}

impl Info {
    fn signal(&self) -> Option<Signal> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ContentType, &self.content_type);
        Signal::of_info(&headers, &self.body).filter(|_| self.package.is_none())
    }
}

fn signal_of(info: &Request) -> Option<Signal> {
    let package = info.headers.contains(&HeaderName::InfoPackage);
    Signal::of_info(&info.headers, &info.body).filter(|_| !package)
}

/// INFOs that wait in one dialog; further ones are not taken.
const MAX_WAITING: usize = 32;

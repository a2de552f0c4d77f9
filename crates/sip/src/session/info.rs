//! INFO: keys and hook flashes of old gateways, and packages (RFC 6086).

use tipring_core::{Duration, Instant};

use super::modify::ends_dialog;
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

    pub(super) fn send_info(
        &mut self,
        fork: usize,
        package: Option<&str>,
        content_type: &str,
        body: Vec<u8>,
    ) -> Option<()> {
        self.with_party(fork, |session, party| {
            let path = party.dialog.next_hop(&session.endpoint.path);
            let mut info = party.dialog.request(Method::Info);
            if let Some(package) = package {
                info.headers.push(HeaderName::InfoPackage, package);
                info.headers.push(HeaderName::ContentDisposition, "info-package");
            }
            info.set_body(content_type, body);
            party.repeatable = Some(Box::new(info.clone()));
            session.send_in_dialog(Purpose::Info, fork, path, info);
        })
    }

    pub(super) fn info_answered(&mut self, now: Instant, fork: usize, response: &Response) {
        let status = response.status;
        let again = self
            .with_party(fork, |session, party| session.repeated(party, Purpose::Info, response));
        if status.is_provisional() || again == Some(true) {
            return;
        }
        self.say(Output::InfoAnswered { session: self.id, status });
        if ends_dialog(status) && matches!(self.state, State::Confirmed(_)) {
            self.end(now, Hangup::new(EndedBy::Remote, Vec::new()));
        }
    }

    pub(super) fn info_unanswered(&mut self, now: Instant, failure: Failure) {
        self.say(Output::InfoAnswered { session: self.id, status: failure.status() });
        if matches!(self.state, State::Confirmed(_)) {
            self.end(now, Hangup::new(failure.ended_by(), Vec::new()));
        }
    }
}

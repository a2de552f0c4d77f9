//! Servers that did not answer, and are asked whether they are back, so that no call has to find out.
//!
//! A server that is found dead is parked, which [`Output::Parked`] says. Who cares for it asks it by
//! [`UserAgent::probe`] now and then: it stays parked meanwhile, and is not any longer once it answers. After
//! ten minutes a call tries it after all: some servers answer calls alone.

use tipring_core::{Duration, Instant};

use super::{Outgoing, Output, UserAgent};
use crate::message::{HeaderName, Method, NameAddr, Request, Uri};
use crate::transaction::Path;

/// How long a server that is asked stays parked.
const HOLD: Duration = Duration::from_secs(60);

impl UserAgent {
    /// Asks the server at the end of `path`, which did not answer, by OPTIONS; to be called more often than once in 60 s,
    /// lest it be let out unasked. False when it is not parked, or has asked to be left alone itself: there is nothing to
    /// find out then. The answer is also an [`Output::Response`].
    pub fn probe(&mut self, now: Instant, path: &Path) -> bool {
        if !self.locator.hold(now, path, HOLD) {
            return false;
        }
        let place = match &path.domain {
            Some(domain) => domain.to_string(),
            None => path.remote.to_string(),
        };
        let uri = |place: String| Uri::parse(format!("sip:{place}").as_bytes()).ok();
        if let (Some(from), Some(to)) = (uri(path.local.to_string()), uri(place)) {
            let mut request = Request::new(Method::Options, to.clone());
            request.headers.push(HeaderName::From, NameAddr::new(from));
            request.headers.push(HeaderName::To, NameAddr::new(to));
            let others = Vec::new();
            let outgoing = Outgoing { request, path: path.clone(), others, credentials: None };
            self.request_of(now, outgoing, true);
        }
        true
    }

    /// Puts a server aside that did not answer or could not be reached.
    pub(super) fn park(&mut self, now: Instant, path: &Path) {
        if !self.locator.is_parked(now, path) {
            self.locator.note_dead(now, path);
            self.output.push_back(Output::Parked(path.clone()));
        }
    }
}

//! Where a redirection leads, in words that the call passes on (RFC 3261 §21.3).

use std::fmt;

use tipring_sip::message::{NameAddr, Status, Uri};

/// A target, and the proxy that it is to be reached through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirected {
    pub(crate) target: Uri,
    pub(crate) proxy: Option<Uri>,
}

impl Redirected {
    /// What `contacts` of a response with `status` stand for, best first. `tried` ends in the target that was redirected;
    /// proxies are added to it, since none is to be asked twice.
    pub(crate) fn all(status: Status, contacts: Vec<NameAddr>, tried: &mut Vec<Uri>) -> Vec<Self> {
        let contacts = contacts.into_iter().map(|contact| contact.uri);
        match (status, tried.last().cloned()) {
            // Other services are for a person to choose (RFC 3261 §21.3.5).
            (Status::ALTERNATIVE_SERVICE, _) => Vec::new(),
            (Status::USE_PROXY, Some(target)) => {
                let proxies: Vec<_> = contacts.collect();
                tried.extend_from_slice(&proxies);
                let through = |proxy| Self { target: target.clone(), proxy: Some(proxy) };
                proxies.into_iter().map(through).collect()
            }
            _ => contacts.map(|target| Self { target, proxy: None }).collect(),
        }
    }

    /// What [`Display`](fmt::Display) has written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (target, proxy) = match text.split_once(THROUGH) {
            Some((target, proxy)) => (target, Some(Uri::parse(proxy.as_bytes()).ok()?)),
            None => (text, None),
        };
        Some(Self { target: Uri::parse(target.as_bytes()).ok()?, proxy })
    }
}

/// No URI has spaces.
const THROUGH: &str = " through ";

impl fmt::Display for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "{}{THROUGH}{proxy}", self.target),
            None => self.target.fmt(f),
        }
    }
}

//! Following a redirection (RFC 3261 §8.1.3.4, §21.3).
//!
//! The application follows, since only it can resolve names: [`Output::Redirected`](crate::agent::Output::Redirected)
//! gives the contacts best first, [`Invite::redirected`] makes the next call.

use super::Invite;
use crate::message::{Contact, Header, HeaderName, Headers, NameAddr, Response, Status, Uri};
use crate::transaction::Path;

/// Contacts of one redirection that are looked at.
const MAX_CONTACTS: usize = 16;

/// Targets of one call that are tried, all redirections together.
pub const MAX_TRIED: usize = 16;

/// Header fields that a URI may set in the INVITE to it: others could forge who calls or where the call goes
/// (RFC 3261 §19.1.5).
const FROM_URI: &[HeaderName] = &[
    HeaderName::Replaces,
    HeaderName::Join,
    HeaderName::Subject,
    HeaderName::Priority,
    HeaderName::AcceptContact,
    HeaderName::RejectContact,
    HeaderName::RequestDisposition,
    HeaderName::InReplyTo,
];

/// Where a contact of a redirection leads (RFC 3261 §21.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// Who is called.
    pub target: Uri,
    /// The proxy to go through.
    pub proxy: Option<Uri>,
}

impl Redirection {
    /// What `contact` of a response with `status` to a call to `target` stands for: after 305 a proxy on the way to the
    /// same target, else another target. Nothing after 380, which is for a person to read (§21.3.5).
    pub fn new(status: Status, contact: Uri, target: &Uri) -> Option<Self> {
        match status {
            Status::ALTERNATIVE_SERVICE => None,
            Status::USE_PROXY => Some(Self { target: target.clone(), proxy: Some(contact) }),
            _ => Some(Self { target: contact, proxy: None }),
        }
    }

    /// Where the call goes first.
    pub fn next_hop(&self) -> &Uri {
        self.proxy.as_ref().unwrap_or(&self.target)
    }
}

impl Invite {
    /// The call that follows a redirection to `contact`, which is reached by `path`: `self` is the call that was
    /// redirected with `status`, `tried` all that was tried. `None` when that is too much or was tried before.
    ///
    /// After 305 the contact is a proxy to go through, else the new target; header fields in its URI become those of
    /// the INVITE as far as they are harmless. 380 is for a person to read and not followed. The credentials go along
    /// only within the domain of the target that was redirected.
    pub fn redirected(
        &self,
        status: Status,
        contact: &NameAddr,
        path: Path,
        tried: &[Uri],
    ) -> Option<Self> {
        let seen = tried.iter().any(|uri| uri.is_equivalent(&contact.uri));
        if seen || tried.len() >= MAX_TRIED {
            return None;
        }
        let to = Redirection::new(status, contact.uri.clone(), &self.target)?;
        let (others, tried) = (Vec::new(), tried.to_vec());
        let mut next = Self { path, others, tried, ..self.clone() };
        next.credentials.take_if(|_| !is_within(to.next_hop(), &self.target));
        if let Some(proxy) = to.proxy {
            next.route = vec![through(&proxy)?];
            next.tried.push(proxy);
            return Some(next);
        }
        let (target, headers) = uri_and_headers(&to.target);
        next.headers.extend(headers.iter().map(Header::from));
        next.target = target;
        Some(next)
    }
}

/// The entry of Route that leads through `proxy` (RFC 3261 §21.3.4); `None` when that is no SIP URI.
pub fn through(proxy: &Uri) -> Option<NameAddr> {
    let mut proxy = proxy.clone();
    let sip = proxy.as_sip_mut()?;
    sip.clear_headers();
    sip.remove_param("method");
    sip.set_param("lr", None);
    Some(NameAddr::new(proxy))
}

/// Whether the host of `uri` is that of `domain` or a name below it.
pub fn is_within(uri: &Uri, domain: &Uri) -> bool {
    let (Some(host), Some(domain)) = (uri.host(), domain.host()) else {
        return false;
    };
    let (host, domain) = (host.to_string().to_lowercase(), domain.to_string().to_lowercase());
    host == domain || host.strip_suffix(&domain).is_some_and(|below| below.ends_with('.'))
}

/// The request URI that `uri` stands for, and the harmless header fields in it.
pub fn uri_and_headers(uri: &Uri) -> (Uri, Headers) {
    let mut target = uri.clone();
    let mut headers = Headers::new();
    if let Some(sip) = target.as_sip_mut() {
        let mut must_replace = false;
        for (name, value) in sip.headers() {
            let Some(name) = HeaderName::parse(&name) else { continue };
            if FROM_URI.contains(&name) {
                headers.push(name, value);
            } else if name == HeaderName::Require {
                let mut tags = value.split(',');
                must_replace |= tags.any(|tag| tag.trim().eq_ignore_ascii_case("replaces"));
            }
        }
        // RFC 5589 §7.3: who knows no Replaces refuses the call instead of ringing. Nothing else may be required.
        if must_replace && headers.contains(&HeaderName::Replaces) {
            headers.push(HeaderName::Require, "replaces");
        }
        sip.clear_headers();
        sip.remove_param("method");
    }
    (target, headers)
}

/// The contacts of a redirection that were not tried yet, best first.
pub(super) fn untried(response: &Response, tried: &[Uri]) -> Vec<NameAddr> {
    let contacts = response.headers.contacts().unwrap_or_default().into_iter();
    let mut addresses: Vec<_> = contacts
        .take(MAX_CONTACTS)
        .filter_map(|contact| match contact {
            Contact::Address(address) => Some(address),
            Contact::Any => None,
        })
        .filter(|address| !tried.iter().any(|uri| uri.is_equivalent(&address.uri)))
        .collect();
    addresses.sort_by_key(|address| core::cmp::Reverse(address.q_thousandths()));
    addresses.truncate(MAX_TRIED.saturating_sub(tried.len()));
    addresses
}

//! Where redirections lead, in words that the call passes on (RFC 3261 §21.3).

use tipring_sip::message::{NameAddr, Status, Uri};
use tipring_sip::session::Redirection;

/// Where `contacts` of a response with `status` lead, best first. `tried` ends in the target that was redirected;
/// proxies are added to it, since none is to be asked twice.
pub(crate) fn all(
    status: Status,
    contacts: Vec<NameAddr>,
    tried: &mut Vec<Uri>,
) -> Vec<Redirection> {
    let Some(target) = tried.last().cloned() else { return Vec::new() };
    let contacts = contacts.into_iter();
    let found = contacts.filter_map(|contact| Redirection::new(status, contact.uri, &target));
    let found: Vec<_> = found.collect();
    tried.extend(found.iter().filter_map(|to| to.proxy.clone()));
    found
}

/// In words, for [`parse`].
pub(crate) fn words(to: &Redirection) -> String {
    match &to.proxy {
        Some(proxy) => format!("{}{THROUGH}{proxy}", to.target),
        None => to.target.to_string(),
    }
}

/// What [`words`] has written, or a URI.
pub(crate) fn parse(text: &str) -> Option<Redirection> {
    let (target, proxy) = match text.split_once(THROUGH) {
        Some((target, proxy)) => (target, Some(Uri::parse(proxy.as_bytes()).ok()?)),
        None => (text, None),
    };
    Some(Redirection { target: Uri::parse(target.as_bytes()).ok()?, proxy })
}

/// No URI has spaces.
const THROUGH: &str = " through ";

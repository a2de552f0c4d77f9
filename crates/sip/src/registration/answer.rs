//! What a registrar's answer says.

use super::{Binding, MAX_EXPIRES, RegistrationClient};
use crate::message::{Contact, NameAddr, Response, Uri};

/// Proxies of a Service-Route that are taken over; more are nobody's.
const MAX_ROUTES: usize = 16;

impl RegistrationClient {
    /// What a 2xx says of our own Contact (RFC 3261 §10.2.4); those of other devices are listed too.
    pub(super) fn granted(&self, response: &Response) -> Binding {
        let headers = &response.headers;
        let contacts = headers.contacts().unwrap_or_default();
        let own = contacts.iter().find_map(|contact| match contact {
            Contact::Address(address) if self.is_ours(address) => Some(address),
            Contact::Address(_) | Contact::Any => None,
        });
        let expires = own.and_then(NameAddr::expires).or_else(|| headers.expires());
        // RFC 3608 §6.1: without one, requests go out as before. One that cannot be read is as good as none.
        let mut service_route = headers.service_route().unwrap_or_default();
        service_route.truncate(MAX_ROUTES);
        Binding {
            expires: expires.unwrap_or(self.expires).min(MAX_EXPIRES),
            path: self.endpoint.path.clone(),
            service_route,
            pub_gruu: own.and_then(NameAddr::pub_gruu).filter(is_gruu),
            temp_gruu: own.and_then(NameAddr::temp_gruu).filter(is_gruu),
            outbound: headers.requires("outbound"),
            realms: self.login.realms(),
            flow_timer: headers.flow_timer().ok().flatten().filter(|seconds| *seconds > 0),
        }
    }

    /// By instance and reg-id where we have told them, so that a Contact which a server has rewritten is known again;
    /// else by its URI.
    fn is_ours(&self, address: &NameAddr) -> bool {
        let told = self.wanted.instance.as_deref();
        if let (Some(ours), Some(theirs)) = (told, address.instance()) {
            let same_flow = address.reg_id().is_none_or(|reg_id| reg_id == self.wanted.reg_id);
            return ours.eq_ignore_ascii_case(theirs) && same_flow;
        }
        address.uri.is_equivalent(&self.contact(0).uri)
            || address.uri.is_equivalent(&self.endpoint.contact().uri)
    }
}

/// RFC 5627 §6.1: a SIP URI with `gr`.
fn is_gruu(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(|sip| sip.has_param("gr"))
}

/// Where a 3xx sends us: the most welcome Contact that is a SIP URI.
pub(super) fn redirection(response: &Response) -> Option<Uri> {
    let contacts = response.headers.contacts().unwrap_or_default();
    let addresses = contacts.into_iter().filter_map(|contact| match contact {
        Contact::Address(address) if address.uri.as_sip().is_some() => Some(address),
        Contact::Address(_) | Contact::Any => None,
    });
    let best = addresses.min_by_key(|address| core::cmp::Reverse(address.q_thousandths()))?;
    let mut uri = best.uri;
    if let Some(sip) = uri.as_sip_mut() {
        // RFC 3261 §10.2: a REGISTER is addressed to a domain.
        sip.set_user("");
        sip.clear_headers();
    }
    Some(uri)
}

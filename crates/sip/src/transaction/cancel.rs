//! The CANCEL for an INVITE (RFC 3261 §9.1).

use crate::message::{CSeq, HeaderName, Method, Request};

/// Builds it: everything that names the transaction is the INVITE's own, its Via with the branch above all.
pub(crate) fn cancel_for(invite: &Request) -> Request {
    let mut cancel = Request::new(Method::Cancel, invite.uri.clone());
    let headers = &mut cancel.headers;
    if let Some(via) = invite.headers.first(&HeaderName::Via) {
        headers.push(HeaderName::Via, via);
    }
    for name in [
        HeaderName::Route,
        HeaderName::MaxForwards,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
    ] {
        headers.copy_from(&invite.headers, &name);
    }
    let number = invite.headers.cseq().map_or(0, |cseq| cseq.number);
    headers.push(HeaderName::CSeq, CSeq { number, method: Method::Cancel });
    cancel
}

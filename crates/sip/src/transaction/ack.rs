//! The ACK for a non-2xx final response, which belongs to the INVITE transaction.

use crate::message::{CSeq, HeaderName, Method, Request, Response};

/// Leaves of an INVITE what its ACK repeats.
pub(super) fn pare(mut invite: Request) -> Request {
    invite.body = Vec::new();
    invite.headers.keep_only(&[
        HeaderName::Via,
        HeaderName::Route,
        HeaderName::MaxForwards,
        HeaderName::From,
        HeaderName::CallId,
        HeaderName::CSeq,
    ]);
    invite
}

/// Builds it as RFC 3261 §17.1.1.3 says: everything from the INVITE but To, which is the response's.
pub(super) fn for_non_2xx(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    let headers = &mut ack.headers;
    if let Some(via) = invite.headers.first(&HeaderName::Via) {
        headers.push(HeaderName::Via, via);
    }
    headers.copy_from(&invite.headers, &HeaderName::Route);
    headers.copy_from(&invite.headers, &HeaderName::MaxForwards);
    headers.copy_from(&invite.headers, &HeaderName::From);
    headers.copy_from(&response.headers, &HeaderName::To);
    headers.copy_from(&invite.headers, &HeaderName::CallId);
    if let Ok(cseq) = invite.headers.cseq() {
        headers.push(HeaderName::CSeq, CSeq { number: cseq.number, method: Method::Ack });
    }
    ack
}

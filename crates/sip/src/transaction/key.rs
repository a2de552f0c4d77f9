//! What makes two messages parts of one transaction (RFC 3261 §17.1.3, §17.2.3).

use std::borrow::Cow;

use crate::message::{HeaderName, Headers, Host, Method, Request, Response};

/// A client transaction: branch and method of CSeq, which tells a CANCEL from its INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    /// Of a request that is about to be sent; `None` when its top Via has no branch.
    pub fn of_request(request: &Request) -> Option<Self> {
        let branch = branch_of(&request.headers)?;
        Some(Self { branch, method: request.method.clone() })
    }

    /// Of the request that a response answers.
    pub fn of_response(response: &Response) -> Option<Self> {
        let branch = branch_of(&response.headers)?;
        Some(Self { branch, method: response.headers.cseq().ok()?.method })
    }
}

/// A server transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerKey {
    /// By branch, sent-by and method.
    Branch {
        /// The top Via's branch.
        branch: String,
        /// The top Via's sent-by with its port.
        sent_by: (Host, u16),
        /// The method; an ACK counts as INVITE.
        method: Method,
    },
    /// By everything that RFC 2543 had, for a branch without the magic cookie. To's tag stays out: the ACK's is that
    /// of the response, and From's tag, Call-ID and CSeq already tell requests apart.
    Rfc2543 {
        /// Request URI, From tag, Call-ID and the top Via.
        text: String,
        /// The number in CSeq.
        cseq: u32,
        /// The method; an ACK counts as INVITE.
        method: Method,
    },
}

impl ServerKey {
    /// Of a received request; `None` when what it must have is missing.
    pub fn of_request(request: &Request) -> Option<Self> {
        let method = match &request.method {
            Method::Ack => Method::Invite,
            other => other.clone(),
        };
        Self::new(request, method)
    }

    /// Of the INVITE that the CANCEL `request` wants to end (RFC 3261 §9.2).
    pub fn of_cancelled(request: &Request) -> Option<Self> {
        Self::new(request, Method::Invite)
    }

    fn new(request: &Request, method: Method) -> Option<Self> {
        let headers = &request.headers;
        let via = headers.top_raw_via().ok()?;
        if via.has_rfc3261_branch() {
            let sent_by = (Host::parse(via.host).ok()?, via.port_or_default());
            return Some(Self::Branch { branch: via.branch_text()?.into_owned(), sent_by, method });
        }
        let text = format!(
            "{}\n{}\n{}\n{}",
            request.uri,
            headers.from_tag().unwrap_or_default(),
            headers.call_id().ok()?,
            headers.top_via().ok()?,
        );
        Some(Self::Rfc2543 { text, cseq: headers.cseq().ok()?.number, method })
    }
}

fn branch_of(headers: &Headers) -> Option<String> {
    headers.top_raw_via().ok()?.branch_text().map(Cow::into_owned)
}

/// What the copies of a request that a proxy forked have in common (RFC 3261 §8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MergeKey {
    call_id: String,
    from_tag: String,
    cseq: u32,
    method: Method,
}

impl MergeKey {
    /// Of a received request; `None` for one that cannot have been merged: a CANCEL, or one in a dialog.
    pub fn of_request(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        if request.method == Method::Cancel || headers.to_tag().is_some() {
            return None;
        }
        Some(Self {
            call_id: headers.first(&HeaderName::CallId).unwrap_or("").to_owned(),
            from_tag: headers.from_tag().map(Cow::into_owned).unwrap_or_default(),
            cseq: headers.cseq().map_or(0, |cseq| cseq.number),
            method: request.method.clone(),
        })
    }
}

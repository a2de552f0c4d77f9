//! What makes two messages parts of one transaction (RFC 3261 §17.1.3, §17.2.3).

use crate::message::{HeaderName, Method, NameAddr, Request, Response, Via};

/// A client transaction: branch and method of CSeq, which tells a CANCEL from its INVITE.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    /// Of a request that is about to be sent; `None` when its top Via has no branch.
    pub fn of_request(request: &Request) -> Option<Self> {
        let branch = request.headers.top_via().ok()?.branch()?.to_owned();
        Some(Self { branch, method: request.method.clone() })
    }

    /// Of the request that a response answers.
    pub fn of_response(response: &Response) -> Option<Self> {
        let branch = response.headers.top_via().ok()?.branch()?.to_owned();
        Some(Self { branch, method: response.headers.cseq().ok()?.method })
    }
}

/// A server transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerKey {
    /// By branch, sent-by and method.
    Branch {
        /// The top Via's branch.
        branch: String,
        /// The top Via's sent-by with its port.
        sent_by: String,
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
        let via = request.headers.top_via().ok()?;
        if let Some(branch) = via.branch().filter(|_| via.has_rfc3261_branch()) {
            let branch = branch.to_owned();
            return Some(Self::Branch { branch, sent_by: sent_by(&via), method });
        }
        let from = request.headers.from().ok();
        let text = format!(
            "{}\n{}\n{}\n{via}",
            request.uri,
            from.as_ref().and_then(NameAddr::tag).unwrap_or(""),
            request.headers.call_id().ok()?,
        );
        Some(Self::Rfc2543 { text, cseq: request.headers.cseq().ok()?.number, method })
    }
}

fn sent_by(via: &Via) -> String {
    format!("{}:{}", via.host, via.port_or_default())
}

/// What the copies of a request that a proxy forked have in common (RFC 3261 §8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MergeKey {
    call_id: String,
    from_tag: String,
    cseq: u32,
    method: Option<Method>,
}

impl MergeKey {
    /// Of a received request.
    pub fn of_request(request: &Request) -> Self {
        let tag = |address: &NameAddr| address.tag().map(str::to_owned);
        let outside = request.headers.to().is_ok_and(|to| to.tag().is_none());
        let applies = outside && request.method != Method::Cancel;
        Self {
            call_id: request.headers.first(&HeaderName::CallId).unwrap_or("").to_owned(),
            from_tag: request.headers.from().ok().as_ref().and_then(tag).unwrap_or_default(),
            cseq: request.headers.cseq().map_or(0, |cseq| cseq.number),
            method: applies.then(|| request.method.clone()),
        }
    }

    /// Whether the request can have been merged: it is outside any dialog and no CANCEL.
    pub fn applies(&self) -> bool {
        self.method.is_some()
    }
}

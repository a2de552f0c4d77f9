//! Dialogs: what two user agents remember of each other (RFC 3261 §12).
//!
//! A [`Dialog`] has no timer and sends nothing; the session that owns it asks it for requests and lets it judge
//! those that come in.
//!
//! ```text
//! state \ event   2xx (caller), 200 sent (callee)   final failure, BYE
//! Early           ▸Confirmed                        forgotten
//! Confirmed       –                                 forgotten
//! ```

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::message::{
    CSeq, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response, Uri,
};
use crate::transaction::Path;

/// How many Record-Route entries a dialog remembers; the rest of a longer list is ignored.
pub const MAX_ROUTES: usize = 32;

/// What Max-Forwards starts at (RFC 3261 §8.1.1.6).
pub const MAX_FORWARDS: u8 = 70;

/// How far a dialog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogState {
    /// Made by a provisional response.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
}

/// One peer-to-peer relation, seen from our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    state: DialogState,
    call_id: String,
    local: End,
    remote: End,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    target: Uri,
    /// The Contact that says so, where there is one: it is the same in message after message.
    contact: String,
    routes: Vec<NameAddr>,
}

/// One of the two, as From and To name it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    /// The field as it was said first: whoever compares octets finds the same ones again.
    field: String,
    /// Empty when there is none.
    tag: String,
}

impl End {
    fn of(headers: &Headers, name: &HeaderName) -> Result<Self, HeaderError> {
        let (field, tag) = headers.address_and_tag(name)?;
        Ok(Self { field: field.to_owned(), tag: tag.unwrap_or_default().into_owned() })
    }

    /// To of a message, which has `tag` or gets it as in our responses.
    fn of_to(headers: &Headers, tag: &str) -> Result<Self, HeaderError> {
        let mut to = Headers::new();
        to.copy_from(headers, &HeaderName::To);
        to.tag_to(tag);
        let end = Self::of(&to, &HeaderName::To)?;
        if end.tag == tag {
            return Ok(end);
        }
        Ok(Self { field: to.to()?.with_tag(tag).to_string(), tag: tag.to_owned() })
    }
}

/// The request is older than one that was already seen (RFC 3261 §12.2.2: 500).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

impl Dialog {
    /// The caller's side, from its `request` and a 1xx or 2xx to it (RFC 3261 §12.1.2).
    pub fn of_caller(request: &Request, response: &Response) -> Result<Self, HeaderError> {
        let mut dialog = Self {
            state: DialogState::Early,
            call_id: request.headers.call_id()?.to_owned(),
            local: End::of(&request.headers, &HeaderName::From)?,
            remote: End::of(&response.headers, &HeaderName::To)?,
            local_cseq: request.headers.cseq()?.number,
            remote_cseq: None,
            target: request.uri.clone(),
            contact: String::new(),
            routes: Vec::new(),
        };
        dialog.learn(response)?;
        Ok(dialog)
    }

    /// The callee's side, from the INVITE it got and the tag it gives (RFC 3261 §12.1.1). For a caller of RFC 2543,
    /// which needs no Contact there, From is the remote target.
    pub fn of_callee(request: &Request, tag: &str, local_cseq: u32) -> Result<Self, HeaderError> {
        Ok(Self {
            state: DialogState::Early,
            call_id: request.headers.call_id()?.to_owned(),
            local: End::of_to(&request.headers, tag)?,
            remote: End::of(&request.headers, &HeaderName::From)?,
            local_cseq,
            remote_cseq: Some(request.headers.cseq()?.number),
            target: match request.headers.contact() {
                Err(HeaderError::Missing(_)) if is_of_rfc2543(request) => {
                    request.headers.from()?.uri
                }
                contact => contact?.uri,
            },
            contact: String::new(),
            routes: route_set(&request.headers)?,
        })
    }

    /// Takes over what `response` says of route set and remote target; a 2xx confirms (RFC 3261 §13.2.2.4).
    pub fn learn(&mut self, response: &Response) -> Result<(), HeaderError> {
        if response.status.is_success() {
            self.state = DialogState::Confirmed;
        }
        let mut routes = route_set(&response.headers)?;
        routes.reverse();
        self.routes = routes;
        self.refresh_target(&response.headers);
        Ok(())
    }

    /// Confirms the callee's side: a 2xx was sent.
    pub fn confirm(&mut self) {
        self.state = DialogState::Confirmed;
    }

    /// Takes over a Contact, if there is one (a target refresh, RFC 3261 §12.2).
    pub fn refresh_target(&mut self, headers: &Headers) {
        let only = headers.one(&HeaderName::Contact).unwrap_or_default();
        if !only.is_empty() && only == self.contact {
            return;
        }
        if let Ok(contact) = headers.contact()
            && contact.uri.as_sip().is_some()
        {
            self.target = contact.uri;
            only.clone_into(&mut self.contact);
        }
    }

    /// Judges the CSeq of a request that came in, and remembers it.
    pub fn check_cseq(&mut self, number: u32) -> Result<(), OutOfOrder> {
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(number);
        Ok(())
    }

    /// A request in the dialog with the next CSeq, without Via, Contact and body (RFC 3261 §12.2.1.1).
    pub fn request(&mut self, method: Method) -> Request {
        let number = self.next_cseq();
        self.numbered(method, number)
    }

    /// The next CSeq number, for a request that is sent again with credentials.
    pub fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.wrapping_add(1) & (i32::MAX as u32);
        self.local_cseq
    }

    /// The ACK for the 2xx to the INVITE with `cseq` (RFC 3261 §13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Request {
        self.numbered(Method::Ack, cseq)
    }

    fn numbered(&self, method: Method, number: u32) -> Request {
        let (uri, routes) = self.request_uri_and_routes();
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        for route in routes {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        headers.push(HeaderName::From, &self.local.field);
        headers.push(HeaderName::To, &self.remote.field);
        headers.push(HeaderName::CallId, &self.call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method });
        request
    }

    fn request_uri_and_routes(&self) -> (Uri, Vec<NameAddr>) {
        match self.routes.split_first() {
            Some((first, rest)) if !first.uri.is_loose_router() => {
                // A strict router of RFC 2543 wants to be the request URI; the target goes last.
                let mut routes = rest.to_vec();
                routes.push(NameAddr::new(self.target.clone()));
                let mut uri = first.uri.clone();
                if let Some(sip) = uri.as_sip_mut() {
                    sip.clear_headers();
                    sip.remove_param("method");
                }
                (uri, routes)
            }
            Some(_) | None => (self.target.clone(), self.routes.clone()),
        }
    }

    /// Where the next request goes when `path` is where the peer's last message came from.
    ///
    /// An address in the first route or the target is followed. A name is not resolved here, and a private address
    /// behind a public one does not lead anywhere: the way the peer's message came is then taken back.
    pub fn next_hop(&self, path: &Path) -> Path {
        let uri = self.routes.first().map_or(&self.target, |route| &route.uri);
        let Some(address) = uri.host().and_then(|host| host.address()) else {
            return path.clone();
        };
        let transport = uri.transport().unwrap_or(path.transport);
        let unreachable = is_private(address) && !is_private(path.remote.ip());
        let foreign = address.is_ipv4() != path.local.is_ipv4() || address.is_unspecified();
        if unreachable || foreign || transport != path.transport {
            return path.clone();
        }
        let port = uri.port().unwrap_or_else(|| transport.default_port());
        let remote = SocketAddr::new(address, port);
        // The connection in use is as good as any other to the same host.
        let flow = path.flow.filter(|_| address == path.remote.ip());
        // So is who was proven to be there.
        let domain = path.domain.clone().filter(|_| address == path.remote.ip());
        Path { remote, flow, domain, ..*path }
    }

    /// Whether a message with this Call-ID and these tags belongs to the dialog. Missing tags are those of RFC 2543.
    pub fn matches(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag() == local_tag && self.remote_tag() == remote_tag
    }

    /// Early or confirmed.
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// Our tag.
    pub fn local_tag(&self) -> &str {
        &self.local.tag
    }

    /// The peer's tag; empty when it gave none.
    pub fn remote_tag(&self) -> &str {
        &self.remote.tag
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Where requests are addressed to.
    pub fn target(&self) -> &Uri {
        &self.target
    }
}

fn is_of_rfc2543(request: &Request) -> bool {
    request.headers.top_via().is_ok_and(|via| !via.has_rfc3261_branch())
}

fn route_set(headers: &Headers) -> Result<Vec<NameAddr>, HeaderError> {
    let mut routes = headers.addresses(HeaderName::RecordRoute)?;
    routes.truncate(MAX_ROUTES);
    Ok(routes)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// `dialog Early a84b4c76 local 1928301774 remote 314159`
impl fmt::Display for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "dialog {:?} {} local {} remote {}",
            self.state,
            self.call_id,
            self.local_tag(),
            self.remote_tag()
        )
    }
}

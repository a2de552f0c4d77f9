//! What a user agent is told when it is made.

use std::net::SocketAddr;

use crate::message::Method;
use crate::transaction::TimerValues;

/// The settings of a [`UserAgent`](super::UserAgent).
#[derive(Clone, Debug)]
pub struct UaConfig {
    /// The product in `User-Agent` and `Server`; empty to leave them out.
    pub product: String,
    /// The transaction timers' values, and timer C.
    pub timers: TimerValues,
    /// The address that Via and Contact name instead of the local one (a port forwarded by a NAT).
    pub advertised: Option<SocketAddr>,
    /// Methods besides those of a session that the application answers: they are surfaced as
    /// [`Output::Request`](super::Output::Request) and listed in `Allow`.
    pub allow: Vec<Method>,
    /// Option tags that the application understands; any other in a `Require` is refused with 420.
    pub supported: Vec<String>,
    /// Content types that an INVITE may carry; others are refused with 415.
    pub accept: Vec<String>,
    /// Most client transactions at a time, and most server transactions.
    pub max_transactions: usize,
    /// Most INVITE sessions at a time.
    pub max_sessions: usize,
}

impl Default for UaConfig {
    fn default() -> Self {
        Self {
            product: format!("tipring/{}", env!("CARGO_PKG_VERSION")),
            timers: TimerValues::default(),
            advertised: None,
            allow: vec![Method::Options],
            supported: Vec::new(),
            accept: vec!["application/sdp".to_owned()],
            max_transactions: 65_536,
            max_sessions: 8_192,
        }
    }
}

impl UaConfig {
    /// The address that Via and Contact name for the socket `local`.
    pub fn sent_by(&self, local: SocketAddr) -> SocketAddr {
        self.advertised.unwrap_or(local)
    }

    /// Whether requests with `method` are answered at all, by this stack or by the application.
    pub fn allows(&self, method: &Method) -> bool {
        SESSION_METHODS.contains(method) || self.allow.contains(method)
    }

    /// The value of `Allow`.
    pub fn allow_value(&self) -> String {
        let extra = self.allow.iter().filter(|method| !SESSION_METHODS.contains(method));
        let names: Vec<_> = SESSION_METHODS.iter().chain(extra).map(Method::as_str).collect();
        names.join(", ")
    }
}

/// What sessions need (RFC 3261, RFC 3311, RFC 6086).
const SESSION_METHODS: &[Method] = &[
    Method::Invite,
    Method::Ack,
    Method::Cancel,
    Method::Bye,
    Method::Options,
    Method::Info,
    Method::Update,
];

//! What a user agent is told when it is made.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

use crate::locate::Reach;
use crate::message::{HeaderName, Headers, Method, SessionExpires};
use crate::subscription::Package;
use crate::transaction::TimerValues;

/// The settings of a [`UserAgent`](super::UserAgent).
#[derive(Clone, Debug)]
pub struct UaConfig {
    /// The product in `User-Agent` and `Server`; empty to leave them out.
    pub product: String,
    /// The transaction timers' values, and timer C.
    pub timers: TimerValues,
    /// Our sockets: what names are located for, and what requests to them are sent from.
    pub reach: Reach,
    /// The addresses that Via and Contact name instead of the local ones, one of a family (ports forwarded by a NAT).
    pub advertised: Vec<IpAddr>,
    /// Methods besides those of a session that the application answers: they are surfaced as
    /// [`Output::Request`](super::Output::Request) and listed in `Allow`.
    pub allow: Vec<Method>,
    /// Option tags that the application understands beside those of this stack; any other in a `Require` is refused
    /// with 420.
    pub supported: Vec<String>,
    /// Content types that an INVITE may carry; others are refused with 415.
    pub accept: Vec<String>,
    /// How provisional responses are sent, ours and the peer's (RFC 3262).
    pub reliability: Reliability,
    /// Session timers (RFC 4028); `None` has none and says so.
    pub session_timer: Option<SessionTimers>,
    /// Who may ask us to call somebody (RFC 3515).
    pub refer: ReferPolicy,
    /// Whether a call may take the place of another (RFC 3891).
    pub replaces: bool,
    /// INFO packages that the application takes, `Recv-Info` (RFC 6086); others get 469.
    pub info_packages: Vec<String>,
    /// Content types that an INFO without a package may carry; others get 415.
    pub info_types: Vec<String>,
    /// Event packages that the application notifies of, `Allow-Events`; SUBSCRIBE to them is surfaced as
    /// [`Output::Subscribe`](super::Output::Subscribe), to others refused with 489. With none, and no
    /// transfers, SUBSCRIBE is refused with 405.
    pub packages: Vec<Package>,
    /// Content types that a MESSAGE may carry; others are refused with 415. With none the application decides.
    pub message_types: Vec<String>,
    /// Most client transactions at a time, and most server transactions.
    pub max_transactions: usize,
    /// Most INVITE sessions at a time, without those that are over.
    pub max_sessions: usize,
    /// Most INVITE sessions of ours at a time that are over, and wait for 64·T1 for answers that come again (RFC 6026).
    /// For one more, that which began first is forgotten.
    pub max_lingering: usize,
    /// Most subscriptions of ours, most of peers, and most publications at a time.
    pub max_subscriptions: usize,
}

impl Default for UaConfig {
    fn default() -> Self {
        Self {
            product: format!("tipring/{}", env!("CARGO_PKG_VERSION")),
            timers: TimerValues::default(),
            reach: Reach::default(),
            advertised: Vec::new(),
            allow: vec![Method::Options],
            supported: Vec::new(),
            accept: vec!["application/sdp".to_owned()],
            reliability: Reliability::Supported,
            session_timer: Some(SessionTimers::default()),
            refer: ReferPolicy::InDialog,
            replaces: true,
            info_packages: Vec::new(),
            info_types: INFO_TYPES.iter().map(|kind| (*kind).to_owned()).collect(),
            max_transactions: 65_536,
            max_sessions: 8_192,
            max_lingering: 32_768,
            packages: Vec::new(),
            message_types: Vec::new(),
            max_subscriptions: 8_192,
        }
    }
}

/// Whether provisional responses are acknowledged (RFC 3262).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// Never; a peer that requires it is refused with 420.
    Off,
    /// Where the peer requires it, and where it can and there is a session description to be sent.
    Supported,
    /// Always; a caller that cannot is refused with 421.
    Required,
}

/// Session timers as we want them (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimers {
    /// The interval that we ask for, seconds; at least `min_se_s`.
    pub expires_s: u32,
    /// The shortest that we take, seconds; at least 90.
    pub min_se_s: u32,
    /// Whether we refresh where the choice is ours, as a callee.
    pub refresh: bool,
}

impl Default for SessionTimers {
    fn default() -> Self {
        Self {
            expires_s: SessionExpires::DEFAULT_SECONDS,
            min_se_s: SessionExpires::MIN_SECONDS,
            refresh: false,
        }
    }
}

/// Whose REFER is surfaced as [`Output::Refer`](super::Output::Refer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferPolicy {
    /// Nobody's: 405.
    Refuse,
    /// That of a peer in a call, or of one that names a call of ours in Target-Dialog (RFC 4538); 403 to others.
    InDialog,
    /// Everybody's. The application must know whom it trusts: a REFER makes us call.
    Anywhere,
}

impl UaConfig {
    /// The address that Via and Contact name for the socket `local`.
    pub fn sent_by(&self, local: SocketAddr) -> SocketAddr {
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == local.is_ipv4();
        let advertised = self.advertised.iter().find(same_family);
        SocketAddr::new(advertised.copied().unwrap_or_else(|| local.ip()), local.port())
    }

    /// Whether requests with `method` are answered at all, by this stack or by the application.
    pub fn allows(&self, method: &Method) -> bool {
        self.session_methods().any(|known| known == method) || self.allow.contains(method)
    }

    /// The value of `Allow`.
    pub fn allow_value(&self) -> impl fmt::Display {
        let ours = self.session_methods();
        let known = ours.clone();
        let more = self.allow.iter().filter(move |method| !known.clone().any(|own| own == *method));
        Commas(ours.chain(more).map(Method::as_str))
    }

    fn session_methods(&self) -> impl Iterator<Item = &Method> + Clone {
        let reliable = self.reliability != Reliability::Off;
        let prack = PRACK.iter().filter(move |_| reliable);
        let transfers = self.refer != ReferPolicy::Refuse;
        let refer = REFER.iter().filter(move |_| transfers);
        let subscribe = SUBSCRIBE.iter().filter(move |_| transfers || !self.packages.is_empty());
        SESSION_METHODS.iter().chain(prack).chain(refer).chain(subscribe)
    }

    /// The option tags that we understand.
    pub fn option_tags(&self) -> impl Iterator<Item = &str> + Clone {
        let transfers = self.refer != ReferPolicy::Refuse;
        let own = [
            ("100rel", self.reliability != Reliability::Off),
            ("timer", self.session_timer.is_some()),
            ("replaces", self.replaces),
            ("norefersub", transfers),
            ("tdialog", transfers),
            ("199", true),
        ];
        let own = own.into_iter().filter(|(_, known)| *known).map(|(tag, _)| tag);
        own.chain(self.supported.iter().map(String::as_str))
    }

    /// Whether we understand the option `tag`.
    pub fn supports(&self, tag: &str) -> bool {
        self.option_tags().any(|known| known.eq_ignore_ascii_case(tag))
    }

    pub(crate) fn requires_reliability(&self) -> bool {
        self.reliability == Reliability::Required
    }

    /// The value of `Accept`: what an INVITE may carry, by itself or as a part.
    pub(crate) fn accept_value(&self) -> impl fmt::Display {
        Commas(self.accept.iter().map(String::as_str).chain(MULTIPARTS.iter().copied()))
    }

    /// What we can do: Allow, Supported, Recv-Info, Accept, Accept-Encoding, Allow-Events.
    fn capabilities(&self) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::Allow, self.allow_value());
        headers.push(HeaderName::Supported, Commas(self.option_tags()));
        if !self.info_packages.is_empty() {
            headers.push(HeaderName::RecvInfo, self.info_packages.join(", "));
        }
        headers.push(HeaderName::Accept, self.accept_value());
        headers.push(HeaderName::AcceptEncoding, "identity");
        let events = self.allow_events_value();
        if !events.is_empty() {
            headers.push(HeaderName::AllowEvents, events);
        }
        headers
    }
}

/// The settings of a user agent that runs, and what its messages say of them, printed once.
#[derive(Debug)]
pub(crate) struct Settings {
    config: UaConfig,
    capabilities: Headers,
}

impl Settings {
    pub(crate) fn new(config: UaConfig) -> Self {
        Self { capabilities: config.capabilities(), config }
    }

    /// What we can do, for the answer to OPTIONS (RFC 3261 §11.2): Allow, Supported, Accept, Accept-Encoding,
    /// Allow-Events, Recv-Info.
    pub(crate) fn tell_capabilities(&self, headers: &mut Headers) {
        self.announce(headers);
        for name in [HeaderName::Accept, HeaderName::AcceptEncoding, HeaderName::AllowEvents] {
            self.tell(headers, &name);
        }
    }

    /// Allow, Supported and Recv-Info: what INVITE, UPDATE, OPTIONS and their 2xx carry.
    pub(crate) fn announce(&self, headers: &mut Headers) {
        for name in [HeaderName::Allow, HeaderName::Supported, HeaderName::RecvInfo] {
            self.tell(headers, &name);
        }
    }

    fn tell(&self, headers: &mut Headers, name: &HeaderName) {
        headers.remove(name);
        headers.copy_from(&self.capabilities, name);
    }
}

impl Deref for Settings {
    type Target = UaConfig;

    fn deref(&self) -> &UaConfig {
        &self.config
    }
}

/// Words with commas between them.
struct Commas<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Commas<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().enumerate().try_for_each(|(place, word)| {
            f.write_str(if place > 0 { ", " } else { "" })?;
            f.write_str(word)
        })
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
    // Transfers that we asked for and subscriptions of ours are told so.
    Method::Notify,
];
/// Bodies whose parts are looked into (RFC 5621).
const MULTIPARTS: &[&str] = &["multipart/mixed", "multipart/alternative", "multipart/related"];
const PRACK: &[Method] = &[Method::Prack];
const REFER: &[Method] = &[Method::Refer];
/// To packages, and to transfers in the dialog of their REFER.
const SUBSCRIBE: &[Method] = &[Method::Subscribe];

/// What telephones and gateways send without a package.
const INFO_TYPES: &[&str] = &[
    "application/dtmf-relay",
    "application/dtmf",
    "application/hook-flash",
    "application/broadsoft",
];

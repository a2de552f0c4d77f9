//! What a gateway is told when it is made. The program reads it from a file; tests write it down.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use tipring_call::{CallConfig, Rule, WallClock};
use tipring_core::{CardId, Duration, Number, PortNumber};

// What the settings are made of, so that a shell need not know the rooms below.
pub use tipring_dsp::echo::Tail;
pub use tipring_line::{Country, FxsConfig, Hotline};
pub use tipring_sdp::Codec;
pub use tipring_sip::agent::{Reliability, SessionTimers};
pub use tipring_sip::digest::{Account, Algorithm, Secret};
pub use tipring_sip::message::{Transport, Uri};
pub use tipring_sip::transport::FlowLimits;
pub use tipring_sip_server::Config as RegistrarConfig;

/// Everything that a gateway needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Tones, ringing and caller ID of the lines that say nothing else.
    pub country: &'static Country,
    /// The SIP side.
    pub sip: SipConfig,
    /// How many cards there are; their names, for ladders and logs.
    pub cards: Vec<String>,
    /// The analog lines; a line's id is its place here.
    pub lines: Vec<LineConfig>,
    /// The accounts of the embedded SIP server.
    pub users: Vec<UserConfig>,
    /// SIP peers and providers.
    pub trunks: Vec<TrunkConfig>,
    /// Routing rules, first match first.
    pub rules: Vec<Rule>,
    /// Names of groups and the lines they hunt through.
    pub groups: Vec<(String, Vec<String>)>,
    /// Timers of calls.
    pub call: CallConfig,
    /// What the origin of time is in the calendar.
    pub wall: WallClock,
}

/// The SIP side.
#[derive(Clone, Debug, PartialEq)]
pub struct SipConfig {
    /// Where it listens; the first of a transport and address family is used for what we send.
    pub listen: Vec<(Transport, SocketAddr)>,
    /// Where connections are made from over transports that nothing listens on, at port 0: for TLS to providers without
    /// a certificate of our own. The shell fills it in.
    pub connect_from: Vec<(Transport, SocketAddr)>,
    /// The domain that the registrar serves; also the realm of its challenges.
    pub domain: String,
    /// How long registrations last.
    pub registrar: RegistrarConfig,
    /// Even ports are used for RTP, the odd ones above for RTCP.
    pub rtp_ports: RangeInclusive<u16>,
    /// The addresses that SIP and SDP name instead of the listening ones, one of a family.
    pub advertise: Vec<IpAddr>,
    /// How much room connections get, and how much time.
    pub flows: FlowLimits,
    /// Codecs, the best first.
    pub codecs: Vec<Codec>,
    /// Milliseconds of audio in a packet that we like, 10 to 60.
    pub ptime_ms: u8,
    /// Session timers; `None` has none.
    pub session_timer: Option<SessionTimers>,
    /// Whether provisional responses are acknowledged.
    pub reliability: Reliability,
}

impl SipConfig {
    /// The address that peers reach the socket at `local` by.
    pub fn address_of(&self, local: SocketAddr) -> IpAddr {
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == local.is_ipv4();
        self.advertise.iter().find(same_family).copied().unwrap_or_else(|| local.ip())
    }
}

/// One analog line.
#[derive(Clone, Debug)]
pub struct LineConfig {
    /// What all other places call it.
    pub name: String,
    /// Its card.
    pub card: CardId,
    /// Its port there.
    pub port: PortNumber,
    /// What it is reached by.
    pub number: Option<Number>,
    /// The name shown to those it calls.
    pub caller_name: Option<String>,
    /// The echo path that is cancelled: what the card and its chips add, and the line's own.
    pub echo: Option<Tail>,
    /// How the port behaves.
    pub fxs: FxsConfig,
}

/// An account of the embedded SIP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserConfig {
    /// Its name: the user part of its address.
    pub name: String,
    /// What proves it.
    pub secret: Secret,
    /// How it is told of keys.
    pub dtmf: DtmfRelay,
}

/// How a SIP peer is told of keys that are pressed in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DtmfRelay {
    /// As events in RTP where both sides take them (RFC 4733), else as sound.
    #[default]
    Rtp,
    /// By INFO with `application/dtmf-relay`; as above until the call is answered, and once the peer has refused one.
    Info,
}

/// A SIP peer or provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkConfig {
    /// What all other places call it.
    pub name: String,
    /// Its address.
    pub uri: Uri,
    /// The proxies that requests to it pass, each its own; of those that we register by there is a flow by each
    /// (RFC 5626), and calls take the first that is there.
    pub proxies: Vec<Uri>,
    /// Whether we register there.
    pub register: bool,
    /// Which device we are, for ever: `urn:uuid:` and a UUID. With it we ask for outbound and GRUUs.
    pub instance: Option<String>,
    /// How often line ends keep a NAT open while we are registered over UDP; `None` for never.
    pub keep_alive: Option<Duration>,
    /// The account there.
    pub account: Option<Account>,
    /// Whether it is believed who calls (P-Asserted-Identity), and told so (RFC 3325).
    pub trusted: bool,
    /// How it is told of keys.
    pub dtmf: DtmfRelay,
}

//! The configuration file: TOML in, a [`Config`] that cannot be wrong out, or every problem with its place.
//!
//! ```text
//! text ─ toml ─► tables with spans ─ section ─► values ─ read ─► names resolved ─► Config
//!                        └──────────────┴──────────────────┴──► problems ─► Report
//! ```
//!
//! Keys are documented in `docs/CONFIG.md`; `docs/tipring.example.toml` holds each of them.

mod instance;
mod names;
mod problem;
mod read;
mod section;
mod tls;
mod translate;
mod value;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use tipring_call::{Directory, RoutePlan, Rule, Target};
use tipring_core::{CardId, Duration, Number, PortNumber};
use tipring_gateway::config::{Algorithm, DtmfRelay, Reliability, Tail};
use tipring_line::country::Country;
use tipring_runtime::tls::TlsFiles;

pub use problem::{Position, Problem, Report, closest};
pub use section::Fault;
pub use tipring_gateway::config::Transport;
pub use value::{CardSpec, Codec, Device, Listen, PortKind, PortRange, TrunkUri, card_spec};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[gateway]`
    pub gateway: Gateway,
    /// `[sip]`
    pub sip: Sip,
    /// `[web]` `listen`; `None` is off.
    pub web: Option<SocketAddr>,
    /// `[cdr]` `path`; `None` is off.
    pub cdr: Option<PathBuf>,
    /// `[[card]]`, by [`CardId`].
    pub cards: Vec<Card>,
    /// `[[line]]`, by `LineId`.
    pub lines: Vec<Line>,
    /// `[[span]]`, by `LineId` counted on from the lines.
    pub spans: Vec<Span>,
    /// `[[user]]`
    pub users: Vec<User>,
    /// `[[trunk]]`
    pub trunks: Vec<Trunk>,
    /// `[[group]]`
    pub groups: Vec<Group>,
    /// `[[route]]`, in order.
    pub routes: Vec<Rule>,
    /// What is valid but does not do what was probably meant, or is not served by this version: sentences.
    pub notes: Vec<String>,
}

/// `[gateway]`
#[derive(Clone, Debug)]
pub struct Gateway {
    /// `country`
    pub country: &'static Country,
    /// `first_digit_seconds`: dial tone without a digit.
    pub first_digit: Duration,
    /// `next_digit_seconds`: a pause while the number is incomplete.
    pub next_digit: Duration,
    /// `matched_digit_seconds`: a pause after a number that could be longer.
    pub after_match: Duration,
    /// `no_answer_seconds`: how long anybody rings.
    pub no_answer: Duration,
    /// `hunt_seconds`: how long one line of a group rings before the next.
    pub hunt: Duration,
    /// `release_tone_seconds`: busy or congestion tone before the howler.
    pub release_tone: Duration,
    /// `howler_seconds`: the howler before lock-out.
    pub howler: Duration,
    /// `drain_seconds`: how long calls may go on once the program is told to leave.
    pub drain: Duration,
}

/// `[sip]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// `listen`; at least one.
    pub listen: Vec<Listen>,
    /// `advertise`: the addresses put into SIP and SDP instead of the local ones, one of a family.
    pub advertise: Vec<IpAddr>,
    /// `domain`; `None` serves whatever is asked for.
    pub domain: Option<String>,
    /// `rtp_ports`
    pub rtp_ports: PortRange,
    /// `codecs`, the best first; at least one.
    pub codecs: Vec<Codec>,
    /// `ptime_ms`: 10, 20, 30, 40 or 60.
    pub ptime_ms: u8,
    /// `session_expires_seconds`: the interval of session timers that we ask for; `None` switches them off.
    pub session_expires_s: Option<u32>,
    /// `min_se_seconds`: the shortest interval that we take.
    pub min_se_s: u32,
    /// `reliable`: whether provisional responses are acknowledged.
    pub reliable: Reliability,
    /// `[sip.tls]`
    pub tls: TlsFiles,
    /// `ws_origins`: where the pages must be from that connect by WebSocket; none for anywhere.
    pub ws_origins: Vec<String>,
    /// `max_connections`: with all SIP peers together.
    pub max_connections: usize,
    /// `max_connections_per_address`: with one of them.
    pub max_connections_per_address: usize,
    /// `min_expires_seconds`: shorter registrations are refused.
    pub min_expires: Duration,
    /// `max_expires_seconds`: longer registrations are shortened.
    pub max_expires: Duration,
    /// `dns`: the name servers that are asked; none for those of the operating system.
    pub dns: Vec<SocketAddr>,
    /// `digest`: the hashes that challenges offer, the preferred first; at least one.
    pub digest: Vec<Algorithm>,
}

/// `[[card]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// `name`
    pub name: String,
    /// `device`
    pub device: Device,
}

/// `[[line]]`: an analog port.
#[derive(Clone, Debug)]
pub struct Line {
    /// `name`
    pub name: String,
    /// `card`
    pub card: CardId,
    /// `port`
    pub port: PortNumber,
    /// `number`
    pub number: Option<Number>,
    /// `caller_name`
    pub caller_name: Option<String>,
    /// `flash`: whether a hook flash is passed on to the peer, instead of holding it.
    pub relay_flash: bool,
    /// `hotline`
    pub hotline: Option<Number>,
    /// `warmline_seconds`: how long there is to dial something else than the hotline; none is at once.
    pub warmline: Option<Duration>,
    /// `caller_id`: whether the telephone is shown who calls.
    pub caller_id: bool,
    /// `echo_canceller_ms`
    pub echo: Option<Tail>,
    /// `country`, else the gateway's.
    pub country: &'static Country,
}

/// `[[span]]`: an ISDN port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// `name`
    pub name: String,
    /// `card`
    pub card: CardId,
    /// `port`
    pub port: PortNumber,
    /// `side`
    pub side: Side,
    /// `switch`
    pub switch: Switch,
    /// `mode`
    pub mode: Mode,
}

/// Which side of an ISDN interface we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The exchange.
    Network,
    /// The terminal.
    User,
}

/// The dialect of an ISDN interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// ETSI DSS1.
    EuroIsdn,
    /// National ISDN 2.
    Ni2,
    /// QSIG.
    Qsig,
}

/// How many terminals an ISDN interface has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Point to multipoint.
    Ptmp,
    /// Point to point.
    Ptp,
}

/// `[[user]]`: an account of the embedded SIP server.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// `name`: also the number it is reached by.
    pub name: Number,
    /// What it proves who it is with.
    pub secret: UserSecret,
    /// `dtmf`: how it is told of keys.
    pub dtmf: DtmfRelay,
}

/// What a user proves who it is with.
#[derive(Clone, PartialEq, Eq)]
pub enum UserSecret {
    /// `password`
    Password(String),
    /// `ha1`: MD5 of name, domain and password, 32 lower-case hexadecimal digits.
    Ha1(String),
    /// `ha1_sha256`: SHA-256 of the same, 64 digits.
    Ha1Sha256(String),
}

/// `[[trunk]]`: a SIP peer or provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Trunk {
    /// `name`
    pub name: String,
    /// `uri`
    pub uri: TrunkUri,
    /// `proxy`: what everything to it passes; of several each is a way of its own.
    pub proxies: Vec<TrunkUri>,
    /// `register`
    pub register: bool,
    /// `outbound`: whether outbound and GRUUs are asked for (RFC 5626, RFC 5627).
    pub outbound: bool,
    /// `keep_alive_seconds`: how often line ends keep a NAT open over UDP; `None` for never.
    pub keep_alive: Option<Duration>,
    /// `username`
    pub username: Option<String>,
    /// `password`
    pub password: Option<String>,
    /// `realm`: the realms that are answered; with none, those that the registrar asks for.
    pub realms: Vec<String>,
    /// `trusted`: whether it is believed who calls.
    pub trusted: bool,
    /// `dtmf`: how it is told of keys.
    pub dtmf: DtmfRelay,
}

/// `[[group]]`: lines that are tried one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `name`
    pub name: String,
    /// `lines`, by name; at least one.
    pub lines: Vec<String>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// No file was named and there is none in the usual places.
    Nowhere,
    /// What is in it is wrong.
    Wrong(Report),
}

impl Config {
    /// The places looked at when no file is named, in order.
    pub const PLACES: [&'static str; 2] = ["tipring.toml", "/etc/tipring/tipring.toml"];

    /// Reads `path`, or the first of [`PLACES`](Self::PLACES) that exists.
    pub fn load(path: Option<&Path>) -> Result<Self, LoadError> {
        let path = path
            .map(Path::to_owned)
            .or_else(|| Self::PLACES.iter().map(PathBuf::from).find(|place| place.exists()))
            .ok_or(LoadError::Nowhere)?;
        match std::fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                Self::parse(&path.display().to_string(), &text).map_err(LoadError::Wrong)
            }
            Err(error) => Err(LoadError::Unreadable(path, error)),
        }
    }

    /// Reads `text`, calling it `file` in problems.
    pub fn parse(file: &str, text: &str) -> Result<Self, Report> {
        read::config(text).map_err(|mut problems| {
            problems.sort_by_key(|problem| problem.span.start);
            Report { file: file.to_owned(), text: text.to_owned(), problems }
        })
    }

    /// What a port is, where the file says so: at a simulated card.
    pub fn port_kind(&self, card: CardId, port: PortNumber) -> Option<PortKind> {
        match &self.cards.get(usize::from(card.0))?.device {
            Device::Virtual(spec) => spec.kind(port.0),
            Device::Serial(_) | Device::Unix(_) | Device::Tcp(..) => None,
        }
    }

    /// Rules and directory, as the gateway and the dry run use them.
    pub fn route_plan(&self) -> RoutePlan {
        let lines = self.lines.iter().filter_map(|line| {
            line.number.clone().map(|number| (number, Target::Line(line.name.clone())))
        });
        let directory = Directory {
            lines: lines.collect(),
            users: self.users.iter().map(|user| user.name.clone()).collect(),
        };
        RoutePlan::new(self.routes.clone(), directory)
    }
}

impl Default for Config {
    /// What an empty file says.
    fn default() -> Self {
        Self::parse("default", "").expect("an empty file is a configuration")
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trunk")
            .field("name", &self.name)
            .field("uri", &self.uri.text)
            .field("register", &self.register)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::Nowhere => write!(
                f,
                "there is no configuration: name one with --config, or put it at {}",
                Config::PLACES.join(" or ")
            ),
            Self::Wrong(report) => report.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

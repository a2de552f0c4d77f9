//! Values that the configuration writes as texts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use tipring_call::Pattern;
use tipring_core::Number;
use tipring_gateway::config::{Algorithm, Reliability, Transport};
use tipring_line::country::Country;

use super::UserSecret;
use super::section::Fault;

/// Where SIP is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Over what.
    pub transport: Transport,
    /// At which address and port.
    pub address: SocketAddr,
}

/// A codec of the `codecs` list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// G.711 µ-law, `"ulaw"`.
    Ulaw,
    /// G.711 A-law, `"alaw"`.
    Alaw,
}

/// Ports for RTP and RTCP, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest; even.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

/// Where a card is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// A serial device or pseudo-terminal.
    Serial(PathBuf),
    /// A Unix stream socket.
    Unix(PathBuf),
    /// A TCP connection: host and port.
    Tcp(String, u16),
    /// A simulated card in this process.
    Virtual(CardSpec),
}

/// How many ports of each kind a simulated card has; 1 to 128 channels in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardSpec {
    /// Telephones.
    pub fxs: u8,
    /// Exchange lines.
    pub fxo: u8,
    /// ISDN basic rate, 2 channels each.
    pub bri: u8,
    /// ISDN primary rate, 30 channels each.
    pub pri: u8,
}

/// What a port of a card is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// A telephone.
    Fxs,
    /// An exchange line.
    Fxo,
    /// ISDN basic rate.
    Bri,
    /// ISDN primary rate.
    Pri,
}

/// A trunk's address: `sip:host`, `sip:host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkUri {
    /// As it was written.
    pub text: String,
    /// A name or an address.
    pub host: String,
    /// That of the transport unless written.
    pub port: u16,
}

impl CardSpec {
    /// The most channels a card has.
    pub const MAX_CHANNELS: u32 = 128;

    /// The kind of port `number` (1-based, in the order fxs, fxo, bri, pri).
    pub fn kind(&self, number: u8) -> Option<PortKind> {
        let kinds = [
            (self.fxs, PortKind::Fxs),
            (self.fxo, PortKind::Fxo),
            (self.bri, PortKind::Bri),
            (self.pri, PortKind::Pri),
        ];
        let mut rest = u32::from(number).checked_sub(1)?;
        for (count, kind) in kinds {
            if rest < u32::from(count) {
                return Some(kind);
            }
            rest -= u32::from(count);
        }
        None
    }

    /// How many ports.
    pub fn ports(&self) -> u32 {
        [self.fxs, self.fxo, self.bri, self.pri].into_iter().map(u32::from).sum()
    }

    /// How many channels.
    pub fn channels(&self) -> u32 {
        u32::from(self.fxs)
            + u32::from(self.fxo)
            + 2 * u32::from(self.bri)
            + 30 * u32::from(self.pri)
    }
}

/// `udp:127.0.0.1:5060`
pub(super) fn listen(text: &str) -> Result<Listen, Fault> {
    let example = "write it like \"udp:192.0.2.1:5060\" or \"udp:[2001:db8::1]:5060\"";
    let (word, address) = text
        .split_once(':')
        .ok_or_else(|| Fault::new("is not a transport and an address", example))?;
    let transport = match word.to_ascii_lowercase().as_str() {
        "udp" => Transport::Udp,
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        "ws" => Transport::Ws,
        "wss" => Transport::Wss,
        _ => return Err(Fault::new("does not begin with udp:, tcp:, tls:, ws: or wss:", example)),
    };
    let address = socket(address)
        .ok_or_else(|| Fault::new("does not end in an IP address and a port", example))?;
    Ok(Listen { transport, address })
}

/// `127.0.0.1:8080`, or nothing.
pub(super) fn web_listen(text: &str) -> Result<Option<SocketAddr>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let hint = "write it like \"127.0.0.1:8080\"; \"\" switches it off";
    socket(text).map(Some).ok_or_else(|| Fault::new("is not an IP address and a port", hint))
}

fn socket(text: &str) -> Option<SocketAddr> {
    text.parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}

/// `203.0.113.5`
pub(super) fn ip(text: &str) -> Result<IpAddr, Fault> {
    let hint = "write it like \"203.0.113.5\"";
    let ip: IpAddr = text.parse().map_err(|_| Fault::new("is not an IP address", hint))?;
    if ip.is_unspecified() || ip.is_multicast() {
        return Err(Fault::new("is not the address of one host", hint));
    }
    Ok(ip)
}

/// `example.org`
pub(super) fn domain(text: &str) -> Result<String, Fault> {
    let host = text.parse::<IpAddr>().is_ok() || is_host_name(text);
    host.then(|| text.to_ascii_lowercase())
        .ok_or_else(|| Fault::new("is not a domain", "write it like \"example.org\""))
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// `20000-20999`
pub(super) fn port_range(text: &str) -> Result<PortRange, Fault> {
    let hint = "write it like \"20000-20999\": a call takes two ports, the lower one even";
    let range = text.split_once('-').and_then(|(first, last)| {
        Some(PortRange { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
    });
    let range = range.ok_or_else(|| Fault::new("is not two port numbers", hint))?;
    // An odd first port serves nobody: RTP takes the even port of a pair (RFC 3550 §11).
    let first = u32::from(range.first).next_multiple_of(2);
    match u16::try_from(first) {
        Ok(first) if range.first >= 1024 && first < range.last => {
            Ok(PortRange { first, last: range.last })
        }
        _ if range.first < 1024 => Err(Fault::new("begins below port 1024", hint)),
        _ => Err(Fault::new("holds no pair of ports", hint)),
    }
}

/// `ulaw` or `alaw`
pub(super) fn codec(text: &str) -> Result<Codec, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "ulaw" | "pcmu" => Ok(Codec::Ulaw),
        "alaw" | "pcma" => Ok(Codec::Alaw),
        _ => Err(Fault::new("is not a codec", "\"ulaw\" or \"alaw\"")),
    }
}

/// A hash of challenges: `md5`, `sha-256` or `sha-512-256`.
pub(super) fn digest(text: &str) -> Result<Algorithm, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "md5" => Ok(Algorithm::Md5),
        "sha-256" => Ok(Algorithm::Sha256),
        "sha-512-256" => Ok(Algorithm::Sha512256),
        _ => Err(Fault::new("is not a digest", "\"md5\", \"sha-256\" or \"sha-512-256\"")),
    }
}

/// Whether provisional responses are acknowledged: `off`, `supported` or `required`.
pub(super) fn reliable(text: &str) -> Result<Reliability, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(Reliability::Off),
        "supported" => Ok(Reliability::Supported),
        "required" => Ok(Reliability::Required),
        _ => Err(Fault::new("is not known here", "\"off\", \"supported\" or \"required\"")),
    }
}

/// A country of the table of tones.
pub(super) fn country(text: &str) -> Result<&'static Country, Fault> {
    Country::find(text).map_err(|_| {
        let known: Vec<&str> = Country::ALL.iter().map(|country| country.code).collect();
        Fault::new("is not a known country", format!("one of {}", known.join(", ")))
    })
}

/// A name: what all other places refer to.
pub(super) fn name(text: &str) -> Result<String, Fault> {
    let hint = "a name is 1 to 64 letters, digits and signs without spaces";
    if text.is_empty() || text.chars().count() > 64 {
        return Err(Fault::new("is not a name", hint));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>')) {
        return Err(Fault::new("holds a space or quote", hint));
    }
    if ["any", "user"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Err(Fault::new("is a word of its own in a [[route]]", "choose another name"));
    }
    Ok(text.to_owned())
}

/// A name that a display shows: anything printable.
pub(super) fn caller_name(text: &str) -> Result<String, Fault> {
    if text.chars().count() > 64 || text.chars().any(char::is_control) {
        return Err(Fault::new("cannot be displayed", "at most 64 printable characters"));
    }
    Ok(text.to_owned())
}

/// `101`
pub(super) fn number(text: &str) -> Result<Number, Fault> {
    let hint = "digits, or a user's name: 1 to 64 characters without spaces";
    Number::new(text).map_err(|error| Fault::new(format!("is no number: {error}"), hint))
}

/// What a route puts before a number; may be empty.
pub(super) fn prefix(text: &str) -> Result<String, Fault> {
    match text {
        "" => Ok(String::new()),
        _ => number(text).map(|number| number.as_str().to_owned()),
    }
}

/// A digit map or a regular expression in slashes.
pub(super) fn pattern(text: &str) -> Result<Pattern, Fault> {
    Pattern::parse(text).map_err(|error| {
        let hint =
            "a digit map like \"9XX.\" or a regular expression in slashes like \"/^9[0-9]+$/\"";
        Fault::new(format!("is no pattern: {error}"), hint)
    })
}

/// `https://phone.example.org`
pub(super) fn origin(text: &str) -> Result<String, Fault> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_origin = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', ' ']));
    is_origin.then(|| text.to_ascii_lowercase()).ok_or_else(|| {
        let hint = "write it like \"https://phone.example.org\", without a path";
        Fault::new("is not where a page is from", hint)
    })
}

/// A path.
pub(super) fn path(text: &str) -> Result<PathBuf, Fault> {
    let named = (!text.is_empty()).then(|| PathBuf::from(text));
    named.ok_or_else(|| Fault::new("names no path", "write it like \"/etc/tipring/cert.pem\""))
}

/// A path, or nothing.
pub(super) fn optional_path(text: &str) -> Result<Option<PathBuf>, Fault> {
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

/// `/dev/ttyACM0`, `unix:PATH`, `tcp:HOST:PORT`, `virtual:SPEC`
pub(super) fn device(text: &str) -> Result<Device, Fault> {
    let hint =
        "a path like \"/dev/ttyACM0\", \"unix:PATH\", \"tcp:HOST:PORT\" or \"virtual:fxs=4\"";
    let path = |path: &str| match path {
        "" => Err(Fault::new("names no path", hint)),
        path => Ok(PathBuf::from(path)),
    };
    if let Some(rest) = text.strip_prefix("virtual:") {
        return card_spec(rest).map(Device::Virtual);
    }
    if let Some(rest) = text.strip_prefix("unix:") {
        return path(rest).map(Device::Unix);
    }
    if let Some(rest) = text.strip_prefix("tcp:") {
        let target = rest.rsplit_once(':').and_then(|(host, port)| {
            let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
            let known = bare.parse::<IpAddr>().is_ok() || is_host_name(bare);
            let port = port.parse().ok().filter(|port| *port != 0)?;
            known.then(|| Device::Tcp(bare.to_owned(), port))
        });
        return target.ok_or_else(|| Fault::new("is not tcp:, a host and a port", hint));
    }
    path(text).map(Device::Serial)
}

/// `fxs=4,fxo=2,bri=1,pri=1`
pub fn card_spec(text: &str) -> Result<CardSpec, Fault> {
    let hint = "write the ports like \"fxs=4,fxo=2,bri=1,pri=1\", 128 channels at most";
    let mut spec = CardSpec::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (kind, count) = part.split_once('=').unwrap_or((part, "1"));
        let slot = match kind.trim().to_ascii_lowercase().as_str() {
            "fxs" => &mut spec.fxs,
            "fxo" => &mut spec.fxo,
            "bri" => &mut spec.bri,
            "pri" => &mut spec.pri,
            other => {
                let message = format!("names a port of unknown kind, {other:?}");
                return Err(Fault::new(message, hint));
            }
        };
        *slot = count
            .trim()
            .parse()
            .map_err(|_| Fault::new(format!("does not say how many {kind} ports"), hint))?;
    }
    match spec.channels() {
        0 => Err(Fault::new("has no port", hint)),
        n if n > CardSpec::MAX_CHANNELS => Err(Fault::new(format!("has {n} channels"), hint)),
        _ => Ok(spec),
    }
}

/// The name of a realm, any text but none.
pub(super) fn realm(text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(Fault::new(
            "names no realm",
            "write it as the challenge does: \"sip.example.net\"",
        ));
    }
    Ok(text.to_owned())
}

/// `sip:sip.example.net`
pub(super) fn trunk_uri(text: &str) -> Result<TrunkUri, Fault> {
    let hint = "write it like \"sip:sip.example.net\" or \"sip:192.0.2.1:5070;transport=tcp\"";
    let schemes = ["sip", "sips"];
    let (scheme, rest) = text
        .split_once(':')
        .filter(|(scheme, _)| schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
        .ok_or_else(|| Fault::new("is not a sip: or sips: address", hint))?;
    let scheme = scheme.to_ascii_lowercase();
    if rest.contains('@') {
        return Err(Fault::new("names a user", "the user goes into `username`"));
    }
    let (rest, transport) = match rest.split_once(';') {
        Some((rest, params)) => (rest, Some(trunk_transport(params, hint)?)),
        None => (rest, None),
    };
    if rest.contains('?') {
        return Err(Fault::new("holds header fields, which a trunk's address cannot", hint));
    }
    let bad = || Fault::new("is not a host, or a host and a port", hint);
    let (host, port) = match rest.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(bad)?)),
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?,
        None if scheme == "sips" || transport == Some("tls") => 5061,
        None => 5060,
    };
    if host.parse::<IpAddr>().is_err() && !is_host_name(host) {
        return Err(bad());
    }
    let param = transport.map_or_else(String::new, |word| format!(";transport={word}"));
    let text = format!("{scheme}:{rest}{param}");
    Ok(TrunkUri { text, host: host.to_owned(), port })
}

/// The only parameter that says something of a trunk.
fn trunk_transport(params: &str, hint: &str) -> Result<&'static str, Fault> {
    let known = |word: &&str| params.eq_ignore_ascii_case(&format!("transport={word}"));
    let found = ["udp", "tcp", "tls"].into_iter().find(known);
    let message = "holds other parameters than transport=udp, transport=tcp or transport=tls";
    found.ok_or_else(|| Fault::new(message, hint))
}

/// A name server: an IP address, with a port where it is not 53.
pub(super) fn name_server(text: &str) -> Result<SocketAddr, Fault> {
    let bad =
        || Fault::new("is no name server", "write it like \"192.0.2.53\" or \"127.0.0.1:5353\"");
    let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    let server = alone.or_else(|_| text.parse::<SocketAddr>()).map_err(|_| bad())?;
    if server.port() == 0 || server.ip().is_unspecified() { Err(bad()) } else { Ok(server) }
}

/// A password, which nobody may leave empty.
pub(super) fn password(text: &str) -> Result<UserSecret, Fault> {
    if text.is_empty() {
        return Err(Fault::new("protects nobody", "choose a long password"));
    }
    Ok(UserSecret::Password(text.to_owned()))
}

/// Half a digest: so many hexadecimal digits.
pub(super) fn hex(text: &str, digits: usize) -> Result<String, Fault> {
    if text.len() != digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let hint = format!("{digits} hexadecimal digits");
        return Err(Fault::new("is not a digest", hint));
    }
    Ok(text.to_ascii_lowercase())
}

/// `udp:127.0.0.1:5060`
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_str().to_ascii_lowercase(), self.address)
    }
}

/// `fxs=4,fxo=2`
impl fmt::Display for CardSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [("fxs", self.fxs), ("fxo", self.fxo), ("bri", self.bri), ("pri", self.pri)];
        let parts = counts.iter().filter(|(_, n)| *n > 0).map(|(kind, n)| format!("{kind}={n}"));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for PortKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fxs => "FXS",
            Self::Fxo => "FXO",
            Self::Bri => "BRI",
            Self::Pri => "PRI",
        })
    }
}

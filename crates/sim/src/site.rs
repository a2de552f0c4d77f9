//! What there is in a world: the gateway's settings and what stands around it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tipring_call::{CallConfig, Pattern, Rule, RuleFrom, Target, WallClock};
use tipring_core::{CardId, Number, PortNumber};
use tipring_gateway::Config;
use tipring_gateway::config::{
    Account, Codec, Country, DtmfRelay, FlowLimits, FxsConfig, LineConfig, RegistrarConfig,
    Reliability, Secret, SessionTimers, SipConfig, Transport, TrunkConfig, Uri, UserConfig,
};
use tipring_virtual_card::CardSpec;

use crate::dns::Dns;

/// Where the gateway listens.
pub const GATEWAY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// A place where a gateway is put up: change any field before the world is made.
#[derive(Clone, Debug)]
pub struct Site {
    /// Draws everything that is chance.
    pub seed: u64,
    /// The gateway's settings.
    pub config: Config,
    /// What its cards have.
    pub cards: Vec<CardSpec>,
    /// What the name service knows.
    pub dns: Dns,
}

impl Site {
    /// A gateway in this country, with nothing around it.
    pub fn new(country: &str, seed: u64) -> Self {
        let sip = SipConfig {
            listen: vec![(Transport::Udp, GATEWAY)],
            connect_from: Vec::new(),
            domain: GATEWAY.ip().to_string(),
            registrar: RegistrarConfig::default(),
            rtp_ports: 20_000..=20_199,
            advertise: Vec::new(),
            flows: FlowLimits::default(),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            ptime_ms: 20,
            session_timer: Some(SessionTimers::default()),
            reliability: Reliability::Supported,
        };
        let config = Config {
            country: Country::find(country).expect("a country of the tables"),
            sip,
            cards: Vec::new(),
            lines: Vec::new(),
            users: Vec::new(),
            trunks: Vec::new(),
            rules: Vec::new(),
            groups: Vec::new(),
            call: CallConfig::default(),
            // 2026-11-20T16:45:20Z.
            wall: WallClock { unix_ms_at_origin: 1_795_193_120_000 },
        };
        Self { seed, config, cards: Vec::new(), dns: Dns::default() }
    }

    /// The gateway listens over another transport as well, at its usual port.
    pub fn listen(mut self, transport: Transport) -> Self {
        let address = SocketAddr::new(GATEWAY.ip(), transport.default_port());
        self.config.sip.listen.push((transport, address));
        self
    }

    /// Adds a card with a line on each of its ports: name and number.
    pub fn card(mut self, lines: &[(&str, &str)]) -> Self {
        let card = CardId(u8::try_from(self.cards.len()).expect("few cards"));
        for ((name, number), port) in lines.iter().zip(1..) {
            self.config.lines.push(LineConfig {
                name: (*name).to_owned(),
                card,
                port: PortNumber(port),
                number: Number::new(*number).ok(),
                caller_name: None,
                echo: None,
                fxs: FxsConfig::new(self.config.country),
            });
        }
        let fxs = u8::try_from(lines.len()).expect("a card has few ports");
        self.cards.push(CardSpec::fxs(fxs));
        self.config.cards.push(format!("card{}", card.0));
        self
    }

    /// The settings of a line.
    pub fn line(&mut self, name: &str) -> &mut LineConfig {
        self.config.lines.iter_mut().find(|line| line.name == name).expect("a line of the site")
    }

    /// Adds an account of the embedded SIP server.
    pub fn user(mut self, name: &str, password: &str) -> Self {
        let secret = Secret::Password(password.to_owned());
        self.config.users.push(UserConfig { name: name.to_owned(), secret, dtmf: DtmfRelay::Rtp });
        self
    }

    /// Adds a trunk: `sip:10.0.1.1` or `sip:provider.example`; an account makes it register there.
    pub fn trunk(mut self, name: &str, uri: &str, account: Option<(&str, &str)>) -> Self {
        let account = account.map(|(user, password)| Account {
            username: user.to_owned(),
            secret: Secret::Password(password.to_owned()),
            realms: Vec::new(),
        });
        self.config.trunks.push(TrunkConfig {
            name: name.to_owned(),
            uri: Uri::parse(uri.as_bytes()).expect("a URI"),
            proxies: Vec::new(),
            register: account.is_some(),
            instance: None,
            keep_alive: None,
            account,
            trusted: false,
            dtmf: DtmfRelay::Rtp,
        });
        self
    }

    /// Adds a route for all callers: `9X.` to a trunk, with so many characters dropped.
    pub fn route(mut self, pattern: &str, to: Target, strip: usize) -> Self {
        self.config.rules.push(Rule {
            label: (self.config.rules.len() + 1).to_string(),
            from: RuleFrom::Any,
            pattern: Pattern::parse(pattern).expect("a pattern"),
            to,
            strip,
            prefix: String::new(),
        });
        self
    }

    /// Gives a name an address.
    pub fn name(mut self, name: &str, address: &str) -> Self {
        self.dns.address(name, address);
        self
    }

    /// Gives a service a server: `_sip._udp.provider.example` is at a port of a host, with a priority and a weight.
    pub fn server(
        mut self,
        service: &str,
        priority: u16,
        weight: u16,
        port: u16,
        host: &str,
    ) -> Self {
        self.dns.server(service, priority, weight, port, host);
        self
    }
}

//! From the words of the file to the words of the gateway and the cards.

use tipring_call::{CallConfig, WallClock};
use tipring_gateway::config as gateway;
use tipring_line::country::Law;
use tipring_line::{Country, FxsConfig, Hotline};
use tipring_runtime::reachable_address;
use tipring_virtual_card as card;

use super::instance;
use super::{CardSpec, Codec, Config, Gateway, Line, PortKind, PortRange, Trunk, UserSecret};

impl Config {
    /// What the gateway is told. Lines of a kind that is not served yet are left out.
    pub fn to_gateway(&self) -> gateway::Config {
        gateway::Config {
            country: self.gateway.country,
            sip: self.to_gateway_sip(),
            cards: self.cards.iter().map(|card| card.name.clone()).collect(),
            lines: self.served_lines().map(|line| line.to_gateway(&self.gateway)).collect(),
            users: self
                .users
                .iter()
                .map(|user| gateway::UserConfig {
                    name: user.name.as_str().to_owned(),
                    secret: user.secret.to_gateway(),
                    dtmf: user.dtmf,
                })
                .collect(),
            trunks: self.trunks.iter().map(Trunk::to_gateway).collect(),
            rules: self.routes.clone(),
            groups: self.groups.iter().map(|g| (g.name.clone(), g.lines.clone())).collect(),
            call: CallConfig {
                no_answer: self.gateway.no_answer,
                hunt: self.gateway.hunt,
                ..CallConfig::default()
            },
            // The shell knows the time.
            wall: WallClock::default(),
        }
    }

    fn to_gateway_sip(&self) -> gateway::SipConfig {
        let PortRange { first, last } = self.sip.rtp_ports;
        let listen = &self.sip.listen;
        let domain = self.sip.domain.clone().unwrap_or_else(|| {
            let own = || reachable_address(listen.first()?.address.ip());
            self.sip
                .advertise
                .first()
                .copied()
                .or_else(own)
                .map_or_else(|| "localhost".to_owned(), |ip| ip.to_string())
        });
        gateway::SipConfig {
            listen: listen.iter().map(|listen| (listen.transport, listen.address)).collect(),
            connect_from: Vec::new(),
            domain,
            registrar: gateway::RegistrarConfig {
                default_expires: self
                    .sip
                    .max_expires
                    .min(gateway::RegistrarConfig::default().default_expires),
                min_expires: self.sip.min_expires,
                max_expires: self.sip.max_expires,
                digest: self.sip.digest.clone(),
            },
            rtp_ports: first..=last,
            advertise: self.sip.advertise.clone(),
            flows: gateway::FlowLimits {
                connections: self.sip.max_connections,
                per_peer: self.sip.max_connections_per_address,
                ..gateway::FlowLimits::default()
            },
            codecs: self
                .sip
                .codecs
                .iter()
                .map(|codec| match codec {
                    Codec::Ulaw => gateway::Codec::Pcmu,
                    Codec::Alaw => gateway::Codec::Pcma,
                })
                .collect(),
            ptime_ms: self.sip.ptime_ms,
            session_timer: self.sip.session_expires_s.map(|expires_s| gateway::SessionTimers {
                expires_s,
                min_se_s: self.sip.min_se_s,
                ..gateway::SessionTimers::default()
            }),
            reliability: self.sip.reliable,
        }
    }

    /// Lines on ports that can be served: all but those known to be FXO.
    fn served_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| self.port_kind(line.card, line.port) != Some(PortKind::Fxo))
    }
}

impl Line {
    fn to_gateway(&self, timers: &Gateway) -> gateway::LineConfig {
        let hotline = match (self.hotline.clone(), self.warmline) {
            (None, _) => Hotline::Off,
            (Some(number), None) => Hotline::Immediate(number),
            (Some(number), Some(after)) => Hotline::Warm { number, after },
        };
        gateway::LineConfig {
            name: self.name.clone(),
            card: self.card,
            port: self.port,
            number: self.number.clone(),
            caller_name: self.caller_name.clone(),
            echo: self.echo,
            fxs: FxsConfig {
                relay_flash: self.relay_flash,
                hotline,
                first_digit: timers.first_digit,
                next_digit: timers.next_digit,
                after_match: timers.after_match,
                release_tone: timers.release_tone,
                howler: timers.howler,
                caller_id: self.caller_id,
                ..FxsConfig::new(self.country)
            },
        }
    }
}

impl UserSecret {
    fn to_gateway(&self) -> gateway::Secret {
        match self {
            Self::Password(password) => gateway::Secret::Password(password.clone()),
            Self::Ha1(digest) => gateway::Secret::Ha1(digest.clone()),
            Self::Ha1Sha256(digest) => gateway::Secret::Ha1Sha256(digest.clone()),
        }
    }
}

impl Trunk {
    fn to_gateway(&self) -> gateway::TrunkConfig {
        gateway::TrunkConfig {
            name: self.name.clone(),
            uri: self.uri.text.parse().expect("the reader took a narrower form of address"),
            proxies: self
                .proxies
                .iter()
                .map(|p| p.text.parse().expect("the reader took a narrower form of address"))
                .collect(),
            register: self.register,
            instance: if self.outbound { instance::of_this_machine() } else { None },
            keep_alive: self.keep_alive,
            account: self.username.clone().map(|username| gateway::Account {
                username,
                secret: gateway::Secret::Password(self.password.clone().unwrap_or_default()),
                realms: self.realms.clone(),
            }),
            trusted: self.trusted,
            dtmf: self.dtmf,
        }
    }
}

impl CardSpec {
    /// The simulated card as far as it can be simulated, in the law of `country`: telephones come first, so their
    /// numbers stay. `None` when it has no telephone.
    pub fn to_virtual(&self, country: &Country) -> Option<card::CardSpec> {
        let law = match country.law {
            Law::Mu => card::Law::Mu,
            Law::A => card::Law::A,
        };
        (self.fxs > 0).then_some(card::CardSpec { fxs: self.fxs, law })
    }
}

//! A gateway of two users and no card.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tipring_call::{CallConfig, Pattern, Rule, RuleFrom, Target, WallClock};
use tipring_gateway::config::{
    Codec, Config as GatewayConfig, Country, DtmfRelay, FlowLimits, RegistrarConfig, Reliability,
    Secret, SipConfig, Transport, TrunkConfig, UserConfig,
};
use tipring_runtime::clock::Clock;
use tipring_runtime::{Config, Process};

/// Longer than any one thing here takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct House {
    pub process: Process,
}

impl House {
    /// Listens over these transports on 127.0.0.1.
    pub fn start(transports: &[Transport]) -> Self {
        let local = |transport: &Transport| (*transport, (Ipv4Addr::LOCALHOST, 0).into());
        Self::with(transports.iter().map(local).collect(), |_| {})
    }

    pub fn with(listen: Vec<(Transport, SocketAddr)>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(listen);
        change(&mut config);
        let process = Process::start(Clock::start(), config, |_| {}).expect("a gateway");
        Self { process }
    }

    /// Where it listens over `transport`; the first place.
    pub fn at(&self, transport: Transport) -> SocketAddr {
        let found = self.process.sip().iter().find(|(own, _)| *own == transport);
        found.expect("it listens there").1
    }

    /// Waits until there are so many connections.
    pub fn connections(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = self.process.audit().expect("it is there").connections;
            if now == count {
                return;
            }
            assert!(Instant::now() < deadline, "{now} connections, not {count}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it; nothing may have failed, and nothing is left.
    pub fn leave(self) {
        let audit = self.process.audit().expect("it is there");
        assert_eq!(audit.unsettled, 0);
        self.process.leave().expect("nothing has failed");
    }
}

/// A trunk `provider` at this URI that everything beginning with 9 goes to.
pub fn trunk(config: &mut Config, uri: &str) {
    config.gateway.trunks.push(TrunkConfig {
        name: "provider".to_owned(),
        uri: uri.parse().expect("a URI"),
        proxies: Vec::new(),
        register: false,
        instance: None,
        keep_alive: None,
        account: None,
        trusted: false,
        dtmf: DtmfRelay::Rtp,
    });
    config.gateway.rules.push(Rule {
        label: "1".to_owned(),
        from: RuleFrom::Any,
        pattern: Pattern::parse("9X.").expect("a pattern"),
        to: Target::Trunk("provider".to_owned()),
        strip: 1,
        prefix: String::new(),
    });
}

fn config(listen: Vec<(Transport, SocketAddr)>) -> Config {
    // Outside of the ports that the system hands out; not the same for tests that run at a time.
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let place = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let rtp = 11_000 + 20 * (std::process::id() as u16 % 200) + 4000 * (place % 4);
    let user = |name: &str| UserConfig {
        name: name.to_owned(),
        secret: Secret::Password("secret".to_owned()),
        dtmf: DtmfRelay::Rtp,
    };
    let gateway = GatewayConfig {
        country: Country::find("us").expect("a country"),
        sip: SipConfig {
            listen,
            connect_from: Vec::new(),
            domain: "tipring.test".into(),
            registrar: RegistrarConfig::default(),
            rtp_ports: rtp..=rtp + 19,
            advertise: Vec::<IpAddr>::new(),
            flows: FlowLimits::default(),
            codecs: vec![Codec::Pcmu],
            ptime_ms: 20,
            session_timer: None,
            reliability: Reliability::Supported,
        },
        cards: Vec::new(),
        lines: Vec::new(),
        users: vec![user("alice"), user("bob")],
        trunks: Vec::new(),
        rules: Vec::new(),
        groups: Vec::new(),
        call: CallConfig::default(),
        wall: WallClock::default(),
    };
    Config::new(gateway)
}

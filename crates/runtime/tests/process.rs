//! The running gateway: how it starts and how it leaves.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::time::Duration;

use tipring_call::{CallConfig, WallClock};
use tipring_gateway::config::{
    Codec, Config as GatewayConfig, Country, FlowLimits, RegistrarConfig, Reliability, SipConfig,
    Transport,
};
use tipring_runtime::clock::Clock;
use tipring_runtime::{Config, Notice, Process, Request};

const PATIENCE: Duration = Duration::from_secs(20);

/// No card and no line, so it is ready at once.
fn config() -> Config {
    let gateway = GatewayConfig {
        country: Country::find("us").expect("a country"),
        sip: SipConfig {
            listen: vec![(Transport::Udp, (Ipv4Addr::LOCALHOST, 0).into())],
            connect_from: Vec::new(),
            domain: "example.org".into(),
            registrar: RegistrarConfig::default(),
            rtp_ports: 20_000..=20_999,
            advertise: Vec::new(),
            flows: FlowLimits::default(),
            codecs: vec![Codec::Pcmu],
            ptime_ms: 20,
            session_timer: None,
            reliability: Reliability::Supported,
        },
        cards: Vec::new(),
        lines: Vec::new(),
        users: Vec::new(),
        trunks: Vec::new(),
        rules: Vec::new(),
        groups: Vec::new(),
        call: CallConfig::default(),
        wall: WallClock::default(),
    };
    Config::new(gateway)
}

#[test]
fn it_is_ready_once_and_leaves_when_told() {
    let (say, heard) = mpsc::channel();
    let process = Process::start(Clock::start(), config(), move |notice| {
        if let Notice::Ready { sip, lines } = notice {
            say.send((sip, lines)).expect("somebody listens");
        }
    })
    .expect("a gateway");
    let ready = heard.recv_timeout(PATIENCE).expect("it is ready");
    assert_eq!(ready, (process.sip().to_vec(), 0));
    assert!(process.audit().expect("it is there").is_quiet());
    process.request(Request::Drain { patience: Duration::ZERO });
    assert!(
        heard.recv_timeout(PATIENCE).is_err_and(|end| end == mpsc::RecvTimeoutError::Disconnected)
    );
    process.leave().expect("nothing has failed");
}

#[test]
fn a_thread_that_fails_ends_the_gateway_and_is_named() {
    let (held, gone) = mpsc::channel::<()>();
    let process = Process::start(Clock::start(), config(), move |_| {
        let _held = &held;
        panic!("on purpose");
    })
    .expect("a gateway");
    let ended = gone.recv_timeout(PATIENCE);
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "its thread is gone");
    assert!(process.audit().is_none());
    let lost = process.leave().expect_err("it has failed").to_string();
    assert!(lost.contains("signalling"), "{lost}");
}

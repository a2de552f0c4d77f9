//! Messages that are malformed or unusual, played against the whole gateway on virtual time: each has the answer that it
//! is owed, which is silence only where a standard says so, and none leaves anything behind.
//!
//! `tipring-runtime` plays the same over real sockets.

use std::net::SocketAddr;

use tipring_call::{CallConfig, WallClock};
use tipring_core::{Duration, Instant, Rng};
use tipring_gateway::config::{
    Codec, Country, DtmfRelay, FlowLimits, RegistrarConfig, Reliability, Secret, SipConfig,
    Transport, UserConfig,
};
use tipring_gateway::{Config, Datagram, FlowInput, FlowOrder, Gateway, Output};
use tipring_media::control::{Command, Event};

use crate::verdict::{Case, OnStream, Owed};

mod cases;
#[path = "../../../sip/tests/torture/mod.rs"]
mod messages;
mod torture;
mod verdict;

const OURS: &str = "192.0.2.254:5060";
const PEER: &str = "198.51.100.7:40000";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn all() -> Vec<Case> {
    torture::cases().into_iter().chain(cases::cases()).collect()
}

fn gateway(now: Instant) -> Gateway {
    let user = |name: &str| UserConfig {
        name: name.to_owned(),
        secret: Secret::Password("secret".to_owned()),
        dtmf: DtmfRelay::Rtp,
    };
    let config = Config {
        country: Country::find("us").expect("a country"),
        sip: SipConfig {
            listen: vec![(Transport::Udp, address(OURS)), (Transport::Tcp, address(OURS))],
            connect_from: Vec::new(),
            domain: "example.com".into(),
            registrar: RegistrarConfig::default(),
            rtp_ports: 20_000..=20_019,
            advertise: Vec::new(),
            flows: FlowLimits::default(),
            codecs: vec![Codec::Pcmu],
            ptime_ms: 20,
            session_timer: None,
            reliability: Reliability::Supported,
        },
        cards: Vec::new(),
        lines: Vec::new(),
        users: vec![user("user"), user("vivekg")],
        trunks: Vec::new(),
        rules: Vec::new(),
        groups: Vec::new(),
        call: CallConfig::default(),
        wall: WallClock::default(),
    };
    let mut gateway = Gateway::new(now, config, Rng::new(1));
    while gateway.poll_output().is_some() {}
    gateway
}

/// What was said, by status, and whether the connection was closed before anybody was tired of it.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    statuses: Vec<u16>,
    closed: bool,
}

/// Lets time pass until nothing is left to do.
fn heard(gateway: &mut Gateway, start: Instant, case: &Case) -> Heard {
    let mut now = start;
    let mut texts: Vec<String> = Vec::new();
    let mut closed = false;
    let end = start + Duration::from_secs(3600);
    loop {
        while let Some(output) = gateway.poll_output() {
            match output {
                Output::Datagram { remote, bytes, .. } => {
                    assert_eq!(remote.ip(), address(PEER).ip(), "{}: to a third party", case.name);
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                Output::Flow(FlowOrder::Send { flow, bytes }) => {
                    gateway.handle_flow(now, flow, FlowInput::Sent(bytes.len()));
                    texts.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                Output::Flow(FlowOrder::Close { flow, .. }) => {
                    closed |= now == start;
                    gateway.handle_flow(now, flow, FlowInput::Ended);
                }
                Output::Flow(FlowOrder::Abort { .. }) => closed |= now == start,
                Output::Flow(FlowOrder::Connect { .. } | FlowOrder::Ping { .. })
                | Output::Ask(_) => panic!("{}: asks somebody else", case.name),
                Output::Media(Command::Remove { termination }) => {
                    gateway.handle_media(now, Event::Removed { termination, stats: None });
                }
                // A call that comes to nothing.
                Output::Card { .. }
                | Output::Media(_)
                | Output::OpenRtp { .. }
                | Output::RtpPeer { .. }
                | Output::CloseRtp { .. }
                | Output::Ended(_) => {}
            }
        }
        match gateway.poll_timeout() {
            Some(at) if at <= end => {
                now = at;
                gateway.handle_timeout(now);
            }
            _ => break,
        }
    }
    texts.dedup();
    let final_ones =
        texts.iter().filter(|text| !text.starts_with("SIP/2.0 100") && text.as_str() != "\r\n");
    Heard { statuses: final_ones.map(|text| status_of(case, text)).collect(), closed }
}

/// The status of an answer, which has what its status promises.
fn status_of(case: &Case, text: &str) -> u16 {
    let name = &case.name;
    let code = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).expect(name);
    let code: u16 = code.parse().expect(name);
    let promised = match code {
        401 => "\r\nWWW-Authenticate: Digest ",
        407 => "\r\nProxy-Authenticate: Digest ",
        405 => "\r\nAllow: ",
        415 => "\r\nAccept: ",
        420 => "\r\nUnsupported: ",
        _ => "\r\nVia: ",
    };
    assert!(text.contains(promised), "{name}:\n{text}");
    assert!(text.ends_with("\r\nContent-Length: 0\r\n\r\n") || code == 200, "{name}:\n{text}");
    code
}

/// What is owed to a datagram.
fn owed(case: &Case) -> Vec<u16> {
    match case.verdict.datagram {
        Owed::Status(code) => vec![code],
        Owed::Silence(section) => {
            assert!(section.starts_with("RFC "), "{}", case.name);
            Vec::new()
        }
    }
}

fn owed_on_a_stream(case: &Case) -> Heard {
    let (statuses, closed) = match case.verdict.stream {
        OnStream::Same | OnStream::Remainder => (owed(case), false),
        OnStream::Closed(code) => (vec![code], true),
        OnStream::Garbage => (Vec::new(), true),
        OnStream::Unfinished => (Vec::new(), false),
        OnStream::TwoAndGarbage(codes) => (codes.to_vec(), true),
    };
    Heard { statuses, closed }
}

/// Plays all to a gateway each.
#[track_caller]
fn play(give: impl Fn(&mut Gateway, Instant, &[u8]), owed: impl Fn(&Case) -> Heard) {
    let mut wrong = Vec::new();
    for case in all() {
        let now = Instant::from_millis(1000);
        let mut gateway = gateway(now);
        let before = gateway.audit();
        give(&mut gateway, now, &case.bytes);
        let (found, owed) = (heard(&mut gateway, now, &case), owed(&case));
        if found != owed {
            wrong.push(format!("{}: {found:?}, owed {owed:?}", case.name));
        }
        assert_eq!(gateway.audit(), before, "{} leaves something behind", case.name);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_datagram_has_the_answer_that_it_is_owed() {
    let give = |gateway: &mut Gateway, now, bytes: &[u8]| {
        let (transport, local, remote) = (Transport::Udp, address(OURS), address(PEER));
        gateway.handle_datagram(now, Datagram { transport, local, remote, bytes });
    };
    play(give, |case| Heard { statuses: owed(case), closed: false });
}

/// RFC 3261 §8.2.7: who keeps nothing of a request still answers its repetition with the same tag.
#[test]
fn a_stranger_who_asks_twice_is_challenged_with_one_tag() {
    for (method, uri, status) in [
        ("REGISTER", "sip:example.com", "401"),
        ("INVITE", "sip:user@example.com", "407"),
        ("MESSAGE", "sip:user@example.com", "407"),
    ] {
        let now = Instant::from_millis(1000);
        let mut gateway = gateway(now);
        let request = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bKtwice\r\n\
             Max-Forwards: 70\r\nFrom: <sip:user@example.com>;tag=1\r\nTo: <sip:user@example.com>\r\n\
             Call-ID: twice\r\nCSeq: 1 {method}\r\nContact: <sip:user@{PEER}>\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let mut tags = Vec::new();
        for _ in 0..2 {
            let (transport, local, remote) = (Transport::Udp, address(OURS), address(PEER));
            let bytes = request.as_bytes();
            gateway.handle_datagram(now, Datagram { transport, local, remote, bytes });
            while let Some(output) = gateway.poll_output() {
                let Output::Datagram { bytes, .. } = output else { continue };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if text.starts_with(&format!("SIP/2.0 {status} ")) {
                    let to = text.lines().find(|line| line.starts_with("To: ")).expect("a To");
                    tags.push(to.split_once(";tag=").expect("a tag").1.to_owned());
                }
            }
        }
        assert_eq!(tags.len(), 2, "{method}: {status} each time");
        assert_eq!(tags[0], tags[1], "{method}");
    }
}

#[test]
fn every_message_of_a_stream_has_the_answer_that_it_is_owed() {
    let give = |gateway: &mut Gateway, now, bytes: &[u8]| {
        let flow = gateway.accept(now, Transport::Tcp, address(OURS), address(PEER)).expect("room");
        gateway.handle_flow(now, flow, FlowInput::Established(Vec::new()));
        gateway.handle_flow(now, flow, FlowInput::Bytes(bytes));
    };
    play(give, owed_on_a_stream);
}

#[test]
fn they_are_more_than_a_hundred_and_silence_is_rare() {
    assert_eq!(torture::cases().len(), 61);
    assert!(cases::cases().len() >= 65);
    let silent = all().iter().filter(|case| owed(case).is_empty()).count();
    assert!(silent <= 12, "{silent}");
}

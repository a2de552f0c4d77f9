//! Malformed and unusual messages over real sockets: the same octets get the same verdict over UDP, TCP and TLS, which is
//! the one that the gateway gives on virtual time (`tipring-gateway`, `tests/unusual`).

use std::net::{Ipv4Addr, Shutdown, SocketAddr, UdpSocket};

use tipring_gateway::config::{DtmfRelay, Secret, Transport, UserConfig};
use tipring_runtime::Config;

use self::verdict::{Case, OnStream, Owed};
use crate::house::{House, PATIENCE};
use crate::peer::{Peer, Stream};
use crate::pki::{Ca, client, files};
use crate::tls::connect;

#[path = "../../../gateway/tests/unusual/cases.rs"]
mod cases;
#[path = "../../../sip/tests/torture/mod.rs"]
mod messages;
#[path = "../../../gateway/tests/unusual/torture.rs"]
mod torture;
#[path = "../../../gateway/tests/unusual/verdict.rs"]
mod verdict;

fn all() -> Vec<Case> {
    torture::cases().into_iter().chain(cases::cases()).collect()
}

fn house(transport: Transport, change: impl FnOnce(&mut Config)) -> House {
    House::with(vec![(transport, (Ipv4Addr::LOCALHOST, 0).into())], |config| {
        config.gateway.sip.domain = "example.com".to_owned();
        config.gateway.users = ["user", "vivekg"].map(user).to_vec();
        change(config);
    })
}

fn user(name: &str) -> UserConfig {
    UserConfig {
        name: name.to_owned(),
        secret: Secret::Password("secret".to_owned()),
        dtmf: DtmfRelay::Rtp,
    }
}

/// A good request whose answer tells that everything before it has been dealt with.
fn marker(name: &str, round: &str) -> Vec<u8> {
    cases::request(&format!("{name}-{round}-marker"), "OPTIONS sip:example.com SIP/2.0", &[])
}

fn is_marker(text: &str, round: &str) -> bool {
    text.contains(&format!("-{round}-marker@192.0.2.1"))
}

/// The status of a final response.
fn status_of(text: &str) -> Option<u16> {
    let code = text.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
    (code >= 200).then_some(code)
}

/// Where answers to datagrams arrive: at the ports that the Vias name, of an address of its own.
struct Ports {
    sockets: Vec<UdpSocket>,
    to: SocketAddr,
}

impl Ports {
    fn new(to: SocketAddr) -> Self {
        // Another one for each process: the ports are the same.
        let [.., high, low] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, 77, high, low);
        let bind = |port| UdpSocket::bind((own, port)).expect("a socket");
        let sockets: Vec<_> = [5060, 5061, 5050, 6050, 19823].map(bind).into();
        let (first, others) = sockets.split_first().expect("five");
        first.set_read_timeout(Some(PATIENCE)).expect("a socket");
        for socket in others {
            socket.set_nonblocking(true).expect("a socket");
        }
        Self { sockets, to }
    }

    /// The statuses of what comes back before the answer to the marker does.
    fn play(&self, case: &Case) -> Vec<u16> {
        self.sockets[0].send_to(&case.bytes, self.to).expect("it can be sent");
        let mut texts = Vec::new();
        for round in ["first", "second"] {
            self.sockets[0].send_to(&marker(&case.name, round), self.to).expect("it can be sent");
            // Its answer comes to the first socket: what the others have by then is all there is.
            loop {
                let text = receive(&self.sockets[0]).expect("the marker's answer in time");
                if is_marker(&text, round) {
                    break;
                }
                texts.push(text);
            }
            for socket in &self.sockets[1..] {
                texts.extend(std::iter::from_fn(|| receive(socket)));
            }
        }
        texts.dedup();
        // A refusal of an earlier INVITE that nobody acknowledges is said again and again.
        let call_id = call_id_of(&String::from_utf8_lossy(&case.bytes));
        texts.retain(|text| call_id_of(text).is_none_or(|id| Some(id) == call_id));
        texts.iter().filter_map(|text| status_of(text)).collect()
    }
}

fn receive(socket: &UdpSocket) -> Option<String> {
    let mut datagram = [0; 65_536];
    let (length, _) = socket.recv_from(&mut datagram).ok()?;
    Some(String::from_utf8_lossy(&datagram[..length]).into_owned())
}

fn call_id_of(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        matches!(name.trim().to_ascii_lowercase().as_str(), "call-id" | "i").then_some(value)
    });
    line.map(|value| value.trim().to_owned())
}

/// The statuses of what comes back on a connection of its own.
fn play_on_a_stream<S: Stream>(case: &Case, mut peer: Peer<S>) -> Vec<u16> {
    println!("{}", case.name); // The last one is to blame when the connection ends too early.
    peer.write(&case.bytes);
    let mut texts = Vec::new();
    match case.verdict.stream {
        OnStream::Same => {
            // What came together with the first may be answered after it, but not after the second.
            for round in ["first", "second"] {
                peer.write(&marker(&case.name, round));
                loop {
                    // A pong may come before it.
                    let text = peer.next().trim_start().to_owned();
                    if is_marker(&text, round) {
                        break;
                    }
                    texts.push(text);
                }
            }
        }
        OnStream::Closed(_) | OnStream::Garbage | OnStream::TwoAndGarbage(_) => {
            texts = said_before_the_end(peer);
        }
        OnStream::Remainder => {
            while texts.iter().all(|text| status_of(text).is_none()) {
                texts.push(peer.next());
            }
        }
        OnStream::Unfinished => {
            peer.stream.tcp().shutdown(Shutdown::Write).expect("it is open");
            texts = said_before_the_end(peer);
        }
    }
    texts.iter().filter_map(|text| status_of(text)).collect()
}

/// The messages until the gateway closes the connection.
fn said_before_the_end<S: Stream>(mut peer: Peer<S>) -> Vec<String> {
    let said = peer.closed();
    let starts = said.match_indices("SIP/2.0 ");
    let starts = starts.filter(|(at, _)| *at == 0 || said[..*at].ends_with("\r\n\r\n"));
    starts.map(|(at, _)| said[at..].to_owned()).collect()
}

fn owed(case: &Case) -> Vec<u16> {
    match case.verdict.datagram {
        Owed::Status(code) => vec![code],
        Owed::Silence(_) => Vec::new(),
    }
}

fn owed_on_a_stream(case: &Case) -> Vec<u16> {
    match case.verdict.stream {
        OnStream::Same | OnStream::Remainder => owed(case),
        OnStream::Closed(code) => vec![code],
        OnStream::Garbage | OnStream::Unfinished => Vec::new(),
        OnStream::TwoAndGarbage(codes) => codes.to_vec(),
    }
}

#[track_caller]
fn compare(play: impl Fn(&Case) -> Vec<u16>, owed: impl Fn(&Case) -> Vec<u16>) {
    let all = all();
    let heard = all.iter().map(|case| (case, play(case), owed(case)));
    let wrong = heard.filter(|(_, heard, owed)| heard != owed);
    let wrong: Vec<_> = wrong
        .map(|(case, heard, owed)| format!("{}: {heard:?}, owed {owed:?}", case.name))
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_has_its_verdict_over_udp() {
    let house = house(Transport::Udp, |_| {});
    let ports = Ports::new(house.at(Transport::Udp));
    compare(|case| ports.play(case), owed);
    house.leave();
}

#[test]
fn each_has_its_verdict_over_tcp() {
    let house = house(Transport::Tcp, |_| {});
    let to = house.at(Transport::Tcp);
    compare(|case| play_on_a_stream(case, Peer::tcp(to)), owed_on_a_stream);
    house.leave();
}

#[test]
fn each_has_its_verdict_over_tls() {
    let ca = Ca::new();
    let house = house(Transport::Tls, |config| config.tls = files(&ca.issue(&["localhost"]), &ca));
    let (to, config) = (house.at(Transport::Tls), client(&ca, None));
    compare(|case| play_on_a_stream(case, connect(to, config.clone())), owed_on_a_stream);
    house.leave();
}

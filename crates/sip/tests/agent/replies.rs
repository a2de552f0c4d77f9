//! Responses whose connection is gone and whose receiver cannot be connected to (RFC 3263 §5).

use tipring_core::Instant;
use tipring_sip::agent::UaConfig;
use tipring_sip::locate::{Answer, DomainName, Reach, Record, RecordType, Srv};
use tipring_sip::message::Transport;
use tipring_sip::transaction::Path;
use tipring_sip::transport::FlowId;

use crate::script::{PEER, Script, US, at};

const SPARE: &str = "198.51.100.10:5066";
const LAST: &str = "198.51.100.11:5060";

/// A request came over TCP with this Via, and was answered; the answer cannot be sent.
fn unsent(via: &str) -> (Script, Path, Vec<u8>) {
    unsent_over(Transport::Tcp, via)
}

fn unsent_over(transport: Transport, via: &str) -> (Script, Path, Vec<u8>) {
    let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let reach = Reach::new(transports.map(|transport| (transport, at(US))));
    let mut script = Script::with(UaConfig { reach, ..UaConfig::default() });
    let path = Path::new(transport, at(US), at("198.51.100.9:40112"));
    let path = Path { flow: Some(FlowId(7)), ..path };
    let request = format!(
        "OPTIONS sip:us@192.0.2.1 SIP/2.0\r\nVia: {via};branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=a\r\n\
         To: <sip:us@192.0.2.1>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nRequire: nothing-we-know\r\nContent-Length: 0\r\n\r\n"
    );
    script.act(|ua, now: Instant| ua.handle_message(now, path, request.as_bytes()));
    let text = script.expect("SIP/2.0 420");
    let path = Path::new(transport, at(US), at(PEER));
    fail(&mut script, &path, text.as_bytes());
    (script, path, text.into_bytes())
}

fn fail(script: &mut Script, path: &Path, bytes: &[u8]) {
    script.act(|ua, now| ua.handle_unsent(now, path, bytes.to_vec()));
}

fn to(transport: Transport, remote: &str) -> Path {
    Path::new(transport, at(US), at(remote))
}

fn name(text: &str) -> DomainName {
    DomainName::new(text).expect("a name")
}

/// The zone: three servers of `edge.example.com`, in this order.
fn answer(script: &mut Script, first: &str) {
    use tipring_sip::agent::Output;
    let hosts = [
        ("a.example.com", first),
        ("b.example.com", "198.51.100.10"),
        ("c.example.com", "198.51.100.11"),
    ];
    let services = ["_sip._tcp.edge.example.com", "_sips._tcp.edge.example.com"].map(name);
    let srv = |priority: u16, port: u16, host: &str| {
        Record::Srv(Srv { priority, weight: 0, port, target: Some(name(host)) })
    };
    loop {
        let asked = script.said.iter().position(|said| matches!(said, Output::Ask(_)));
        let Some(Output::Ask(question)) = asked.map(|at| script.said.remove(at)) else {
            return;
        };
        let host = hosts.iter().find(|(host, _)| question.name == name(host));
        let records = match (question.record, host) {
            (RecordType::Srv, _) if services.contains(&question.name) => vec![
                srv(1, 5060, "a.example.com"),
                srv(2, 5066, "b.example.com"),
                srv(3, 5060, "c.example.com"),
            ],
            (RecordType::A, Some((_, address))) => {
                vec![Record::A(address.parse().expect("an address"))]
            }
            _ => Vec::new(),
        };
        let answer = match records.is_empty() {
            true => Answer::NoName { ttl: None },
            false => Answer::Found { records, ttl: 60 },
        };
        script.act(|ua, now| ua.handle_dns_answer(now, &question, &answer));
    }
}

/// They must prove to be of that name before they are told anything.
#[test]
fn over_tls_the_servers_of_the_name_in_via_stand_in_one_after_the_other() {
    let (mut script, path, bytes) = unsent_over(Transport::Tls, "SIP/2.0/TLS edge.example.com");
    answer(&mut script, "198.51.100.9");
    assert_eq!(script.next_to().0, at(SPARE));
    let proven = script.last_way.take().and_then(|way| way.domain);
    assert_eq!(proven.expect("a name").as_str(), "edge.example.com");
    // Its transaction sends it again along the way that it knows.
    fail(&mut script, &path, &bytes);
    assert_eq!(script.next_to(), (at(SPARE), String::from_utf8(bytes.clone()).expect("text")));
    fail(&mut script, &to(Transport::Tls, SPARE), &bytes);
    assert_eq!(script.next_to().0, at(LAST));
    fail(&mut script, &to(Transport::Tls, LAST), &bytes);
    script.expect_nothing();
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

/// Whoever has a name can name any address in it: over TCP no more than one connection comes of a request.
#[test]
fn over_tcp_one_server_alone_stands_in() {
    let (mut script, _, bytes) = unsent("SIP/2.0/TCP edge.example.com");
    answer(&mut script, "198.51.100.9");
    assert_eq!(script.next_to(), (at(SPARE), String::from_utf8(bytes.clone()).expect("text")));
    fail(&mut script, &to(Transport::Tcp, SPARE), &bytes);
    script.expect_nothing();
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn no_server_stands_in_for_a_sender_that_is_none_of_them() {
    let (mut script, ..) = unsent("SIP/2.0/TCP edge.example.com");
    answer(&mut script, "198.51.100.77");
    script.expect_nothing();
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn nobody_stands_in_for_an_address_or_a_browser_or_who_came_by_another_transport() {
    for via in
        ["SIP/2.0/TCP 203.0.113.5:5060", "SIP/2.0/TCP x.invalid", "SIP/2.0/UDP edge.example.com"]
    {
        let (script, ..) = unsent(via);
        assert!(!script.heard("Ask"), "{via}");
        script.expect_nothing();
        assert_eq!(script.ua.counts().replies, 0, "{via}");
    }
}

#[test]
fn a_name_service_that_does_not_answer_leaves_nothing_behind() {
    let (mut script, ..) = unsent("SIP/2.0/TCP edge.example.com");
    assert_eq!(script.ua.counts().replies, 1);
    script.wait(40_000);
    script.expect_nothing();
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn they_are_bounded() {
    let (mut script, path, bytes) = unsent("SIP/2.0/TCP edge.example.com");
    let text = String::from_utf8(bytes).expect("text");
    for number in 0..100 {
        let other = text.replace("Call-ID: c", &format!("Call-ID: c{number}"));
        fail(&mut script, &path, other.as_bytes());
    }
    assert_eq!(script.ua.counts().replies, 64);
    assert_eq!(script.ua.counters().overflows, 37);
}

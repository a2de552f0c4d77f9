//! What connections mean to transactions: where responses go, and what fails when one ends.

use tipring_core::{Instant, Rng};
use tipring_sip::agent::{Output, UaConfig, UserAgent};
use tipring_sip::message::Transport;
use tipring_sip::transaction::Path;
use tipring_sip::transport::{Domain, FlowId};

use crate::script::{PEER, Script, US, at, header, response};

const NOW: Instant = Instant::from_millis(5000);

fn request(via: &str) -> String {
    format!(
        "OPTIONS sip:us@192.0.2.1 SIP/2.0\r\nVia: {via};branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=a\r\n\
         To: <sip:us@192.0.2.1>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nRequire: nothing-we-know\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Where the response to a request goes that came over a connection with this Via.
fn reply_to(transport: Transport, via: &str) -> (Path, String) {
    let mut ua = UserAgent::new(UaConfig::default(), Rng::new(1));
    let path = Path::new(transport, at(US), at("198.51.100.9:40112"));
    let path = Path { flow: Some(FlowId(7)), ..path };
    ua.handle_message(NOW, path, request(via).as_bytes());
    match ua.poll_output() {
        Some(Output::Transmit { path, bytes }) => {
            (path, String::from_utf8(bytes).expect("we send text"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_response_goes_back_over_the_connection_and_else_to_the_port_of_the_via() {
    let (path, text) = reply_to(Transport::Tcp, "SIP/2.0/TCP 198.51.100.9:5070;rport");
    assert_eq!((path.flow, path.remote), (Some(FlowId(7)), at("198.51.100.9:5070")));
    assert!(text.contains(";rport=40112"), "{text}");
    let (path, text) = reply_to(Transport::Tcp, "SIP/2.0/TCP phone.example");
    assert_eq!((path.flow, path.remote), (Some(FlowId(7)), at("198.51.100.9:5060")));
    assert!(text.contains(";received=198.51.100.9"), "{text}");
}

#[test]
fn a_datagram_is_answered_to_its_sender_whoever_its_via_names() {
    for (via, remote) in [
        ("SIP/2.0/UDP 10.1.1.1:5070;rport", "198.51.100.9:40112"),
        ("SIP/2.0/UDP 10.1.1.1:5070", "198.51.100.9:5070"),
        ("SIP/2.0/UDP pc.example.com", "198.51.100.9:5060"),
        // It would aim our responses at a third party.
        ("SIP/2.0/UDP 10.1.1.1:5070;maddr=203.0.113.1", "198.51.100.9:5070"),
    ] {
        let mut ua = UserAgent::new(UaConfig::default(), Rng::new(1));
        let path = Path::new(Transport::Udp, at(US), at("198.51.100.9:40112"));
        ua.handle_message(NOW, path, request(via).as_bytes());
        let Some(Output::Transmit { path, .. }) = ua.poll_output() else {
            panic!("{via}");
        };
        assert_eq!(path.remote, at(remote), "{via}");
    }
}

#[test]
fn over_tls_the_host_of_the_via_must_then_be_at_the_far_end() {
    let (path, _) = reply_to(Transport::Tls, "SIP/2.0/TLS phone.example");
    assert_eq!(path.remote, at("198.51.100.9:5061"));
    assert_eq!(path.domain.as_ref().map(Domain::as_str), Some("phone.example"));
}

#[test]
fn a_web_socket_client_is_answered_though_its_via_names_nobody() {
    let (path, text) = reply_to(Transport::Wss, "SIP/2.0/WSS df7jal23ls0d.invalid");
    assert_eq!(path.flow, Some(FlowId(7)));
    assert!(text.contains("df7jal23ls0d.invalid;branch=z9hG4bK1;received=198.51.100.9"), "{text}");
}

/// Our call over TCP, its INVITE and the path it took.
fn call() -> (Script, String, Path) {
    let mut script = Script::new();
    let path = Path::new(Transport::Tcp, at(US), at(PEER));
    let (_, invite) = script.call(|invite| invite.path = path.clone());
    (script, invite, path)
}

#[test]
fn a_request_whose_connection_ends_unheard_fails_at_once() {
    let (mut script, _, path) = call();
    script.act(|ua, now| ua.handle_connection_ended(now, &path));
    assert_eq!(script.ended(), "Network 503");
}

#[test]
fn a_call_that_rings_outlives_a_connection_that_ends_in_good_order() {
    let (mut script, invite, path) = call();
    script.receive(&response(&invite, "180 Ringing", "b", "", ""));
    script.act(|ua, now| ua.handle_connection_ended(now, &path));
    assert_eq!(script.ended(), "not ended", "the answer may come over another one");
    script.receive(&response(&invite, "486 Busy Here", "b", "", ""));
    assert_eq!(script.ended(), "Remote 486");
}

#[test]
fn a_call_that_rings_fails_when_its_connection_breaks() {
    let (mut script, invite, path) = call();
    script.receive(&response(&invite, "180 Ringing", "b", "", ""));
    script.act(|ua, now| ua.handle_send_error(now, &path));
    assert_eq!(script.ended(), "Network 503");
}

/// It has the INVITE, and nothing else would stop it from ringing somebody while the call goes on elsewhere.
#[test]
fn a_server_whose_connection_breaks_after_its_100_is_told_to_stop_over_another_one() {
    for status in ["100 Trying", "180 Ringing"] {
        let mut script = Script::new();
        let other = at("198.51.100.10:5060");
        let path = Path { flow: Some(FlowId(3)), ..Path::new(Transport::Tcp, at(US), at(PEER)) };
        let (_, invite) = script.call(|invite| {
            invite.path = path.clone();
            invite.others = vec![Path::new(Transport::Tcp, at(US), other)];
        });
        script.receive(&response(&invite, status, "b", "", ""));
        script.act(|ua, now| ua.handle_send_error(now, &path));
        let mut sent = [script.next_to(), script.next_to()];
        sent.sort_by(|(_, a), (_, b)| a.cmp(b));
        let [(to, cancel), (next, again)] = sent;
        assert!(to == at(PEER) && cancel.starts_with("CANCEL "), "{cancel}");
        assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
        assert!(next == other && again.starts_with("INVITE "), "{again}");
        script.expect_nothing();
    }
}

#[test]
fn a_server_that_said_nothing_before_its_connection_broke_is_not_told_to_stop() {
    let mut script = Script::new();
    let path = Path::new(Transport::Tcp, at(US), at(PEER));
    script.call(|invite| {
        invite.path = path.clone();
        invite.impatient = true;
    });
    script.act(|ua, now| ua.handle_send_error(now, &path));
    assert_eq!(script.ended(), "Network 503");
    script.expect_nothing();
}

#[test]
fn other_connections_may_break() {
    let (mut script, _, path) = call();
    let other = Path { remote: at("198.51.100.10:5060"), ..path.clone() };
    script.act(|ua, now| ua.handle_send_error(now, &other));
    let other = Path { flow: Some(FlowId(3)), ..path };
    script.act(|ua, now| ua.handle_send_error(now, &other));
    assert_eq!(script.ended(), "not ended");
}

/// RFC 3261 §26.2.2, RFC 5630.
#[test]
fn a_sips_request_must_come_over_tls() {
    for (transport, owed) in [
        (Transport::Udp, "480"),
        (Transport::Tcp, "480"),
        (Transport::Ws, "480"),
        (Transport::Tls, "420"),
        (Transport::Wss, "420"),
    ] {
        let mut ua = UserAgent::new(UaConfig::default(), Rng::new(1));
        let path = Path::new(transport, at(US), at("198.51.100.9:40112"));
        let text = request(&format!("SIP/2.0/{transport} 198.51.100.9;rport"));
        let text = text.replacen("OPTIONS sip:", "OPTIONS sips:", 1);
        ua.handle_message(NOW, path, text.as_bytes());
        let Some(Output::Transmit { bytes, .. }) = ua.poll_output() else {
            panic!("{transport}");
        };
        let text = String::from_utf8(bytes).expect("we send text");
        assert!(text.starts_with(&format!("SIP/2.0 {owed} ")), "{transport}: {text}");
        let warning = "\r\nWarning: 380 192.0.2.1:5060 \"SIPS Not Allowed\"\r\n";
        assert_eq!(text.contains(warning), owed == "480", "{text}");
    }
}

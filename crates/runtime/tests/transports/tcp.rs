//! SIP over TCP.

use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::time::{Duration, Instant};

use tipring_gateway::config::Transport;

use crate::dns_server::DnsServer;
use crate::house::{House, trunk};
use crate::peer::{Peer, call_as_alice, header_of, sdp};

#[test]
fn requests_are_answered_over_the_connection_they_came_on() {
    let house = House::start(&[Transport::Tcp]);
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    let first = peer.request("OPTIONS", "sip:tipring.test", "", "");
    let second = peer.request("OPTIONS", "sip:tipring.test", "", "");
    peer.write(format!("{first}{second}").as_bytes());
    for request in [&first, &second] {
        let answer = peer.expect("SIP/2.0 200");
        assert_eq!(header_of(&answer, "Call-ID"), header_of(request, "Call-ID"));
        let port = peer.stream.local_addr().expect("an address").port();
        assert!(header_of(&answer, "Via").contains(&format!(";rport={port}")), "{answer}");
    }
    for octet in peer.request("OPTIONS", "sip:tipring.test", "", "").as_bytes() {
        peer.write(&[*octet]);
    }
    peer.expect("SIP/2.0 200");
    house.connections(1);
    house.leave();
}

#[test]
fn who_has_said_its_last_word_is_answered() {
    let house = House::start(&[Transport::Tcp]);
    for _ in 0..20 {
        let mut peer = Peer::tcp(house.at(Transport::Tcp));
        let last: String =
            (0..30).map(|_| peer.request("OPTIONS", "sip:tipring.test", "", "")).collect();
        peer.write(last.as_bytes());
        peer.stream.shutdown(Shutdown::Write).expect("a connection");
        for _ in 0..30 {
            peer.expect("SIP/2.0 200");
        }
    }
    house.connections(0);
    house.leave();
}

#[test]
fn pings_are_answered() {
    let house = House::start(&[Transport::Tcp]);
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    peer.write(b"\r\n\r\n");
    assert_eq!(peer.octets(2), b"\r\n");
    house.leave();
}

#[test]
fn a_user_is_called_over_the_connection_that_it_registered_on() {
    let house = House::start(&[Transport::Tcp, Transport::Udp]);
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    // Nobody could connect to this.
    alice.register("alice", "<sip:alice@df7jal23ls0d.invalid;transport=tcp>");
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    let contact = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    let invite = caller.send("INVITE", "sip:alice@tipring.test", &contact, &sdp("127.0.0.1"));
    let offered = alice.expect("INVITE ");
    assert!(header_of(&offered, "Via").starts_with("SIP/2.0/TCP "), "{offered}");
    assert!(header_of(&offered, "Contact").contains(";transport=tcp"), "{offered}");
    let contact = "Contact: <sip:alice@df7jal23ls0d.invalid;transport=tcp>\r\n";
    alice.answer(&offered, "180 Ringing", contact, "");
    caller.expect("SIP/2.0 180");
    alice.answer(&offered, "200 OK", contact, &sdp("127.0.0.1"));
    alice.expect("ACK ");
    let answer = caller.expect("SIP/2.0 200");
    let to = header_of(&answer, "To");
    let in_dialog = |method: &str| {
        let text = invite.replace("INVITE", method).replace(header_of(&invite, "To"), to);
        let text = text.replace("z9hG4bK", "z9hG4bKd").replace(&sdp("127.0.0.1"), "");
        let length = format!("Content-Length: {}", sdp("127.0.0.1").len());
        text.replace(&length, "Content-Length: 0")
    };
    caller.write(in_dialog("ACK").as_bytes());
    caller.write(in_dialog("BYE").replace("CSeq: 1", "CSeq: 2").as_bytes());
    caller.expect("SIP/2.0 200");
    let bye = alice.expect("BYE ");
    alice.answer(&bye, "200 OK", "", "");
    house.connections(2);
    house.leave();
}

#[test]
fn an_answer_whose_connection_is_gone_comes_over_a_new_one() {
    let house = House::start(&[Transport::Tcp]);
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    alice.register("alice", "<sip:alice@df7jal23ls0d.invalid;transport=tcp>");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    caller.name = listener.local_addr().expect("an address").to_string();
    let contact = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    caller.send("INVITE", "sip:alice@tipring.test", &contact, &sdp("127.0.0.1"));
    let offered = alice.expect("INVITE ");
    drop(caller);
    house.connections(1);
    alice.answer(&offered, "486 Busy Here", "", "");
    let mut again = Peer::accept(&listener);
    again.expect("SIP/2.0 486");
    house.leave();
}

/// RFC 3263 §5.
#[test]
fn an_answer_whose_sender_is_gone_goes_to_a_server_of_the_same_name() {
    let spare = TcpListener::bind((Ipv4Addr::new(127, 0, 77, 3), 0)).expect("a port");
    let port = spare.local_addr().expect("an address").port();
    let dns = DnsServer::start();
    dns.srv("_sip._tcp.edge.test", 60, (1, 0, 5060), "a.edge.test");
    dns.srv("_sip._tcp.edge.test", 60, (2, 0, port), "b.edge.test");
    dns.a("a.edge.test", 60, [127, 0, 77, 2]);
    dns.a("b.edge.test", 60, [127, 0, 77, 3]);
    let house = House::with(vec![(Transport::Tcp, (Ipv4Addr::LOCALHOST, 0).into())], |config| {
        config.dns = vec![dns.address()];
    });
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    alice.register("alice", "<sip:alice@df7jal23ls0d.invalid;transport=tcp>");
    // The first server of the name, where nobody listens.
    let mut caller = Peer::tcp_from(Ipv4Addr::new(127, 0, 77, 2), house.at(Transport::Tcp));
    caller.name = "edge.test".to_owned();
    let contact = "Contact: <sip:peer@edge.test;transport=tcp>\r\n";
    caller.send("INVITE", "sip:alice@tipring.test", contact, &sdp("127.0.0.1"));
    let offered = alice.expect("INVITE ");
    drop(caller);
    house.connections(1);
    alice.answer(&offered, "486 Busy Here", "", "");
    let mut stand_in = Peer::accept(&spare);
    stand_in.expect("SIP/2.0 486");
    house.leave();
}

#[test]
fn a_trunk_is_called_over_one_connection_that_stays() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let local = |transport| (transport, (Ipv4Addr::LOCALHOST, 0).into());
    let house = House::with(vec![local(Transport::Tcp)], |config| {
        trunk(config, &format!("sip:127.0.0.1:{port};transport=tcp"));
    });
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    let mut provider = None;
    for _ in 0..2 {
        call_as_alice(&mut alice, "95551234");
        let provider = provider.get_or_insert_with(|| Peer::accept(&listener));
        let invite = provider.expect("INVITE sip:5551234@127.0.0.1");
        provider.answer(&invite, "486 Busy Here", "", "");
        provider.expect("ACK ");
        alice.expect("SIP/2.0 486");
    }
    house.connections(2);
    house.leave();
}

#[test]
fn a_call_to_where_nobody_listens_fails_at_once() {
    let house = House::start(&[Transport::Tcp]);
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = dead.local_addr().expect("an address");
    drop(dead);
    alice.register("alice", &format!("<sip:alice@{address};transport=tcp>"));
    drop(alice);
    house.connections(0);
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    let contact = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    let start = Instant::now();
    caller.send("INVITE", "sip:alice@tipring.test", &contact, &sdp("127.0.0.1"));
    let answer = caller.expect("SIP/2.0 ");
    assert!(answer.starts_with("SIP/2.0 5") || answer.starts_with("SIP/2.0 4"), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(10), "timer B is 32 s");
    house.leave();
}

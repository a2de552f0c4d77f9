//! Peers that do not behave, and connections that break.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tipring_gateway::config::{FlowLimits, Transport};

use crate::house::{House, PATIENCE};
use crate::peer::{Peer, ask_by_datagram, text_of};

/// TCP and UDP with these bounds.
fn house(flows: FlowLimits) -> House {
    let local = |transport| (transport, (Ipv4Addr::LOCALHOST, 0).into());
    House::with(vec![local(Transport::Tcp), local(Transport::Udp)], |config| {
        config.gateway.sip.flows = flows;
    })
}

/// The gateway still serves others.
fn assert_it_serves(house: &House) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let name = socket.local_addr().expect("an address").to_string();
    let via = format!("SIP/2.0/UDP {name};rport;branch=z9hG4bKserves{}", name.len());
    let options = text_of("OPTIONS", "sip:tipring.test", &via, &name, "", "");
    let answer = ask_by_datagram(&socket, house.at(Transport::Udp), &options);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
}

#[test]
fn a_peer_that_never_reads_is_dropped_and_holds_nobody_up() {
    let house = house(FlowLimits { unsent: 32 * 1024, ..FlowLimits::default() });
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    SockRef::from(&peer.stream).set_recv_buffer_size(4096).expect("a socket");
    let start = Instant::now();
    let dropped = loop {
        let request = peer.request("OPTIONS", "sip:tipring.test", "", "");
        match peer.stream.write_all(request.as_bytes()) {
            Ok(()) => assert!(start.elapsed() < PATIENCE, "it is never dropped"),
            Err(error) => break error.kind(),
        }
    };
    assert!(matches!(dropped, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{dropped}");
    house.connections(0);
    assert_it_serves(&house);
    house.leave();
}

#[test]
fn a_peer_that_sends_an_octet_at_a_time_has_a_deadline() {
    let message = Duration::from_millis(700);
    let house = house(FlowLimits { message, ..FlowLimits::default() });
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    let start = Instant::now();
    for octet in peer.request("OPTIONS", "sip:tipring.test", "", "").as_bytes() {
        if peer.stream.write_all(&[*octet]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(start.elapsed() < PATIENCE);
    }
    assert_eq!(peer.closed(), "");
    assert!(start.elapsed() >= message);
    house.connections(0);
    house.leave();
}

#[test]
fn a_peer_that_says_nothing_is_closed() {
    let house = house(FlowLimits { first: Duration::from_millis(300), ..FlowLimits::default() });
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    assert_eq!(peer.closed(), "");
    drop(peer);
    house.connections(0);
    house.leave();
}

#[test]
fn a_reset_in_the_middle_of_a_message_leaves_nothing_behind() {
    let house = house(FlowLimits::default());
    for _ in 0..20 {
        let mut peer = Peer::tcp(house.at(Transport::Tcp));
        let request = peer.request("OPTIONS", "sip:tipring.test", "", "");
        peer.write(&request.as_bytes()[..100]);
        house.connections(1);
        SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
        drop(peer);
        house.connections(0);
    }
    assert_it_serves(&house);
    house.leave();
}

#[test]
fn garbage_is_not_answered_and_a_message_without_length_is() {
    let house = house(FlowLimits::default());
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(peer.closed(), "");
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    let request = peer.request("OPTIONS", "sip:tipring.test", "", "");
    peer.write(request.replace("Content-Length: 0\r\n", "").as_bytes());
    let answer = peer.closed();
    assert!(answer.starts_with("SIP/2.0 400 Missing Content-Length\r\n"), "{answer}");
    let mut peer = Peer::tcp(house.at(Transport::Tcp));
    let request = peer.request("OPTIONS", "sip:tipring.test", "", "");
    peer.write(request.replace("Content-Length: 0\r\n", "Content-Length: 70000\r\n").as_bytes());
    let answer = peer.closed();
    assert!(answer.starts_with("SIP/2.0 513 Message Too Large\r\n"), "{answer}");
    drop(peer);
    house.connections(0);
    house.leave();
}

#[test]
fn one_address_gets_so_many_connections_and_no_more() {
    let house = house(FlowLimits { per_peer: 4, ..FlowLimits::default() });
    let mut peers: Vec<_> = (0..4).map(|_| Peer::tcp(house.at(Transport::Tcp))).collect();
    for peer in &mut peers {
        peer.send("OPTIONS", "sip:tipring.test", "", "");
        peer.expect("SIP/2.0 200");
    }
    let mut fifth = Peer::tcp(house.at(Transport::Tcp));
    assert_eq!(fifth.closed(), "", "all four are in use");
    house.connections(4);
    peers.truncate(3);
    house.connections(3);
    let mut fifth = Peer::tcp(house.at(Transport::Tcp));
    fifth.send("OPTIONS", "sip:tipring.test", "", "");
    fifth.expect("SIP/2.0 200");
    house.leave();
}

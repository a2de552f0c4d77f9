//! IPv6, beside IPv4 at the same port.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use tipring_gateway::config::Transport;

use crate::house::House;
use crate::peer::{Peer, ask_by_datagram, header_of, sdp, text_of};

fn house() -> House {
    let both = |transport| {
        let v6: SocketAddr = (Ipv6Addr::LOCALHOST, 0).into();
        [(transport, v6), (transport, (Ipv4Addr::LOCALHOST, 0).into())]
    };
    let listen = [both(Transport::Udp), both(Transport::Tcp)].concat();
    House::with(listen, |_| {})
}

#[test]
fn a_datagram_is_answered_to_where_it_came_from() {
    let house = house();
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).expect("a socket");
    let port = socket.local_addr().expect("an address").port();
    let via = "SIP/2.0/UDP [2001:db8::9]:5060;rport;branch=z9hG4bK6";
    let options = text_of("OPTIONS", "sip:tipring.test", via, "[2001:db8::9]", "", "");
    let answer = ask_by_datagram(&socket, house.at(Transport::Udp), &options);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    let via = header_of(&answer, "Via");
    assert!(via.contains(";received=::1") && via.contains(&format!(";rport={port}")), "{via}");
    house.leave();
}

#[test]
fn both_families_share_a_port() {
    let first = house();
    let port = first.at(Transport::Tcp).port();
    first.leave();
    let any = |transport| {
        let v6: SocketAddr = (Ipv6Addr::UNSPECIFIED, port).into();
        [(transport, v6), (transport, (Ipv4Addr::UNSPECIFIED, port).into())]
    };
    let house = House::with([any(Transport::Udp), any(Transport::Tcp)].concat(), |_| {});
    for to in [
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
    ] {
        let mut peer = Peer::tcp(to);
        peer.send("OPTIONS", "sip:tipring.test", "", "");
        peer.expect("SIP/2.0 200");
    }
    house.leave();
}

#[test]
fn a_call_over_tcp_offers_audio_over_ipv6() {
    let house = house();
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    alice.register("alice", "<sip:alice@df7jal23ls0d.invalid;transport=tcp>");
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    let contact = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    caller.send("INVITE", "sip:alice@tipring.test", &contact, &sdp("::1"));
    let offered = alice.expect("INVITE ");
    assert!(header_of(&offered, "Via").starts_with("SIP/2.0/TCP [::1]:"), "{offered}");
    assert!(offered.contains("c=IN IP6 ::1\r\n"), "{offered}");
    let contact = "Contact: <sip:alice@df7jal23ls0d.invalid;transport=tcp>\r\n";
    alice.answer(&offered, "200 OK", contact, &sdp("::1"));
    let answer = caller.expect("SIP/2.0 200");
    assert!(answer.contains("c=IN IP6 ::1\r\n"), "{answer}");
    alice.expect("ACK ");
    house.leave();
}

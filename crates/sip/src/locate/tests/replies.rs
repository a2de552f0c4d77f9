//! Where responses go (RFC 3261 §18.2.2, RFC 3581, RFC 3263 §5).

use super::*;
use crate::message::Via;

fn ways(via: &str, transport: Transport) -> String {
    let via: Via = via.parse().expect("a Via");
    let source = "203.0.113.7:40000".parse().expect("an address");
    let ways = ReplyWay::all(&via, transport, source);
    let ways = ways.iter().map(|way| match way {
        ReplyWay::Source(address) => format!("source {address}"),
        ReplyWay::Address(address) => format!("address {address}"),
        ReplyWay::Located(destination) => format!("locate {destination}"),
    });
    ways.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_datagram_is_answered_to_its_sender() {
    assert_eq!(
        ways("SIP/2.0/UDP 10.1.1.1:5070;rport;branch=z9hG4bKa", Transport::Udp),
        "source 203.0.113.7:40000"
    );
    assert_eq!(
        ways("SIP/2.0/UDP 10.1.1.1:5070;branch=z9hG4bKa", Transport::Udp),
        "address 203.0.113.7:5070"
    );
    assert_eq!(
        ways("SIP/2.0/UDP pc.example.com;branch=z9hG4bKa", Transport::Udp),
        "address 203.0.113.7:5060"
    );
}

#[test]
fn maddr_does_not_aim_responses_at_a_third_party() {
    let via = "SIP/2.0/UDP 10.1.1.1:5070;maddr=198.51.100.1;branch=z9hG4bKa";
    assert_eq!(ways(via, Transport::Udp), "address 203.0.113.7:5070");
}

#[test]
fn a_lost_connection_leads_to_the_sender_s_port_and_then_to_who_stands_in_for_it() {
    assert_eq!(
        ways("SIP/2.0/TCP edge.example.com;branch=z9hG4bKa", Transport::Tcp),
        "source 203.0.113.7:40000, address 203.0.113.7:5060, locate edge.example.com by TCP"
    );
    assert_eq!(
        ways("SIP/2.0/TLS edge.example.com:5071;branch=z9hG4bKa", Transport::Tls),
        "source 203.0.113.7:40000, address 203.0.113.7:5071, locate edge.example.com:5071 by TLS"
    );
}

#[test]
fn a_browser_that_left_cannot_be_found() {
    let via = "SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKa";
    assert_eq!(ways(via, Transport::Ws), "source 203.0.113.7:40000, address 203.0.113.7:80");
}

/// RFC 3263 §5: SRV of sent-by by the transport of the request, without NAPTR; then its addresses.
#[test]
fn the_stand_in_of_a_failed_client_is_located_by_srv() {
    let via: Via = "SIP/2.0/TCP edge.example.com;branch=z9hG4bKa".parse().expect("a Via");
    let mut site = Site::new(31);
    site.record("SRV _sip._tcp.edge.example.com", 60, vec![srv(0, 0, 5066, "spare.example.com")]);
    site.host("spare.example.com", &["192.0.2.8"]);
    let destination = Destination::of_sent_by(&via).expect("a destination");
    let id = site.locator.locate(site.now, Ok(destination));
    site.drain();
    assert_eq!(site.end(id).as_deref(), Some("TCP 192.0.2.8:5066"));
    assert_eq!(site.asked[0], "SRV _sip._tcp.edge.example.com");
}

//! Requests that are too large for a datagram (RFC 3261 §18.1.1).

use tipring_sip::agent::{MAX_DATAGRAM, UaConfig};
use tipring_sip::locate::Reach;
use tipring_sip::message::Transport;
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, US, at, find, header, response};

const OUR_TCP: &str = "192.0.2.1:5062";

/// A user agent that listens on UDP and TCP.
fn script() -> Script {
    let sockets = [(Transport::Udp, at(US)), (Transport::Tcp, at(OUR_TCP))];
    Script::with(UaConfig { reach: Reach::new(sockets), ..UaConfig::default() })
}

fn tcp() -> Path {
    Path::new(Transport::Tcp, at(OUR_TCP), at(PEER))
}

fn call(script: &mut Script, size: usize) -> (SessionId, String) {
    script.call(|invite: &mut Invite| invite.body = vec![b'x'; size])
}

fn via(text: &str) -> &str {
    header(text, "Via").split(';').next().expect("a sent-by")
}

#[test]
fn a_request_of_1300_octets_goes_by_udp_and_a_larger_one_over_tcp() {
    let mut script = script();
    let (_, small) = call(&mut script, 10);
    let fill = MAX_DATAGRAM - small.len();
    let (_, just) = call(&mut script, 8 + fill);
    assert!((MAX_DATAGRAM - 10..=MAX_DATAGRAM).contains(&just.len()), "{}", just.len());
    assert_eq!(via(&just), "SIP/2.0/UDP 192.0.2.1:5060");
    let (_, large) = call(&mut script, 40 + fill);
    assert_eq!(via(&large), "SIP/2.0/TCP 192.0.2.1:5062");
    assert!(header(&large, "Contact").contains("192.0.2.1:5062;transport=tcp"), "{large}");
    script.wait(10_000);
    let again = script.sent.iter().filter(|(_, text)| *text == large).count();
    assert_eq!(again, 0, "TCP itself sends again");
}

#[test]
fn without_a_tcp_socket_everything_goes_by_udp() {
    let mut script = Script::with(UaConfig {
        reach: Reach::new([(Transport::Udp, at(US))]),
        ..UaConfig::default()
    });
    let (_, large) = call(&mut script, 2000);
    assert_eq!(via(&large), "SIP/2.0/UDP 192.0.2.1:5060");
}

#[test]
fn its_cancel_and_its_ack_go_the_same_way() {
    let mut script = script();
    let (id, invite) = call(&mut script, 2000);
    script.receive(&response(&invite, "180 Ringing", "b", "", ""));
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it rings");
    let cancel = script.expect("CANCEL ");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    script.receive(&response(&cancel, "200 OK", "b", "", ""));
    script.receive(&response(&invite, "487 Request Terminated", "b", "", ""));
    let ack = script.expect("ACK ");
    assert_eq!(header(&ack, "Via"), header(&invite, "Via"));
    script.wait(60_000);
    assert_eq!(script.ua.counts().clients, 0);
}

#[test]
fn where_tcp_is_refused_it_goes_by_udp_and_the_next_one_at_once() {
    let mut script = script();
    let (_, first) = call(&mut script, 2000);
    assert_eq!(via(&first), "SIP/2.0/TCP 192.0.2.1:5062");
    script.act(|ua, now| ua.handle_send_error(now, &tcp()));
    let second = script.expect("INVITE ");
    assert_eq!(via(&second), "SIP/2.0/UDP 192.0.2.1:5060");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    assert!(!header(&second, "Contact").contains("transport=tcp"), "{second}");
    let body = |text: &str| text.split("\r\n\r\n").nth(1).map(str::len);
    assert_eq!(body(&second), body(&first));
    script.receive(&response(&second, "486 Busy Here", "b", "", ""));
    assert_eq!(script.ended(), "Remote 486");
    script.skip();
    let (_, next) = call(&mut script, 2000);
    assert_eq!(via(&next), "SIP/2.0/UDP 192.0.2.1:5060");
}

#[test]
fn a_slow_answer_over_tcp_is_waited_for() {
    let mut script = script();
    let (_, invite) = call(&mut script, 2000);
    script.wait(20_000);
    script.expect_nothing();
    script.receive(&response(&invite, "486 Busy Here", "b", "", ""));
    assert_eq!(script.ended(), "Remote 486");
}

#[test]
fn a_large_ack_goes_over_tcp_and_by_udp_where_that_fails() {
    let mut script = script();
    let (id, invite) = script.call(|invite| invite.body = Vec::new());
    let answer = response(&invite, "200 OK", "b", "m: <sip:bob@198.51.100.9:5060>\n", "v=0 offer");
    script.receive(&answer);
    script.act(|ua, now| ua.accept_offer(now, id, vec![b'x'; 2000])).expect("it was offered");
    let ack = script.expect("ACK ");
    assert_eq!(via(&ack), "SIP/2.0/TCP 192.0.2.1:5062");
    script.act(|ua, now| ua.handle_send_error(now, &tcp()));
    script.receive(&answer);
    let (to, ack) = script.next_to();
    assert_eq!((to, via(&ack)), (at(PEER), "SIP/2.0/UDP 192.0.2.1:5060"));
    assert!(find(&ack, "Content-Length").is_some());
}

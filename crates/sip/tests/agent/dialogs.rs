//! What two peers remember of each other.

use tipring_sip::dialog::{Dialog, DialogState, OutOfOrder};
use tipring_sip::message::{
    HeaderName, Message, Method, Request, Response, Status, Transport, wire::View,
};
use tipring_sip::transaction::Path;
use tipring_sip::transport::{Domain, FlowId};

const INVITE: &str = "INVITE sip:bob@biloxi.example SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx
Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>
From: <sip:alice@atlanta.example>;tag=a
To: <sip:bob@biloxi.example>
Call-ID: c
CSeq: 7 INVITE
Contact: <sip:alice@192.0.2.1:5070>

";

fn invite() -> Request {
    let bytes = INVITE.replace('\n', "\r\n");
    match View::parse(bytes.as_bytes()).map(|view| view.to_message()) {
        Ok(Ok(Message::Request(request))) => request,
        other => panic!("a request: {other:?}"),
    }
}

fn answer(status: Status, contact: &str) -> Response {
    let mut response = Response::new(&invite(), status, Some("b"));
    response.headers.copy_from(&invite().headers, &HeaderName::RecordRoute);
    response.headers.push(HeaderName::Contact, contact);
    response
}

fn routes(request: &Request) -> Vec<&str> {
    request.headers.all(&HeaderName::Route).collect()
}

fn path() -> Path {
    Path::new(
        Transport::Udp,
        "192.0.2.1:5060".parse().expect("an address"),
        "198.51.100.1:5060".parse().expect("an address"),
    )
}

#[test]
fn the_caller_takes_routes_backwards_and_the_callee_forwards() {
    let mut caller = Dialog::of_caller(&invite(), &answer(Status::RINGING, "<sip:bob@192.0.2.4>"))
        .expect("good");
    let bye = caller.request(Method::Bye);
    assert_eq!(routes(&bye), ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]);
    assert_eq!(bye.uri.to_string(), "sip:bob@192.0.2.4");
    assert_eq!(bye.headers.cseq().expect("is there").number, 8);
    let mut callee = Dialog::of_callee(&invite(), "b", 100).expect("good");
    let bye = callee.request(Method::Bye);
    assert_eq!(routes(&bye), ["<sip:p2.example;lr>", "<sip:p1.example;lr>"]);
    assert_eq!(bye.uri.to_string(), "sip:alice@192.0.2.1:5070");
    assert_eq!(bye.headers.cseq().expect("is there").number, 101);
    assert_eq!(bye.headers.from().expect("is there").tag(), Some("b"));
    assert_eq!(bye.headers.to().expect("is there").tag(), Some("a"));
}

#[test]
fn the_2xx_decides_about_routes_and_target() {
    let early = answer(Status::RINGING, "<sip:bob@192.0.2.4>");
    let mut dialog = Dialog::of_caller(&invite(), &early).expect("good");
    assert_eq!(dialog.state(), DialogState::Early);
    let mut ok = answer(Status::OK, "<sip:bob@192.0.2.5>");
    ok.headers.remove(&HeaderName::RecordRoute);
    dialog.learn(&ok).expect("good");
    assert_eq!(dialog.state(), DialogState::Confirmed);
    let bye = dialog.request(Method::Bye);
    assert_eq!((routes(&bye).len(), bye.uri.to_string().as_str()), (0, "sip:bob@192.0.2.5"));
}

#[test]
fn older_and_repeated_requests_are_out_of_order() {
    let mut dialog = Dialog::of_callee(&invite(), "b", 1).expect("good");
    assert_eq!(dialog.check_cseq(7), Err(OutOfOrder));
    assert_eq!(dialog.check_cseq(9), Ok(()), "gaps are no fault");
    assert_eq!(dialog.check_cseq(8), Err(OutOfOrder));
    assert_eq!(dialog.check_cseq(10), Ok(()));
}

#[test]
fn a_contact_that_is_an_address_is_followed_and_a_name_is_not() {
    let hop = |contact: &str| {
        let mut response = answer(Status::OK, contact);
        response.headers.remove(&HeaderName::RecordRoute);
        let dialog = Dialog::of_caller(&invite(), &response).expect("good");
        dialog.next_hop(&path()).remote.to_string()
    };
    assert_eq!(hop("<sip:bob@203.0.113.7:5070>"), "203.0.113.7:5070");
    assert_eq!(hop("<sip:bob@203.0.113.7>"), "203.0.113.7:5060");
    assert_eq!(hop("<sip:bob@biloxi.example>"), "198.51.100.1:5060");
    assert_eq!(hop("<sip:bob@10.0.0.3:5070>"), "198.51.100.1:5060", "behind a NAT");
    assert_eq!(hop("<sip:bob@[2001:db8::1]>"), "198.51.100.1:5060", "another family");
    assert_eq!(
        hop("<sip:bob@203.0.113.7;transport=tcp>"),
        "198.51.100.1:5060",
        "another transport"
    );
}

#[test]
fn the_connection_to_a_host_is_kept_to_and_another_host_gets_its_own() {
    let hop = |contact: &str| {
        let mut response = answer(Status::OK, contact);
        response.headers.remove(&HeaderName::RecordRoute);
        let dialog = Dialog::of_caller(&invite(), &response).expect("good");
        let proxy: tipring_sip::message::Host = "proxy.example".parse().expect("a name");
        let (flow, domain) = (Some(FlowId(7)), Some(Domain::of(&proxy)));
        let next = dialog.next_hop(&Path { transport: Transport::Tls, flow, domain, ..path() });
        (next.remote.to_string(), next.flow, next.domain.map(|domain| domain.to_string()))
    };
    let proxy = || Some("proxy.example".to_owned());
    let same = hop("<sips:bob@198.51.100.1:50611>");
    assert_eq!(same, ("198.51.100.1:50611".to_owned(), Some(FlowId(7)), proxy()));
    let named = hop("<sips:bob@proxy.example>");
    assert_eq!(named, ("198.51.100.1:5060".to_owned(), Some(FlowId(7)), proxy()));
    assert_eq!(hop("<sips:bob@203.0.113.7>"), ("203.0.113.7:5061".to_owned(), None, None));
}

#[test]
fn peers_without_tags_have_dialogs_too() {
    let mut old = invite();
    old.headers.set(HeaderName::From, "<sip:alice@atlanta.example>");
    let dialog = Dialog::of_callee(&old, "b", 1).expect("good");
    assert!(dialog.matches("c", "b", ""));
    assert!(!dialog.matches("c", "b", "a"));
    assert_eq!(dialog.to_string(), "dialog Early c local b remote ");
}

#[test]
fn a_callee_needs_a_contact_and_of_a_caller_of_rfc_2543_from() {
    let mut nowhere = invite();
    nowhere.headers.remove(&HeaderName::Contact);
    nowhere.headers.set(HeaderName::Via, "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK1");
    assert!(Dialog::of_callee(&nowhere, "b", 1).is_err());
    nowhere.headers.set(HeaderName::Via, "SIP/2.0/UDP 198.51.100.1");
    let dialog = Dialog::of_callee(&nowhere, "b", 1).expect("an old phone");
    assert_eq!(*dialog.target(), nowhere.headers.from().expect("From").uri);
}

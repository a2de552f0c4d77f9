//! MESSAGE (RFC 3428), both ends.

use tipring_sip::agent::{InstantMessage, Output, TooLarge, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::message::{Method, Response, Status, Transport};
use tipring_sip::subscription::Content;
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, US, at, header, response, uri};

fn text(transport: Transport, octets: usize) -> InstantMessage {
    InstantMessage {
        target: uri("sip:bob@example.net"),
        path: Path::new(transport, at(US), at(PEER)),
        others: Vec::new(),
        from: "<sip:alice@example.org>".parse().expect("an address"),
        to: "<sip:bob@example.net>".parse().expect("an address"),
        route: Vec::new(),
        headers: Vec::new(),
        content: Content::new("text/plain", "x".repeat(octets)),
        credentials: Some(Account {
            username: "alice".to_owned(),
            secret: Secret::Password("secret".to_owned()),
            realms: vec!["example.net".to_owned(), "http-auth@example.org".to_owned()],
        }),
    }
}

#[test]
fn a_text_is_sent_signed_and_answered() {
    let mut script = Script::new();
    let message = text(Transport::Udp, 5);
    let id = script.act(|ua, now| ua.send_message(now, message)).expect("small");
    let first = script.expect("MESSAGE sip:bob@example.net SIP/2.0");
    assert_eq!(header(&first, "Content-Type"), "text/plain");
    assert!(first.ends_with("\r\n\r\nxxxxx") && !first.contains("Contact"), "{first}");
    let ask = "Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\n";
    script.receive(&response(&first, "407 Who", "p", ask, ""));
    let signed = script.expect("MESSAGE ");
    assert!(header(&signed, "Proxy-Authorization").contains("nc=00000001"));
    script.receive(&response(&signed, "202 Accepted", "b", "", ""));
    let Some(Output::Response { id: of, response }) = script.said.last() else {
        panic!("{:?}", script.said);
    };
    assert_eq!((*of, response.status.code()), (id, 202));
}

#[test]
fn a_text_of_more_than_1300_octets_needs_a_transport_with_congestion_control() {
    let mut script = Script::new();
    let mut send = |transport, octets| {
        let message = text(transport, octets);
        let sent = script.act(|ua, now| ua.send_message(now, message));
        sent.map(|_| script.next().len())
    };
    assert_eq!(send(Transport::Udp, 1200), Err(TooLarge));
    assert!(send(Transport::Tcp, 1200).expect("controlled") > 1300);
    let largest = (0..1300).rev().find_map(|octets| send(Transport::Udp, octets).ok());
    let largest = largest.expect("a small one fits");
    assert!(largest <= 1300, "{largest}");
}

/// What the stack adds to a MESSAGE after its size was judged does not take it over the limit.
#[test]
fn a_text_that_is_signed_stays_within_1300_octets() {
    let mut script = Script::new();
    let octets = (0..1300).rev().find(|octets| {
        let message = text(Transport::Udp, *octets);
        script.act(|ua, now| ua.send_message(now, message)).is_ok()
    });
    assert!(octets.is_some_and(|octets| octets > 300), "{octets:?}");
    let first = script.expect("MESSAGE ");
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let ask = format!(
        "Proxy-Authenticate: Digest realm=\"http-auth@example.org\", nonce=\"{nonce}\", \
         opaque=\"{nonce}\", algorithm=SHA-256, qop=\"auth\"\n"
    );
    script.receive(&response(&first, "407 Who", "p", &ask, ""));
    let signed = script.expect("MESSAGE ");
    assert!(signed.len() <= 1300, "{} octets", signed.len());
}

const TEXT: &str = "
MESSAGE sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/TCP user1pc.example.com;branch=z9hG4bK776sgdkse
Max-Forwards: 70
From: sip:user1@example.com;tag=49583
To: sip:user2@example.com
Call-ID: asd88asd77a@1.2.3.4
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 18

Watson, come here.";

#[test]
fn a_text_is_surfaced_and_answered_and_another_type_is_415() {
    let config = UaConfig {
        allow: vec![Method::Message],
        message_types: vec!["text/plain".to_owned(), "message/cpim".to_owned()],
        ..UaConfig::default()
    };
    let mut script = Script::with(config);
    script.receive(TEXT);
    let Some(Output::Request { id, request, .. }) = script.said.pop() else {
        panic!("{:?}", script.said);
    };
    assert_eq!(request.body, b"Watson, come here.");
    script.act(|ua, now| ua.respond(now, id, Response::new(&request, Status::OK, None)));
    script.expect("SIP/2.0 200 OK");
    let other = |number: &str| TEXT.replace("776", number).replace("asd88", number);
    script.receive(&other("1").replace("text/plain", "text/html"));
    let refusal = script.expect("SIP/2.0 415");
    assert_eq!(header(&refusal, "Accept"), "text/plain, message/cpim");
    script.receive(&other("2").replace("Content-Type: text/plain\n", ""));
    script.expect("SIP/2.0 415");
}

#[test]
fn a_user_agent_that_takes_no_texts_says_so() {
    let mut script = Script::new();
    script.receive(TEXT);
    let refusal = script.expect("SIP/2.0 405");
    assert!(!header(&refusal, "Allow").contains("MESSAGE"));
}

#[test]
fn a_text_goes_to_the_next_server_when_the_first_is_too_busy() {
    const SECOND: &str = "198.51.100.10:5060";
    let mut script = Script::new();
    let mut message = text(Transport::Udp, 5);
    message.others = vec![Path::new(Transport::Udp, at(US), at(SECOND))];
    script.act(|ua, now| ua.send_message(now, message)).expect("small");
    let first = script.expect("MESSAGE ");
    script.receive(&response(&first, "503 Busy", "a", "", ""));
    let (to, second) = script.next_to();
    assert!(to == at(SECOND) && second.ends_with("\r\n\r\nxxxxx"), "{to}\n{second}");
    assert_eq!(header(&first, "Call-ID"), header(&second, "Call-ID"));
    script.receive_from(SECOND, &response(&second, "200 OK", "b", "", ""));
    assert!(matches!(script.said.last(), Some(Output::Response { .. })), "{:?}", script.said);
}

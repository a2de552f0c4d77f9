//! SUBSCRIBE, NOTIFY and MESSAGE as documents of vendors show them.

use tipring_sip::agent::{Output, UaConfig};
use tipring_sip::message::{Event, Method, Response, Status, Substate};
use tipring_sip::subscription::{Content, Package};

use crate::script::{Script, find, header, response, uri};
use crate::subscriptions::{start, told};
use crate::watchers::watcher;

/// Cisco's lecture: an instant message server subscribes to the registrations of alice. The NOTIFY has no
/// Subscription-State.
#[test]
fn the_reg_subscription_of_the_cisco_lecture() {
    let mut script = Script::new();
    let (_, subscribe) = start(&mut script, |wanted| {
        wanted.target = uri("sip:alice@atlanta.com");
        wanted.from = "<sip:app_IM.atlanta.com>".parse().expect("an address");
        wanted.to = "<sip:alice@atlanta.com>".parse().expect("an address");
        wanted.event = Event::new("reg").expect("a token");
        wanted.accept = vec!["application/reginfo+xml".to_owned()];
        wanted.expires = 21_600;
    });
    assert_eq!(header(&subscribe, "Event"), "reg");
    let contact = "Contact: sip:server19.atlanta.com\nExpires: 3600\n";
    script.receive(&response(&subscribe, "200 OK", "xyzygg", contact, ""));
    let body = "<?xml version=\"1.0\"?><reginfo version=\"0\" state=\"full\"/>";
    script.receive(&format!(
        "NOTIFY sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/TCP server1.atlanta.com
 ;branch=z9hG4bKnasaii
From: sip:alice@atlanta.com ;tag=xyzygg
To: {}
Call-ID: {}
CSeq: 1288 NOTIFY
Contact: sip:server19.atlanta.com
Event: reg
Max-Forwards: 70
Content-Type: application/reginfo+xml
Content-Length: {}

{body}",
        header(&subscribe, "From"),
        header(&subscribe, "Call-ID"),
        body.len()
    ));
    script.expect("SIP/2.0 200 OK");
    assert_eq!(told(&script), ["0: active"]);
    script.wait(3_000_000);
    script.expect_nothing();
    let refresh = script.wait_for("SUBSCRIBE sip:server19.atlanta.com ", 300_000);
    assert_eq!(header(&refresh, "Expires"), "21600");
}

/// "Sending a NOTIFY message to an unsuspecting node is invalid behavior, must receive a 481."
#[test]
fn the_unsuspecting_node_of_the_cisco_lecture() {
    let mut script = Script::new();
    script.receive(
        "NOTIFY sip:app_IM.atlanta.com SIP/2.0
Via: SIP/2.0/TCP server1.atlanta.com;branch=z9hG4bKnasaii
From: sip:alice@atlanta.com ;tag=xyzygg
To: sip:app_IM.atlanta.com ;tag=123aa9
Call-ID: 9987@app_IM.atlanta.com
CSeq: 1288 NOTIFY
Contact: sip:server19.atlanta.com
Event: reg
Max-Forwards: 70
Content-Length: 0

",
    );
    script.expect("SIP/2.0 481");
}

/// The length is the lecture's; it counts the two octets of a line end that the slide does not show.
#[test]
fn the_message_of_the_cisco_lecture() {
    let config = UaConfig { allow: vec![Method::Message], ..UaConfig::default() };
    let mut script = Script::with(config);
    script.receive(
        "MESSAGE sip:bob@biloxi.com SIP/2.0
Via: SIP/2.0/TCP pc33.atlanta.com
 ;branch=z9hG4bK776asegma
Max-Forwards: 70
To: Bob <sip:bob@biloxi.com>
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.atlanta.com
CSeq: 22756 MESSAGE
Content-Type: text/plain
Content-Length: 35

Isn't this a great presentation ?
",
    );
    let Some(Output::Request { id, request, .. }) = script.said.pop() else {
        panic!("{:?}", script.said);
    };
    assert_eq!(request.body, b"Isn't this a great presentation ?\r\n");
    script.act(|ua, now| ua.respond(now, id, Response::new(&request, Status::OK, None)));
    let ok = script.expect("SIP/2.0 200 OK");
    assert_eq!(find(&ok, "Contact"), None, "a MESSAGE makes no dialog");
}

/// The guide's DT730 subscribes to the key events of its SV8300 in a package of their own.
#[test]
fn the_terminals_subscribe_of_the_nec_guide() {
    let package = Package::new("X-NECSIPEXT2CTRL");
    let mut script = Script::with(UaConfig { packages: vec![package], ..UaConfig::default() });
    script.receive(
        "SUBSCRIBE sip:CYGNUS-IPS@172.16.1.20:5080 SIP/2.0
Max-Forwards: 70
Content-Length: 0
Via: SIP/2.0/UDP 172.16.1.30:5060;branch=z9hG4bK0a8a3e977
Call-ID: c8902c5f6921115@172.16.1.30
From: <sip:2010@172.16.1.20>;tag=5ddc58f9427386a
To: <sip:CYGNUS-IPS@172.16.1.20:5080>
CSeq: 633878892 SUBSCRIBE
Event: X-NECSIPEXT2CTRL
Expires: 3627
Contact: sip:2010@172.16.1.30:5060
User-Agent: NEC-DPV-001-A-XX(NECSIPEXT2MLUA_v1)

",
    );
    let id = watcher(&script);
    let accept = |ua: &mut tipring_sip::agent::UserAgent, now| {
        ua.accept_subscription(now, id, Substate::Active, Content::default())
    };
    script.act(accept).expect("asked");
    let ok = script.expect("SIP/2.0 200 OK");
    assert_eq!(header(&ok, "Expires"), "3627");
    let notify = script.expect("NOTIFY sip:2010@172.16.1.30:5060 SIP/2.0");
    assert_eq!(header(&notify, "Event"), "X-NECSIPEXT2CTRL");
}

/// The same in the other direction: the key "speaker" is told without a lifetime.
#[test]
fn the_speaker_key_of_the_nec_guide() {
    let mut script = Script::new();
    let (_, subscribe) = start(&mut script, |wanted| {
        wanted.target = uri("sip:2010@172.16.1.30:5060");
        wanted.event = Event::new("X-NECSIPEXT2CTRL").expect("a token");
        wanted.accept = Vec::new();
        wanted.expires = 3613;
    });
    script.receive(&response(&subscribe, "200 OK", "0165ea5dd73ab4f", "Expires: 3613\n", ""));
    script.receive(&format!(
        "NOTIFY sip:2010@172.16.1.20:5080 SIP/2.0
Max-Forwards: 70
Content-Length: 22
Via: SIP/2.0/UDP 172.16.1.30:5060;branch=z9hG4bK5236586a1
Call-ID: {}
From: <sip:2010@172.16.1.30:5060>;tag=0165ea5dd73ab4f
To: {}
CSeq: 335277958 NOTIFY
Content-Type: application/X-NECSIPEXT2MLv1
Event: X-NECSIPEXT2CTRL
Subscription-State: active
Contact: sip:2010@172.16.1.30:5060
User-Agent: NEC-DPV-001-A-XX(NECSIPEXT2MLUA_v1)

Event-Fkey=8:speaker
",
        header(&subscribe, "Call-ID"),
        header(&subscribe, "From"),
    ));
    script.expect("SIP/2.0 200 OK");
    let Some(Output::Notified { body, headers, .. }) = script.said.last() else {
        panic!("{:?}", script.said);
    };
    assert_eq!(body, b"Event-Fkey=8:speaker\r\n");
    assert!(headers.content_type().is_ok_and(|kind| kind.is("application/x-necsipext2mlv1")));
}

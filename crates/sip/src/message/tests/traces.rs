//! Messages as devices of the years 2001 to 2012 sent them, odd where they were odd.

use super::*;
use crate::message::*;

/// Windows Messenger to a Yamaha router: no tag, no branch, no Max-Forwards, the fields in
/// alphabetical order, `application/SDP`, and no `s=` in the session.
#[test]
fn an_invite_of_windows_messenger_is_taken() {
    let request = accept_request(
        "INVITE sip:test@202.229.156.250 SIP/2.0
Call-ID: 8526-62394-18945-00a0de0a2496@202.229.156.246
Contact: <sip:test@202.229.156.246:5060>
Content-Length: {len}
Content-Type: application/SDP
CSeq: 24 INVITE
From: <sip:test@202.229.156.246>
To: <sip:test@202.229.156.250>
Via: SIP/2.0/UDP 202.229.156.246:5060

v=0
o=- 3232178697 3232178697 IN IP4 202.229.156.246
c=IN IP4 202.229.156.246
t=0 0
m=audio 5004 RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=rtpmap:0 G.711U/8000
",
    );
    let headers = &request.headers;
    assert_eq!(headers.from().expect("From").tag(), None);
    let via = headers.top_via().expect("Via");
    assert_eq!((via.branch(), via.has_rfc3261_branch()), (None, false));
    assert_eq!((headers.max_forwards(), headers.contact().is_ok()), (None, true));
    assert!(request.part("application/sdp").expect("good").is_some());
    assert_eq!(accept(&request.to_bytes()), Message::Request(request));
}

/// A Yamaha RTA54i repeats its INVITE with credentials; the tag stays, the branch is still missing.
#[test]
fn an_invite_of_a_yamaha_router_is_taken() {
    let request = accept_request(
        "INVITE sip:0352106434@ocn.ne.jp;user=phone SIP/2.0
Call-ID: 53409-55514-55500-00a0de0be46e@10.224.228.1
Contact: <sip:0352065369@10.224.228.1:5060>
Content-Length: 0
Content-Type: application/sdp
CSeq: 83 INVITE
From: <sip:0352065369@voip-ca.sphere.ne.jp>;tag=2389310069
Proxy-Authorization: Digest username=\"nttpc5369\", realm=\"nttpc.com\",
 nonce=\"1046347682\", opaque=\"\", uri=\"10.227.109.134\",
 response=\"d2b7b1cbfa020aab7ce6c728b00238d1\"
To: <sip:0352106434@sphere.ne.jp>
User-Agent: YAMAHA RTA54i
Via: SIP/2.0/UDP 10.224.228.1:5060

",
    );
    let number = request.uri.telephone().expect("user=phone");
    assert_eq!((number.digits(), number.is_global()), ("0352106434".to_owned(), false));
    let credentials = request.headers.first(&HeaderName::ProxyAuthorization).expect("there");
    assert!(credentials.contains("\", nonce=\"1046347682\", opaque=\"\", uri="), "unfolded");
}

/// The answer of its server: a Via without branch, and a To without tag even in a final response.
#[test]
fn a_407_of_the_yamaha_router_s_server_is_taken() {
    let response = accept_response(
        "SIP/2.0 407 Proxy Authentication Required
Call-ID: 53409-55514-55500-00a0de0be46e@10.224.228.1
CSeq: 82 INVITE
From: <sip:0352065369@voip.sphere.ne.jp>;tag=2389310069
To: <sip:0352106434@sphere.ne.jp;user=phone>
User-Agent: YAMAHA RTA54i
Via: SIP/2.0/UDP 10.224.228.1:5060
Date: Thu, 27 Feb 2003 12:17:33 GMT
Proxy-Authenticate: Digest realm=\"nttpc.com\", domain=\"10.227.109.134\",
 nonce=\"1046347682\", opaque=\"\", stale=FALSE, algorithm=MD5

",
    );
    assert_eq!(response.status, Status::PROXY_AUTHENTICATION_REQUIRED);
    assert_eq!(response.headers.to().expect("To").tag(), None);
    let date = response.headers.date().expect("good").expect("there");
    assert_eq!(date.unix_seconds(), 1_046_348_253);
}

/// A tutorial's 200: Record-Route folded between its values, and a Contact that ends with a lone
/// semicolon.
#[test]
fn a_folded_record_route_and_a_lone_semicolon_are_taken() {
    let response = accept_response(
        "SIP/2.0 200 OK
Via: SIP/2.0/TCP ss2.biloxi.example.com
Via: SIP/2.0/TCP ss1.atlanta.example.com
Via: SIP/2.0/TCP client.atlanta.example.com
Record-Route: <sip:ss2.biloxi.example.com;lr>,
 <sip:ss1.atlanta.example.com;lr>
From: Alice <sip:alice@atlanta.example.com>
To: Bob <sip:bob@biloxi.example.com>
Call-ID: 3848276298220188511@atlanta.example.com
CSeq: 2 INVITE
Contact: <sip:bob@client.biloxi.example.com;>
Content-Type: application/sdp
Content-Length: 0

",
    );
    let routes = response.headers.record_routes().expect("good");
    assert!(routes.len() == 2 && routes.iter().all(|route| route.uri.is_loose_router()));
    let contact = response.headers.contact().expect("Contact");
    assert_eq!(contact.to_string(), "<sip:bob@client.biloxi.example.com>");
}

/// A Cisco telephone behind a proxy of RFC 2543: one Via without branch above one whose branch has
/// no cookie, a Contact without angle brackets, and a Record-Route by `maddr`.
#[test]
fn an_invite_of_a_cisco_phone_is_taken() {
    let request = accept_request(
        "INVITE sip:23198@172.17.207.91:5060 SIP/2.0
Via: SIP/2.0/UDP 10.80.17.134:5060
Via: SIP/2.0/UDP 172.18.192.232:5060;branch=1FV1xhfvxGJOK9rWcKdAKOA
To: <sip:23198@172.18.192.232>;tag=abc
From: <sip:15691@10.80.17.134>;tag=a73kszlfl
Call-ID: c2943000-50405d-6af10a-382e3031@10.80.17.134
CSeq: 100 INVITE
Contact: sip:15691@10.80.17.134:5060
Expires: 180
Content-Type: application/sdp
Content-Length: 0
User-Agent: Cisco IP Phone/ Rev. 1/ SIP enabled
Accept: application/sdp
Record-Route: <sip:23198@172.18.192.232:5060;maddr=172.18.192.232>

",
    );
    let vias = request.headers.vias().expect("Vias");
    assert_eq!(vias[1].branch(), Some("1FV1xhfvxGJOK9rWcKdAKOA"));
    assert!(!vias.iter().any(Via::has_rfc3261_branch));
    let contact = request.headers.contact().expect("Contact");
    assert_eq!(contact.uri.to_string(), "sip:15691@10.80.17.134:5060");
    let routes = request.headers.record_routes().expect("good");
    assert_eq!(routes[0].uri.param("maddr").as_deref(), Some("172.18.192.232"));
    assert!(!routes[0].uri.is_loose_router());
}

/// A log-on service: the Via folded before its parameters, spaces before `;tag`, underscores in host
/// names, URIs without user.
#[test]
fn a_subscribe_of_a_message_service_is_taken() {
    let request = accept_request(
        "SUBSCRIBE sip:alice@atlanta.com SIP/2.0
Via: SIP/2.0/TCP app_IM.atlanta.com
 ;branch=z9hG4bKnashds7 ;received=10.1.3.2
From: sip:app_IM.atlanta.com ;tag=123aa9
To: sip:alice@atlanta.com
Call-ID: 9987@app_IM.atlanta.com
CSeq: 9887 SUBSCRIBE
Contact: sip:app_IM.atlanta.com
Event: reg
Max-Forwards: 70
Expires: 21600
Accept: application/reginfo+xml

",
    );
    let headers = &request.headers;
    let via = headers.top_via().expect("Via");
    assert_eq!(via.branch(), Some("z9hG4bKnashds7"));
    assert_eq!(via.received(), "10.1.3.2".parse().ok());
    let from = headers.from().expect("From");
    assert_eq!(
        (from.uri.to_string().as_str(), from.tag()),
        ("sip:app_im.atlanta.com", Some("123aa9"))
    );
    assert_eq!(headers.event(), Ok(Event::new("reg")));
    assert_eq!(headers.accepts("application", "reginfo+xml"), Ok(true));
}

/// An NEC exchange: two preferred identities, one a number without context; a session timer.
#[test]
fn an_invite_of_an_nec_exchange_is_taken() {
    let request = accept_request(
        "INVITE sip:2142622000@Telcosipserver.com:5060 SIP/2.0
Via: SIP/2.0/UDP 172.16.1.10:5060;branch=z9hG4bK-e14500690ed2-21
From: \"Station 1000\" <sip:2142621000@Telcosipserver.com:5060>;tag=18eb500690ed1-21
To: <sip:2142622000@Telcosipserver.com:5060>
Call-ID: bb-500690ed-0-21@172.16.1.10
CSeq: 1 INVITE
Contact: <sip:2142621000@172.16.1.10:5060>
Content-Type: application/sdp
Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK
Max-Forwards: 70
Session-Expires: 1800
Supported: timer
Privacy: none
P-Preferred-Identity: \"2142621000\" <sip:2142621000@Telcosipserver.com:5060>
P-Preferred-Identity: <tel:2142621000>
Content-Length: 0

",
    );
    let headers = &request.headers;
    let identity = headers.preferred_identity().expect("good").expect("there");
    assert_eq!(identity.display(), Some("2142621000"));
    let number = identity.tel().and_then(|tel| tel.uri.telephone()).expect("a number");
    assert_eq!((number.digits(), number.context()), ("2142621000".to_owned(), None));
    assert!(headers.supports("timer") && !headers.privacy().hides_identity());
    let timer = headers.session_expires().expect("good").expect("there");
    assert_eq!((timer.seconds, timer.refresher), (1800, None));
    assert_eq!(headers.allow().map(|methods| methods.len()), Some(6));
}

/// An NEC telephone and its exchange: a cookie in lower case, `Expires` as a Contact's parameter, a
/// package and a type of their own.
#[test]
fn messages_of_an_nec_telephone_are_taken() {
    let response = accept_response(
        "SIP/2.0 200 OK
Via: SIP/2.0/UDP 172.16.1.30:5060;branch=z9hg4bk543b966e0
From: <sip:necsipuser@172.16.1.20:5080>;tag=d486690f7126f7c
To: <sip:necsipuser@172.16.1.20:5080>;tag=29e7501142110-0
Call-ID: d824c4d8b3fc59b@172.16.1.30
CSeq: 156928336 REGISTER
Contact: <sip:necsipuser@172.16.1.30:5060>;Expires=203
Content-Type: application/X-NECSIPEXT2MLv1
Content-Length: 0

",
    );
    assert!(response.headers.top_via().expect("Via").has_rfc3261_branch());
    assert_eq!(response.headers.contact().expect("Contact").expires(), Some(203));
    let request = accept_request(
        "NOTIFY sip:2010@172.16.1.20:5080 SIP/2.0
Max-Forwards: 70
Content-Length: 22
Via: SIP/2.0/UDP 172.16.1.30:5060;branch=z9hG4bK5236586a1
Call-ID: 682b-500685ce-2-0@172.16.1.20
From: <sip:2010@172.16.1.30:5060>;tag=19fb156dff79985
To: \"2010\" <sip:2010@172.16.1.20:5080>;tag=67b4500685ce3-0
CSeq: 335277958 NOTIFY
Content-Type: application/X-NECSIPEXT2MLv1
Event: X-NECSIPEXT2CTRL
Subscription-State: active
Contact: sip:2010@172.16.1.30:5060
User-Agent: NEC-DPV-001-A-XX(NECSIPEXT2MLUA_v1)

Event-Fkey=8:speaker
",
    );
    assert_eq!(request.headers.event(), Ok(Event::new("X-NECSIPEXT2CTRL")));
    let state = request.headers.subscription_state().expect("good").expect("there");
    assert_eq!((state.state, state.expires), (Substate::Active, None));
    assert_eq!(request.body, b"Event-Fkey=8:speaker\r\n");
    let media = request.headers.content_type().expect("Content-Type");
    assert!(media.is("application/x-necsipext2mlv1"));
}

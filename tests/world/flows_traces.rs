//! Calls with messages as the documents print them, from devices of the years 2001 to 2012: odd
//! where they were odd. Only what routing needs is put in: our tags, our Contact, and the length of
//! bodies whose lines were lost in print.

use tipring_sim::{EndedBy, Site, Text, ToneName, World};

use crate::common::{ended, ms, s};
use crate::flows_common::*;

/// A printed message with its body's true length in place of `{len}`.
fn printed(message: &str) -> String {
    let (head, body) = message.split_once("\n\n").expect("a head and a body");
    let length = body.replace('\n', "\r\n").len().to_string();
    format!("{}\n\n{body}", head.replace("{len}", &length))
}

/// A gateway of `domain` whose kitchen has `number`, and a device there.
fn site(seed: u64, domain: &str, number: &str) -> Site {
    let mut site = Site::new("us", seed).card(&[("kitchen", number)]);
    domain.clone_into(&mut site.config.sip.domain);
    site
}

fn world(site: Site, name: &str, sip: &str, rtp: &str) -> World {
    let mut world = World::in_service(site);
    world.add_agent(name, sip);
    world.agent(name).set_rtp(rtp);
    world
}

/// Lifts the ringing kitchen; gives the 200.
fn answered(world: &mut World, name: &str) -> Text {
    world.run_for(ms(700));
    assert!(world.diary("kitchen").rings().len() == 1);
    world.phone("kitchen").off_hook();
    let ok = wait_for(world, name, "200 INVITE");
    world.agent(name).join(&ok.body);
    ok
}

fn tag(text: &Text, header: &str) -> String {
    text.param(header, "tag").unwrap_or_default().to_owned()
}

const NEC_INVITE: &str = r#"INVITE sip:2142622000@Telcosipserver.com:5060 SIP/2.0
Via: SIP/2.0/UDP 172.16.1.10:5060;branch=z9hG4bK-e14500690ed2-21
From: "Station 1000" <sip:2142621000@Telcosipserver.com:5060>;tag=18eb500690ed1-21
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
P-Preferred-Identity: "2142621000" <sip:2142621000@Telcosipserver.com:5060>
P-Preferred-Identity: <tel:2142621000>
Content-Length: {len}

v=0
o=IPS 24669 0 IN IP4 172.16.1.11
s=IPS
c=IN IP4 172.16.1.11
t=0 0
m=audio 10006 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=ptime:20
a=rtpmap:2 G726-32/8000
a=ptime:30
a=rtpmap:101 telephone-event/8000
"#;

/// NEC's ACK and BYE, to our Contact and with our tag.
fn nec(method: &str, branch: &str, cseq: u32, ok: &Text) -> String {
    format!(
        "{method} {} SIP/2.0
Via: SIP/2.0/UDP 172.16.1.10:5060;branch={branch}
From: \"Station 1000\" <sip:2142621000@Telcosipserver.com:5060>;tag=18eb500690ed1-21
To: <sip:2142622000@Telcosipserver.com:5060>;tag={}
Call-ID: bb-500690ed-0-21@172.16.1.10
CSeq: {cseq} {method}
Max-Forwards: 70
Content-Length: 0

",
        ok.uri("Contact").expect("a Contact"),
        tag(ok, "To"),
    )
}

/// NEC §6.2 to §6.9: INVITE, 100, 180, 200, ACK, RTP, BYE, 200, with the exchange's audio at another
/// address than its signalling.
#[test]
fn nec_basic_call_as_its_trace_has_it() {
    let site = site(1101, "Telcosipserver.com", "2142622000");
    let mut world = world(site, "nec", "172.16.1.10:5060", "172.16.1.11:10006");
    world.agent("nec").recite(&printed(NEC_INVITE));
    let ringing = wait_for(&mut world, "nec", "180 INVITE");
    assert_eq!(world.see("nec").log(), ["100 INVITE", "180 INVITE"]);
    assert_eq!(tag(&response(&world, "nec", "100 INVITE"), "To"), "");
    let shown = |w: &World| w.diary("kitchen").display.is_some();
    world.wait("the display", s(8), shown);
    let display = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!(display.number.as_deref(), Some("2142621000"));
    assert_eq!(display.name.as_deref(), Some("Station 1000"));
    world.phone("kitchen").off_hook();
    let ok = wait_for(&mut world, "nec", "200 INVITE");
    world.agent("nec").join(&ok.body);
    assert_eq!(tag(&ok, "To"), tag(&ringing, "To"));
    // RFC 4028 §9: the one that asked for the timer refreshes, unless the answer says otherwise.
    assert_eq!(ok.header("Session-Expires"), Some("1800;refresher=uac"));
    assert!(ok.list("Require").contains(&"timer".to_owned()));
    assert!(ok.body.contains("RTP/AVP 0 101\r\n"), "{}", ok.body);
    world.agent("nec").recite(&nec("ACK", "z9hG4bK-795b500690f20-21", 1, &ok));
    hear_each_other(&mut world, "nec");
    assert_eq!(world.see("nec").saw("200 INVITE"), 1, "the ACK was understood");
    world.agent("nec").recite(&nec("BYE", "z9hG4bK-686c500690f50-21", 2, &ok));
    let bye = wait_for(&mut world, "nec", "200 BYE");
    assert_eq!((bye.cseq(), tag(&bye, "To")), (2, tag(&ok, "To")));
    world.agent("nec").leave();
    world.wait("congestion", s(3), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

const MESSENGER_INVITE: &str = "INVITE sip:test@202.229.156.250 SIP/2.0
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
";

/// A later request of that device: still no tag of its own, no branch, no Max-Forwards.
fn messenger(method: &str, cseq: u32, to: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/SDP\n" };
    format!(
        "{method} sip:test@202.229.156.250 SIP/2.0
Call-ID: 8526-62394-18945-00a0de0a2496@202.229.156.246
Contact: <sip:test@202.229.156.246:5060>
Content-Length: {{len}}
{kind}CSeq: {cseq} {method}
From: <sip:test@202.229.156.246>
To: {to}
Via: SIP/2.0/UDP 202.229.156.246:5060

{body}"
    )
}

/// NTTPC, "INVITE … reINVITE … BYE" of Windows Messenger (RFC 2543): From without tag, Via without
/// branch, `application/SDP`, no `s=`.
#[test]
fn nttpc_windows_messenger_calls_changes_the_session_and_ends_it() {
    let site = site(1102, "202.229.156.250", "test");
    let mut world = world(site, "messenger", "202.229.156.246:5060", "202.229.156.246:5004");
    let invite = printed(MESSENGER_INVITE);
    world.agent("messenger").recite(&invite);
    world.run_for(ms(200));
    // It repeats itself until it is heard; one phone rings once.
    world.agent("messenger").recite(&invite);
    let ok = answered(&mut world, "messenger");
    let to = ok.header("To").expect("To").to_owned();
    assert_eq!(ok.header("From"), Some("<sip:test@202.229.156.246>"));
    world.agent("messenger").recite(&printed(&messenger("ACK", 24, &to, "")));
    hear_each_other(&mut world, "messenger");
    assert_eq!(world.see("messenger").saw("200 INVITE"), 1, "the ACK was understood");
    let body = invite.split_once("\n\n").expect("a body").1;
    let moved = body.replace("m=audio 5004", "m=audio 5006").replace("697 IN", "698 IN");
    world.agent("messenger").set_rtp("202.229.156.246:5006");
    world.agent("messenger").recite(&printed(&messenger("INVITE", 25, &to, &moved)));
    world.wait("the change", s(1), |w| w.see("messenger").saw("200 INVITE") == 2);
    let ok = response(&world, "messenger", "200 INVITE");
    assert_eq!((ok.cseq(), ok.header("To")), (25, Some(to.as_str())));
    world.agent("messenger").recite(&printed(&messenger("ACK", 25, &to, "")));
    hear_each_other(&mut world, "messenger");
    world.agent("messenger").recite(&printed(&messenger("BYE", 26, &to, "")));
    wait_for(&mut world, "messenger", "200 BYE");
    world.agent("messenger").leave();
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

/// The Messenger is left by the phone: our BYE has no tag to name in To, and needs none.
#[test]
fn nttpc_windows_messenger_is_left_by_the_phone() {
    let site = site(1103, "202.229.156.250", "test");
    let mut world = world(site, "messenger", "202.229.156.246:5060", "202.229.156.246:5004");
    world.agent("messenger").recite(&printed(MESSENGER_INVITE));
    let ok = answered(&mut world, "messenger");
    let to = ok.header("To").expect("To").to_owned();
    world.agent("messenger").recite(&printed(&messenger("ACK", 24, &to, "")));
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.see("messenger").saw("BYE") > 0);
    let bye = got(&world, "messenger", "BYE");
    assert_eq!(bye.header("To"), Some("<sip:test@202.229.156.246>"));
    assert_eq!(
        (bye.header("From"), bye.request_uri()),
        (Some(to.as_str()), "sip:test@202.229.156.246:5060")
    );
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

/// A Messenger that gives up: CANCEL without branch finds its INVITE by the rules of RFC 2543.
#[test]
fn nttpc_windows_messenger_cancels() {
    let site = site(1104, "202.229.156.250", "test");
    let mut world = world(site, "messenger", "202.229.156.246:5060", "202.229.156.246:5004");
    world.agent("messenger").recite(&printed(MESSENGER_INVITE));
    wait_for(&mut world, "messenger", "180 INVITE");
    let to = "<sip:test@202.229.156.250>";
    world.agent("messenger").recite(&printed(&messenger("CANCEL", 24, to, "")));
    let terminated = wait_for(&mut world, "messenger", "487 INVITE");
    assert_eq!(world.see("messenger").saw("200 CANCEL"), 1);
    let to = terminated.header("To").expect("To").to_owned();
    world.agent("messenger").recite(&printed(&messenger("ACK", 24, &to, "")));
    world.run_for(s(2));
    assert!(!world.diary("kitchen").ringing);
    assert_eq!(world.see("messenger").saw("487 INVITE"), 1, "the ACK was understood");
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
}

/// A Yamaha RTA54i as NTTPC prints it, F1 without and F2 with credentials.
fn yamaha(cseq: u32, host: &str, domain: &str, to: &str, proof: &str) -> String {
    printed(&format!(
        "INVITE sip:0352106434@{host};user=phone SIP/2.0
Call-ID: 53409-55514-55500-00a0de0be46e@10.224.228.1
Contact: <sip:0352065369@10.224.228.1:5060>
Content-Length: {{len}}
Content-Type: application/sdp
CSeq: {cseq} INVITE
From: <sip:0352065369@{domain}>;tag=2389310069
{proof}To: {to}
User-Agent: YAMAHA RTA54i
Via: SIP/2.0/UDP 10.224.228.1:5060

v=0
o=- 3255178697 3255178697 IN IP4 10.224.228.1
c=IN IP4 10.224.228.1
t=0 0
m=audio 5004 RTP/AVP 0
a=rtpmap:0 PCMU/8000
"
    ))
}

/// NTTPC, 407: no branch, another domain in From the second time, credentials folded, without qop
/// and with the bare address of the server as their URI. Our user is the telephone's number.
#[test]
fn nttpc_a_yamaha_router_answers_407() {
    let mut site = site(1105, "voip.sphere.ne.jp", "0352106434");
    site = site.user("0352065369", "mypasswd");
    let mut world = world(site, "yamaha", "10.224.228.1:5060", "10.224.228.1:5004");
    let to = "<sip:0352106434@sphere.ne.jp;user=phone>";
    world.agent("yamaha").recite(&yamaha(82, "sphere.ne.jp", "voip.sphere.ne.jp", to, ""));
    let asked = wait_for(&mut world, "yamaha", "407 INVITE");
    assert_eq!(asked.param("From", "tag"), Some("2389310069"));
    world.agent("yamaha").recite(&format!(
        "ACK sip:0352106434@sphere.ne.jp;user=phone SIP/2.0
Call-ID: 53409-55514-55500-00a0de0be46e@10.224.228.1
CSeq: 82 ACK
From: <sip:0352065369@voip.sphere.ne.jp>;tag=2389310069
To: {}
Via: SIP/2.0/UDP 10.224.228.1:5060
Content-Length: 0

",
        asked.header("To").expect("To")
    ));
    let challenge = asked.header("Proxy-Authenticate").expect("a challenge");
    // A client of RFC 2069 does not know qop.
    let challenge = challenge.replace("qop=\"auth\"", "x=y");
    let proof = tipring_sim::agent::digest::answer(
        &challenge,
        "0352065369",
        "mypasswd",
        "INVITE",
        "10.227.109.134",
    );
    let folded = proof.replace(", ", ",\n ");
    let line = format!("Proxy-Authorization: {folded}\n");
    let to = "<sip:0352106434@sphere.ne.jp>";
    world.agent("yamaha").recite(&yamaha(83, "ocn.ne.jp", "voip-ca.sphere.ne.jp", to, &line));
    wait_for(&mut world, "yamaha", "180 INVITE");
    let ok = answered(&mut world, "yamaha");
    assert_eq!(world.see("yamaha").saw("407 INVITE"), 1, "{:?}", world.see("yamaha").log());
    assert_eq!(ok.cseq(), 83);
    world.agent("yamaha").recite(&format!(
        "ACK {} SIP/2.0
Call-ID: 53409-55514-55500-00a0de0be46e@10.224.228.1
CSeq: 83 ACK
From: <sip:0352065369@voip-ca.sphere.ne.jp>;tag=2389310069
To: {}
Via: SIP/2.0/UDP 10.224.228.1:5060
Content-Length: 0

",
        ok.uri("Contact").expect("a Contact"),
        ok.header("To").expect("To")
    ));
    hear_each_other(&mut world, "yamaha");
    kitchen_hangs_up(&mut world);
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Callee, true));
    assert_eq!(cdr.from_leg, "0352065369");
    insta::assert_snapshot!(world.ladder());
}

const CISCO_INVITE: &str = "INVITE sip:23198@172.17.207.91:5060 SIP/2.0
Via: SIP/2.0/UDP 10.80.17.134:5060
Via: SIP/2.0/UDP 172.18.192.232:5060;branch=1FV1xhfvxGJOK9rWcKdAKOA
To: <sip:23198@172.18.192.232>;tag=abc
From: <sip:15691@10.80.17.134>;tag=a73kszlfl
Call-ID: c2943000-50405d-6af10a-382e3031@10.80.17.134
CSeq: 100 INVITE
Contact: sip:15691@10.80.17.134:5060
Expires: 180
Content-Type: application/sdp
Content-Length: {len}
User-Agent: Cisco IP Phone/ Rev. 1/ SIP enabled
Accept: application/sdp
Record-Route: <sip:23198@172.18.192.232:5060;maddr=172.18.192.232>

v=0
o=CiscoSystemsSIP-IPPhone-UserAgent 17045 11864 IN IP4 10.80.17.134
s=SIP Call
c=IN IP4 10.80.17.134
t=0 0
m=audio 29118 RTP/AVP 0 101
a=rtpmap:0 pcmu/8000
a=rtpmap:101 telephone-event/8000
";

/// Cisco, "Sample INVITE": its To has a tag, so that it asks for a dialog that there is not (RFC
/// 3261 §12.2.2).
#[test]
fn cisco_sample_invite_with_a_tag_in_to_is_of_no_call_of_ours() {
    let site = site(1106, "172.18.192.232", "23198");
    let mut world = world(site, "cisco", "10.80.17.134:5060", "10.80.17.134:29118");
    world.agent("cisco").recite(&printed(CISCO_INVITE));
    let gone = wait_for(&mut world, "cisco", "481 INVITE");
    assert_eq!(gone.list("Via").len(), 2);
    world.agent("cisco").recite(
        "ACK sip:23198@172.17.207.91:5060 SIP/2.0
Via: SIP/2.0/UDP 10.80.17.134:5060
To: <sip:23198@172.18.192.232>;tag=abc
From: <sip:15691@10.80.17.134>;tag=a73kszlfl
Call-ID: c2943000-50405d-6af10a-382e3031@10.80.17.134
CSeq: 100 ACK

",
    );
    world.rest();
    assert!(world.diary("kitchen").rings().is_empty());
}

/// The same without that tag: a call by a strict router that names itself with `maddr`, from a
/// telephone whose Contact has no angle brackets.
#[test]
fn cisco_sample_invite_rings_and_is_ended_by_the_strict_router() {
    let site = site(1107, "172.18.192.232", "23198");
    let mut world = world(site, "cisco", "10.80.17.134:5060", "10.80.17.134:29118");
    world.add_agent("router", "172.18.192.232:5060");
    world.agent("cisco").recite(&printed(&CISCO_INVITE.replace(";tag=abc", "")));
    let ok = answered(&mut world, "cisco");
    let route = "<sip:23198@172.18.192.232:5060;maddr=172.18.192.232>";
    assert_eq!((ok.list("Via").len(), ok.header("Record-Route")), (2, Some(route)));
    let contact = ok.uri("Contact").expect("a Contact").to_owned();
    world.agent("cisco").recite(&format!(
        "ACK {contact} SIP/2.0
Via: SIP/2.0/UDP 10.80.17.134:5060
To: {}
From: <sip:15691@10.80.17.134>;tag=a73kszlfl
Call-ID: c2943000-50405d-6af10a-382e3031@10.80.17.134
CSeq: 100 ACK

",
        ok.header("To").expect("To")
    ));
    hear_each_other(&mut world, "cisco");
    // The BYE goes to the router, which is none here that would pass it on.
    world.agent("cisco").leave();
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.see("router").saw("BYE") > 0);
    let bye = got(&world, "router", "BYE");
    assert_eq!(bye.request_uri(), "sip:23198@172.18.192.232:5060;maddr=172.18.192.232");
    assert_eq!(bye.list("Route"), ["<sip:15691@10.80.17.134:5060>"]);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

/// The lecture's INVITE, ACK and BYE: `o=` lacks a field, the session's name has a space.
fn lecture(method: &str, cseq: u32, from: &str, to: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    printed(&format!(
        "{method} sip:bob@zzz.edu SIP/2.0
Via: SIP/2.0/UDP pc33.yyy.edu;branch=z9hG4bK776asdhds{cseq}{method}
Max-Forwards: 70
To: {to}
From: {from}
Call-ID: a84b4c76e66710@pc33.yyy.edu
CSeq: {cseq} {method}
Contact: <sip:alice@pc33.yyy.edu>
{kind}Content-Length: {{len}}

{body}"
    ))
}

/// Lecture, "SIP Methods: INVITE, ACK and BYE": Bob, who was called, hangs up; his request goes to
/// Alice's name.
#[test]
fn lecture_bob_hangs_up() {
    let site = site(1108, "zzz.edu", "bob").name("pc33.yyy.edu", "10.1.3.33");
    let mut world = world(site, "alice", "10.1.3.33:5060", "10.1.3.33:49170");
    let (from, to) = ("Alice <sip:alice@yyy.edu>;tag=1928301774", "Bob <sip:bob@zzz.edu>");
    let body = "v=0
o=Alice 2897654321 IN IP4 10.0.0.1
s=Phone Call
c=IN IP4 10.1.3.33
t=0 0
m=audio 49170 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";
    world.agent("alice").recite(&lecture("INVITE", 314_159, from, to, body));
    let ok = answered(&mut world, "alice");
    assert_eq!(ok.cseq(), 314_159);
    let to = ok.header("To").expect("To").to_owned();
    world.agent("alice").recite(&lecture("ACK", 314_159, from, &to, ""));
    hear_each_other(&mut world, "alice");
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.see("alice").saw("BYE") > 0);
    let bye = got(&world, "alice", "BYE");
    assert_eq!(bye.request_uri(), "sip:alice@pc33.yyy.edu");
    // A name may stand in quotes or not.
    let from = bye.header("From").map(|from| from.replace('"', ""));
    assert_eq!((from, bye.param("To", "tag")), (Some(to), Some("1928301774")));
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

/// Cisco, "SDP message body for voice and video": no `s=`; we take the voice and refuse the video
/// by port 0 (RFC 3264 §6).
#[test]
fn cisco_an_offer_of_voice_and_video_is_answered_with_voice() {
    let site = site(1109, "biloxi.com", "bob");
    let mut world = world(site, "alice", "10.1.3.33:5060", "10.1.3.33:49172");
    let invite = printed(
        "INVITE sip:bob@biloxi.com SIP/2.0
Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds
Max-Forwards: 70
To: Bob <sip:bob@biloxi.com>
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.atlanta.com
CSeq: 314159 INVITE
Contact: <sip:alice@pc33.atlanta.com>
Content-Type: application/sdp
Content-Length: {len}

v=0
o=alice 2890844526 2890844526 IN IP4 atlanta.com
c=IN IP4 10.1.3.33
t=0 0
m=audio 49172 RTP/AVP 0
a=rtpmap:0 PCMU/8000
m=video 51172 RTP/AVP 31 34
a=rtpmap:31 H.261/90000
a=rtpmap:34 H.263/90000
",
    );
    world.agent("alice").recite(&invite);
    let ok = answered(&mut world, "alice");
    let media: Vec<&str> = ok.body.lines().filter(|line| line.starts_with("m=")).collect();
    assert!(media.len() == 2 && media[1].starts_with("m=video 0 RTP/AVP "), "{media:?}");
    let (contact, to) = (ok.uri("Contact").expect("one"), ok.header("To").expect("To"));
    let ack = |method: &str, cseq: u32, branch: &str| {
        format!(
            "{method} {contact} SIP/2.0
Via: SIP/2.0/UDP pc33.atlanta.com;branch={branch}
Max-Forwards: 70
To: {to}
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.atlanta.com
CSeq: {cseq} {method}
Content-Length: 0

"
        )
    };
    world.agent("alice").recite(&ack("ACK", 314_159, "z9hG4bKnashds8"));
    hear_each_other(&mut world, "alice");
    world.agent("alice").recite(&ack("BYE", 314_160, "z9hG4bKnashds9"));
    wait_for(&mut world, "alice", "200 BYE");
    world.agent("alice").leave();
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

/// Lecture, the INVITE that leaves the server of zzz.edu: two Vias with spaces around their
/// semicolons, the upper one with a `received` that somebody else wrote; a To without brackets, as in
/// Cisco's `sip:14085551234@gateway.com; user=phone`.
#[test]
fn lecture_an_invite_with_spaces_around_semicolons() {
    let site = site(1110, "zzz.edu", "14085551234");
    let mut world = world(site, "server", "10.1.3.34:5060", "10.1.3.34:49170");
    let request = |method: &str, uri: &str, to: &str, body: &str| {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        printed(&format!(
            "{method} {uri} SIP/2.0
Via: SIP/2.0/UDP 10.1.3.34 ; branch=z9hG4bK4b43c2ff8{method}.1 ; received=192.168.10.1
Via: SIP/2.0/UDP pc33.yyy.edu ; branch=z9hG4bK776asdhds ; received=10.1.3.33
Max-Forwards: 69
To: {to}
From: Alice <sip:alice@yyy.edu> ; tag=1928301774
Call-ID: a84b4c76e66710@pc33.yyy.edu
CSeq: 314159 {method}
Contact: <sip:alice@10.1.3.34>
{kind}Content-Length: {{len}}

{body}"
        ))
    };
    let body = "v=0
o=alice 2890844526 2890844526 IN IP4 10.1.3.34
s=-
c=IN IP4 10.1.3.34
t=0 0
m=audio 49170 RTP/AVP 0
";
    let (uri, to) =
        ("sip:14085551234@zzz.edu;user=phone", "sip:14085551234@gateway.com; user=phone");
    world.agent("server").recite(&request("INVITE", uri, to, body));
    let ok = answered(&mut world, "server");
    assert_eq!(ok.list("Via").len(), 2);
    let contact = ok.uri("Contact").expect("a Contact").to_owned();
    let to = ok.header("To").expect("To").to_owned();
    world.agent("server").recite(&request("ACK", &contact, &to, ""));
    hear_each_other(&mut world, "server");
    assert_eq!(world.see("server").saw("200 INVITE"), 1, "the ACK was understood");
    kitchen_hangs_up(&mut world);
    let bye = got(&world, "server", "BYE");
    assert_eq!(
        (bye.param("To", "tag"), bye.request_uri()),
        (Some("1928301774"), "sip:alice@10.1.3.34")
    );
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

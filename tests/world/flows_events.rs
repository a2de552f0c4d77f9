//! MESSAGE, SUBSCRIBE and NOTIFY as the documents print them, with their folded lines and spaces.

use tipring_sim::{Site, World};

use crate::common::ms;
use crate::flows_common::*;

/// Bob is a user of `domain` and has registered; Alice is a stranger at 10.1.3.33.
fn to_bob(seed: u64, domain: &str) -> World {
    let mut site = Site::new("us", seed).user("bob", "mypasswd");
    domain.clone_into(&mut site.config.sip.domain);
    let mut world = World::new(site);
    world.add_agent("bob", "10.0.3.1:5060");
    world.add_agent("alice", "10.1.3.33:5060");
    world.agent("bob").password = Some("mypasswd".to_owned());
    world.agent("bob").register(600);
    world.run_for(ms(200));
    assert_eq!(world.see("bob").saw("200 REGISTER"), 1);
    world
}

/// Lecture, "SIP Methods: MESSAGE": 37 octets of text, 200 when Bob's telephone has them.
#[test]
fn lecture_message_reaches_bob() {
    let mut world = to_bob(1601, "zzz.edu");
    world.agent("alice").recite(
        "MESSAGE sip:bob@zzz.edu SIP/2.0
Via: SIP/2.0/UDP pc33.yyy.edu;branch=z9hG4bK776asegma
Max-Forwards: 70
To: Bob <sip:bob@zzz.edu>
From: Alice <sip:alice@yyy.edu>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.yyy.edu
CSeq: 22756 MESSAGE
Content-Type: text/plain
Content-Disposition: render
Content-Length: 37

Isn't this a great presentation, Bob?",
    );
    let ok = wait_for(&mut world, "alice", "200 MESSAGE");
    assert_eq!((ok.cseq(), ok.body.as_str()), (22_756, ""));
    assert_eq!(ok.param("From", "tag"), Some("1928301774"));
    assert!(ok.param("To", "tag").is_some());
    assert_eq!(ok.header("Contact"), None, "RFC 3428 §7: a MESSAGE makes no dialog");
    let text = got(&world, "bob", "MESSAGE");
    assert_eq!(text.body, "Isn't this a great presentation, Bob?");
    assert_eq!(text.header("Content-Type"), Some("text/plain"));
    assert_eq!(text.request_uri(), "sip:bob@10.0.3.1:5060");
    assert!(text.header("From").expect("From").contains("sip:alice@yyy.edu"));
    world.rest();
}

/// Cisco, "SIP Methods: MESSAGE": the Via folded before its branch, its transport not the one in
/// use.
#[test]
fn cisco_message_with_a_folded_via_reaches_bob() {
    let mut world = to_bob(1602, "biloxi.com");
    world.agent("alice").recite(
        "MESSAGE sip:bob@biloxi.com SIP/2.0
Via: SIP/2.0/TCP pc33.atlanta.com
 ;branch=z9hG4bK776asegma
Max-Forwards: 70
To: Bob <sip:bob@biloxi.com>
From: Alice <sip:alice@atlanta.com>;tag=1928301774
Call-ID: a84b4c76e66710@pc33.atlanta.com
CSeq: 22756 MESSAGE
Content-Type: text/plain
Content-Length: 33

Isn't this a great presentation ?",
    );
    let ok = wait_for(&mut world, "alice", "200 MESSAGE");
    assert_eq!(ok.param("Via", "branch"), Some("z9hG4bK776asegma"));
    assert_eq!(got(&world, "bob", "MESSAGE").body, "Isn't this a great presentation ?");
    world.rest();
}

/// Cisco: a NOTIFY "to an unsuspecting node … MUST receive a 481"; From and To with a space before
/// their tag and without brackets, a host name with an underscore, XML in it.
#[test]
fn cisco_notify_of_no_subscription_gets_481() {
    let mut world = to_bob(1603, "atlanta.com");
    world.agent("alice").recite(
        "NOTIFY sip:app_IM.atlanta.com SIP/2.0
Via: SIP/2.0/UDP server19.atlanta.com
 ;branch=z9hG4bKnasaii
From: sip:alice@atlanta.com ;tag=xyzygg
To: sip:app_IM.atlanta.com ;tag=123aa9
Call-ID: 9987@app_IM.atlanta.com
CSeq: 1288 NOTIFY
Contact: sip:server19.atlanta.com
Event: reg
Subscription-State: active
Max-Forwards: 70
Content-Type: application/reginfo+xml
Content-Length: 21

<?xml version=\"1.0\"?>",
    );
    let gone = wait_for(&mut world, "alice", "481 NOTIFY");
    assert_eq!(
        (gone.param("From", "tag"), gone.param("To", "tag")),
        (Some("xyzygg"), Some("123aa9"))
    );
    world.rest();
}

/// NTTPC, the NOTIFY of Windows Messenger: xpidf for a subscription that is not ours, first with the
/// Call-ID empty, as printed.
#[test]
fn nttpc_messenger_notify_of_xpidf_is_refused() {
    let mut world = to_bob(1604, "cs.columbia.edu");
    let notify = "NOTIFY sip:xiaotaow@128.59.19.27:5060 SIP/2.0
Via: SIP/2.0/UDP 128.59.19.251:13170
From: sip:william@conductor.cs.columbia.edu;tag=d2dd3c15-b762-486b-8911-25ed3a3bd975
To: sip:xiaotaow@cs.columbia.edu
Call-ID:
CSeq: 1 NOTIFY
Contact: <sip:128.59.19.251:13170>
User-Agent: Windows RTC/1.0
Content-Type: application/xpidf+xml
Content-Length: 21

<?xml version=\"1.0\"?>";
    world.add_agent("messenger", "128.59.19.251:13170");
    world.agent("messenger").set_rtp("128.59.19.251:13172");
    world.agent("messenger").recite(notify);
    wait_for(&mut world, "messenger", "400 NOTIFY");
    let named =
        notify.replace("Call-ID:", "Call-ID: c5c1@128.59.19.251").replace("1 NOTIFY", "2 NOTIFY");
    world.agent("messenger").recite(&named);
    // RFC 2543 has no Event and no Subscription-State.
    wait_for(&mut world, "messenger", "481 NOTIFY");
    world.rest();
}

const NEC_SUBSCRIBE: &str = "SUBSCRIBE sip:CYGNUS-IPS@172.16.1.20:5080 SIP/2.0
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

";

/// NEC §5.5: the keys of its telephones are a package of its own; who asks us is told that we have
/// none, and a NOTIFY of a key finds no subscription.
#[test]
fn nec_subscribe_and_notify_of_its_own_package_are_refused() {
    let mut world = to_bob(1605, "172.16.1.20");
    world.add_agent("nec", "172.16.1.30:5060");
    world.agent("nec").recite(NEC_SUBSCRIBE);
    let refused = wait_for(&mut world, "nec", "489 SUBSCRIBE");
    assert_eq!(refused.list("Allow-Events"), ["refer"]);
    assert_eq!(refused.cseq(), 633_878_892);
    world.agent("nec").recite(
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
    wait_for(&mut world, "nec", "481 NOTIFY");
    world.rest();
}

//! Busy, no answer, wrong number, rejected codec: what the caller hears or is told, and what the
//! record says.

use tipring_call::Target;
use tipring_sim::{Answering, EndedBy, Phase, ToneName, World};

use crate::common::{dial, ended, house, ms, provider_calls_kitchen, s, world, world_of};
use crate::flows_common::{response, wait_for};

#[test]
fn a_busy_peer_gives_busy_tone() {
    let mut world = world(51);
    world.agent("provider").answering = Answering::Refuse(486, "Busy Here");
    dial(&mut world, "kitchen", "95551234#");
    world.wait("busy tone", s(5), |w| w.diary("kitchen").tone == Some(ToneName::Busy));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (17, EndedBy::Callee, false));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_busy_phone_gives_486() {
    let mut world = world(52);
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    world.agent("provider").call("101");
    world.wait("the end", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("486 INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (17, EndedBy::Callee, false));
}

#[test]
fn a_phone_that_nobody_lifts_rings_for_two_minutes() {
    let mut world = world(53);
    world.agent("provider").call("101");
    world.wait("ringing", s(1), |w| w.diary("kitchen").ringing);
    let began = world.now();
    world.wait("the end", s(150), |w| w.phase("provider") == Phase::Idle);
    let rang = world.now() - began;
    assert!((s(119)..=s(121)).contains(&rang), "{rang:?}");
    assert_eq!(world.agent("provider").saw("480 INVITE"), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (19, EndedBy::Gateway, false));
}

#[test]
fn a_peer_that_rings_for_ever_is_cancelled() {
    let mut world = world(54);
    world.agent("provider").answering = Answering::RingForever;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("ringing", s(5), |w| w.phase("provider") == Phase::Ringing);
    world.wait("CANCEL", s(125), |w| w.phase("provider") == Phase::Idle);
    world.run_for(s(2));
    assert!(world.diary("kitchen").tone.is_some(), "the caller hears that it is over");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (19, EndedBy::Gateway, false));
}

#[test]
fn a_peer_that_says_nothing_is_given_up_after_32_seconds() {
    let mut world = world(55);
    world.agent("provider").answering = Answering::Silent;
    world.agent("provider").switched_off = true;
    dial(&mut world, "kitchen", "95551234#");
    let began = world.now();
    world.wait("congestion", s(50), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    let waited = world.now() - began;
    assert!((s(32)..=s(37)).contains(&waited), "{waited:?}");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (102, EndedBy::Callee, false));
}

#[test]
fn a_wrong_number_gives_the_three_tones_of_special_information() {
    let mut world = world(56);
    dial(&mut world, "kitchen", "7");
    let unobtainable = Some(ToneName::NumberUnobtainable);
    world.wait("special information", s(6), |w| w.diary("kitchen").tone == unobtainable);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (1, EndedBy::Gateway, false));
}

#[test]
fn a_wrong_number_from_sip_is_not_found() {
    let mut world = world(57);
    world.agent("provider").call("777");
    world.wait("the end", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("404 INVITE"), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (1, EndedBy::Gateway, false));
}

#[test]
fn a_peer_with_another_codec_only_is_refused_with_488() {
    let mut world = world(58);
    world.agent("provider").codecs = vec![18];
    world.agent("provider").call("101");
    world.wait("the end", s(1), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("488 INVITE"), 1);
    world.run_for(s(3));
    assert!(world.diary("kitchen").rings().is_empty());
    world.rest();
    assert_eq!(ended(world.cdr()), (65, EndedBy::Gateway, false));
}

#[test]
fn who_offers_what_cannot_be_taken_is_warned_why() {
    let mut world = world(63);
    world.agent("provider").codecs = vec![18];
    world.agent("provider").call("101");
    let warning = Some("305 10.0.0.1:5060 \"no codec in common\"");
    assert_eq!(wait_for(&mut world, "provider", "488 INVITE").header("Warning"), warning);
    world.rest();
    world.agent("provider").codecs = vec![0];
    provider_calls_kitchen(&mut world);
    for (method, media, warning) in [
        ("INVITE", "audio 4000 RTP/AVP 18", "305 10.0.0.1:5060 \"no codec in common\""),
        ("UPDATE", "audio 4000 RTP/SAVP 0", "302 10.0.0.1:5060 \"SRTP is not spoken\""),
        ("UPDATE", "video 4000 RTP/AVP 31", "304 10.0.0.1:5060 \"no audio is described\""),
    ] {
        let body = format!(
            "v=0\r\no=- 1 9 IN IP4 10.0.1.1\r\ns=-\r\nc=IN IP4 10.0.1.1\r\nt=0 0\r\nm={media}\r\n"
        );
        world.agent("provider").request(method, "", &body);
        world.run_for(ms(500));
        let refused = response(&world, "provider", &format!("488 {method}"));
        assert_eq!(refused.header("Warning"), Some(warning), "{method} {media}");
    }
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn who_reads_no_description_of_ours_is_refused_with_406() {
    let mut world = world(67);
    for accept in ["text/plain, application/*;q=0", "application/sdp;q=0, */*", "text/*"] {
        let now = world.now();
        world.agent("provider").call_with(now, "101", &format!("Accept: {accept}\r\n"));
        world.run_for(s(1));
        response(&world, "provider", "406 INVITE");
        assert_eq!(world.phase("provider"), Phase::Idle, "{accept}");
    }
    assert_eq!(world.agent("provider").saw("406 INVITE"), 3);
    for accept in ["multipart/mixed, Application/SDP", "*/*", "text/plain, application/*;q=0.1"] {
        let (now, rung) = (world.now(), world.agent("provider").saw("180 INVITE"));
        world.agent("provider").call_with(now, "101", &format!("Accept: {accept}\r\n"));
        world.wait("ringing", s(2), |w| w.see("provider").saw("180 INVITE") > rung);
        world.agent("provider").cancel();
        world.wait("the end", s(2), |w| w.phase("provider") == Phase::Idle);
    }
    world.rest();
}

#[test]
fn a_change_that_cannot_be_read_is_a_bad_request_and_the_call_goes_on() {
    let mut world = world(66);
    provider_calls_kitchen(&mut world);
    for method in ["INVITE", "UPDATE"] {
        world.agent("provider").request(method, "", "v=0\r\nm=audio 4000\r\n");
        world.run_for(ms(500));
        let refused = response(&world, "provider", &format!("400 {method}"));
        let warning = "399 10.0.0.1:5060 \"the description cannot be read\"";
        assert_eq!(refused.header("Warning"), Some(warning), "{method}");
    }
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
}

#[test]
fn a_peer_that_refuses_our_codecs_ends_the_call() {
    let mut world = world(59);
    world.agent("provider").answering = Answering::Refuse(488, "Not Acceptable Here");
    dial(&mut world, "kitchen", "95551234#");
    world.wait("congestion", s(5), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (65, EndedBy::Callee, false));
}

#[test]
fn a_trunk_whose_name_is_not_known_is_no_route() {
    let site = house(60).trunk("lost", "sip:nowhere.example", None);
    let mut world = world_of(site.route("8X.", Target::Trunk("lost".to_owned()), 1));
    dial(&mut world, "kitchen", "85551234#");
    world.wait("a tone", s(8), |w| {
        w.cdrs().len() == 1 && w.diary("kitchen").tone.is_some_and(|tone| tone != ToneName::Dial)
    });
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()).0, 3);
}

#[test]
fn strangers_do_not_call_out_at_our_cost() {
    let mut world = world(61);
    world.add_agent("stranger", "10.9.9.9:5060");
    world.agent("stranger").call("95551234");
    world.wait("the end", s(1), |w| w.phase("stranger") == Phase::Idle);
    assert_eq!(world.agent("stranger").saw("403 INVITE"), 1);
    world.run_for(ms(500));
    assert!(world.agent("provider").log().is_empty());
    world.rest();
    assert_eq!(ended(world.cdr()), (21, EndedBy::Gateway, false));
}

/// RFC 3261 §11.2.
#[test]
fn options_gets_the_status_that_an_invite_would_get() {
    let mut world = world_of(house(170).user("alice", "a"));
    world.add_agent("stranger", "10.0.8.8:5060");
    world.agent("stranger").domain = Some("elsewhere.example".to_owned());
    let said = |world: &mut World, user: &str| {
        world.agent("stranger").ask_about(user);
        world.run_for(ms(100));
        world.agent("stranger").log().last().cloned().unwrap_or_default()
    };
    assert_eq!(said(&mut world, "101"), "200 OPTIONS");
    world.phone("kitchen").off_hook();
    world.run_for(s(1));
    assert_eq!(said(&mut world, "101"), "486 OPTIONS");
    assert_eq!(said(&mut world, "102"), "200 OPTIONS");
    assert_eq!(said(&mut world, "99887"), "403 OPTIONS", "strangers do not call out");
    assert_eq!(said(&mut world, "7777"), "404 OPTIONS");
    assert_eq!(said(&mut world, "alice"), "480 OPTIONS", "she has not registered");
    world.agent("provider").ask("OPTIONS");
    world.run_for(ms(100));
    assert_eq!(world.agent("provider").saw("200 OPTIONS"), 1, "the gateway itself");
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().count(), 0);
}

//! Header fields that say more: how to ring, that a call was answered elsewhere, why, and when to try again.

use tipring_sim::{Answering, EndedBy, Phase, Site, World};

use crate::common::{dial, ended, ms, s, world};

/// Bob has two telephones, and alice calls.
fn users(seed: u64) -> World {
    let mut world = World::new(Site::new("us", seed).user("alice", "a").user("bob", "b"));
    for (name, address) in
        [("alice", "10.0.2.1:5060"), ("bob@desk", "10.0.2.2:5060"), ("bob@home", "10.0.2.3:5060")]
    {
        world.add_agent(name, address);
        world.agent(name).password = Some(name[..1].to_owned());
    }
    world.agent("bob@desk").register(600);
    world.agent("bob@home").register(600);
    world.run_for(ms(100));
    world
}

#[test]
fn alert_info_makes_the_phone_ring_in_another_way() {
    let mut world = world(761);
    let now = world.now();
    let extra =
        "Alert-Info: <http://127.0.0.1/Bellcore-dr2>\r\nCall-Info: <http://x/y>;purpose=icon\r\n";
    world.agent("provider").call_with(now, "101", extra);
    world.run_for(s(9));
    let rings = world.diary("kitchen").rings();
    assert!(rings.len() >= 4, "{rings:?}");
    let gaps: Vec<u128> = rings.windows(2).map(|two| (two[1] - two[0]).as_millis() / 100).collect();
    assert_eq!(gaps[..3], [12, 48, 12], "two short rings, a pause: {rings:?}");
    let shown = world.diary("kitchen").display.clone();
    assert!(shown.is_some(), "the caller is shown in the pause");
    world.agent("provider").cancel();
    world.rest();
}

#[test]
fn a_6xx_of_one_telephone_stops_the_others_of_the_user() {
    let mut world = users(762);
    world.agent("bob@desk").answering = Answering::RingForever;
    world.agent("bob@home").answering = Answering::RingForever;
    world.agent("alice").call("bob");
    world.wait("both ring", s(1), |w| {
        w.phase("bob@desk") == Phase::Ringing && w.phase("bob@home") == Phase::Ringing
    });
    // 603
    world.agent("bob@home").hang_up();
    world.wait("the other stops", ms(200), |w| w.phase("bob@desk") == Phase::Idle);
    world.wait("alice is told", ms(200), |w| w.phase("alice") == Phase::Idle);
    world.rest();
    assert_eq!(ended(world.cdr()), (21, EndedBy::Callee, false));
    assert_eq!(world.cdr().release.evidence, "603 Decline");
}

#[test]
fn a_telephone_that_stops_ringing_because_another_was_lifted_is_told_so() {
    let mut world = users(763);
    world.agent("bob@desk").answering = Answering::RingForever;
    world.agent("alice").call("bob");
    world.wait("answer", s(3), |w| w.phase("alice") == Phase::Talking);
    world.run_for(ms(100));
    let reason = world.see("bob@desk").last("CANCEL").and_then(|c| c.header("Reason"));
    assert_eq!(reason, Some("SIP;cause=200;text=\"Call completed elsewhere\""));
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn the_reason_of_a_bye_is_in_the_record() {
    for (seed, reason, cause) in
        [(764, "SIP;cause=486;text=\"Busy\"", 17), (765, "Q.850;cause=38", 38)]
    {
        let mut world = world(seed);
        crate::common::kitchen_calls_provider(&mut world);
        world.agent("provider").request("BYE", &format!("Reason: {reason}\r\n"), "");
        world.run_for(s(2));
        world.phone("kitchen").on_hook();
        world.agent("provider").hang_up();
        world.rest();
        assert_eq!(ended(world.cdr()), (cause, EndedBy::Callee, true));
    }
}

#[test]
fn when_to_try_again_is_in_the_record() {
    let mut world = world(766);
    world.agent("provider").answering = Answering::Silent;
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the INVITE", s(9), |w| w.phase("provider") == Phase::Ringing);
    let invite = world.agent("provider").invite().expect("it came").clone();
    let busy = invite.answer(480, "Temporarily Unavailable", "t", "Retry-After: 30\r\n", "");
    world.agent("provider").raw(busy.as_bytes());
    world.run_for(s(1));
    world.agent("provider").hang_up();
    world.phone("kitchen").on_hook();
    world.rest();
    let evidence = world.cdr().release.evidence.as_ref();
    assert_eq!(evidence, "480 Temporarily Unavailable, retry after 30 s");
}

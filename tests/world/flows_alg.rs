//! A router in between whose application layer gateway rewrites SIP (NEC §1.7): the phone behind it
//! registers, calls and is called.

use tipring_sim::{Alg, EndedBy, Phase, Site, Text, World};

use crate::common::{dial, ended, ms, s};
use crate::flows_common::*;

const INSIDE: &str = "192.168.0.2:5060";

/// User 201 registers from behind the router 10.0.5.1.
fn behind_a_router(seed: u64) -> World {
    let site = Site::new("us", seed).card(&[("kitchen", "101")]).user("201", "secret");
    let mut world = World::in_service(site);
    world.add_agent("201", INSIDE);
    world.add_agent("router", "10.0.5.1:5060");
    let (inside, audio) = (world.see("201").sip(), world.see("201").rtp());
    world.agent("router").alg = Some(Alg::new(inside, audio));
    let router = world.see("router").sip();
    world.agent("201").outbound = Some(router);
    world.agent("201").password = Some("secret".to_owned());
    world.agent("201").register(600);
    world.run_for(ms(200));
    assert_eq!(world.see("201").saw("200 REGISTER"), 1, "{:?}", world.see("201").log());
    world
}

/// Nothing that we send names the place inside: we never learn it.
fn assert_hidden(world: &World) {
    let ours = |text: &&Text| {
        let product = text.header("User-Agent").or(text.header("Server"));
        product.is_some_and(|product| product.starts_with("tipring"))
    };
    let ours: Vec<&Text> = world.see("router").received().iter().filter(ours).collect();
    assert!(ours.len() > 2, "{} messages", ours.len());
    let leak = ours.iter().find(|text| text.print().contains("192.168."));
    assert!(leak.is_none(), "{leak:?}");
}

#[test]
fn nec_a_phone_behind_a_sip_alg_is_called_and_hangs_up() {
    let mut world = behind_a_router(1401);
    dial(&mut world, "kitchen", "201#");
    world.wait("answer", s(8), |w| w.phase("201") == Phase::Talking);
    world.run_for(ms(500));
    hear_each_other(&mut world, "201");
    let invite = got(&world, "201", "INVITE");
    assert_eq!(invite.request_uri(), "sip:201@192.168.0.2:5060");
    assert_hidden(&world);
    world.agent("201").hang_up();
    world.wait("the end", s(2), |w| w.see("201").saw("200 BYE") == 1);
    kitchen_hangs_up(&mut world);
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn nec_a_phone_behind_a_sip_alg_calls_and_is_left() {
    let mut world = behind_a_router(1402);
    world.agent("201").call("101");
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    world.wait("answer", s(2), |w| w.phase("201") == Phase::Talking);
    world.run_for(ms(500));
    hear_each_other(&mut world, "201");
    assert_hidden(&world);
    kitchen_hangs_up(&mut world);
    let bye = got(&world, "201", "BYE");
    assert_eq!(bye.request_uri(), "sip:201@192.168.0.2:5060");
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    insta::assert_snapshot!(world.ladder());
}

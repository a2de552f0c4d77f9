//! A phone calls a SIP peer: dial tone, digits, ringback, answer, end, one record.

use tipring_sim::{EndedBy, Phase, PhoneEvent, ToneName};

use crate::common::{dial, ended, kitchen_calls_provider, ms, s, world};

#[test]
fn the_caller_hears_dial_tone_and_ringback_and_hangs_up() {
    let mut world = world(1);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("INVITE", s(5), |w| w.phase("provider") == Phase::Ringing);
    world.wait("ringback", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    world.wait("answer", s(3), |w| w.phase("provider") == Phase::Talking);
    // A person takes ringback for over when its pause of 4 s has passed without the next burst.
    world.run_for(s(6));
    assert_eq!(world.diary("kitchen").tone, None);
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("provider") == Phase::Idle);
    world.rest();
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Caller, true));
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("kitchen", Some("provider")));
    assert_eq!(cdr.called.as_str(), "95551234");
    assert_eq!(cdr.codec.as_deref(), Some("PCMU"));
    assert_eq!((cdr.route.as_deref(), cdr.calling.as_deref()), (Some("1"), Some("101")));
    let invite = world.see("provider").invite().expect("it came");
    assert_eq!(cdr.sip_call_id.as_deref(), invite.header("Call-ID"));
    assert!(invite.header("From").is_some_and(|from| from.contains("sip:101@")), "{invite:?}");
    let rtp = cdr.rtp.expect("the stream has reported");
    assert!(rtp.sent > 300 && rtp.received > 300 && rtp.lost == 0, "{rtp:?}");
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn the_peer_hangs_up_and_the_caller_is_told_by_an_open_loop_and_congestion_tone() {
    let mut world = world(2);
    kitchen_calls_provider(&mut world);
    world.agent("provider").hang_up();
    world.wait("open loop", ms(500), |w| w.diary("kitchen").dead);
    world.wait("feed again", s(2), |w| !w.diary("kitchen").dead);
    world.wait("congestion tone", s(2), |w| w.diary("kitchen").tone == Some(ToneName::Congestion));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Callee, true));
    let open = world.diary("kitchen").events.iter().filter(|(at, _)| at.as_millis() > 1000);
    let open: Vec<_> = open.filter(|(_, e)| matches!(e, PhoneEvent::Loop { .. })).collect();
    assert_eq!(open.len(), 2, "{open:?}");
    let gap = open[1].0 - open[0].0;
    assert!((ms(780)..=ms(820)).contains(&gap), "open for {gap:?}");
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn the_caller_gives_up_while_the_peer_rings() {
    let mut world = world(3);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("ringing", s(5), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    world.phone("kitchen").on_hook();
    world.wait("the peer stops", s(2), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(world.agent("provider").saw("CANCEL"), 1);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, false));
    insta::assert_snapshot!(world.ladder());
}

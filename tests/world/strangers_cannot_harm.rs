//! What somebody can do who is neither a user nor a trunk: call lines and users, and nothing more.

use tipring_sim::{Answering, EndedBy, Phase};

use crate::common::{dial, ended, house, ms, s, world, world_of};

#[test]
fn calls_that_lead_nowhere_use_up_no_ports() {
    let mut site = house(301);
    site.config.sip.rtp_ports = 20_000..=20_005;
    let mut world = world_of(site);
    world.add_agent("stranger", "10.9.9.9:5060");
    for _ in 0..20 {
        world.agent("stranger").call("95551234");
        world.wait("the refusal", s(1), |w| w.phase("stranger") == Phase::Idle);
        world.run_for(ms(50));
    }
    assert_eq!(world.agent("stranger").saw("403 INVITE"), 20);
    world.agent("provider").call("101");
    world.wait("the bell", s(2), |w| w.diary("kitchen").ringing);
    world.agent("provider").hang_up();
    world.wait("the end", s(2), |w| w.phase("provider") == Phase::Idle);
    world.rest();
}

#[test]
fn a_stranger_who_calls_himself_like_a_line_is_a_guest_in_the_record() {
    let mut world = world(302);
    world.add_agent("hall", "10.9.9.9:5060");
    world.agent("hall").call("101");
    world.wait("the bell", s(2), |w| w.diary("kitchen").ringing);
    world.agent("hall").hang_up();
    world.wait("the end", s(2), |w| w.phase("hall") == Phase::Idle);
    world.rest();
    assert_eq!(world.cdr().from_leg, "guest");
    assert_eq!(world.cdr().calling.as_deref(), Some("hall"));
}

#[test]
fn who_has_a_users_name_at_another_domain_is_a_guest_and_at_ours_must_prove_it() {
    let mut world = world_of(house(305).user("alice", "wonder"));
    world.add_agent("alice", "10.9.9.9:5060");
    world.agent("alice").domain = Some("elsewhere.example".to_owned());
    world.agent("alice").call("101");
    world.wait("the bell", s(2), |w| w.diary("kitchen").ringing);
    world.agent("alice").hang_up();
    world.wait("the end", s(2), |w| w.phase("alice") == Phase::Idle);
    world.agent("alice").domain = None;
    world.agent("alice").call("101");
    world.wait("the refusal", s(2), |w| w.phase("alice") == Phase::Idle);
    assert_eq!(world.agent("alice").saw("407 INVITE"), 1);
    world.rest();
    assert_eq!(world.cdr().from_leg, "guest");
}

#[test]
fn a_redirection_does_not_lead_a_stranger_to_a_trunk() {
    let mut world = world_of(house(303).user("alice", "wonder"));
    world.add_agent("stranger", "10.9.9.9:5060");
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").password = Some("wonder".to_owned());
    world.agent("alice").register(600);
    world.wait("the registration", s(3), |w| w.see("alice").saw("200 REGISTER") > 0);
    for contact in ["sip:95551234@10.0.0.1", "sip:5551234@10.0.1.1:5060"] {
        world.agent("alice").answering = Answering::Redirect(contact.to_owned());
        world.agent("stranger").call("alice");
        world.wait("the refusal", s(5), |w| w.phase("stranger") == Phase::Idle);
        world.run_for(s(1));
    }
    assert!(world.agent("provider").log().is_empty(), "the provider was called at our cost");
    world.agent("alice").register(0);
    world.rest();
}

/// The record speaks of the leg that was answered, not of one that sent it on.
#[test]
fn the_record_of_a_redirected_call_describes_the_leg_that_talked() {
    let mut world = world(304);
    world.add_agent("elsewhere", "10.0.1.7:5060");
    world.agent("provider").answering = Answering::Redirect("sip:777@10.0.1.7:5060".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("elsewhere") == Phase::Talking);
    world.run_for(s(3));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("elsewhere") == Phase::Idle);
    world.rest();
    let call_id =
        world.see("elsewhere").invite().and_then(|i| i.header("Call-ID")).map(str::to_owned);
    let cdr = world.cdr();
    assert_eq!(ended(cdr), (16, EndedBy::Caller, true));
    assert_eq!(cdr.sip_call_id, call_id);
    assert_eq!(cdr.codec.as_deref(), Some("PCMU"));
    let rtp = cdr.rtp.expect("it talked over RTP");
    assert!(rtp.sent > 100 && rtp.received > 100, "{rtp:?}");
}

/// Two telephones that lose their power together send neither BYE nor audio.
#[test]
fn a_call_between_peers_that_have_gone_ends_after_five_minutes_of_silence() {
    let mut world = world(305);
    world.agent("provider").call("101");
    world.wait("the bell", s(2), |w| w.diary("kitchen").ringing);
    world.phone("kitchen").off_hook();
    world.wait("answer", s(2), |w| w.phase("provider") == Phase::Talking);
    world.run_for(s(2));
    world.agent("provider").media.mute();
    world.wait("the end", s(310), |w| w.phase("provider") == Phase::Idle);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()).0, 102);
}

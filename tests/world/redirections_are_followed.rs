//! Redirections: the call goes where the Contact says (302), or through the proxy that it names (305).

use tipring_sim::{Answering, EndedBy, Phase, ToneName};

use crate::common::{dial, ended, house, s, world, world_of};

#[test]
fn a_302_leads_to_another_peer() {
    let mut world = world(91);
    world.add_agent("elsewhere", "10.0.1.7:5060");
    let contact = "sip:777@10.0.1.7:5060".to_owned();
    world.agent("provider").answering = Answering::Redirect(contact);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("elsewhere") == Phase::Talking);
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("elsewhere") == Phase::Idle);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    insta::assert_snapshot!(world.ladder());
}

#[test]
fn a_302_to_one_of_our_phones_rings_it() {
    let mut world = world(92);
    world.agent("provider").answering = Answering::Redirect("sip:102@10.0.0.1".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the hall rings", s(10), |w| w.diary("hall").ringing);
    world.phone("hall").off_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.run_for(s(1));
    world.phone("hall").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.cdr().to_leg.as_deref(), Some("hall"));
}

#[test]
fn redirections_in_a_circle_end() {
    let mut world = world(93);
    world.add_agent("elsewhere", "10.0.1.7:5060");
    world.agent("provider").answering = Answering::Redirect("sip:1@10.0.1.7:5060".to_owned());
    world.agent("elsewhere").answering =
        Answering::Redirect("sip:5551234@10.0.1.1:5060".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the end", s(40), |w| w.cdrs().len() == 1);
    world.wait("a tone", s(3), |w| {
        w.diary("kitchen").tone.is_some_and(|tone| tone != ToneName::Dial)
    });
    assert!(world.agent("provider").saw("INVITE") <= 5);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

#[test]
fn a_305_leads_through_the_proxy_that_it_names() {
    let mut world = world(94);
    world.add_agent("proxy", "10.0.1.7:5060");
    let contact = "sip:10.0.1.7:5060".to_owned();
    world.agent("provider").answering = Answering::Elsewhere(305, contact);
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("proxy") == Phase::Talking);
    let asked = world.agent("provider").last("INVITE").expect("it was asked").clone();
    let invite = world.agent("proxy").last("INVITE").expect("it was asked").clone();
    assert_eq!(invite.first, asked.first, "RFC 3261 §21.3.4");
    assert_eq!(invite.header("Route"), Some("<sip:10.0.1.7:5060;lr>"));
    world.phone("kitchen").on_hook();
    world.wait("BYE", s(2), |w| w.phase("proxy") == Phase::Idle);
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn proxies_that_name_each_other_are_asked_once() {
    let mut world = world(95);
    let [one, other] = ["10.0.1.7:5060", "10.0.1.8:5060"];
    world.add_agent("one", one);
    world.add_agent("other", other);
    world.agent("provider").answering = Answering::Elsewhere(305, format!("sip:{one}"));
    world.agent("one").answering = Answering::Elsewhere(305, format!("sip:{other}"));
    world.agent("other").answering = Answering::Elsewhere(305, format!("sip:{one}"));
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the end", s(40), |w| w.cdrs().len() == 1);
    for name in ["provider", "one", "other"] {
        assert_eq!(world.agent(name).saw("INVITE"), 1, "{name}");
    }
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

#[test]
fn another_service_is_not_called_instead() {
    let mut world = world(96);
    world.add_agent("elsewhere", "10.0.1.7:5060");
    world.agent("provider").answering =
        Answering::Elsewhere(380, "sip:voicemail@10.0.1.7:5060".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the end", s(10), |w| w.cdrs().len() == 1);
    assert_eq!(world.agent("elsewhere").saw("INVITE"), 0);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().answer, None);
}

#[test]
fn a_telephone_number_in_a_contact_is_called_as_it_would_be_dialled() {
    let mut world = world(97);
    world.agent("provider").answering = Answering::Redirect("tel:102".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("the hall rings", s(10), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
}

/// Each of two telephones of a user sends the call on, and one of the others sends it back.
#[test]
fn what_one_telephone_of_a_user_has_tried_another_does_not_try_again() {
    let mut world = world_of(house(98).user("201", "wonder"));
    let [desk, one, other] = ["10.0.2.1:5060", "10.0.1.7:5060", "10.0.1.8:5060"];
    for (name, address) in
        [("201@desk", desk), ("201@cell", "10.0.2.2:5060"), ("one", one), ("other", other)]
    {
        world.add_agent(name, address);
    }
    for (name, contact) in [("201@desk", one), ("201@cell", other)] {
        world.agent(name).password = Some("wonder".to_owned());
        world.agent(name).register(600);
        world.wait("the registration", s(3), |w| w.see(name).saw("200 REGISTER") > 0);
        world.agent(name).answering = Answering::Redirect(format!("sip:1@{contact}"));
    }
    for name in ["one", "other"] {
        world.agent(name).answering = Answering::Redirect(format!("sip:201@{desk}"));
    }
    dial(&mut world, "kitchen", "201#");
    world.wait("the end", s(20), |w| w.cdrs().len() == 1);
    for name in ["201@desk", "201@cell", "one", "other"] {
        assert_eq!(world.see(name).saw("INVITE"), 1, "{name}");
    }
    world.phone("kitchen").on_hook();
}

#[test]
fn a_302_to_one_of_our_users_rings_all_its_telephones() {
    let mut world = world_of(house(99).user("201", "wonder"));
    for (name, address) in [("201@desk", "10.0.2.1:5060"), ("201@cell", "10.0.2.2:5060")] {
        world.add_agent(name, address);
        world.agent(name).password = Some("wonder".to_owned());
        world.agent(name).register(600);
        world.wait("the registration", s(3), |w| w.see(name).saw("200 REGISTER") > 0);
    }
    world.agent("201@desk").answering = Answering::RingForever;
    world.agent("provider").answering = Answering::Redirect("sip:201@10.0.0.1".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("201@cell") == Phase::Talking);
    assert_eq!(world.see("201@desk").saw("INVITE"), 1);
    world.phone("kitchen").on_hook();
    world.run_for(s(2));
}

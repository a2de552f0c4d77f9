//! Transfers that SIP peers ask for by REFER: to lines, users and trunks, blind and attended.

use tipring_call::Target;
use tipring_sim::sound::{self, Sound};
use tipring_sim::{Answering, EndedBy, Phase, ToneName, World};

use crate::common::{
    dial, ended, house, kitchen_calls_provider, ms, provider_calls_kitchen, s, world, world_of,
};

/// Two phones, a trunk, and the users alice (at two telephones) and bob.
fn office(seed: u64) -> World {
    let mut site = house(seed).user("alice", "a").user("bob", "b").route("8", Target::User, 1);
    // 8 is bob's short number.
    site.config.rules.last_mut().expect("the rule").prefix = "bob".to_owned();
    let mut world = world_of(site);
    for (name, address) in
        [("alice@desk", "10.0.2.1:5060"), ("alice@cell", "10.0.2.1:5062"), ("bob", "10.0.2.2:5060")]
    {
        world.add_agent(name, address);
        world.agent(name).password = Some(name[..1].to_owned());
    }
    world.agent("bob").register(600);
    world.run_for(ms(100));
    world
}

fn refer(world: &mut World, who: &str, to: &str) {
    world.agent(who).request("REFER", &format!("Refer-To: <{to}>\r\n"), "");
    world.run_for(ms(100));
}

/// The last word of the NOTIFYs.
fn told(world: &World, who: &str) -> String {
    let notify = world.see(who).last("NOTIFY");
    notify.map(|notify| notify.body.trim_end().to_owned()).unwrap_or_default()
}

fn user_calls(world: &mut World, who: &str, number: &str) {
    world.agent(who).call(number);
    if let Some(line) = [("101", "kitchen"), ("102", "hall")].iter().find(|(n, _)| *n == number) {
        world.wait("ringing", s(3), |w| w.diary(line.1).ringing);
        world.run_for(ms(700));
        world.phone(line.1).off_hook();
    }
    world.wait("answer", s(12), |w| w.phase(who) == Phase::Talking);
    world.run_for(ms(500));
}

/// How well what is said at one phone is heard at another.
fn phone_to_phone(world: &mut World, from: &str, to: &str) -> f64 {
    world.phone(to).listen();
    let said = world.phone(from).say(&sound::speech(3, 2.0));
    world.run_for(s(3));
    said.align(&world.phone(to).heard()).correlation
}

fn phone_to_peer(world: &mut World, from: &str, to: &str) -> f64 {
    world.agent(to).media.listen_anew();
    let said = world.phone(from).say(&sound::speech(4, 2.0));
    world.run_for(s(3));
    let (at, samples) = world.agent(to).media.heard();
    said.align(&Sound { at, samples }).correlation
}

fn peer_to_phone(world: &mut World, from: &str, to: &str) -> f64 {
    world.phone(to).listen();
    let samples = sound::speech(5, 2.0);
    world.agent(from).media.say(&samples);
    world.run_for(s(3));
    let at = world.agent(from).media.spoken_at().expect("it has spoken");
    Sound { at, samples }.align(&world.phone(to).heard()).correlation
}

#[test]
fn a_peer_sends_its_phone_to_another_phone() {
    let mut world = world(701);
    provider_calls_kitchen(&mut world);
    refer(&mut world, "provider", "sip:102@10.0.0.1");
    assert_eq!(world.agent("provider").saw("202 REFER"), 1);
    world.wait("the other phone rings", s(4), |w| w.diary("hall").ringing);
    world.run_for(ms(200));
    assert_eq!(told(&world, "provider"), "SIP/2.0 180 Ringing");
    assert_eq!(world.phase("provider"), Phase::Talking, "it waits for the answer");
    world.run_for(ms(700));
    world.phone("hall").off_hook();
    world.wait("the peer is let go", s(3), |w| w.phase("provider") == Phase::Idle);
    assert_eq!(told(&world, "provider"), "SIP/2.0 200 OK");
    assert!(phone_to_phone(&mut world, "kitchen", "hall") > 0.95);
    assert!(phone_to_phone(&mut world, "hall", "kitchen") > 0.95);
    world.phone("hall").on_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    let [first, second] = records[..] else { panic!("two records: {records:?}") };
    assert_eq!(ended(first), (16, EndedBy::Caller, true));
    assert_eq!(first.release.evidence, "transferred");
    assert_eq!((first.from_leg.as_str(), first.to_leg.as_deref()), ("provider", Some("kitchen")));
    assert_eq!(ended(second), (16, EndedBy::Callee, true));
    assert_eq!((second.from_leg.as_str(), second.to_leg.as_deref()), ("kitchen", Some("hall")));
    assert_eq!(second.calling.as_deref(), Some("101"));
}

#[test]
fn a_telephone_number_is_a_place_to_be_sent_to() {
    let mut world = world(730);
    provider_calls_kitchen(&mut world);
    refer(&mut world, "provider", "tel:102");
    assert_eq!(world.agent("provider").saw("202 REFER"), 1);
    world.wait("the other phone rings", s(4), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn who_may_not_call_out_by_a_trunk_cannot_send_a_phone_to_where_it_is() {
    let mut site = house(731).user("alice", "a");
    site.config.rules[0].from = tipring_call::RuleFrom::Named("kitchen".to_owned());
    let mut world = world_of(site);
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").password = Some("a".to_owned());
    user_calls(&mut world, "alice", "101");
    refer(&mut world, "alice", "sip:5551234@10.0.1.1");
    world.run_for(s(1));
    assert_eq!(told(&world, "alice"), "SIP/2.0 403 Forbidden");
    assert_eq!(world.see("provider").saw("INVITE"), 0);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_peer_that_hangs_up_at_once_leaves_its_phone_with_ringback_until_the_other_answers() {
    let mut world = world(702);
    kitchen_calls_provider(&mut world);
    refer(&mut world, "provider", "sip:102@10.0.0.1");
    world.agent("provider").hang_up();
    world.wait("the other phone rings", s(4), |w| w.diary("hall").ringing);
    world.wait("ringback", s(4), |w| w.diary("kitchen").tone == Some(ToneName::Ringback));
    world.phone("hall").off_hook();
    world.run_for(s(1));
    assert!(phone_to_phone(&mut world, "hall", "kitchen") > 0.95);
    world.phone("kitchen").on_hook();
    world.run_for(s(1));
    world.phone("hall").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().map(ended).collect();
    assert_eq!(records, [(16, EndedBy::Callee, true), (16, EndedBy::Caller, true)]);
}

#[test]
fn a_transfer_to_a_busy_phone_fails_and_the_call_goes_on() {
    let mut world = world(703);
    provider_calls_kitchen(&mut world);
    world.phone("hall").off_hook();
    world.run_for(s(1));
    refer(&mut world, "provider", "sip:102@10.0.0.1");
    world.run_for(s(1));
    assert_eq!(told(&world, "provider"), "SIP/2.0 486 Busy Here");
    assert!(phone_to_peer(&mut world, "kitchen", "provider") > 0.99);
    world.phone("hall").on_hook();
    // And another one may be tried.
    refer(&mut world, "provider", "sip:7777@10.0.0.1");
    world.run_for(s(1));
    assert_eq!(told(&world, "provider"), "SIP/2.0 404 Not Found");
    world.agent("provider").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().map(ended).collect();
    let failed = |cause| (cause, EndedBy::Gateway, false);
    assert_eq!(records[1..], [failed(1), (16, EndedBy::Caller, true)]);
    assert_eq!((records[0].0, records[0].2), (17, false));
}

/// RFC 3515 §2.4.5.
#[test]
fn who_asks_for_a_transfer_is_told_the_status_that_the_target_gave() {
    let mut world = office(732);
    provider_calls_kitchen(&mut world);
    for status in [603, 600, 606, 420, 480, 500, 503, 408, 486] {
        world.agent("bob").answering = Answering::Refuse(status, "No");
        refer(&mut world, "provider", "sip:bob@10.0.0.1");
        world.run_for(s(1));
        let told = told(&world, "provider");
        assert!(told.starts_with(&format!("SIP/2.0 {status} ")), "{told} for {status}");
    }
    assert!(phone_to_peer(&mut world, "kitchen", "provider") > 0.99);
    world.agent("provider").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn the_phone_that_is_transferred_may_hang_up_while_the_other_rings() {
    let mut world = world(704);
    provider_calls_kitchen(&mut world);
    refer(&mut world, "provider", "sip:102@10.0.0.1");
    world.wait("the other phone rings", s(4), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.wait("it stops", s(7), |w| !w.diary("hall").ringing);
    world.rest();
    let mut records: Vec<_> = world.cdrs().map(ended).collect();
    records.sort_by_key(|(_, _, answered)| *answered);
    assert_eq!(records, [(16, EndedBy::Caller, false), (16, EndedBy::Callee, true)]);
}

#[test]
fn a_stranger_cannot_send_a_phone_to_a_trunk() {
    let mut world = world(705);
    world.add_agent("mallory", "10.0.7.7:5060");
    world.agent("mallory").domain = Some("elsewhere.example".to_owned());
    world.agent("mallory").call("101");
    world.wait("ringing", s(3), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    world.wait("answer", s(3), |w| w.phase("mallory") == Phase::Talking);
    refer(&mut world, "mallory", "sip:95551234@10.0.0.1");
    assert_eq!(world.agent("mallory").saw("403 REFER"), 1);
    refer(&mut world, "mallory", "sip:5551234@10.0.1.1");
    world.run_for(s(1));
    assert_eq!(told(&world, "mallory"), "SIP/2.0 403 Forbidden");
    assert_eq!(world.agent("provider").saw("INVITE"), 0);
    assert_eq!(world.phase("mallory"), Phase::Talking);
    // It may go to another line.
    refer(&mut world, "mallory", "sip:102@10.0.0.1");
    world.wait("the other phone rings", s(4), |w| w.diary("hall").ringing);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_user_sends_a_phone_out_by_a_trunk_and_says_who_asked() {
    let mut world = office(706);
    user_calls(&mut world, "alice@desk", "101");
    let extra = "Refer-To: <sip:95551234@10.0.0.1>\r\nReferred-By: <sip:alice@10.0.0.1>\r\n";
    world.agent("alice@desk").request("REFER", extra, "");
    world.wait("answer", s(4), |w| w.phase("provider") == Phase::Talking);
    let invite = world.agent("provider").invite().expect("an INVITE").clone();
    assert!(invite.first.contains("sip:5551234@"), "{}", invite.first);
    assert_eq!(invite.header("Referred-By"), Some("<sip:alice@10.0.0.1>"));
    assert_eq!(invite.uri("From"), Some("sip:101@10.0.1.1"));
    world.run_for(s(2));
    assert_eq!(world.phase("alice@desk"), Phase::Idle);
    assert!(phone_to_peer(&mut world, "kitchen", "provider") > 0.99);
    assert!(peer_to_phone(&mut world, "provider", "kitchen") > 0.95);
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    assert_eq!(records[1].route.as_deref(), Some("1"));
    assert_eq!(records[1].codec.as_deref(), Some("PCMU"));
}

#[test]
fn a_user_on_hold_is_sent_to_a_phone() {
    let mut world = office(707);
    user_calls(&mut world, "alice@desk", "bob");
    world.agent("alice@desk").reinvite("sendonly");
    world.run_for(s(1));
    refer(&mut world, "alice@desk", "sip:101@10.0.0.1");
    world.wait("the phone rings", s(4), |w| w.diary("kitchen").ringing);
    world.run_for(ms(700));
    world.phone("kitchen").off_hook();
    world.wait("alice is let go", s(3), |w| w.phase("alice@desk") == Phase::Idle);
    world.run_for(s(1));
    assert_eq!(world.phase("bob"), Phase::Talking);
    assert!(peer_to_phone(&mut world, "bob", "kitchen") > 0.95);
    assert!(phone_to_peer(&mut world, "kitchen", "bob") > 0.99);
    world.agent("bob").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    assert_eq!(
        (records[1].from_leg.as_str(), records[1].to_leg.as_deref()),
        ("bob", Some("kitchen"))
    );
    assert_eq!(ended(records[1]), (16, EndedBy::Caller, true));
}

#[test]
fn an_attended_transfer_joins_the_two_far_ends_and_both_calls_of_who_asked_end() {
    let mut world = office(708);
    user_calls(&mut world, "alice@desk", "101");
    user_calls(&mut world, "alice@cell", "102");
    let replaces = world.see("alice@cell").replaces_in_uri();
    refer(&mut world, "alice@desk", &format!("sip:102@10.0.0.1?{replaces}"));
    assert_eq!(world.agent("alice@desk").saw("202 REFER"), 1);
    world.run_for(s(2));
    assert_eq!(told(&world, "alice@desk"), "SIP/2.0 200 OK");
    assert_eq!(world.phase("alice@desk"), Phase::Idle);
    assert_eq!(world.phase("alice@cell"), Phase::Idle);
    assert!(phone_to_phone(&mut world, "kitchen", "hall") > 0.95);
    assert!(phone_to_phone(&mut world, "hall", "kitchen") > 0.95);
    world.phone("hall").on_hook();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    assert_eq!(records.len(), 3);
    for record in &records[..2] {
        assert_eq!(ended(record), (16, EndedBy::Caller, true));
        assert_eq!(record.release.evidence, "transferred");
    }
    assert_eq!(ended(records[2]), (16, EndedBy::Callee, true));
    assert_eq!(
        (records[2].from_leg.as_str(), records[2].to_leg.as_deref()),
        ("kitchen", Some("hall"))
    );
}

#[test]
fn an_attended_transfer_to_a_dialog_elsewhere_calls_with_its_replaces() {
    let mut world = world(709);
    world.add_agent("carol", "10.0.9.9:5060");
    kitchen_calls_provider(&mut world);
    let to = "sip:carol@10.0.9.9?Replaces=abc%40elsewhere%3Bto-tag%3D11%3Bfrom-tag%3D22";
    refer(&mut world, "provider", to);
    world.wait("answer", s(4), |w| w.phase("carol") == Phase::Talking);
    let invite = world.agent("carol").invite().expect("an INVITE").clone();
    assert_eq!(invite.header("Replaces"), Some("abc@elsewhere;to-tag=11;from-tag=22"));
    assert!(invite.first.starts_with("INVITE sip:carol@10.0.9.9 SIP"), "{}", invite.first);
    world.run_for(s(2));
    assert_eq!(world.phase("provider"), Phase::Idle);
    assert!(phone_to_peer(&mut world, "kitchen", "carol") > 0.99);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdrs().len(), 2);
}

#[test]
fn who_cannot_replace_the_dialog_of_a_transfer_may_refuse_instead_of_ringing() {
    let mut world = world(790);
    world.add_agent("carol", "10.0.9.9:5060");
    world.agent("carol").answering = Answering::Refuse(420, "Bad Extension");
    kitchen_calls_provider(&mut world);
    let to = "sip:carol@10.0.9.9?Replaces=abc%3Bto-tag%3D11%3Bfrom-tag%3D22&Require=replaces";
    refer(&mut world, "provider", to);
    world.run_for(s(1));
    // RFC 5589 §7.3.
    let invite = world.see("carol").invite().expect("an INVITE").clone();
    assert_eq!(invite.list("Require"), ["replaces"]);
    assert!(phone_to_peer(&mut world, "kitchen", "provider") > 0.99, "the call goes on");
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn who_would_replace_a_call_with_what_cannot_be_taken_is_warned_why() {
    let mut world = office(791);
    user_calls(&mut world, "alice@desk", "101");
    let replaces = world.see("alice@desk").replaces();
    let now = world.now();
    world.agent("bob").codecs = vec![18];
    world.agent("bob").call_with(now, "101", &format!("Replaces: {replaces}\r\n"));
    world.wait("the refusal", s(2), |w| w.phase("bob") == Phase::Idle);
    let refused = world.see("bob").response("488 INVITE").expect("refused").clone();
    assert_eq!(refused.header("Warning"), Some("305 10.0.0.1:5060 \"no codec in common\""));
    assert_eq!(world.phase("alice@desk"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
}

#[test]
fn a_transfer_to_a_dialog_that_has_ended_is_told_so() {
    let mut world = world(710);
    kitchen_calls_provider(&mut world);
    refer(&mut world, "provider", "sip:102@10.0.0.1?Replaces=abc%3Bto-tag%3D11%3Bfrom-tag%3D22");
    world.run_for(s(1));
    assert!(told(&world, "provider").starts_with("SIP/2.0 481"), "{}", told(&world, "provider"));
    assert_eq!(world.phase("provider"), Phase::Talking);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn an_invite_with_replaces_takes_the_place_of_a_call() {
    let mut world = office(711);
    user_calls(&mut world, "alice@desk", "101");
    let replaces = world.see("alice@desk").replaces();
    let now = world.now();
    world.agent("bob").call_with(now, "101", &format!("Replaces: {replaces}\r\n"));
    world.wait("bob talks", s(2), |w| w.phase("bob") == Phase::Talking);
    world.wait("alice is let go", s(1), |w| w.phase("alice@desk") == Phase::Idle);
    assert!(!world.diary("hall").ringing);
    assert!(peer_to_phone(&mut world, "bob", "kitchen") > 0.95);
    assert!(phone_to_peer(&mut world, "kitchen", "bob") > 0.99);
    world.agent("bob").hang_up();
    world.run_for(s(1));
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    assert_eq!(records[0].release.evidence, "replaced");
    assert_eq!(
        (records[1].from_leg.as_str(), records[1].to_leg.as_deref()),
        ("bob", Some("kitchen"))
    );
    assert_eq!(ended(records[1]), (16, EndedBy::Caller, true));
}

#[test]
fn a_ringing_call_is_picked_up_by_somebody_else() {
    let mut world = office(712);
    world.agent("bob").answering = Answering::RingForever;
    dial(&mut world, "kitchen", "8");
    world.wait("bob rings", s(9), |w| w.phase("bob") == Phase::Ringing);
    world.run_for(s(1));
    let replaces = world.see("bob").replaces();
    let now = world.now();
    world.agent("alice@desk").call_with(now, "8", &format!("Replaces: {replaces}\r\n"));
    world.wait("alice talks", s(2), |w| w.phase("alice@desk") == Phase::Talking);
    world.wait("bob stops ringing", s(1), |w| w.phase("bob") == Phase::Idle);
    assert!(peer_to_phone(&mut world, "alice@desk", "kitchen") > 0.95);
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
    assert_eq!(world.cdr().to_leg.as_deref(), Some("alice"));
}

#[test]
fn a_stranger_picks_nothing_up() {
    let mut world = office(713);
    user_calls(&mut world, "alice@desk", "95551234");
    world.add_agent("mallory", "10.0.7.7:5060");
    world.agent("mallory").domain = Some("elsewhere.example".to_owned());
    let replaces = world.see("alice@desk").replaces();
    let now = world.now();
    world.agent("mallory").call_with(now, "101", &format!("Replaces: {replaces}\r\n"));
    world.run_for(s(1));
    assert_eq!(world.agent("mallory").saw("403 INVITE"), 1);
    assert_eq!(world.phase("alice@desk"), Phase::Talking);
    world.agent("alice@desk").hang_up();
    world.rest();
    assert_eq!(ended(world.cdr()), (16, EndedBy::Caller, true));
}

#[test]
fn a_phone_that_holds_has_the_new_side_on_hold_until_it_flashes() {
    let mut world = office(720);
    user_calls(&mut world, "alice@desk", "101");
    world.phone("kitchen").flash(500);
    world.run_for(s(2));
    refer(&mut world, "alice@desk", "sip:95551234@10.0.0.1");
    world.wait("answer", s(4), |w| w.phase("provider") == Phase::Talking);
    world.run_for(s(2));
    let held = world.see("provider").last("INVITE").expect("a re-INVITE").body.clone();
    assert!(held.contains("a=sendonly") || held.contains("a=inactive"), "{held}");
    assert!(phone_to_peer(&mut world, "kitchen", "provider") < 0.3, "who holds is not heard");
    world.phone("kitchen").flash(500);
    world.run_for(s(2));
    assert!(phone_to_peer(&mut world, "kitchen", "provider") > 0.99);
    assert!(peer_to_phone(&mut world, "provider", "kitchen") > 0.95);
    world.phone("kitchen").on_hook();
    world.rest();
    let records: Vec<_> = world.cdrs().collect();
    assert_eq!(records.len(), 2);
    assert_eq!(ended(records[1]), (16, EndedBy::Caller, true));
}

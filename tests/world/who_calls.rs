//! Who is believed about who calls, who is shown it, and where a call was sent on from.

use tipring_sim::{Answering, CallerId, Phase, Site, World};

use crate::common::{dial, house, ms, s, world_of};

const ASSERTED: &str = "P-Asserted-Identity: \"Ada\" <sip:5550100@10.0.1.1>\r\n";

fn trusted(seed: u64) -> Site {
    let mut site = house(seed).user("alice", "a");
    site.config.trunks[0].trusted = true;
    site
}

fn with_alice(site: Site) -> World {
    let mut world = world_of(site);
    world.add_agent("alice", "10.0.2.1:5060");
    world.agent("alice").password = Some("a".to_owned());
    world
}

/// What the kitchen shows of a call with these header lines.
fn shown(world: &mut World, who: &str, extra: &str) -> CallerId {
    let now = world.now();
    world.agent(who).call_with(now, "101", extra);
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    world.agent(who).cancel();
    world.run_for(ms(500));
    world.rest();
    world.diary("kitchen").display.clone().expect("it is shown")
}

#[test]
fn a_trusted_trunk_is_believed_who_calls() {
    let mut world = world_of(trusted(721));
    let id = shown(&mut world, "provider", ASSERTED);
    assert_eq!((id.number.as_deref(), id.name.as_deref()), (Some("5550100"), Some("Ada")));
    assert_eq!(world.cdr().calling.as_deref(), Some("5550100"));
}

#[test]
fn nobody_else_is_believed() {
    let mut world = world_of(house(722));
    let id = shown(&mut world, "provider", ASSERTED);
    assert_eq!((id.number.as_deref(), id.name), (Some("provider"), None));
    assert_eq!(world.cdr().calling.as_deref(), Some("provider"));
    let mut world = with_alice(trusted(723));
    shown(&mut world, "alice", ASSERTED);
    assert_eq!(world.cdr().calling.as_deref(), Some("alice"));
}

#[test]
fn a_number_of_a_tel_uri_is_shown_without_its_separators() {
    let mut world = world_of(trusted(724));
    let id = shown(&mut world, "provider", "P-Asserted-Identity: <tel:+1-212-555-0100>\r\n");
    assert_eq!(id.number.as_deref(), Some("+12125550100"));
}

#[test]
fn a_caller_that_wants_to_be_unknown_is_private_at_the_phone_and_known_to_the_record() {
    for (seed, privacy) in [(725, "id"), (726, "user"), (727, "header;user")] {
        let mut world = world_of(trusted(seed));
        let extra = format!("{ASSERTED}Privacy: {privacy}\r\n");
        let id = shown(&mut world, "provider", &extra);
        assert!(id.private && id.number.is_none() && id.name.is_none(), "{privacy}: {id:?}");
        assert_eq!(world.cdr().calling.as_deref(), Some("5550100"));
    }
    let mut world = world_of(trusted(728));
    let id = shown(&mut world, "provider", &format!("{ASSERTED}Privacy: none\r\n"));
    assert_eq!(id.number.as_deref(), Some("5550100"));
}

#[test]
fn an_anonymous_caller_is_private() {
    let mut world = world_of(house(729));
    world.add_agent("anonymous", "10.0.1.1:5070");
    world.agent("anonymous").domain = Some("anonymous.invalid".to_owned());
    let id = shown(&mut world, "anonymous", "");
    assert!(id.private, "{id:?}");
    assert_eq!(world.cdr().calling, None);
}

#[test]
fn a_telephone_number_in_a_sip_address_loses_its_separators() {
    let mut world = world_of(house(730));
    world.add_agent("+1-212-555-0100", "10.0.1.1:5070");
    world.agent("+1-212-555-0100").domain = Some("10.0.1.1;user=phone".to_owned());
    let id = shown(&mut world, "+1-212-555-0100", "");
    assert_eq!(id.number.as_deref(), Some("+12125550100"));
}

#[test]
fn a_trusted_trunk_is_told_who_calls_also_when_nobody_shall_be_shown_it() {
    let mut world = with_alice(trusted(731));
    let now = world.now();
    world.agent("alice").call_with(now, "95551234", "Privacy: id\r\n");
    world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
    let invite = world.agent("provider").invite().expect("an INVITE").clone();
    assert_eq!(invite.uri("From"), Some("sip:anonymous@anonymous.invalid"));
    assert_eq!(invite.header("P-Asserted-Identity"), Some("<sip:alice@10.0.1.1>"));
    assert_eq!(invite.header("Privacy"), Some("id"));
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn another_trunk_is_not_told() {
    let mut world = with_alice(house(732).user("alice", "a"));
    let now = world.now();
    let extra = format!("{ASSERTED}Privacy: id\r\n");
    world.agent("alice").call_with(now, "95551234", &extra);
    world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
    let invite = world.agent("provider").invite().expect("an INVITE").clone();
    assert_eq!(invite.uri("From"), Some("sip:anonymous@anonymous.invalid"));
    assert_eq!(invite.header("P-Asserted-Identity"), None);
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn where_a_call_was_sent_on_from_is_in_its_record_and_told_on() {
    let diverted =
        "Diversion: <sip:5550111@x>;reason=no-answer, <sip:5550222@x>;reason=user-busy\r\n";
    let history = "History-Info: <sip:5550333@x?Reason=SIP%3Bcause%3D302>;index=1\r\n\
                   History-Info: <sip:95551234@x;cause=302>;index=1.1;mp=1\r\n";
    let ours = [
        "<sip:5550111@10.0.1.1?Reason=SIP%3Bcause%3D408>;index=1",
        "<sip:5551234@10.0.1.1;cause=408>;index=1.1;mp=1",
    ];
    // RFC 7044 §9: what came is passed on as it came, and what it leads to is added.
    let theirs = [
        "<sip:5550333@x?Reason=SIP%3Bcause%3D302>;index=1",
        "<sip:95551234@x;cause=302>;index=1.1;mp=1",
        "<sip:5551234@10.0.1.1>;index=1.1.1",
    ];
    for (seed, extra, number, reason, way) in [
        (733, diverted, "5550111", "no-answer", &ours[..]),
        (734, history, "5550333", "unconditional", &theirs[..]),
    ] {
        let mut world = with_alice(trusted(seed));
        let now = world.now();
        world.agent("alice").call_with(now, "95551234", extra);
        world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
        let invite = world.agent("provider").invite().expect("an INVITE").clone();
        let told = format!("<sip:{number}@10.0.1.1>;reason={reason}");
        assert_eq!(invite.header("Diversion"), Some(told.as_str()));
        assert_eq!(invite.all("History-Info").collect::<Vec<_>>(), way);
        world.agent("alice").hang_up();
        world.rest();
        assert_eq!(world.cdr().redirecting.as_deref(), Some(number));
    }
}

/// RFC 5806 §4: each one that sends a call on puts itself on top, and takes nobody away.
#[test]
fn every_step_of_the_way_here_is_told_on_and_our_own_above_it() {
    let way = "Diversion: <sip:1@x>;reason=user-busy;counter=2, <sip:2@x>;privacy=full\r\n\
               Diversion: \"D\" <tel:+1-3>;reason=far-off;screen=yes\r\n";
    let known = ["<sip:1@HOST>;reason=user-busy;counter=2", "<sip:2@HOST>;privacy=full"];
    let last = "<sip:+13@HOST>;reason=far-off;screen=yes";
    for (seed, trusts, came) in [
        (756, true, &[known[0], known[1], last][..]),
        // RFC 5806 §6: what shall not be seen.
        (757, false, &[known[0], last][..]),
    ] {
        let mut site = trusted(seed);
        site.config.trunks[0].trusted = trusts;
        let mut world = with_alice(site);
        world.add_agent("elsewhere", "10.0.1.7:5060");
        world.agent("provider").answering = Answering::Redirect("sip:777@10.0.1.7".to_owned());
        let now = world.now();
        world.agent("alice").call_with(now, "95551234", way);
        world.wait("answer", s(5), |w| w.phase("elsewhere") == Phase::Talking);
        let told = |world: &World, who: &str| -> Vec<String> {
            let invite = world.see(who).invite().expect("an INVITE");
            invite.all("Diversion").map(str::to_owned).collect()
        };
        let hosted = |host: &str, entries: &[&str]| -> Vec<String> {
            entries.iter().map(|entry| entry.replace("HOST", host)).collect()
        };
        assert_eq!(told(&world, "provider"), hosted("10.0.1.1", came));
        let ours = [&["<sip:5551234@HOST>;reason=unconditional", known[0], last][..]].concat();
        assert_eq!(told(&world, "elsewhere"), hosted("10.0.0.1", &ours), "it is not trusted");
        world.agent("alice").hang_up();
        world.rest();
        assert_eq!(world.cdr().redirecting.as_deref(), Some("5551234"));
    }
}

#[test]
fn ways_without_an_end_are_told_to_a_bound() {
    let mut world = with_alice(house(758).user("alice", "a"));
    let steps: Vec<_> = (1..=40).map(|n| format!("<sip:{n}@x>")).collect();
    let now = world.now();
    let extra = format!("Diversion: {}\r\n", steps.join(", "));
    world.agent("alice").call_with(now, "95551234", &extra);
    world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
    let invite = world.see("provider").invite().expect("an INVITE").clone();
    let told: Vec<_> = invite.all("Diversion").collect();
    assert_eq!((told.len(), told[0], told[19]), (20, "<sip:1@10.0.1.1>", "<sip:20@10.0.1.1>"));
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn a_redirection_that_is_followed_is_told_to_the_next() {
    let mut world = world_of(house(735));
    world.add_agent("elsewhere", "10.0.1.7:5060");
    world.agent("provider").answering = Answering::Redirect("sip:777@10.0.1.7".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("elsewhere") == Phase::Talking);
    let invite = world.agent("elsewhere").invite().expect("an INVITE").clone();
    assert_eq!(invite.header("Diversion"), Some("<sip:5551234@10.0.0.1>;reason=unconditional"));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().redirecting.as_deref(), Some("5551234"));
}

#[test]
fn each_redirection_that_is_followed_is_a_step_of_the_history() {
    let mut world = world_of(house(750));
    world.add_agent("one", "10.0.1.7:5060");
    world.add_agent("two", "10.0.1.8:5060");
    world.agent("provider").answering = Answering::Redirect("sip:777@10.0.1.7".to_owned());
    world.agent("one").answering = Answering::Redirect("sip:888@10.0.1.8".to_owned());
    dial(&mut world, "kitchen", "95551234#");
    world.wait("answer", s(10), |w| w.phase("two") == Phase::Talking);
    let invite = world.agent("two").invite().expect("an INVITE").clone();
    let way = [
        "<sip:5551234@10.0.0.1?Reason=SIP%3Bcause%3D302>;index=1",
        "<sip:777@10.0.0.1;cause=302?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1",
        "<sip:888@10.0.0.1;cause=302>;index=1.1.1;mp=1.1",
    ];
    assert_eq!(invite.all("History-Info").collect::<Vec<_>>(), way);
    assert_eq!(invite.header("Diversion"), Some("<sip:777@10.0.0.1>;reason=unconditional"));
    world.phone("kitchen").on_hook();
    world.rest();
    assert_eq!(world.cdr().redirecting.as_deref(), Some("777"));
}

/// RFC 7044 §10.1: who is not trusted sees that there was a step, and where in the tree, but not whose.
#[test]
fn entries_of_the_history_that_shall_not_be_seen_keep_their_place() {
    let hidden = "History-Info: <sip:1@x?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1\r\n\
                  History-Info: <sip:2@x;cause=302>;index=1.1;mp=1\r\n";
    let open = "History-Info: <sip:1@x>;index=1\r\nHistory-Info: <sip:2@x>;index=1.3;rc=1\r\n";
    let all_hidden = format!("Privacy: history\r\n{open}");
    let nobody = "<sip:anonymous@anonymous.invalid>";
    for (seed, trusts, extra, way) in [
        (
            751,
            false,
            hidden,
            [format!("{nobody};index=1"), "<sip:2@x;cause=302>;index=1.1;mp=1".into()],
        ),
        (
            752,
            true,
            hidden,
            [
                "<sip:1@x?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1".into(),
                "<sip:2@x;cause=302>;index=1.1;mp=1".into(),
            ],
        ),
        (
            753,
            false,
            &*all_hidden,
            [format!("{nobody};index=1"), format!("{nobody};index=1.3;rc=1")],
        ),
        (
            754,
            true,
            &*all_hidden,
            [
                "<sip:1@x?Privacy=history>;index=1".into(),
                "<sip:2@x?Privacy=history>;index=1.3;rc=1".into(),
            ],
        ),
    ] {
        let mut site = trusted(seed);
        site.config.trunks[0].trusted = trusts;
        let mut world = with_alice(site);
        let now = world.now();
        world.agent("alice").call_with(now, "95551234", extra);
        world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
        let invite = world.agent("provider").invite().expect("an INVITE").clone();
        let told: Vec<_> = invite.all("History-Info").collect();
        assert_eq!(told[..2], way, "{seed}");
        assert_eq!(told.len(), 3, "{told:?}");
        world.agent("alice").hang_up();
        world.rest();
    }
}

#[test]
fn a_history_without_an_end_is_passed_on_to_a_bound() {
    let mut world = with_alice(house(755).user("alice", "a"));
    let entries: Vec<_> = (1..=40).map(|n| format!("<sip:{n}@x>;index=1.{n}")).collect();
    let now = world.now();
    let extra = format!("History-Info: {}\r\n", entries.join(", "));
    world.agent("alice").call_with(now, "95551234", &extra);
    world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
    let invite = world.agent("provider").invite().expect("an INVITE").clone();
    let told: Vec<_> = invite.all("History-Info").collect();
    assert_eq!(
        (told.len(), told[0], told[20]),
        (21, "<sip:21@x>;index=1.21", "<sip:5551234@10.0.1.1>;index=1.40.1")
    );
    world.agent("alice").hang_up();
    world.rest();
}

#[test]
fn a_telephone_number_is_called_and_calls_by_its_own_kind_of_uri() {
    let mut world = world_of(house(736));
    world.agent("provider").recite(
        "INVITE tel:1-01;phone-context=example.org SIP/2.0
Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKtel
Max-Forwards: 70
From: \"Ada\" <tel:+1-212-555-0100>;tag=tel
To: <tel:1-01;phone-context=example.org>
Call-ID: tel@10.0.1.1
CSeq: 1 INVITE
Contact: <sip:10.0.1.1:5060>
Content-Length: 0

",
    );
    world.wait("the display", s(10), |w| w.diary("kitchen").display.is_some());
    let id = world.diary("kitchen").display.clone().expect("it is shown");
    assert_eq!((id.number.as_deref(), id.name.as_deref()), (Some("+12125550100"), Some("Ada")));
    world.agent("provider").recite(
        "CANCEL tel:1-01;phone-context=example.org SIP/2.0
Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKtel
Max-Forwards: 70
From: \"Ada\" <tel:+1-212-555-0100>;tag=tel
To: <tel:1-01;phone-context=example.org>
Call-ID: tel@10.0.1.1
CSeq: 1 CANCEL
Content-Length: 0

",
    );
    world.wait("the refusal", s(1), |w| w.see("provider").saw("487 INVITE") > 0);
    let ack = "ACK tel:1-01;phone-context=example.org SIP/2.0
Via: SIP/2.0/UDP 10.0.1.1:5060;branch=z9hG4bKtel
Max-Forwards: 70
From: \"Ada\" <tel:+1-212-555-0100>;tag=tel
To: ";
    let to = world.see("provider").response("487 INVITE").and_then(|text| text.header("To"));
    let rest = "\nCall-ID: tel@10.0.1.1\nCSeq: 1 ACK\nContent-Length: 0\n\n";
    let ack = format!("{ack}{}{rest}", to.expect("To"));
    world.agent("provider").recite(&ack);
    world.rest();
    assert_eq!(world.cdr().calling.as_deref(), Some("+12125550100"));
    assert_eq!(world.cdr().called.as_str(), "101");
}

#[test]
fn a_user_without_a_name_in_from_may_say_which_of_its_own_it_prefers() {
    for (seed, preferred, told) in [
        (737, "\"Alice A.\" <sip:alice@10.0.0.1>", "\"Alice A.\" <sip:alice@10.0.1.1>"),
        // Somebody else's is passed over (RFC 3325 §6).
        (738, "\"Boss\" <sip:boss@10.0.0.1>", "<sip:alice@10.0.1.1>"),
    ] {
        let mut world = with_alice(trusted(seed));
        world.agent("alice").domain = Some("anonymous.invalid".to_owned());
        let now = world.now();
        let extra = format!("P-Preferred-Identity: {preferred}\r\nPrivacy: id\r\n");
        world.agent("alice").call_with(now, "95551234", &extra);
        world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
        let invite = world.agent("provider").invite().expect("an INVITE").clone();
        assert_eq!(invite.header("P-Asserted-Identity"), Some(told));
        assert_eq!(invite.header("P-Preferred-Identity"), None);
        assert_eq!(invite.uri("From"), Some("sip:anonymous@anonymous.invalid"));
        world.agent("alice").hang_up();
        world.rest();
        assert_eq!(world.cdr().calling.as_deref(), Some("alice"));
    }
}

#[test]
fn a_step_that_shall_not_be_seen_is_told_to_trusted_trunks_alone() {
    let extra = "Diversion: <sip:5550111@x>;reason=user-busy;privacy=full\r\n";
    let told = "<sip:5550111@10.0.1.1>;reason=user-busy;privacy=full";
    for (seed, trusts, told) in [(739, true, Some(told)), (740, false, None)] {
        let mut site = trusted(seed);
        site.config.trunks[0].trusted = trusts;
        let mut world = with_alice(site);
        let now = world.now();
        world.agent("alice").call_with(now, "95551234", extra);
        world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
        let invite = world.agent("provider").invite().expect("an INVITE").clone();
        assert_eq!(invite.header("Diversion"), told);
        let history: Vec<_> = invite.all("History-Info").collect();
        assert_eq!(history[0].contains("5550111"), trusts, "{history:?}");
        world.agent("alice").hang_up();
        world.rest();
        assert_eq!(world.cdr().redirecting.as_deref(), Some("5550111"));
    }
}

#[test]
fn how_to_ring_and_where_the_caller_is_described_reach_those_we_know() {
    let icon = "<http://example.net/ada.png>;purpose=icon";
    let extra = format!(
        "Alert-Info: <urn:alert:source:external>\r\nCall-Info: {icon},\
         <http://example.net/x.js>;purpose=script, <ftp://example.net/a>;purpose=info\r\n"
    );
    for (seed, privacy, info) in [(741, "none", Some(icon)), (742, "id", None)] {
        let mut world = with_alice(house(seed).user("alice", "a"));
        world.agent("alice").register(600);
        world.run_for(ms(100));
        let now = world.now();
        let extra = format!("{extra}Privacy: {privacy}\r\n");
        world.agent("provider").call_with(now, "alice", &extra);
        world.wait("answer", s(5), |w| w.phase("alice") == Phase::Talking);
        let invite = world.agent("alice").invite().expect("an INVITE").clone();
        assert_eq!(invite.header("Alert-Info"), Some("<http://127.0.0.1/Bellcore-dr2>"));
        assert_eq!(invite.all("Call-Info").collect::<Vec<_>>(), Vec::from_iter(info));
        world.agent("provider").hang_up();
        world.rest();
        // A trunk that is not trusted is told neither.
        let now = world.now();
        world.agent("alice").call_with(now, "95551234", &extra);
        world.wait("answer", s(5), |w| w.phase("provider") == Phase::Talking);
        let invite = world.agent("provider").invite().expect("an INVITE").clone();
        assert_eq!((invite.header("Alert-Info"), invite.header("Call-Info")), (None, None));
        world.agent("alice").hang_up();
        world.rest();
    }
}

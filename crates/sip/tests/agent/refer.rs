//! Transfers: REFER that comes and REFER that we send (RFC 3515, RFC 4488, RFC 5589).

use tipring_core::Instant;
use tipring_sip::agent::{Output, ReferPolicy, SessionError, UaConfig, UserAgent};
use tipring_sip::message::{ReferTo, Status};
use tipring_sip::session::{ReferId, ReferState, SessionId, Transfer};

use crate::peer::{CONTACT, Peer};
use crate::script::{Script, find, header, response, uri};

const TARGET: &str = "Refer-To: <sip:carol@example.net>\nReferred-By: <sip:bob@example.net>\n";

fn config() -> UaConfig {
    UaConfig::default()
}

/// The last REFER that the application was told of.
fn asked(script: &Script) -> (SessionId, ReferId, Option<SessionId>) {
    let refer = script.said.iter().rev().find_map(|output| match output {
        Output::Refer { session, refer, call, .. } => Some((*session, *refer, *call)),
        _ => None,
    });
    refer.expect("a REFER came")
}

/// What the application was told of its own REFERs, in order.
fn told(script: &Script) -> Vec<ReferState> {
    let states = script.said.iter().filter_map(|output| match output {
        Output::Referred { state, .. } => Some(*state),
        _ => None,
    });
    states.collect()
}

fn report(script: &mut Script, status: Status) -> Result<(), SessionError> {
    let (session, refer, _) = asked(script);
    script.act(|ua, now| ua.report_refer(now, session, refer, status))
}

fn accept(script: &mut Script) {
    let (session, refer, _) = asked(script);
    script.act(|ua, now| ua.accept_refer(now, session, refer)).expect("was asked");
}

/// What a NOTIFY says: the state, and the status line in its body.
fn said(notify: &str) -> (String, String) {
    assert!(notify.starts_with("NOTIFY "), "{notify}");
    assert!(header(notify, "Content-Type").starts_with("message/sipfrag"));
    let state = header(notify, "Subscription-State").split(";expires").next().unwrap_or("");
    let body = notify.split("\r\n\r\n").nth(1).unwrap_or("");
    (state.to_owned(), body.trim_end().to_owned())
}

fn is(notify: &str, state: &str, line: &str) {
    assert_eq!(said(notify), (state.to_owned(), format!("SIP/2.0 {line}")));
}

fn referred(ua: &mut UserAgent, now: Instant, id: SessionId, watch: bool) -> ReferId {
    let target = ReferTo::blind(uri("sip:carol@example.net"));
    let referred_by = Some("<sip:alice@example.org>".parse().expect("an address"));
    ua.refer(now, id, Transfer { target, referred_by, watch }).expect("is up")
}

fn notify(peer: &mut Peer, event: &str, state: &str, line: &str) {
    let more = format!(
        "{CONTACT}Event: {event}\nSubscription-State: {state}\nContent-Type: message/sipfrag\n"
    );
    peer.ask("NOTIFY", &more, line);
}

#[test]
fn a_refer_is_accepted_and_its_call_told_to_the_end() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    peer.script.expect_nothing();
    let (session, _, call) = asked(&peer.script);
    assert_eq!((session, call), (peer.id, Some(peer.id)));
    accept(&mut peer.script);
    let ok = peer.script.expect("SIP/2.0 202 Accepted");
    assert!(find(&ok, "Contact").is_some());
    let trying = peer.script.expect("NOTIFY ");
    is(&trying, "active", "100 Trying");
    assert_eq!(header(&trying, "Event"), "refer;id=101");
    // One at a time; of what waits the latest counts.
    report(&mut peer.script, Status::RINGING).expect("is accepted");
    report(&mut peer.script, Status::SESSION_PROGRESS).expect("is accepted");
    peer.script.expect_nothing();
    peer.reply(&trying, "200 OK", "", "");
    let progress = peer.script.expect("NOTIFY ");
    is(&progress, "active", "183 Session Progress");
    peer.reply(&progress, "200 OK", "", "");
    report(&mut peer.script, Status::OK).expect("is accepted");
    let done = peer.script.expect("NOTIFY ");
    is(&done, "terminated;reason=noresource", "200 OK");
    assert_eq!(report(&mut peer.script, Status::OK), Err(SessionError::WrongState));
    // Nor is it accepted anew, which would begin the subscription again.
    let (session, refer, _) = asked(&peer.script);
    let again = peer.script.act(|ua, now| ua.accept_refer(now, session, refer));
    assert_eq!(again, Err(SessionError::WrongState));
    assert_eq!(report(&mut peer.script, Status::OK), Err(SessionError::WrongState));
    peer.reply(&done, "200 OK", "", "");
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    peer.assert_quiet();
}

#[test]
fn the_dialog_outlives_the_call_until_the_transfer_is_told() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    accept(&mut peer.script);
    peer.script.expect("SIP/2.0 202");
    let trying = peer.script.expect("NOTIFY ");
    peer.reply(&trying, "200 OK", "", "");
    // Whoever transfers hangs up at once (RFC 5589 §6.1).
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    assert_eq!(peer.script.ended(), "Remote");
    report(&mut peer.script, Status::BUSY_HERE).expect("goes on");
    let done = peer.script.expect("NOTIFY ");
    is(&done, "terminated;reason=noresource", "486 Busy Here");
    let numbers = [&trying, &done].map(|text| header(text, "CSeq").to_owned());
    assert_ne!(numbers[0], numbers[1]);
    peer.ask("INFO", "", "");
    peer.script.expect("SIP/2.0 481 ");
    peer.reply(&done, "200 OK", "", "");
    assert_eq!(peer.script.ua.counts().sessions, 1, "the INVITE transaction alone");
    peer.assert_quiet();
}

#[test]
fn a_refer_is_refused_or_not_understood() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    let (session, refer, _) = asked(&peer.script);
    peer.script
        .act(|ua, now| ua.reject_refer(now, session, refer, Status::DECLINE))
        .expect("was asked");
    peer.script.expect("SIP/2.0 603 ");
    peer.script.expect_nothing();
    for bad in ["", "Refer-To: <sip:a@h>\nRefer-To: <sip:b@h>\n", "Refer-To: nonsense\n"] {
        peer.ask("REFER", &format!("{CONTACT}{bad}"), "");
        peer.script.expect("SIP/2.0 400 ");
    }
}

#[test]
fn who_does_not_want_to_know_is_not_told() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}Refer-Sub: false\n"), "");
    accept(&mut peer.script);
    assert_eq!(header(&peer.script.expect("SIP/2.0 200 "), "Refer-Sub"), "false");
    peer.script.expect_nothing();
    assert_eq!(report(&mut peer.script, Status::OK), Err(SessionError::WrongState));
}

#[test]
fn a_call_that_never_ends_its_subscription_does() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    accept(&mut peer.script);
    peer.script.expect("SIP/2.0 202");
    let trying = peer.script.expect("NOTIFY ");
    peer.reply(&trying, "200 OK", "", "");
    peer.script.wait(180_100);
    is(&peer.script.expect("NOTIFY "), "terminated;reason=timeout", "100 Trying");
}

#[test]
fn a_notify_that_fails_ends_the_subscription() {
    for answer in ["481 Call/Transaction Does Not Exist", ""] {
        let mut peer = Peer::up(config(), "");
        peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
        accept(&mut peer.script);
        peer.script.expect("SIP/2.0 202");
        let trying = peer.script.expect("NOTIFY ");
        match answer {
            "" => peer.script.wait(33_000),
            answer => peer.reply(&trying, answer, "", ""),
        }
        assert_eq!(report(&mut peer.script, Status::OK), Err(SessionError::WrongState));
        assert_eq!(peer.script.ended(), "not ended");
    }
}

const OUTSIDE: &str = "
REFER sip:101@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKout;rport
From: <sip:click@example.net>;tag=o
To: <sip:101@192.0.2.1>
Call-ID: outside
CSeq: 1 REFER
Contact: <sip:click@198.51.100.9>
Refer-To: <sip:carol@example.net>
Content-Length: 0

";

#[test]
fn outside_any_call_a_refer_is_taken_only_where_that_is_allowed() {
    let answer = |refer| {
        let mut script = Script::with(UaConfig { refer, ..UaConfig::default() });
        script.receive(OUTSIDE);
        script.sent.pop_front().map(|(_, text)| text.split(' ').nth(1).map(str::to_owned))
    };
    let code = |code: &str| Some(Some(code.to_owned()));
    assert_eq!(answer(ReferPolicy::Refuse), code("405"));
    assert_eq!(answer(ReferPolicy::InDialog), code("403"));
    assert_eq!(answer(ReferPolicy::Anywhere), None, "the application is asked");
    let refer = ReferPolicy::Anywhere;
    let mut script = Script::with(UaConfig { refer, ..UaConfig::default() });
    script.receive(OUTSIDE);
    assert_eq!(asked(&script).2, None);
    accept(&mut script);
    let ok = script.expect("SIP/2.0 202");
    assert!(header(&ok, "To").contains(";tag=") && find(&ok, "Contact").is_some());
    let trying = script.expect("NOTIFY sip:click@198.51.100.9");
    assert_eq!(header(&trying, "From"), header(&ok, "To"));
    script.receive(&response(&trying, "200 OK", "", "", ""));
    report(&mut script, Status::OK).expect("is accepted");
    let done = script.expect("NOTIFY ");
    script.receive(&response(&done, "200 OK", "", "", ""));
    script.wait(40_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn an_unanswered_refer_outside_a_dialog_is_refused_and_forgotten() {
    let mut script = Script::with(UaConfig { refer: ReferPolicy::Anywhere, ..config() });
    script.receive(OUTSIDE);
    script.wait(31_000);
    script.expect("SIP/2.0 504 ");
    script.wait(32_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn target_dialog_lets_a_refer_from_outside_transfer_a_call() {
    let mut peer = Peer::up(config(), "");
    let call_id = header(&peer.invite, "Call-ID").to_owned();
    let ours = crate::script::param(header(&peer.invite, "From"), "tag").to_owned();
    let line = |remote: &str| {
        format!("Target-Dialog: {call_id};local-tag=b;remote-tag={remote}\nContent-Length: 0")
    };
    let wrong = OUTSIDE.replace("Content-Length: 0", &line("nobody"));
    peer.script.receive(&wrong);
    peer.script.expect("SIP/2.0 403 ");
    let right = OUTSIDE.replace("Content-Length: 0", &line(&ours)).replace("bKout", "bKin");
    peer.script.receive(&right.replace("CSeq: 1", "CSeq: 2"));
    let (session, _, call) = asked(&peer.script);
    assert_eq!(call, Some(peer.id));
    assert_ne!(session, peer.id, "it has a dialog of its own");
}

#[test]
fn a_blind_transfer_is_sent_and_followed() {
    let mut peer = Peer::up(config(), "");
    let id = peer.id;
    peer.script.act(|ua, now| referred(ua, now, id, true));
    let refer = peer.script.expect("REFER sip:bob@198.51.100.9");
    assert_eq!(header(&refer, "Refer-To"), "<sip:carol@example.net>");
    assert_eq!(header(&refer, "Referred-By"), "<sip:alice@example.org>");
    assert!(find(&refer, "Refer-Sub").is_none());
    let event = format!("refer;id={}", header(&refer, "CSeq").split(' ').next().expect("a number"));
    // The first NOTIFY may overtake the 202.
    notify(&mut peer, &event, "active;expires=60", "SIP/2.0 100 Trying");
    peer.script.expect("SIP/2.0 200 ");
    peer.reply(&refer, "202 Accepted", "", "");
    notify(&mut peer, "refer", "active;expires=60", "SIP/2.0 180 Ringing");
    peer.script.expect("SIP/2.0 200 ");
    notify(&mut peer, &event, "terminated;reason=noresource", "SIP/2.0 200 OK");
    peer.script.expect("SIP/2.0 200 ");
    let states = [
        ReferState::Progress(Status::TRYING),
        ReferState::Accepted,
        ReferState::Progress(Status::RINGING),
        ReferState::Done(Some(Status::OK)),
    ];
    assert_eq!(told(&peer.script), states);
    notify(&mut peer, &event, "active", "SIP/2.0 180 Ringing");
    peer.script.expect("SIP/2.0 481 ");
    assert_eq!(peer.script.ended(), "not ended", "hanging up is ours to do");
}

#[test]
fn the_outcome_of_a_transfer_is_told_even_after_we_hung_up() {
    let mut peer = Peer::up(config(), "");
    let id = peer.id;
    peer.script.act(|ua, now| referred(ua, now, id, true));
    let refer = peer.script.expect("REFER ");
    peer.reply(&refer, "202 Accepted", "", "");
    peer.script.act(|ua, now| ua.hang_up(now, id, None)).expect("is up");
    let bye = peer.script.expect("BYE ");
    peer.reply(&bye, "200 OK", "", "");
    assert_eq!(peer.script.ended(), "Local");
    notify(&mut peer, "refer", "terminated;reason=noresource", "SIP/2.0 486 Busy Here");
    peer.script.expect("SIP/2.0 200 ");
    assert_eq!(told(&peer.script).last(), Some(&ReferState::Done(Some(Status::BUSY_HERE))));
    peer.assert_quiet();
}

#[test]
fn a_refused_or_unheard_transfer_is_told() {
    let states = |answer: &str| {
        let mut peer = Peer::up(config(), "");
        let id = peer.id;
        peer.script.act(|ua, now| referred(ua, now, id, true));
        let refer = peer.script.expect("REFER ");
        match answer {
            "" => peer.script.wait(33_000),
            answer => peer.reply(&refer, answer, "", ""),
        }
        peer.script.wait(400_000);
        (told(&peer.script), peer.script.ended())
    };
    let refused = |status| vec![ReferState::Refused(status)];
    assert_eq!(states("603 Decline"), (refused(Status::DECLINE), "not ended".to_owned()));
    assert_eq!(states(""), (refused(Status::REQUEST_TIMEOUT), "not ended".to_owned()));
    let silent = vec![ReferState::Accepted, ReferState::Done(None)];
    assert_eq!(states("202 Accepted"), (silent, "not ended".to_owned()));
    let gone = states("481 Call/Transaction Does Not Exist");
    assert_eq!(gone.0, refused(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST));
    assert_eq!(gone.1, "Remote");
}

#[test]
fn without_a_subscription_accepting_is_the_end() {
    let mut peer = Peer::up(config(), "Supported: norefersub\n");
    let id = peer.id;
    peer.script.act(|ua, now| referred(ua, now, id, false));
    let refer = peer.script.expect("REFER ");
    assert_eq!(header(&refer, "Refer-Sub"), "false");
    peer.reply(&refer, "200 OK", "Refer-Sub: false\n", "");
    assert_eq!(told(&peer.script), [ReferState::Done(None)]);
}

#[test]
fn an_attended_transfer_names_the_call_to_replace_as_its_peer_sees_it() {
    let peer = Peer::up(config(), "");
    let (held, invite) = (peer.id, peer.invite.clone());
    let target = peer.script.ua.refer_to(held).expect("is up");
    let replaces = target.replaces().expect("is good").expect("is there");
    assert_eq!(target.request_uri(), uri("sip:bob@198.51.100.9"));
    assert_eq!(replaces.call_id.as_str(), header(&invite, "Call-ID"));
    assert_eq!(replaces.to_tag.as_str(), "b");
    assert_eq!(replaces.from_tag.as_str(), crate::script::param(header(&invite, "From"), "tag"));
    assert!(target.to_string().contains("%3Bto-tag%3Db"), "{target}");
}

#[test]
fn a_notify_of_nothing_we_asked_for_is_refused() {
    let mut peer = Peer::up(config(), "");
    notify(&mut peer, "refer;id=7", "active", "SIP/2.0 180 Ringing");
    peer.script.expect("SIP/2.0 481 ");
    notify(&mut peer, "presence", "active", "x");
    peer.script.expect("SIP/2.0 489 ");
    peer.ask("NOTIFY", CONTACT, "");
    peer.script.expect("SIP/2.0 400 ");
}

type Step = (&'static str, fn(&mut Peer));

/// Meets every state of a machine with every event: what is sent (›), what the application hears (!).
fn table(states: &[(&str, &[Step])], events: &[Step]) -> String {
    let mut text = String::new();
    for (name, way) in states {
        for (event_name, event) in events {
            let mut peer = Peer::up(UaConfig { session_timer: None, ..config() }, "");
            way.iter().for_each(|(_, step)| step(&mut peer));
            peer.script.said.clear();
            peer.script.skip();
            event(&mut peer);
            let sent = peer.script.sent.iter().map(|(_, text)| in_words(text));
            let mut sent: Vec<_> = sent.collect();
            sent.dedup();
            let told: Vec<_> =
                told(&peer.script).iter().map(|state| format!("{state:?}")).collect();
            let line =
                format!("{name:9} | {event_name:18} | › {} ! {}", sent.join(", "), told.join(", "));
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

fn in_words(text: &str) -> String {
    if text.starts_with("NOTIFY") {
        let (state, line) = said(text);
        return format!("NOTIFY {state} ({})", line.trim_start_matches("SIP/2.0 "));
    }
    let line = text.lines().next().unwrap_or("").trim_start_matches("SIP/2.0 ");
    line.split(' ').next().unwrap_or("").to_owned()
}

/// Answers our last NOTIFY or REFER.
fn answers(peer: &mut Peer, status: &str) {
    let last = |(_, text): &&(_, String)| text.starts_with("NOTIFY") || text.starts_with("REFER");
    let found = peer.script.sent.iter().rev().find(last).map(|(_, text)| text.clone());
    if let Some(text) = found {
        peer.script.skip();
        peer.reply(&text, status, "", "");
    }
}

fn first(peer: &Peer) -> (SessionId, ReferId) {
    (peer.id, ReferId(101))
}

#[test]
fn the_transfer_that_the_peer_asks_for_as_a_table() {
    const REFER: Step = ("REFER", |p| {
        p.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    });
    const ACCEPT: Step = ("accept", |p| {
        let (id, refer) = first(p);
        let _ = p.script.act(|ua, now| ua.accept_refer(now, id, refer));
    });
    const REJECT: Step = ("reject", |p| {
        let (id, refer) = first(p);
        let _ = p.script.act(|ua, now| ua.reject_refer(now, id, refer, Status::DECLINE));
    });
    const RINGS: Step = ("report 180", |p| {
        let (id, refer) = first(p);
        let _ = p.script.act(|ua, now| ua.report_refer(now, id, refer, Status::RINGING));
    });
    const DONE: Step = ("report 200", |p| {
        let (id, refer) = first(p);
        let _ = p.script.act(|ua, now| ua.report_refer(now, id, refer, Status::OK));
    });
    const HEARD: Step = ("200 to NOTIFY", |p| answers(p, "200 OK"));
    const SILENCE: Step = ("silence", |p| p.script.wait(400_000));
    // An answer needs the NOTIFY that the way to the state sent last.
    let events = [ACCEPT, REJECT, RINGS, DONE, SILENCE, ("BYE", |p| drop(p.ask("BYE", "", "")))];
    let states: &[(&str, &[Step])] = &[
        ("Pending", &[REFER]),
        ("Active", &[REFER, ACCEPT]),
        ("quiet", &[REFER, ACCEPT, HEARD]),
        ("behind", &[REFER, ACCEPT, RINGS]),
        ("Closing", &[REFER, ACCEPT, HEARD, DONE]),
        ("told", &[REFER, ACCEPT, HEARD, DONE, HEARD]),
        ("refused", &[REFER, REJECT]),
    ];
    insta::assert_snapshot!(table(states, &events));
}

#[test]
fn the_transfer_that_we_ask_for_as_a_table() {
    const ASK: Step = ("we ask", |p| {
        let id = p.id;
        p.script.act(|ua, now| referred(ua, now, id, true));
    });
    const ACCEPTED: Step = ("202", |p| answers(p, "202 Accepted"));
    let events: [Step; 7] = [
        ("NOTIFY 180", |p| notify(p, "refer", "active;expires=60", "SIP/2.0 180 Ringing")),
        ("NOTIFY 200", |p| notify(p, "refer", "active;expires=60", "SIP/2.0 200 OK")),
        ("NOTIFY 200 end", |p| notify(p, "refer", "terminated", "SIP/2.0 200 OK")),
        ("NOTIFY end", |p| notify(p, "refer", "terminated;reason=timeout", "")),
        ("NOTIFY other", |p| notify(p, "refer;id=1", "active", "SIP/2.0 180 Ringing")),
        ("silence", |p| p.script.wait(400_000)),
        ("BYE", |p| drop(p.ask("BYE", "", ""))),
    ];
    let states: &[(&str, &[Step])] = &[
        ("Sent", &[ASK]),
        ("Watching", &[ASK, ACCEPTED]),
        ("ringing", &[ASK, ACCEPTED, events[0]]),
        ("done", &[ASK, ACCEPTED, events[2]]),
    ];
    insta::assert_snapshot!(table(states, &events));
}

/// A REFER that was accepted and whose first NOTIFY was answered.
fn subscribed() -> Peer {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    accept(&mut peer.script);
    peer.script.expect("SIP/2.0 202");
    let trying = peer.script.expect("NOTIFY ");
    peer.reply(&trying, "200 OK", "", "");
    peer
}

fn resubscribe(peer: &mut Peer, event: &str, expires: u32) -> String {
    peer.ask("SUBSCRIBE", &format!("{CONTACT}Event: {event}\nExpires: {expires}\n"), "");
    peer.script.next()
}

#[test]
fn a_refer_that_nobody_decides_about_is_refused_while_somebody_waits_for_it() {
    let mut peer = Peer::up(config(), "");
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    let (session, refer, _) = asked(&peer.script);
    peer.script.wait(31_000);
    peer.script.expect("SIP/2.0 504 ");
    let late = peer.script.act(|ua, now| ua.accept_refer(now, session, refer));
    assert_eq!(late, Err(SessionError::WrongState));
}

/// RFC 3515 §2.4.4.
#[test]
fn who_refers_may_subscribe_for_longer_and_is_told_at_once_how_the_call_is() {
    let mut peer = subscribed();
    report(&mut peer.script, Status::RINGING).expect("is accepted");
    let ringing = peer.script.expect("NOTIFY ");
    peer.reply(&ringing, "200 OK", "", "");
    peer.script.wait(170_000);
    let ok = resubscribe(&mut peer, "refer;id=101", 60);
    assert!(ok.starts_with("SIP/2.0 200 OK") && find(&ok, "Contact").is_some(), "{ok}");
    assert_eq!(header(&ok, "Expires"), "60");
    let again = peer.script.expect("NOTIFY ");
    is(&again, "active", "180 Ringing");
    assert_eq!(header(&again, "Subscription-State"), "active;expires=60");
    peer.reply(&again, "200 OK", "", "");
    // It would have been over after 180 s.
    peer.script.wait(59_000);
    peer.script.expect_nothing();
    // No longer than at first.
    let ok = resubscribe(&mut peer, "refer", 3600);
    assert_eq!(header(&ok, "Expires"), "180");
    let again = peer.script.expect("NOTIFY ");
    peer.reply(&again, "200 OK", "", "");
    report(&mut peer.script, Status::OK).expect("is accepted");
    is(&peer.script.expect("NOTIFY "), "terminated;reason=noresource", "200 OK");
}

#[test]
fn who_refers_may_leave_and_hears_no_more() {
    let mut peer = subscribed();
    let ok = resubscribe(&mut peer, "refer;id=101", 0);
    assert!(ok.starts_with("SIP/2.0 200 OK"), "{ok}");
    assert_eq!(header(&ok, "Expires"), "0");
    let last = peer.script.expect("NOTIFY ");
    is(&last, "terminated;reason=timeout", "100 Trying");
    assert_eq!(report(&mut peer.script, Status::OK), Err(SessionError::WrongState));
    peer.reply(&last, "200 OK", "", "");
    let gone = resubscribe(&mut peer, "refer;id=101", 60);
    assert!(gone.starts_with("SIP/2.0 481"), "{gone}");
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    peer.assert_quiet();
}

#[test]
fn a_subscribe_without_id_means_the_first_refer_of_the_dialog_and_no_other() {
    let mut peer = subscribed();
    let first = asked(&peer.script).1;
    peer.ask("REFER", &format!("{CONTACT}{TARGET}"), "");
    let (session, second, _) = asked(&peer.script);
    assert_ne!(first, second);
    peer.script.act(|ua, now| ua.accept_refer(now, session, second)).expect("is new");
    peer.script.expect("SIP/2.0 202");
    let trying = peer.script.expect("NOTIFY ");
    peer.reply(&trying, "200 OK", "", "");
    // Both are known, and it is the first that is meant.
    resubscribe(&mut peer, "refer", 60);
    let again = peer.script.expect("NOTIFY ");
    assert_eq!(header(&again, "Event"), format!("refer;id={}", first.0));
    peer.reply(&again, "200 OK", "", "");
    peer.script
        .act(|ua, now| ua.report_refer(now, session, first, Status::BUSY_HERE))
        .expect("is accepted");
    let last = peer.script.expect("NOTIFY ");
    peer.reply(&last, "200 OK", "", "");
    // It has ended: whoever wants to leave it leaves no other (RFC 3515 §2.4.6).
    let gone = resubscribe(&mut peer, "refer", 0);
    assert!(gone.starts_with("SIP/2.0 481"), "{gone}");
    peer.script.expect_nothing();
}

#[test]
fn nobody_subscribes_to_transfers_that_nobody_asked_for() {
    let mut peer = subscribed();
    for event in ["refer;id=7", "refer;id=x"] {
        let gone = resubscribe(&mut peer, event, 60);
        assert!(gone.starts_with("SIP/2.0 481"), "{gone}");
    }
    let other = resubscribe(&mut peer, "presence", 60);
    assert!(other.starts_with("SIP/2.0 489"), "{other}");
    assert_eq!(header(&other, "Allow-Events"), "refer");
}

#[test]
fn who_may_subscribe_to_a_transfer_is_told_that_subscribe_is_allowed() {
    for (refer, told) in [(ReferPolicy::InDialog, true), (ReferPolicy::Refuse, false)] {
        let peer = Peer::called(UaConfig { refer, ..config() }, |_| {});
        assert_eq!(header(&peer.invite, "Allow").contains("SUBSCRIBE"), told);
    }
}

#[test]
fn the_subscription_can_be_given_up_when_the_call_is_over() {
    let mut peer = subscribed();
    peer.ask("BYE", "", "");
    peer.script.expect("SIP/2.0 200 ");
    let ok = resubscribe(&mut peer, "refer", 0);
    assert!(ok.starts_with("SIP/2.0 200 OK"), "{ok}");
    let last = peer.script.expect("NOTIFY ");
    peer.reply(&last, "200 OK", "", "");
    peer.assert_quiet();
}

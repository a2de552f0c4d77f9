//! Requests that go to another server when the first one is silent, unreachable or too busy (RFC 3263 §4.3).

use std::fmt::Write;
use std::net::SocketAddr;

use tipring_sip::agent::{Outgoing, Output, UaConfig};
use tipring_sip::digest::{Account, Secret};
use tipring_sip::locate::{Answer, DomainName, Question, Reach, Record, RecordType};
use tipring_sip::message::{HeaderName, Method, Request, Transport};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;

use crate::script::{PEER, Script, US, at, find, header, param, response, uri};

const SECOND: &str = "198.51.100.10:5060";
const THIRD: &str = "198.51.100.11:5060";

fn to(remote: &str) -> Path {
    Path::new(Transport::Udp, at(US), at(remote))
}

fn two(invite: &mut Invite) {
    invite.others = vec![to(SECOND)];
}

/// We call; gives the session and our INVITE to the first server.
fn call(script: &mut Script) -> (SessionId, String) {
    script.call(two)
}

/// The next message, which must go to `remote` and begin with `start`.
fn expect_at(script: &mut Script, remote: &str, start: &str) -> String {
    let (to, text) = script.next_to();
    assert!(
        to == at(remote) && text.starts_with(start),
        "{start} to {remote} expected:\n{to}\n{text}"
    );
    text
}

/// Lets the first server be silent until the second is asked.
fn silence(script: &mut Script) -> String {
    script.wait(1_749);
    assert!(script.sent.iter().all(|(to, text)| *to == at(PEER) && text.starts_with("INVITE")));
    assert_eq!(script.sent.len(), 2, "sent again after 0.5 s and 1.5 s");
    script.skip();
    script.wait(1);
    expect_at(script, SECOND, "INVITE ")
}

#[test]
fn a_silent_server_gives_way_to_the_next_within_2_s() {
    let mut script = Script::new();
    let (id, first) = call(&mut script);
    let second = silence(&mut script);
    for name in ["Call-ID", "From", "To", "CSeq", "Contact", "Max-Forwards"] {
        assert_eq!(header(&first, name), header(&second, name), "{name} is the same");
    }
    let branch = |text: &str| param(header(text, "Via"), "branch").to_owned();
    assert_ne!(branch(&first), branch(&second));
    let contact = format!("Contact: <sip:bob@{SECOND}>\n");
    script.receive_from(SECOND, &response(&second, "200 OK", "b", &contact, "v=0 answer"));
    expect_at(&mut script, SECOND, "ACK ");
    assert!(script.heard("Answered"));
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is up");
    let bye = expect_at(&mut script, SECOND, "BYE ");
    script.receive_from(SECOND, &response(&bye, "200 OK", "b", "", ""));
    // The first server never hears of it again.
    script.wait(40_000);
    script.expect_nothing();
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_server_that_cannot_be_reached_gives_way_at_once() {
    let mut script = Script::new();
    call(&mut script);
    script.act(|ua, now| ua.handle_send_error(now, &to(PEER)));
    expect_at(&mut script, SECOND, "INVITE ");
    assert_eq!(script.ended(), "not ended");
}

#[test]
fn a_503_gives_way_at_once_and_is_acknowledged() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    script.receive(&response(&first, "503 Service Unavailable", "a", "", ""));
    let mut next = [script.next_to(), script.next_to()];
    next.sort_by(|(_, a), (_, b)| a.cmp(b));
    assert!(next[0].0 == at(PEER) && next[0].1.starts_with("ACK "), "{next:?}");
    assert!(next[1].0 == at(SECOND) && next[1].1.starts_with("INVITE "), "{next:?}");
}

/// Whoever is called may have written it, and other calls would miss the server.
#[test]
fn a_503_to_a_call_parks_its_server_for_a_minute_at_most() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    let busy = "503 Service Unavailable";
    script.receive(&response(&first, busy, "a", "Retry-After: 3600\n", ""));
    let parked = |script: &mut Script| script.act(|ua, now| ua.is_parked(now, &to(PEER)));
    assert!(parked(&mut script));
    script.wait(59_000);
    assert!(parked(&mut script));
    script.wait(1_000);
    assert!(!parked(&mut script));
}

#[test]
fn a_503_after_somebody_rang_parks_no_server() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    script.receive(&response(&first, "180 Ringing", "a", "", ""));
    let busy = "503 Service Unavailable";
    script.receive(&response(&first, busy, "a", "Retry-After: 3600\n", ""));
    assert!(!script.act(|ua, now| ua.is_parked(now, &to(PEER))));
}

#[test]
fn any_other_refusal_is_the_last_word() {
    for status in ["486 Busy Here", "500 Server Internal Error", "404 Not Found", "603 Decline"] {
        let mut script = Script::new();
        let (_, first) = call(&mut script);
        script.receive(&response(&first, status, "a", "", ""));
        script.expect("ACK ");
        script.expect_nothing();
        assert!(script.ended().starts_with("Remote"), "{}", script.ended());
    }
}

#[test]
fn the_last_server_has_all_the_time_there_is() {
    let mut script = Script::new();
    call(&mut script);
    silence(&mut script);
    script.wait(31_900);
    assert_eq!(script.ended(), "not ended");
    script.wait(200);
    assert_eq!(script.ended(), "Timeout 408");
}

#[test]
fn who_has_other_servers_to_ask_is_told_in_time() {
    let mut script = Script::new();
    let (_, first) = script.call(|invite| invite.impatient = true);
    script.wait(1_749);
    assert_eq!(script.ended(), "not ended");
    script.wait(1);
    assert_eq!(script.ended(), "Timeout 408");
    script.skip();
    // And should it wake up after all, it is told to stop.
    script.receive(&response(&first, "180 Ringing", "a", "", ""));
    expect_at(&mut script, PEER, "CANCEL ");
    // A word in time, and it has all the time there is.
    let mut script = Script::new();
    let (_, first) = script.call(|invite| invite.impatient = true);
    script.receive(&response(&first, "100 Trying", "", "", ""));
    script.wait(60_000);
    assert_eq!(script.ended(), "not ended");
}

#[test]
fn the_last_server_s_503_is_the_call_s() {
    let mut script = Script::new();
    call(&mut script);
    let second = silence(&mut script);
    script.receive_from(SECOND, &response(&second, "503 Busy", "b", "", ""));
    assert_eq!(script.ended(), "Remote 503");
}

#[test]
fn a_word_from_the_server_makes_us_wait_for_it() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    script.wait(1_700);
    script.skip();
    script.receive(&response(&first, "100 Trying", "", "", ""));
    script.wait(60_000);
    script.expect_nothing();
    script.receive(&response(&first, "503 Service Unavailable", "a", "", ""));
    assert!(script.sent.iter().any(|(to, text)| *to == at(SECOND) && text.starts_with("INVITE")));
}

#[test]
fn a_server_that_wakes_too_late_is_told_to_stop() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    let second = silence(&mut script);
    script.receive_from(SECOND, &response(&second, "180 Ringing", "b", "", ""));
    script.wait(2_000);
    script.expect_nothing();
    script.receive(&response(&first, "180 Ringing", "a", "", ""));
    let cancel = expect_at(&mut script, PEER, "CANCEL ");
    assert_eq!(header(&cancel, "Via"), header(&first, "Via"));
    script.receive(&response(&cancel, "200 OK", "a", "", ""));
    script.receive(&response(&first, "487 Request Terminated", "a", "", ""));
    expect_at(&mut script, PEER, "ACK ");
    script.receive(&response(&first, "180 Ringing", "a", "", ""));
    script.expect_nothing();
    assert_eq!(
        script.said.iter().filter(|said| matches!(said, Output::Progress { .. })).count(),
        1
    );
    assert_eq!(script.ended(), "not ended");
}

#[test]
fn a_server_that_wakes_too_late_and_ignores_the_cancel_is_forgotten_after_64_t1() {
    for answers_cancel in [true, false] {
        let mut script = Script::new();
        let (_, first) = call(&mut script);
        let second = silence(&mut script);
        script.receive_from(SECOND, &response(&second, "486 Busy Here", "b", "", ""));
        expect_at(&mut script, SECOND, "ACK ");
        script.receive(&response(&first, "100 Trying", "", "", ""));
        let cancel = expect_at(&mut script, PEER, "CANCEL ");
        if answers_cancel {
            script.receive(&response(&cancel, "200 OK", "a", "", ""));
        }
        script.wait(31_000);
        script.receive(&response(&first, "180 Ringing", "a", "", ""));
        script.wait(2_000);
        let left: Vec<_> = script.ua.describe().collect();
        assert_eq!(script.ua.counts(), Default::default(), "RFC 3261 §9.1: {left:?}");
    }
}

#[test]
fn a_server_that_answers_too_late_is_hung_up_on() {
    let mut script = Script::new();
    let (_, first) = call(&mut script);
    silence(&mut script);
    let late =
        response(&first, "200 OK", "a", &format!("Contact: <sip:bob@{PEER}>\n"), "v=0 answer");
    script.receive(&late);
    expect_at(&mut script, PEER, "ACK ");
    let bye = expect_at(&mut script, PEER, "BYE ");
    // The answer again: its ACK was lost.
    script.receive(&late);
    expect_at(&mut script, PEER, "ACK ");
    script.receive(&response(&bye, "200 OK", "a", "", ""));
    assert!(!script.heard("Answered"));
    assert_eq!(script.ended(), "not ended");
    script.wait(70_000);
    assert_eq!(script.ua.counts(), Default::default());
}

#[test]
fn a_call_that_was_given_up_goes_nowhere_else() {
    let mut script = Script::new();
    let (id, first) = call(&mut script);
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is there");
    script.wait(3_000);
    assert!(script.sent.iter().all(|(to, _)| *to == at(PEER)));
    script.skip();
    script.receive(&response(&first, "503 Service Unavailable", "a", "", ""));
    script.expect("ACK ");
    script.expect_nothing();
    assert!(script.ended().starts_with("Local"), "{}", script.ended());
}

#[test]
fn a_cancel_goes_where_the_invite_went_last() {
    let mut script = Script::new();
    let (id, _) = call(&mut script);
    let second = silence(&mut script);
    // It waits for a word from there.
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is there");
    script.expect_nothing();
    script.receive_from(SECOND, &response(&second, "100 Trying", "", "", ""));
    let cancel = expect_at(&mut script, SECOND, "CANCEL ");
    assert_eq!(header(&cancel, "Via"), header(&second, "Via"));
}

#[test]
fn the_second_server_s_challenge_is_answered_there() {
    let mut script = Script::new();
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["r".to_owned()],
    };
    script.call(|invite| {
        invite.others = vec![to(SECOND), to(THIRD)];
        invite.credentials = Some(account);
    });
    let second = silence(&mut script);
    let ask = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive_from(SECOND, &response(&second, "407 Who", "b", ask, ""));
    expect_at(&mut script, SECOND, "ACK ");
    let signed = expect_at(&mut script, SECOND, "INVITE ");
    assert!(find(&signed, "Proxy-Authorization").is_some());
    // And from there it can still go on, with what the third may believe.
    script.receive_from(SECOND, &response(&signed, "503 Busy", "b", "", ""));
    let third = script.sent.iter().find(|(to, _)| *to == at(THIRD)).expect("the third is asked");
    assert!(find(&third.1, "Proxy-Authorization").is_some());
    assert!(!script.sent.iter().any(|(to, text)| *to == at(PEER) && text.starts_with("INVITE")));
}

#[test]
fn the_second_server_s_challenge_is_answered_though_somebody_rang_at_the_first() {
    let mut script = Script::new();
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["r".to_owned()],
    };
    let (_, first) = script.call(|invite| {
        invite.others = vec![to(SECOND)];
        invite.credentials = Some(account);
    });
    script.receive(&response(&first, "180 Ringing", "a", "", ""));
    script.receive(&response(&first, "503 Busy", "a", "", ""));
    let second = script.sent.pop_back().expect("the second is asked").1;
    script.skip();
    let ask = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive_from(SECOND, &response(&second, "407 Who", "b", ask, ""));
    expect_at(&mut script, SECOND, "ACK ");
    let signed = expect_at(&mut script, SECOND, "INVITE ");
    assert!(find(&signed, "Proxy-Authorization").is_some());
}

#[test]
fn another_transport_has_another_contact() {
    let mut script = Script::new();
    let local: SocketAddr = at("192.0.2.1:5062");
    let tcp = Path::new(Transport::Tcp, local, at(SECOND));
    script.call(|invite| invite.others = vec![tcp]);
    let second = silence(&mut script);
    assert_eq!(header(&second, "Contact"), "<sip:alice@192.0.2.1:5062;transport=tcp>");
    assert!(header(&second, "Via").starts_with("SIP/2.0/TCP 192.0.2.1:5062;"));
}

fn options(others: Vec<Path>) -> Outgoing {
    let mut request = Request::new(Method::Options, uri("sip:example.net"));
    request.headers.push(HeaderName::From, "<sip:alice@example.org>");
    request.headers.push(HeaderName::To, "<sip:example.net>");
    Outgoing { request, path: to(PEER), others, credentials: None }
}

#[test]
fn other_requests_give_way_too_and_are_forgotten_where_they_were_left() {
    let mut script = Script::new();
    script.act(|ua, now| ua.request(now, options(vec![to(SECOND), to(THIRD)])));
    script.wait(1_749);
    assert_eq!(script.sent.len(), 3);
    script.skip();
    script.wait(1);
    expect_at(&mut script, SECOND, "OPTIONS ");
    script.wait(1_749);
    assert!(script.sent.iter().all(|(to, _)| *to == at(SECOND)));
    script.skip();
    script.wait(1);
    let third = expect_at(&mut script, THIRD, "OPTIONS ");
    script.receive_from(THIRD, &response(&third, "200 OK", "c", "", ""));
    let answers: Vec<_> =
        script.said.iter().filter(|said| matches!(said, Output::Response { .. })).collect();
    assert_eq!(answers.len(), 1);
    script.wait(40_000);
    script.expect_nothing();
    assert_eq!(script.ua.counts(), Default::default());
}

/// A user agent that may ask for names.
fn with_names() -> Script {
    Script::with(UaConfig { reach: Reach::new([(Transport::Udp, at(US))]), ..UaConfig::default() })
}

/// Answers what was asked: `host` has these addresses, and nothing else exists.
fn answer(script: &mut Script, host: &str, addresses: &[&str]) {
    loop {
        let asked = script.said.iter().position(|said| matches!(said, Output::Ask(_)));
        let Some(Output::Ask(question)) = asked.map(|at| script.said.remove(at)) else {
            return;
        };
        let is_it =
            question == Question::new(DomainName::new(host).expect("a name"), RecordType::A);
        let records: Vec<Record> =
            addresses.iter().map(|text| Record::A(text.parse().expect("an address"))).collect();
        let answer = match is_it && !records.is_empty() {
            true => Answer::Found { records, ttl: 60 },
            false => Answer::NoName { ttl: None },
        };
        script.act(|ua, now| ua.handle_dns_answer(now, &question, &answer));
    }
}

/// A call that is up, whose callee's Contact is `contact`.
fn answered(script: &mut Script, contact: &str) -> SessionId {
    let (id, invite) = script.call(|_| {});
    let contact = format!("Contact: <{contact}>\n");
    script.receive(&response(&invite, "200 OK", "b", &contact, "v=0 answer"));
    id
}

#[test]
fn in_a_dialog_the_name_of_the_target_is_looked_up() {
    let mut script = with_names();
    let id = answered(&mut script, "sip:bob@pbx.example.net");
    // Nothing is sent before the address is known.
    script.expect_nothing();
    answer(&mut script, "pbx.example.net", &["198.51.100.10", "198.51.100.11"]);
    let (first, ack) = script.next_to();
    assert!(ack.starts_with("ACK sip:bob@pbx.example.net "), "{ack}");
    assert!([at(SECOND), at(THIRD)].contains(&first));
    // The second time it is known.
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is up");
    expect_at(&mut script, &first.to_string(), "BYE ");
    script.wait(1_750);
    let last = script.sent.pop_back().expect("the other one is asked");
    assert!(last.0 != first && last.1.starts_with("BYE "), "{last:?}");
    script.skip();
    // The way the answer came is the last resort.
    script.wait(1_750);
    let last = script.sent.pop_back().expect("the last one is asked");
    assert!(last.0 == at(PEER) && last.1.starts_with("BYE "), "{last:?}");
}

#[test]
fn a_peer_that_its_name_leads_to_is_kept() {
    let mut script = with_names();
    answered(&mut script, "sip:bob@pbx.example.net");
    answer(&mut script, "pbx.example.net", &["198.51.100.10", "198.51.100.9"]);
    expect_at(&mut script, PEER, "ACK ");
}

#[test]
fn a_target_that_leads_nowhere_is_where_its_answer_came_from() {
    for contact in ["sip:bob@phone.example.net", "sip:bob@df7jal23ls0d.invalid"] {
        let mut script = with_names();
        answered(&mut script, contact);
        answer(&mut script, "elsewhere.example.net", &[]);
        expect_at(&mut script, PEER, "ACK ");
    }
    // Nor is a silent name service waited for longer than it takes to give up.
    let mut script = with_names();
    answered(&mut script, "sip:bob@phone.example.net");
    script.wait(6_000);
    expect_at(&mut script, PEER, "ACK ");
}

#[test]
fn credentials_stay_with_the_peer_that_they_are_for() {
    let mut script = with_names();
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["r".to_owned()],
    };
    let (id, invite) = script.call(|invite| invite.credentials = Some(account));
    let ask = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive(&response(&invite, "401 Who", "a", ask, ""));
    script.expect("ACK ");
    let signed = script.expect("INVITE ");
    assert!(find(&signed, "Authorization").is_some());
    let contact = "Contact: <sip:bob@collector.example>\n";
    script.receive(&response(&signed, "200 OK", "b", contact, "v=0 answer"));
    answer(&mut script, "collector.example", &["203.0.113.66"]);
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is up");
    for start in ["ACK ", "BYE "] {
        let text = expect_at(&mut script, "203.0.113.66:5060", start);
        assert_eq!(find(&text, "Authorization"), None, "{text}");
    }
}

#[test]
fn credentials_do_not_follow_a_request_to_another_host_that_the_callee_has_named() {
    let mut script = with_names();
    let account = Account {
        username: "alice".to_owned(),
        secret: Secret::Password("secret".to_owned()),
        realms: vec!["r".to_owned()],
    };
    let (id, invite) = script.call(|invite| invite.credentials = Some(account));
    let ask = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    script.receive(&response(&invite, "407 Who", "a", ask, ""));
    script.expect("ACK ");
    let signed = script.expect("INVITE ");
    // One of the addresses is our proxy's, which passes nothing of the callee's back.
    let contact = "Contact: <sip:bob@collector.example>\n";
    script.receive(&response(&signed, "200 OK", "b", contact, "v=0 answer"));
    answer(&mut script, "collector.example", &["203.0.113.66", "198.51.100.9"]);
    expect_at(&mut script, PEER, "ACK ");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is up");
    let bye = expect_at(&mut script, PEER, "BYE ");
    assert!(find(&bye, "Proxy-Authorization").is_some());
    script.wait(1_749);
    script.skip();
    script.wait(1);
    let bye = expect_at(&mut script, "203.0.113.66:5060", "BYE ");
    assert_eq!(find(&bye, "Proxy-Authorization"), None, "{bye}");
    // Nor does a challenge from there bring them.
    script.receive_from("203.0.113.66:5060", &response(&bye, "407 Who", "b", ask, ""));
    script.expect_nothing();
    assert_eq!(script.ended(), "Local");
}

#[test]
fn a_request_that_there_is_no_room_for_once_its_target_is_found_ends_its_call() {
    let reach = Reach::new([(Transport::Udp, at(US))]);
    let mut script = Script::with(UaConfig { reach, max_transactions: 4, ..UaConfig::default() });
    let id = answered(&mut script, "sip:bob@pbx.example.net");
    script.act(|ua, now| ua.hang_up(now, id, None)).expect("it is up");
    while script.ua.counts().clients < 4 {
        script.act(|ua, now| ua.request(now, options(Vec::new())));
    }
    script.skip();
    assert_eq!(script.ended(), "not ended");
    answer(&mut script, "pbx.example.net", &["198.51.100.9"]);
    expect_at(&mut script, PEER, "ACK ");
    script.expect_nothing();
    assert_eq!(script.ended(), "Local", "nobody waits for a BYE that was never sent");
}

/// What a server does × how far the request is → where it goes.
#[test]
fn the_table_of_the_machine() {
    type Event = (&'static str, fn(&mut Script, &str));
    const EVENTS: &[Event] = &[
        ("100", |s, r| s.receive(&response(r, "100 Trying", "", "", ""))),
        ("486", |s, r| s.receive(&response(r, "486 Busy", "a", "", ""))),
        ("503", |s, r| s.receive(&response(r, "503 Busy", "a", "", ""))),
        ("200", |s, r| {
            s.receive(&response(r, "200 OK", "a", "Contact: <sip:b@198.51.100.9>\n", ""));
        }),
        ("send error", |s, _| s.act(|ua, now| ua.handle_send_error(now, &to(PEER)))),
        ("1.75 s", |s, _| s.wait(1_750)),
    ];
    let mut text = String::new();
    for (kind, ways) in [("two", 2), ("one", 1)] {
        for (state, heard) in [("Trying", false), ("Heard", true)] {
            for (name, event) in EVENTS {
                let mut script = Script::new();
                let others = [to(SECOND)];
                let (_, invite) = script.call(|invite| {
                    invite.others = others[..ways - 1].to_vec();
                });
                if heard {
                    script.receive(&response(&invite, "100 Trying", "", "", ""));
                }
                event(&mut script, &invite);
                let sent = script.sent.iter().map(|(to, text)| {
                    let server = if *to == at(PEER) { "first" } else { "second" };
                    format!("{} › {server}", text.split(' ').next().unwrap_or(""))
                });
                let sent: Vec<_> = sent.collect();
                let ended = script.ended();
                writeln!(text, "{kind} | {state} | {name} | {} | {ended}", sent.join(", "))
                    .expect("a String");
            }
        }
    }
    insta::assert_snapshot!(text);
}

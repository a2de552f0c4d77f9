//! What is remembered, and what a silent DNS does not take away.

use super::*;
use crate::transaction::Path;

fn server(site: &mut Site, ttl: u32, addresses: &[&str]) {
    let records =
        addresses.iter().map(|text| Record::A(text.parse().expect("an address"))).collect();
    site.record("A sip.example", ttl, records);
}

fn site() -> Site {
    let mut site = Site::with(21, only(&[Transport::Udp]));
    server(&mut site, 60, &["192.0.2.1"]);
    site
}

const URI: &str = "sip:sip.example:5060";

#[test]
fn an_answer_is_asked_for_once_in_its_time() {
    let mut site = site();
    for _ in 0..10 {
        assert_eq!(site.locate(URI), "UDP 192.0.2.1:5060");
        site.wait(5_000);
    }
    assert_eq!(site.asked.len(), 1);
    site.wait(10_000);
    server(&mut site, 60, &["192.0.2.2"]);
    assert_eq!(site.locate(URI), "UDP 192.0.2.2:5060");
    assert_eq!(site.asked.len(), 2);
}

#[test]
fn a_name_without_records_is_not_asked_for_with_every_call() {
    let mut site = site();
    for _ in 0..10 {
        assert_eq!(site.locate("sip:nobody.example:5060"), "NoSuchName");
        site.wait(5_000);
    }
    assert_eq!(site.asked.len(), 1);
}

#[test]
fn two_locations_of_one_name_ask_once() {
    let mut site = site();
    site.silent = true;
    let (one, two) = (site.begin(URI), site.begin("sip:other@sip.example:5070"));
    assert_eq!(site.asked, ["A sip.example".to_owned()]);
    let answer = site.dns["A sip.example"].clone();
    site.locator.handle_answer(
        site.now,
        &Question::new(name("sip.example"), RecordType::A),
        &answer,
    );
    site.drain();
    assert_eq!(site.end(one).as_deref(), Some("UDP 192.0.2.1:5060"));
    assert_eq!(site.end(two).as_deref(), Some("UDP 192.0.2.1:5070"));
}

#[test]
fn while_the_dns_is_silent_the_last_good_answer_is_used_after_half_a_second_and_then_at_once() {
    let mut site = site();
    site.locate(URI);
    site.wait(3_600_000);
    site.silent = true;
    let first = site.begin(URI);
    site.wait(499);
    assert_eq!(site.end(first), None);
    site.wait(1);
    assert_eq!(site.end(first).as_deref(), Some("UDP 192.0.2.1:5060"));
    // Asked already, and no answer: nobody else waits, nor in the 30 s after that has failed.
    for _ in 0..30 {
        assert_eq!(site.locate(URI), "UDP 192.0.2.1:5060");
        site.wait(1_000);
    }
    assert_eq!(site.asked.len(), 2);
    // The DNS is asked again from time to time, and believed when it is back.
    site.wait(10_000);
    site.silent = false;
    server(&mut site, 60, &["192.0.2.3"]);
    assert_eq!(site.locate(URI), "UDP 192.0.2.3:5060");
}

#[test]
fn a_week_of_silence_takes_nothing_away() {
    let mut site = site();
    site.locate(URI);
    site.silent = true;
    for _ in 0..7 * 24 {
        site.wait(3_600_000);
        let id = site.begin(URI);
        site.wait(500);
        assert_eq!(site.end(id).as_deref(), Some("UDP 192.0.2.1:5060"));
    }
}

#[test]
fn a_server_that_fails_is_as_good_as_silent_but_a_denial_counts() {
    let mut site = site();
    site.locate(URI);
    site.wait(61_000);
    site.answer("A sip.example", Answer::Failed(Failure::Server));
    assert_eq!(site.locate(URI), "UDP 192.0.2.1:5060");
    site.wait(31_000);
    site.answer("A sip.example", Answer::NoName { ttl: Some(60) });
    assert_eq!(site.locate(URI), "NoSuchName");
}

#[test]
fn where_nothing_is_remembered_a_silent_dns_is_given_up_within_6_s() {
    let mut site = site();
    site.silent = true;
    let id = site.begin("sip:unknown.example");
    site.wait(6_000);
    assert_eq!(site.end(id).as_deref(), Some("Unanswered"));
    assert_eq!(site.locator.counts(site.now).asked, 0);
    assert_eq!(site.locator.poll_timeout(), None);
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_believed() {
    let mut site = site();
    let forged = Answer::Found { records: vec![Record::A([203, 0, 113, 66].into())], ttl: 86_400 };
    site.locator.handle_answer(
        site.now,
        &Question::new(name("sip.example"), RecordType::A),
        &forged,
    );
    assert_eq!(site.locate(URI), "UDP 192.0.2.1:5060");
}

#[test]
fn dead_targets_come_last_until_their_time_is_over() {
    let mut site = site();
    server(&mut site, 3600, &["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    let path = |text: &str| {
        let at = |text: &str| text.parse().expect("an address");
        Path::new(Transport::Udp, at("10.0.0.1:5060"), at(text))
    };
    site.locator.note_dead(site.now, &path("192.0.2.1:5060"));
    site.locator.note_busy(site.now, &path("192.0.2.2:5060"), 10);
    let order = |site: &mut Site| {
        let found = site.locate(URI);
        found
            .split(", ")
            .map(|target| target["UDP 192.0.2.".len()..][..1].to_owned())
            .collect::<String>()
    };
    assert_eq!(order(&mut site), "321");
    site.wait(10_000);
    assert_eq!(order(&mut site), "231");
    site.wait(20_000);
    assert_eq!(order(&mut site), "123");
    site.locator.note_dead(site.now, &path("192.0.2.1:5060"));
    site.wait(59_000);
    assert_eq!(order(&mut site), "231");
    site.locator.note_alive(&path("192.0.2.1:5060"));
    assert_eq!(order(&mut site), "123");
}

#[test]
fn a_flood_of_names_is_bounded() {
    let mut site = site();
    site.silent = true;
    for at in 0..5_000 {
        site.begin(&format!("sip:a@n{at}.example:5060"));
    }
    let counts = site.locator.counts(site.now);
    assert!(counts.lookups <= 1024 && counts.asked <= 512, "{counts:?}");
    site.wait(10_000);
    assert_eq!(site.located.len(), 5_000);
    let counts = site.locator.counts(site.now);
    assert_eq!((counts.lookups, counts.asked), (0, 0));
    assert!(counts.remembered <= 2048, "{counts:?}");
}

#[test]
fn what_nobody_waits_for_is_forgotten_and_its_answer_remembered() {
    let mut site = site();
    site.silent = true;
    let id = site.begin(URI);
    site.locator.forget(id);
    let answer = site.dns["A sip.example"].clone();
    site.locator.handle_answer(
        site.now,
        &Question::new(name("sip.example"), RecordType::A),
        &answer,
    );
    site.drain();
    assert!(site.located.is_empty());
    assert_eq!(site.locate(URI), "UDP 192.0.2.1:5060");
}

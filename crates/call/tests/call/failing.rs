//! Calls that are not answered.

use tipring_call::{EndedBy, Event, NoRoute, Plan, Release, StateName};
use tipring_core::{Cause, Duration};

use crate::bench::{Bench, hunt, release};

fn cause(events: &[Event]) -> Option<Cause> {
    match events.last() {
        Some(Event::Release(release)) => Some(release.cause),
        _ => None,
    }
}

#[test]
fn a_wrong_number_is_a_call_with_a_record() {
    let mut bench = Bench::new();
    bench.route(Err(Release::new(NoRoute::Unallocated.cause(), "no route")));
    let a = bench.a();
    assert_eq!(cause(&bench.heard(a)), Some(Cause::UNALLOCATED_NUMBER));
    let cdr = bench.cdr();
    assert_eq!((cdr.ended_by, cdr.to_leg.as_deref(), cdr.answer), (EndedBy::Gateway, None, None));
}

#[test]
fn a_plan_without_any_target_fails_at_once() {
    let mut bench = Bench::new();
    bench.route(Ok(Plan::default()));
    assert_eq!(bench.cdr().cause(), Cause::NO_ROUTE_TO_DESTINATION);
}

#[test]
fn a_busy_callee_is_told_to_the_caller_as_busy() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, release(Cause::USER_BUSY));
    assert_eq!(bench.heard(a), [release(Cause::USER_BUSY)]);
    assert!(bench.heard(b).is_empty());
    let cdr = bench.cdr();
    assert_eq!((cdr.ended_by, cdr.to_leg.as_deref()), (EndedBy::Callee, Some("attic")));
}

#[test]
fn nobody_answering_for_two_minutes_ends_both_legs() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let (a, b) = (bench.a(), bench.b(0));
    bench.wait_s(5);
    bench.says(b, Event::Alerting { early_media: false });
    bench.wait_s(119);
    assert_eq!(bench.call.state(), StateName::Alerting);
    bench.wait_s(1);
    assert_eq!(cause(&bench.heard(a)), Some(Cause::NO_ANSWER));
    assert_eq!(cause(&bench.heard(b)), Some(Cause::NO_ANSWER));
    let cdr = bench.cdr();
    assert_eq!(
        (cdr.ended_by, cdr.release.evidence.as_ref()),
        (EndedBy::Gateway, "timer T301, no answer")
    );
}

#[test]
fn a_callee_that_never_even_rings_is_given_up_after_a_minute() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let b = bench.b(0);
    bench.says(b, Event::Proceeding);
    bench.wait_s(59);
    assert!(bench.cdrs.is_empty());
    bench.wait_s(1);
    assert_eq!(cause(&bench.heard(b)), Some(Cause::RECOVERY_ON_TIMER_EXPIRY));
    assert_eq!(bench.cdr().cause(), Cause::RECOVERY_ON_TIMER_EXPIRY);
}

#[test]
fn a_route_that_is_never_found_does_not_keep_the_caller() {
    let mut bench = Bench::new();
    bench.wait_s(60);
    assert_eq!(bench.cdr().cause(), Cause::RECOVERY_ON_TIMER_EXPIRY);
    bench.route(Ok(hunt(&[&["attic"]])));
    assert!(bench.placed.is_empty());
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing_everywhere() {
    let mut bench = Bench::routed(&[&["desk", "mobile"], &["door"]]);
    let (a, desk, mobile) = (bench.a(), bench.b(0), bench.b(1));
    bench.says(desk, Event::Alerting { early_media: true });
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.heard(desk), [release(Cause::NORMAL_CLEARING)]);
    assert_eq!(bench.heard(mobile), [release(Cause::NORMAL_CLEARING)]);
    assert_eq!((bench.joined, bench.placed.len()), (None, 2));
    // CANCEL crosses the answer.
    bench.says(desk, Event::Answer);
    let cdr = bench.cdr();
    assert_eq!((cdr.ended_by, cdr.answer), (EndedBy::Caller, None));
}

#[test]
fn a_caller_who_gives_up_before_a_route_is_found_leaves_a_record() {
    let mut bench = Bench::new();
    let a = bench.a();
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!((bench.cdr().ended_by, bench.heard(a).len()), (EndedBy::Caller, 0));
}

#[test]
fn a_hunt_goes_on_to_the_next_after_busy_and_after_twenty_seconds_of_ringing() {
    let mut bench = Bench::routed(&[&["first"], &["second"], &["third"]]);
    let (a, first) = (bench.a(), bench.b(0));
    bench.says(first, release(Cause::USER_BUSY));
    assert_eq!(bench.names(), ["first", "second"]);
    let second = bench.b(1);
    bench.says(second, Event::Alerting { early_media: false });
    bench.wait_s(20);
    assert_eq!(bench.names(), ["first", "second", "third"]);
    assert_eq!(cause(&bench.heard(second)), Some(Cause::NO_ANSWER));
    let third = bench.b(2);
    bench.says(third, Event::Alerting { early_media: false });
    bench.wait_s(60);
    bench.says(third, Event::Answer);
    assert_eq!(
        bench.heard(a),
        [Event::Alerting { early_media: false }, Event::Answer],
        "the caller hears one steady ringback"
    );
}

#[test]
fn a_hunt_in_vain_tells_the_most_telling_cause() {
    let mut bench = Bench::routed(&[&["first"], &["second"], &["third"]]);
    let a = bench.a();
    for (at, why) in
        [Cause::DESTINATION_OUT_OF_ORDER, Cause::USER_BUSY, Cause::NO_CIRCUIT].iter().enumerate()
    {
        let leg = bench.b(at);
        bench.says(leg, release(*why));
    }
    assert_eq!(cause(&bench.heard(a)), Some(Cause::USER_BUSY));
}

#[test]
fn a_number_that_is_wrong_at_one_trunk_is_not_tried_at_the_next() {
    let mut bench = Bench::routed(&[&["first"], &["second"]]);
    let first = bench.b(0);
    bench.says(first, release(Cause::UNALLOCATED_NUMBER));
    assert_eq!(bench.names(), ["first"]);
    assert_eq!(bench.cdr().cause(), Cause::UNALLOCATED_NUMBER);
}

#[test]
fn an_announcement_that_gives_way_to_another_ringing_is_told_anew() {
    let mut bench = Bench::routed(&[&["first"], &["second"]]);
    let (a, first) = (bench.a(), bench.b(0));
    bench.says(first, Event::Alerting { early_media: true });
    bench.says(first, release(Cause::USER_BUSY));
    assert_eq!(bench.joined, None);
    let second = bench.b(1);
    bench.says(second, Event::Alerting { early_media: false });
    assert_eq!(
        bench.heard(a),
        [Event::Alerting { early_media: true }, Event::Alerting { early_media: false }]
    );
}

#[test]
fn hunting_shares_one_no_answer_time() {
    let names: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
    let groups: Vec<Vec<&str>> = names.iter().map(|name| vec![name.as_str()]).collect();
    let groups: Vec<&[&str]> = groups.iter().map(Vec::as_slice).collect();
    let mut bench = Bench::routed(&groups);
    let start = bench.now;
    while bench.cdrs.is_empty() {
        let leg = bench.b(bench.placed.len() - 1);
        bench.says(leg, Event::Alerting { early_media: false });
        bench.wait_s(20);
    }
    assert_eq!(bench.cdr().end - start, Duration::from_secs(120));
}

#[test]
fn who_declines_everywhere_stops_all_others() {
    let mut bench = Bench::routed(&[&["attic", "cellar"], &["porch"]]);
    let (attic, cellar) = (bench.b(0), bench.b(1));
    bench.says(cellar, Event::Alerting { early_media: true });
    let declined = Release::new(Cause::CALL_REJECTED, "603 Decline").everywhere();
    bench.says(attic, Event::Release(declined.clone()));
    let elsewhere = Release::new(Cause::NON_SELECTED_CLEARING, "declined elsewhere");
    assert_eq!(bench.heard(cellar), [Event::Release(elsewhere)]);
    let a = bench.a();
    assert_eq!(bench.heard(a).last(), Some(&Event::Release(declined)));
    assert_eq!((bench.joined, bench.names().len()), (None, 2), "nobody else is tried");
    assert_eq!(bench.cdr().ended_by, EndedBy::Callee);
}

fn of_the_way() -> Event {
    Event::Release(Release::new(Cause::TEMPORARY_FAILURE, "503").of_the_way())
}

#[test]
fn another_way_is_asked_for_when_nobody_was_reached_by_the_first() {
    let mut bench = Bench::routed(&[&["first"]]);
    let first = bench.b(0);
    bench.says(first, of_the_way());
    assert_eq!(bench.requests.len(), 2);
    assert_eq!(bench.requests[0], bench.requests[1]);
    let second = Plan { route: Some("2".into()), ..hunt(&[&["second"]]) };
    bench.route(Ok(second));
    assert_eq!(bench.names(), ["first", "second"]);
    let second = bench.b(1);
    bench.says(second, Event::Answer);
    bench.says(second, release(Cause::NORMAL_CLEARING));
    let cdr = bench.cdr();
    assert_eq!((cdr.route.as_deref(), cdr.to_leg.as_deref()), (Some("2"), Some("second")));
}

#[test]
fn when_there_is_no_other_way_the_first_failure_is_told_and_the_hunt_goes_on() {
    let mut bench = Bench::routed(&[&["first"], &["next"]]);
    let first = bench.b(0);
    bench.says(first, of_the_way());
    bench.route(Err(Release::new(Cause::CONGESTION, "no other way")));
    assert_eq!(bench.names(), ["first", "next"]);
    let next = bench.b(1);
    bench.says(next, release(Cause::NORMAL_UNSPECIFIED));
    assert_eq!(bench.cdr().release.evidence, "503");
}

#[test]
fn a_way_that_fails_for_ever_is_not_asked_for_for_ever() {
    let mut bench = Bench::routed(&[&["first"]]);
    let first = bench.b(0);
    bench.says(first, of_the_way());
    bench.route(Ok(hunt(&[&["first"]])));
    assert_eq!(bench.names(), ["first"]);
    assert_eq!(bench.cdr().cause(), Cause::TEMPORARY_FAILURE);
}

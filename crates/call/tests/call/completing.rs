//! Calls that are answered.

use std::borrow::Cow;

use tipring_call::{
    EndedBy, Event, MediaReport, Release, RouteRequest, RtpReport, StateName, Update,
};
use tipring_core::{Cause, Duration};

use crate::bench::{Bench, hunt, number, release};

#[test]
fn a_call_is_routed_rings_is_answered_and_leaves_a_record() {
    let mut bench = Bench::new();
    assert_eq!(bench.requests, [RouteRequest::Number(number("95551234"))]);
    bench.route(Ok(hunt(&[&["attic"]])));
    assert_eq!(bench.names(), ["attic"]);
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, Event::Proceeding);
    bench.says(b, Event::Alerting { early_media: false });
    assert_eq!(bench.call.state(), StateName::Alerting);
    assert_eq!(bench.joined, None);
    bench.wait_s(4);
    bench.says(b, Event::Answer);
    assert_eq!(bench.joined, Some((a, b)));
    assert_eq!(
        bench.heard(a),
        [Event::Proceeding, Event::Alerting { early_media: false }, Event::Answer]
    );
    bench.wait_s(60);
    bench.call.set_media(MediaReport {
        sip_call_id: Some("x@y".into()),
        codec: Some(Cow::Borrowed("PCMU")),
        rtp: Some(RtpReport { sent: 3000, ..RtpReport::default() }),
    });
    bench.says(a, Event::Release(Release::new(Cause::NORMAL_CLEARING, "on-hook")));
    assert_eq!(bench.heard(b).len(), 1);
    assert!(bench.heard(a).is_empty(), "who hangs up is told nothing");
    assert_eq!(bench.joined, None);
    let cdr = bench.cdr();
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("kitchen", Some("attic")));
    assert_eq!(cdr.answer.map(|at| at - cdr.start), Some(Duration::from_secs(4)));
    assert_eq!(cdr.end - cdr.start, Duration::from_secs(64));
    assert_eq!((cdr.ended_by, cdr.cause()), (EndedBy::Caller, Cause::NORMAL_CLEARING));
    assert_eq!((cdr.release.evidence.as_ref(), cdr.route.as_deref()), ("on-hook", Some("1")));
    assert_eq!(cdr.sip_call_id.as_deref(), Some("x@y"));
    assert_eq!(cdr.rtp.map(|rtp| rtp.sent), Some(3000));
}

#[test]
fn the_callee_may_end_it_too() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.heard(a), [release(Cause::NORMAL_CLEARING)]);
    assert!(bench.heard(b).is_empty());
    assert_eq!(bench.cdr().ended_by, EndedBy::Callee);
}

#[test]
fn both_hanging_up_at_once_is_one_end() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, release(Cause::NORMAL_CLEARING));
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!((bench.heard(a).len(), bench.heard(b).len()), (1, 0));
    assert_eq!(bench.cdr().ended_by, EndedBy::Callee);
    assert_eq!(bench.call.counters().stale, 1);
}

#[test]
fn early_media_is_heard_and_used_before_the_answer() {
    let mut bench = Bench::routed(&[&["attic"]]);
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, Event::Progress { early_media: true });
    assert_eq!(bench.joined, Some((a, b)));
    bench.says(a, Event::Digit { digit: '1', ms: 80 });
    assert_eq!(bench.heard(b), [Event::Digit { digit: '1', ms: 80 }]);
    // 180 without a body after 183 with one: no ringback over the announcement.
    bench.says(b, Event::Alerting { early_media: false });
    assert_eq!(
        bench.heard(a),
        [Event::Progress { early_media: true }, Event::Alerting { early_media: true }]
    );
}

#[test]
fn hold_is_told_and_parts_the_audio_until_nobody_holds() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(a, Event::Hold { on: true });
    assert_eq!((bench.joined, bench.call.state()), (None, StateName::Held));
    bench.says(b, Event::Hold { on: true });
    bench.says(a, Event::Hold { on: false });
    assert_eq!(bench.joined, None);
    bench.says(b, Event::Hold { on: false });
    assert_eq!((bench.joined, bench.call.state()), (Some((a, b)), StateName::Answered));
    assert_eq!(bench.heard(b), [Event::Hold { on: true }, Event::Hold { on: false }]);
    assert_eq!(bench.heard(a), [Event::Hold { on: true }, Event::Hold { on: false }]);
}

#[test]
fn a_held_call_can_end() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(a, Event::Hold { on: true });
    bench.says(b, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.heard(a), [release(Cause::NORMAL_CLEARING)]);
    assert_eq!(bench.cdrs.len(), 1);
}

#[test]
fn digits_and_updates_reach_the_other_side() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    let update = Event::Update(Update { number: Some(number("102")), name: None });
    bench.says(b, update.clone());
    bench.says(a, Event::Digit { digit: '#', ms: 60 });
    assert_eq!(bench.heard(a), [update]);
    assert_eq!(bench.heard(b), [Event::Digit { digit: '#', ms: 60 }]);
}

#[test]
fn of_several_contacts_rung_at_once_the_first_to_answer_has_the_call() {
    let mut bench = Bench::routed(&[&["desk", "mobile", "door"]]);
    let (a, desk, mobile, door) = (bench.a(), bench.b(0), bench.b(1), bench.b(2));
    bench.says(desk, Event::Alerting { early_media: false });
    bench.says(mobile, Event::Alerting { early_media: true });
    bench.says(door, Event::Alerting { early_media: false });
    assert_eq!(bench.joined, Some((a, mobile)));
    bench.says(door, release(Cause::USER_BUSY));
    bench.says(desk, Event::Answer);
    assert_eq!(bench.joined, Some((a, desk)));
    assert!(matches!(
        &bench.heard(mobile)[..],
        [Event::Release(Release { cause: Cause::NON_SELECTED_CLEARING, .. })]
    ));
    assert!(bench.heard(door).is_empty(), "already over");
    let heard = bench.heard(a);
    assert_eq!(
        heard,
        [
            Event::Alerting { early_media: false },
            Event::Alerting { early_media: true },
            Event::Answer
        ]
    );
    // The loser's answer that crossed is too late.
    bench.says(mobile, Event::Answer);
    assert_eq!(bench.call.counters().stale, 1);
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.cdr().to_leg.as_deref(), Some("desk"));
}

#[test]
fn the_gateway_can_end_a_call() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.call.hang_up(bench.now, Release::new(Cause::NETWORK_OUT_OF_ORDER, "shutdown"));
    bench.drain();
    assert_eq!((bench.heard(a).len(), bench.heard(b).len()), (1, 1));
    assert_eq!((bench.joined, bench.cdr().ended_by), (None, EndedBy::Gateway));
    bench.call.hang_up(bench.now, Release::new(Cause::NETWORK_OUT_OF_ORDER, "shutdown"));
    bench.drain();
    assert_eq!(bench.cdrs.len(), 1);
}

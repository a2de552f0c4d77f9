//! Transfers, joined calls, pick-up.

use tipring_call::{
    Call, CallConfig, Contact, EndedBy, Event, Release, RouteRequest, Setup, StateName,
};
use tipring_core::{CallId, Cause, Instant, LegId};

use crate::bench::{Bench, hunt, number, release};

fn transfer(bench: &mut Bench, by: LegId) {
    let transfer = tipring_call::Transfer { to: "sip:103@gateway".into() };
    bench.says(by, Event::Transfer(transfer));
}

fn gone() -> Release {
    Release::new(Cause::NORMAL_CLEARING, "transferred")
}

#[test]
fn a_transfer_asks_for_a_call_and_leaves_both_talking() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    transfer(&mut bench, b);
    assert_eq!(bench.transfers, [(b, a, "sip:103@gateway".to_owned())]);
    assert_eq!(bench.joined, Some((a, b)));
    assert!(bench.call.is_transferring());
    transfer(&mut bench, a);
    assert_eq!(bench.transfers.len(), 1, "one at a time");
    bench.call.transfer_failed();
    transfer(&mut bench, a);
    assert_eq!(bench.transfers.len(), 2);
    assert!(bench.cdrs.is_empty());
}

#[test]
fn who_is_given_away_is_told_nothing_and_the_other_leg_is_released() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    bench.says(b, Event::Hold { on: true });
    transfer(&mut bench, b);
    bench.told.clear();
    let now = bench.now;
    assert!(bench.call.give_away(now, a, gone()));
    bench.drain();
    assert_eq!(bench.handed_over, [a]);
    assert_eq!(bench.heard(a), [Event::Hold { on: false }], "taken back from hold");
    assert_eq!(bench.heard(b), [Event::Release(gone())]);
    assert_eq!((bench.joined, bench.call.state()), (None, StateName::Released));
    assert_eq!(
        (bench.cdr().ended_by, bench.cdr().cause()),
        (EndedBy::Callee, Cause::NORMAL_CLEARING)
    );
    assert!(!bench.call.give_away(now, a, gone()), "only once");
}

#[test]
fn who_asked_may_leave_before_the_new_party_answers() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    transfer(&mut bench, a);
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.handed_over, [b]);
    assert!(bench.heard(b).is_empty(), "it goes on");
    assert_eq!(bench.cdr().ended_by, EndedBy::Caller);
}

#[test]
fn the_party_of_a_transfer_may_leave_and_the_call_ends_as_any() {
    let mut bench = Bench::answered();
    let (a, b) = (bench.a(), bench.b(0));
    transfer(&mut bench, a);
    bench.says(b, release(Cause::NORMAL_CLEARING));
    assert!(bench.handed_over.is_empty());
    assert_eq!(bench.heard(a), [release(Cause::NORMAL_CLEARING)]);
    assert_eq!(bench.cdr().ended_by, EndedBy::Callee);
}

#[test]
fn joined_legs_hear_each_other_and_leave_a_record() {
    let mut bench = Bench::new();
    let now = Instant::from_millis(9000);
    let setup = Setup::new(number("103"));
    bench.call = Call::joined(
        now,
        CallId(8),
        CallConfig::default(),
        "kitchen".into(),
        setup,
        "attic".into(),
    );
    bench.drain();
    let (a, b) = (bench.call.a_leg(), bench.call.b_leg().expect("it is answered"));
    assert_eq!(bench.joined, Some((a, b)));
    assert_eq!(bench.call.other_leg(b), Some(a));
    bench.says(b, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.heard(a), [release(Cause::NORMAL_CLEARING)]);
    let cdr = bench.cdr();
    assert_eq!((cdr.from_leg.as_str(), cdr.to_leg.as_deref()), ("kitchen", Some("attic")));
    assert_eq!((cdr.answer, cdr.ended_by), (Some(now), EndedBy::Callee));
}

#[test]
fn a_transferred_call_may_be_routed_by_contacts() {
    let setup = Setup::new(number("103"));
    let contacts =
        RouteRequest::Contacts(vec![Contact { address: "sip:103@elsewhere".into(), by: None }]);
    let mut bench = Bench::new();
    bench.requests.clear();
    let config = CallConfig::default();
    bench.call =
        Call::transferred(bench.now, CallId(9), config, "kitchen".into(), setup, contacts.clone());
    bench.drain();
    assert_eq!(bench.requests, [contacts]);
}

#[test]
fn who_picks_a_ringing_call_up_has_it_and_the_others_stop() {
    let mut bench = Bench::routed(&[&["attic", "cellar"]]);
    let legs = [bench.b(0), bench.b(1)];
    bench.says(legs[0], Event::Alerting { early_media: false });
    let leg = bench.call.pick_up("hall".into()).expect("it rings");
    bench.says(leg, Event::Answer);
    assert_eq!(bench.joined, Some((bench.a(), leg)));
    let elsewhere = Release::new(Cause::NON_SELECTED_CLEARING, "answered elsewhere");
    for ringing in legs {
        assert_eq!(bench.heard(ringing), [Event::Release(elsewhere.clone())]);
    }
    assert_eq!(bench.call.pick_up("porch".into()), None, "it rings no more");
    let a = bench.a();
    bench.says(a, release(Cause::NORMAL_CLEARING));
    assert_eq!(bench.cdr().to_leg.as_deref(), Some("hall"));
    bench.route(Ok(hunt(&[&["attic"]])));
    assert_eq!(bench.call.counters().unexpected, 1, "a route that nobody asked for");
}

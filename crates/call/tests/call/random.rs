//! Whatever the legs say in whatever order: one CDR, and one release per leg.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tipring_call::{Event, Plan, Redirect, Release, Setup, StateName, Transfer, Update};
use tipring_core::{Cause, LegId};

use crate::bench::{Bench, contact, hunt, number};

#[derive(Clone, Debug)]
enum Act {
    /// The leg of this number (0 is A) says something.
    Says(u8, Event),
    Route(u8),
    Wait(u64),
    HangUp,
}

fn cause() -> impl Strategy<Value = Cause> {
    (1..=127u8).prop_map(|value| Cause::new(value).expect("1 to 127"))
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Setup(Box::new(Setup::new(number("1"))))),
        Just(Event::Proceeding),
        any::<bool>().prop_map(|early_media| Event::Alerting { early_media }),
        any::<bool>().prop_map(|early_media| Event::Progress { early_media }),
        Just(Event::Answer),
        Just(Event::Digit { digit: '5', ms: 80 }),
        Just(Event::Update(Update::default())),
        any::<bool>().prop_map(|on| Event::Hold { on }),
        (0..3usize, cause(), any::<bool>()).prop_map(|(contacts, cause, diverts)| {
            Event::Redirect(Redirect { contacts: vec!["sip:x@x".into(); contacts], cause, diverts })
        }),
        Just(Event::Transfer(Transfer { to: "sip:x@x".into() })),
        cause().prop_map(|cause| Event::Release(Release::new(cause, "random"))),
        cause().prop_map(|cause| Event::Release(Release::new(cause, "random").of_the_way())),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..6u8, event()).prop_map(|(leg, event)| Act::Says(leg, event)),
        3 => (0..6u8).prop_map(Act::Route),
        2 => (0..70u64).prop_map(Act::Wait),
        1 => Just(Act::HangUp),
    ]
}

fn plan(kind: u8, serial: usize) -> Result<Plan, Release> {
    match kind {
        0 => Err(Release::new(Cause::UNALLOCATED_NUMBER, "no route")),
        1 => Ok(Plan::default()),
        2 => Ok(hunt(&[&["attic"]])),
        3 => Ok(hunt(&[&["desk", "mobile"], &["door"]])),
        4 => Ok(hunt(&[&["n1"], &[], &["n2"], &["n3"]])),
        _ => {
            let fresh = contact(&format!("sip:{serial}@x"));
            Ok(Plan { route: None, hunt: vec![vec![fresh, contact("sip:same@x")]] })
        }
    }
}

/// How often each leg was over: said so, or was told so.
#[derive(Default)]
struct Ends(BTreeMap<LegId, u32>);

proptest! {
    #[test]
    fn every_call_ends_with_one_record_and_one_release_or_hand_over_per_leg(
        acts in prop::collection::vec(act(), 0..50),
    ) {
        let mut bench = Bench::new();
        let mut ends = Ends::default();
        for (serial, act) in acts.into_iter().enumerate() {
            match act {
                Act::Says(leg, event) => {
                    let leg = LegId((bench.call.id().0 << 8) | u64::from(leg));
                    let known = leg == bench.a() || bench.placed.iter().any(|(id, _)| *id == leg);
                    let over = bench.call.state() == StateName::Released
                        || ends.0.contains_key(&leg)
                        || told_release(&bench, leg) > 0;
                    if matches!(event, Event::Release(_) | Event::Redirect(_)) && known && !over {
                        *ends.0.entry(leg).or_default() += 1;
                    }
                    bench.says(leg, event);
                }
                Act::Route(kind) => bench.route(plan(kind, serial)),
                Act::Wait(s) => bench.wait_s(s),
                Act::HangUp => {
                    let release = Release::new(Cause::NETWORK_OUT_OF_ORDER, "shutdown");
                    bench.call.hang_up(bench.now, release);
                    bench.drain();
                }
            }
            prop_assert!(bench.call.poll_timeout().is_none_or(|at| at >= bench.now));
            prop_assert!(bench.cdrs.is_empty() || bench.call.state() == StateName::Released);
        }
        let a = bench.a();
        if bench.call.state() != StateName::Released {
            *ends.0.entry(a).or_default() += 1;
        }
        bench.says(a, Event::Release(Release::new(Cause::NORMAL_CLEARING, "end of test")));
        prop_assert_eq!(bench.call.state(), StateName::Released);
        prop_assert_eq!(bench.cdrs.len(), 1);
        prop_assert_eq!(bench.joined, None);
        prop_assert_eq!(bench.call.poll_timeout(), None);
        for leg in bench.placed.iter().map(|(leg, _)| *leg).chain([a]) {
            let said = ends.0.get(&leg).copied().unwrap_or(0);
            let handed_over = u32::from(bench.handed_over.contains(&leg));
            prop_assert_eq!(said + told_release(&bench, leg) + handed_over, 1, "{}", leg);
            let told = bench.told.get(&leg).map_or(&[][..], Vec::as_slice);
            let release = told.iter().position(|event| matches!(event, Event::Release(_)));
            prop_assert!(release.is_none_or(|at| at + 1 == told.len()), "nothing after a release");
        }
    }

    #[test]
    fn a_call_whose_legs_fall_silent_ends_by_itself_unless_answered(
        acts in prop::collection::vec(act(), 0..20),
    ) {
        let mut bench = Bench::new();
        for (serial, act) in acts.into_iter().enumerate() {
            match act {
                Act::Says(leg, event) => {
                    bench.says(LegId((bench.call.id().0 << 8) | u64::from(leg)), event);
                }
                Act::Route(kind) => bench.route(plan(kind, serial)),
                Act::Wait(s) => bench.wait_s(s),
                Act::HangUp => {}
            }
        }
        bench.wait_s(33 * 60);
        let state = bench.call.state();
        prop_assert!(matches!(state, StateName::Answered | StateName::Held | StateName::Released));
        prop_assert_eq!(bench.cdrs.len(), usize::from(state == StateName::Released));
    }
}

fn told_release(bench: &Bench, leg: LegId) -> u32 {
    let told = bench.told.get(&leg).map_or(&[][..], Vec::as_slice);
    told.iter().map(|event| u32::from(matches!(event, Event::Release(_)))).sum()
}

//! Whatever happens in whatever order, the port neither panics nor sticks.

use proptest::prelude::*;
use tipring_core::Cause;
use tipring_line::{
    CallRequest, Caller, CardInput, Digit, MediaInput, PortEvent, StateName, Verdict,
};

use crate::bench::Bench;

#[derive(Clone, Debug)]
enum Act {
    Card(CardInput),
    Media(MediaInput),
    Call(CallRequest),
    Verdict(String, Verdict),
    Wait(u64),
}

fn digit() -> impl Strategy<Value = Digit> {
    prop::sample::select("0123456789*#ABCD".chars().filter_map(Digit::new).collect::<Vec<_>>())
}

fn act() -> impl Strategy<Value = Act> {
    let card = prop_oneof![
        Just(CardInput::InService),
        Just(CardInput::OutOfService),
        any::<bool>().prop_map(|off| CardInput::Hook { off }),
        any::<bool>().prop_map(|off| CardInput::Hook { off }),
        Just(CardInput::Flash),
        digit().prop_map(CardInput::PulseDigit),
        any::<bool>().prop_map(|on| CardInput::Ringing { on }),
        Just(CardInput::RingTrip),
    ];
    let media = prop_oneof![
        digit().prop_map(MediaInput::DigitBegan),
        (digit(), 0..2000u16).prop_map(|(digit, ms)| MediaInput::DigitEnded { digit, ms }),
        Just(MediaInput::BurstDone),
    ];
    let call = prop_oneof![
        any::<bool>().prop_map(|private| CallRequest::Ring {
            caller: Caller { number: Some("1".into()), name: None, private },
            distinctive: None
        }),
        Just(CallRequest::Proceeding),
        any::<bool>().prop_map(|early_media| CallRequest::Alerting { early_media }),
        any::<bool>().prop_map(|early_media| CallRequest::Progress { early_media }),
        Just(CallRequest::Answered),
        (1..=127u8).prop_map(|value| CallRequest::Released {
            cause: Cause::new(value).expect("1 to 127")
        }),
        any::<bool>().prop_map(|on| CallRequest::RemoteHold { on }),
    ];
    let verdict = prop::sample::select(vec![
        Verdict::NeedMore,
        Verdict::Match,
        Verdict::Complete,
        Verdict::Impossible,
    ]);
    prop_oneof![
        4 => card.prop_map(Act::Card),
        3 => media.prop_map(Act::Media),
        3 => call.prop_map(Act::Call),
        1 => ("[0-9#]{0,3}", verdict).prop_map(|(digits, verdict)| Act::Verdict(digits, verdict)),
        2 => (0..20_000u64).prop_map(Act::Wait),
    ]
}

proptest! {
    #[test]
    fn putting_down_always_frees_the_telephone(
        country in prop::sample::select(vec!["us", "uk", "de", "jp"]),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let mut bench = Bench::new(country);
        for act in acts {
            match act {
                Act::Card(input) => bench.card(input),
                Act::Media(input) => bench.media(input),
                Act::Call(request) => bench.call(request),
                Act::Verdict(digits, verdict) => {
                    bench.port.handle_verdict(bench.now, &digits, verdict);
                }
                Act::Wait(ms) => bench.wait_ms(ms),
            }
            prop_assert!(bench.port.poll_timeout().is_none_or(|at| at >= bench.now));
        }
        if bench.state() == StateName::OutOfService {
            bench.card(CardInput::InService);
        }
        // Whoever calls gives up, whoever is there puts down.
        bench.released(Cause::NORMAL_CLEARING);
        bench.put_down();
        bench.wait_ms(2000);
        prop_assert_eq!(bench.state(), StateName::OnHook);
        prop_assert!(!bench.listening && bench.tone.is_none());
        prop_assert_eq!(bench.port.poll_timeout(), None);
        bench.lift();
        prop_assert_eq!(bench.state(), StateName::DialTone);
    }

    #[test]
    fn a_receiver_that_is_never_put_down_ends_locked_out_or_in_a_call(
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut bench = Bench::new("us");
        bench.lift();
        for act in acts {
            match act {
                Act::Media(input) => bench.media(input),
                Act::Call(request) => bench.call(request),
                Act::Wait(ms) => bench.wait_ms(ms),
                Act::Card(_) | Act::Verdict(..) => {}
            }
        }
        bench.wait_ms(10_000);
        bench.released(Cause::NORMAL_CLEARING);
        bench.wait_ms(200_000);
        prop_assert_eq!(bench.state(), StateName::LockedOut);
        let dialled = |event: &&PortEvent| matches!(event, PortEvent::Dialled { .. });
        prop_assert!(bench.events.iter().filter(dialled).count() <= 1);
    }
}

//! What the caller hears, and what happens in a call.

use tipring_core::Cause;
use tipring_line::{CallRequest, CardAction, CardInput, Digit, PortEvent, StateName, ToneName};

use crate::bench::Bench;

fn dialled(country: &str) -> Bench {
    let mut bench = Bench::new(country);
    bench.lift();
    bench.press("200");
    bench.take_events();
    bench
}

#[test]
fn the_caller_hears_ringback_until_the_answer() {
    let mut bench = dialled("us");
    bench.call(CallRequest::Proceeding);
    assert_eq!(bench.tone, None);
    bench.call(CallRequest::Alerting { early_media: false });
    assert_eq!(bench.tone, Some(ToneName::Ringback));
    bench.call(CallRequest::Answered);
    assert_eq!((bench.tone, bench.state()), (None, StateName::Talking));
}

#[test]
fn the_caller_hears_the_far_ends_announcement_and_not_ringback_over_it() {
    let mut bench = dialled("us");
    bench.call(CallRequest::Alerting { early_media: false });
    bench.call(CallRequest::Progress { early_media: true });
    assert_eq!((bench.tone, bench.state()), (None, StateName::EarlyMedia));
    bench.call(CallRequest::Alerting { early_media: true });
    assert_eq!(bench.tone, None);
    bench.press("1");
    assert_eq!(
        bench.events,
        [PortEvent::Digit { digit: Digit::new('1').expect("a key"), ms: 60, in_audio: true }],
        "a menu before the answer can be used"
    );
}

#[test]
fn ringback_returns_when_an_announcement_gives_way_to_ringing() {
    let mut bench = dialled("us");
    bench.call(CallRequest::Progress { early_media: true });
    bench.call(CallRequest::Alerting { early_media: false });
    assert_eq!((bench.tone, bench.state()), (Some(ToneName::Ringback), StateName::RemoteRinging));
}

#[test]
fn each_failure_has_its_tone() {
    for (cause, tone) in [
        (Cause::USER_BUSY, ToneName::Busy),
        (Cause::UNALLOCATED_NUMBER, ToneName::NumberUnobtainable),
        (Cause::INVALID_NUMBER_FORMAT, ToneName::NumberUnobtainable),
        (Cause::NO_ANSWER, ToneName::Congestion),
        (Cause::CALL_REJECTED, ToneName::Congestion),
        (Cause::NO_CIRCUIT, ToneName::Congestion),
        (Cause::DESTINATION_OUT_OF_ORDER, ToneName::Congestion),
    ] {
        let mut bench = dialled("us");
        bench.released(cause);
        assert_eq!((bench.tone, bench.state()), (Some(tone), StateName::ReleaseTone), "{cause}");
        assert!(bench.card.is_empty(), "no open loop for a call that was never answered");
        bench.put_down();
        assert_eq!((bench.tone, bench.port.is_idle()), (None, true));
    }
}

#[test]
fn digits_of_a_call_are_told_with_their_length() {
    let mut bench = Bench::in_call("us");
    bench.press("5#");
    bench.turn_dial("7");
    let told: Vec<_> = bench
        .take_events()
        .into_iter()
        .map(|event| match event {
            PortEvent::Digit { digit, ms, .. } => (digit.as_char(), ms),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [('5', 60), ('#', 60), ('7', 100)]);
}

#[test]
fn the_last_digit_of_the_number_is_not_heard_by_a_fast_answerer() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("20");
    let digit = Digit::new('0').expect("a key");
    bench.media(tipring_line::MediaInput::DigitBegan(digit));
    bench.call(CallRequest::Answered);
    bench.media(tipring_line::MediaInput::DigitEnded { digit, ms: 900 });
    assert!(!bench.events.iter().any(|event| matches!(event, PortEvent::Digit { .. })));
}

#[test]
fn a_flash_holds_with_stutter_dial_tone_and_a_second_one_takes_back() {
    let mut bench = Bench::in_call("us");
    bench.card(CardInput::Flash);
    assert_eq!(bench.state(), StateName::Held);
    assert_eq!(bench.tone, Some(ToneName::StutterDial));
    bench.card(CardInput::Flash);
    assert_eq!((bench.state(), bench.tone), (StateName::Talking, None));
    assert_eq!(bench.events, [PortEvent::Hold { on: true }, PortEvent::Hold { on: false }]);
}

#[test]
fn putting_down_a_held_call_ends_it() {
    let mut bench = Bench::in_call("us");
    bench.card(CardInput::Flash);
    bench.put_down();
    assert_eq!(bench.events.last(), Some(&PortEvent::HungUp));
    assert_eq!((bench.state(), bench.tone), (StateName::OnHook, None));
}

#[test]
fn when_the_far_end_clears_the_loop_opens_and_congestion_follows() {
    for (country, ms) in [("us", 800), ("uk", 300), ("de", 400)] {
        let mut bench = Bench::in_call(country);
        bench.released(Cause::NORMAL_CLEARING);
        assert_eq!(bench.card, [CardAction::OpenLoop { ms }]);
        assert_eq!(bench.tone, None);
        bench.wait_ms(u64::from(ms) + 200);
        assert_eq!(bench.tone, Some(ToneName::Congestion));
    }
}

#[test]
fn an_open_loop_that_looks_like_on_hook_does_not_bring_dial_tone() {
    let mut bench = Bench::in_call("us");
    bench.released(Cause::NORMAL_CLEARING);
    bench.wait_ms(100);
    bench.put_down();
    bench.wait_ms(750);
    bench.lift();
    bench.wait_ms(200);
    assert_eq!((bench.state(), bench.tone), (StateName::ReleaseTone, Some(ToneName::Congestion)));
    assert!(bench.events.is_empty());
}

#[test]
fn putting_down_while_the_loop_is_open_leaves_an_idle_telephone() {
    let mut bench = Bench::in_call("us");
    bench.released(Cause::NORMAL_CLEARING);
    bench.put_down();
    bench.wait_ms(1000);
    assert!(bench.port.is_idle());
    assert_eq!((bench.tone, bench.take_events()), (None, vec![PortEvent::HungUp]));
}

#[test]
fn without_disconnect_supervision_the_tone_comes_at_once() {
    let mut bench = Bench::with(|config| config.disconnect_ms = 0, "us");
    bench.lift();
    bench.press("200");
    bench.call(CallRequest::Answered);
    bench.released(Cause::NORMAL_CLEARING);
    assert_eq!(bench.tone, Some(ToneName::Congestion));
}

#[test]
fn a_card_that_goes_away_in_a_call_takes_the_call_with_it_and_returns_idle() {
    let mut bench = Bench::in_call("us");
    bench.card(CardInput::OutOfService);
    assert_eq!(bench.take_events(), [PortEvent::OutOfService]);
    bench.wait_ms(10_000);
    bench.card(CardInput::InService);
    assert_eq!(bench.take_events(), [PortEvent::InService]);
    assert!(bench.port.is_idle());
    bench.lift();
    assert_eq!(bench.tone, Some(ToneName::Dial));
}

#[test]
fn a_card_that_restarts_unnoticed_takes_the_call_with_it_too() {
    let mut bench = Bench::in_call("us");
    bench.card(CardInput::InService);
    assert_eq!(bench.take_events(), [PortEvent::OutOfService, PortEvent::InService]);
    assert!(bench.port.is_idle() && !bench.listening);
}

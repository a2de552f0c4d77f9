//! A telephone that is called.

use tipring_core::Cause;
use tipring_line::country::{RingBurst, RingCadence};
use tipring_line::{
    CallRequest, Caller, CardAction, CardInput, Linefeed, MediaInput, PortEvent, StateName,
    ToneName,
};

use crate::bench::Bench;

fn alice() -> Caller {
    Caller { number: Some("5551234".into()), name: Some("Alice".into()), private: false }
}

fn ring(bench: &mut Bench, caller: Caller) {
    bench.call(CallRequest::Ring { caller, distinctive: None });
}

/// The card rings for `on` ms and is silent for `off` ms.
fn burst(bench: &mut Bench, on: u64, off: u64) {
    bench.card(CardInput::Ringing { on: true });
    bench.wait_ms(on);
    bench.card(CardInput::Ringing { on: false });
    bench.wait_ms(off);
}

#[test]
fn the_caller_is_told_when_the_bell_really_rings() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    assert!(matches!(bench.card[..], [CardAction::Ring { frequency_hz: 20, .. }]));
    assert!(bench.events.is_empty());
    burst(&mut bench, 2000, 4000);
    burst(&mut bench, 2000, 4000);
    assert_eq!(bench.events, [PortEvent::Alerting]);
}

#[test]
fn lifting_while_it_rings_answers_once_and_stops_the_bell() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    burst(&mut bench, 2000, 100);
    bench.card(CardInput::RingTrip);
    bench.lift();
    assert_eq!(bench.events, [PortEvent::Alerting, PortEvent::Answered]);
    assert_eq!(bench.card.last(), Some(&CardAction::StopRing));
    assert!(bench.listening);
    bench.put_down();
    assert_eq!(bench.events.last(), Some(&PortEvent::HungUp));
}

#[test]
fn a_caller_who_gives_up_stops_the_bell_and_leaves_an_idle_telephone() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    burst(&mut bench, 2000, 100);
    bench.released(Cause::NORMAL_CLEARING);
    assert_eq!(bench.card.last(), Some(&CardAction::StopRing));
    assert!(bench.port.is_idle());
    bench.wait_ms(10_000);
    assert!(bench.caller_id.is_empty());
}

#[test]
fn american_caller_id_comes_half_a_second_after_the_first_ring_and_only_once() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    burst(&mut bench, 2000, 490);
    assert!(bench.caller_id.is_empty());
    bench.wait_ms(10);
    assert_eq!(bench.caller_id, [alice()]);
    bench.wait_ms(900);
    bench.media(MediaInput::BurstDone);
    bench.wait_ms(2600);
    burst(&mut bench, 2000, 4000);
    burst(&mut bench, 2000, 4000);
    assert_eq!(bench.caller_id.len(), 1);
}

#[test]
fn german_and_french_caller_id_comes_between_the_rings() {
    for (country, on) in [("de", 1000), ("fr", 1500)] {
        let mut bench = Bench::new(country);
        ring(&mut bench, alice());
        burst(&mut bench, on, 400);
        assert!(bench.caller_id.is_empty());
        bench.wait_ms(1600);
        assert_eq!(bench.caller_id, [alice()], "500 to 2000 ms, EN 300 659-1");
    }
}

#[test]
fn british_caller_id_comes_before_the_first_ring_after_reversal_and_alert_tone() {
    let mut bench = Bench::new("uk");
    ring(&mut bench, alice());
    assert_eq!(bench.card, [CardAction::Linefeed(Linefeed::ReverseOnHookTransmission)]);
    bench.wait_ms(150);
    assert_eq!(bench.tone, Some(ToneName::DualToneAlert));
    bench.wait_ms(100);
    assert_eq!((bench.tone, bench.caller_id.len()), (None, 0));
    bench.wait_ms(200);
    assert_eq!(bench.caller_id, [alice()]);
    bench.wait_ms(1000);
    assert_eq!(bench.card.len(), 1, "not rung yet");
    bench.media(MediaInput::BurstDone);
    bench.wait_ms(200);
    assert_eq!(bench.card[1], CardAction::Linefeed(Linefeed::Forward));
    assert!(matches!(bench.card[2], CardAction::Ring { frequency_hz: 25, .. }));
    burst(&mut bench, 400, 200);
    burst(&mut bench, 400, 2000);
    assert_eq!((&bench.events[..], bench.caller_id.len()), (&[PortEvent::Alerting][..], 1));
}

#[test]
fn a_burst_whose_end_is_never_reported_does_not_keep_the_telephone_from_ringing() {
    let mut bench = Bench::new("jp");
    ring(&mut bench, alice());
    bench.wait_ms(6000);
    assert!(bench.card.iter().any(|action| matches!(action, CardAction::Ring { .. })));
}

#[test]
fn a_private_caller_stays_unknown() {
    let mut bench = Bench::new("us");
    ring(&mut bench, Caller { private: true, ..alice() });
    burst(&mut bench, 2000, 1000);
    assert_eq!(bench.caller_id, [Caller { number: None, name: None, private: true }]);
}

#[test]
fn no_caller_id_is_squeezed_into_a_short_silence() {
    const TWO_SHORT: RingCadence = RingCadence(&[
        RingBurst { on_ms: 500, off_ms: 500 },
        RingBurst { on_ms: 500, off_ms: 4500 },
    ]);
    let mut bench = Bench::new("us");
    bench.call(CallRequest::Ring { caller: alice(), distinctive: Some(TWO_SHORT) });
    assert_eq!(bench.card, [CardAction::Ring { cadence: TWO_SHORT, frequency_hz: 20 }]);
    burst(&mut bench, 500, 500);
    assert!(bench.caller_id.is_empty());
    burst(&mut bench, 500, 4500);
    assert_eq!(bench.caller_id.len(), 1);
}

#[test]
fn lifting_during_caller_id_silences_it() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    burst(&mut bench, 2000, 600);
    assert!(bench.burst);
    bench.lift();
    assert_eq!((bench.state(), bench.burst), (StateName::Talking, false));
}

#[test]
fn a_telephone_in_use_is_busy_and_one_without_a_card_is_out_of_order() {
    let mut bench = Bench::in_call("us");
    ring(&mut bench, alice());
    assert_eq!(bench.take_events(), [PortEvent::Refused { cause: Cause::USER_BUSY }]);
    assert_eq!(bench.state(), StateName::Talking);
    bench.card(CardInput::OutOfService);
    bench.take_events();
    ring(&mut bench, alice());
    let cause = Cause::DESTINATION_OUT_OF_ORDER;
    assert_eq!(bench.take_events(), [PortEvent::Refused { cause }]);
}

#[test]
fn a_card_that_does_not_ring_when_told_is_out_of_order() {
    let mut bench = Bench::new("us");
    ring(&mut bench, alice());
    bench.wait_ms(4000);
    let cause = Cause::DESTINATION_OUT_OF_ORDER;
    assert_eq!(bench.take_events(), [PortEvent::Refused { cause }]);
    assert_eq!(bench.card.last(), Some(&CardAction::StopRing));
    assert!(bench.port.is_idle());
}

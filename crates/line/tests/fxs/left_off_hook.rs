//! A receiver left off its hook (reliability F13).

use tipring_core::Cause;
use tipring_line::{CallRequest, Caller, CardInput, PortEvent, StateName, ToneName};

use crate::bench::Bench;

#[test]
fn dial_tone_then_congestion_then_howler_then_silence() {
    let mut bench = Bench::new("us");
    bench.lift();
    for (ms, tone) in [
        (15_900, Some(ToneName::Dial)),
        (200, Some(ToneName::Congestion)),
        (29_800, Some(ToneName::Congestion)),
        (200, Some(ToneName::Howler)),
        (59_800, Some(ToneName::Howler)),
        (200, None),
        (600_000, None),
    ] {
        bench.wait_ms(ms);
        assert_eq!(bench.tone, tone, "at {}", bench.now);
    }
    assert_eq!(bench.state(), StateName::LockedOut);
    assert_eq!(bench.events, [PortEvent::Seized, PortEvent::LockedOut]);
    assert!(!bench.listening);
}

#[test]
fn a_locked_out_telephone_is_busy_and_putting_it_down_restores_it() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.wait_ms(200_000);
    bench.take_events();
    bench.call(CallRequest::Ring { caller: Caller::default(), distinctive: None });
    assert_eq!(bench.take_events(), [PortEvent::Refused { cause: Cause::USER_BUSY }]);
    bench.put_down();
    bench.lift();
    assert_eq!(bench.tone, Some(ToneName::Dial));
}

#[test]
fn after_a_call_the_same_happens() {
    let mut bench = Bench::in_call("uk");
    bench.released(Cause::NORMAL_CLEARING);
    bench.wait_ms(500);
    assert_eq!(bench.tone, Some(ToneName::Congestion));
    bench.wait_ms(30_000);
    assert_eq!(bench.tone, Some(ToneName::Howler));
    bench.wait_ms(60_000);
    assert_eq!(bench.state(), StateName::LockedOut);
}

#[test]
fn a_flash_at_a_release_tone_gives_a_new_dial_tone() {
    for ms in [1000, 40_000] {
        let mut bench = Bench::in_call("us");
        bench.released(Cause::NORMAL_CLEARING);
        bench.wait_ms(ms);
        bench.card(CardInput::Flash);
        assert_eq!(bench.tone, Some(ToneName::Dial));
        bench.press("200");
        assert_eq!(bench.dialled(), Some("200"));
    }
}

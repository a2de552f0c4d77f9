//! Lifting the receiver and dialling.

use tipring_core::{Duration, Number};
use tipring_line::{
    CallRequest, CardInput, Digit, Hotline, MediaInput, Output, PortEvent, StateName, ToneName,
    Verdict,
};

use crate::bench::Bench;

#[test]
fn lifting_the_receiver_gives_dial_tone() {
    let mut bench = Bench::new("us");
    bench.lift();
    assert_eq!(bench.tone, Some(ToneName::Dial));
    assert!(bench.listening);
    assert_eq!(bench.events, [PortEvent::Seized]);
}

#[test]
fn dial_tone_stops_when_the_first_digit_begins() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.media(MediaInput::DigitBegan(Digit::new('1').expect("a key")));
    assert_eq!(bench.tone, None);
    assert_eq!(bench.state(), StateName::Collecting);
}

#[test]
fn a_number_that_cannot_be_longer_is_called_at_once() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("200");
    assert_eq!(bench.dialled(), Some("200"));
    assert_eq!(bench.state(), StateName::Proceeding);
}

#[test]
fn a_number_that_could_be_longer_is_called_three_seconds_after_its_last_digit() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("20");
    bench.wait_ms(2800);
    assert_eq!(bench.dialled(), None);
    bench.wait_ms(100);
    assert_eq!(bench.dialled(), Some("20"));
}

#[test]
fn an_unfinished_number_waits_eight_seconds_for_the_next_digit() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("9555");
    bench.wait_ms(7800);
    assert_eq!(bench.dialled(), None);
    bench.press("1");
    bench.wait_ms(7800);
    assert_eq!(bench.dialled(), None);
    bench.wait_ms(200);
    // The call says why this leads nowhere, and its CDR too.
    assert_eq!(bench.dialled(), Some("95551"));
}

#[test]
fn hash_ends_dialling_at_once_and_is_not_part_of_the_number() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("20#");
    assert_eq!(bench.dialled(), Some("20"));
    bench.call(CallRequest::Answered);
    assert!(!bench.take_events().iter().any(|event| matches!(event, PortEvent::Digit { .. })));
}

#[test]
fn hash_belongs_to_a_number_that_has_one() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("*72#");
    assert_eq!(bench.dialled(), Some("*72#"));
}

#[test]
fn a_wrong_number_is_handed_over_as_soon_as_it_is_wrong() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("33");
    assert_eq!(bench.dialled(), Some("3"));
}

#[test]
fn a_rotary_dial_works_like_keys_and_both_may_be_mixed() {
    let mut bench = Bench::new("de");
    bench.lift();
    bench.turn_dial("20");
    bench.press("1");
    assert_eq!(bench.dialled(), Some("201"));
}

#[test]
fn keys_pressed_faster_than_verdicts_come_are_not_lost() {
    let mut bench = Bench::new("us");
    bench.lift();
    let digit = |key| MediaInput::DigitBegan(Digit::new(key).expect("a key"));
    for key in "20057".chars() {
        bench.port.handle_media(bench.now, digit(key));
    }
    let mut asked = Vec::new();
    while let Some(output) = bench.port.poll_output() {
        if let Output::Event(PortEvent::CheckNumber { digits }) = output {
            asked.push(digits);
        }
    }
    assert_eq!(asked, ["2", "20", "200", "2005", "20057"]);
    for (digits, verdict) in
        [("2", Verdict::NeedMore), ("20", Verdict::Match), ("200", Verdict::Complete)]
    {
        bench.port.handle_verdict(bench.now, digits, verdict);
    }
    bench.call(CallRequest::Answered);
    let sent: String = bench
        .take_events()
        .iter()
        .filter_map(|event| match event {
            PortEvent::Dialled { number } => Some(number.to_string()),
            PortEvent::Digit { digit, .. } => Some(digit.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(sent, "20057");
}

#[test]
fn keys_pressed_after_the_number_reach_whoever_answers() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("2001234#");
    bench.call(CallRequest::Alerting { early_media: false });
    bench.press("5");
    assert_eq!(bench.take_events().len(), 2, "seized and dialled only");
    bench.call(CallRequest::Answered);
    let digits: Vec<_> = bench
        .take_events()
        .into_iter()
        .map(|event| match event {
            PortEvent::Digit { digit, ms: 100, in_audio: false } => digit.as_char(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(digits, ['1', '2', '3', '4', '#', '5']);
}

#[test]
fn a_hotline_calls_without_dial_tone() {
    let number = Number::new("112").expect("a number");
    let mut bench = Bench::with(|c| c.hotline = Hotline::Immediate(number), "de");
    bench.lift();
    assert_eq!(bench.tone, None);
    assert_eq!(bench.dialled(), Some("112"));
}

#[test]
fn a_warm_line_calls_when_nobody_dials() {
    let warm = Hotline::Warm {
        number: Number::new("112").expect("a number"),
        after: Duration::from_secs(5),
    };
    let mut bench = Bench::with(|c| c.hotline = warm.clone(), "de");
    bench.lift();
    assert_eq!(bench.tone, Some(ToneName::Dial));
    bench.wait_ms(5000);
    assert_eq!(bench.dialled(), Some("112"));

    let mut bench = Bench::with(|c| c.hotline = warm, "de");
    bench.lift();
    bench.wait_ms(4000);
    bench.press("200");
    assert_eq!(bench.dialled(), Some("200"));
}

#[test]
fn a_flash_while_dialling_starts_again() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("20");
    bench.card(CardInput::Flash);
    assert_eq!((bench.state(), bench.tone), (StateName::DialTone, Some(ToneName::Dial)));
    bench.press("201");
    assert_eq!(bench.dialled(), Some("201"));
}

#[test]
fn putting_down_while_dialling_makes_no_call() {
    let mut bench = Bench::new("us");
    bench.lift();
    bench.press("20");
    bench.put_down();
    bench.wait_ms(60_000);
    assert_eq!(bench.events, [PortEvent::Seized, PortEvent::HungUp]);
    assert!(bench.port.is_idle() && !bench.listening);
}

#[test]
fn a_number_of_endless_digits_is_called_at_sixty_four() {
    let mut bench = Bench::new("us");
    bench.lift();
    for _ in 0..80 {
        let digit = Digit::new('7').expect("a key");
        bench.port.handle_media(bench.now, MediaInput::DigitBegan(digit));
    }
    bench.call(CallRequest::Proceeding);
    assert_eq!(bench.dialled().map(str::len), Some(64));
}

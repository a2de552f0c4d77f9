use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Runs alternating times (ms), open first, of an off-hook line; then 400 ms closed.
fn run(window: (u16, u16), times_ms: &[f32]) -> Vec<LineEvent> {
    let mut watch = HookWatch::new();
    watch.set_flash_window(window.0, window.1);
    watch.lifted();
    let (mut events, mut now, mut edge) = (Vec::new(), 1_000_000u64, 1_000_000.0);
    for (n, ms) in times_ms.iter().chain(&[400.0]).enumerate() {
        edge += ms * 1000.0;
        while (now as f32) < edge {
            events.extend(watch.watch(now, n % 2 == 1 || n == times_ms.len()));
            now += 1250;
        }
    }
    events
}

fn digit(digit: u8, pps: f32, make_percent: f32) -> Vec<f32> {
    let period = 1000.0 / pps;
    let make = period * make_percent / 100.0;
    let mut times = Vec::new();
    for _ in 0..if digit == 0 { 10 } else { digit } {
        times.extend([period - make, make]);
    }
    times.pop();
    times
}

#[test]
fn every_digit_is_counted_at_every_rate_and_ratio() {
    for pps in [7.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0] {
        for make in [33.0, 40.0, 50.0, 60.0, 67.0] {
            for wanted in 0..10 {
                let events = run((300, 1000), &digit(wanted, pps, make));
                let [LineEvent::PulseDigit { digit, pps_x10, break_percent }] = events[..] else {
                    panic!("{wanted} at {pps} pps {make} %: {events:?}");
                };
                assert_eq!(digit, wanted, "{pps} pps {make} %");
                if wanted != 1 {
                    assert!(f32::from(pps_x10).mul_add(0.1, -pps).abs() < pps * 0.05);
                    assert!((f32::from(break_percent) + make - 100.0).abs() < 6.0);
                }
            }
        }
    }
}

#[test]
fn a_flash_a_hang_up_and_noise_are_told_apart() {
    assert_eq!(run((300, 1000), &[295.0]), []);
    assert!(matches!(run((300, 1000), &[310.0])[..], [LineEvent::Flash { ms: 308..=312 }]));
    assert!(matches!(run((300, 1000), &[990.0])[..], [LineEvent::Flash { .. }]));
    let hung_up = [LineEvent::Hook { off: false }, LineEvent::Hook { off: true }];
    assert_eq!(run((300, 1000), &[1010.0]), hung_up);
    assert_eq!(run((300, 1000), &[5.0]), []);
    assert!(matches!(run((80, 310), &[100.0])[..], [LineEvent::Flash { .. }]));
    assert!(matches!(run((80, 310), &[70.0])[..], [LineEvent::PulseDigit { digit: 1, .. }]));
    assert_eq!(run((0, 0), &[150.0]), hung_up, "no flash: longer than a pulse is on-hook");
    assert!(matches!(run((0, 0), &[60.0])[..], [LineEvent::PulseDigit { digit: 1, .. }]));
}

#[test]
fn eleven_pulses_are_no_digit() {
    let mut times = digit(0, 10.0, 40.0);
    times.extend([40.0, 60.0]);
    assert_eq!(run((300, 1000), &times), []);
}

#[test]
fn a_short_closure_is_not_off_hook() {
    let mut watch = HookWatch::new();
    for now in (0..12_000).step_by(1250) {
        assert_eq!(watch.watch(now, true), None);
    }
    assert_eq!(watch.watch(12_500, false), None);
    assert!(!watch.is_off_hook());
}

/// One line of the machine, for the snapshot.
fn name(state: &State) -> String {
    match state {
        State::OnHook => "on-hook".into(),
        State::Lifting { .. } => "lifting".into(),
        State::OffHook => "off-hook".into(),
        State::Break { train, .. } => format!("break, {} pulses", train.pulses),
        State::Make { train, .. } => format!("make, {} pulses", train.pulses),
    }
}

#[test]
fn transitions() {
    let train = |pulses| Train { pulses, break_us: 60_000 * u64::from(pulses), make_us: 80_000 };
    let none = Train::default();
    let since = 1_000_000;
    let mut table = String::new();
    for (state, after_ms) in [
        (State::OnHook, &[1][..]),
        (State::Lifting { since }, &[14, 15]),
        (State::OffHook, &[1]),
        (State::Break { since, train: none }, &[7, 8, 110, 111, 299, 300, 1000, 1001]),
        (State::Break { since, train: train(3) }, &[7, 60, 300, 1001]),
        (State::Make { since, train: train(3) }, &[40, 150]),
        (State::Make { since, train: train(10) }, &[150]),
        (State::Make { since, train: train(11) }, &[150]),
    ] {
        for ms in after_ms {
            for closed in [true, false] {
                let mut watch = HookWatch { state, ..HookWatch::new() };
                let event = watch.watch(since + ms * 1000, closed);
                let input = if closed { "closed" } else { "open" };
                let event = event.map_or(String::new(), |event| format!("  {event:?}"));
                table += &format!(
                    "{:15} {ms:4} ms {input:6} -> {:15}{event}\n",
                    name(&state),
                    name(&watch.state)
                );
            }
        }
    }
    insta::assert_snapshot!(table);
}

//! Hook, flash, dial pulses: what the person does and what the host is told.

use tipring_bridge_proto::{LineCommand, LineEvent};
use tipring_virtual_card::Dialling;

use crate::host::Host;

#[test]
fn off_hook_is_told_within_40_ms_and_on_hook_after_the_longest_flash() {
    let mut host = Host::new(1);
    for _ in 0..20 {
        let lifted = host.now / 1000;
        host.phone().off_hook();
        host.run(100);
        let told = host.time_of(LineEvent::Hook { off: true });
        assert!(told - lifted <= 40, "{} ms", told - lifted);
        host.events.clear();
        host.phone().on_hook();
        // Away from the block's edges.
        host.run(1103);
        assert_eq!(host.line_events(), [LineEvent::Hook { off: false }]);
        host.events.clear();
    }
}

#[test]
fn every_digit_is_counted_at_every_rate_and_make_ratio() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(100);
    for pps in [7.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0] {
        for make in [33.0, 40.0, 50.0, 60.0, 67.0] {
            host.events.clear();
            let Dialling::Pulse { make_us, break_us, .. } = Dialling::pulse(pps, make) else {
                panic!("a rotary dial");
            };
            let dial = Dialling::Pulse { make_us, break_us, pause_us: 300_000 };
            host.phone().dial("1234567890", dial).expect("off-hook");
            while host.phone().is_dialling() {
                host.run(50);
            }
            host.run(200);
            let digits: Vec<u8> = host
                .line_events()
                .iter()
                .map(|event| match event {
                    LineEvent::PulseDigit { digit, .. } => *digit,
                    event => panic!("{event:?} at {pps} pps, {make} % make"),
                })
                .collect();
            assert_eq!(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0], "{pps} pps, {make} % make");
            let Some(LineEvent::PulseDigit { pps_x10, break_percent, .. }) =
                host.line_events().pop()
            else {
                panic!("a digit");
            };
            assert!((f32::from(pps_x10) / 10.0 - pps).abs() < pps * 0.03, "{pps} {pps_x10}");
            assert!((f32::from(break_percent) - (100.0 - make)).abs() < 6.0);
        }
    }
}

#[test]
fn a_flash_is_a_flash_only_inside_its_window() {
    let mut host = Host::new(1);
    host.command(1, LineCommand::FlashWindow { min_ms: 80, max_ms: 310 });
    host.phone().off_hook();
    host.run(100);
    for (ms, is_flash) in [(90, true), (270, true), (300, true), (400, false)] {
        host.events.clear();
        host.phone().flash(ms).expect("off-hook");
        host.run(1000);
        let events = host.line_events();
        if is_flash {
            let [LineEvent::Flash { ms: told }] = events[..] else {
                panic!("{ms}: {events:?}");
            };
            assert!(u32::from(told).abs_diff(ms) <= 3, "{ms} {told}");
        } else {
            let hook = |off| LineEvent::Hook { off };
            assert_eq!(events, [hook(false), hook(true)], "{ms} ms is on-hook and off-hook");
        }
    }
}

#[test]
fn a_digit_cut_short_by_hanging_up_is_no_digit() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(100);
    host.events.clear();
    host.phone().dial("9", Dialling::PULSE).expect("off-hook");
    host.run(420);
    host.phone().on_hook();
    host.run(1200);
    assert_eq!(host.line_events(), [LineEvent::Hook { off: false }]);
}

#[test]
fn loop_current_is_told_after_off_hook() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(400);
    let current = host.events.iter().find_map(|(_, _, event)| match event {
        LineEvent::LoopCurrent { ma_x10 } => Some(*ma_x10),
        _ => None,
    });
    assert!(matches!(current, Some(200..=240)), "{current:?}");
}

#[test]
fn a_cut_wire_is_on_hook() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(100);
    host.events.clear();
    host.card.line(1).expect("port 1").wire.cut = true;
    host.run(1200);
    assert_eq!(host.line_events(), [LineEvent::Hook { off: false }]);
}

//! Ringing, ring trip, caller ID, and what else the feed does.

use tipring_bridge_proto::{LineCommand, LineEvent, Linefeed};
use tipring_virtual_card::{CallerIdStandard, Law, PhoneEvent};

use crate::host::Host;

const ON: LineEvent = LineEvent::Ringing { on: true };
const OFF: LineEvent = LineEvent::Ringing { on: false };

#[test]
fn the_bell_follows_the_cadence_and_the_host_hears_each_edge() {
    let mut host = Host::new(2);
    host.noticed();
    host.ring(2, &[(400, 200), (400, 2000)], 0);
    host.run(4050);
    let edges: Vec<u64> = host.events.iter().map(|(at, _, _)| *at).collect();
    let gaps: Vec<u64> = edges.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(host.line_events(), [ON, OFF, ON, OFF, ON, OFF, ON, OFF]);
    for (gap, wanted) in gaps.iter().zip([400, 200, 400, 2000, 400, 200, 400]) {
        assert!(gap.abs_diff(wanted) <= 3, "{gaps:?}");
    }
    let bell = host.noticed();
    assert_eq!(bell.len(), 8);
    for ((heard, port, event), (told, ..)) in bell.iter().zip(&host.events) {
        assert!(matches!(event, PhoneEvent::Ring { .. }) && *port == 2);
        assert!(heard.abs_diff(*told) <= 12, "{heard} {told}");
    }
}

#[test]
fn a_finite_cadence_ends_and_stop_ring_ends_any() {
    let mut host = Host::new(1);
    host.ring(1, &[(300, 300)], 1);
    host.run(2000);
    assert_eq!(host.line_events(), [ON, OFF]);
    host.events.clear();
    host.ring(1, &[(5000, 100)], 0);
    host.run(500);
    host.command(1, LineCommand::StopRing);
    host.run(500);
    assert_eq!(host.line_events(), [ON, OFF]);
    assert!(!host.phone().is_ringing());
}

#[test]
fn lifting_the_receiver_trips_the_ringing_within_100_ms() {
    for (wait, during) in [(700, "a burst"), (1500, "the silence")] {
        for frequency_dhz in [167, 200, 250, 500] {
            let mut host = Host::new(1);
            let cadence = tipring_bridge_proto::Cadence::new(&[(1000, 2000)], 0).expect("one");
            let ring = tipring_bridge_proto::Ring { cadence, frequency_dhz };
            host.command(1, LineCommand::Ring(ring));
            host.run(wait);
            host.phone().off_hook();
            let lifted = host.now / 1000;
            host.run(300);
            let told = host.time_of(LineEvent::RingTrip);
            assert!(told - lifted <= 100, "{} ms in {during}, {frequency_dhz}", told - lifted);
            assert_eq!(host.line_events(), [ON, OFF, LineEvent::RingTrip], "{during}");
            assert!(!host.phone().is_ringing());
            host.phone().on_hook();
            host.run(1200);
            assert_eq!(host.line_events().last(), Some(&LineEvent::Hook { off: false }));
        }
    }
}

#[test]
fn a_loaded_or_long_line_rings_without_false_trip() {
    let mut host = Host::new(1);
    let line = host.card.line(1).expect("port 1");
    (line.wire.ren, line.wire.loop_ohms) = (3.0, 800.0);
    host.ring(1, &[(1000, 1000)], 0);
    host.run(3050);
    assert_eq!(host.line_events(), [ON, OFF, ON, OFF]);
    assert!(host.noticed().iter().any(|(_, _, e)| *e == PhoneEvent::Ring { on: true }));
}

#[test]
fn a_lifted_receiver_is_not_rung() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(100);
    host.events.clear();
    host.ring(1, &[(1000, 1000)], 0);
    host.run(500);
    assert!(!host.line_events().contains(&ON));
    assert!(!host.phone().is_ringing());
}

#[test]
fn caller_id_sent_in_the_first_silence_is_shown() {
    for (mark, space, standard) in
        [(1200.0, 2200.0, CallerIdStandard::Bell202), (1300.0, 2100.0, CallerIdStandard::V23)]
    {
        let mut host = Host::new(1);
        host.ring(1, &[(2000, 4000)], 0);
        host.run(2100);
        assert_eq!(host.line_events(), [ON, OFF]);
        host.run(500);
        host.say = burst("5551234", mark, space);
        host.run(1500);
        let shown = host.noticed().into_iter().find_map(|(_, _, event)| match event {
            PhoneEvent::CallerId(caller) => Some(caller),
            _ => None,
        });
        let caller = shown.expect("a caller on the display");
        assert_eq!(caller.number.as_deref(), Some("5551234"));
        assert_eq!(caller.standard, standard);
    }
}

#[test]
fn an_idle_line_carries_no_audio_until_on_hook_transmission_is_asked_for() {
    let mut host = Host::new(1);
    host.noticed();
    host.say = burst("101", 1200.0, 2200.0);
    host.run(1500);
    host.command(1, LineCommand::Linefeed(Linefeed::ForwardOnHookTransmission));
    host.say.extend(burst("102", 1200.0, 2200.0));
    host.run(1500);
    let shown: Vec<PhoneEvent> = host.noticed().into_iter().map(|(_, _, event)| event).collect();
    let [PhoneEvent::CallerId(caller)] = &shown[..] else {
        panic!("{shown:?}");
    };
    assert_eq!(caller.number.as_deref(), Some("102"));
}

#[test]
fn polarity_and_open_loop_are_felt_at_the_phone_and_do_not_look_like_hanging_up() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(400);
    host.events.clear();
    host.noticed();
    host.command(1, LineCommand::Polarity { reversed: true });
    host.run(300);
    host.command(1, LineCommand::OpenLoop { ms: 800 });
    host.run(1500);
    host.command(1, LineCommand::Polarity { reversed: false });
    host.run(300);
    let felt: Vec<PhoneEvent> = host.noticed().into_iter().map(|(_, _, event)| event).collect();
    assert_eq!(
        felt,
        [
            PhoneEvent::Polarity { reversed: true },
            PhoneEvent::Loop { open: true },
            PhoneEvent::Loop { open: false },
            PhoneEvent::Polarity { reversed: false },
        ]
    );
    assert_eq!(host.line_events(), [], "the receiver was never put down");
    host.command(1, LineCommand::OpenLoop { ms: 500 });
    host.run(100);
    host.phone().on_hook();
    host.run(2000);
    assert_eq!(host.line_events(), [LineEvent::Hook { off: false }]);
}

#[test]
fn an_open_linefeed_is_dead_until_told_otherwise() {
    let mut host = Host::new(1);
    host.command(1, LineCommand::Linefeed(Linefeed::Open));
    host.run(100);
    host.phone().off_hook();
    host.run(500);
    assert_eq!(host.line_events(), []);
    host.command(1, LineCommand::Linefeed(Linefeed::Forward));
    host.run(100);
    assert_eq!(host.line_events(), [LineEvent::Hook { off: true }]);
}

#[test]
fn a_power_alarm_is_told_and_the_line_comes_back() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(400);
    host.events.clear();
    host.card.line(1).expect("port 1").chip.overload();
    host.run(500);
    assert_eq!(host.line_events(), [LineEvent::PowerAlarm { transistors: 1 }]);
    assert!(host.noticed().iter().any(|(_, _, e)| *e == PhoneEvent::Loop { open: true }));
    host.run(1000);
    assert!(host.noticed().iter().any(|(_, _, e)| *e == PhoneEvent::Loop { open: false }));
    assert_eq!(host.line_events().len(), 1, "the call goes on: {:?}", host.line_events());
}

#[test]
fn a_chip_that_lost_its_settings_is_brought_up_again() {
    let mut host = Host::new(1);
    host.card.line(1).expect("port 1").chip = tipring_hw_models::Si3210::new();
    host.run(200);
    assert_eq!(host.line_events(), [LineEvent::Fault { code: 2 }]);
    host.run(2000);
    host.phone().off_hook();
    host.run(100);
    assert_eq!(host.line_events().last(), Some(&LineEvent::Hook { off: true }));
}

/// MDMF with a number, in octets of µ-law: 300 bits of seizure, 180 of mark.
fn burst(number: &str, mark: f32, space: f32) -> Vec<u8> {
    let mut octets = vec![0x80, number.len() as u8 + 2, 0x02, number.len() as u8];
    octets.extend(number.bytes());
    let sum = octets.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    octets.push(sum.wrapping_neg());
    let mut bits: Vec<bool> = (0..300).map(|n| n % 2 == 1).collect();
    bits.extend([true; 180]);
    for octet in octets {
        bits.push(false);
        bits.extend((0..8).map(|n| octet >> n & 1 == 1));
        bits.push(true);
    }
    bits.extend([true; 8]);
    let (mut phase, mut out) = (0.0f32, Vec::new());
    while let Some(bit) = bits.get((out.len() as f32 * 0.15) as usize) {
        phase = (phase + if *bit { mark } else { space } / 8000.0).fract();
        out.push(Law::Mu.encode(((phase * std::f32::consts::TAU).sin() * 6000.0) as i16));
    }
    out
}

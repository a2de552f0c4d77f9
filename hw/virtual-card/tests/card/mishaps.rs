//! Unplugged, hung, reset, noisy, detuned.

use proptest::prelude::*;
use tipring_bridge_proto::{HostMessage, LineCommand, LineEvent};
use tipring_virtual_card::control::DialMethod;
use tipring_virtual_card::{
    CardSpec, ControlAnswer, ControlError, ControlRequest, PhoneEvent, VirtualCard,
};

use crate::host::Host;

#[test]
fn a_pulled_cable_is_silence_and_a_dead_line_and_comes_back() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(400);
    host.noticed();
    host.clocks.clear();
    host.card.unplug();
    assert!(!host.card.is_plugged());
    host.run(300);
    assert!(host.clocks.is_empty() && !host.card.is_connected());
    assert!(host.noticed().iter().any(|(_, _, e)| *e == PhoneEvent::Loop { open: true }));
    host.card.plug();
    host.events.clear();
    host.connect();
    host.run(1000);
    assert_eq!(host.line_events().last(), Some(&LineEvent::Hook { off: true }));
    assert!(host.clocks.len() > 150);
    assert_eq!(host.clocks[0] % 40, 0);
}

#[test]
fn a_hung_card_is_silent_until_it_is_reset() {
    let mut host = Host::new(1);
    host.card.hang();
    host.clocks.clear();
    host.send(&HostMessage::Ping { token: 1 });
    host.run(3000);
    assert!(host.clocks.is_empty() && host.pongs == 0);
    host.card.reset();
    host.connect();
    host.run(100);
    assert!(host.descriptor.is_some() && host.pongs == 0);
}

#[test]
fn a_detuned_card_sends_more_blocks_than_a_true_one() {
    for (ppm, wanted) in [(0.0, 20_000i64), (200.0, 20_004), (-1000.0, 19_980)] {
        let mut host = Host::new(1);
        host.card.drift(ppm);
        host.clocks.clear();
        host.run(100_000);
        assert!((host.clocks.len() as i64 - wanted).abs() <= 1, "{ppm}: {}", host.clocks.len());
        assert!(host.clocks.windows(2).all(|w| w[1] == w[0] + 40));
    }
}

#[test]
fn on_a_noisy_line_nothing_wrong_is_believed_and_the_session_lives() {
    let mut host = Host::new(2);
    host.card.corrupt(1e-4);
    let port = |n: u64| (n % 2) as u8 + 1;
    for n in 0..20 {
        host.card.phone(port(n)).expect("a port").off_hook();
        host.run(150);
        host.card.phone(port(n)).expect("a port").on_hook();
        host.run(1350);
    }
    host.card.corrupt(0.0);
    host.run(500);
    assert!(host.card.is_connected());
    let hooks: Vec<LineEvent> = host
        .line_events()
        .into_iter()
        .filter(|event| matches!(event, LineEvent::Hook { .. }))
        .collect();
    let expected: Vec<LineEvent> = (0..40).map(|n| LineEvent::Hook { off: n % 2 == 0 }).collect();
    assert_eq!(hooks, expected, "each once and in order");
    host.send(&HostMessage::StatsRequest);
    host.run(10);
    let stats = host.stats.expect("statistics");
    assert!(stats.crc_errors + stats.framing_errors > 100, "{stats:?}");
}

#[test]
fn requests_are_those_of_the_control_socket() {
    let mut card = VirtualCard::new(&CardSpec::fxs(1), 1);
    let dial = |digits: &str, method, on_ms| ControlRequest::Dial {
        port: 1,
        digits: digits.into(),
        method,
        on_ms,
        off_ms: None,
    };
    for request in [
        ControlRequest::OffHook { port: 1 },
        ControlRequest::Flash { port: 1, ms: 300 },
        dial("12#", DialMethod::Dtmf, Some(70.0)),
        dial("12", DialMethod::Pulse, None),
        ControlRequest::Play { port: 1, samples: vec![1; 80].into(), looped: true },
        ControlRequest::Record { port: 1 },
        ControlRequest::Corrupt { ber: 0.0 },
        ControlRequest::Drift { ppm: 50.0 },
        ControlRequest::Hang,
        ControlRequest::Reset,
        ControlRequest::Unplug,
    ] {
        assert_eq!(card.control(request.clone()), Ok(ControlAnswer::Done), "{request:?}");
    }
    card.advance(100_000);
    let stopped = card.control(ControlRequest::Stop { port: 1 });
    assert!(matches!(stopped, Ok(ControlAnswer::Recording(samples)) if samples.len() > 700));
    for (request, sentence) in [
        (ControlRequest::OffHook { port: 2 }, "the card has no port 2"),
        (ControlRequest::OffHook { port: 0 }, "the card has no port 0"),
        (dial("1", DialMethod::Dtmf, Some(-1.0)), "on_ms and off_ms must be 1 to 10000"),
        (dial("x", DialMethod::Dtmf, None), "'X' is not on the dial"),
        (ControlRequest::Corrupt { ber: f64::NAN }, "ber must be 0 to 1"),
        (ControlRequest::Drift { ppm: 1e9 }, "ppm must be -1000 to 1000"),
        (ControlRequest::Reset, "the card is not plugged in"),
    ] {
        let error: ControlError = card.control(request).expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
    }
    assert_eq!(card.control(ControlRequest::Plug), Ok(ControlAnswer::Done));
    card.control(ControlRequest::OnHook { port: 1 }).expect("port 1");
    let on_hook = card.control(dial("1", DialMethod::Dtmf, None)).expect_err("on-hook");
    assert_eq!(on_hook.to_string(), "the phone is on-hook");
}

#[test]
fn a_host_that_reads_nothing_costs_bounded_memory() {
    let mut host = Host::new(8);
    for _ in 0..200 {
        host.now += 100_000;
        host.send(&HostMessage::Ping { token: 1 });
        host.card.advance(host.now);
    }
    let mut bytes = Vec::new();
    assert!(host.card.poll_transmit(&mut bytes) < 100_000);
    host.run(200);
    assert!(host.card.is_connected() && host.clocks.len() > 30);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic_and_the_card_recovers(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..20),
    ) {
        let mut host = Host::unconnected(2, 5);
        host.run(300);
        for chunk in &chunks {
            host.card.handle_bytes(chunk);
            host.run(5);
        }
        host.connect();
        host.run(100);
        prop_assert!(host.descriptor.is_some());
        host.phone().off_hook();
        host.run(300);
        let events = host.line_events();
        prop_assert_eq!(events.last(), Some(&LineEvent::Hook { off: true }));
    }

    /// Whole frames with any command in them: nothing a host can ask breaks the card.
    #[test]
    fn any_command_is_survived(
        commands in proptest::collection::vec((0u8..4, 0u8..12, any::<[u16; 4]>()), 1..40),
    ) {
        let mut host = Host::new(2);
        for (port, kind, [a, b, c, d]) in commands {
            let command = match kind {
                0 => LineCommand::Linefeed(
                    tipring_bridge_proto::Linefeed::from_wire(a as u8 & 7)
                        .unwrap_or(tipring_bridge_proto::Linefeed::Forward),
                ),
                1 => LineCommand::StopRing,
                2 => LineCommand::OpenLoop { ms: a },
                3 => LineCommand::Polarity { reversed: a & 1 == 1 },
                4 => LineCommand::FlashWindow { min_ms: a, max_ms: b },
                5 => LineCommand::Gain { tx_db10: a as i16, rx_db10: b as i16 },
                6 => LineCommand::Unknown(0x50),
                7 => { host.phone().off_hook(); LineCommand::StopRing }
                8 => { host.phone().on_hook(); LineCommand::StopRing }
                _ => {
                    let pairs = [(a % 300, b % 300), (c % 300, d % 300)];
                    let repeat = u8::try_from(a % 3).unwrap_or(0);
                    let cadence = tipring_bridge_proto::Cadence::new(&pairs, repeat)
                        .expect("two pairs");
                    let ring = tipring_bridge_proto::Ring { cadence, frequency_dhz: d };
                    LineCommand::Ring(ring)
                }
            };
            host.command(port, command);
            host.run(u64::from(b % 200));
        }
        host.phone().on_hook();
        host.connect();
        host.run(2000);
        host.events.clear();
        host.phone().off_hook();
        host.run(100);
        let events = host.line_events();
        prop_assert_eq!(events.first(), Some(&LineEvent::Hook { off: true }));
    }
}

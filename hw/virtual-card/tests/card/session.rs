//! Handshake, delivery, watchdog.

use tipring_bridge_proto::{Abilities, Fault, HostMessage, LineCommand, LineEvent, PortKind};
use tipring_virtual_card::Happening;

use crate::host::Host;

#[test]
fn the_card_says_who_it_is_and_how_every_hook_stands() {
    let mut host = Host::unconnected(40, 7);
    host.card.phone(3).expect("port 3").off_hook();
    host.run(500);
    host.connect();
    host.run(100);
    let descriptor = host.descriptor.expect("an answer");
    assert_eq!(descriptor.ports().len(), 40);
    assert_eq!(descriptor.channels, 40);
    let port = descriptor.port(40).expect("port 40");
    assert_eq!((port.kind, port.first_channel, port.channels), (PortKind::Fxs, 39, 1));
    assert!(port.abilities.has(Abilities::FLASH.with(Abilities::PULSE_DIGITS)));
    assert_eq!(descriptor.serial().collect::<String>(), host.card.serial());
    let off: Vec<u8> = host
        .events
        .iter()
        .filter(|(_, _, event)| *event == LineEvent::Hook { off: true })
        .map(|(_, port, _)| *port)
        .collect();
    assert_eq!(off, [3]);
    let hooks = host.line_events().iter().filter(|e| matches!(e, LineEvent::Hook { .. })).count();
    assert_eq!(hooks, 40);
}

#[test]
fn the_serial_number_stays_and_the_boot_id_changes() {
    let mut host = Host::new(1);
    let first = host.descriptor.expect("an answer");
    host.card.unplug();
    host.run(100);
    host.card.plug();
    host.connect();
    host.run(100);
    let second = host.descriptor.expect("an answer");
    assert_eq!(first.serial, second.serial);
    assert_ne!(first.boot, second.boot);
    let mut other = Host::unconnected(1, 2);
    other.connect();
    other.run(10);
    assert_ne!(other.descriptor.expect("an answer").serial, first.serial);
}

#[test]
fn hello_again_keeps_the_session_and_another_number_ends_it() {
    let mut host = Host::new(1);
    let first = host.descriptor.take().expect("an answer");
    host.hello(1, 2000);
    host.run(10);
    assert_eq!(host.descriptor.expect("an answer").began, first.began);
    host.ring(1, &[(5000, 1000)], 0);
    host.run(500);
    assert!(host.phone().is_ringing());
    host.connect();
    host.run(100);
    assert_ne!(host.descriptor.expect("an answer").began, first.began);
    assert!(!host.phone().is_ringing(), "a new session finds its lines at rest");
}

#[test]
fn another_major_version_is_refused() {
    let mut host = Host::unconnected(1, 1);
    host.hello(9, 2000);
    host.run(50);
    assert!(host.descriptor.is_none());
    assert_eq!(host.faults, [Fault::Version { major: 1, minor: 0 }]);
}

#[test]
fn without_a_session_the_card_says_so_now_and_then() {
    let mut host = Host::unconnected(1, 1);
    for _ in 0..100 {
        host.send(&HostMessage::Ping { token: 1 });
        host.run(1);
    }
    assert_eq!(host.pongs, 0);
    assert!((4..=7).contains(&host.faults.len()), "{}", host.faults.len());
    assert!(host.faults.iter().all(|fault| *fault == Fault::NoSession));
}

#[test]
fn pings_are_answered_and_statistics_told() {
    let mut host = Host::new(1);
    host.send(&HostMessage::Ping { token: 5 });
    host.send(&HostMessage::StatsRequest);
    host.run(10);
    assert_eq!(host.pongs, 1);
    let stats = host.stats.expect("statistics");
    assert!(stats.uptime_ms >= 990 && stats.rx_frames > 100, "{stats:?}");
    assert_eq!((stats.crc_errors, stats.unknown, stats.events_dropped), (0, 0, 0));
    assert!(stats.max_loop_us <= 1250);
}

#[test]
fn a_silent_host_is_muted_and_then_loses_its_session() {
    let mut host = Host::new(1);
    host.phone().off_hook();
    host.run(400);
    host.say = vec![0x10; 40_000];
    host.run(100);
    assert_ne!(host.phone().last_block(), &[0; 40]);
    host.dead = true;
    host.run(600);
    assert_eq!(host.phone().last_block(), &[0; 40], "muted after 500 ms");
    assert!(host.card.is_connected());
    host.run(1500);
    assert!(!host.card.is_connected());
    host.dead = false;
    host.run(10);
    assert_eq!(host.faults.last(), Some(&Fault::Watchdog));
    let mut connections = Vec::new();
    while let Some(event) = host.card.poll_event() {
        if let Happening::Host { connected } = event.happening {
            connections.push(connected);
        }
    }
    assert_eq!(connections, [true, false]);
}

#[test]
fn ringing_stops_when_the_host_dies() {
    let mut host = Host::new(1);
    host.ring(1, &[(60_000, 1)], 0);
    host.run(300);
    assert!(host.phone().is_ringing());
    host.dead = true;
    host.run(2100);
    assert!(!host.phone().is_ringing());
}

#[test]
fn a_host_that_acknowledges_nothing_is_left() {
    let mut host = Host::new(1);
    host.deaf = true;
    host.phone().off_hook();
    host.run(1000);
    assert!(host.faults.contains(&Fault::Undelivered), "{:?}", host.faults);
    assert!(!host.card.is_connected());
}

#[test]
fn an_unknown_command_is_answered_as_unsupported() {
    let mut host = Host::new(1);
    host.command(1, LineCommand::Unknown(0x33));
    host.command(77, LineCommand::StopRing);
    host.run(20);
    assert_eq!(host.line_events(), [LineEvent::Unsupported { opcode: 0x33 }]);
}

#[test]
fn the_host_can_restart_the_card() {
    let mut host = Host::new(1);
    let first = host.descriptor.expect("an answer");
    host.send(&HostMessage::Reset);
    host.run(10);
    assert!(!host.card.is_connected());
    host.connect();
    host.run(10);
    assert_ne!(host.descriptor.expect("an answer").boot, first.boot);
}

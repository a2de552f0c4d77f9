//! `Link` against a scripted card, on virtual time, over a wire that may be bad.

use tipring_bridge_proto::*;
use tipring_card::{DownReason, Link, LinkConfig, LinkOutput, SendError};
use tipring_core::{Duration, Instant, PortNumber, Rng};

use crate::scripted_card::{PORTS, ScriptedCard};
use crate::wire::Wire;

#[test]
fn a_card_that_is_plugged_in_is_up_and_heard_within_two_blocks() {
    let mut world = World::new(1, 0.0);
    world.run(10);
    assert!(matches!(world.outputs[..], [LinkOutput::Up(_)]), "{:?}", world.outputs);
    let card = world.link.card().expect("up");
    assert_eq!(card.serial().collect::<String>(), "SCRIPT-1");
    assert_eq!(card.ports().len(), usize::from(PORTS));
    assert!(world.link.counters().pcm_in >= 1);
}

#[test]
fn commands_arrive_once_in_order_though_the_wire_is_bad() {
    for seed in 0..8 {
        let mut world = World::new(seed, 1e-3);
        world.run_until_up();
        let sent: Vec<_> = (0..200).map(|ms| (1, LineCommand::OpenLoop { ms })).collect();
        for (port, command) in &sent {
            world.link.send_command(world.now, PortNumber(*port), *command).expect("taken");
            world.run(2);
        }
        world.run(3_000);
        assert_eq!(world.card.commands, sent, "seed {seed}");
        assert_eq!(world.downs(), [], "seed {seed}");
    }
}

#[test]
fn events_are_given_out_once_in_order_though_the_wire_is_bad() {
    let mut hits = 0;
    for seed in 0..8 {
        let mut world = World::new(seed, 1e-3);
        world.run_until_up();
        let mut said = Vec::new();
        for ms in 0..200 {
            let event = LineEvent::Flash { ms };
            world.card.event(2, event);
            said.push((PortNumber(2), event));
            world.run(3);
        }
        world.run(3_000);
        assert_eq!(world.events(), said, "seed {seed}");
        assert_eq!(world.downs(), [], "seed {seed}");
        hits += world.up.hits + world.down.hits;
    }
    assert!(hits > 500, "the wire was bad: {hits} hits");
}

#[test]
fn at_one_octet_in_ten_thousand_audio_says_exactly_what_is_missing() {
    for seed in 0..4 {
        let mut world = World::new(seed, 1e-4);
        world.run_until_up();
        world.run(20_000);
        let mut next = None;
        for block in &world.blocks {
            let index = u64::from(block.clock / 40);
            if let Some(next) = next {
                assert_eq!(index, next + u64::from(block.missing), "seed {seed}");
            }
            next = Some(index + 1);
            assert_eq!(block.channel(1), &[index as u8; 40], "no wrong audio, seed {seed}");
        }
        let counters = world.link.counters();
        let missing: u64 = world.blocks.iter().map(|block| u64::from(block.missing)).sum();
        assert_eq!(missing, counters.pcm_missing);
        assert!(missing > 0 && missing < 200, "{missing} of 4000 blocks");
        assert_eq!((counters.unknown, counters.malformed, counters.pcm_jumps), (0, 0, 0));
        assert_eq!(world.downs(), [], "seed {seed}");
    }
}

#[test]
fn audio_flows_down_to_the_card() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    for clock in [40, 80, 120] {
        world.link.send_pcm(world.now, &PcmBlock::filled(clock, 2, 0xFF));
        world.run(5);
    }
    assert_eq!(world.card.blocks_down, [40, 80, 120]);
    // A transport that takes nothing for a while gets the newest, not the oldest.
    for clock in (160..).step_by(40).take(6) {
        world.link.send_pcm(world.now, &PcmBlock::filled(clock, 2, 0xFF));
    }
    world.run(5);
    assert_eq!(world.card.blocks_down, [40, 80, 120, 320, 360]);
    assert_eq!(world.link.counters().pcm_out_dropped, 4);
}

#[test]
fn a_pause_of_half_a_second_costs_audio_but_no_call() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.card.hung = true;
    world.run(500);
    world.card.hung = false;
    world.run(300);
    assert_eq!(world.downs(), []);
    let counters = world.link.counters();
    assert_eq!((counters.stalls, counters.suspects, counters.sessions), (1, 1, 1));
    let gap = world.blocks.iter().map(|block| block.missing).max();
    assert!(gap.is_some_and(|gap| (99..=101).contains(&gap)), "{gap:?} blocks missing");
}

#[test]
fn a_hung_card_is_lost_after_a_second_reset_and_back() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.card.hung = true;
    world.run(990);
    assert_eq!(world.downs(), []);
    world.run(30);
    assert_eq!(world.downs(), [DownReason::Silent]);
    assert_eq!(
        world.link.send_command(world.now, PortNumber(1), LineCommand::StopRing),
        Err(SendError::Down)
    );
    world.card.hung = false;
    world.run(250);
    assert!(world.link.card().is_some(), "{}", world.link);
}

#[test]
fn three_hangs_within_a_minute_quarantine_the_card_until_it_answers() {
    let mut world = World::new(1, 0.0);
    for _ in 0..3 {
        world.run_until_up();
        world.card.hung = true;
        world.run(1_100);
        assert!(world.link.card().is_none());
        world.card.hung = false;
    }
    assert_eq!(world.outputs.last(), Some(&LinkOutput::Quarantined));
    assert_eq!(world.link.to_string(), "quarantined");
    let hellos = world.card.hellos;
    world.run(4_000);
    assert_eq!(world.card.hellos, hellos, "no storm of greetings");
    world.run(1_100);
    assert!(world.link.card().is_some(), "{}", world.link);
}

#[test]
fn a_card_that_restarts_is_seen_at_once_and_its_lines_begin_anew() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.card.restart(77);
    world.run(60);
    assert_eq!(world.downs(), [DownReason::Restarted]);
    assert_eq!(world.link.card().map(|card| card.boot), Some(77));
}

#[test]
fn a_card_whose_watchdog_ended_the_session_is_seen_at_once() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.card.end_session();
    world.run(60);
    assert_eq!(world.downs(), [DownReason::SessionLost]);
    assert!(world.link.card().is_some(), "{}", world.link);
}

#[test]
fn a_card_that_answers_but_sends_no_audio_is_lost_after_a_second() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.card.mute = true;
    world.run(1_010);
    assert_eq!(world.downs(), [DownReason::NoAudio]);
    assert_eq!(world.card.resets, 1);
}

#[test]
fn an_unplugged_card_is_down_at_once_and_up_again_when_replugged() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.link.handle_closed(world.now);
    world.collect();
    assert_eq!(world.downs(), [DownReason::Closed]);
    assert_eq!(world.link.poll_timeout(), None);
    world.card.restart(2);
    world.card.take_wire();
    world.link.handle_opened(world.now);
    world.run(20);
    assert_eq!(world.link.card().map(|card| card.boot), Some(2));
}

#[test]
fn a_card_of_another_version_is_refused_and_asked_again_every_five_seconds() {
    let mut world = World::new(1, 0.0);
    world.card.major = 2;
    world.run(20_000);
    assert_eq!(world.outputs, [LinkOutput::Refused { major: 2, minor: 0 }]);
    assert!((4..=6).contains(&world.card.hellos), "{} hellos", world.card.hellos);
    world.card.major = PROTOCOL_MAJOR;
    world.run(5_100);
    assert!(world.link.card().is_some(), "it was updated: {}", world.link);
}

#[test]
fn a_host_that_was_not_run_for_two_seconds_does_not_blame_the_card() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    world.run(100);
    world.now += Duration::from_secs(2);
    // The timer comes before the octets that have piled up.
    world.link.handle_timeout(world.now);
    world.run(100);
    assert_eq!(world.downs(), []);
    assert_eq!(world.link.counters().late_wakeups, 1);
}

#[test]
fn a_port_that_the_card_does_not_have_is_refused() {
    let mut world = World::new(1, 0.0);
    world.run_until_up();
    for port in [0, PORTS + 1, 255] {
        assert_eq!(
            world.link.send_command(world.now, PortNumber(port), LineCommand::StopRing),
            Err(SendError::NoSuchPort)
        );
    }
    world.card.event(PORTS + 1, LineEvent::RingTrip);
    world.card.event(1, LineEvent::Unknown(0x70));
    world.card.event(1, LineEvent::RingTrip);
    world.run(20);
    assert_eq!(world.events(), [(PortNumber(1), LineEvent::RingTrip)]);
    assert_eq!(world.link.counters().events_unknown, 2);
}

#[test]
fn a_wire_of_one_octet_in_a_hundred_ends_sessions_but_lies_never() {
    let mut world = World::new(3, 1e-2);
    for ms in 0..100 {
        world.run(50);
        world.card.event(1, LineEvent::Flash { ms });
    }
    let mut last = None;
    for (_, event) in world.events() {
        let LineEvent::Flash { ms } = event else { panic!("{event:?} was never said") };
        assert!(last < Some(ms), "in order and once");
        last = Some(ms);
    }
    assert!(last.is_some());
    for block in &world.blocks {
        assert_eq!(block.channel(0), &[(block.clock / 40) as u8; 40], "no wrong audio");
    }
}

struct World {
    now: Instant,
    link: Link,
    card: ScriptedCard,
    up: Wire,
    down: Wire,
    outputs: Vec<LinkOutput>,
    blocks: Vec<PcmBlock>,
}

impl World {
    fn new(seed: u64, rate: f64) -> Self {
        let config = LinkConfig { rng: Rng::new(seed), watchdog_ms: WATCHDOG_MS };
        let mut world = Self {
            now: Instant::ZERO,
            link: Link::new(config),
            card: ScriptedCard::new(1),
            up: Wire::new(seed, rate),
            down: Wire::new(seed ^ 0xD0, rate),
            outputs: Vec::new(),
            blocks: Vec::new(),
        };
        world.link.handle_opened(world.now);
        world
    }

    /// Lives on for so many milliseconds, one at a time.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += Duration::from_millis(1);
            let mut octets = Vec::new();
            while self.link.poll_transmit(&mut octets).is_some() {}
            self.card.handle_bytes(self.now, &self.down.carry(&octets));
            self.card.advance(self.now);
            let octets = self.up.carry(&self.card.take_wire());
            self.link.handle_bytes(self.now, &octets);
            if self.link.poll_timeout().is_some_and(|at| at <= self.now) {
                self.link.handle_timeout(self.now);
            }
            self.collect();
        }
    }

    fn run_until_up(&mut self) {
        for _ in 0..1_000 {
            if self.link.card().is_some() {
                return;
            }
            self.run(10);
        }
        panic!("not up: {}", self.link);
    }

    fn collect(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.link.poll_output()));
        self.blocks.extend(std::iter::from_fn(|| self.link.poll_pcm()));
    }

    fn downs(&self) -> Vec<DownReason> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                LinkOutput::Down(reason) => Some(*reason),
                _ => None,
            })
            .collect()
    }

    fn events(&self) -> Vec<(PortNumber, LineEvent)> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                LinkOutput::Event { port, event, .. } => Some((*port, *event)),
                _ => None,
            })
            .collect()
    }
}

//! Transition tables of a port: start-up, ringing, and the phases of the whole.

use std::format;
use std::string::String;
use std::vec::Vec;

use tipring_bridge_proto::{Cadence, Linefeed as Feed, Ring};

use tipring_chips::si3210::indirect;

use super::*;
use crate::tests::Paper;

/// A chip as a reset leaves it.
fn paper() -> Paper {
    let mut paper = Paper::default();
    paper.reset_chips();
    paper
}

/// A chip whose indirect registers were written, ready for power.
fn written() -> Paper {
    let (mut paper, mut startup) = (paper(), Startup::Identify);
    for _ in 0..100 {
        if !matches!(startup, Startup::Identify | Startup::Indirect { .. }) {
            break;
        }
        startup.poll(0, Law::Mu, &mut Chip::new(&mut paper, 0)).expect("a good chip");
    }
    // What is read back first.
    Chip::new(&mut paper, 0).write(reg::INDIRECT_ADDRESS, indirect::RING_OFFSET);
    paper.writes.clear();
    paper
}

fn writes(paper: &Paper) -> String {
    let writes: Vec<_> = paper.writes.iter().map(|(r, v)| format!("R{r}={v:02X}")).collect();
    writes.join(" ")
}

#[test]
fn startup_transitions() {
    let states = [
        Startup::Identify,
        Startup::Indirect { next: 0, deadline: 1_000 },
        Startup::Indirect { next: 10, deadline: 1_000 },
        Startup::Verify { next: 0, asked: false, deadline: 1_000 },
        Startup::Verify { next: 0, asked: true, deadline: 1_000 },
        Startup::Verify { next: 10, asked: false, deadline: 1_000 },
        Startup::PowerUp { deadline: 1_000 },
        Startup::Calibrate { deadline: 1_000 },
        Startup::Converter { deadline: 1_000 },
    ];
    let chips: [StuckChip<'_>; 10] = [
        ("good", 0, &[]),
        ("good, deadline", 1_000, &[]),
        ("in service before", 0, &[(reg::LOOPBACK, 0)]),
        ("forgets R11", 0, &[(reg::LOOPBACK, 0), (reg::HYBRID, 0)]),
        ("indirect busy", 0, &[(reg::INDIRECT_STATUS, 1)]),
        ("forgets indirect", 0, &[(reg::INDIRECT_DATA_LO, 0x55)]),
        ("battery low", 0, &[(reg::BATTERY_SENSE_1, 0x20)]),
        ("battery low, deadline", 1_000, &[(reg::BATTERY_SENSE_1, 0x20)]),
        ("calibrating", 0, &[(reg::CALIBRATION_1, 0x40), (reg::DCDC_CONTROL, 0x80)]),
        ("calibrating, deadline", 1_000, &[(reg::CALIBRATION_1, 0x40), (reg::DC_PEAK, 0x0E)]),
    ];
    let mut table = String::new();
    for state in states {
        for (name, now, stuck) in chips {
            let mut paper =
                if matches!(state, Startup::Verify { .. }) { written() } else { paper() };
            paper.stuck.extend(stuck.iter().copied());
            table += &startup_row(state, name, now, paper);
        }
        let mut nothing = paper();
        nothing.absent = true;
        table += &startup_row(state, "absent", 0, nothing);
    }
    insta::assert_snapshot!(table);
}

/// Its name, the time in µs, and registers that read as they do.
type StuckChip<'a> = (&'a str, u64, &'a [(u8, u8)]);

fn startup_row(state: Startup, name: &str, now: u64, mut paper: Paper) -> String {
    let mut after = state;
    let said = match after.poll(now, Law::Mu, &mut Chip::new(&mut paper, 0)) {
        Ok(true) => "in service".into(),
        Ok(false) => format!("{after:?}"),
        Err(fault) => format!("fault {fault:?}"),
    };
    format!("{state:?} | {name} -> {said} | {}\n", writes(&paper))
}

/// One burst of 1 s, a pause of 2 s, one burst of 0.5 s, a pause of 4 s; for ever or once.
fn ring(for_ever: bool) -> Ring {
    let cadence = Cadence::new(&[(1000, 2000), (500, 4000)], if for_ever { 0 } else { 2 });
    Ring { cadence: cadence.expect("two pairs"), frequency_dhz: 200 }
}

/// Ringing that was polled each 1.25 ms until `until`, µs.
fn ringing(for_ever: bool, until: u64, paper: &mut Paper) -> Ringing {
    let mut ringing = Ringing::new(ring(for_ever));
    for now in (0..until).step_by(1250) {
        ringing.poll(now, &mut Chip::new(paper, 0));
    }
    ringing
}

#[test]
fn a_chip_that_is_pulled_out_while_it_starts_up_is_missed() {
    for polls in 0..400 {
        let mut bench = Bench::new("startup");
        bench.run_polls(polls);
        bench.events.clear();
        if !matches!(bench.port.phase, Phase::Startup(_)) {
            assert!(polls > 25, "in service after {polls} polls");
            return;
        }
        bench.paper.absent = true;
        bench.run(2_600);
        let fault = bench.events.iter().any(|event| matches!(event, LineEvent::Fault { .. }));
        assert!(fault, "after {polls} polls: {:?}", bench.port.phase);
    }
    panic!("it never came into service");
}

#[test]
fn ringing_transitions() {
    // The first burst begins at 3.75 ms, once three indirect registers are written.
    let states = [
        ("Tuning", 0),
        ("Tuning, written", 3_750),
        ("Burst, first", 500_000),
        ("Pause, first", 1_500_000),
        ("Burst, second", 3_200_000),
        ("Pause, second", 4_000_000),
    ];
    // When the next poll comes, µs later.
    let polls = [("soon", 0), ("1 s", 1_000_000), ("2 s", 2_000_000), ("4 s", 4_000_000)];
    let mut table = String::new();
    for (state, until) in states {
        for for_ever in [true, false] {
            for (name, later) in polls {
                let mut paper = paper();
                let mut ringing = ringing(for_ever, until, &mut paper);
                paper.writes.clear();
                let edge = ringing.poll(until + later, &mut Chip::new(&mut paper, 0));
                let on = if ringing.is_on() { "on" } else { "off" };
                let quiet = if ringing.is_quiet(until + later) { ", quiet" } else { "" };
                let cadence = if for_ever { "for ever" } else { "once" };
                let edge = edge.map_or_else(|| "-".into(), |edge| format!("{edge:?}"));
                let writes = writes(&paper);
                table +=
                    &format!("{state}, {cadence} | {name} -> {edge} | {on}{quiet} | {writes}\n");
            }
        }
        let mut paper = paper();
        let mut ringing = ringing(true, until, &mut paper);
        paper.writes.clear();
        paper.stuck.insert(reg::INDIRECT_STATUS, 1);
        let edge = ringing.poll(until, &mut Chip::new(&mut paper, 0));
        table += &format!("{state} | indirect busy -> {edge:?} | {}\n", writes(&paper));
    }
    insta::assert_snapshot!(table);
}

/// A port on a chip, at a time.
struct Bench {
    port: FxsPort,
    paper: Paper,
    now: u64,
    events: Vec<LineEvent>,
}

impl Bench {
    fn new(state: &str) -> Self {
        let mut bench = Self { port: FxsPort::new(), paper: paper(), now: 0, events: Vec::new() };
        if state == "startup" {
            return bench;
        }
        if state == "failed" {
            bench.paper.absent = true;
            bench.run(1);
            bench.paper.absent = false;
        } else {
            bench.run(1_000);
            match state {
                "off-hook" => bench.close_loop(true),
                "burst" => bench.command(&LineCommand::Ring(ring(true))),
                "pause" => bench.command(&LineCommand::Ring(ring(true))),
                "open loop" => bench.command(&LineCommand::OpenLoop { ms: 800 }),
                _ => {}
            }
            bench.run(if state == "pause" { 1_200 } else { 400 });
        }
        assert!(bench.state().starts_with(state), "{state}: {}", bench.state());
        bench.events.clear();
        bench.paper.writes.clear();
        bench
    }

    fn close_loop(&mut self, closed: bool) {
        self.paper.stuck.insert(reg::DETECT, if closed { detect::LOOP_CLOSED } else { 0 });
        self.paper.stuck.insert(reg::LOOP_CURRENT, if closed { 0x10 } else { 0 });
    }

    fn command(&mut self, command: &LineCommand) {
        let mut chip = Chip::new(&mut self.paper, 0);
        self.events.extend(self.port.handle_command(self.now, &mut chip, command));
    }

    fn run(&mut self, ms: u64) {
        self.run_polls((ms * 1000).div_ceil(crate::POLL_MICROS));
    }

    fn run_polls(&mut self, polls: u64) {
        for _ in 0..polls {
            let events = &mut self.events;
            let mut chip = Chip::new(&mut self.paper, 0);
            self.port.poll(self.now, Law::Mu, &mut chip, |event| events.push(event));
            self.now += crate::POLL_MICROS;
        }
    }

    fn state(&self) -> String {
        let phase = match self.port.phase {
            Phase::Startup(_) => "startup",
            Phase::Failed { .. } => "failed",
            Phase::Service if self.port.open_until.is_some() => "open loop",
            Phase::Service => match &self.port.ringing {
                Some(ringing) if ringing.is_on() => "burst",
                Some(_) => "pause",
                None if self.port.hook.is_off_hook() => "off-hook",
                None => "on-hook",
            },
        };
        format!("{phase}, {:?}", self.port.feed)
    }
}

#[test]
fn port_transitions() {
    let states = ["startup", "on-hook", "off-hook", "burst", "pause", "open loop", "failed"];
    let commands = [
        LineCommand::Linefeed(Feed::Reverse),
        LineCommand::Ring(ring(true)),
        LineCommand::StopRing,
        LineCommand::OpenLoop { ms: 800 },
        LineCommand::Polarity { reversed: true },
        LineCommand::FlashWindow { min_ms: 80, max_ms: 600 },
        LineCommand::Gain { tx_db10: -35, rx_db10: 35 },
        LineCommand::Impedance(Impedance::Ohm900),
        LineCommand::Unknown(0x55),
    ];
    let happenings: [Happening; 11] = [
        ("poll", 1, |_| {}),
        ("500 ms", 500, |_| {}),
        ("1.1 s", 1_100, |_| {}),
        ("loop closes", 50, |b| b.close_loop(true)),
        ("loop opens", 1_500, |b| b.close_loop(false)),
        ("loop open for 500 ms", 50, |b| {
            b.close_loop(false);
            b.run(500);
            b.close_loop(true);
        }),
        ("ring trip", 50, |b| {
            b.paper.stuck.insert(reg::DETECT, detect::RING_TRIP | detect::LOOP_CLOSED);
        }),
        ("chip gone", 150, |b| b.paper.absent = true),
        ("settings lost", 150, |b| {
            b.paper.stuck.insert(reg::LOOPBACK, 0x02);
        }),
        ("chip opens the line", 5, |b| {
            b.paper.stuck.extend([(reg::LINEFEED, 0), (reg::INTERRUPT_STATUS_2, 0x14)]);
        }),
        ("session ends", 5, |b| {
            let mut chip = Chip::new(&mut b.paper, 0);
            b.port.make_safe(b.now, &mut chip);
        }),
    ];
    let mut table = String::new();
    for state in states {
        for command in &commands {
            let mut bench = Bench::new(state);
            bench.command(command);
            bench.run(20);
            let name = format!("{command:?}");
            let name = name.split(['(', '{']).next().unwrap_or_default().trim();
            table += &port_row(state, name, &bench);
        }
        for (name, ms, happen) in happenings {
            let mut bench = Bench::new(state);
            happen(&mut bench);
            bench.run(ms);
            table += &port_row(state, name, &bench);
        }
    }
    insta::assert_snapshot!(table);
}

/// Its name, how long to wait after it, ms, and what it does.
type Happening = (&'static str, u64, fn(&mut Bench));

/// The state after, what the host is told, and what the chip's line-feed, gain and impedance registers were told.
fn port_row(state: &str, name: &str, bench: &Bench) -> String {
    let told: Vec<_> = bench.events.iter().map(|event| format!("{event:?}")).collect();
    let interesting = [reg::LINEFEED, reg::AUDIO_GAIN, reg::TWO_WIRE_IMPEDANCE];
    let mut written: Vec<_> =
        bench.paper.writes.iter().filter(|(r, _)| interesting.contains(r)).collect();
    written.dedup();
    let written: Vec<_> = written.iter().map(|(r, v)| format!("R{r}={v:02X}")).collect();
    let (told, written) = (told.join(", "), written.join(" "));
    format!("{state} | {name} -> {} | {told} | {written}\n", bench.state())
}

//! Every state of a link against everything that can happen to it, for the eye to judge.

use std::fmt::Write;

use tipring_bridge_proto::*;
use tipring_card::{Link, LinkConfig, LinkOutput};
use tipring_core::{Duration, Instant, PortNumber, Rng};

use crate::scripted_card::{descriptor, encoded};

const STATES: [&str; 6] = ["closed", "greeting", "refused", "quarantined", "up", "suspect"];
const EVENTS: [&str; 21] = [
    "opened",
    "closed",
    "hello ack",
    "hello ack of another session",
    "hello ack of another version",
    "hello ack of another boot",
    "hello ack of another beginning",
    "event",
    "event of another session",
    "ack",
    "pong",
    "pcm",
    "fault: version",
    "fault: no session",
    "fault: watchdog",
    "fault: temperature",
    "garbage",
    "next timer",
    "silence of 1 s",
    "command",
    "command never acknowledged",
];

#[test]
fn each_state_answers_each_event_so() {
    let mut table = String::new();
    for state in STATES {
        writeln!(table, "{state}").expect("writes");
        for event in EVENTS {
            let mut world = World::in_state(state);
            world.happen(event);
            writeln!(table, "  {event}: {}", world.tell()).expect("writes");
        }
    }
    insta::assert_snapshot!(table);
}

struct World {
    now: Instant,
    link: Link,
    /// The session that the link offered last.
    session: u32,
    sent: Vec<&'static str>,
}

impl World {
    fn in_state(state: &str) -> Self {
        let config = LinkConfig { rng: Rng::new(1), watchdog_ms: WATCHDOG_MS };
        let mut world =
            Self { now: Instant::ZERO, link: Link::new(config), session: 0, sent: Vec::new() };
        if state != "closed" {
            world.happen("opened");
        }
        match state {
            "closed" | "greeting" => {}
            "refused" => world.happen("hello ack of another version"),
            "quarantined" => {
                for _ in 0..3 {
                    world.happen("hello ack");
                    world.happen("silence of 1 s");
                }
            }
            "up" => world.happen("hello ack"),
            "suspect" => {
                world.happen("hello ack");
                world.happen("fault: no session");
            }
            _ => unreachable!("a state of the list"),
        }
        assert!(world.link.to_string().starts_with(state), "{state}: {}", world.link);
        world.sent.clear();
        while world.link.poll_output().is_some() {}
        world
    }

    fn happen(&mut self, what: &str) {
        let (id, flash) = (self.session, LineEvent::Flash { ms: 300 });
        let event =
            |session| CardMessage::Event { session, seq: 0, clock: 0, port: 1, event: flash };
        match what {
            "opened" => self.link.handle_opened(self.now),
            "closed" => self.link.handle_closed(self.now),
            "hello ack" => self.hear(&CardMessage::HelloAck(descriptor(1, id, 7, 0))),
            "hello ack of another session" => {
                self.hear(&CardMessage::HelloAck(descriptor(1, !id, 7, 0)));
            }
            "hello ack of another version" => {
                self.hear(&CardMessage::HelloAck(descriptor(2, id, 7, 0)));
            }
            "hello ack of another boot" => {
                self.hear(&CardMessage::HelloAck(descriptor(1, id, 8, 0)));
            }
            "hello ack of another beginning" => {
                self.hear(&CardMessage::HelloAck(descriptor(1, id, 7, 80)));
            }
            "event" => self.hear(&event(id)),
            "event of another session" => self.hear(&event(!id)),
            "ack" => self.hear(&CardMessage::Ack { session: id, next: 0 }),
            "pong" => self.hear(&CardMessage::Pong { token: 0, clock: 0 }),
            "pcm" => {
                let block = PcmBlock::filled(0, 2, 0xFF);
                self.hear(&CardMessage::Pcm { seq: 0, pcm: block.as_pcm() });
            }
            "fault: version" => {
                self.hear(&CardMessage::Fault(Fault::Version { major: 2, minor: 0 }));
            }
            "fault: no session" => self.hear(&CardMessage::Fault(Fault::NoSession)),
            "fault: watchdog" => self.hear(&CardMessage::Fault(Fault::Watchdog)),
            "fault: temperature" => {
                self.hear(&CardMessage::Fault(Fault::Temperature { celsius: 90 }));
            }
            "garbage" => self.link.handle_bytes(self.now, b"garbage\0garbage"),
            "next timer" => self.until(|world| !world.sent.is_empty()),
            "silence of 1 s" => {
                let end = self.now + Duration::from_secs(1);
                self.until(|world| world.now >= end);
            }
            "command" => {
                let sent = self.link.send_command(self.now, PortNumber(1), LineCommand::StopRing);
                if sent.is_err() {
                    self.sent.push("(not taken)");
                }
            }
            "command never acknowledged" => {
                self.happen("command");
                let end = self.now + Duration::from_millis(600);
                self.until(|world| {
                    world.happen("pong");
                    world.now >= end
                });
            }
            _ => unreachable!("an event of the list"),
        }
        self.collect_sent();
    }

    fn hear(&mut self, message: &CardMessage<'_>) {
        self.link.handle_bytes(self.now, &encoded(message));
    }

    /// Lets time go from timer to timer.
    fn until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        while !done(self) {
            let Some(at) = self.link.poll_timeout() else { return };
            self.now = at;
            self.link.handle_timeout(self.now);
            self.collect_sent();
        }
    }

    fn collect_sent(&mut self) {
        let mut octets = Vec::new();
        while self.link.poll_transmit(&mut octets).is_some() {}
        let (session, sent) = (&mut self.session, &mut self.sent);
        Decoder::new().feed(&octets, |frame| {
            let name = match HostMessage::decode(&frame).expect("the host says what it can read") {
                HostMessage::Hello(hello) => {
                    let same = hello.session == *session;
                    *session = hello.session;
                    if same { "Hello (same session)" } else { "Hello (new session)" }
                }
                HostMessage::Start => "Start",
                HostMessage::Stop => "Stop",
                HostMessage::Command { .. } => "Command",
                HostMessage::Ack { .. } => "Ack",
                HostMessage::Ping { .. } => "Ping",
                HostMessage::StatsRequest => "StatsRequest",
                HostMessage::Reset => "Reset",
                HostMessage::Pcm { .. } => "Pcm",
            };
            if !sent.contains(&name) {
                sent.push(name);
            }
        });
    }

    /// State, outputs, what was sent (each kind once).
    fn tell(&mut self) -> String {
        let state = self.link.to_string();
        let mut told = state.split([',', ':']).next().unwrap_or_default().to_owned();
        while let Some(output) = self.link.poll_output() {
            let output = match output {
                LinkOutput::Up(_) => "Up".to_owned(),
                output => format!("{output:?}"),
            };
            write!(told, "; {output}").expect("writes");
        }
        if !self.sent.is_empty() {
            write!(told, " → {}", self.sent.join(", ")).expect("writes");
        }
        told
    }
}

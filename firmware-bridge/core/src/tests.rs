//! The firmware on a board of paper: what it writes to a chip, and what it answers a host in every state.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use tipring_bridge_proto::{
    BLOCK_SAMPLES, CardMessage, Decoder, Hello, HostMessage, Law, LineCommand, MAX_FRAME, Pcm,
};
use tipring_chips::si3210::reg;

use crate::{Board, Firmware, POLL_MICROS};

/// A chip that does at once what it is asked, and a list of what that was.
#[derive(Default)]
pub(crate) struct Paper {
    registers: BTreeMap<u8, u8>,
    indirect: BTreeMap<u8, u16>,
    /// Registers and values, in order.
    pub(crate) writes: Vec<(u8, u8)>,
    /// Registers that read so whatever is written.
    pub(crate) stuck: BTreeMap<u8, u8>,
    /// Whether nothing answers: an empty socket.
    pub(crate) absent: bool,
}

impl Board for Paper {
    fn fxs_chips(&self) -> u8 {
        1
    }

    fn law(&self) -> Law {
        Law::Mu
    }

    fn serial(&self) -> [u8; 16] {
        *b"PAPER-0000000001"
    }

    fn reset_chips(&mut self) {
        self.registers = BTreeMap::from([
            (reg::ID, 0x05),
            (reg::LOOPBACK, 0x02),
            (reg::HYBRID, 0x33),
            (reg::BATTERY_SENSE_1, 0xC7),
            (reg::DC_PEAK, 0x08),
        ]);
    }

    fn read(&mut self, _chip: u8, register: u8) -> u8 {
        if self.absent {
            return 0xFF;
        }
        self.stuck.get(&register).or(self.registers.get(&register)).copied().unwrap_or(0)
    }

    fn write(&mut self, _chip: u8, register: u8, value: u8) {
        self.writes.push((register, value));
        let stored = match register {
            reg::CALIBRATION_1 => 0,
            reg::DCDC_CONTROL => value & 0x7F,
            _ => value,
        };
        self.registers.insert(register, stored);
        if register == reg::INDIRECT_ADDRESS {
            self.access(value);
        }
    }
}

impl Paper {
    /// Stores what was written first; when nothing was, fetches.
    fn access(&mut self, address: u8) {
        let written = self.writes.iter().rev().nth(1).map(|(register, _)| *register);
        if written == Some(reg::INDIRECT_DATA_HI) {
            let data = [reg::INDIRECT_DATA_LO, reg::INDIRECT_DATA_HI].map(|r| self.registers[&r]);
            self.indirect.insert(address, u16::from_le_bytes(data));
        } else {
            let [low, high] = self.indirect.get(&address).copied().unwrap_or(0).to_le_bytes();
            self.registers.insert(reg::INDIRECT_DATA_LO, low);
            self.registers.insert(reg::INDIRECT_DATA_HI, high);
        }
    }
}

fn firmware() -> Firmware<Paper, 1> {
    Firmware::new(Paper::default(), 0xB007)
}

fn poll_until(firmware: &mut Firmware<Paper, 1>, from: u64, to: u64) {
    for now in (from..=to).step_by(POLL_MICROS as usize) {
        firmware.poll(now);
    }
}

#[test]
fn a_chip_is_brought_up_in_the_order_of_its_data_sheet() {
    let mut firmware = firmware();
    poll_until(&mut firmware, 0, 100_000);
    let mut lines = String::new();
    for (register, value) in &firmware.board().writes {
        lines += &format!("R{register} = {value:02X}\n");
    }
    insta::assert_snapshot!(lines);
}

/// A state of the session machine: what the host has said to get there.
fn in_state(state: &str) -> Firmware<Paper, 1> {
    let mut firmware = firmware();
    poll_until(&mut firmware, 0, 1_000_000);
    if state != "no session" {
        say(&mut firmware, 1_000_000, &hello(1, 7));
        poll_until(&mut firmware, 1_000_000, 1_010_000);
    }
    if state == "streaming" {
        say(&mut firmware, 1_010_000, &HostMessage::Start);
    }
    answers(&mut firmware, 1_010_000);
    firmware
}

fn hello(major: u8, session: u32) -> HostMessage<'static> {
    HostMessage::Hello(Hello { major, minor: 0, session, watchdog_ms: 2000 })
}

fn say(firmware: &mut Firmware<Paper, 1>, now: u64, message: &HostMessage<'_>) {
    let mut frame = [0; MAX_FRAME];
    let len = message.encode(&mut frame).expect("a frame fits");
    firmware.handle_bytes(now, &frame[..len]);
}

/// What the card sends, by name.
fn answers(firmware: &mut Firmware<Paper, 1>, now: u64) -> Vec<String> {
    let (mut decoder, mut names) = (Decoder::new(), Vec::new());
    let mut buffer = [0; 64];
    loop {
        let len = firmware.poll_transmit(now, &mut buffer);
        if len == 0 {
            return names;
        }
        decoder.feed(&buffer[..len], |frame| {
            names.push(match CardMessage::decode(&frame).expect("the card's own protocol") {
                CardMessage::HelloAck(card) => {
                    format!("HelloAck session {} began {}", card.session, card.began)
                }
                CardMessage::Event { port, event, .. } => format!("port {port} {event:?}"),
                CardMessage::Ack { next, .. } => format!("Ack {next}"),
                CardMessage::Pong { token, .. } => format!("Pong {token}"),
                CardMessage::Stats(_) => "Stats".into(),
                CardMessage::Fault(fault) => format!("Fault {fault:?}"),
                CardMessage::Pcm { .. } => "Pcm".into(),
            });
        });
    }
}

#[test]
fn session_transitions() {
    let command = |session, command| HostMessage::Command { session, seq: 0, port: 1, command };
    let channels = [[0x10; BLOCK_SAMPLES]];
    let pcm = Pcm { clock: 0, fill: 0, underruns: 0, channels: &channels };
    let events: [(&str, Option<HostMessage<'_>>); 13] = [
        ("Hello, new session", Some(hello(1, 8))),
        ("Hello, same", Some(hello(1, 7))),
        ("Hello, version 2", Some(hello(2, 7))),
        ("Start", Some(HostMessage::Start)),
        ("Stop", Some(HostMessage::Stop)),
        ("Command", Some(command(7, LineCommand::StopRing))),
        ("Command, unknown", Some(command(7, LineCommand::Unknown(0x55)))),
        ("Command, other session", Some(command(9, LineCommand::StopRing))),
        ("Ping", Some(HostMessage::Ping { token: 3 })),
        ("StatsRequest", Some(HostMessage::StatsRequest)),
        ("Pcm", Some(HostMessage::Pcm { seq: 0, pcm })),
        ("Reset", Some(HostMessage::Reset)),
        ("2 s silence", None),
    ];
    let mut table = String::new();
    for state in ["no session", "idle", "streaming"] {
        for (event, message) in &events {
            let mut firmware = in_state(state);
            let mut now = 1_010_000;
            say(&mut firmware, now, &HostMessage::Ack { session: 7, next: 1 });
            answers(&mut firmware, now);
            // Far enough for another "no session".
            now += 30_000;
            match message {
                Some(message) => say(&mut firmware, now, message),
                None => now += 2_000_000,
            }
            firmware.poll(now);
            let mut down = [[0; BLOCK_SAMPLES]];
            firmware.handle_block(now, &[[0x20; BLOCK_SAMPLES]], &mut down);
            let said = answers(&mut firmware, now).join(", ");
            let after = match (firmware.wants_reset(), firmware.is_connected()) {
                (true, _) => "restart",
                (false, true) => "session",
                (false, false) => "no session",
            };
            table += &format!("{state:10} | {event:22} -> {after:10} | {said}\n");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_port_beyond_the_board_is_not_there() {
    let mut firmware = in_state("idle");
    for port in [0, 2, 255] {
        let command = LineCommand::StopRing;
        say(&mut firmware, 1_010_000, &HostMessage::Command { session: 7, seq: 0, port, command });
    }
    assert_eq!(firmware.stats(1_010_000).unknown, 1, "one new command, then its repetitions");
}

#[test]
fn a_board_without_chips_answers_and_says_so() {
    let mut firmware = firmware();
    firmware.board().registers = (0..=127).map(|register| (register, 0xFF)).collect();
    say(&mut firmware, 0, &hello(1, 7));
    poll_until(&mut firmware, 0, 10_000);
    let said = answers(&mut firmware, 10_000);
    assert!(said.contains(&"port 1 Fault { code: 1 }".into()), "{said:?}");
}

//! The card.
//!
//! | event \ life | Running                       | Hung               | Unplugged          |
//! |--------------|-------------------------------|--------------------|--------------------|
//! | host bytes   | to the firmware               | lost               | lost               |
//! | step         | lines, firmware, bytes out    | lines, no audio    | lines without power |
//! | unplug       | → Unplugged                   | → Unplugged        | –                  |
//! | plug         | –                             | –                  | boot → Running     |
//! | hang         | → Hung                        | –                  | –                  |
//! | reset, or the host's Reset | boot → Running  | boot → Running     | –                  |

use std::collections::VecDeque;

use tipring_core::Rng;
use tipring_firmware::Firmware;
use tipring_hw_models::{BLOCK_SAMPLES, FxsLine, PhoneSet, STEP_MICROS, STEP_SAMPLES};

use crate::board::SimBoard;
use crate::control::{Happening, WorldEvent};
use crate::noise::Noise;
use crate::spec::CardSpec;

/// A card with its phones.
///
/// Time outside is µs of any clock that does not run backwards, from 0 at construction. The card's own clock may be
/// detuned against it ([`VirtualCard::drift`]); events carry the card's.
pub struct VirtualCard {
    life: Life,
    rng: Rng,
    down: Vec<[u8; BLOCK_SAMPLES]>,
    up: Vec<[u8; BLOCK_SAMPLES]>,
    /// Steps of the card's clock so far.
    steps: u64,
    /// When the next step is due outside, in ps.
    next_step_ps: u128,
    step_ps: u128,
    uplink: Wire,
    downlink: Wire,
    connected: bool,
    events: VecDeque<WorldEvent>,
    events_lost: u64,
}

enum Life {
    Running(Box<Mcu>),
    Hung(Box<Mcu>),
    Unplugged(SimBoard),
}

type Mcu = Firmware<SimBoard, { CardSpec::MAX_FXS as usize }>;

/// One direction of the serial line, with what waits in it.
struct Wire {
    noise: Noise,
    bytes: Vec<u8>,
}

impl VirtualCard {
    /// A card that is plugged in and boots. The same seed gives the same serial number and the same mishaps.
    pub fn new(spec: &CardSpec, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut serial = [0; 16];
        let text = format!("TPVC{:012X}", rng.next_u64() & 0xFFFF_FFFF_FFFF);
        serial.copy_from_slice(text.as_bytes());
        let fxs = usize::from(spec.fxs.clamp(1, CardSpec::MAX_FXS));
        let silence = spec.law.silence();
        let mut card = Self {
            life: Life::Unplugged(SimBoard {
                lines: vec![FxsLine::default(); fxs],
                law: spec.law,
                serial,
            }),
            uplink: Wire { noise: Noise::new(rng.fork()), bytes: Vec::new() },
            downlink: Wire { noise: Noise::new(rng.fork()), bytes: Vec::new() },
            rng,
            down: vec![[silence; BLOCK_SAMPLES]; fxs],
            up: vec![[silence; BLOCK_SAMPLES]; fxs],
            steps: 0,
            next_step_ps: u128::from(STEP_MICROS) * PS_PER_MICRO,
            step_ps: u128::from(STEP_MICROS) * PS_PER_MICRO,
            connected: false,
            events: VecDeque::new(),
            events_lost: 0,
        };
        card.boot();
        card
    }

    /// Octets from the host.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let now = self.card_micros();
        let Life::Running(mcu) = &mut self.life else {
            return;
        };
        self.downlink.bytes.clear();
        self.downlink.noise.pass(bytes, &mut self.downlink.bytes);
        mcu.handle_bytes(now, &self.downlink.bytes);
        self.drain();
        self.after_firmware();
    }

    /// Time has come to `to`, µs: every step until then is made, 1.25 ms of the card each.
    pub fn advance(&mut self, to: u64) {
        let to_ps = u128::from(to) * PS_PER_MICRO;
        while self.next_step_ps <= to_ps {
            self.step();
            self.next_step_ps += self.step_ps;
        }
    }

    /// When the next step is due, µs: [`VirtualCard::advance`] does nothing before.
    pub fn poll_timeout(&self) -> u64 {
        u64::try_from(self.next_step_ps.div_ceil(PS_PER_MICRO)).unwrap_or(u64::MAX)
    }

    /// Appends what the card has sent to `out`; the octets appended.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> usize {
        let count = self.uplink.bytes.len();
        out.append(&mut self.uplink.bytes);
        count
    }

    /// What happened in the card's world, in order.
    pub fn poll_event(&mut self) -> Option<WorldEvent> {
        self.events.pop_front()
    }

    /// Events thrown away because nobody took them.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// The phone at a port, 1-based.
    pub fn phone(&mut self, port: u8) -> Option<&mut PhoneSet> {
        self.line(port).map(|line| &mut line.phone)
    }

    /// Chip, wires and phone of a port, 1-based.
    pub fn line(&mut self, port: u8) -> Option<&mut FxsLine> {
        let index = usize::from(port).checked_sub(1)?;
        self.board().lines.get_mut(index)
    }

    /// How many ports the card has.
    pub fn ports(&self) -> u8 {
        self.down.len() as u8
    }

    /// The board's serial number.
    pub fn serial(&mut self) -> String {
        self.board().serial.iter().map(|byte| char::from(*byte)).collect()
    }

    /// The card's own clock, µs since construction.
    pub fn card_micros(&self) -> u64 {
        self.steps * STEP_MICROS
    }

    /// Whether a host has a session with the card.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether the cable is in; when not, the host's byte stream is closed.
    pub fn is_plugged(&self) -> bool {
        !matches!(self.life, Life::Unplugged(_))
    }

    /// Pulls the cable: no power, no bytes.
    pub fn unplug(&mut self) {
        let mut board = self.take_board();
        tipring_firmware::Board::reset_chips(&mut board);
        self.life = Life::Unplugged(board);
        self.silence();
        self.note_connection(false);
    }

    /// Plugs the cable in; a card that has it in already takes no notice.
    pub fn plug(&mut self) {
        if !self.is_plugged() {
            self.boot();
        }
    }

    /// The firmware stops dead, lines and power stay as they are. Nothing wakes it but [`VirtualCard::reset`] and a
    /// pulled cable: the hardware watchdog of a real card is taken to have failed too.
    pub fn hang(&mut self) {
        self.life = match std::mem::replace(&mut self.life, Life::Unplugged(SimBoard::NONE)) {
            Life::Running(mcu) => Life::Hung(mcu),
            life => life,
        };
        self.silence();
    }

    /// Presses the card's reset button.
    pub fn reset(&mut self) {
        if self.is_plugged() {
            self.boot();
        }
    }

    /// Damages the byte stream in both directions: `ber` is the chance per bit, 0 to 1. Half of the errors flip a bit, a
    /// quarter loses an octet, a quarter doubles one.
    pub fn corrupt(&mut self, ber: f64) {
        self.uplink.noise.set_bit_error_rate(ber);
        self.downlink.noise.set_bit_error_rate(ber);
    }

    /// Detunes the card's crystal: it runs fast by `ppm` (−1000 to 1000).
    pub fn drift(&mut self, ppm: f64) {
        let step_ps = STEP_MICROS as f64 * 1e6 / (1.0 + ppm.clamp(-1000.0, 1000.0) / 1e6);
        self.step_ps = step_ps.round() as u128;
    }

    fn board(&mut self) -> &mut SimBoard {
        match &mut self.life {
            Life::Running(mcu) | Life::Hung(mcu) => mcu.board(),
            Life::Unplugged(board) => board,
        }
    }

    fn take_board(&mut self) -> SimBoard {
        match std::mem::replace(&mut self.life, Life::Unplugged(SimBoard::NONE)) {
            Life::Running(mcu) | Life::Hung(mcu) => mcu.into_board(),
            Life::Unplugged(board) => board,
        }
    }

    fn boot(&mut self) {
        let board = self.take_board();
        let boot = self.rng.next_u32();
        self.life = Life::Running(Box::new(Firmware::new(board, boot)));
        self.silence();
        self.note_connection(false);
    }

    /// Nothing plays, nothing is on its way.
    fn silence(&mut self) {
        let silence = self.board().law.silence();
        self.down.fill([silence; BLOCK_SAMPLES]);
        if !self.is_plugged() {
            self.uplink.bytes.clear();
        }
    }

    fn step(&mut self) {
        let now = self.card_micros();
        let part = (self.steps % STEPS_PER_BLOCK) as usize;
        if let (Life::Running(mcu), 0) = (&mut self.life, part) {
            mcu.handle_block(now, &self.up, &mut self.down);
        }
        self.steps += 1;
        let now = self.card_micros();
        let board = match &mut self.life {
            Life::Running(mcu) | Life::Hung(mcu) => mcu.board(),
            Life::Unplugged(board) => board,
        };
        for ((line, down), up) in board.lines.iter_mut().zip(&self.down).zip(&mut self.up) {
            let down = &down.as_chunks::<STEP_SAMPLES>().0[part];
            line.step(down, &mut up.as_chunks_mut::<STEP_SAMPLES>().0[part]);
        }
        if let Life::Running(mcu) = &mut self.life {
            mcu.poll(now);
            self.drain();
            self.after_firmware();
        }
        self.gather_events();
    }

    /// What the firmware's transmitter would have sent by now. When the host reads nothing the line fills, and the
    /// firmware has to drop audio as on a real one.
    fn drain(&mut self) {
        let now = self.card_micros();
        let Life::Running(mcu) = &mut self.life else {
            return;
        };
        let mut buffer = [0; 1024];
        while self.uplink.bytes.len() < UPLINK_BYTES {
            let count = mcu.poll_transmit(now, &mut buffer);
            if count == 0 {
                break;
            }
            self.uplink.noise.pass(&buffer[..count], &mut self.uplink.bytes);
        }
    }

    fn after_firmware(&mut self) {
        let Life::Running(mcu) = &self.life else {
            return;
        };
        let connected = mcu.is_connected();
        if mcu.wants_reset() {
            self.boot();
        } else {
            self.note_connection(connected);
        }
    }

    fn note_connection(&mut self, connected: bool) {
        if self.connected != connected {
            self.connected = connected;
            self.push(Happening::Host { connected });
        }
    }

    fn gather_events(&mut self) {
        for index in 0..self.down.len() {
            let port = index as u8 + 1;
            while let Some(event) = self.board().lines[index].phone.poll_event() {
                self.push(Happening::Phone { port, event });
            }
        }
    }

    fn push(&mut self, happening: Happening) {
        if self.events.len() == MAX_EVENTS {
            self.events_lost += 1;
            return;
        }
        self.events.push_back(WorldEvent { t_ms: self.card_micros() / 1000, happening });
    }
}

impl SimBoard {
    /// What stands in a card's place while it changes its life.
    const NONE: Self = Self { lines: Vec::new(), law: tipring_hw_models::Law::Mu, serial: [0; 16] };
}

const STEPS_PER_BLOCK: u64 = (BLOCK_SAMPLES / STEP_SAMPLES) as u64;
const PS_PER_MICRO: u128 = 1_000_000;
/// What the serial line holds for a host that does not read.
const UPLINK_BYTES: usize = 64 * 1024;
/// Events kept for somebody to take.
const MAX_EVENTS: usize = 4096;

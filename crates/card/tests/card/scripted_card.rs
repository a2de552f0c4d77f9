//! A small card in script.

use std::collections::VecDeque;

use tipring_bridge_proto::descriptor::padded;
use tipring_bridge_proto::*;
use tipring_core::{Duration, Instant};

/// A card that keeps the contract and has nothing behind it: it records commands and says what it
/// is told to.
pub struct ScriptedCard {
    pub commands: Vec<(u8, LineCommand)>,
    pub hellos: u32,
    pub resets: u32,
    pub blocks_down: Vec<u32>,
    pub hung: bool,
    pub mute: bool,
    pub major: u8,
    decoder: Decoder,
    boot: u32,
    session: Option<Session>,
    clock: u32,
    next_block: Instant,
    wire: Vec<u8>,
}

struct Session {
    id: u32,
    began: u32,
    streaming: bool,
    pcm_seq: u8,
    commands: Receiver,
    events: Sender<(u32, u8, LineEvent), 64>,
    waiting: VecDeque<(u32, u8, LineEvent)>,
}

pub const PORTS: u8 = 2;

impl ScriptedCard {
    pub fn new(boot: u32) -> Self {
        Self {
            commands: Vec::new(),
            hellos: 0,
            resets: 0,
            blocks_down: Vec::new(),
            hung: false,
            mute: false,
            major: PROTOCOL_MAJOR,
            decoder: Decoder::new(),
            boot,
            session: None,
            clock: 0,
            next_block: Instant::ZERO,
            wire: Vec::new(),
        }
    }

    /// Restarts: all is forgotten but the script's records.
    pub fn restart(&mut self, boot: u32) {
        self.boot = boot;
        self.session = None;
        self.clock = 0;
    }

    /// Ends the session as a watchdog does.
    pub fn end_session(&mut self) {
        self.session = None;
    }

    pub fn event(&mut self, port: u8, event: LineEvent) {
        let clock = self.clock;
        if let Some(session) = &mut self.session {
            session.waiting.push_back((clock, port, event));
        }
    }

    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        let mut frames = Vec::new();
        self.decoder
            .feed(bytes, |frame| frames.push((frame.kind, frame.seq, frame.payload.to_vec())));
        if self.hung {
            return;
        }
        for (kind, seq, payload) in &frames {
            let frame = Frame { kind: *kind, seq: *seq, payload };
            let message = HostMessage::decode(&frame).expect("the host says nothing malformed");
            self.handle_message(now, message);
        }
    }

    fn handle_message(&mut self, now: Instant, message: HostMessage<'_>) {
        if let HostMessage::Hello(hello) = message {
            return self.hello(hello.session);
        }
        if let HostMessage::Reset = message {
            self.resets += 1;
            return self.restart(self.boot.wrapping_add(1));
        }
        let Some(session) = &mut self.session else {
            return self.send(&CardMessage::Fault(Fault::NoSession));
        };
        match message {
            HostMessage::Hello(_) | HostMessage::Reset | HostMessage::StatsRequest => {}
            HostMessage::Start => session.streaming = true,
            HostMessage::Stop => session.streaming = false,
            HostMessage::Command { session: id, seq, port, command } if id == session.id => {
                if session.commands.accept(seq) == Arrival::New {
                    self.commands.push((port, command));
                }
                let next = session.commands.next();
                self.send(&CardMessage::Ack { session: id, next });
            }
            HostMessage::Ack { session: id, next } if id == session.id => {
                session.events.handle_ack(now.as_micros(), next);
            }
            HostMessage::Command { .. } | HostMessage::Ack { .. } => {}
            HostMessage::Ping { token } => {
                let clock = self.clock;
                self.send(&CardMessage::Pong { token, clock });
            }
            HostMessage::Pcm { pcm, .. } => self.blocks_down.push(pcm.clock),
        }
    }

    fn hello(&mut self, id: u32) {
        self.hellos += 1;
        if self.session.as_ref().is_none_or(|session| session.id != id) {
            self.session = Some(Session {
                id,
                began: self.clock,
                streaming: false,
                pcm_seq: 0,
                commands: Receiver::new(),
                events: Sender::new(),
                waiting: VecDeque::new(),
            });
        }
        let began = self.session.as_ref().map_or(0, |session| session.began);
        self.send(&CardMessage::HelloAck(descriptor(self.major, id, self.boot, began)));
    }

    /// Lives on to `now`.
    pub fn advance(&mut self, now: Instant) {
        while self.next_block <= now {
            self.next_block += Duration::from_micros(BLOCK_MICROS);
            let clock = self.clock;
            self.clock = clock.wrapping_add(BLOCK_SAMPLES as u32);
            if let Some(session) = &mut self.session
                && session.streaming
                && !self.mute
                && !self.hung
            {
                let seq = session.pcm_seq;
                session.pcm_seq = seq.wrapping_add(1);
                let block = PcmBlock::filled(clock, u16::from(PORTS), (clock / 40) as u8);
                self.send(&CardMessage::Pcm { seq, pcm: block.as_pcm() });
            }
        }
        self.send_events(now);
    }

    fn send_events(&mut self, now: Instant) {
        loop {
            let Some(session) = &mut self.session else { return };
            while let Some(event) = session.waiting.front().copied() {
                if session.events.push(event).is_err() {
                    break;
                }
                session.waiting.pop_front();
            }
            let id = session.id;
            match session.events.poll(now.as_micros()) {
                None => return,
                Some(Delivery::Transmit { seq, item: (clock, port, event) }) => {
                    self.send(&CardMessage::Event { session: id, seq, clock, port, event });
                }
                Some(Delivery::Failed) => self.session = None,
            }
        }
    }

    /// What was written since the last call; nothing when hung.
    pub fn take_wire(&mut self) -> Vec<u8> {
        let wire = std::mem::take(&mut self.wire);
        if self.hung { Vec::new() } else { wire }
    }

    fn send(&mut self, message: &CardMessage<'_>) {
        self.wire.extend_from_slice(&encoded(message));
    }
}

pub fn encoded(message: &CardMessage<'_>) -> Vec<u8> {
    let mut out = [0; MAX_FRAME];
    let len = message.encode(&mut out).expect("fits");
    out[..len].to_vec()
}

/// Two phones.
pub fn descriptor(major: u8, session: u32, boot: u32, began: u32) -> Descriptor {
    let mut ports = [Port::NONE; MAX_PORTS];
    for (index, port) in ports.iter_mut().enumerate().take(usize::from(PORTS)) {
        let abilities = Abilities::FLASH.with(Abilities::PULSE_DIGITS);
        let first_channel = index as u8;
        *port = Port { kind: PortKind::Fxs, law: Law::Mu, first_channel, channels: 1, abilities };
    }
    Descriptor {
        major,
        minor: 0,
        session,
        boot,
        began,
        serial: padded("SCRIPT-1"),
        build: padded("scripted 1"),
        channels: PORTS,
        port_count: PORTS,
        ports,
    }
}

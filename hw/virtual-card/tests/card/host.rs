//! A host of a few lines: it says hello, answers block with block, acknowledges events and remembers everything.

use tipring_bridge_proto::{
    Arrival, BLOCK_SAMPLES, Cadence, CardMessage, Decoder, Descriptor, Fault, Hello, HostMessage,
    LineCommand, LineEvent, MAX_FRAME, PROTOCOL_MAJOR, PROTOCOL_MINOR, Pcm, Receiver, Ring, Stats,
    WATCHDOG_MS,
};
use tipring_virtual_card::{CardSpec, Happening, PhoneEvent, VirtualCard};

pub struct Host {
    pub card: VirtualCard,
    /// µs.
    pub now: u64,
    pub session: u32,
    pub descriptor: Option<Descriptor>,
    /// Host time in ms, port, event.
    pub events: Vec<(u64, u8, LineEvent)>,
    pub faults: Vec<Fault>,
    pub stats: Option<Stats>,
    pub pongs: u32,
    /// Clocks of the blocks that came.
    pub clocks: Vec<u32>,
    /// What port 1 said, octets.
    pub heard: Vec<u8>,
    /// What port 1 is told: octets, taken block by block; silence after.
    pub say: Vec<u8>,
    pub underruns: u32,
    /// The host's transmitter is dead: it says nothing.
    pub dead: bool,
    /// It acknowledges no events.
    pub deaf: bool,
    decoder: Decoder,
    receiver: Receiver,
    command_seq: u8,
    pcm_seq: u8,
    said: usize,
    frame: Box<[u8; MAX_FRAME]>,
}

impl Host {
    /// A host beside a card whose lines are in service.
    pub fn new(fxs: u8) -> Self {
        let mut host = Self::unconnected(fxs, 1);
        host.connect();
        host.run(1000);
        host.events.clear();
        host
    }

    pub fn unconnected(fxs: u8, seed: u64) -> Self {
        Self {
            card: VirtualCard::new(&CardSpec::fxs(fxs), seed),
            now: 0,
            session: 0x7000_0000,
            descriptor: None,
            events: Vec::new(),
            faults: Vec::new(),
            stats: None,
            pongs: 0,
            clocks: Vec::new(),
            heard: Vec::new(),
            say: Vec::new(),
            underruns: 0,
            dead: false,
            deaf: false,
            decoder: Decoder::new(),
            receiver: Receiver::new(),
            command_seq: 0,
            pcm_seq: 0,
            said: 0,
            frame: Box::new([0; MAX_FRAME]),
        }
    }

    /// Begins a new session.
    pub fn connect(&mut self) {
        self.session += 1;
        self.receiver = Receiver::new();
        self.command_seq = 0;
        self.descriptor = None;
        self.hello(PROTOCOL_MAJOR, WATCHDOG_MS);
        self.send(&HostMessage::Start);
    }

    pub fn hello(&mut self, major: u8, watchdog_ms: u16) {
        let hello = Hello { major, minor: PROTOCOL_MINOR, session: self.session, watchdog_ms };
        self.card.handle_bytes(&[0, 0]);
        self.send(&HostMessage::Hello(hello));
    }

    pub fn command(&mut self, port: u8, command: LineCommand) {
        let seq = self.command_seq;
        self.command_seq += 1;
        self.send(&HostMessage::Command { session: self.session, seq, port, command });
    }

    pub fn ring(&mut self, port: u8, pairs: &[(u16, u16)], repeat_from: u8) {
        let cadence = Cadence::new(pairs, repeat_from).expect("a cadence");
        self.command(port, LineCommand::Ring(Ring { cadence, frequency_dhz: 200 }));
    }

    pub fn send(&mut self, message: &HostMessage<'_>) {
        if self.dead {
            return;
        }
        let len = message.encode(self.frame.as_mut_slice()).expect("a frame fits");
        self.card.handle_bytes(&self.frame[..len]);
    }

    /// Lets time pass in steps of 1.25 ms.
    pub fn run(&mut self, ms: u64) {
        let until = self.now + ms * 1000;
        while self.now < until {
            self.now += 1250;
            self.card.advance(self.now);
            let mut bytes = Vec::new();
            self.card.poll_transmit(&mut bytes);
            self.read(&bytes);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut decoder = std::mem::take(&mut self.decoder);
        for byte in bytes {
            let Some(frame) = decoder.push(*byte) else {
                continue;
            };
            match CardMessage::decode(&frame).expect("the card speaks its own protocol") {
                CardMessage::HelloAck(descriptor) => self.descriptor = Some(descriptor),
                CardMessage::Event { session, seq, port, event, .. } => {
                    if session != self.session || self.deaf {
                        continue;
                    }
                    if self.receiver.accept(seq) == Arrival::New {
                        self.events.push((self.now / 1000, port, event));
                    }
                    let next = self.receiver.next();
                    self.send(&HostMessage::Ack { session, next });
                }
                CardMessage::Pcm { pcm, .. } => self.block(&pcm),
                CardMessage::Fault(fault) => self.faults.push(fault),
                CardMessage::Stats(stats) => self.stats = Some(stats),
                CardMessage::Pong { .. } => self.pongs += 1,
                CardMessage::Ack { .. } => {}
            }
        }
        self.decoder = decoder;
    }

    /// One block down for each block up.
    fn block(&mut self, up: &Pcm<'_>) {
        self.clocks.push(up.clock);
        self.underruns = up.underruns;
        self.heard.extend_from_slice(&up.channels[0]);
        let mut channels = vec![[0xFF; BLOCK_SAMPLES]; up.channels.len()];
        for (to, from) in channels[0].iter_mut().zip(&self.say[self.said..]) {
            *to = *from;
            self.said += 1;
        }
        let seq = self.pcm_seq;
        self.pcm_seq = seq.wrapping_add(1);
        let pcm = Pcm { clock: up.clock, fill: 0, underruns: 0, channels: &channels };
        self.send(&HostMessage::Pcm { seq, pcm });
    }

    /// Events of the lines that are not about loop current, without their times.
    pub fn line_events(&self) -> Vec<LineEvent> {
        let current = |event: &LineEvent| matches!(event, LineEvent::LoopCurrent { .. });
        self.events.iter().map(|(_, _, event)| *event).filter(|event| !current(event)).collect()
    }

    /// When an event came, host ms.
    pub fn time_of(&self, wanted: LineEvent) -> u64 {
        let found = self.events.iter().find(|(_, _, event)| *event == wanted);
        found.unwrap_or_else(|| panic!("{wanted:?} not among {:?}", self.events)).0
    }

    /// What the people noticed, with card time in ms.
    pub fn noticed(&mut self) -> Vec<(u64, u8, PhoneEvent)> {
        let mut out = Vec::new();
        while let Some(event) = self.card.poll_event() {
            if let Happening::Phone { port, event: noticed } = event.happening {
                out.push((event.t_ms, port, noticed));
            }
        }
        out
    }

    pub fn phone(&mut self) -> &mut tipring_virtual_card::PhoneSet {
        self.card.phone(1).expect("port 1")
    }
}

//! The card as a whole: ports, session, blocks.
//!
//! | event \ state       | no session                    | session                                             |
//! |---------------------|-------------------------------|-----------------------------------------------------|
//! | Hello, our major    | lines safe → session, HelloAck | same number: HelloAck; other: lines safe → session |
//! | Hello, other major  | Fault Version                 | Fault Version                                       |
//! | Start, Stop         | Fault NoSession               | PCM flows, or not                                   |
//! | Command             | Fault NoSession               | new and of this session: acted on; Ack always       |
//! | Ack, Ping, StatsRequest, Pcm | Fault NoSession      | events advance; Pong; Stats; block queued           |
//! | Reset               | wants_reset                   | wants_reset                                         |
//! | 500 ms no frame     | –                             | downlink muted                                      |
//! | watchdog no frame   | –                             | Fault Watchdog, lines safe → no session             |
//! | event undelivered   | –                             | Fault Undelivered, lines safe → no session          |

use tipring_bridge_proto::descriptor::padded;
use tipring_bridge_proto::{
    Abilities, Arrival, BLOCK_SAMPLES, CardMessage, Decoder, Delivery, Descriptor, Fault, Frame,
    Hello, HostMessage, LineEvent, MAX_PORTS, MUTE_MS, PROTOCOL_MAJOR, PROTOCOL_MINOR, Pcm, Port,
    PortKind, Stats,
};

use crate::board::Board;
use crate::downlink::{Downlink, Samples};
use crate::outbox::Outbox;
use crate::port::{Chip, FxsPort};
use crate::session::{Happening, Session, may_announce};
use crate::{BUILD, POLL_MICROS};

/// The firmware of a card with up to `PORTS` ports.
///
/// Times are µs of the card's own clock. [`Firmware::poll`] is called at least each [`POLL_MICROS`];
/// [`Firmware::handle_block`] when the PCM highway has moved 40 samples.
pub struct Firmware<B, const PORTS: usize> {
    decoder: Decoder,
    card: Card<B, PORTS>,
}

/// All but the decoder, so that frames borrowed from that one can be acted on.
struct Card<B, const PORTS: usize> {
    board: B,
    boot: u32,
    ports: [FxsPort; PORTS],
    /// How many of `ports` the board has.
    count: usize,
    session: Option<Session>,
    outbox: Outbox,
    downlink: Downlink<PORTS>,
    up: Samples<PORTS>,
    /// 8 kHz frames since boot, and when the last block ended.
    clock: u32,
    clock_at: u64,
    /// Clock of the block in `up`.
    up_clock: u32,
    started_at: Option<u64>,
    polled_at: u64,
    no_session_at: u64,
    stats: Stats,
    /// Underruns and overruns of the sessions before this one.
    past: (u32, u32),
    reset: bool,
}

impl<B: Board, const PORTS: usize> Firmware<B, PORTS> {
    const FITS: () = assert!(PORTS >= 1 && PORTS <= MAX_PORTS, "1 to 128 ports");

    /// The firmware at power-on. `boot`: a number that differs from boot to boot.
    pub fn new(mut board: B, boot: u32) -> Self {
        const { Self::FITS };
        board.reset_chips();
        let silence = board.law().silence();
        let count = usize::from(board.fxs_chips()).min(PORTS);
        Self {
            decoder: Decoder::new(),
            card: Card {
                board,
                boot,
                ports: [const { FxsPort::new() }; PORTS],
                count,
                session: None,
                outbox: Outbox::new(),
                downlink: Downlink::new(silence),
                up: [[silence; BLOCK_SAMPLES]; PORTS],
                clock: 0,
                clock_at: 0,
                up_clock: 0,
                started_at: None,
                polled_at: 0,
                no_session_at: 0,
                stats: Stats::default(),
                past: (0, 0),
                reset: false,
            },
        }
    }

    /// The board.
    pub fn board(&mut self) -> &mut B {
        &mut self.card.board
    }

    /// Gives the board back, as before a reset.
    pub fn into_board(self) -> B {
        self.card.board
    }

    /// Whether a session with a host runs.
    pub fn is_connected(&self) -> bool {
        self.card.session.is_some()
    }

    /// The host has asked for a restart: make the firmware anew.
    pub fn wants_reset(&self) -> bool {
        self.card.reset
    }

    /// Octets came from the host, in any portions.
    pub fn handle_bytes(&mut self, now: u64, bytes: &[u8]) {
        let Self { decoder, card } = self;
        decoder.feed(bytes, |frame| card.handle_frame(now, &frame));
    }

    /// The PCM highway has moved 40 samples of every channel: `up` came from the chips, `down` goes to them next.
    /// Channels beyond the slices' ends are silent.
    pub fn handle_block(
        &mut self,
        now: u64,
        up: &[[u8; BLOCK_SAMPLES]],
        down: &mut [[u8; BLOCK_SAMPLES]],
    ) {
        self.card.handle_block(now, up, down);
    }

    /// Watches the lines and every timer.
    pub fn poll(&mut self, now: u64) {
        self.card.poll(now);
    }

    /// When to poll again: [`POLL_MICROS`] after the last time.
    pub fn poll_timeout(&self) -> u64 {
        self.card.polled_at + POLL_MICROS
    }

    /// Writes what is to go to the host into `out`; the octets used. Call until 0, whenever there is room.
    pub fn poll_transmit(&mut self, now: u64, out: &mut [u8]) -> usize {
        let mut used = 0;
        while let Some(rest) = out.get_mut(used..).filter(|rest| !rest.is_empty()) {
            if self.card.outbox.is_idle() && !self.begin_frame(now) {
                break;
            }
            used += self.card.outbox.drain(rest);
        }
        used
    }

    /// Counters since boot.
    pub fn stats(&self, now: u64) -> Stats {
        let frames = self.decoder.counters();
        self.card.stats(now, |stats| {
            stats.rx_frames = frames.frames as u32;
            stats.crc_errors = frames.crc_errors as u32;
            stats.framing_errors = (frames.framing_errors + frames.oversize) as u32;
        })
    }

    /// Puts the most urgent message on its way; false when there is none.
    fn begin_frame(&mut self, now: u64) -> bool {
        if self.card.begin_control(now) {
            return true;
        }
        if core::mem::take(&mut self.card.outbox.stats) {
            let stats = self.stats(now);
            self.card.outbox.begin(&CardMessage::Stats(stats));
            return true;
        }
        self.card.begin_block()
    }
}

impl<B: Board, const PORTS: usize> Card<B, PORTS> {
    fn handle_frame(&mut self, now: u64, frame: &Frame<'_>) {
        // A whole frame of any kind is a sign of life.
        if let Some(session) = &mut self.session {
            session.heard_at = now;
        }
        let Ok(message) = HostMessage::decode(frame) else {
            self.stats.unknown = self.stats.unknown.wrapping_add(1);
            return;
        };
        match message {
            HostMessage::Hello(hello) => return self.handle_hello(now, &hello),
            HostMessage::Reset => {
                self.reset = true;
                return;
            }
            _ => {}
        }
        let Some(session) = &mut self.session else {
            if now >= self.no_session_at {
                self.no_session_at = now + NO_SESSION_US;
                self.fault(Fault::NoSession);
            }
            return;
        };
        match message {
            HostMessage::Hello(_) | HostMessage::Reset => {}
            HostMessage::Start => session.streaming = true,
            HostMessage::Stop => {
                session.streaming = false;
                self.outbox.block = false;
                self.clear_downlink();
            }
            HostMessage::Command { session: id, seq, port, command } => {
                if id != session.id {
                    return;
                }
                self.outbox.ack = true;
                if session.commands.accept(seq) == Arrival::New {
                    self.handle_command(now, port, &command);
                }
            }
            HostMessage::Ack { session: id, next } => {
                if id == session.id {
                    session.events.handle_ack(now, next);
                }
            }
            HostMessage::Ping { token } => self.outbox.pong = Some(token),
            HostMessage::StatsRequest => self.outbox.stats = true,
            HostMessage::Pcm { seq, pcm } if session.streaming => self.downlink.push(seq, &pcm),
            HostMessage::Pcm { .. } => {}
        }
    }

    fn handle_hello(&mut self, now: u64, hello: &Hello) {
        if hello.major != PROTOCOL_MAJOR {
            self.fault(Fault::Version { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR });
            return;
        }
        self.outbox.hello_ack = true;
        if let Some(session) = &self.session
            && session.id == hello.session
        {
            return;
        }
        self.end_session(now);
        self.session = Some(Session::new(now, self.clock_now(now), hello));
    }

    fn handle_command(&mut self, now: u64, port: u8, command: &tipring_bridge_proto::LineCommand) {
        let Self { board, ports, count, .. } = self;
        let Some(index) = usize::from(port).checked_sub(1).filter(|index| index < count) else {
            self.stats.unknown = self.stats.unknown.wrapping_add(1);
            return;
        };
        let event = ports[index].handle_command(now, &mut Chip::new(board, index as u8), command);
        if let Some(event) = event {
            self.report(now, port, event);
        }
    }

    fn end_session(&mut self, now: u64) {
        if let Some(session) = self.session.take() {
            let again = session.events.retransmissions() as u32;
            self.stats.retransmissions = self.stats.retransmissions.wrapping_add(again);
        }
        self.outbox.end_session();
        self.clear_downlink();
        for (index, port) in self.ports.iter_mut().take(self.count).enumerate() {
            port.make_safe(now, &mut Chip::new(&mut self.board, index as u8));
        }
    }

    fn clear_downlink(&mut self) {
        self.past.0 = self.past.0.wrapping_add(self.downlink.underruns());
        self.past.1 = self.past.1.wrapping_add(self.downlink.overruns());
        self.downlink.clear();
    }

    fn handle_block(
        &mut self,
        now: u64,
        up: &[[u8; BLOCK_SAMPLES]],
        down: &mut [[u8; BLOCK_SAMPLES]],
    ) {
        self.up_clock = self.clock;
        self.clock = self.clock.wrapping_add(BLOCK_SAMPLES as u32);
        self.clock_at = now;
        for (to, from) in self.up.iter_mut().zip(up) {
            *to = *from;
        }
        self.downlink.pop(down);
        let Some(session) = &self.session else {
            return;
        };
        if now >= session.heard_at + MUTE_MS * 1000 {
            down.fill([self.board.law().silence(); BLOCK_SAMPLES]);
        }
        if session.streaming {
            if self.outbox.block {
                self.stats.tx_dropped = self.stats.tx_dropped.wrapping_add(1);
            }
            self.outbox.block = true;
        }
    }

    fn poll(&mut self, now: u64) {
        if self.started_at.is_none() {
            self.started_at = Some(now);
        } else {
            let since = u32::try_from(now.saturating_sub(self.polled_at)).unwrap_or(u32::MAX);
            self.stats.max_loop_us = self.stats.max_loop_us.max(since);
        }
        self.polled_at = now;
        let law = self.board.law();
        let clock = self.clock_now(now);
        let Self { board, ports, session, stats, .. } = self;
        for (index, port) in ports.iter_mut().take(self.count).enumerate() {
            let number = index as u8 + 1;
            port.poll(now, law, &mut Chip::new(board, index as u8), |event| {
                queue(session, stats, Happening { clock, port: number, event });
            });
        }
        self.announce_hooks(clock);
        if let Some(session) = &self.session
            && now >= session.heard_at + session.watchdog_us
        {
            self.fault(Fault::Watchdog);
            self.end_session(now);
        }
    }

    /// Tells a new host how every hook stands, a few at a time.
    fn announce_hooks(&mut self, clock: u32) {
        while let Some(session) = &mut self.session
            && usize::from(session.to_announce) < self.count
            && may_announce(session)
        {
            let off = self.ports[usize::from(session.to_announce)].is_off_hook();
            session.to_announce += 1;
            let port = session.to_announce;
            let event = LineEvent::Hook { off };
            queue(&mut self.session, &mut self.stats, Happening { clock, port, event });
        }
    }

    fn report(&mut self, now: u64, port: u8, event: LineEvent) {
        let clock = self.clock_now(now);
        queue(&mut self.session, &mut self.stats, Happening { clock, port, event });
    }

    fn fault(&mut self, fault: Fault) {
        if !self.outbox.fault(fault) {
            self.stats.tx_dropped = self.stats.tx_dropped.wrapping_add(1);
        }
    }

    /// The 8 kHz clock at `now`: whole blocks, and what has passed of the one that runs.
    fn clock_now(&self, now: u64) -> u32 {
        let samples = (now.saturating_sub(self.clock_at) / 125).min(BLOCK_SAMPLES as u64 - 1);
        self.clock.wrapping_add(samples as u32)
    }

    fn begin_control(&mut self, now: u64) -> bool {
        if self.outbox.hello_ack {
            self.outbox.hello_ack = false;
            if let Some(descriptor) = self.descriptor() {
                self.outbox.begin(&CardMessage::HelloAck(descriptor));
                return true;
            }
        }
        if let Some(fault) = self.outbox.take_fault() {
            self.outbox.begin(&CardMessage::Fault(fault));
            return true;
        }
        let clock = self.clock_now(now);
        let Some(session) = &mut self.session else {
            return false;
        };
        if core::mem::take(&mut self.outbox.ack) {
            let next = session.commands.next();
            self.outbox.begin(&CardMessage::Ack { session: session.id, next });
            return true;
        }
        match session.events.poll(now) {
            Some(Delivery::Transmit { seq, item: Happening { clock, port, event } }) => {
                let session = session.id;
                self.outbox.begin(&CardMessage::Event { session, seq, clock, port, event });
                return true;
            }
            Some(Delivery::Failed) => {
                self.fault(Fault::Undelivered);
                self.end_session(now);
                return self.begin_control(now);
            }
            None => {}
        }
        if let Some(token) = self.outbox.pong.take() {
            self.outbox.begin(&CardMessage::Pong { token, clock });
            return true;
        }
        false
    }

    fn begin_block(&mut self) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        if !core::mem::take(&mut self.outbox.block) {
            return false;
        }
        let seq = session.pcm_seq;
        session.pcm_seq = seq.wrapping_add(1);
        let pcm = Pcm {
            clock: self.up_clock,
            fill: self.downlink.fill(),
            underruns: self.downlink.underruns(),
            channels: self.up.get(..self.count).unwrap_or(&self.up),
        };
        self.outbox.begin(&CardMessage::Pcm { seq, pcm });
        true
    }

    fn descriptor(&self) -> Option<Descriptor> {
        let session = self.session.as_ref()?;
        let law = self.board.law();
        let mut ports = [Port::NONE; MAX_PORTS];
        for (index, port) in ports.iter_mut().take(self.count).enumerate() {
            *port = Port {
                kind: PortKind::Fxs,
                law,
                first_channel: index as u8,
                channels: 1,
                abilities: FXS_ABILITIES,
            };
        }
        Some(Descriptor {
            major: PROTOCOL_MAJOR,
            minor: PROTOCOL_MINOR,
            session: session.id,
            boot: self.boot,
            began: session.began,
            serial: self.board.serial(),
            build: padded(BUILD),
            channels: self.count as u8,
            port_count: self.count as u8,
            ports,
        })
    }

    fn stats(&self, now: u64, fill_in: impl FnOnce(&mut Stats)) -> Stats {
        let mut stats = self.stats;
        stats.uptime_ms = (now.saturating_sub(self.started_at.unwrap_or(now)) / 1000) as u32;
        stats.underruns = self.past.0.wrapping_add(self.downlink.underruns());
        stats.overruns = self.past.1.wrapping_add(self.downlink.overruns());
        if let Some(session) = &self.session {
            let again = session.events.retransmissions() as u32;
            stats.retransmissions = stats.retransmissions.wrapping_add(again);
        }
        fill_in(&mut stats);
        stats
    }
}

/// An event for the host; nobody hears it without a session, which begins with how the hooks stand.
fn queue(session: &mut Option<Session>, stats: &mut Stats, happening: Happening) {
    if let Some(session) = session
        && session.events.push(happening).is_err()
    {
        stats.events_dropped = stats.events_dropped.wrapping_add(1);
    }
}

const FXS_ABILITIES: Abilities = Abilities::FLASH
    .with(Abilities::PULSE_DIGITS)
    .with(Abilities::POLARITY)
    .with(Abilities::OPEN_LOOP)
    .with(Abilities::ON_HOOK_TRANSMISSION)
    .with(Abilities::GAIN)
    .with(Abilities::IMPEDANCE)
    .with(Abilities::LOOP_CURRENT);

/// [`Fault::NoSession`] is sent at most this often.
const NO_SESSION_US: u64 = 20_000;

//! The states of a link and what moves it between them; the table is at the head of [`super`].

use std::collections::VecDeque;

use tipring_bridge_proto::{
    Delivery, HELLO_INTERVAL_MS, Hello, HostMessage, MAX_FRAME, PROTOCOL_MAJOR, PROTOCOL_MINOR,
    PcmBlock,
};
use tipring_core::{Duration, Instant, Rng};

use super::counters::LinkCounters;
use super::session::{self, Flow, HEARTBEAT, STATS, SUSPECT, Session};
use super::{DownReason, LinkOutput};

/// Where the link stands; what belongs to a state is gone with it.
pub(super) enum State {
    Closed,
    Greeting(Greeting),
    Refused(Greeting),
    Quarantined(Greeting),
    Up(Box<Session>),
    /// With the time of the next `Hello`.
    Suspect(Box<Session>, Instant),
}

/// The session that is offered, and when next.
#[derive(Clone, Copy)]
pub(super) struct Greeting {
    pub(super) session: u32,
    pub(super) at: Instant,
}

impl State {
    pub(super) fn session(&self) -> Option<&Session> {
        match self {
            Self::Up(session) | Self::Suspect(session, _) => Some(session),
            Self::Closed | Self::Greeting(_) | Self::Refused(_) | Self::Quarantined(_) => None,
        }
    }

    pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Up(session) | Self::Suspect(session, _) => Some(session),
            Self::Closed | Self::Greeting(_) | Self::Refused(_) | Self::Quarantined(_) => None,
        }
    }
}

/// All of a link but the decoder, so that frames borrowed from that one can be acted on.
pub(super) struct Machine {
    pub(super) rng: Rng,
    pub(super) watchdog_ms: u16,
    pub(super) state: State,
    pub(super) outputs: VecDeque<LinkOutput>,
    pub(super) audio_in: VecDeque<PcmBlock>,
    pub(super) control: Vec<u8>,
    pub(super) audio_out: Vec<u8>,
    pub(super) audio_out_blocks: u8,
    pub(super) scratch: Box<[u8; MAX_FRAME]>,
    pub(super) recent_resets: VecDeque<Instant>,
    pub(super) counters: LinkCounters,
}

impl Machine {
    pub(super) fn new(rng: Rng, watchdog_ms: u16) -> Self {
        Self {
            rng,
            watchdog_ms,
            state: State::Closed,
            outputs: VecDeque::new(),
            audio_in: VecDeque::new(),
            control: Vec::new(),
            audio_out: Vec::new(),
            audio_out_blocks: 0,
            scratch: Box::new([0; MAX_FRAME]),
            recent_resets: VecDeque::new(),
            counters: LinkCounters::default(),
        }
    }

    /// Begins a session: two delimiters to end whatever the card has heard so far, then `Hello`.
    pub(super) fn greet(&mut self, now: Instant) {
        let greeting = Greeting { session: self.rng.next_u32(), at: now + HELLO };
        self.recent_resets.retain(|at| now.since(*at) <= QUARANTINE_WINDOW);
        self.state = if self.recent_resets.len() < QUARANTINE_RESETS {
            State::Greeting(greeting)
        } else {
            self.counters.quarantines += 1;
            self.outputs.push_back(LinkOutput::Quarantined);
            State::Quarantined(Greeting { at: now + SLOW_HELLO, ..greeting })
        };
        self.hello(greeting.session);
    }

    pub(super) fn hello(&mut self, session: u32) {
        self.control.extend_from_slice(&[0, 0]);
        self.send(&HostMessage::Hello(Hello {
            major: PROTOCOL_MAJOR,
            minor: PROTOCOL_MINOR,
            session,
            watchdog_ms: self.watchdog_ms,
        }));
    }

    /// Ends the running session, if there is one. The caller sets the next state.
    pub(super) fn down(&mut self, now: Instant, reason: DownReason) {
        let Some(session) = self.state.session() else { return };
        self.counters.command_retransmissions += session.commands.retransmissions();
        self.counters.event_duplicates += session.events.duplicates();
        self.counters.downs += 1;
        self.audio_in.clear();
        self.audio_out.clear();
        self.audio_out_blocks = 0;
        self.outputs.push_back(LinkOutput::Down(reason));
        match reason {
            DownReason::Closed | DownReason::Restarted | DownReason::SessionLost => return,
            DownReason::Undelivered => {}
            DownReason::Silent | DownReason::NoAudio => self.send(&HostMessage::Reset),
        }
        self.counters.resets += 1;
        if self.recent_resets.len() >= QUARANTINE_RESETS {
            self.recent_resets.pop_front();
        }
        self.recent_resets.push_back(now);
    }

    pub(super) fn suspect(&mut self, now: Instant) {
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Up(session) => {
                self.counters.suspects += 1;
                self.hello(session.card.session);
                State::Suspect(session, now + HELLO)
            }
            state => state,
        };
    }

    /// `late`: how long ago it was due. Much means that this end was not run, so its silence proves nothing.
    pub(super) fn handle_timeout(&mut self, now: Instant, late: Duration) {
        match &mut self.state {
            State::Closed => {}
            State::Greeting(greeting) => {
                greeting.at = now + HELLO;
                let session = greeting.session;
                self.hello(session);
            }
            State::Refused(greeting) | State::Quarantined(greeting) => {
                greeting.at = now + SLOW_HELLO;
                let session = greeting.session;
                self.hello(session);
            }
            State::Up(session) | State::Suspect(session, _) => {
                if late >= LATE {
                    self.counters.late_wakeups += 1;
                    session.heard += late;
                    session.audio += late;
                }
                self.session_timeout(now);
            }
        }
    }

    fn session_timeout(&mut self, now: Instant) {
        let Some(session) = self.state.session_mut() else { return };
        if session.lost_at() <= now {
            let silent = session.heard + session::LOST <= now;
            self.down(now, if silent { DownReason::Silent } else { DownReason::NoAudio });
            self.greet(now);
            return;
        }
        if session.stall_at().is_some_and(|at| at <= now) {
            session.flow = Flow::Stalled;
            self.counters.stalls += 1;
        }
        let (audio_due, heard) = (session.flow != Flow::Running, session.heard);
        let heartbeat = session.heartbeat_at <= now;
        let stats = session.stats_at <= now;
        if heartbeat {
            session.heartbeat_at = now + HEARTBEAT;
        }
        if stats {
            session.stats_at = now + STATS;
        }
        if heartbeat {
            self.send(&HostMessage::Ping { token: now.as_micros() as u32 });
            if audio_due {
                self.send(&HostMessage::Start);
            }
        }
        if stats {
            self.send(&HostMessage::StatsRequest);
        }
        match &mut self.state {
            State::Up(_) if heard + SUSPECT <= now => self.suspect(now),
            State::Suspect(session, hello_at) if *hello_at <= now => {
                *hello_at = now + HELLO;
                let id = session.card.session;
                self.hello(id);
            }
            _ => {}
        }
        self.flush_commands(now);
    }

    /// Puts on the wire what the delivery of commands asks for.
    pub(super) fn flush_commands(&mut self, now: Instant) {
        while let Some(session) = self.state.session_mut() {
            let id = session.card.session;
            match session.commands.poll(now.as_micros()) {
                None => return,
                Some(Delivery::Transmit { seq, item: (port, command) }) => {
                    self.send(&HostMessage::Command { session: id, seq, port, command });
                }
                Some(Delivery::Failed) => {
                    self.down(now, DownReason::Undelivered);
                    self.greet(now);
                }
            }
        }
    }

    /// One acknowledgement for all events of a portion of octets.
    pub(super) fn acknowledge(&mut self) {
        let Some(session) = self.state.session_mut() else { return };
        if std::mem::take(&mut session.ack_due) {
            let (session, next) = (session.card.session, session.events.next());
            self.send(&HostMessage::Ack { session, next });
        }
    }

    pub(super) fn send_pcm(&mut self, block: &PcmBlock) {
        let Some(session) = self.state.session_mut() else {
            self.counters.pcm_out_dropped += 1;
            return;
        };
        let seq = session.pcm_seq;
        session.pcm_seq = seq.wrapping_add(1);
        if self.audio_out_blocks >= AUDIO_OUT_BLOCKS {
            // What waits is older than what comes: newest wins.
            self.counters.pcm_out_dropped += u64::from(self.audio_out_blocks);
            self.audio_out.clear();
            self.audio_out_blocks = 0;
        }
        let message = HostMessage::Pcm { seq, pcm: block.as_pcm() };
        if let Some(frame) =
            message.encode(self.scratch.as_mut_slice()).and_then(|len| self.scratch.get(..len))
        {
            self.audio_out.extend_from_slice(frame);
            self.audio_out_blocks += 1;
            self.counters.pcm_out += 1;
        }
    }

    pub(super) fn send(&mut self, message: &HostMessage<'_>) {
        if self.control.len() >= CONTROL_BYTES {
            self.counters.control_dropped += 1;
            return;
        }
        if let Some(frame) =
            message.encode(self.scratch.as_mut_slice()).and_then(|len| self.scratch.get(..len))
        {
            self.control.extend_from_slice(frame);
        }
    }
}

const HELLO: Duration = Duration::from_millis(HELLO_INTERVAL_MS);
pub(super) const SLOW_HELLO: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_millis(100);
const QUARANTINE_WINDOW: Duration = Duration::from_secs(60);
const QUARANTINE_RESETS: usize = 3;
/// Outputs that may wait; events beyond are not taken and so sent again by the card.
pub(super) const OUTPUTS: usize = 1024;
/// Blocks that may wait for [`Link::poll_pcm`].
pub(super) const AUDIO_IN_BLOCKS: usize = 8;
/// Blocks that may wait for [`Link::poll_transmit`].
const AUDIO_OUT_BLOCKS: u8 = 4;
/// Octets of control that may wait for [`Link::poll_transmit`].
const CONTROL_BYTES: usize = 64 * 1024;

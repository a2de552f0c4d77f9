//! What a link does with each frame of the card.

use tipring_bridge_proto::{
    Arrival, CardMessage, DecodeError, Descriptor, Fault, Frame, HostMessage, LineEvent,
    PROTOCOL_MAJOR, Pcm, PcmBlock,
};
use tipring_core::{Instant, PortNumber};

use super::continuity::Step;
use super::machine::{AUDIO_IN_BLOCKS, Greeting, Machine, OUTPUTS, SLOW_HELLO, State};
use super::session::{Flow, Session};
use super::{DownReason, LinkOutput};

impl Machine {
    pub(super) fn handle_frame(&mut self, now: Instant, frame: &Frame<'_>) {
        let message = match CardMessage::decode(frame) {
            Ok(message) => message,
            Err(DecodeError::UnknownType(_)) => {
                self.counters.unknown += 1;
                return;
            }
            Err(DecodeError::Malformed(_)) => {
                self.counters.malformed += 1;
                return;
            }
        };
        match message {
            CardMessage::HelloAck(card) => self.handle_hello_ack(now, card),
            CardMessage::Fault(fault) => self.handle_fault(now, fault),
            CardMessage::Event { session, seq, clock, port, event } => {
                self.handle_event(now, session, seq, (port, clock, event));
            }
            CardMessage::Ack { session, next } => {
                if let Some(running) = self.alive(now, Some(session)) {
                    running.commands.handle_ack(now.as_micros(), next);
                }
            }
            CardMessage::Pong { token, .. } => {
                if self.alive(now, None).is_some() {
                    // A token that is not of the last 10 s is not of this host.
                    let trip = u64::from((now.as_micros() as u32).wrapping_sub(token));
                    if trip > 10_000_000 {
                        self.counters.malformed += 1;
                        return;
                    }
                    self.counters.round_trip_us = trip;
                    self.counters.round_trip_max_us = self.counters.round_trip_max_us.max(trip);
                }
            }
            CardMessage::Stats(stats) => {
                if self.alive(now, None).is_some() {
                    self.counters.card = stats;
                }
            }
            CardMessage::Pcm { pcm, .. } => self.handle_pcm(now, &pcm),
        }
    }

    /// The running session, if the frame is of it (`None`: of any); it has just been heard.
    fn alive(&mut self, now: Instant, of: Option<u32>) -> Option<&mut Session> {
        let ours = self
            .state
            .session()
            .is_some_and(|running| of.is_none_or(|id| id == running.card.session));
        if !ours {
            self.counters.stale += 1;
            return None;
        }
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Suspect(session, _) => State::Up(session),
            state => state,
        };
        let session = self.state.session_mut()?;
        session.heard = now;
        Some(session)
    }

    fn handle_hello_ack(&mut self, now: Instant, card: Descriptor) {
        match &self.state {
            State::Closed => self.counters.stale += 1,
            State::Greeting(greeting) | State::Refused(greeting) | State::Quarantined(greeting) => {
                if card.session != greeting.session {
                    self.counters.stale += 1;
                } else if card.major != PROTOCOL_MAJOR {
                    self.refuse(now, card.major, card.minor);
                } else {
                    self.counters.sessions += 1;
                    self.state = State::Up(Box::new(Session::new(now, card)));
                    self.outputs.push_back(LinkOutput::Up(Box::new(card)));
                    self.send(&HostMessage::Start);
                }
            }
            State::Up(session) | State::Suspect(session, _) => {
                if card.session != session.card.session {
                    self.counters.stale += 1;
                } else if session.is_same_life(&card) {
                    self.alive(now, None);
                } else {
                    let reason = if card.boot == session.card.boot {
                        DownReason::SessionLost
                    } else {
                        DownReason::Restarted
                    };
                    self.down(now, reason);
                    self.greet(now);
                }
            }
        }
    }

    fn refuse(&mut self, now: Instant, major: u8, minor: u8) {
        let (State::Greeting(greeting) | State::Refused(greeting) | State::Quarantined(greeting)) =
            self.state
        else {
            return;
        };
        if !matches!(self.state, State::Refused(_)) {
            self.outputs.push_back(LinkOutput::Refused { major, minor });
        }
        self.state = State::Refused(Greeting { at: now + SLOW_HELLO, ..greeting });
    }

    /// A fault never counts as a sign of life: a card that knows no session says nothing else.
    fn handle_fault(&mut self, now: Instant, fault: Fault) {
        match (fault, self.state.session().is_some()) {
            (Fault::Version { major, minor }, false) => self.refuse(now, major, minor),
            (Fault::NoSession | Fault::Watchdog | Fault::Undelivered, true) => self.suspect(now),
            (_, true) if self.outputs.len() < OUTPUTS => {
                self.outputs.push_back(LinkOutput::Fault(fault));
            }
            _ => self.counters.stale += 1,
        }
    }

    fn handle_event(
        &mut self,
        now: Instant,
        of: u32,
        seq: u8,
        (port, clock, event): (u8, u32, LineEvent),
    ) {
        if self.outputs.len() >= OUTPUTS {
            return; // Not acknowledged, so it comes again.
        }
        let Some(session) = self.alive(now, Some(of)) else { return };
        session.ack_due = true;
        if session.events.accept(seq) != Arrival::New {
            return;
        }
        if session.card.port(port).is_none() || matches!(event, LineEvent::Unknown(_)) {
            self.counters.events_unknown += 1;
            return;
        }
        self.counters.events += 1;
        self.outputs.push_back(LinkOutput::Event { port: PortNumber(port), clock, event });
    }

    fn handle_pcm(&mut self, now: Instant, pcm: &Pcm<'_>) {
        let Some(session) = self.alive(now, None) else { return };
        if pcm.channels.len() != usize::from(session.card.channels) {
            self.counters.malformed += 1;
            return;
        }
        let step = session.continuity.accept(pcm.clock);
        if step == Step::Old {
            self.counters.pcm_duplicates += 1;
            return;
        }
        session.audio = now;
        session.flow = Flow::Running;
        let missing = match step {
            Step::Next { missing } => missing,
            Step::Old | Step::Jump => {
                self.counters.pcm_jumps += 1;
                0
            }
        };
        self.counters.pcm_in += 1;
        self.counters.pcm_missing += u64::from(missing);
        let mut block = PcmBlock::filled(0, 0, 0);
        pcm.copy_to(&mut block);
        block.missing = missing;
        self.audio_in.push_back(block);
        if self.audio_in.len() > AUDIO_IN_BLOCKS
            && let Some(oldest) = self.audio_in.pop_front()
        {
            self.counters.pcm_unfetched += 1;
            if let Some(next) = self.audio_in.front_mut() {
                next.missing = next.missing.saturating_add(oldest.missing).saturating_add(1);
            }
        }
    }
}

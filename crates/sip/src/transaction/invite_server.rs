//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).
//!
//! ```text
//! state \ event   INVITE again   ACK          1xx        2xx              3xx–6xx            G            H                 I      L
//! Proceeding      resend last    –            send       send ▸Accepted   send ▸Completed    –            –                 –      –
//! Completed       resend         ▸Confirmed   –          –                –                  resend,      ↑no ACK ▸end      –      –
//!                                                                                            doubles to T2
//! Confirmed       –              –            –          –                –                  –            –                 ▸end   –
//! Accepted        –              ↑ACK         –          send             –                  –            –                 –      ▸end
//! ```
//!
//! The columns 1xx, 2xx and 3xx–6xx are what the session answers. Proceeding has no timer here: the session bounds
//! it with timer C. A 2xx is retransmitted by the session, through this transaction. On reliable transports G never
//! runs and I is zero.

use core::fmt;
use std::collections::VecDeque;

use tipring_core::Instant;

use super::{Path, Resend, ServerOutput, Timer, TimerValues, next_output};
use crate::message::Response;

/// One INVITE received.
#[derive(Debug)]
pub struct InviteServer {
    path: Path,
    values: TimerValues,
    state: State,
    output: VecDeque<ServerOutput>,
}

#[derive(Debug)]
enum State {
    Proceeding { last: Option<Vec<u8>> },
    Completed { bytes: Vec<u8>, g: Option<Resend>, h: Instant },
    Confirmed { i: Instant },
    Accepted { l: Instant },
    Terminated,
}

impl InviteServer {
    /// Takes an INVITE that matched no transaction; `path.remote` is where responses go.
    pub fn new(path: Path, values: TimerValues) -> Self {
        let state = State::Proceeding { last: None };
        Self { path, values, state, output: VecDeque::new() }
    }

    /// The INVITE came again.
    pub fn handle_retransmission(&mut self) {
        if let State::Proceeding { last: Some(bytes) } | State::Completed { bytes, .. } =
            &self.state
        {
            self.output.push_back(ServerOutput::Transmit(bytes.clone()));
        }
    }

    /// An ACK that matches this transaction. One in Accepted belongs to the session.
    pub fn handle_ack(&mut self, now: Instant) {
        match self.state {
            State::Completed { .. } => {
                let i = now + self.values.first(Timer::I, self.path.transport);
                self.state = State::Confirmed { i };
            }
            State::Accepted { .. } => self.output.push_back(ServerOutput::Ack),
            State::Proceeding { .. } | State::Confirmed { .. } | State::Terminated => {}
        }
    }

    /// Sends the session's response, as far as the state still allows one.
    pub fn respond(&mut self, now: Instant, response: &Response) {
        match (&mut self.state, response.status.code()) {
            (State::Proceeding { last }, ..200) => {
                let bytes = response.to_bytes();
                *last = Some(bytes.clone());
                self.output.push_back(ServerOutput::Transmit(bytes));
            }
            (State::Proceeding { .. } | State::Accepted { .. }, 200..300) => {
                if matches!(self.state, State::Proceeding { .. }) {
                    let l = now + self.values.first(Timer::L, self.path.transport);
                    self.state = State::Accepted { l };
                }
                self.output.push_back(ServerOutput::Transmit(response.to_bytes()));
            }
            (State::Proceeding { .. }, 300..) => {
                let bytes = response.to_bytes();
                self.state = State::Completed {
                    bytes: bytes.clone(),
                    g: Resend::unreliable(now, &self.values, self.path.transport),
                    h: now + self.values.first(Timer::H, self.path.transport),
                };
                self.output.push_back(ServerOutput::Transmit(bytes));
            }
            _ => {}
        }
    }

    /// Whether no final response was sent yet.
    pub fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Whether no response at all was sent yet.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Proceeding { last: None })
    }

    /// Fires timers G, H, I and L that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Completed { h, .. } if *h <= now => {
                self.output.push_back(ServerOutput::NoAck);
                self.terminate();
            }
            State::Completed { bytes, g: Some(g), .. } => {
                if g.is_due(now, &self.values, Timer::G) {
                    self.output.push_back(ServerOutput::Transmit(bytes.clone()));
                }
            }
            State::Confirmed { i: at } | State::Accepted { l: at } if *at <= now => {
                self.terminate();
            }
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Terminated => {}
        }
    }

    /// Ends the transaction without a final response.
    pub fn abandon(&mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        if !matches!(self.state, State::Terminated) {
            self.state = State::Terminated;
            self.output.push_back(ServerOutput::Terminated);
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        next_output(&mut self.output)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { g, h, .. } => Some(Resend::before(*g, *h)),
            State::Confirmed { i: at } | State::Accepted { l: at } => Some(*at),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// The hop responses take.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `INVITE server Proceeding UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for InviteServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Proceeding { .. } => "Proceeding",
            State::Completed { .. } => "Completed",
            State::Confirmed { .. } => "Confirmed",
            State::Accepted { .. } => "Accepted",
            State::Terminated => "Terminated",
        };
        write!(f, "INVITE server {state} {}", self.path)
    }
}

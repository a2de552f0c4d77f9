//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).
//!
//! ```text
//! state \ event   1xx            2xx            3xx–6xx             A            B            D    M    send error
//! Calling         ▸Proceeding ↑  ▸Accepted ↑    send ACK            resend,      ↑timed out        –    ↑failed
//!                                               ▸Completed ↑        A doubles    ▸end              –    ▸end
//! Proceeding      ↑              ▸Accepted ↑    send ACK            –            –            –    –    ↑failed
//!                                               ▸Completed ↑                                            ▸end
//! Completed       –              –              send ACK            –            –            ▸end –    ▸end
//! Accepted        –              ↑              –                   –            –            –    ▸end –
//! ```
//!
//! ↑ passes to the session; ▸ enters a state. Proceeding has no timer here: the session bounds it with timer C.
//! On reliable transports A never runs and D is zero.

use core::fmt;
use std::collections::VecDeque;

use tipring_core::Instant;

use super::{ClientOutput, Path, Resend, Timer, TimerValues, ack, next_output};
use crate::message::{Request, Response};

/// One INVITE sent, until its last possible response.
#[derive(Debug)]
pub struct InviteClient {
    path: Path,
    values: TimerValues,
    state: State,
    output: VecDeque<ClientOutput>,
}

/// The INVITE is kept as far as an ACK repeats it.
#[derive(Debug)]
enum State {
    Calling { bytes: Vec<u8>, invite: Box<Request>, a: Option<Resend>, b: Instant },
    Proceeding { invite: Box<Request> },
    Completed { ack: Vec<u8>, d: Instant },
    Accepted { m: Instant },
    Terminated,
}

impl InviteClient {
    /// Sends `request`, whose top Via names this transaction, along `path`.
    pub fn new(now: Instant, path: Path, values: TimerValues, request: Request) -> Self {
        let bytes = request.to_bytes();
        let state = State::Calling {
            bytes: bytes.clone(),
            invite: Box::new(ack::pare(request)),
            a: Resend::unreliable(now, &values, path.transport),
            b: now + values.first(Timer::B, path.transport),
        };
        let output = VecDeque::from([ClientOutput::Transmit(bytes)]);
        Self { path, values, state, output }
    }

    /// Takes a response that matched this transaction.
    pub fn handle_response(&mut self, now: Instant, response: Response) {
        let code = response.status.code();
        match &self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                self.in_progress(now, code, response);
            }
            State::Completed { ack, .. } if code >= 300 => {
                self.output.push_back(ClientOutput::Transmit(ack.clone()));
            }
            State::Accepted { .. } if (200..300).contains(&code) => {
                self.output.push_back(ClientOutput::Response(response));
            }
            State::Completed { .. } | State::Accepted { .. } | State::Terminated => {}
        }
    }

    fn in_progress(&mut self, now: Instant, code: u16, response: Response) {
        let invite = match std::mem::replace(&mut self.state, State::Terminated) {
            State::Calling { invite, .. } | State::Proceeding { invite } => invite,
            other => return self.state = other,
        };
        self.state = match code {
            ..200 => State::Proceeding { invite },
            200..300 => {
                State::Accepted { m: now + self.values.first(Timer::M, self.path.transport) }
            }
            300.. => {
                let ack = ack::for_non_2xx(&invite, &response).to_bytes();
                self.output.push_back(ClientOutput::Transmit(ack.clone()));
                State::Completed { ack, d: now + self.values.first(Timer::D, self.path.transport) }
            }
        };
        self.output.push_back(ClientOutput::Response(response));
    }

    /// Fires timers A, B, D and M that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Calling { b, .. } if *b <= now => {
                self.output.push_back(ClientOutput::TimedOut);
                self.terminate();
            }
            State::Calling { bytes, a: Some(a), .. } => {
                if a.is_due(now, &self.values, Timer::A) {
                    self.output.push_back(ClientOutput::Transmit(bytes.clone()));
                }
            }
            State::Completed { d: at, .. } | State::Accepted { m: at } if *at <= now => {
                self.terminate();
            }
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => {}
        }
    }

    /// The network refused to carry a message of this transaction (RFC 3261 §17.1.4).
    pub fn handle_send_error(&mut self) {
        match self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                self.output.push_back(ClientOutput::Failed);
                self.terminate();
            }
            State::Completed { .. } => self.terminate(),
            State::Accepted { .. } | State::Terminated => {}
        }
    }

    /// Whether no response has come at all.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// Sends the INVITE no more, and goes on to hear of it: another server was asked instead.
    pub fn hush(&mut self) {
        if let State::Calling { a, .. } = &mut self.state {
            *a = None;
        }
    }

    /// Ends the transaction without a final response (RFC 3261 §9.1, last paragraph).
    pub fn abandon(&mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        if !matches!(self.state, State::Terminated) {
            self.state = State::Terminated;
            self.output.push_back(ClientOutput::Terminated);
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        next_output(&mut self.output)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { a, b, .. } => Some(Resend::before(*a, *b)),
            State::Completed { d: at, .. } | State::Accepted { m: at } => Some(*at),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// The hop it runs on.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `INVITE client Calling UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for InviteClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "Calling",
            State::Proceeding { .. } => "Proceeding",
            State::Completed { .. } => "Completed",
            State::Accepted { .. } => "Accepted",
            State::Terminated => "Terminated",
        };
        write!(f, "INVITE client {state} {}", self.path)
    }
}

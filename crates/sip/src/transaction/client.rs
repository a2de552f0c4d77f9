//! The non-INVITE client transaction (RFC 3261 §17.1.2).
//!
//! ```text
//! state \ event   1xx             200–699          E                     F                  K      send error
//! Trying          ▸Proceeding ↑   ▸Completed ↑     resend, E doubles     ↑timed out ▸end    –      ↑failed ▸end
//!                                                  up to T2
//! Proceeding      ↑               ▸Completed ↑     resend, E is T2       ↑timed out ▸end    –      ↑failed ▸end
//! Completed       –               –                –                     –                  ▸end   –
//! ```
//!
//! On reliable transports E never runs and K is zero.

use core::fmt;
use std::collections::VecDeque;

use tipring_core::Instant;

use super::{ClientOutput, Path, Resend, Timer, TimerValues, next_output};
use crate::message::{Method, Request, Response};

/// One request other than INVITE and ACK, until its final response and the echoes of it.
#[derive(Debug)]
pub struct Client {
    path: Path,
    values: TimerValues,
    method: Method,
    state: State,
    output: VecDeque<ClientOutput>,
}

#[derive(Debug)]
enum State {
    Trying { sent: Sent },
    Proceeding { sent: Sent },
    Completed { k: Instant },
    Terminated,
}

#[derive(Debug, Default)]
struct Sent {
    bytes: Vec<u8>,
    e: Option<Resend>,
    f: Instant,
}

impl Client {
    /// Sends `request`, whose top Via names this transaction, along `path`.
    pub fn new(now: Instant, path: Path, values: TimerValues, request: &Request) -> Self {
        let bytes = request.to_bytes();
        let sent = Sent {
            bytes: bytes.clone(),
            e: Resend::unreliable(now, &values, path.transport),
            f: now + values.first(Timer::F, path.transport),
        };
        Self {
            path,
            values,
            method: request.method.clone(),
            state: State::Trying { sent },
            output: VecDeque::from([ClientOutput::Transmit(bytes)]),
        }
    }

    /// Takes a response that matched this transaction.
    pub fn handle_response(&mut self, now: Instant, response: Response) {
        match &mut self.state {
            State::Trying { sent } | State::Proceeding { sent } => {
                if response.status.code() < 200 {
                    self.state = State::Proceeding { sent: core::mem::take(sent) };
                } else {
                    let k = now + self.values.first(Timer::K, self.path.transport);
                    self.state = State::Completed { k };
                }
                self.output.push_back(ClientOutput::Response(response));
            }
            State::Completed { .. } | State::Terminated => {}
        }
    }

    /// Fires timers E, F and K that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let (values, proceeding) = (self.values, matches!(self.state, State::Proceeding { .. }));
        match &mut self.state {
            State::Trying { sent } | State::Proceeding { sent } if sent.f <= now => {
                self.output.push_back(ClientOutput::TimedOut);
                self.terminate();
            }
            State::Trying { sent } | State::Proceeding { sent } => {
                // RFC 3261 §17.1.2.2: after a provisional response the interval is T2.
                let due = sent.e.as_mut().is_some_and(|e| match proceeding {
                    true => e.is_due_every(now, values.t2),
                    false => e.is_due(now, &values, Timer::E),
                });
                if due {
                    self.output.push_back(ClientOutput::Transmit(sent.bytes.clone()));
                }
            }
            State::Completed { k } if *k <= now => self.terminate(),
            State::Completed { .. } | State::Terminated => {}
        }
    }

    /// The network refused to carry the request (RFC 3261 §17.1.4).
    pub fn handle_send_error(&mut self) {
        match self.state {
            State::Trying { .. } | State::Proceeding { .. } => {
                self.output.push_back(ClientOutput::Failed);
                self.terminate();
            }
            State::Completed { .. } | State::Terminated => {}
        }
    }

    /// Whether no response has come at all.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// Ends the transaction without a final response.
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
            State::Trying { sent } | State::Proceeding { sent } => {
                Some(Resend::before(sent.e, sent.f))
            }
            State::Completed { k } => Some(*k),
            State::Terminated => None,
        }
    }

    /// The hop it runs on.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `BYE client Trying UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Trying { .. } => "Trying",
            State::Proceeding { .. } => "Proceeding",
            State::Completed { .. } => "Completed",
            State::Terminated => "Terminated",
        };
        write!(f, "{} client {state} {}", self.method, self.path)
    }
}

//! The non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! ```text
//! state \ event   request again   1xx                 200–699            J
//! Trying          –               send ▸Proceeding    send ▸Completed    ▸end
//! Proceeding      resend          send                send ▸Completed    ▸end
//! Completed       resend          –                   –                  ▸end
//! ```
//!
//! RFC 4320: of provisional responses only a 100 is sent, and over UDP not before the client's timer E has reached T2,
//! since until then a retransmission costs less; a 408 never, since the client has given up by itself when it comes.
//!
//! J runs in Completed by the standard. Here it also bounds the states before: when it has run out there, the
//! client's timer F has fired and nobody waits for an answer any more. On reliable transports J is zero in Completed.

use core::fmt;
use std::collections::VecDeque;

use tipring_core::{Duration, Instant};

use super::{Path, ServerOutput, Timer, TimerValues, next_output};
use crate::message::{Method, Response, Status};

/// One request other than INVITE and ACK received.
#[derive(Debug)]
pub struct Server {
    path: Path,
    values: TimerValues,
    method: Method,
    /// When a 100 may be sent.
    trying: Instant,
    state: State,
    output: VecDeque<ServerOutput>,
}

#[derive(Debug)]
enum State {
    Trying { until: Instant },
    Proceeding { last: Vec<u8>, until: Instant },
    Completed { bytes: Vec<u8>, j: Instant },
    Terminated,
}

impl Server {
    /// Takes a request that matched no transaction; `path.remote` is where responses go.
    pub fn new(now: Instant, path: Path, values: TimerValues, method: Method) -> Self {
        let state = State::Trying { until: now + values.timeout() };
        let reliable = path.transport.is_reliable();
        let trying = now + if reliable { Duration::ZERO } else { until_t2(&values) };
        Self { path, values, method, trying, state, output: VecDeque::new() }
    }

    /// The request came again.
    pub fn handle_retransmission(&mut self) {
        if let State::Proceeding { last: bytes, .. } | State::Completed { bytes, .. } = &self.state
        {
            self.output.push_back(ServerOutput::Transmit(bytes.clone()));
        }
    }

    /// Sends a response, unless a final one was sent before.
    pub fn respond(&mut self, now: Instant, response: &Response) {
        let (State::Trying { until } | State::Proceeding { until, .. }) = self.state else {
            return;
        };
        let status = response.status;
        let early = status != Status::TRYING || now < self.trying;
        if status == Status::REQUEST_TIMEOUT || (status.is_provisional() && early) {
            return;
        }
        let bytes = response.to_bytes();
        self.state = if status.is_provisional() {
            State::Proceeding { last: bytes.clone(), until }
        } else {
            let j = now + self.values.first(Timer::J, self.path.transport);
            State::Completed { bytes: bytes.clone(), j }
        };
        self.output.push_back(ServerOutput::Transmit(bytes));
    }

    /// Whether no final response was sent yet.
    pub fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Trying { .. } | State::Proceeding { .. })
    }

    /// Fires timer J when it is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.terminate();
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
            State::Trying { until: at }
            | State::Proceeding { until: at, .. }
            | State::Completed { j: at, .. } => Some(*at),
            State::Terminated => None,
        }
    }

    /// The hop responses take.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The time after which the client's timer E stands at T2: T1, doubled until T2 is reached, summed up.
fn until_t2(values: &TimerValues) -> Duration {
    let (mut sum, mut interval) = (Duration::ZERO, values.t1);
    while interval < values.t2 && !interval.is_zero() {
        sum += interval;
        interval = interval.saturating_mul(2);
    }
    sum
}

/// `REGISTER server Trying UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Trying { .. } => "Trying",
            State::Proceeding { .. } => "Proceeding",
            State::Completed { .. } => "Completed",
            State::Terminated => "Terminated",
        };
        write!(f, "{} server {state} {}", self.method, self.path)
    }
}

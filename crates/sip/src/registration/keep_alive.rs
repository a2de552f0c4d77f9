//! Keeping the way back open while we are registered over UDP, and finding out that it is gone (RFC 5626 §4.4.2).
//!
//! ```text
//! state \ event   due                     answer, as before   answer, another    no answer in 79·T1 (39.5 s)
//!                                                             address
//! LineEnds        line ends               –                   –                  –
//! Resting         Binding request         –                   –                  –
//!                 ▸Asking
//! Asking          the request again       ▸Resting            ▸Resting, gone     ▸Resting, gone; the server has never
//!                                                                                answered: ▸LineEnds or nothing
//! ```
//!
//! A Binding request goes out seven times in all, after 0, 1, 3, 7, 15, 31 and 63·T1, and is waited for 16·T1 more (RFC 8489
//! §6.2.1). It comes at 80 to 100 % of the Flow-Timer or of what is configured, else after 24 to 29 s (RFC 5626 §4.4). Only
//! a registrar that speaks RFC 5626 is asked; should it have no ears for STUN all the same, it registers us once more
//! than it had to, and is not asked again.

use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use crate::transport::{StunId, StunKind, StunMessage};

/// How the way back is kept open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    LineEnds,
    Stun,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Send line ends.
    LineEnds,
    /// Send the Binding request with this number, the first time or again.
    Request(StunId),
    /// The flow is gone.
    Gone,
}

/// One binding's.
#[derive(Debug)]
pub(super) struct KeepAlive {
    /// When the next is due: the next after that is drawn by who asks.
    next: Instant,
    state: State,
    /// Where the server has seen us.
    mapped: Option<SocketAddr>,
}

#[derive(Debug)]
enum State {
    LineEnds,
    Resting,
    Asking { id: StunId, sent: u32, again: Instant },
}

/// Times that a request is sent.
const TRIES: u32 = 7;
/// Of T1: how long the last one is waited for.
const LAST_WAIT: u32 = 16;

impl KeepAlive {
    pub(super) fn new(means: Means, first: Instant) -> Self {
        let state = match means {
            Means::LineEnds => State::LineEnds,
            Means::Stun => State::Resting,
        };
        Self { next: first, state, mapped: None }
    }

    /// Does what is due; `next` is when the one after this comes, `id` the number of a new request.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        next: Instant,
        id: StunId,
        t1: Duration,
    ) -> Due {
        match &mut self.state {
            State::LineEnds | State::Resting if now < self.next => Due::Nothing,
            State::LineEnds => {
                self.next = next;
                Due::LineEnds
            }
            State::Resting => {
                self.next = next;
                self.state = State::Asking { id, sent: 1, again: now + t1 };
                Due::Request(id)
            }
            State::Asking { again, .. } if now < *again => Due::Nothing,
            State::Asking { id, sent, again } if *sent < TRIES => {
                *sent += 1;
                let wait = if *sent < TRIES { 1 << (*sent - 1) } else { LAST_WAIT };
                *again = now + t1 * wait;
                Due::Request(*id)
            }
            State::Asking { .. } => {
                self.state = State::Resting;
                Due::Gone
            }
        }
    }

    /// An answer of the server; `None` when nothing was asked by that number.
    pub(super) fn handle_answer(&mut self, answer: &StunMessage) -> Option<Due> {
        match self.state {
            State::Asking { id, .. } if id == answer.id => {}
            State::LineEnds | State::Resting | State::Asking { .. } => return None,
        }
        let mapped = match &answer.kind {
            StunKind::Success { mapped } => Some(*mapped),
            // It is there, and that is what was asked for.
            StunKind::Refusal { .. } => None,
            StunKind::Request { .. } | StunKind::Indication => return None,
        };
        self.state = State::Resting;
        let before = self.mapped;
        self.mapped = mapped.or(before);
        let moved = before.is_some() && before != self.mapped;
        Some(if moved { Due::Gone } else { Due::Nothing })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(super) fn poll_timeout(&self) -> Instant {
        match self.state {
            State::LineEnds | State::Resting => self.next,
            State::Asking { again, .. } => again,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const T1: Duration = Duration::from_millis(500);
    const ASKED: StunId = StunId([1; 12]);

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn millis(at: Instant) -> u64 {
        u64::try_from(at.since(Instant::ZERO).as_millis()).expect("early")
    }

    fn keep_alive(state: &str) -> KeepAlive {
        let means = if state == "LineEnds" { Means::LineEnds } else { Means::Stun };
        let mut keep_alive = KeepAlive::new(means, at(1000));
        if state != "LineEnds" {
            keep_alive.mapped = Some(SocketAddr::from(([192, 0, 2, 1], 5060)));
        }
        let times: &[u64] = match state {
            "Asking" => &[1000],
            "Asking, last" => &[1000, 1500, 2500, 4500, 8500, 16_500, 32_500],
            _ => &[],
        };
        for ms in times {
            let due = keep_alive.handle_timeout(at(*ms), at(30_000), ASKED, T1);
            assert_eq!(due, Due::Request(ASKED), "{ms}");
        }
        keep_alive
    }

    fn answer(id: StunId, port: u16) -> StunMessage {
        let mapped = SocketAddr::from(([192, 0, 2, 1], port));
        StunMessage { id, kind: StunKind::Success { mapped }, fingerprint: false }
    }

    /// What an event comes to, and the state after it.
    fn step(state: &str, event: &str) -> String {
        let mut machine = keep_alive(state);
        let fresh = StunId([2; 12]);
        let done = match event {
            "too early" => {
                let early = at(millis(machine.poll_timeout()) - 1);
                Some(machine.handle_timeout(early, at(60_000), fresh, T1))
            }
            "due" => {
                let due = machine.poll_timeout();
                Some(machine.handle_timeout(due, at(60_000), fresh, T1))
            }
            "answer" => machine.handle_answer(&answer(ASKED, 5060)),
            "another address" => machine.handle_answer(&answer(ASKED, 5061)),
            "refusal" => {
                let kind = StunKind::Refusal { code: 500, unknown: Vec::new() };
                machine.handle_answer(&StunMessage { kind, ..answer(ASKED, 0) })
            }
            "answer to another" => machine.handle_answer(&answer(fresh, 5061)),
            _ => machine.handle_answer(&StunMessage::request(ASKED)),
        };
        let done = match done {
            None => "–",
            Some(Due::Nothing) => "nothing",
            Some(Due::LineEnds) => "line ends",
            Some(Due::Request(id)) if id == fresh => "new request",
            Some(Due::Request(_)) => "request again",
            Some(Due::Gone) => "gone",
        };
        let after = match machine.state {
            State::LineEnds => "LineEnds",
            State::Resting => "Resting",
            State::Asking { .. } => "Asking",
        };
        let next = millis(machine.poll_timeout());
        format!("{state} | {event} | {done} | {after}, {next} ms")
    }

    #[test]
    fn the_table_of_the_machine() {
        let mut table = String::new();
        for state in ["LineEnds", "Resting", "Asking", "Asking, last"] {
            for event in [
                "too early",
                "due",
                "answer",
                "another address",
                "refusal",
                "answer to another",
                "a request",
            ] {
                writeln!(table, "{}", step(state, event)).expect("a string");
            }
        }
        insta::assert_snapshot!(table);
    }
}

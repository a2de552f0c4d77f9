//! The timers of RFC 3261 table 4, with RFC 6026's L and M.

use tipring_core::{Duration, Instant};

use crate::message::Transport;

/// A transaction timer by its letter. Timer C belongs to whoever waits for a final response, the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// INVITE client: retransmission of the request, doubling; unreliable transports only.
    A,
    /// INVITE client: no response at all.
    B,
    /// Bound on a proceeding INVITE (RFC 3261 §16.6 item 11, kept by the session here).
    C,
    /// INVITE client: how long retransmitted non-2xx responses are answered with ACK.
    D,
    /// Non-INVITE client: retransmission of the request, doubling up to T2.
    E,
    /// Non-INVITE client: no final response.
    F,
    /// INVITE server: retransmission of a non-2xx response, doubling up to T2.
    G,
    /// INVITE server: no ACK for a non-2xx response.
    H,
    /// INVITE server: how long retransmitted ACKs are absorbed.
    I,
    /// Non-INVITE server: how long retransmitted requests are answered.
    J,
    /// Non-INVITE client: how long retransmitted responses are absorbed.
    K,
    /// INVITE server: how long retransmitted INVITEs are absorbed after a 2xx (RFC 6026 §7.1).
    L,
    /// INVITE client: how long further 2xx are passed up (RFC 6026 §8.4).
    M,
}

/// The values all timers are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerValues {
    /// Estimate of the round-trip time; 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions of non-INVITE requests and INVITE responses; 4 s.
    pub t2: Duration,
    /// Longest time a message stays in the network; 5 s.
    pub t4: Duration,
    /// Longest time an INVITE may stay unanswered after a provisional response; 3 min.
    pub c: Duration,
}

impl Default for TimerValues {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            c: Duration::from_secs(180),
        }
    }
}

impl TimerValues {
    /// 64·T1, how long a transaction tries.
    pub fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// The first value of `timer` on `transport`. A, E and G double from there.
    pub fn first(&self, timer: Timer, transport: Transport) -> Duration {
        let if_unreliable = |value| if transport.is_reliable() { Duration::ZERO } else { value };
        match timer {
            Timer::A | Timer::E | Timer::G => self.t1,
            Timer::B | Timer::F | Timer::H | Timer::L | Timer::M => self.timeout(),
            Timer::C => self.c,
            Timer::D => if_unreliable(self.timeout()),
            Timer::I | Timer::K => if_unreliable(self.t4),
            Timer::J => if_unreliable(self.timeout()),
        }
    }

    /// The interval that follows `interval` of `timer`: doubled, and up to T2 unless it is timer A.
    pub fn next(&self, timer: Timer, interval: Duration) -> Duration {
        let doubled = interval.saturating_mul(2);
        if timer == Timer::A { doubled } else { doubled.min(self.t2) }
    }
}

/// When a message is sent again: the value of timers A, E and G, and of the responses that a session repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    at: Instant,
    interval: Duration,
}

impl Resend {
    /// For a message that was sent at `now`; `None` on transports that lose nothing.
    pub fn unreliable(now: Instant, values: &TimerValues, transport: Transport) -> Option<Self> {
        (!transport.is_reliable()).then(|| Self::always(now, values))
    }

    /// The same on any transport: for messages that must survive more than one hop.
    pub fn always(now: Instant, values: &TimerValues) -> Self {
        Self { at: now + values.t1, interval: values.t1 }
    }

    /// Whether the message is due again; it is then due next after the following interval of `timer`.
    pub fn is_due(&mut self, now: Instant, values: &TimerValues, timer: Timer) -> bool {
        let due = self.at <= now;
        if due {
            self.interval = values.next(timer, self.interval);
            self.at = now + self.interval;
        }
        due
    }

    /// The same, and the interval stays at `interval` from now on.
    pub fn is_due_every(&mut self, now: Instant, interval: Duration) -> bool {
        let due = self.at <= now;
        if due {
            *self = Self { at: now + interval, interval };
        }
        due
    }

    /// When the message is due, or `until` when that is earlier.
    pub fn before(resend: Option<Self>, until: Instant) -> Instant {
        resend.map_or(until, |resend| resend.at.min(until))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn defaults_are_those_of_table_4() {
        let values = TimerValues::default();
        let mut table = String::new();
        for timer in [
            Timer::A,
            Timer::B,
            Timer::C,
            Timer::D,
            Timer::E,
            Timer::F,
            Timer::G,
            Timer::H,
            Timer::I,
            Timer::J,
            Timer::K,
            Timer::L,
            Timer::M,
        ] {
            let udp = values.first(timer, Transport::Udp).as_millis();
            let tcp = values.first(timer, Transport::Tcp).as_millis();
            writeln!(table, "{timer:?} {udp} {tcp}").expect("writing to a String cannot fail");
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn only_timer_a_doubles_beyond_t2() {
        let values = TimerValues::default();
        let four = Duration::from_secs(4);
        assert_eq!(values.next(Timer::A, four), Duration::from_secs(8));
        assert_eq!(values.next(Timer::E, four), four);
        assert_eq!(values.next(Timer::G, Duration::from_secs(3)), four);
    }
}

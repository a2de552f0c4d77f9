//! What is alive, counted: the proof that nothing leaks.

use crate::gateway::{Gateway, Owner};

/// How much of each thing there is now.
///
/// With no call, no registration and nothing on its way, everything but `trunks_registered` and `registrations` of
/// `sip` is zero once the longest transaction timer has fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Calls that are not over.
    pub calls: usize,
    /// Calls that wait for the last word of a stream or a session.
    pub closing: usize,
    /// Legs of calls, and SIP legs whose session has not ended.
    pub legs: usize,
    /// Lines that have a leg.
    pub lines_in_use: usize,
    /// RTP terminations.
    pub streams: usize,
    /// RTP ports in use.
    pub rtp_ports: usize,
    /// Names that are being looked up.
    pub queries: usize,
    /// Trunks that are registered.
    pub trunks_registered: usize,
    /// The SIP user agent.
    pub sip: tipring_sip::agent::Counts,
    /// Times that the machines did not come to rest; never anything but 0.
    pub unsettled: u64,
}

impl Gateway {
    /// Counts what is alive.
    pub fn audit(&self) -> Audit {
        Audit {
            calls: self.calls.len(),
            closing: self.closing.len(),
            legs: self.legs.len(),
            lines_in_use: self.lines.iter().filter(|line| line.leg.is_some()).count(),
            streams: self.owners.values().filter(|owner| matches!(owner, Owner::Leg(_))).count(),
            rtp_ports: self.ports.taken(),
            queries: self.queries.len(),
            trunks_registered: (0..self.trunks.len())
                .filter(|at| self.trunk_is_registered(*at))
                .count(),
            sip: self.agent.counts(),
            unsettled: self.unsettled,
        }
    }
}

impl Audit {
    /// Whether no call has left anything behind.
    pub fn is_quiet(&self) -> bool {
        let registrations = self.sip.registrations;
        *self
            == Self {
                trunks_registered: self.trunks_registered,
                sip: tipring_sip::agent::Counts {
                    registrations,
                    timers: self.sip.timers,
                    ..Default::default()
                },
                ..Self::default()
            }
    }
}

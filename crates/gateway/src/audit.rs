//! What is alive, counted: the proof that nothing leaks.

use crate::gateway::{Gateway, Owner, Wake};
use crate::ladder::Ladder;

/// How much of each thing there is now.
///
/// With no call and nothing on its way, everything but the lines in service and the registrations
/// is zero once the longest transaction timer has fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Calls that are not over.
    pub calls: usize,
    /// Calls that wait for the last word of a stream or a session.
    pub closing: usize,
    /// Legs of calls, and SIP legs whose session has not ended.
    pub legs: usize,
    /// Lines whose card is in service.
    pub lines_in_service: usize,
    /// Lines that have a leg.
    pub lines_in_use: usize,
    /// RTP terminations.
    pub streams: usize,
    /// Terminations of lines that are not in service, waiting for the engine's last word.
    pub channels_ending: usize,
    /// SIP Call-IDs whose messages go into a ladder.
    pub call_ids: usize,
    /// Deadlines of lines and calls; those of trunks do not count.
    pub timers: usize,
    /// RTP ports in use.
    pub rtp_ports: usize,
    /// MESSAGEs that are being passed on.
    pub texts: usize,
    /// Names that are being looked up.
    pub queries: usize,
    /// Trunks that are registered.
    pub trunks_registered: usize,
    /// Connections to SIP peers; those that nobody uses stay for a while.
    pub connections: usize,
    /// The SIP user agent.
    pub sip: tipring_sip::agent::Counts,
    /// Times that the machines did not come to rest; never anything but 0.
    pub unsettled: u64,
}

impl Gateway {
    /// Counts what is alive.
    pub fn audit(&self) -> Audit {
        let of_line = |owner: &&Owner| matches!(owner, Owner::Line(_));
        let lines_in_service = self.lines.iter().filter(|line| line.termination.is_some()).count();
        let channels = self.owners.values().filter(of_line).count();
        let trunks = (0..self.trunks.len()).flat_map(|at| [Wake::Trunk(at), Wake::Probe(at)]);
        let of_trunks = trunks.filter(|wake| self.timers.deadline(wake).is_some()).count();
        Audit {
            calls: self.calls.len(),
            closing: self.closing.len(),
            legs: self.legs.len(),
            lines_in_service,
            lines_in_use: self.lines.iter().filter(|line| line.leg.is_some()).count(),
            streams: self.owners.values().filter(|owner| matches!(owner, Owner::Leg(_))).count(),
            channels_ending: channels.saturating_sub(lines_in_service),
            call_ids: self.sip_call_ids.len(),
            timers: self.timers.len() - of_trunks,
            rtp_ports: self.ports.taken(),
            texts: self.texts.len(),
            queries: self.queries.len(),
            trunks_registered: (0..self.trunks.len())
                .filter(|at| self.trunk_is_registered(*at))
                .count(),
            connections: self.flows.len(),
            sip: self.agent.counts(),
            unsettled: self.unsettled,
        }
    }
}

impl Gateway {
    /// The ladders of the calls that have not ended.
    pub fn ladders(&self) -> impl Iterator<Item = &Ladder> {
        let closing = self.closing.values().map(|closing| &closing.ladder);
        closing.chain(self.calls.values().map(|open| &open.ladder))
    }
}

impl Audit {
    /// Whether no call has left anything behind.
    pub fn is_quiet(&self) -> bool {
        let registrations = self.sip.registrations;
        *self
            == Self {
                trunks_registered: self.trunks_registered,
                lines_in_service: self.lines_in_service,
                connections: self.connections,
                sip: tipring_sip::agent::Counts {
                    registrations,
                    timers: self.sip.timers,
                    ..Default::default()
                },
                ..Self::default()
            }
    }
}

//! What a receiver knows about one source: RFC 3550 appendix A.1 (sequence), A.3 (loss), A.8 (jitter), §6.4 (reports).
//!
//! ```text
//!  packet            distance to the highest seen        verdict
//!  ───────────────   ─────────────────────────────────   ────────────────────────────────────────
//!  first             –                                   Accepted
//!  next, ahead       < MAX_DROPOUT forward               Accepted, highest moves, cycles count
//!  reordered, twin   ≤ MAX_MISORDER back                 Accepted, highest stays
//!  far off           anything else                       Suspect; the next in row after it: Restarted
//! ```
//! Appendix A.1 keeps a *new* source on probation for two packets. Here the address was checked before
//! ([`crate::SourceLock`]), and the first 20 ms of "hello" are worth more than a second check.

use tipring_core::{Duration, Instant};

use crate::rtcp::{Ntp, ReportBlock};
use crate::{CLOCK_KHZ, Header};

/// The forward jump that still counts as loss (A.1).
const MAX_DROPOUT: u16 = 3000;
/// The backward jump that still counts as reordering (A.1).
const MAX_MISORDER: u16 = 100;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It belongs to the stream. Extended sequence numbers count on where 16 bits wrap.
    Accepted(u64),
    /// The source started over: what was buffered is void. Its extended sequence number.
    Restarted(u64),
    /// Far off; believed only if the next one continues it. Drop it.
    Suspect,
}

/// The counts of one source.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    base: u64,
    highest: u64,
    suspect: Option<u16>,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    /// Packets expected before the latest restart, and received of them.
    before: (u64, u64),
    /// A.8: the estimate times 16, in timestamp units.
    jitter_q4: u32,
    transit: Option<u32>,
    report: Option<(u32, Instant)>,
}

impl Reception {
    /// Counts for the source of `first`, which is not counted yet.
    pub fn new(first: &Header) -> Self {
        // One cycle up, so that a packet reordered before the first has a number too.
        let base = u64::from(first.sequence) + 0x1_0000;
        Self {
            ssrc: first.ssrc,
            base,
            highest: base.wrapping_sub(1),
            suspect: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            before: (0, 0),
            jitter_q4: 0,
            transit: None,
            report: None,
        }
    }

    /// The source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Counts a packet of this source that arrived at `now`. `paced` is true where its timestamp says when it was
    /// sent: events of RFC 4733 repeat their first timestamp and must not enter the jitter.
    pub fn handle_packet(&mut self, now: Instant, header: &Header, paced: bool) -> Arrival {
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        let mut restarted = false;
        let extended = if ahead != 0 && ahead < MAX_DROPOUT {
            self.highest += u64::from(ahead);
            self.highest
        } else if ahead == 0 || ahead > u16::MAX - MAX_MISORDER {
            self.highest - u64::from(ahead.wrapping_neg())
        } else if self.suspect == Some(header.sequence) {
            self.restart(header.sequence);
            restarted = true;
            self.highest
        } else {
            self.suspect = Some(header.sequence.wrapping_add(1));
            return Arrival::Suspect;
        };
        self.suspect = None;
        self.received += 1;
        self.base = self.base.min(extended);
        if paced {
            self.measure_jitter(now, header.timestamp);
        }
        if restarted { Arrival::Restarted(extended) } else { Arrival::Accepted(extended) }
    }

    /// Notes a sender report, so that the next block can tell when (RFC 3550 §6.4.1, LSR and DLSR).
    pub fn handle_sender_report(&mut self, now: Instant, ntp: Ntp) {
        self.report = Some((ntp.middle(), now));
    }

    /// The block about this source for the next report; starts a new interval for the fraction lost.
    pub fn report_block(&mut self, now: Instant) -> ReportBlock {
        let expected = self.expected() - self.expected_prior;
        let received = self.received() - self.received_prior;
        self.expected_prior += expected;
        self.received_prior += received;
        let lost = expected.saturating_sub(received);
        let fraction_lost =
            (lost * 256).checked_div(expected).map_or(0, |f| u8::try_from(f).unwrap_or(255));
        let (last_sr, delay_since_sr) = self.report.map_or((0, 0), |(lsr, at)| {
            let micros = now.since(at).as_micros();
            (lsr, u32::try_from(micros * 65_536 / 1_000_000).unwrap_or(u32::MAX))
        });
        let difference = self.expected() as i64 - self.received() as i64;
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            cumulative_lost: difference.clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: self.highest.wrapping_sub(0x1_0000) as u32,
            jitter: self.jitter_q4 >> 4,
            last_sr,
            delay_since_sr,
        }
    }

    /// Packets received, twins and late ones included (A.3).
    pub fn received(&self) -> u64 {
        self.before.1 + self.received
    }

    /// Packets that must have been sent, by their numbers.
    pub fn expected(&self) -> u64 {
        self.before.0 + self.highest.wrapping_add(1).saturating_sub(self.base)
    }

    /// Packets missing; never below zero, though twins may hide a few.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received())
    }

    /// Interarrival jitter, in milliseconds.
    pub fn jitter_ms(&self) -> f32 {
        self.jitter_q4 as f32 / 16.0 / CLOCK_KHZ as f32
    }

    fn restart(&mut self, sequence: u16) {
        self.before = (self.expected(), self.received());
        // Numbers of the new run never meet those of the old one.
        self.base = (((self.highest >> 16) + 2) << 16) + u64::from(sequence);
        self.highest = self.base;
        self.received = 0;
        self.transit = None;
    }

    /// A.8, all in timestamp units modulo 2³².
    fn measure_jitter(&mut self, now: Instant, timestamp: u32) {
        let arrival = (now.as_micros() * u64::from(CLOCK_KHZ) / 1000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(previous) = self.transit.replace(transit) {
            // A pause whose timestamps stood still, or a clock that jumped, says nothing about the path.
            let d = (transit.wrapping_sub(previous) as i32).unsigned_abs().min(CLOCK_KHZ * 2000);
            self.jitter_q4 = self.jitter_q4 + d - ((self.jitter_q4 + 8) >> 4);
        }
    }
}

/// The round trip that a report block about our own stream proves, at our time `now` (RFC 3550 §6.4.1, figure 2).
///
/// `None` where the peer has seen no report of ours yet, or tells nonsense.
pub fn round_trip(now: Ntp, block: &ReportBlock) -> Option<Duration> {
    if block.last_sr == 0 {
        return None;
    }
    let units = now.middle().wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_sr);
    // Half a minute is no round trip; clocks of 1/65536 s may make a short one negative by a little.
    let units = match units as i32 {
        -655..0 => 0,
        units @ 0..1_966_080 => units.unsigned_abs(),
        _ => return None,
    };
    Some(Duration::from_micros(u64::from(units) * 1_000_000 / 65_536))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16) -> Header {
        let timestamp = u32::from(sequence) * 160;
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 9 }
    }

    fn feed(reception: &mut Reception, sequences: &[u16]) -> Vec<Arrival> {
        sequences
            .iter()
            .map(|s| reception.handle_packet(Instant::ZERO, &header(*s), false))
            .collect()
    }

    #[test]
    fn numbers_count_on_over_the_wrap_and_reordering_adds_no_loss() {
        let mut r = Reception::new(&header(65534));
        let arrivals = feed(&mut r, &[65534, 0, 65535, 1]);
        let base = 65534 + 65536;
        let expected = [0, 2, 1, 3].map(|n| Arrival::Accepted(base + n));
        assert_eq!(arrivals, expected);
        assert_eq!((r.expected(), r.received(), r.lost()), (4, 4, 0));
    }

    #[test]
    fn losses_are_counted_in_total_and_by_interval() {
        let mut r = Reception::new(&header(0));
        feed(&mut r, &[0, 1, 2, 5]);
        let block = r.report_block(Instant::ZERO);
        assert_eq!((block.cumulative_lost, block.fraction_lost), (2, 85));
        feed(&mut r, &[6, 7]);
        let block = r.report_block(Instant::ZERO);
        assert_eq!((block.cumulative_lost, block.fraction_lost, block.highest_sequence), (2, 0, 7));
    }

    #[test]
    fn a_single_stray_number_is_dropped_and_two_in_row_restart() {
        let mut r = Reception::new(&header(10));
        let arrivals = feed(&mut r, &[10, 40000, 11, 50000, 50001]);
        assert_eq!(arrivals[1], Arrival::Suspect);
        assert!(matches!(arrivals[2], Arrival::Accepted(_)));
        assert_eq!(arrivals[3], Arrival::Suspect);
        assert!(matches!(arrivals[4], Arrival::Restarted(_)));
        assert_eq!((r.received(), r.lost()), (3, 0));
    }

    #[test]
    fn jitter_converges_to_the_mean_difference() {
        let mut r = Reception::new(&header(0));
        for n in 0..500u16 {
            let late = u64::from(n % 2) * 5;
            r.handle_packet(Instant::from_millis(u64::from(n) * 20 + late), &header(n), true);
        }
        assert!((r.jitter_ms() - 5.0).abs() < 0.3, "{}", r.jitter_ms());
    }

    #[test]
    fn the_round_trip_is_what_is_left_of_the_detour() {
        let sent = Ntp::ORIGIN.after(Instant::from_millis(1000));
        let back = Ntp::ORIGIN.after(Instant::from_millis(1250));
        let mut r = Reception::new(&header(0));
        r.handle_sender_report(Instant::from_millis(70), sent);
        let mut block = r.report_block(Instant::from_millis(270));
        let rtt = round_trip(back, &block).expect("a report was seen").as_micros();
        assert!(rtt.abs_diff(50_000) < 50, "{rtt}");
        block.last_sr = 0;
        assert_eq!(round_trip(back, &block), None);
        block.last_sr = 0x4000_0000;
        assert_eq!(round_trip(back, &block), None);
    }
}

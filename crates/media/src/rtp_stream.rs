//! One RTP stream, both ways, with its RTCP.

use tipring_core::{Duration, Instant, Rng, TerminationId};
use tipring_rtp::packet::is_rtcp;
use tipring_rtp::rtcp::{Cname, Compound, Ntp, Part, Report};
use tipring_rtp::{Packet, quality, reception};

use crate::block::RtpSlot;
use crate::control::{RtpFormat, RtpParams, RtpStats};
use crate::outbox::Outbox;
use crate::rtp_receive::Receiver;
use crate::rtp_send::Sender;

/// The mean time between two reports (RFC 3550 §6.2, least interval).
const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct RtpStream {
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    cname: Cname,
    rng: Rng,
    next_report: Option<Instant>,
    /// Packets sent when the latest report was made.
    reported: u64,
    round_trip: Option<Duration>,
    remote_lost: Option<i32>,
    /// Datagrams that were neither RTP nor RTCP.
    malformed: u64,
}

impl RtpStream {
    pub(crate) fn new(params: &RtpParams) -> Self {
        Self {
            sender: Sender::new(params),
            receiver: Receiver::new(params.format),
            cname: params.cname,
            rng: Rng::new(u64::from(params.ssrc) << 32 | u64::from(params.timestamp)),
            next_report: None,
            reported: 0,
            round_trip: None,
            remote_lost: None,
            malformed: 0,
        }
    }

    pub(crate) fn set_format(&mut self, format: RtpFormat) {
        self.sender.format = format;
        self.receiver.format = format;
    }

    /// Takes a datagram. `lead` as in [`crate::jitter::JitterBuffer::insert`].
    pub(crate) fn handle_datagram(
        &mut self,
        slot: &RtpSlot,
        lead: i32,
        wanted: bool,
        ntp_origin: Ntp,
        out: &mut Outbox,
    ) {
        if slot.rtcp || is_rtcp(slot.datagram()) {
            self.handle_rtcp(slot.at, slot.datagram(), ntp_origin);
            return;
        }
        match Packet::parse(slot.datagram()) {
            Ok(packet) => {
                let termination = slot.termination;
                self.receiver.handle_packet(slot.at, lead, &packet, wanted, termination, out);
            }
            Err(_) => self.malformed += 1,
        }
    }

    /// Sends a report where one is due.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        termination: TerminationId,
        ntp_origin: Ntp,
        out: &mut Outbox,
    ) {
        let due = match self.next_report {
            Some(at) => at <= now,
            // The first comes sooner, so that a short call has one (§6.2).
            None => {
                self.next_report = Some(now + INTERVAL / 2);
                false
            }
        };
        if due {
            // §6.3.1: half to one and a half of the interval.
            self.next_report = Some(now + INTERVAL.mul_f64(0.5 + self.rng.unit()));
            self.report(now, termination, ntp_origin, false, out);
        }
    }

    /// The last words: a report and BYE (§6.6).
    pub(crate) fn bye(
        &mut self,
        now: Instant,
        termination: TerminationId,
        ntp_origin: Ntp,
        out: &mut Outbox,
    ) {
        self.report(now, termination, ntp_origin, true, out);
    }

    pub(crate) fn stats(&self) -> RtpStats {
        let (received, lost) = self.receiver.totals();
        let counters = self.receiver.counters();
        let buffer_ms = self.receiver.delay_ms();
        let round_trip_ms = self.round_trip.map(|rtt| rtt.as_secs_f32() * 1000.0);
        let audio = counters.played + counters.concealed;
        let concealed = if audio == 0 { 0.0 } else { counters.concealed as f32 / audio as f32 };
        // Mouth to ear: the peer's packet, the way, the buffer and our own block.
        let delay_ms = 20.0 + round_trip_ms.unwrap_or(0.0) / 2.0 + buffer_ms + 5.0;
        RtpStats {
            sent: self.sender.packets(),
            received,
            lost,
            late: counters.late,
            duplicates: counters.duplicates,
            concealed_ms: u32::try_from(counters.concealed * 5).unwrap_or(u32::MAX),
            jitter_ms: self.receiver.reception.as_ref().map_or(0.0, |r| r.jitter_ms()),
            buffer_ms,
            round_trip_ms,
            remote_lost: self.remote_lost,
            mos: quality::mos(quality::rating(delay_ms, concealed)),
        }
    }

    fn handle_rtcp(&mut self, now: Instant, datagram: &[u8], ntp_origin: Ntp) {
        let Ok(parts) = Compound::parse(datagram) else {
            self.malformed += 1;
            return;
        };
        for part in parts {
            let Part::Report { ssrc, sender, blocks } = part else { continue };
            let reception = self.receiver.reception.as_mut().filter(|r| r.ssrc() == ssrc);
            if let Some((info, reception)) = sender.zip(reception) {
                reception.handle_sender_report(now, info.ntp);
            }
            for block in blocks.filter(|b| b.ssrc == self.sender.ssrc()) {
                self.remote_lost = Some(block.cumulative_lost);
                let rtt = reception::round_trip(ntp_origin.after(now), &block);
                self.round_trip = rtt.or(self.round_trip);
            }
        }
    }

    fn report(
        &mut self,
        now: Instant,
        termination: TerminationId,
        ntp_origin: Ntp,
        bye: bool,
        out: &mut Outbox,
    ) {
        let packets = self.sender.packets();
        let sent = packets != self.reported;
        let block = self.receiver.reception.as_mut().map(|r| r.report_block(now));
        // Neither sent nor received: nobody waits for a report, or for a farewell.
        if packets == 0 && block.is_none() {
            return;
        }
        self.reported = packets;
        let report = Report {
            ssrc: self.sender.ssrc(),
            sender: sent.then(|| self.sender.info(ntp_origin.after(now))),
            block,
            cname: &self.cname,
            bye,
        };
        let mut octets = [0; Report::MAX_LEN];
        if let Some(len) = report.write(&mut octets) {
            out.datagram(termination, now, true, &octets[..len]);
        }
    }
}

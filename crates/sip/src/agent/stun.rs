//! STUN between the datagrams of SIP (RFC 5626 §8): Binding requests are answered, as far as their sender's share goes, and
//! answers go to the registration that has asked.

use std::net::IpAddr;

use tipring_core::{Duration, Instant};

use super::{Output, UserAgent};
use crate::transaction::Path;
use crate::transport::{StunKind, StunMessage};

/// Binding requests that are answered in a second to the addresses of one share: some dozens of telephones behind a NAT
/// send a few, and whoever lies about its address has others sent little.
const MOST_PER_SECOND: u16 = 50;

/// Shares; addresses that fall into the same one have it together.
const SHARES: usize = 256;

/// What was answered in this second.
#[derive(Debug)]
pub(super) struct StunServer {
    since: Instant,
    answered: Box<[u16; SHARES]>,
}

impl Default for StunServer {
    fn default() -> Self {
        Self { since: Instant::ZERO, answered: Box::new([0; SHARES]) }
    }
}

impl StunServer {
    fn admits(&mut self, now: Instant, sender: IpAddr) -> bool {
        if now.since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.answered.fill(0);
        }
        let Some(answered) = self.answered.get_mut(share_of(sender)) else { return false };
        *answered = answered.saturating_add(1);
        *answered <= MOST_PER_SECOND
    }
}

/// An IPv6 network has one: it costs nothing to have all its addresses.
fn share_of(sender: IpAddr) -> usize {
    let fold = |octets: &[u8]| octets.iter().fold(0u64, |sum, at| sum * 31 + u64::from(*at));
    let sum = match sender.to_canonical() {
        IpAddr::V4(ip) => fold(&ip.octets()),
        IpAddr::V6(ip) => fold(ip.octets().split_at(8).0),
    };
    (sum % SHARES as u64) as usize
}

impl UserAgent {
    pub(super) fn handle_stun(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        let Ok(message) = StunMessage::parse(bytes) else {
            self.counters.garbage += 1;
            return;
        };
        match &message.kind {
            StunKind::Request { .. } => {
                if !self.stun.admits(now, path.remote.ip()) {
                    self.counters.stun_dropped += 1;
                } else if let Some(answer) = message.answer(path.remote) {
                    self.counters.stun_answered += 1;
                    self.output.push_back(Output::transmit(path, answer.to_bytes()));
                }
            }
            StunKind::Success { .. } | StunKind::Refusal { .. } => {
                let taken = self.registrations.iter_mut().find_map(|(id, registration)| {
                    registration.handle_stun(now, &path, &message).then_some(*id)
                });
                match taken {
                    Some(id) => self.settle_registration(now, id),
                    None => self.counters.strays += 1,
                }
            }
            StunKind::Indication => {}
        }
        self.pump(now);
    }
}

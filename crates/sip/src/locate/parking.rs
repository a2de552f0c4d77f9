//! Targets that did not answer, put aside for a while (RFC 3263 §4.3, RFC 3261 §21.5.4).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use crate::message::Transport;

/// A target that was found dead is tried last for 30 s, and for twice as long each time it is found dead again, up to
/// 5 min.
pub(super) const FIRST: Duration = Duration::from_secs(30);
pub(super) const MOST: Duration = Duration::from_secs(300);
/// No target is held for longer than this: some answer calls, but not those who ask whether they are there.
const MOST_HELD: Duration = Duration::from_secs(600);
/// No `Retry-After` parks a target for longer than an hour.
const MOST_ASKED: Duration = Duration::from_secs(3600);
/// Targets that are remembered; the one that is let out first gives way.
const MAX_PARKED: usize = 1024;

/// Which server: its transport and address.
pub(super) type Server = (Transport, SocketAddr);

/// The targets put aside.
#[derive(Debug, Default)]
pub(super) struct Parking(BTreeMap<Server, Parked>);

#[derive(Clone, Copy, Debug)]
struct Parked {
    since: Instant,
    until: Instant,
    /// How long the next time is.
    next: Duration,
    /// It has asked to be left alone.
    asked: bool,
}

impl Parking {
    /// Nothing came from there.
    pub(super) fn dead(&mut self, now: Instant, server: Server) {
        let known = self.0.get(&server).copied();
        if known.is_some_and(|parked| parked.until > now) {
            // Tried for want of anything better: it is still the same outage.
            return;
        }
        let time = known.map_or(FIRST, |parked| parked.next);
        let next = time.saturating_mul(2).min(MOST);
        self.put(now, server, Parked { since: now, until: now + time, next, asked: false });
    }

    /// The server asks to be left alone for so many seconds.
    pub(super) fn busy(&mut self, now: Instant, server: Server, seconds: u32) {
        let time = Duration::from_secs(u64::from(seconds)).min(MOST_ASKED);
        let parked = Parked { since: now, until: now + time, next: FIRST, asked: true };
        self.put(now, server, parked);
    }

    /// Whether `server` did not answer and is parked, not for ten minutes yet: then it is for `time` more at least.
    pub(super) fn hold(&mut self, now: Instant, server: Server, time: Duration) -> bool {
        let parked = self.0.get_mut(&server).filter(|p| p.until > now && !p.asked);
        let parked = parked.filter(|parked| now < parked.since + MOST_HELD);
        parked.map(|parked| parked.until = parked.until.max(now + time)).is_some()
    }

    /// It answers.
    pub(super) fn alive(&mut self, server: Server) {
        self.0.remove(&server);
    }

    fn put(&mut self, now: Instant, server: Server, parked: Parked) {
        if !self.0.contains_key(&server) && self.0.len() >= MAX_PARKED {
            // Those that were let out long ago are forgotten first.
            self.0.retain(|_, parked| parked.until + MOST > now);
            if self.0.len() >= MAX_PARKED
                && let Some(next) =
                    self.0.iter().min_by_key(|(_, parked)| parked.until).map(|(server, _)| *server)
            {
                self.0.remove(&next);
            }
        }
        self.0.insert(server, parked);
    }

    /// Until when `server` is tried last, if it is.
    pub(super) fn until(&self, now: Instant, server: Server) -> Option<Instant> {
        self.0.get(&server).map(|parked| parked.until).filter(|until| *until > now)
    }

    /// How many are put aside now.
    pub(super) fn count(&self, now: Instant) -> usize {
        self.0.values().filter(|parked| parked.until > now).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Server = (
        Transport::Udp,
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5060),
    );

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn the_time_grows_from_30_s_to_5_min_and_starts_anew_after_an_answer() {
        let mut parking = Parking::default();
        let mut now = at(0);
        for seconds in [30, 60, 120, 240, 300, 300] {
            parking.dead(now, SERVER);
            let until = parking.until(now, SERVER).expect("it is parked");
            assert_eq!(until - now, Duration::from_secs(seconds));
            assert_eq!(parking.until(until, SERVER), None);
            now = until;
        }
        parking.alive(SERVER);
        parking.dead(now, SERVER);
        assert_eq!(parking.until(now, SERVER), Some(now + FIRST));
    }

    #[test]
    fn a_target_that_is_tried_while_it_is_parked_is_not_parked_for_longer() {
        let mut parking = Parking::default();
        parking.dead(at(0), SERVER);
        parking.dead(at(10), SERVER);
        assert_eq!(parking.until(at(10), SERVER), Some(at(30)));
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_asks_but_an_hour_at_most() {
        let mut parking = Parking::default();
        parking.busy(at(0), SERVER, 90);
        assert_eq!(parking.until(at(0), SERVER), Some(at(90)));
        parking.busy(at(0), SERVER, u32::MAX);
        assert_eq!(parking.until(at(0), SERVER), Some(at(3600)));
    }

    #[test]
    fn a_server_is_held_that_did_not_answer_and_none_that_asks_for_time() {
        let mut parking = Parking::default();
        let minute = Duration::from_secs(60);
        assert!(!parking.hold(at(0), SERVER, minute));
        parking.dead(at(0), SERVER);
        assert!(parking.hold(at(20), SERVER, minute));
        assert_eq!(parking.until(at(20), SERVER), Some(at(80)));
        assert!(!parking.hold(at(80), SERVER, minute), "it is out");
        parking.busy(at(80), SERVER, 10);
        assert!(!parking.hold(at(81), SERVER, minute));
        assert_eq!(parking.until(at(81), SERVER), Some(at(90)));
    }

    #[test]
    fn a_server_that_only_calls_find_alive_is_let_out_to_one() {
        let mut parking = Parking::default();
        parking.dead(at(0), SERVER);
        let held = |parking: &mut Parking, now| parking.hold(now, SERVER, Duration::from_secs(60));
        for seconds in (20..600).step_by(20) {
            assert!(held(&mut parking, at(seconds)), "{seconds}");
        }
        assert!(!held(&mut parking, at(600)));
        assert_eq!(parking.until(at(600), SERVER), Some(at(640)));
        assert_eq!(parking.until(at(640), SERVER), None, "a call tries it");
        parking.dead(at(650), SERVER);
        assert!(held(&mut parking, at(660)), "it is another outage");
    }

    #[test]
    fn the_table_does_not_grow() {
        let mut parking = Parking::default();
        for port in 1..=3000u16 {
            let server = (Transport::Udp, SocketAddr::new(SERVER.1.ip(), port));
            parking.dead(at(u64::from(port)), server);
        }
        assert!(parking.0.len() <= MAX_PARKED, "{}", parking.0.len());
        let last = (Transport::Udp, SocketAddr::new(SERVER.1.ip(), 3000));
        assert!(parking.until(at(3000), last).is_some());
    }
}

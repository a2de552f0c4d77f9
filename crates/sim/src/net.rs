//! A seeded datagram network on virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};

/// What the network does to datagrams, by chance from its seed.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One-way delay.
    pub delay: Duration,
    /// Added to the delay, evenly spread from zero to this.
    pub jitter: Duration,
    /// Share of datagrams lost, 0 to 1.
    pub loss: f64,
    /// Share of datagrams that arrive twice, 0 to 1.
    pub duplicate: f64,
}

impl Weather {
    /// One millisecond one way, nothing lost.
    pub const FINE: Self = Self {
        delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
        loss: 0.0,
        duplicate: 0.0,
    };
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its sender.
    pub from: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Datagrams in flight, in order of arrival.
#[derive(Debug)]
pub struct Net {
    rng: Rng,
    weather: Weather,
    flying: BTreeMap<(Instant, u64), Parcel>,
    sent: u64,
    lost: u64,
}

impl Net {
    /// A network in fine weather.
    pub fn new(rng: Rng) -> Self {
        Self { rng, weather: Weather::FINE, flying: BTreeMap::new(), sent: 0, lost: 0 }
    }

    /// Changes the weather for what is sent from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Sends a datagram, which may be lost, delayed and doubled.
    pub fn send(&mut self, now: Instant, parcel: Parcel) {
        let copies = 1 + usize::from(self.rng.chance(self.weather.duplicate));
        for _ in 0..copies {
            self.sent += 1;
            if self.rng.chance(self.weather.loss) {
                self.lost += 1;
                continue;
            }
            let jitter = self.rng.below(self.weather.jitter.as_micros() as u64 + 1);
            let at = now + self.weather.delay + Duration::from_micros(jitter);
            self.flying.insert((at, self.sent), parcel.clone());
        }
    }

    /// Takes the next datagram that has arrived.
    pub fn arrive(&mut self, now: Instant) -> Option<Parcel> {
        let entry = self.flying.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        Some(entry.remove())
    }

    /// When the next datagram arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// How many datagrams were lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

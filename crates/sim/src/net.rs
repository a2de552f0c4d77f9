//! A seeded datagram network on virtual time.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Rng};

/// What the network does to datagrams, by chance from its seed.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One-way delay.
    pub delay: Duration,
    /// Added to the delay, evenly spread from zero to this; more than the distance of two datagrams
    /// puts them in another order.
    pub jitter: Duration,
    /// Share of datagrams lost, 0 to 1.
    pub loss: f64,
    /// Share of datagrams that arrive twice, 0 to 1.
    pub duplicate: f64,
}

impl Weather {
    /// One millisecond one way, nothing lost.
    pub const FINE: Self =
        Self { delay: Duration::from_millis(1), jitter: Duration::ZERO, loss: 0.0, duplicate: 0.0 };
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

impl Parcel {
    /// Whether it is audio: both of its ends are at port 10000 or above.
    pub fn is_media(&self) -> bool {
        self.to.port() >= 10_000 && self.from.port() >= 10_000
    }

    /// Its first line, for a look at SIP messages.
    pub fn first_line(&self) -> String {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }
}

/// Which datagrams a rule is about.
type Which = Box<dyn FnMut(&Parcel) -> bool>;

/// Datagrams in flight, in order of arrival.
pub struct Net {
    rng: Rng,
    signalling: Weather,
    media: Weather,
    flying: BTreeMap<(Instant, u64), Parcel>,
    doomed: Vec<(Which, u32)>,
    sent: u64,
    lost: u64,
}

impl Net {
    /// A network in fine weather.
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            signalling: Weather::FINE,
            media: Weather::FINE,
            flying: BTreeMap::new(),
            doomed: Vec::new(),
            sent: 0,
            lost: 0,
        }
    }

    /// Changes the weather for signalling that is sent from now on.
    pub fn set_signalling(&mut self, weather: Weather) {
        self.signalling = weather;
    }

    /// Changes the weather for audio that is sent from now on.
    pub fn set_media(&mut self, weather: Weather) {
        self.media = weather;
    }

    /// Loses the next `times` datagrams that `which` picks.
    pub fn lose(&mut self, times: u32, which: impl FnMut(&Parcel) -> bool + 'static) {
        self.doomed.push((Box::new(which), times));
    }

    /// Sends a datagram, which may be lost, delayed and doubled.
    pub fn send(&mut self, now: Instant, parcel: Parcel) {
        let weather = if parcel.is_media() { self.media } else { self.signalling };
        let copies = 1 + usize::from(self.rng.chance(weather.duplicate));
        for _ in 0..copies {
            self.sent += 1;
            if self.is_doomed(&parcel) || self.rng.chance(weather.loss) {
                self.lost += 1;
                continue;
            }
            let jitter = self.rng.below(weather.jitter.as_micros() as u64 + 1);
            let at = now + weather.delay + Duration::from_micros(jitter);
            self.flying.insert((at, self.sent), parcel.clone());
        }
    }

    fn is_doomed(&mut self, parcel: &Parcel) -> bool {
        let Some(at) = self.doomed.iter_mut().position(|(which, _)| which(parcel)) else {
            return false;
        };
        self.doomed[at].1 -= 1;
        if self.doomed[at].1 == 0 {
            drop(self.doomed.remove(at));
        }
        true
    }

    /// Takes the next datagram that has arrived.
    pub fn arrive(&mut self, now: Instant) -> Option<Parcel> {
        let entry = self.flying.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// The datagrams on their way.
    pub fn flying(&self) -> impl Iterator<Item = &Parcel> {
        self.flying.values()
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

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("flying", &self.flying.len())
            .field("sent", &self.sent)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

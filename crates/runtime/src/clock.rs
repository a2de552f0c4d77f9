//! Real time, as the machines count it.

use std::time::{Instant as StdInstant, SystemTime, UNIX_EPOCH};

use tipring_call::WallClock;
use tipring_core::{Duration, Instant};

/// The process's clock: monotonic, from its own start. All threads have a copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: StdInstant,
    wall: WallClock,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = WallClock { unix_ms_at_origin: u64::try_from(unix.as_millis()).unwrap_or(0) };
        Self { origin: StdInstant::now(), wall }
    }

    /// The time.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// What [`Instant::ZERO`] is in the operating system's time.
    pub fn origin(&self) -> StdInstant {
        self.origin
    }

    /// What [`Instant::ZERO`] is in the calendar.
    pub fn wall(&self) -> WallClock {
        self.wall
    }

    /// How long from now until `at`; zero when it has passed.
    pub fn until(&self, at: Instant) -> Duration {
        at.since(self.now())
    }
}

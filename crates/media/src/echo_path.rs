//! A card channel's way to a telephone and back.
//!
//! What is said in one tick is on the wire a few ticks later, and its echo comes some ticks after that: the tail of the
//! canceller covers both.

use tipring_dsp::echo::{EchoCanceller, Options, Tail};
use tipring_dsp::g711::{self, Law};

use crate::block::BLOCK_SAMPLES;

pub(crate) struct EchoPath {
    canceller: EchoCanceller,
    /// The block said last.
    said: [i16; BLOCK_SAMPLES],
}

impl EchoPath {
    pub(crate) fn new(tail: Tail, options: Options) -> Self {
        Self { canceller: EchoCanceller::new(tail, options), said: [0; BLOCK_SAMPLES] }
    }

    /// Takes what was said before out of what was heard in this tick.
    pub(crate) fn cancel(&mut self, heard: &mut [i16; BLOCK_SAMPLES]) {
        self.canceller.process(&self.said, heard);
    }

    /// Remembers what goes to the telephone in this tick.
    pub(crate) fn said(&mut self, law: Law, octets: &[u8; BLOCK_SAMPLES]) {
        g711::decode(law, octets, &mut self.said);
    }
}

//! What one termination says to its context in one tick.

use tipring_dsp::dtmf::Digit;
use tipring_dsp::g711::{self, Law};

use crate::block::BLOCK_SAMPLES;

/// 5 ms, as samples, and as the octets they came as while nothing has touched them.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) linear: [i16; BLOCK_SAMPLES],
    pub(crate) octets: [u8; BLOCK_SAMPLES],
    /// The law in which `octets` say exactly what `linear` says; `None` after a change.
    pub(crate) law: Option<Law>,
    /// Whether there is anything to hear; if not, `linear` is zero and `octets` mean nothing.
    pub(crate) sounding: bool,
    /// A telephone event turned back into sound, for card channels only.
    pub(crate) digit: Option<[i16; BLOCK_SAMPLES]>,
    /// The digit that sounds in it, made of an event or as it came.
    pub(crate) dtmf: Option<Digit>,
}

impl Frame {
    pub(crate) const SILENCE: Self = Self {
        linear: [0; BLOCK_SAMPLES],
        octets: [0; BLOCK_SAMPLES],
        law: None,
        sounding: false,
        digit: None,
        dtmf: None,
    };

    /// Takes octets as they came.
    pub(crate) fn set_octets(&mut self, law: Law, octets: &[u8; BLOCK_SAMPLES]) {
        self.octets = *octets;
        g711::decode(law, octets, &mut self.linear);
        self.law = Some(law);
        self.sounding = true;
    }

    /// Takes samples that `fill` writes.
    pub(crate) fn set_linear(&mut self, fill: impl FnOnce(&mut [i16; BLOCK_SAMPLES])) {
        fill(&mut self.linear);
        self.law = None;
        self.sounding = true;
    }

    /// Lets `change` work on the samples; the octets stay as they are if it changes none.
    pub(crate) fn touch(&mut self, change: impl FnOnce(&mut [i16; BLOCK_SAMPLES])) {
        let before = self.linear;
        change(&mut self.linear);
        if before != self.linear {
            self.law = None;
            self.sounding = true;
        }
    }

    /// Falls silent, but for the digit.
    pub(crate) fn mute(&mut self) {
        let digit = self.digit.take();
        let dtmf = self.dtmf.filter(|_| digit.is_some());
        *self = Self { dtmf, digit, ..Self::SILENCE };
    }

    /// Takes what another says, without the digit made of an event.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.linear = other.linear;
        self.octets = other.octets;
        (self.law, self.sounding, self.digit) = (other.law, other.sounding, None);
        self.dtmf = other.dtmf;
    }

    /// The octets in `law`: as they came where that is possible, by G.711's own tables where only the law differs.
    pub(crate) fn encode(&self, law: Law, out: &mut [u8; BLOCK_SAMPLES]) {
        match self.law {
            _ if !self.sounding => out.fill(law.silence()),
            Some(own) if own == law => *out = self.octets,
            Some(Law::Mu) => g711::mu_to_a(&self.octets, out),
            Some(Law::A) => g711::a_to_mu(&self.octets, out),
            None => g711::encode(law, &self.linear, out),
        }
    }
}

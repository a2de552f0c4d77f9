//! The detectors of fax machines and of call progress on one stream, with one spectrum for both.
//!
//! The spectrum is most of what either costs: who wants both has them here for little more than one.

use crate::{bank::Bank, fax, progress, tone_plan::TonePlan};

/// What was heard. Positions count samples since the listener began to listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard {
    /// A fax machine or modem.
    Fax(fax::Event),
    /// A tone of the plan.
    Progress(progress::Event),
}

/// Recognises fax machines, modems and the tones of one plan in a stream, as [`fax::Detector`] and
/// [`progress::Detector`] do.
#[derive(Clone, Debug)]
pub struct Listener {
    bank: Bank,
    fax: fax::Ear,
    progress: progress::Ear,
}

impl Listener {
    /// A listener for this plan's tones that has heard nothing.
    pub fn new(plan: &TonePlan) -> Listener {
        Listener { bank: Bank::new(), fax: fax::Ear::new(), progress: progress::Ear::new(plan) }
    }

    /// Listens. `heard` hears of a few events every 8 ms at the most.
    pub fn process(&mut self, mut samples: &[i16], mut heard: impl FnMut(Heard)) {
        while !samples.is_empty() {
            let reached;
            (reached, samples) = self.bank.take(samples);
            if reached {
                self.fax.look(&self.bank, &mut |event| heard(Heard::Fax(event)));
                self.progress.look(&self.bank, &mut |event| heard(Heard::Progress(event)));
            }
        }
    }

    /// Samples heard so far.
    pub fn position(&self) -> u64 {
        self.bank.position()
    }
}

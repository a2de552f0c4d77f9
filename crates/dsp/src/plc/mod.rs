//! Concealment of lost packets: the idea of G.711 appendix I with other means, and without its delay.
//!
//! ```text
//!              | lost ……………………………………………………………………………………………… | good
//!   last real  | ringing of the vocal tract dies away in 5 ms       | substitute fades out
//!   samples    | + the last pitch period, from 20 ms on more;       | within a quarter of
//!              |   or pieces of what hissed, at random              | a period
//!              | falling as it fell before, to nothing at 60 ms     |
//!              |           + noise like the quietest lately, rising |
//! ```
//!
//! Appendix I delays everything by 3.75 ms to blend into the substitute. Here the substitute starts where the last real
//! sample was. What keeps the step to it from being heard is linear prediction: the difference between the signal and
//! the substitute is let go on as it would by itself. That is the same as to repeat the excitation of a predictor
//! (`lpc.rs`) and costs a quarter of it.
//!
//! *Where to start*: [`Concealer`]; `docs/dsp/concealment.md` has what PESQ says about it.

mod history;
mod lpc;
mod pitch;
mod substitute;

use history::History;
use substitute::Substitute;

use crate::level::saturate_f32;

/// Fills the gaps of one stream.
///
/// ```text
///                good                        conceal
///   Intact      history grows               → Concealing (period found)
///   Concealing  → Recovering                substitute goes on
///   Recovering  → Intact after the blend    → Concealing (period found anew)
/// ```
#[derive(Clone, Debug)]
pub struct Concealer {
    /// What was played.
    history: History,
    /// What stands, or stood last, for samples that went missing.
    substitute: Substitute,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Intact,
    Concealing,
    /// So many samples of the blend are done.
    Recovering(usize),
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer::new()
    }
}

impl Concealer {
    /// A concealer that has heard nothing: it conceals with silence.
    pub fn new() -> Concealer {
        lpc::prepare();
        Concealer {
            history: History::new(),
            substitute: Substitute::silence(),
            state: State::Intact,
        }
    }

    /// Takes samples that arrived, any number. After a gap it blends the substitute into their
    /// beginning, in place; else it leaves them as they are.
    pub fn good(&mut self, samples: &mut [i16]) {
        match self.state {
            State::Intact => {}
            State::Concealing => self.recover(samples, 0),
            State::Recovering(done) => self.recover(samples, done),
        }
        self.history.push(samples, false);
    }

    /// Writes a substitute for samples that were lost, any number.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        if samples.is_empty() {
            return;
        }
        match self.state {
            State::Concealing => {}
            State::Intact | State::Recovering(_) => {
                self.substitute.begin(&self.history);
                self.state = State::Concealing;
            }
        }
        self.substitute.fill(samples);
        self.history.push(samples, true);
    }

    /// Whether the last samples were, at least in part, substituted.
    pub fn is_concealing(&self) -> bool {
        !matches!(self.state, State::Intact)
    }

    fn recover(&mut self, samples: &mut [i16], mut done: usize) {
        let length = self.substitute.overlap();
        for sample in samples.iter_mut().take(length - done) {
            done += 1;
            let share = done as f32 / (length + 1) as f32;
            let made = self.substitute.next();
            *sample = saturate_f32(share * f32::from(*sample) + (1.0 - share) * made);
        }
        self.state = match done < length {
            true if done == 0 => State::Concealing,
            true => State::Recovering(done),
            false => State::Intact,
        };
    }
}

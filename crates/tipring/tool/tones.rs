//! `tipring tool tones`

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tipring_dsp::fax::{self, CallFunction, Signal};
use tipring_dsp::listener::{Heard, Listener};
use tipring_dsp::progress::{self, Learner};
use tipring_dsp::tone_plan::{Name, TonePlan};

use super::{round, sound};
use crate::command::Failure;

/// Samples in a millisecond.
const PER_MS: f64 = 8.0;

/// Silence after the recording, in samples: the longest pause of a cadence, after which a tone has ended.
const TAIL: usize = 12 * 8000;

/// One line of output.
#[derive(Serialize)]
struct Found {
    tone: &'static str,
    start_ms: f64,
    duration_ms: f64,
    frequencies_hz: Vec<f64>,
    /// Of each frequency.
    levels_dbm0: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_function: Option<&'static str>,
}

/// Prints the tones in a file that a call to `country` may hear, and the signals of fax machines and modems.
pub fn tones(file: &Path, country: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let plan = TonePlan::find(country).ok_or_else(|| {
        let known: Vec<_> = TonePlan::all().iter().map(|plan| plan.code.as_str()).collect();
        Failure::Usage(format!("no tones of {country:?} are known, but of {}", known.join(" ")))
    })?;
    let mut samples = sound::load(file)?;
    let length = samples.len();
    samples.resize(length + TAIL, 0);
    let mut found = listen(plan, &samples);
    found.sort_by(|a, b| a.start_ms.total_cmp(&b.start_ms));
    for mut found in found {
        let most = round(length as f64 / PER_MS - found.start_ms);
        found.duration_ms = found.duration_ms.min(most);
        writeln!(out, "{}", serde_json::to_string(&found).expect("plain values are JSON"))?;
    }
    Ok(())
}

/// Prints the tones of an unknown exchange as lines of a plan.
pub fn learn(file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Learnt<'a> {
        tone: &'a str,
        program: &'a str,
    }
    let mut learner = Learner::new();
    learner.process(&sound::load(file)?);
    let plan = learner.plan("xx", "learnt").to_string();
    // The first line names the plan.
    for line in plan.lines().skip(1) {
        let Some((tone, program)) = line.split_once(' ') else { continue };
        let learnt = Learnt { tone, program: program.trim() };
        writeln!(out, "{}", serde_json::to_string(&learnt).expect("plain texts are JSON"))?;
    }
    Ok(())
}

/// Both with one spectrum.
fn listen(plan: &TonePlan, samples: &[i16]) -> Vec<Found> {
    let (mut found, mut sounding) = (Vec::new(), None);
    Listener::new(plan).process(samples, |heard| match heard {
        Heard::Progress(progress::Event::Began { tone, .. }) => sounding = Some(tone),
        Heard::Progress(progress::Event::Ended { name, start, samples }) => {
            let components: Vec<_> =
                sounding.take().iter().flat_map(|tone| tone.components()).collect();
            found.push(Found {
                tone: call_progress_name(name),
                start_ms: round(start as f64 / PER_MS),
                duration_ms: round(samples as f64 / PER_MS),
                frequencies_hz: components.iter().map(|(hz, _)| round((*hz).into())).collect(),
                levels_dbm0: components.iter().map(|(_, dbm0)| round((*dbm0).into())).collect(),
                call_function: None,
            });
        }
        Heard::Fax(fax::Event::Ended { signal, start, samples, level_dbm0, hz }) => {
            let (tone, call_function) = machine_name(signal);
            found.push(Found {
                tone,
                start_ms: round(start as f64 / PER_MS),
                duration_ms: round(samples as f64 / PER_MS),
                frequencies_hz: vec![round(hz.into())],
                levels_dbm0: vec![round(level_dbm0.into())],
                call_function,
            });
        }
        Heard::Fax(fax::Event::Began { .. } | fax::Event::Became { .. }) => {}
    });
    found
}

/// The special information tone has a name that everybody knows.
fn call_progress_name(name: Name) -> &'static str {
    match name {
        Name::Information => "sit",
        other => other.as_str(),
    }
}

fn machine_name(signal: Signal) -> (&'static str, Option<&'static str>) {
    match signal {
        Signal::Cng => ("cng", None),
        Signal::CallingTone => ("calling-tone", None),
        Signal::Ans => ("ced", None),
        Signal::AnsReversed => ("ans-reversed", None),
        Signal::Ansam => ("ansam", None),
        Signal::AnsamReversed => ("ansam-reversed", None),
        Signal::BellAnswer => ("bell-answer", None),
        Signal::Preamble => ("v21-preamble", None),
        Signal::CallIndicator(function) => ("v8-ci", Some(function_name(function))),
        Signal::CallMenu(function) => ("v8-cm", Some(function_name(function))),
        Signal::JointMenu(function) => ("v8-jm", Some(function_name(function))),
    }
}

fn function_name(function: CallFunction) -> &'static str {
    match function {
        CallFunction::Unassigned => "unassigned",
        CallFunction::H324 => "h324",
        CallFunction::V18 => "v18",
        CallFunction::T101 => "t101",
        CallFunction::T30Transmit => "t30-transmit",
        CallFunction::T30Receive => "t30-receive",
        CallFunction::Data => "data",
        CallFunction::Extended => "extended",
        CallFunction::Unknown => "unknown",
    }
}

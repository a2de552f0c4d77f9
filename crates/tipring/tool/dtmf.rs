//! `tipring tool dtmf`

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tipring_dsp::dtmf::{Detector, Event};

use super::{round, sound};
use crate::command::Failure;

/// One line of output.
#[derive(Serialize)]
struct Found {
    digit: char,
    start_ms: f64,
    duration_ms: f64,
    level_dbm0: f64,
    twist_db: f64,
}

/// Samples in a millisecond.
const PER_MS: f64 = 8.0;

/// Prints the digits in `file`.
pub fn dtmf(file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let mut samples = sound::load(file)?;
    // The end of the file ends a digit that still sounds.
    samples.extend([0; 800]);
    let mut found = Vec::new();
    Detector::new().process(&samples, |event| match event {
        Event::Began { .. } => {}
        Event::Ended { digit, start, samples, level_dbm0, twist_db } => found.push(Found {
            digit: digit.as_char(),
            start_ms: round(start as f64 / PER_MS),
            duration_ms: round(f64::from(samples) / PER_MS),
            level_dbm0: round(level_dbm0.into()),
            twist_db: round(twist_db.into()),
        }),
    });
    for digit in &found {
        let line = serde_json::to_string(digit).expect("plain numbers are JSON");
        writeln!(out, "{line}")?;
    }
    Ok(())
}

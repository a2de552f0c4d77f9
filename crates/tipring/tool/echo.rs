//! `tipring tool echo`

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tipring_dsp::echo::{EchoCanceller, Options, Tail};
use tipring_dsp::level::Meter;
use tipring_dsp::wav::Format;

use super::{round, sound};
use crate::command::Failure;

/// Samples in a second: what one line tells about.
const SECOND: usize = 8000;

/// Samples handed over at a time: 5 ms, as the gateway does it.
const BLOCK: usize = 40;

/// Below this a far end makes no echo worth measuring, dBm0.
const QUIET_DBM0: f64 = -50.0;

/// One line of output: the second that begins there.
#[derive(Serialize)]
struct Second {
    at_s: usize,
    far_dbm0: f64,
    near_dbm0: f64,
    out_dbm0: f64,
    /// What all of the canceller takes away; `None` where the far end is quiet.
    erle_db: Option<f64>,
    /// What the filter alone takes away, over about the last second of echo.
    filter_erle_db: Option<f64>,
    erl_db: Option<f64>,
    double_talk: bool,
    disabled: bool,
}

/// Takes the echo of `far` out of `near`, writes what is left, and prints each second's losses.
pub fn echo(
    [far, near, out]: [&Path; 3],
    tail: Tail,
    options: Options,
    told: &mut dyn Write,
) -> Result<(), Failure> {
    let (mut far, mut line) = (sound::load(far)?, sound::load(near)?);
    let count = line.len();
    far.resize(count, 0);
    let near = line.clone();
    let mut canceller = EchoCanceller::new(tail, options);
    let seconds = far.chunks(SECOND).zip(near.chunks(SECOND)).zip(line.chunks_mut(SECOND));
    for (at_s, ((far, near), line)) in seconds.enumerate() {
        for (far, line) in far.chunks(BLOCK).zip(line.chunks_mut(BLOCK)) {
            canceller.process(far, line);
        }
        let report = canceller.report();
        let [far_dbm0, near_dbm0, out_dbm0] = [far, near, line].map(dbm0);
        let second = Second {
            at_s,
            far_dbm0,
            near_dbm0,
            out_dbm0,
            erle_db: (far_dbm0 > QUIET_DBM0).then(|| round(near_dbm0 - out_dbm0)),
            filter_erle_db: report.erle_db.map(|db| round(db.into())),
            erl_db: report.erl_db.map(|db| round(db.into())),
            double_talk: report.double_talk,
            disabled: report.disabled,
        };
        writeln!(told, "{}", serde_json::to_string(&second).expect("plain numbers are JSON"))?;
    }
    sound::save(out, Format::Pcm16, &line)
}

fn dbm0(samples: &[i16]) -> f64 {
    let mut meter = Meter::new();
    meter.process(samples);
    round(meter.level_dbm0().into())
}

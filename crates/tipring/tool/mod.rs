//! `tipring tool`: signal arithmetic on files.

mod callerid;
mod dtmf;
mod echo;
mod g711;
mod jitter;
pub(crate) mod sound;
mod synth;
mod tones;
mod trace;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use tipring_dsp::echo::{Options, Tail};
use tipring_dsp::fsk;

use crate::command::Failure;

/// What to do with which file.
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Print the DTMF digits in a WAV file, one JSON object per line.
    Dtmf {
        /// A WAV file; its first channel is heard.
        #[arg(value_name = "IN.wav")]
        file: PathBuf,
    },
    /// Print the call-progress tones in a WAV file, and the signals of fax machines and modems, one JSON object per line.
    Tones {
        /// A WAV file; its first channel is heard.
        #[arg(value_name = "IN.wav")]
        file: PathBuf,
        /// Whose tones may be heard: us, de, …
        #[arg(long, value_name = "CODE", default_value = "us")]
        country: String,
        /// Print what an unknown exchange sounds like instead: one tone after the other, two seconds or two periods of each.
        #[arg(long, conflicts_with = "country")]
        learn: bool,
    },
    /// Print the caller ID in a WAV file, or why there is none.
    Callerid {
        /// A WAV file; its first channel is heard.
        #[arg(value_name = "IN.wav")]
        file: PathBuf,
        /// How it is modulated.
        #[arg(long, value_enum, default_value_t)]
        standard: Standard,
    },
    /// Cancel the echo of one recording in another; print the levels and losses of each second.
    Echo {
        /// What was sent to the line.
        #[arg(long, value_name = "FAR.wav")]
        far: PathBuf,
        /// What came from the line at the same time, echo and talker.
        #[arg(long, value_name = "NEAR.wav")]
        near: PathBuf,
        /// What goes to the far end.
        #[arg(long, value_name = "OUT.wav")]
        out: PathBuf,
        /// How long an echo path is covered.
        #[arg(long, value_enum, default_value_t)]
        tail_ms: TailMs,
        /// Leave what the filter leaves: no non-linear processor, no comfort noise.
        #[arg(long)]
        linear: bool,
        /// Cancel through modem tones too.
        #[arg(long)]
        no_disabler: bool,
    },
    /// Play a sound through the jitter buffer and the concealer as packets arrived once; print delay and damage.
    Jitter {
        /// When packets were sent and arrived: lines of seq,send_ms,arrive_ms; arrive_ms is empty for a lost one.
        #[arg(long, value_name = "TRACE.csv")]
        trace: PathBuf,
        /// What is said.
        #[arg(long = "in", value_name = "IN.wav")]
        sound: PathBuf,
        /// What is heard, from the arrival of the first packet on.
        #[arg(long = "out", value_name = "OUT.wav")]
        heard: PathBuf,
    },
    /// Make a WAV file.
    #[command(subcommand)]
    Synth(synth::Synth),
    /// Code raw 16-bit little-endian samples in G.711, or decode them.
    G711 {
        /// Which law.
        law: Law,
        /// Which way.
        way: Way,
        /// Raw samples, or raw G.711.
        #[arg(value_name = "IN")]
        from: PathBuf,
        /// Raw G.711, or raw samples.
        #[arg(value_name = "OUT")]
        to: PathBuf,
    },
}

/// A G.711 law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Law {
    /// µ-law
    Ulaw,
    /// A-law
    Alaw,
}

/// The tail of an echo canceller, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TailMs {
    /// A telephone on the card itself.
    #[value(name = "8")]
    Ms8,
    /// A local exchange line.
    #[value(name = "16")]
    Ms16,
    /// Between.
    #[value(name = "32")]
    Ms32,
    /// What gateways usually have.
    #[default]
    #[value(name = "64")]
    Ms64,
    /// A national network behind the line.
    #[value(name = "128")]
    Ms128,
}

impl From<TailMs> for Tail {
    fn from(tail: TailMs) -> Tail {
        match tail {
            TailMs::Ms8 => Tail::Ms8,
            TailMs::Ms16 => Tail::Ms16,
            TailMs::Ms32 => Tail::Ms32,
            TailMs::Ms64 => Tail::Ms64,
            TailMs::Ms128 => Tail::Ms128,
        }
    }
}

/// How caller ID is modulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Standard {
    /// Whatever arrives.
    #[default]
    Auto,
    /// Bell 202: 1200 and 2200 Hz.
    Bell202,
    /// ITU-T V.23: 1300 and 2100 Hz.
    V23,
}

impl From<Standard> for Option<fsk::Standard> {
    fn from(standard: Standard) -> Self {
        match standard {
            Standard::Auto => None,
            Standard::Bell202 => Some(fsk::Standard::Bell202),
            Standard::V23 => Some(fsk::Standard::V23),
        }
    }
}

/// A direction of coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Samples to G.711.
    Encode,
    /// G.711 to samples.
    Decode,
}

impl From<Law> for tipring_dsp::g711::Law {
    fn from(law: Law) -> Self {
        match law {
            Law::Ulaw => Self::Mu,
            Law::Alaw => Self::A,
        }
    }
}

/// Does it.
pub fn run(tool: &Tool, out: &mut dyn Write) -> Result<(), Failure> {
    match tool {
        Tool::Dtmf { file } => dtmf::dtmf(file, out),
        Tool::Tones { file, learn: true, .. } => tones::learn(file, out),
        Tool::Tones { file, country, learn: false } => tones::tones(file, country, out),
        Tool::Callerid { file, standard } => callerid::callerid(file, (*standard).into(), out),
        Tool::Echo { far, near, out: heard, tail_ms, linear, no_disabler } => {
            let options = Options {
                suppressor: !linear,
                comfort_noise: !linear,
                tone_disabler: !no_disabler,
            };
            echo::echo([far, near, heard], (*tail_ms).into(), options, out)
        }
        Tool::Jitter { trace, sound, heard } => jitter::jitter(trace, sound, heard, out),
        Tool::Synth(synth) => synth::synth(synth),
        Tool::G711 { law, way, from, to } => g711::g711((*law).into(), *way, from, to),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file)
        .map_err(|error| Failure::Failed(format!("{} cannot be read: {error}", file.display())))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes)
        .map_err(|error| Failure::Failed(format!("{} cannot be written: {error}", file.display())))
}

/// To one decimal, as times and levels are printed.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

//! `tipring tool synth`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tipring_dsp::caller_id::{self, Field, Message};
use tipring_dsp::dtmf::{self, Digit, Generator};
use tipring_dsp::fsk::Standard;
use tipring_dsp::g711::Law;
use tipring_dsp::tone::{Player, Program, Tone};
use tipring_dsp::wav::Format;

use super::sound;
use crate::command::Failure;

/// What to make.
#[derive(Debug, Subcommand)]
pub enum Synth {
    /// DTMF digits.
    Dtmf {
        /// 0-9, A-D, * and #.
        digits: String,
        /// How long a digit sounds, in ms.
        #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
        on_ms: u32,
        /// How long the pause after it is, in ms.
        #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=60_000))]
        off_ms: u32,
        /// The level of the low tones, dBm0.
        #[arg(long, value_name = "DBM0", default_value_t = dtmf::LOW_DBM0, allow_negative_numbers = true)]
        low_dbm0: f32,
        /// The level of the high tones, dBm0.
        #[arg(long, value_name = "DBM0", default_value_t = dtmf::HIGH_DBM0, allow_negative_numbers = true)]
        high_dbm0: f32,
        #[command(flatten)]
        output: Output,
    },
    /// One to four frequencies at once.
    Tone {
        /// Frequencies in hertz: 350+440.
        frequencies: String,
        /// How long, in ms.
        #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
        ms: u32,
        /// The level of each frequency, dBm0.
        #[arg(long, value_name = "DBM0", default_value_t = -13.0, allow_negative_numbers = true)]
        dbm0: f32,
        #[command(flatten)]
        output: Output,
    },
    /// The caller-ID burst that a telephone hears between rings.
    Callerid {
        /// The number; without it the display says that it is not available.
        #[arg(long)]
        number: Option<String>,
        /// The name; without it the display says that it is not available.
        #[arg(long)]
        name: Option<String>,
        /// How it is modulated.
        #[arg(long, value_enum, default_value_t)]
        standard: Modulation,
        #[command(flatten)]
        output: Output,
    },
}

/// Where it goes.
#[derive(Debug, Args)]
pub struct Output {
    /// The WAV file to write.
    #[arg(long, value_name = "OUT.wav")]
    out: PathBuf,
    /// How its samples are stored.
    #[arg(long, value_enum, default_value_t)]
    format: Stored,
}

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stored {
    /// 16-bit linear.
    #[default]
    Pcm,
    /// G.711 µ-law.
    Ulaw,
    /// G.711 A-law.
    Alaw,
}

/// How caller ID is modulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Modulation {
    /// Bell 202: 1200 and 2200 Hz.
    #[default]
    Bell202,
    /// ITU-T V.23: 1300 and 2100 Hz.
    V23,
}

/// Makes it.
pub fn synth(what: &Synth) -> Result<(), Failure> {
    let (samples, output) = match what {
        Synth::Dtmf { digits, on_ms, off_ms, low_dbm0, high_dbm0, output } => {
            let levels = (level(*low_dbm0)?, level(*high_dbm0)?);
            (dial(digits, *on_ms, *off_ms, levels)?, output)
        }
        Synth::Tone { frequencies, ms, dbm0, output } => {
            (tone(frequencies, *ms, level(*dbm0)?)?, output)
        }
        Synth::Callerid { number, name, standard, output } => {
            let standard = match standard {
                Modulation::Bell202 => Standard::Bell202,
                Modulation::V23 => Standard::V23,
            };
            let number = field(number.as_deref(), "number")?;
            let message = Message { date: None, number, name: field(name.as_deref(), "name")? };
            (caller_id::burst(&message, standard), output)
        }
    };
    let format = match output.format {
        Stored::Pcm => Format::Pcm16,
        Stored::Ulaw => Format::G711(Law::Mu),
        Stored::Alaw => Format::G711(Law::A),
    };
    sound::save(&output.out, format, &samples)
}

/// Samples in a millisecond.
const PER_MS: u32 = 8;

fn dial(digits: &str, on_ms: u32, off_ms: u32, levels: (f32, f32)) -> Result<Vec<i16>, Failure> {
    let mut samples = Vec::new();
    let mut generator = Generator::new();
    if digits.is_empty() || digits.len() > 1000 {
        return Err(Failure::Usage("between 1 and 1000 digits can be made".into()));
    }
    for c in digits.chars() {
        let digit = Digit::from_char(c.to_ascii_uppercase()).ok_or_else(|| {
            Failure::Usage(format!("{c:?} is no DTMF digit; they are 0-9 A-D * #"))
        })?;
        generator.start_at(digit, on_ms * PER_MS, off_ms * PER_MS, levels.0, levels.1);
        let at = samples.len();
        samples.resize(at + ((on_ms + off_ms) * PER_MS) as usize, 0);
        generator.process(&mut samples[at..]);
    }
    Ok(samples)
}

fn tone(frequencies: &str, ms: u32, dbm0: f32) -> Result<Vec<i16>, Failure> {
    let wrong = || {
        let sentence = "a tone is one to four frequencies from 20 to 3900 Hz, like 350+440";
        Failure::Usage(sentence.to_owned())
    };
    let components = frequencies
        .split('+')
        .map(|hz| hz.trim().parse().ok().filter(|hz| (20.0..=3900.0).contains(hz)))
        .map(|hz: Option<f32>| hz.map(|hz| (hz, dbm0)))
        .collect::<Option<Vec<_>>>()
        .filter(|components| components.len() <= tipring_dsp::tone::MAX_COMPONENTS)
        .ok_or_else(wrong)?;
    let mut samples = vec![0; (ms * PER_MS) as usize];
    let mut player = Player::new();
    player.start(Program::continuous(Tone::new(&components)));
    player.process(&mut samples);
    Ok(samples)
}

fn level(dbm0: f32) -> Result<f32, Failure> {
    if (-60.0..=3.0).contains(&dbm0) {
        return Ok(dbm0);
    }
    Err(Failure::Usage(format!("a level is between -60 and 3 dBm0, not {dbm0}")))
}

/// What was not given is sent as not available.
fn field(text: Option<&str>, what: &str) -> Result<Field, Failure> {
    let (most, dialled) = if what == "number" { (20, true) } else { (50, false) };
    let Some(text) = text else { return Ok(Field::Unavailable) };
    let sendable = |c: char| if dialled { c.is_ascii_graphic() } else { matches!(c, ' '..='~') };
    if text.is_empty() || text.len() > most || !text.chars().all(sendable) {
        return Err(Failure::Usage(format!("a {what} has 1 to {most} printable ASCII characters")));
    }
    Ok(Field::Given(text.to_owned()))
}

//! The notation of plans, read and written.

use std::fmt;

use super::{Name, TonePlan};
use crate::{
    SAMPLES_PER_MS,
    tone::{FOREVER, MAX_COMPONENTS, MAX_SEGMENTS, Program, Segment, Tone},
};

/// Level of a tone for which none is given, all frequencies together, dBm0: nominal in E.180.
const LEVEL_DBM0: f32 = -10.0;

/// Depth of a modulation for which none is given.
const DEPTH_PERCENT: u8 = 90;

/// Longest segment, ms; what does not end says so by having no length.
const MAX_MS: u32 = 60_000;

/// Why a plan cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A tone stands before the first `[code]`.
    NoCountry,
    /// A country's line is not `[code] name`.
    Country,
    /// No tone has this name.
    Name,
    /// The tone stands there twice.
    Twice,
    /// A frequency is not from 10 to 4000 Hz, or there are more than four, or `0` stands beside one.
    Frequency,
    /// A level is not from -60 to 3 dBm0.
    Level,
    /// A modulation is not from 1 to 200 Hz, or not 1 to 100 % deep.
    Modulation,
    /// A length is not from 1 to 60,000 ms, or something follows a segment without length.
    Length,
    /// There are no segments or more than sixteen, or one with `!` follows one without.
    Segments,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            Fault::NoCountry => "a tone stands before the first country",
            Fault::Country => "a country is written as [code] and its name",
            Fault::Name => "no tone has this name",
            Fault::Twice => "the country has this tone already",
            Fault::Frequency => {
                "a tone has 1 to 4 frequencies of 10 to 4000 Hz, and silence is 0 alone"
            }
            Fault::Level => "a level is -60 to 3 dBm0",
            Fault::Modulation => "a modulation has 1 to 200 Hz and is 1 to 100 % deep",
            Fault::Length => "a segment has 1 to 60000 ms; only the last may have no length",
            Fault::Segments => "a tone has 1 to 16 segments, those with ! first",
        };
        write!(f, "line {}: {what}", self.line)
    }
}

impl std::error::Error for ParseError {}

impl TonePlan {
    /// Reads plans in the notation of the [module](super). Empty lines and lines that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Vec<TonePlan>, ParseError> {
        let mut plans: Vec<TonePlan> = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            let fails = |fault| ParseError { line: n + 1, fault };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with('[') {
                plans.push(country(line).ok_or(fails(Fault::Country))?);
                continue;
            }
            let plan = plans.last_mut().ok_or(fails(Fault::NoCountry))?;
            let (name, tone) =
                line.split_once(char::is_whitespace).ok_or(fails(Fault::Segments))?;
            let name = Name::ALL.into_iter().find(|known| known.as_str() == name);
            let name = name.ok_or(fails(Fault::Name))?;
            if plan.tone(name).is_some() {
                return Err(fails(Fault::Twice));
            }
            plan.set(name, program(tone).map_err(fails)?);
        }
        Ok(plans)
    }
}

fn country(line: &str) -> Option<TonePlan> {
    let (code, country) = line.strip_prefix('[')?.split_once(']')?;
    let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !code.is_empty() && code.len() <= 16 && code.chars().all(is_code);
    fits.then(|| TonePlan::new(code, country.trim()))
}

fn program(text: &str) -> Result<Program, Fault> {
    let mut segments = [Segment::silence_ms(0); MAX_SEGMENTS];
    let mut count = 0;
    let mut once = 0;
    for item in text.split(',') {
        let item = item.trim();
        let (item, is_once) = item.strip_prefix('!').map_or((item, false), |rest| (rest, true));
        if count == MAX_SEGMENTS || is_once && once < count {
            return Err(Fault::Segments);
        }
        if count > 0 && segments[count - 1].samples == FOREVER {
            return Err(Fault::Length);
        }
        segments[count] = segment(item)?;
        count += 1;
        once += usize::from(is_once);
    }
    let segments = &segments[..count];
    let endless = segments.last().is_some_and(|last| last.samples == FOREVER);
    match once == count || endless {
        true => Ok(Program::once(segments)),
        false => Ok(Program::repeating(segments, once)),
    }
}

fn segment(text: &str) -> Result<Segment, Fault> {
    let (sound, ms) = match text.split_once('/') {
        Some((sound, ms)) => (sound, Some(ms)),
        None => (text, None),
    };
    let tone = tone(sound)?;
    let Some(ms) = ms else { return Ok(Segment { tone, samples: FOREVER }) };
    match ms.parse() {
        Ok(ms @ 1..=MAX_MS) => Ok(Segment::tone_ms(tone, ms)),
        _ => Err(Fault::Length),
    }
}

fn tone(text: &str) -> Result<Tone, Fault> {
    if text == "0" {
        return Ok(Tone::SILENCE);
    }
    let (carriers, modulation) = match text.split_once('*') {
        Some((carriers, modulation)) => (carriers, Some(modulation)),
        None => (text, None),
    };
    let mut components = [(0.0, 0.0); MAX_COMPONENTS];
    let count = carriers.split('+').count();
    for (n, carrier) in carriers.split('+').enumerate() {
        let (hz, dbm0) = match carrier.split_once('@') {
            Some((hz, dbm0)) => (hz, number(dbm0, -60.0, 3.0).ok_or(Fault::Level)?),
            None => (carrier, LEVEL_DBM0 - 10.0 * (count as f32).log10()),
        };
        let hz = number(hz, 10.0, 4000.0).ok_or(Fault::Frequency)?;
        *components.get_mut(n).ok_or(Fault::Frequency)? = (hz, dbm0);
    }
    let tone = Tone::new(&components[..count]);
    let Some(modulation) = modulation else { return Ok(tone) };
    let (hz, percent) = match modulation.split_once('%') {
        Some((hz, percent)) => (hz, percent.parse().map_err(|_| Fault::Modulation)?),
        None => (modulation, DEPTH_PERCENT),
    };
    let hz = number(hz, 1.0, 200.0).ok_or(Fault::Modulation)?;
    if !(1..=100).contains(&percent) {
        return Err(Fault::Modulation);
    }
    Ok(tone.modulated(hz, percent))
}

/// A decimal number between two others.
fn number(text: &str, least: f32, most: f32) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    (least..=most).contains(&value).then_some(value)
}

impl fmt::Display for TonePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}] {}", self.code, self.country)?;
        self.tones().try_for_each(|(name, program)| writeln!(f, "{name} {program}"))
    }
}

impl fmt::Display for Program {
    /// In the notation of a [tone plan](crate::tone_plan); lengths are rounded to milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endless = |segment: &Segment| segment.samples == FOREVER;
        let once = match self.repeat_from() {
            Some(first) => first,
            // A last segment without end needs no mark.
            None => {
                self.segments().len() - usize::from(self.segments().last().is_some_and(endless))
            }
        };
        for (n, segment) in self.segments().iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let mark = if n < once { "!" } else { "" };
            write!(f, "{comma}{mark}{}", segment.tone)?;
            if !endless(segment) {
                write!(
                    f,
                    "/{}",
                    segment.samples.saturating_add(SAMPLES_PER_MS / 2) / SAMPLES_PER_MS
                )?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Tone {
    /// In the notation of a [tone plan](crate::tone_plan).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_silence() {
            return f.write_str("0");
        }
        for (n, (hz, dbm0)) in self.components().enumerate() {
            write!(f, "{}{hz}@{dbm0}", if n == 0 { "" } else { "+" })?;
        }
        self.modulation().map_or(Ok(()), |(hz, percent)| write!(f, "*{hz}%{percent}"))
    }
}

//! `tipring tool jitter`

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tipring_dsp::g711::{self, Law};
use tipring_dsp::plc::Concealer;
use tipring_dsp::wav::Format;
use tipring_media::BLOCK_SAMPLES;
use tipring_media::jitter::{Content, Counters, JitterBuffer, Taken};
use tipring_rtp::quality;

use super::trace::{Sent, Trace};
use super::{read, sound};
use crate::command::Failure;

/// Length of a tick.
const TICK_MS: f64 = 5.0;

/// Samples in a millisecond.
const PER_MS: f64 = 8.0;

/// How long after the last arrival something may still be played.
const LINGER_MS: f64 = 1000.0;

/// The line of output.
#[derive(Serialize)]
struct Report {
    packets: usize,
    lost_packets: usize,
    /// That arrived, and of which nothing was played.
    late_packets: usize,
    late_loss_percent: f64,
    duplicate_packets: u64,
    concealed_ms: u64,
    concealed_percent: f64,
    /// Packets that were not heard, lost or late.
    missing_percent: f64,
    slipped_ms: f64,
    delay_ms: f64,
    delay_min_ms: f64,
    delay_max_ms: f64,
    rating: f64,
    mos: f64,
}

/// Plays `sound` through a jitter buffer and a concealer as the trace says, writes what was heard, and prints how it
/// went.
pub fn jitter(
    trace: &Path,
    sound: &Path,
    heard: &Path,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = String::from_utf8(read(trace)?)
        .map_err(|_| Failure::Failed(format!("{} is not text", trace.display())))?;
    let trace = Trace::parse(&text)
        .map_err(|problem| Failure::Failed(format!("{}: {problem}", trace.display())))?;
    let mut samples = sound::load(sound)?;
    if samples.is_empty() {
        return Err(Failure::Failed(format!("{} holds no samples", sound.display())));
    }
    // What the sound does not reach to is said in silence.
    samples.resize(trace.end() as usize, 0);
    let played = play(&trace, &samples);
    sound::save(heard, Format::Pcm16, &played.samples)?;
    let line = serde_json::to_string(&played.report(&trace)).expect("plain numbers are JSON");
    Ok(writeln!(out, "{line}")?)
}

/// What came out.
#[derive(Default)]
struct Played {
    samples: Vec<i16>,
    counters: Counters,
    /// By packet, whether some of it was heard.
    heard: Vec<bool>,
    /// Ticks that played, and their delay from being sent: sum, least and most, in milliseconds.
    ticks: u32,
    sum_ms: f64,
    range_ms: Option<(f64, f64)>,
}

fn play(trace: &Trace, samples: &[i16]) -> Played {
    let mut octets = vec![0; samples.len()];
    g711::encode(Law::Mu, samples, &mut octets);
    let (mut buffer, mut concealer) = (JitterBuffer::new(), Concealer::new());
    let mut played = Played { heard: vec![false; trace.sent.len()], ..Played::default() };
    let Some((first, last)) = trace.arrivals.first().zip(trace.arrivals.last()) else {
        return played;
    };
    let mut arrivals = trace.arrivals.iter().peekable();
    let mut now = first.ms;
    // Play begins before the first timestamp, 0.
    let over = |at: u32| trace.end().wrapping_sub(at) as i32 <= 0;
    while now <= last.ms + LINGER_MS && !buffer.position().is_some_and(over) {
        while let Some(arrival) = arrivals.next_if(|arrival| arrival.ms <= now) {
            let Sent { sequence, timestamp, .. } = trace.sent[arrival.sent];
            let payload = &octets[timestamp as usize..][..trace.packet as usize];
            let lead = ((arrival.ms - (now - TICK_MS)) * PER_MS).round() as i32;
            buffer.insert(sequence, timestamp, lead, Content::Audio(Law::Mu, payload));
        }
        played.tick(&mut buffer, &mut concealer, trace, now);
        now += TICK_MS;
    }
    played.counters = buffer.counters();
    played
}

impl Played {
    fn tick(
        &mut self,
        buffer: &mut JitterBuffer,
        concealer: &mut Concealer,
        trace: &Trace,
        now: f64,
    ) {
        let (mut octets, mut block) = ([0; BLOCK_SAMPLES], [0; BLOCK_SAMPLES]);
        match buffer.take(&mut octets) {
            Taken::Audio(law) => {
                g711::decode(law, &octets, &mut block);
                concealer.good(&mut block);
                let end = buffer.position().unwrap_or(0);
                let begin = end.wrapping_sub(BLOCK_SAMPLES as u32);
                for at in trace.at(begin)..=trace.at(end.wrapping_sub(1)) {
                    self.heard[at] = true;
                }
                let delay = now - trace.sent_ms(begin);
                self.ticks += 1;
                self.sum_ms += delay;
                let (least, most) = self.range_ms.unwrap_or((delay, delay));
                self.range_ms = Some((least.min(delay), most.max(delay)));
            }
            Taken::Missing => concealer.conceal(&mut block),
            Taken::Pause => concealer.good(&mut block),
        }
        self.samples.extend(block);
    }

    fn report(&self, trace: &Trace) -> Report {
        let packets = trace.sent.len();
        let lost_packets = trace.sent.iter().filter(|sent| !sent.arrived).count();
        let heard = self.heard.iter().filter(|heard| **heard).count();
        let late_packets = packets - lost_packets - heard;
        let Counters { duplicates, concealed, slipped, .. } = self.counters;
        let ticks = u64::from(self.ticks) + concealed;
        let concealed_part = if ticks == 0 { 1.0 } else { concealed as f64 / ticks as f64 };
        let delay = self.sum_ms / f64::from(self.ticks.max(1));
        let (least, most) = self.range_ms.unwrap_or_default();
        let missing_part = (packets - heard) as f64 / packets as f64;
        let damage = concealed_part.max(missing_part);
        let rating = quality::rating(delay as f32 + 20.0, damage as f32);
        Report {
            packets,
            lost_packets,
            late_packets,
            late_loss_percent: round(late_packets as f64 * 100.0 / packets as f64),
            duplicate_packets: duplicates,
            concealed_ms: concealed * TICK_MS as u64,
            concealed_percent: round(concealed_part * 100.0),
            missing_percent: round(missing_part * 100.0),
            slipped_ms: round(slipped as f64 / PER_MS),
            delay_ms: round(delay),
            delay_min_ms: round(least),
            delay_max_ms: round(most),
            rating: round(rating.into()),
            mos: round(quality::mos(rating).into()),
        }
    }
}

/// Two decimals.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

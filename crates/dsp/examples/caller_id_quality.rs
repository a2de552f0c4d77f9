//! Caller ID on bad lines: how many of so many messages arrive intact.
//!
//!     cargo run --release -p tipring-dsp --example caller_id_quality [MESSAGES]
//!
//! With `CALLER_ID_PEER` naming the program made from `benches/peers/dsp/fsk.c`, spandsp is given the same signals.
//! Signals are made here, not by the library: continuous phase, any bit rate, through µ-law. Counts are "intact", or
//! "intact (wrong and accepted)".

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use tipring_dsp::caller_id::{Date, Field, LeadIn, Message, Receiver};
use tipring_dsp::fsk::Standard;
use tipring_dsp::level::dbm0_to_peak;

#[path = "../tests/common/mod.rs"]
mod common;
use common::{Random, Signal};

/// Bits before the mark signal, mark bits.
const ON_HOOK: LeadIn = LeadIn::ON_HOOK;

/// What is between a sender and us, and what the sender is like.
#[derive(Clone, Copy)]
struct Line {
    mark_dbm0: f32,
    space_dbm0: f32,
    noise_dbm0: f32,
    lead_in: LeadIn,
    /// Bit rate and frequencies, of the standard's.
    rate: f64,
    pitch: f64,
}

/// A line at -13 dBm0 with noise 25 dB below.
const GOOD: Line = Line {
    mark_dbm0: -13.0,
    space_dbm0: -13.0,
    noise_dbm0: -38.0,
    lead_in: ON_HOOK,
    rate: 1.0,
    pitch: 1.0,
};

fn main() {
    let argument = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let messages: usize = argument.unwrap_or(200);
    let snr = |snr: f32| Line { noise_dbm0: -13.0 - snr, ..GOOD };
    let level = |dbm0| Line { mark_dbm0: dbm0, space_dbm0: dbm0, noise_dbm0: -99.0, ..GOOD };
    let mark_bits = |seizure_bits, mark_bits| LeadIn { seizure_bits, mark_bits };
    for standard in [Standard::Bell202, Standard::V23] {
        println!("{standard}, intact of {messages}");
        let row = |name: &str, values: &[f32], line: &dyn Fn(f32) -> Line| {
            print!("  {name:18}");
            for value in values {
                print!("  {value}: {}", measure(standard, line(*value), messages));
            }
            println!();
        };
        row("SNR dB", &[25.0, 12.0, 10.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0], &snr);
        row("level dBm0", &[0.0, -13.0, -30.0, -36.0, -40.0, -45.0], &level);
        row("twist dB", &[-16.0, -14.0, -10.0, -6.0, 6.0, 10.0, 14.0, 16.0], &twisted);
        row("bit rate %", &[-5.0, -4.0, -3.0, 3.0, 4.0, 5.0], &|percent| Line {
            rate: 1.0 + f64::from(percent) / 100.0,
            ..GOOD
        });
        row("tones %", &[-5.0, -3.0, 3.0, 5.0], &|percent| Line {
            pitch: 1.0 + f64::from(percent) / 100.0,
            ..GOOD
        });
        row("marks, no seizure", &[40.0, 55.0, 80.0], &|bits| Line {
            lead_in: mark_bits(0, bits as u16),
            ..GOOD
        });
    }
}

/// Mark over space, with noise 25 dB below the mean of both.
fn twisted(db: f32) -> Line {
    let (mark_dbm0, space_dbm0) = (-13.0 + db / 2.0, -13.0 - db / 2.0);
    let power = |dbm0: f32| 10f32.powf(dbm0 / 10.0);
    let mean = 10.0 * ((power(mark_dbm0) + power(space_dbm0)) / 2.0).log10();
    Line { mark_dbm0, space_dbm0, noise_dbm0: mean - 25.0, ..GOOD }
}

/// How many messages arrive over a line, ours and the peer's.
fn measure(standard: Standard, line: Line, messages: usize) -> String {
    let mut random = Random::new(0x5EED + u64::from(line.noise_dbm0.to_bits()));
    let sent: Vec<(Message, Vec<i16>)> = (0..messages)
        .map(|_| {
            let message = message(&mut random);
            let signal = signal(&mut random, standard, line, &message.to_mdmf());
            (message, signal)
        })
        .collect();
    let (mut intact, mut wrong) = (0, 0);
    for (message, signal) in &sent {
        let mut got = vec![];
        Receiver::new(standard).process(signal, |result| got.extend(result));
        intact += usize::from(got.contains(message));
        wrong += got.iter().filter(|got| *got != message).count();
    }
    format!("{}{}", counts(intact, wrong), peer(standard, &sent).unwrap_or_default())
}

fn counts(intact: usize, wrong: usize) -> String {
    if wrong == 0 { format!("{intact}") } else { format!("{intact} ({wrong})") }
}

/// What spandsp makes of the same signals, where it is there.
fn peer(standard: Standard, sent: &[(Message, Vec<i16>)]) -> Option<String> {
    let program = std::env::var_os("CALLER_ID_PEER")?;
    let mut child = Command::new(program)
        .arg(standard.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the peer starts");
    let mut input = child.stdin.take().expect("it is piped");
    for (_, signal) in sent {
        let mut octets = (signal.len() as u32).to_ne_bytes().to_vec();
        octets.extend(signal.iter().flat_map(|sample| sample.to_ne_bytes()));
        input.write_all(&octets).expect("the peer reads");
    }
    drop(input);
    let mut output = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut output).expect("it is ASCII");
    child.wait().expect("it ends");
    let (mut intact, mut wrong) = (0, 0);
    for (line, (message, _)) in output.lines().zip(sent) {
        let octets = message.to_mdmf();
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        // Without the checksum, or with it.
        let is_it = |got: &str| got.len() + 2 >= hex.len() && hex.starts_with(got);
        intact += usize::from(line.split_whitespace().any(is_it));
        wrong += line.split_whitespace().filter(|got| !is_it(got)).count();
    }
    Some(format!(" / {}", counts(intact, wrong)))
}

/// Somebody calls.
fn message(random: &mut Random) -> Message {
    let mut below = |limit: f32| (random.unit() * limit) as u8;
    let date = Date {
        month: 1 + below(12.0),
        day: 1 + below(28.0),
        hour: below(24.0),
        minute: below(60.0),
    };
    let number = (0..10).map(|_| char::from(b'0' + below(10.0))).collect();
    let name = (0..12).map(|_| char::from(b'A' + below(26.0))).collect();
    Message { date: Some(date), number: Field::Given(number), name: Field::Given(name) }
}

/// What arrives of octets that were sent over a line.
fn signal(random: &mut Random, standard: Standard, line: Line, octets: &[u8]) -> Vec<i16> {
    let mut bits: Vec<bool> = (0..line.lead_in.seizure_bits).map(|i| i % 2 == 1).collect();
    bits.extend((0..line.lead_in.mark_bits).map(|_| true));
    for octet in octets {
        bits.push(false);
        bits.extend((0..8).map(|i| octet >> i & 1 == 1));
        bits.push(true);
    }
    bits.extend([true; 5]);
    let mut signal = Signal::silence(400 + (random.unit() * 100.0) as usize);
    let (mark, space) = (dbm0_to_peak(line.mark_dbm0), dbm0_to_peak(line.space_dbm0));
    let length = 8000.0 / 1200.0 / line.rate;
    let (mut phase, mut bit, mut at) = (f64::from(random.unit()), 0, 0.0);
    let first = f64::from(random.unit());
    for n in 0..(bits.len() as f64 * length) as usize - 1 {
        // Over the edges of bits the phase goes on.
        let until = n as f64 + first;
        while at < until {
            let edge = (bit + 1) as f64 * length;
            let to = until.min(edge);
            let hz = if bits[bit] { standard.mark_hz() } else { standard.space_hz() };
            phase += (to - at) * f64::from(hz) * line.pitch / 8000.0;
            bit += usize::from(to >= edge);
            at = to;
        }
        let peak = if bits[bit] { mark } else { space };
        signal.0.push(peak * (std::f64::consts::TAU * phase).sin() as f32);
    }
    signal.0.extend([0.0; 400]);
    signal.noise(random, line.noise_dbm0);
    signal.through_mu_law()
}

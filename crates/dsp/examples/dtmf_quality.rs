//! The tables of `docs/dsp/dtmf.md`: how well the DTMF receiver hears, and what it takes for digits that is none.
//!
//!     cargo run --release -p tipring-dsp --example dtmf_quality            all tables
//!     cargo run --release -p tipring-dsp --example dtmf_quality noise loss  these
//!     cargo run --release -p tipring-dsp --example dtmf_quality FILE.wav…   digits found in recordings of 8 kHz
//!
//! With `DTMF_PEER` naming a program as `benches/peers/dsp/dtmf.c` is one, the digits are those that it hears.
//!
//! Every signal goes through µ-law and, in other draws, through A-law, at random phase and alignment.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "dtmf_quality/peer.rs"]
mod peer;
#[path = "dtmf_quality/talk_off.rs"]
mod talk_off;

use common::{Random, Signal};
use tipring_dsp::{
    dtmf::{Detector, Digit, Event},
    g711::{self, Law},
    wav,
};

/// What the tables are called, and who makes them.
const TABLES: [(&str, fn()); 12] = [
    ("length", length),
    ("frequency", frequency),
    ("twist", twist),
    ("level", level),
    ("pause", pause),
    ("noise", noise),
    ("dial", dial_tone),
    ("echo", echo),
    ("loss", loss),
    ("overlap", overlap),
    ("edges", edges),
    ("talkoff", talk_off::table),
];

const LAWS: [Law; 2] = [Law::Mu, Law::A];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let (files, names): (Vec<String>, Vec<String>) =
        wanted.into_iter().partition(|name| name.ends_with(".wav"));
    for file in &files {
        recording(file);
    }
    for &(name, table) in &TABLES {
        if names.iter().any(|wanted| wanted == name) || (names.is_empty() && files.is_empty()) {
            println!("\n## {name}");
            table();
        }
    }
    peer::end();
}

fn recording(file: &str) {
    let read = std::fs::read(file).map_err(|error| error.to_string());
    match read.and_then(|octets| wav::parse(&octets).map_err(|error| error.to_string())) {
        Ok(audio) => {
            let signal = Signal(audio.samples.iter().map(|x| f32::from(*x)).collect());
            let found = LAWS.map(|law| digits(&through(&signal, law)));
            let seconds = audio.samples.len() as f32 / 8000.0;
            println!("{file}: {seconds:.1} s, µ-law {:?}, A-law {:?}", found[0], found[1]);
        }
        Err(error) => println!("{file}: {error}"),
    }
}

fn events(samples: &[i16]) -> Vec<Event> {
    let mut events = vec![];
    Detector::new().process(samples, |event| events.push(event));
    events
}

/// What arrives at the other end of a channel of this law.
fn through(signal: &Signal, law: Law) -> Vec<i16> {
    match law {
        Law::Mu => signal.through_mu_law(),
        Law::A => {
            let rounded = signal.0.iter().map(|x| x.round().clamp(-32768.0, 32767.0) as i16);
            let octets: Vec<u8> = rounded.map(|x| g711::encode_sample(law, x)).collect();
            octets.into_iter().map(|octet| g711::decode_sample(law, octet)).collect()
        }
    }
}

/// The digits that begin in a signal.
fn digits(samples: &[i16]) -> String {
    if let Some(heard) = peer::digits(samples) {
        return heard;
    }
    let began = |event: &Event| match event {
        Event::Began { digit, .. } => Some(digit.as_char()),
        Event::Ended { .. } => None,
    };
    events(samples).iter().filter_map(began).collect()
}

/// One press, and what is wrong with it.
#[derive(Clone, Copy)]
struct Press {
    ms: f32,
    /// Level of the low and the high tone, dBm0.
    dbm0: [f32; 2],
    /// Deviation of the frequencies, of the nominal ones.
    off: [f32; 2],
}

const PRESS: Press = Press { ms: 50.0, dbm0: [-13.0; 2], off: [0.0; 2] };

/// How often one press was heard as exactly that digit, and as anything at all.
#[derive(Default)]
struct Heard {
    right: usize,
    any: usize,
    more: usize,
    of: usize,
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |n: usize| 100.0 * n as f32 / self.of as f32;
        write!(
            f,
            "right {:6.2} %, something {:6.2} %, too much {:5.2} %  ({} presses)",
            percent(self.right),
            percent(self.any),
            percent(self.more),
            self.of
        )
    }
}

impl Press {
    fn level(dbm0: f32) -> Press {
        Press { dbm0: [dbm0; 2], ..PRESS }
    }

    fn add(self, signal: &mut Signal, random: &mut Random, digit: Digit, at: usize) -> usize {
        let (low, high) = digit.frequencies();
        let samples = (self.ms * 8.0).round() as usize;
        signal.tone(random, at, samples, low * (1.0 + self.off[0]), self.dbm0[0]);
        signal.tone(random, at, samples, high * (1.0 + self.off[1]), self.dbm0[1]);
        at + samples
    }

    /// `times` presses of each digit, disturbed.
    fn heard(self, times: usize, disturb: impl Fn(&mut Signal, &mut Random)) -> Heard {
        let mut random = Random::new(0x5EED ^ u64::from((self.ms * 1000.0) as u32) << 8);
        let mut heard = Heard::default();
        for n in 0..times {
            for digit in Digit::all() {
                let mut signal = Signal::silence(2600 + (self.ms * 8.0) as usize);
                let at = 1000 + (random.unit() * 320.0) as usize;
                self.add(&mut signal, &mut random, digit, at);
                disturb(&mut signal, &mut random);
                heard.count(&digits(&through(&signal, LAWS[n % 2])), digit);
            }
        }
        heard
    }
}

impl Heard {
    fn count(&mut self, found: &str, digit: Digit) {
        self.of += 1;
        self.any += usize::from(!found.is_empty());
        self.more += usize::from(found.len() > 1);
        self.right += usize::from(found.len() == 1 && found.starts_with(digit.as_char()));
    }
}

fn length() {
    for ms in [20, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 40, 50, 70, 150] {
        println!("{ms:4} ms: {}", Press { ms: ms as f32, ..PRESS }.heard(50, |_, _| {}));
    }
}

fn frequency() {
    for percent in [1.5f32, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.5, 4.0, 5.0] {
        let off = percent / 100.0;
        let one = |off| Press { off, ..PRESS }.heard(12, |_, _| {});
        let ways = [[off, off], [-off, -off], [off, -off], [-off, off]].map(one);
        let alone = [[off, 0.0], [-off, 0.0], [0.0, off], [0.0, -off]].map(one);
        let worst = ways.iter().map(|heard| heard.right).min().unwrap_or(0);
        let found = alone.iter().map(|heard| heard.any).max().unwrap_or(0);
        println!(
            "{percent:4.1} %: both off, right at least {:6.2} %; one off, something at most {:6.2} %",
            100.0 * worst as f32 / ways[0].of as f32,
            100.0 * found as f32 / ways[0].of as f32
        );
    }
}

fn twist() {
    for twist in [-9.0f32, -8.0, -7.0, -6.0, -5.0, -4.0, 0.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0] {
        let dbm0 = [-13.0 + twist / 2.0, -13.0 - twist / 2.0];
        println!("{twist:5.1} dB: {}", Press { dbm0, ..PRESS }.heard(12, |_, _| {}));
    }
}

fn level() {
    for dbm0 in
        [0.0, -1.0, -3.0, -10.0, -25.0, -35.0, -40.0, -42.0, -44.0, -46.0, -48.0, -50.0, -55.0]
    {
        println!("{dbm0:5.1} dBm0: {}", Press::level(dbm0).heard(12, |_, _| {}));
    }
}

fn pause() {
    let mut random = Random::new(0x6A9);
    for ms in [4, 10, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 30, 40] {
        let (mut one, mut two, mut of) = (0, 0, 0);
        for digit in Digit::all().cycle().take(400) {
            let mut signal = Signal::silence(3200);
            let at = 1000 + (random.unit() * 160.0) as usize;
            let end = PRESS.add(&mut signal, &mut random, digit, at);
            PRESS.add(&mut signal, &mut random, digit, end + ms * 8);
            let found = digits(&through(&signal, LAWS[of % 2]));
            of += 1;
            one += usize::from(found.len() == 1);
            two += usize::from(found.len() == 2);
        }
        println!("{ms:4} ms: one {one}, two {two} of {of}");
    }
}

fn noise() {
    for ms in [40.0, 50.0, 70.0] {
        for snr in [12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 0.0] {
            let heard = Press { ms, ..PRESS }.heard(32, |s, random| s.noise(random, -10.0 - snr));
            println!("{ms:4} ms, SNR {snr:4.1} dB: {heard}");
        }
    }
    println!("noise alone, -20 dBm0, one hour:");
    let mut random = Random::new(77);
    let mut signal = Signal::silence(3600 * 8000);
    signal.noise(&mut random, -20.0);
    println!("{} digits", digits(&through(&signal, Law::Mu)).len());
}

fn dial_tone() {
    for tones in [&[350.0, 440.0][..], &[425.0], &[400.0], &[400.0, 450.0], &[330.0, 440.0]] {
        for above in [0.0, 10.0, 18.0, 20.0, 22.0, 24.0] {
            let heard = Press::level(-30.0).heard(12, |signal, random| {
                for hz in tones {
                    signal.tone(random, 0, signal.0.len(), *hz, -30.0 + above);
                }
            });
            println!("{tones:?} Hz, each {above:4.1} dB above each tone: {heard}");
        }
    }
}

fn echo() {
    for (delay_ms, ms) in
        [(5, 50.0), (10, 50.0), (20, 40.0), (20, 50.0), (20, 80.0), (30, 50.0), (60, 80.0)]
    {
        for below in [30.0, 25.0, 20.0, 15.0, 10.0, 8.0, 7.0, 6.0, 5.0, 4.0] {
            let gain = 10f32.powf(-below / 20.0);
            let heard = Press { ms, ..PRESS }.heard(25, |signal, _| {
                let direct = signal.0.clone();
                for n in delay_ms * 8..direct.len() {
                    signal.0[n] += gain * direct[n - delay_ms * 8];
                }
            });
            println!("{ms} ms, echo {delay_ms} ms late, {below:4.1} dB below: {heard}");
        }
    }
}

fn loss() {
    for ms in [60.0, 80.0, 100.0] {
        for repeat in [false, true] {
            let heard = Press { ms, ..PRESS }.heard(400, |signal, random| {
                let from = (random.unit() * 160.0) as usize;
                let mut last = [0.0; 160];
                for frame in signal.0[from..].chunks_exact_mut(160) {
                    if random.unit() < 0.05 {
                        frame.copy_from_slice(if repeat { &last } else { &[0.0; 160] });
                    } else {
                        last.copy_from_slice(frame);
                    }
                }
            });
            let fill = if repeat { "repeated" } else { "zeros" };
            println!("{ms} ms, 5 % of 20 ms frames lost, {fill}: {heard}");
        }
    }
}

fn overlap() {
    for below in [4.0, 6.0, 8.0, 10.0, 15.0, 20.0] {
        for ms in [50.0, 80.0] {
            let mut random = Random::new(9);
            let (mut right, mut of) = (0, 0);
            for under in Digit::all() {
                for over in Digit::all().filter(|over| *over != under) {
                    let mut signal = Signal::silence(5000);
                    let at = 1000 + (random.unit() * 160.0) as usize;
                    Press { ms: 300.0, ..Press::level(-10.0 - below) }.add(
                        &mut signal,
                        &mut random,
                        under,
                        at,
                    );
                    Press { ms, ..Press::level(-10.0) }.add(
                        &mut signal,
                        &mut random,
                        over,
                        at + 1000,
                    );
                    let found = digits(&through(&signal, LAWS[of % 2]));
                    of += 1;
                    right += usize::from(
                        found == [under.as_char(), over.as_char()].iter().collect::<String>(),
                    );
                }
            }
            println!("{ms} ms over another digit {below:4.1} dB weaker: {right} of {of}");
        }
    }
}

fn edges() {
    for snr in [60.0, 30.0, 17.0, 10.0, 4.0] {
        let mut random = Random::new(4);
        let (mut off, mut level_off) = ([0u64; 2], 0.0f32);
        for digit in Digit::all().cycle().take(320) {
            let mut signal = Signal::silence(4000);
            let at = 1000 + (random.unit() * 160.0) as usize;
            let press = Press { ms: 65.0, dbm0: [-10.0, -14.0], ..PRESS };
            let end = press.add(&mut signal, &mut random, digit, at);
            signal.noise(&mut random, -8.54 - snr);
            for event in events(&through(&signal, Law::Mu)) {
                if let Event::Ended { start, samples, level_dbm0, twist_db, .. } = event {
                    off[0] = off[0].max(start.abs_diff(at as u64));
                    off[1] = off[1].max((start + u64::from(samples)).abs_diff(end as u64));
                    level_off =
                        level_off.max((level_dbm0 + 11.55).abs()).max((twist_db - 4.0).abs());
                }
            }
        }
        println!(
            "SNR {snr:4.1} dB: start within {}, end within {} samples, level and twist within {level_off:.2} dB",
            off[0], off[1]
        );
    }
}

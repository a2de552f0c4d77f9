//! Tones and cadences as a listener and a test set would measure them.

use proptest::prelude::*;
use tipring_dsp::{
    level::{self, Gain, Meter, mix},
    tone::{FOREVER, Player, Program, Segment, Tone},
};

fn play(program: Program, samples: usize) -> Vec<i16> {
    let mut player = Player::new();
    player.start(program);
    let mut out = vec![0; samples];
    player.process(&mut out);
    out
}

fn level_dbm0(samples: &[i16]) -> f32 {
    let mut meter = Meter::new();
    meter.process(samples);
    meter.level_dbm0()
}

/// Level of one frequency, by correlation over whole periods.
fn level_at(samples: &[i16], hz: f64) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hz * n as f64 / 8000.0;
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    level::peak_to_dbm0((2.0 * (re * re + im * im).sqrt() / samples.len() as f64) as f32)
}

#[test]
fn a_tone_has_its_level_and_nothing_else() {
    for (hz, dbm0) in [(350.0, -13.0), (425.0, -10.0), (1004.0, 0.0), (2100.0, 3.0), (20.5, -20.0)]
    {
        let samples = play(Program::continuous(Tone::single(hz, dbm0)), 80_000);
        assert!((level_dbm0(&samples) - dbm0).abs() < 0.01, "{hz}: {}", level_dbm0(&samples));
        assert!((level_at(&samples, f64::from(hz)) - dbm0).abs() < 0.01);
        // What is left is the rounding to 16 bits.
        let peak = f64::from(level::dbm0_to_peak(dbm0));
        let error: f64 = samples
            .iter()
            .enumerate()
            .map(|(n, s)| {
                let phase = std::f64::consts::TAU * f64::from(hz) * n as f64 / 8000.0;
                (f64::from(*s) - peak * phase.sin()).powi(2)
            })
            .sum();
        let snr = 10.0 * (peak * peak / 2.0 / (error / samples.len() as f64)).log10();
        assert!(snr > 70.0, "{hz} Hz at {dbm0} dBm0: {snr} dB");
    }
}

#[test]
fn a_tone_is_exact_after_an_hour() {
    let mut player = Player::new();
    player.start(Program::continuous(Tone::single(440.1, -10.0)));
    let mut block = [0; 8000];
    for _ in 0..3600 {
        player.process(&mut block);
    }
    // 440.1 Hz has a whole number of periods in 10 s, so in 3590 s: the hour's last second is the
    // tenth.
    let first = play(Program::continuous(Tone::single(440.1, -10.0)), 80_000);
    let drift = block.iter().zip(&first[72_000..]).map(|(a, b)| (a - b).abs()).max();
    // 1 µHz in an hour is 0.0036 turns.
    let most = level::dbm0_to_peak(-10.0) * std::f32::consts::TAU * 0.0036;
    assert!(drift.is_some_and(|d| f32::from(d) <= most), "{drift:?}");
}

#[test]
fn the_dial_tones_and_ringing_tones_of_five_countries_can_be_said() {
    let uk_ringing = Tone::dual(400.0, 450.0, -19.0);
    let programs = [
        // us, uk, de, fr, jp dial tones.
        (Program::continuous(Tone::dual(350.0, 440.0, -13.0)), FOREVER),
        (Program::continuous(Tone::dual(350.0, 440.0, -19.0)), FOREVER),
        (Program::continuous(Tone::single(425.0, -10.0)), FOREVER),
        (Program::continuous(Tone::single(440.0, -10.0)), FOREVER),
        (Program::continuous(Tone::single(400.0, -13.0)), FOREVER),
        // us reorder, uk ringing, jp ringing (16 Hz modulated).
        (Program::on_off(Tone::dual(480.0, 620.0, -24.0), 250, 250), 2000),
        (
            Program::repeating(
                &[
                    Segment::tone_ms(uk_ringing, 400),
                    Segment::silence_ms(200),
                    Segment::tone_ms(uk_ringing, 400),
                    Segment::silence_ms(2000),
                ],
                0,
            ),
            3200,
        ),
        (Program::on_off(Tone::single(400.0, -16.0).modulated(16.0, 85), 1000, 2000), 8000),
    ];
    for (program, first) in programs {
        assert_eq!(program.segments()[0].samples, first);
        assert!(!program.segments()[0].tone.is_silence());
        let samples = play(program, 8000);
        let sounding = &samples[..(first as usize).min(8000)];
        assert!(level_dbm0(sounding) > -25.0);
    }
}

#[test]
fn cadence_edges_are_exact_to_the_sample() {
    let tone = Tone::dual(480.0, 620.0, -24.0);
    let program = Program::repeating(
        &[Segment::tone_ms(tone, 330), Segment { tone: Tone::SILENCE, samples: 777 }],
        0,
    );
    let samples = play(program, 40_000);
    let period = 330 * 8 + 777;
    for (n, sample) in samples.iter().enumerate() {
        if n % period >= 330 * 8 {
            assert_eq!(*sample, 0, "sample {n} belongs to a pause");
        }
    }
    // Each burst is the first burst again.
    for burst in samples.chunks_exact(period) {
        assert_eq!(burst[..2640], samples[..2640]);
        assert!(burst[2630..2640].iter().any(|s| *s != 0));
    }
}

#[test]
fn a_tail_repeats_and_a_program_ends() {
    let (a, b) = (Tone::single(900.0, -10.0), Tone::single(1400.0, -10.0));
    let segment = |tone, samples| Segment { tone, samples };
    let stutter = Program::repeating(&[segment(a, 80), segment(b, 160), segment(a, 40)], 1);
    let samples = play(stutter, 680);
    assert_eq!(samples[80..280], samples[280..480]);
    assert_eq!(samples[80..280], samples[480..680]);
    let mut player = Player::new();
    player.start(Program::once(&[segment(a, 100), segment(b, 20)]));
    let mut out = [7; 200];
    assert_eq!(player.process(&mut out), 120);
    assert!(!player.is_playing() && out[120..].iter().all(|s| *s == 0));
    assert_eq!(player.process(&mut out), 0);
}

#[test]
fn neighbouring_segments_of_one_tone_sound_as_one() {
    let tone = Tone::single(1100.0, -6.0);
    let one = play(Program::continuous(tone), 400);
    let segment = Segment { tone, samples: 133 };
    assert_eq!(play(Program::once(&[segment; 4]), 400), one);
}

#[test]
fn modulation_makes_sidebands_of_half_its_depth() {
    let samples = play(Program::continuous(Tone::single(400.0, -10.0).modulated(16.0, 80)), 80_000);
    assert!((level_at(&samples, 400.0) + 10.0).abs() < 0.02);
    for sideband in [384.0, 416.0] {
        // 20 log 0.4
        assert!((level_at(&samples, sideband) + 17.96).abs() < 0.02);
    }
}

#[test]
fn a_tone_mixes_into_speech_and_saturates() {
    let mut player = Player::new();
    player.start(Program::continuous(Tone::single(1000.0, 3.0)));
    let mut out = [30_000; 80];
    assert_eq!(player.mix(&mut out), 80);
    assert_eq!(out.iter().max(), Some(&i16::MAX));
    assert!(out.iter().any(|s| *s < 0));
}

#[test]
fn degenerate_programs_are_silence() {
    let empty = [
        Program::SILENCE,
        Program::once(&[]),
        Program::repeating(&[], 0),
        Program::repeating(&[Segment::silence_ms(0); 16], 3),
        Program::repeating(&[Segment::silence_ms(0); 3], 9),
    ];
    for program in empty {
        assert!(play(program, 100).iter().all(|s| *s == 0));
        assert_eq!(program.repeat_from(), None);
    }
    // Sixteen segments at the most, 4 frequencies at the most.
    assert_eq!(Program::once(&[Segment::silence_ms(1); 20]).segments().len(), 16);
    assert_eq!(Tone::new(&[(400.0, -9.0); 9]), Tone::new(&[(400.0, -9.0); 4]));
    assert!(Tone::new(&[(0.0, 0.0)]).is_silence());
}

#[test]
fn levels_and_gains_agree() {
    for db in [-40.0, -6.0, 0.0, 6.0, 12.0] {
        let mut samples = play(Program::continuous(Tone::single(1000.0, -20.0)), 8000);
        Gain::from_db(db).apply(&mut samples);
        let expected = (-20.0 + db).min(3.17);
        assert!((level_dbm0(&samples) - expected).abs() < 0.1, "{db} dB: {}", level_dbm0(&samples));
    }
    assert_eq!(Gain::from_db(0.0), Gain::UNITY);
    assert_eq!(Gain::from_db(-200.0), Gain::MUTE);
    assert_eq!(Gain::from_db(90.0).q12(), i16::MAX);
    let mut samples = [i16::MIN, i16::MAX, 100, -100];
    Gain::from_db(18.0).apply(&mut samples);
    assert_eq!(samples[..2], [i16::MIN, i16::MAX]);
    let mut sum = [i16::MAX, -5, 7];
    mix(&mut sum, &[1, -6]);
    assert_eq!(sum, [i16::MAX, -11, 7]);
    assert!((level::peak_to_dbm0(level::dbm0_to_peak(-13.0)) + 13.0).abs() < 1e-4);
    let mut meter = Meter::new();
    assert_eq!(meter.level_dbm0(), level::SILENCE_DBM0);
    meter.process(&[i16::MIN; 3]);
    assert_eq!((meter.peak(), meter.samples()), (32768, 3));
    meter.reset();
    assert_eq!(meter, Meter::default());
    assert_eq!(level::energy(&[i16::MIN, i16::MIN, 3]), (1 << 31) + 9);
}

proptest! {
    #[test]
    fn how_the_stream_is_cut_makes_no_difference(
        segments in prop::collection::vec((0.0f32..4000.0, -40.0f32..3.0, 0u32..300), 0..16),
        first in 0usize..16,
        cut in 1usize..200,
    ) {
        let segments: Vec<Segment> = segments
            .into_iter()
            .map(|(hz, dbm0, samples)| Segment { tone: Tone::single(hz, dbm0), samples })
            .collect();
        let program = Program::repeating(&segments, first);
        let whole = play(program, 1000);
        let mut player = Player::new();
        player.start(program);
        let mut pieces = vec![0; 1000];
        for piece in pieces.chunks_mut(cut) {
            player.process(piece);
        }
        prop_assert_eq!(whole, pieces);
    }
}

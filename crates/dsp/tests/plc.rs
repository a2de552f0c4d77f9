//! Concealment as a listener would judge it.

use tipring_dsp::{
    level::{Meter, energy},
    plc::Concealer,
};

/// A voiced sound: harmonics of a pitch that falls off by 6 dB an octave.
fn vowel(pitch_hz: f32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| {
            let t = n as f32 / 8000.0;
            (1..=12)
                .map(|h| {
                    let h = h as f32;
                    3000.0 / h * (std::f32::consts::TAU * (pitch_hz * h * t) + h * h).sin()
                })
                .sum::<f32>() as i16
        })
        .collect()
}

fn level(samples: &[i16]) -> f32 {
    let mut meter = Meter::new();
    meter.process(samples);
    meter.level_dbm0()
}

fn largest_step(samples: &[i16]) -> i32 {
    samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
}

#[test]
fn good_samples_pass_unchanged_and_undelayed() {
    let mut concealer = Concealer::new();
    for block in vowel(110.0, 4000).chunks_mut(40) {
        let before = block.to_vec();
        concealer.good(block);
        assert_eq!(block, before);
    }
}

#[test]
fn a_lost_packet_of_a_vowel_is_hardly_heard() {
    for pitch in [75.0, 110.0, 151.0, 190.0] {
        let original = vowel(pitch, 2400);
        let mut heard = original.clone();
        let mut concealer = Concealer::new();
        for (i, block) in heard.chunks_mut(40).enumerate() {
            // 20 ms are lost at 100 ms.
            if (20..24).contains(&i) { concealer.conceal(block) } else { concealer.good(block) }
        }
        let error: Vec<i16> =
            heard.iter().zip(&original).map(|(h, o)| h.saturating_sub(*o)).collect();
        let lost = 800..1060;
        let snr = level(&original[lost.clone()]) - level(&error[lost.clone()]);
        assert!(snr > 12.0, "{pitch} Hz: {snr} dB");
        assert!(largest_step(&heard) <= largest_step(&original) * 5 / 4, "{pitch} Hz clicks");
        assert!(level(&heard[lost.clone()]) < level(&original[lost]) + 1.0, "{pitch} Hz booms");
        assert_eq!(heard[1080..], original[1080..], "{pitch} Hz: the original must come back");
    }
}

#[test]
fn long_loss_fades_to_silence_by_60_ms() {
    let mut concealer = Concealer::new();
    concealer.good(&mut vowel(120.0, 800));
    let mut lost = [0; 800];
    for block in lost.chunks_mut(40) {
        concealer.conceal(block);
    }
    let per_10_ms: Vec<u64> = lost.chunks(80).map(energy).collect();
    assert!(per_10_ms[1..7].is_sorted_by(|a, b| a >= b), "{per_10_ms:?}");
    assert!(per_10_ms[0] > 0 && per_10_ms[6..].iter().all(|e| *e == 0), "{per_10_ms:?}");
    assert!(concealer.is_concealing());
}

#[test]
fn nothing_heard_is_concealed_by_silence() {
    let mut concealer = Concealer::new();
    let mut block = [77; 200];
    concealer.conceal(&mut block);
    assert_eq!(block, [0; 200]);
}

#[test]
fn how_the_stream_is_cut_makes_no_difference() {
    let original = vowel(98.0, 1600);
    // Lost: 400..520, 700..1300.
    let mut whole = original.clone();
    let mut concealer = Concealer::new();
    concealer.good(&mut whole[..400]);
    concealer.conceal(&mut whole[400..520]);
    concealer.good(&mut whole[520..700]);
    concealer.conceal(&mut whole[700..1300]);
    concealer.good(&mut whole[1300..]);
    let mut cut = original;
    let mut concealer = Concealer::new();
    for (i, block) in cut.chunks_mut(4).enumerate() {
        let at = i * 4;
        if (400..520).contains(&at) || (700..1300).contains(&at) {
            concealer.conceal(block);
        } else {
            concealer.good(block);
        }
    }
    assert_eq!(whole, cut);
}

#[test]
fn the_worst_samples_and_lengths_do_no_harm() {
    let mut concealer = Concealer::new();
    let mut seed = 1u32;
    for i in 0..3000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (seed >> 16) as usize % 700;
        let mut block: Vec<i16> =
            (0..length).map(|n| if (n * i) % 7 < 3 { i16::MIN } else { i16::MAX }).collect();
        if seed & 0x80 == 0 { concealer.good(&mut block) } else { concealer.conceal(&mut block) }
    }
    concealer.good(&mut []);
    concealer.conceal(&mut []);
}

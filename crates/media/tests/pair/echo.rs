//! A line that gives back what is said to it.

use tipring_core::Rng;
use tipring_dsp::echo::Tail;
use tipring_dsp::g711::{self, Law};
use tipring_dsp::level::Meter;
use tipring_media::BLOCK_SAMPLES;
use tipring_media::control::RtpFormat;

use crate::rig::Pair;

/// Noise at about -11 dBm0, in talk spurts of a second.
fn speech(seconds: u32) -> impl Iterator<Item = [u8; BLOCK_SAMPLES]> {
    let mut rng = Rng::new(9);
    (0..seconds * 200).map(move |n| {
        let mut octets = [0xFF; BLOCK_SAMPLES];
        if n / 200 % 2 == 0 {
            let samples: [i16; BLOCK_SAMPLES] =
                std::array::from_fn(|_| (rng.next_u32() >> 18) as i16 - 8192);
            g711::encode(Law::Mu, &samples, &mut octets);
        }
        octets
    })
}

/// The level at which a talker hears himself in the fifth second, dBm0.
fn own_voice(echo_db: Option<f32>, cancels: Option<Tail>) -> f32 {
    let mut pair = Pair::new(8);
    pair.b.echo_db = echo_db;
    pair.b.cancels = cancels;
    let format = RtpFormat::g711(Law::Mu, None);
    pair.a.call(Law::Mu, format, 0xA);
    pair.b.call(Law::Mu, format, 0xB);
    pair.a.speaks.extend(speech(5));
    pair.run(5_200);
    let mut linear = vec![0; pair.a.hears.len()];
    g711::decode(Law::Mu, &pair.a.hears, &mut linear);
    let mut meter = Meter::new();
    meter.process(&linear[4 * 8000 + 2000..5 * 8000]);
    meter.level_dbm0()
}

#[test]
fn nobody_hears_himself_from_a_line_with_an_echo_canceller() {
    let left_in = own_voice(Some(10.0), None);
    assert!((-22.0..-19.0).contains(&left_in), "{left_in}");
    for tail in [Tail::Ms32, Tail::Ms64, Tail::Ms128] {
        let cancelled = own_voice(Some(10.0), Some(tail));
        assert!(cancelled < left_in - 30.0, "{tail:?}: {cancelled} dBm0 of {left_in}");
    }
}

#[test]
fn a_phone_is_heard_through_its_echo_canceller_as_it_speaks() {
    let mut pair = Pair::new(9);
    pair.a.cancels = Some(Tail::Ms32);
    let format = RtpFormat::g711(Law::Mu, None);
    pair.a.call(Law::Mu, format, 0xA);
    pair.b.call(Law::Mu, format, 0xB);
    let said: Vec<_> = speech(4).collect();
    pair.a.speaks.extend(&said);
    pair.run(4_300);
    let decode = |octets: &[u8]| {
        let mut linear = vec![0; octets.len()];
        g711::decode(Law::Mu, octets, &mut linear);
        linear
    };
    let (said, heard) = (decode(&said.concat()), decode(&pair.b.hears));
    let product = |a: &[i16], b: &[i16]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let best = (0..2_000)
        .map(|delay| {
            let (said, heard) = (&said[..30_000], &heard[delay..delay + 30_000]);
            product(said, heard) / (product(said, said) * product(heard, heard)).sqrt()
        })
        .fold(0.0, f64::max);
    assert!(best > 0.999, "{best}");
}

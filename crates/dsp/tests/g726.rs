//! G.726 held to what it was when it was compared bit for bit with the ITU-T's sequences (`itu_vectors.rs`) and with
//! ffmpeg (`codec_peers.rs`).

mod coding;

use coding::{digest, digest_samples, medley};
use proptest::prelude::*;
use tipring_dsp::{
    g711::{self, Law},
    g726::{Decoder, Encoder, Packing, Rate},
};

const PACKINGS: [Packing; 2] = [Packing::Rfc3551, Packing::Aal2];

fn encoded(rate: Rate, packing: Packing, samples: &[i16]) -> Vec<u8> {
    let mut octets = vec![0; samples.len() * rate.bits() as usize / 8];
    assert_eq!(Encoder::new(rate, packing).encode(samples, &mut octets), octets.len());
    octets
}

fn decoded(rate: Rate, packing: Packing, octets: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; octets.len() * 8 / rate.bits() as usize];
    assert_eq!(Decoder::new(rate, packing).decode(octets, &mut samples), samples.len());
    samples
}

/// Codes of a signal, without packing.
fn codes(rate: Rate, samples: &[i16]) -> Vec<u8> {
    let mut encoder = Encoder::new(rate, Packing::Rfc3551);
    samples.iter().map(|sample| encoder.code(*sample)).collect()
}

#[test]
fn octets_and_samples_are_those_that_were_compared() {
    let samples = medley(8000, 726, 30_000.0);
    let found = Rate::ALL.map(|rate| {
        let octets = PACKINGS.map(|packing| encoded(rate, packing, &samples));
        let [samples, same] = [0, 1].map(|at| decoded(rate, PACKINGS[at], &octets[at]));
        assert_eq!(samples, same);
        (octets.map(digest), digest_samples(&samples))
    });
    assert_eq!(
        found,
        [
            ([15720876252451212691, 8697940737829920115], 16037856605868727511),
            ([3981477046924893939, 5206546447683670354], 13962386524078872325),
            ([14613596369934295740, 14607363769297903825], 2800489950496662087),
            ([4425861391245257204, 7943331913015901562], 1429064535703502255)
        ]
    );
}

#[test]
fn law_octets_are_those_that_were_compared() {
    let samples = medley(8000, 727, 32_768.0);
    let found = Rate::ALL.map(|rate| {
        [Law::Mu, Law::A].map(|law| {
            let mut decoder = Decoder::new(rate, Packing::Rfc3551);
            digest(codes(rate, &samples).into_iter().map(|code| decoder.law_octet(code, law)))
        })
    });
    assert_eq!(
        found,
        [
            [233185678073546628, 11042627695842009239],
            [6539122149072164411, 8827179357062924025],
            [3071510789942085677, 9182716546144261399],
            [5710953002032752543, 11858146146079079738]
        ]
    );
}

#[test]
fn any_codes_decode_to_what_they_did() {
    let octets: Vec<u8> =
        (0..8000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let found = Rate::ALL.map(|rate| digest_samples(&decoded(rate, Packing::Aal2, &octets)));
    assert_eq!(
        found,
        [858489365268946382, 7066291371782886772, 17641862037742935418, 6966354807929241043]
    );
}

#[test]
fn tandems_over_a_law_add_nothing_after_the_first() {
    // G.726 §4.2.8: from the second coding on, the synchronous adjustment keeps codes and octets as they are.
    for law in [Law::Mu, Law::A] {
        for rate in [Rate::Kbit24, Rate::Kbit32, Rate::Kbit40] {
            let mut law_octets = vec![0; 8000];
            g711::encode(law, &medley(8000, 728, 8000.0), &mut law_octets);
            let tandem = |octets: &[u8]| -> Vec<u8> {
                let mut encoder = Encoder::new(rate, Packing::Rfc3551);
                let mut decoder = Decoder::new(rate, Packing::Rfc3551);
                let each = octets.iter().map(|octet| {
                    decoder.law_octet(encoder.code(g711::decode_sample(law, *octet)), law)
                });
                each.collect()
            };
            let once = tandem(&law_octets);
            assert_ne!(once, law_octets);
            assert_eq!(tandem(&once), once, "{rate:?} {law:?}");
        }
    }
}

#[test]
fn the_first_code_goes_to_the_end_of_the_octet_that_the_packing_names() {
    let samples = medley(8000, 729, 20_000.0);
    for rate in Rate::ALL {
        let bits = rate.bits();
        let first = &samples[3000..3008];
        let codes = codes(rate, first);
        let packed = |packing| encoded(rate, packing, first);
        let mut low = [0; 8];
        low[..bits as usize].copy_from_slice(&packed(Packing::Rfc3551));
        let mut high = [0; 8];
        high[..bits as usize].copy_from_slice(&packed(Packing::Aal2));
        let (low, high) = (u64::from_le_bytes(low), u64::from_be_bytes(high));
        for (at, code) in (0u32..).zip(codes) {
            let mask = (1 << bits) - 1;
            assert_eq!(low >> (bits * at) & mask, u64::from(code), "{rate:?}");
            assert_eq!(high >> (64 - bits * (at + 1)) & mask, u64::from(code), "{rate:?}");
        }
    }
}

#[test]
fn more_bits_leave_less_noise() {
    let samples = medley(8000, 730, 16_000.0);
    let speech = 2400..4000;
    let noise = Rate::ALL.map(|rate| {
        let back = decoded(rate, Packing::Rfc3551, &encoded(rate, Packing::Rfc3551, &samples));
        let both = back[speech.clone()].iter().zip(&samples[speech.clone()]);
        both.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>()
    });
    assert!(noise.is_sorted_by(|more, less| *more > 1.5 * less), "{noise:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_cut_changes_what_comes_out(
        samples in prop::collection::vec(any::<i16>(), 0..200),
        cuts in prop::collection::vec(0usize..40, 0..20),
        rate in prop::sample::select(Rate::ALL.to_vec()),
        packing in prop::sample::select(PACKINGS.to_vec()),
    ) {
        let whole = encoded(rate, packing, &samples);
        let (mut encoder, mut decoder) = (Encoder::new(rate, packing), Decoder::new(rate, packing));
        let (mut octets, mut out) = (vec![], vec![]);
        let mut rest = &samples[..];
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            let mut room = [0; 128];
            let written = encoder.encode(now, &mut room);
            octets.extend_from_slice(&room[..written]);
            let mut samples = [0; 512];
            let decoded = decoder.decode(&room[..written], &mut samples);
            out.extend_from_slice(&samples[..decoded]);
        }
        prop_assert_eq!(&octets, &whole);
        prop_assert_eq!(out, decoded(rate, packing, &whole));
    }

    #[test]
    fn what_has_no_room_is_passed_over(
        samples in prop::collection::vec(any::<i16>(), 0..60),
        room in 0usize..20,
        rate in prop::sample::select(Rate::ALL.to_vec()),
        packing in prop::sample::select(PACKINGS.to_vec()),
    ) {
        let mut octets = vec![0; room];
        let written = Encoder::new(rate, packing).encode(&samples, &mut octets);
        let whole = encoded(rate, packing, &samples);
        prop_assert_eq!(written, room.min(whole.len()));
        prop_assert_eq!(&octets[..written], &whole[..written]);
        let mut few = vec![0; room];
        let written = Decoder::new(rate, packing).decode(&whole, &mut few);
        prop_assert_eq!(&few[..written], &decoded(rate, packing, &whole)[..written]);
    }
}

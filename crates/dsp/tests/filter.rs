//! Responses of the filters at the frequencies that matter.

use proptest::prelude::*;
use tipring_dsp::filter::Filter;

/// Gain at a frequency after the filter has settled, dB.
fn gain_db(filter: Filter, hz: f64) -> f64 {
    let turn = |n: usize| std::f64::consts::TAU * hz * n as f64 / 8000.0;
    let mut samples: Vec<i16> = (0..24_000).map(|n| (20_000.0 * turn(n).sin()) as i16).collect();
    let mut filter = filter;
    filter.process(&mut samples);
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate().skip(8000) {
        re += f64::from(*sample) * turn(n).cos();
        im += f64::from(*sample) * turn(n).sin();
    }
    20.0 * ((re * re + im * im).sqrt() / 8000.0 / 20_000.0).log10()
}

#[test]
fn hum_and_its_octave_go_and_speech_stays() {
    let gain = |hz| gain_db(Filter::hum_removal(), hz);
    for (hz, loss) in [(50.0, 58.0), (49.5, 58.0), (60.0, 49.0), (100.0, 47.0), (120.0, 37.0)] {
        assert!(gain(hz) < -loss, "{hz} Hz: {}", gain(hz));
    }
    for hz in [300.0, 350.0, 425.0, 697.0, 1004.0, 2100.0, 3400.0] {
        assert!(gain(hz).abs() <= 0.15, "{hz} Hz: {}", gain(hz));
    }
    assert!(gain(250.0) > -0.3);
}

#[test]
fn direct_current_goes_and_all_else_stays() {
    let mut samples = [1000; 8000];
    Filter::dc_removal().process(&mut samples);
    assert!(samples[0] > 900 && samples[960].abs() <= 10 && samples[7999] == 0);
    for hz in [50.0, 300.0, 1004.0, 3400.0] {
        assert!(gain_db(Filter::dc_removal(), hz).abs() < 0.15, "{hz} Hz");
    }
    let mut samples = [1000; 8000];
    Filter::hum_removal().process(&mut samples);
    assert!(samples[7999].abs() <= 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_cut_changes_what_comes_out(
        samples in prop::collection::vec(any::<i16>(), 0..600), cut in 0usize..600, dc in any::<bool>(),
    ) {
        let filter = || if dc { Filter::dc_removal() } else { Filter::hum_removal() };
        let (mut whole, mut pieces) = (samples.clone(), samples);
        filter().process(&mut whole);
        let mut filter = filter();
        let (first, second) = pieces.split_at_mut(cut.min(whole.len()));
        filter.process(first);
        filter.process(second);
        prop_assert_eq!(whole, pieces);
    }
}

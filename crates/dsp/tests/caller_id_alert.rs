//! Alerting tones through speech, and caller ID by DTMF.

mod common;

use common::{Random, Signal};
use proptest::prelude::*;
use tipring_dsp::{
    SAMPLES_PER_MS,
    caller_id::{
        ALERT_HZ, Alert, AlertDetector, Alerted, Dialled, DigitReceiver, FORMS, Field, Form,
    },
    tone::Player,
};

fn heard(samples: &[i16]) -> Vec<Alerted> {
    let mut heard = vec![];
    AlertDetector::new().process(samples, |alerted| heard.push(alerted));
    heard
}

/// Two tones for so long, at 0.1 s, in 0.4 s of silence.
fn burst(random: &mut Random, ms: f32, hz: [f32; 2], dbm0: [f32; 2]) -> Signal {
    let mut signal = Signal::silence(3200);
    for i in 0..2 {
        let at = 800 + (random.unit() * 8.0) as usize;
        signal.tone(random, at, (ms * 8.0) as usize, hz[i], dbm0[i]);
    }
    signal
}

/// Voiced speech of a kind: a buzz of random pitch through two wandering resonances, every syllable another.
fn babble(random: &mut Random, samples: usize, dbm0: f32) -> Vec<f32> {
    let mut out = vec![0.0; samples];
    let mut filters = [[0.0f32; 2]; 3];
    let (mut pitch, mut phase, mut formants) = (120.0, 0.0, [500.0, 1500.0, 2600.0]);
    let mut envelope: f32 = 0.0;
    let mut loud = 0.0;
    for (n, x) in out.iter_mut().enumerate() {
        if n % 1200 == 0 {
            pitch = 80.0 + 180.0 * random.unit();
            formants = [
                250.0 + 600.0 * random.unit(),
                900.0 + 1400.0 * random.unit(),
                2000.0 + 1300.0 * random.unit(),
            ];
            loud = if random.unit() < 0.25 { 0.0 } else { 0.3 + random.unit() };
        }
        envelope += (loud - envelope) / 200.0;
        phase += pitch / 8000.0;
        let mut y = if phase >= 1.0 { 20.0 } else { random.normal() * 0.3 };
        phase -= phase.floor();
        for (filter, hz) in filters.iter_mut().zip(formants) {
            let r: f32 = 0.97;
            let turn = 2.0 * r * (std::f32::consts::TAU * hz / 8000.0).cos();
            let z = 0.3 * y + turn * filter[0] - r * r * filter[1];
            filter[1] = filter[0];
            filter[0] = z;
            y = 0.5 * y + 0.5 * z;
        }
        *x = y * envelope;
    }
    let power = out.iter().map(|x| x * x).sum::<f32>() / samples as f32;
    let gain = tipring_dsp::level::dbm0_to_peak(dbm0) / (2.0 * power).sqrt();
    out.iter_mut().for_each(|x| *x *= gain);
    out
}

#[test]
fn alerts_are_told_with_their_length_end_and_level() {
    let mut random = Random::new(1);
    for (alert, ms) in [
        (Alert::Cas, 75.0),
        (Alert::Cas, 80.0),
        (Alert::Cas, 85.0),
        (Alert::DtAs, 90.0),
        (Alert::DtAs, 100.0),
        (Alert::DtAs, 110.0),
    ] {
        for dbm0 in [-5.0, -15.0, -33.0] {
            let mut signal = burst(&mut random, ms, ALERT_HZ, [dbm0, dbm0]);
            signal.noise(&mut random, dbm0 - 20.0);
            let got = heard(&signal.through_mu_law());
            let [one] = got[..] else { panic!("{ms} ms {dbm0} dBm0: {got:?}") };
            assert_eq!(one.alert, alert, "{ms} ms");
            assert!((one.samples as f32 / 8.0 - ms).abs() < 4.0, "{ms}: {one:?}");
            let end = 800 + (ms * 8.0) as i64;
            assert!((one.end as i64 - end).abs() < 60, "{end}: {one:?}");
            assert!((one.level_dbm0 - dbm0).abs() < 1.0, "{one:?}");
        }
    }
}

#[test]
fn what_is_generated_is_detected() {
    for alert in [Alert::Cas, Alert::DtAs] {
        let mut samples = vec![0; 4000];
        let mut player = Player::new();
        player.start(alert.program(-15.0));
        player.process(&mut samples[1000..]);
        assert_eq!(heard(&samples).iter().map(|a| a.alert).collect::<Vec<_>>(), [alert]);
        assert_eq!(alert.acknowledgement().as_char(), 'D');
    }
}

#[test]
fn alerts_off_by_what_lines_and_exchanges_do_are_taken_and_others_are_not() {
    let mut random = Random::new(2);
    let mut count = |ms: f32, off: [f32; 2], dbm0: [f32; 2]| {
        let hz = [ALERT_HZ[0] * (1.0 + off[0]), ALERT_HZ[1] * (1.0 + off[1])];
        (0..20)
            .filter(|_| !heard(&burst(&mut random, ms, hz, dbm0).through_mu_law()).is_empty())
            .count()
    };
    for off in [[0.005, -0.005], [-0.005, -0.005], [0.005, 0.005]] {
        assert_eq!(count(80.0, off, [-20.0, -20.0]), 20);
    }
    for twist in [-6.0, 6.0] {
        assert_eq!(count(80.0, [0.0, 0.0], [-22.0 + twist / 2.0, -22.0 - twist / 2.0]), 20);
    }
    assert_eq!(count(80.0, [0.02, 0.0], [-20.0, -20.0]), 0);
    assert_eq!(count(80.0, [0.0, -0.02], [-20.0, -20.0]), 0);
    assert_eq!(count(80.0, [0.0, 0.0], [-15.0, -30.0]), 0);
    for ms in [40.0, 55.0, 135.0, 190.0, 250.0] {
        assert_eq!(count(ms, [0.0, 0.0], [-20.0, -20.0]), 0, "{ms} ms");
    }
    assert_eq!(count(80.0, [0.0, 0.0], [-46.0, -46.0]), 0);
}

#[test]
fn an_alert_is_heard_through_the_speech_of_the_one_who_is_to_hear_it() {
    let mut random = Random::new(3);
    let talk = babble(&mut random, 200 * 3200, -25.0);
    let count = talk
        .chunks(3200)
        .filter(|talk| {
            let mut signal = burst(&mut random, 80.0, ALERT_HZ, [-20.0, -20.0]);
            signal.0.iter_mut().zip(*talk).for_each(|(x, talk)| *x += talk);
            !heard(&signal.through_mu_law()).is_empty()
        })
        .count();
    assert!(count >= 190, "{count} of 200");
}

#[test]
fn speech_alone_is_no_alert() {
    let mut random = Random::new(4);
    let mut told = 0;
    for _ in 0..10 {
        let talk = Signal(babble(&mut random, 8000 * 60, -15.0));
        told += heard(&talk.through_mu_law()).len();
    }
    assert_eq!(told, 0, "in ten minutes");
}

fn given(number: &str) -> Dialled {
    Dialled { number: Field::Given(number.into()), redirected: None }
}

#[test]
fn each_form_is_sent_and_told_apart() {
    for form in FORMS {
        for caller in [
            given("0812345678"),
            Dialled { number: Field::Private, redirected: None },
            Dialled { number: Field::Unavailable, redirected: None },
        ] {
            let Some(keys) = form.keys(&caller) else {
                assert!(form.private.is_empty() && form.burst(&caller).is_empty());
                continue;
            };
            assert!(keys.ends_with(form.end));
            let mut samples = vec![0; 800];
            samples.extend(form.burst(&caller));
            samples.extend([0; 800]);
            let mut told = vec![];
            DigitReceiver::new(Some(form))
                .process(&samples, |name, caller| told.push((name, caller)));
            assert_eq!(told, [(form.name, caller.clone())]);
            let mut told = vec![];
            DigitReceiver::new(None).process(&samples, |_, caller| told.push(caller));
            assert_eq!(told.len(), 1, "{}", form.name);
        }
    }
}

#[test]
fn keys_of_the_forms() {
    let etsi = Form::of_country("se").expect("it is in the table");
    let forwarded = Dialled { redirected: Some("555".into()), ..given("08123") };
    assert_eq!(etsi.keys(&forwarded).as_deref(), Some("A08123D555C"));
    assert_eq!(etsi.read("A08123D555C"), Some(forwarded));
    assert_eq!(etsi.read("B10C").map(|c| c.number), Some(Field::Private));
    assert_eq!(etsi.read("D555B00C").map(|c| c.number), Some(Field::Unavailable));
    assert_eq!(etsi.read("A12*4C"), None);
    assert_eq!(etsi.read("\u{47c}B00C"), None);
    let denmark = Form::of_country("dk").expect("it is in the table");
    assert_eq!(denmark.keys(&given("33 44 55")).as_deref(), Some("A334455#"));
    assert_eq!(denmark.read("D2#").map(|c| c.number), Some(Field::Unavailable));
    assert_eq!(
        Form::of_country("tw").and_then(|form| form.read("D0223456789C")),
        Some(given("0223456789"))
    );
}

#[test]
fn keys_with_a_second_of_silence_between_them_are_no_message() {
    let form = FORMS[0];
    let mut samples = form.burst(&given("12"));
    let keys = samples.len() / 4;
    let silence = vec![0; (1200 * SAMPLES_PER_MS) as usize];
    samples.splice(2 * keys..2 * keys, silence);
    let mut told = vec![];
    DigitReceiver::new(Some(form)).process(&samples, |_, caller| told.push(caller));
    assert_eq!(told, []);
}

#[test]
fn a_redirection_alone_says_nothing_of_the_caller() {
    let etsi = Form::of_country("se").expect("it is in the table");
    let caller = Dialled { number: Field::Absent, redirected: Some("55531".into()) };
    assert_eq!(etsi.read("D55531C"), Some(caller.clone()));
    assert_eq!(etsi.keys(&caller).as_deref(), Some("D55531C"));
    // Keys that say nothing are no message: the number is not known.
    assert_eq!(etsi.keys(&Dialled::default()).as_deref(), Some("B00C"));
}

proptest! {
    #[test]
    fn any_keys_are_read_or_refused_and_what_is_read_is_sent_again(
        keys in prop_oneof!["[0-9A-D*#]{0,70}", "([A-D*#][0-9]{0,9}){0,4}[C#]"],
    ) {
        for form in FORMS {
            if let Some(caller) = form.read(&keys) {
                let again = form.keys(&caller).and_then(|keys| form.read(&keys));
                prop_assert_eq!(again, Some(caller));
            }
        }
    }

    #[test]
    fn any_samples_do_no_harm(samples in prop::collection::vec(any::<i16>(), 0..3000), cut in 1usize..200) {
        let whole = heard(&samples);
        let mut pieces = vec![];
        let mut detector = AlertDetector::new();
        for piece in samples.chunks(cut) {
            detector.process(piece, |alerted| pieces.push(alerted));
        }
        prop_assert_eq!(whole, pieces);
    }
}

//! The display against a modem that these tests write from the standards.

use super::*;

/// A burst of 300 bits of seizure, 180 of mark, the octets, some mark; at `level_dbm0`.
fn burst(octets: &[u8], mark: f32, space: f32, seizure: usize, level_dbm0: f32) -> Vec<i16> {
    let mut bits: Vec<bool> = (0..seizure).map(|n| n % 2 == 1).collect();
    bits.extend([true; 180]);
    for octet in octets {
        bits.push(false);
        bits.extend((0..8).map(|n| octet >> n & 1 == 1));
        bits.push(true);
    }
    bits.extend([true; 4]);
    let (mut phase, mut out) = (0.0f32, Vec::new());
    let peak = sine_peak(level_dbm0);
    while let Some(bit) = bits.get((out.len() as f32 * 1200.0 / 8000.0) as usize) {
        phase = (phase + if *bit { mark } else { space } / 8000.0).fract();
        out.push(((phase * std::f32::consts::TAU).sin() * peak) as i16);
    }
    out.resize(out.len().div_ceil(STEP_SAMPLES) * STEP_SAMPLES, 0);
    out
}

fn with_checksum(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind, body.len() as u8];
    octets.extend(body);
    let sum = octets.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    octets.push(sum.wrapping_neg());
    octets
}

fn mdmf(parameters: &[(u8, &str)]) -> Vec<u8> {
    let body: Vec<u8> = parameters
        .iter()
        .flat_map(|(code, text)| [&[*code, text.len() as u8], text.as_bytes()].concat())
        .collect();
    with_checksum(0x80, &body)
}

fn show(samples: &[i16]) -> Vec<PhoneEvent> {
    let mut phone = PhoneSet::new();
    let around = [&silence(200), samples, &silence(200)].concat();
    hear(&mut phone, IDLE, &around).into_iter().map(|(_, event)| event).collect()
}

fn bell202(octets: &[u8], level_dbm0: f32) -> Vec<i16> {
    burst(octets, 1200.0, 2200.0, 300, level_dbm0)
}

#[test]
fn number_and_name_are_shown_with_the_modem_that_sent_them() {
    let octets = mdmf(&[(0x01, "11200815"), (0x02, "5551234"), (0x07, "Doe Jane")]);
    let expected = |standard| {
        vec![PhoneEvent::CallerId(CallerId {
            number: Some("5551234".into()),
            name: Some("Doe Jane".into()),
            date: Some("11200815".into()),
            private: false,
            standard,
        })]
    };
    for level in [-9.0, -13.5, -24.0, -33.0] {
        let bell = bell202(&octets, level);
        assert_eq!(show(&bell), expected(CallerIdStandard::Bell202), "{level} dBm0");
        let v23 = burst(&octets, 1300.0, 2100.0, 300, level);
        assert_eq!(show(&v23), expected(CallerIdStandard::V23), "{level} dBm0");
    }
}

#[test]
fn transmitters_within_one_percent_and_noise_at_20_db_are_read() {
    let octets = mdmf(&[(0x02, "0123456789")]);
    for factor in [0.99, 1.01] {
        let mut samples = burst(&octets, 1200.0 * factor, 2200.0 * factor, 300, -15.0);
        let mut state = 7u32;
        for sample in &mut samples {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Uniform noise 20 dB below the signal.
            let noise = ((state >> 16) as f32 / 32768.0 - 1.0) * sine_peak(-15.0) * 0.122;
            *sample += noise as i16;
        }
        assert_eq!(show(&samples).len(), 1, "{factor}");
    }
}

#[test]
fn withheld_numbers_say_so() {
    let events = show(&bell202(&mdmf(&[(0x01, "11200815"), (0x04, "P"), (0x08, "P")]), -13.5));
    let [PhoneEvent::CallerId(caller)] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(caller.private && caller.number.is_none() && caller.name.is_none());
}

#[test]
fn single_format_and_message_waiting_are_read() {
    let events = show(&bell202(&with_checksum(0x04, b"112008155551234"), -13.5));
    let [PhoneEvent::CallerId(caller)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((caller.number.as_deref(), caller.name.as_deref()), (Some("5551234"), None));
    let lamp = with_checksum(0x82, &[0x0B, 1, 0xFF]);
    assert_eq!(show(&bell202(&lamp, -13.5)), [PhoneEvent::MessageWaiting { on: true }]);
    let lamp = with_checksum(0x06, &[0x6F; 3]);
    assert_eq!(show(&bell202(&lamp, -13.5)), [PhoneEvent::MessageWaiting { on: false }]);
}

#[test]
fn a_wrong_checksum_or_a_cut_burst_shows_nothing() {
    let mut octets = mdmf(&[(0x02, "5551234")]);
    let samples = bell202(&octets, -13.5);
    assert_eq!(show(&samples[..samples.len() * 9 / 10 / STEP_SAMPLES * STEP_SAMPLES]), []);
    octets[4] ^= 1;
    assert_eq!(show(&bell202(&octets, -13.5)), []);
}

#[test]
fn a_message_without_channel_seizure_is_read() {
    let octets = mdmf(&[(0x02, "101")]);
    assert_eq!(show(&burst(&octets, 1300.0, 2100.0, 0, -13.5)).len(), 1);
}

#[test]
fn a_lifted_receiver_shows_no_caller() {
    let mut phone = lifted();
    let events = hear(&mut phone, TALKING, &bell202(&mdmf(&[(0x02, "101")]), -13.5));
    assert!(!events.iter().any(|(_, e)| matches!(e, PhoneEvent::CallerId(_))), "{events:?}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_number_and_name_that_fit_are_shown(
        number in "[0-9]{1,20}",
        name in "[ -~]{1,40}",
        v23 in proptest::prelude::any::<bool>(),
    ) {
        let (mark, space) = if v23 { (1300.0, 2100.0) } else { (1200.0, 2200.0) };
        let octets = mdmf(&[(0x02, &number), (0x07, &name)]);
        let events = show(&burst(&octets, mark, space, 300, -13.5));
        let [PhoneEvent::CallerId(caller)] = &events[..] else {
            panic!("{events:?}");
        };
        proptest::prop_assert_eq!(caller.number.as_deref(), Some(&number[..]));
        proptest::prop_assert_eq!(caller.name.as_deref(), Some(&name[..]));
        proptest::prop_assert_eq!(caller.standard == CallerIdStandard::V23, v23);
    }

    /// Messages with right checksums and any content, as a broken sender makes them.
    #[test]
    fn no_message_breaks_the_display(
        kind in proptest::sample::select(vec![0x04u8, 0x06, 0x80, 0x82]),
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
    ) {
        let events = show(&bell202(&with_checksum(kind, &body), -13.5));
        proptest::prop_assert!(events.len() <= 1);
    }
}

//! Caller ID: messages, bursts, and what is still read of them on bad lines (GR-30, EN 300 659).

mod common;

use common::{Random, Signal};
use proptest::prelude::*;
use tipring_dsp::{
    SAMPLE_RATE,
    caller_id::{Date, Error, Field, LeadIn, Message, Receiver, burst, parse, transmission},
    fsk::{BAUD, Demodulator, Event, Modulator, Standard},
};

const STANDARDS: [Standard; 2] = [Standard::Bell202, Standard::V23];

fn john() -> Message {
    Message {
        date: Some(Date { month: 11, day: 20, hour: 17, minute: 5 }),
        number: Field::Given("2015550123".into()),
        name: Field::Given("JOHN DOE".into()),
    }
}

fn received(standard: Standard, samples: &[i16]) -> Vec<Result<Message, Error>> {
    let mut told = vec![];
    Receiver::new(standard).process(samples, |result| told.push(result));
    told
}

/// Of `times` transmissions at random alignment, how many arrive intact.
fn intact(
    standard: Standard,
    times: usize,
    (mark_dbm0, space_dbm0): (f32, f32),
    noise_dbm0: f32,
    lead_in: LeadIn,
) -> usize {
    let mut random = Random::new(0xCA11);
    (0..times)
        .filter(|i| {
            let number = Field::Given(format!("{:010}", i * 7_654_321));
            let message = Message { number, ..john() };
            let mut modulator = Modulator::with_twist(standard, mark_dbm0, space_dbm0);
            let sent = transmission(&message.to_mdmf(), &mut modulator, lead_in);
            let mut signal = Signal::silence(400 + (random.unit() * 100.0) as usize);
            signal.0.extend(sent.iter().map(|s| f32::from(*s)));
            signal.0.extend([0.0; 400]);
            signal.noise(&mut random, noise_dbm0);
            received(standard, &signal.through_mu_law()).contains(&Ok(message))
        })
        .count()
}

#[test]
fn a_burst_is_read_as_it_was_sent() {
    for standard in STANDARDS {
        let mut samples = burst(&john(), standard);
        // 300 + 180 bits, 25 octets of parameters in a frame of 3, the marks after it.
        let octets = john().to_mdmf().len();
        let bits = 300 + 180 + octets * 10 + 10;
        assert_eq!(samples.len(), (bits * 8000).div_ceil(1200));
        samples.extend([0; 100]);
        assert_eq!(received(standard, &samples), [Ok(john())]);
    }
}

#[test]
fn noise_level_twist_and_missing_seizure_lose_no_message() {
    let line = (-13.0, -13.0);
    for standard in STANDARDS {
        // SNR in 0-4 kHz: GR-30 asks for 20 dB, EN 300 659 for 25 dB.
        for snr in [25.0, 12.0, 8.0] {
            assert_eq!(intact(standard, 20, line, -13.0 - snr, LeadIn::ON_HOOK), 20, "{snr} dB");
        }
        for dbm0 in [0.0, -12.0, -36.0, -43.0] {
            let got = intact(standard, 6, (dbm0, dbm0), -90.0, LeadIn::ON_HOOK);
            assert_eq!(got, 6, "{standard:?} {dbm0} dBm0");
        }
        for twist in [-12.0, -6.0, 6.0, 12.0] {
            let levels = (-13.0 + twist / 2.0, -13.0 - twist / 2.0);
            let got = intact(standard, 10, levels, -38.0, LeadIn::ON_HOOK);
            assert_eq!(got, 10, "{standard:?} twist {twist} dB");
        }
        let short = LeadIn { seizure_bits: 0, mark_bits: 55 };
        for lead_in in [LeadIn::OFF_HOOK, short] {
            assert_eq!(intact(standard, 10, line, -38.0, lead_in), 10, "{standard:?} {lead_in:?}");
        }
    }
}

#[test]
fn a_sender_that_is_4_percent_fast_or_slow_is_understood() {
    for standard in STANDARDS {
        let sent = burst(&john(), standard);
        for rate in [0.96, 0.98, 1.02, 1.04] {
            let samples: Vec<i16> = (0..((sent.len() - 1) as f32 / rate) as usize)
                .map(|n| {
                    let at = n as f32 * rate;
                    let (i, part) = (at as usize, at.fract());
                    (f32::from(sent[i]) * (1.0 - part) + f32::from(sent[i + 1]) * part) as i16
                })
                .collect();
            assert_eq!(received(standard, &samples), [Ok(john())], "{standard:?} {rate}");
        }
    }
}

#[test]
fn noise_and_tones_carry_no_message() {
    let mut random = Random::new(17);
    let mut signal = Signal::silence(120_000);
    signal.noise(&mut random, -15.0);
    for (i, hz) in [350.0, 697.0, 1200.0, 1336.0, 1700.0, 2100.0].into_iter().enumerate() {
        signal.tone(&mut random, 60_000 + i * 8000, 7000, hz, -10.0);
    }
    for standard in STANDARDS {
        assert_eq!(received(standard, &signal.through_mu_law()), []);
    }
}

#[test]
fn a_broken_burst_is_reported_and_the_next_one_is_read() {
    let mut damaged = john().to_mdmf();
    damaged[10] ^= 1;
    let mut modulator = Modulator::new(Standard::Bell202, -13.0);
    let mut samples = transmission(&damaged, &mut modulator, LeadIn::ON_HOOK);
    samples.extend([0; 800]);
    samples.extend(transmission(&john().to_mdmf()[..20], &mut modulator, LeadIn::ON_HOOK));
    samples.extend([0; 800]);
    samples.extend(burst(&john(), Standard::Bell202));
    samples.extend([0; 800]);
    let expected = [Err(Error::Checksum), Err(Error::Truncated), Ok(john())];
    assert_eq!(received(Standard::Bell202, &samples), expected);
}

#[test]
fn the_phase_is_continuous_and_bits_last_exactly_1_1200_s() {
    let mut modulator = Modulator::new(Standard::V23, 0.0);
    let mut samples = vec![];
    for i in 0..3600 {
        modulator.bit(i % 3 == 0, |s| samples.push(s));
    }
    assert_eq!(samples.len(), 3 * 8000);
    // A sine of 2100 Hz at 0 dBm0 never moves by more than its slope.
    let slope = 22_750.0 * 2.0 * (std::f32::consts::PI * 2100.0 / 8000.0).sin();
    let step = samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max();
    assert!(step.is_some_and(|step| step as f32 <= slope + 2.0), "{step:?} {slope}");
}

#[test]
fn the_demodulator_tells_idle_line_and_lost_carrier() {
    let mut samples = vec![0; 400];
    let mut modulator = Modulator::new(Standard::Bell202, -20.0);
    for _ in 0..40 {
        modulator.bit(true, |s| samples.push(s));
    }
    modulator.octet(0xA5, |s| samples.push(s));
    samples.extend([0; 400]);
    let mut events = vec![];
    Demodulator::new(Standard::Bell202).process(&samples, |event| events.push(event));
    assert_eq!(events, [Event::Idle, Event::Octet(0xA5), Event::CarrierLost]);
}

#[test]
fn known_octets_of_the_standards() {
    // The MDMF example of GR-30's kind: date and number, checksum two's complement.
    let message = Message { name: Field::Absent, ..john() };
    let octets = message.to_mdmf();
    assert_eq!(octets[..4], [0x80, 22, 0x01, 8]);
    assert_eq!(octets[4..12], *b"11201705");
    assert_eq!(octets[12..14], [0x02, 10]);
    assert_eq!(octets[14..24], *b"2015550123");
    assert_eq!(octets.iter().fold(0u8, |sum, o| sum.wrapping_add(*o)), 0);
    let sdmf = message.to_sdmf();
    assert_eq!(sdmf[..2], [0x04, 18]);
    assert_eq!(parse(&sdmf), Ok(message));
}

#[test]
fn reasons_for_absence_survive() {
    let date = john().date;
    for number in [Field::Private, Field::Unavailable, Field::Absent] {
        for name in [Field::Private, Field::Unavailable, Field::Absent] {
            let message = Message { date, number: number.clone(), name };
            assert_eq!(parse(&message.to_mdmf()), Ok(message));
        }
        let message = Message { date, number: number.clone(), name: Field::Absent };
        let read = parse(&message.to_sdmf()).map(|m| m.number);
        // SDMF cannot be silent about the number.
        let expected = if number == Field::Absent { Field::Unavailable } else { number };
        assert_eq!(read, Ok(expected));
    }
}

#[test]
fn bad_messages_are_named() {
    assert_eq!(parse(&[]), Err(Error::Truncated));
    assert_eq!(parse(&[0x80]), Err(Error::Truncated));
    assert_eq!(parse(&[0x80, 5, 1, 2]), Err(Error::Truncated));
    assert_eq!(parse(&[0x80, 0, 0]), Err(Error::Checksum));
    assert_eq!(parse(&[0x82, 0, 0x7E]), Err(Error::UnknownType(0x82)));
    assert_eq!(parse(&[0x04, 1, b'P', 0xAB]), Err(Error::Malformed));
    // A parameter that says it is longer than the message.
    assert_eq!(parse(&[0x80, 2, 0x02, 9, 0x73]), Err(Error::Truncated));
}

/// A start as it should be, then random octets while both tones glide, each to its own frequency and level.
fn gliding(
    random: &mut Random,
    standard: Standard,
    seconds: f32,
    to: [f32; 2],
    level: f32,
) -> Vec<i16> {
    let from = [standard.space_hz(), standard.mark_hz()].map(|hz| hz as f32);
    let length = seconds * SAMPLE_RATE as f32;
    // Turns, and samples left of the bit before.
    let (mut samples, mut phase, mut left) = (Vec::new(), 0.0_f32, 0.0_f32);
    let mut bit = |one: bool, part: f32| {
        let i = usize::from(one);
        let step = (from[i] + part * (to[i] - from[i])) / SAMPLE_RATE as f32;
        let peak = 8000.0 * level.powf(part);
        phase += step * (1.0 - left);
        left += SAMPLE_RATE as f32 / BAUD as f32 - 1.0;
        loop {
            samples.push((peak * (std::f32::consts::TAU * phase).sin()) as i16);
            phase = (phase + step * left.min(1.0)).fract();
            if left < 1.0 {
                return samples.len() as f32 / length;
            }
            left -= 1.0;
        }
    };
    for _ in 0..80 {
        bit(true, 0.0);
    }
    let mut part = 0.0_f32;
    while part < 1.0 {
        let octet = (random.unit() * 256.0) as u32;
        for i in 0..10 {
            part = bit((octet << 1 | 1 << 9) >> i & 1 == 1, part.min(1.0));
        }
    }
    samples
}

#[test]
fn tones_that_glide_into_one_another_do_no_harm() {
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let standard = STANDARDS[seed as usize % 2];
        let to = [0, 1].map(|_| 1900.0 + 30.0 * random.unit());
        let samples = gliding(&mut random, standard, 20.0, to, 1.0);
        let mut told = 0;
        Demodulator::new(standard).process(&samples, |_| told += 1);
        assert!(told > 100, "the beginning is understood: {told}");
    }
}

fn field(longest: usize) -> impl Strategy<Value = Field> {
    prop_oneof![
        proptest::string::string_regex(&format!("[ -~]{{1,{longest}}}"))
            .expect("a valid expression")
            .prop_map(Field::Given),
        Just(Field::Private),
        Just(Field::Unavailable),
        Just(Field::Absent),
    ]
}

proptest! {
    #[test]
    fn what_is_built_is_parsed(
        number in field(20),
        name in field(50),
        date in prop::option::of((1u8..=12, 1u8..=31, 0u8..24, 0u8..60)),
    ) {
        let date = date.map(|(month, day, hour, minute)| Date { month, day, hour, minute });
        let message = Message { date, number, name };
        prop_assert_eq!(parse(&message.to_mdmf()), Ok(message));
    }

    #[test]
    fn any_text_builds_a_message_that_can_be_parsed(number in ".*", name in ".*") {
        let message =
            Message { date: None, number: Field::Given(number), name: Field::Given(name) };
        prop_assert!(parse(&message.to_mdmf()).is_ok());
    }

    #[test]
    fn any_octets_are_parsed_or_refused(mut octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&octets);
        // And with the frame made right, so that the inside is reached.
        octets.truncate(258);
        if let [kind, length, body @ .., checksum] = &mut octets[..] {
            *kind = if *kind & 1 == 0 { 0x80 } else { 0x04 };
            *length = body.len() as u8;
            let sum = body.iter().fold(kind.wrapping_add(*length), |s, o| s.wrapping_add(*o));
            *checksum = sum.wrapping_neg();
            prop_assert_ne!(parse(&octets), Err(Error::Checksum));
        }
    }

    #[test]
    fn any_samples_do_no_harm_and_blocks_make_no_difference(
        samples in prop::collection::vec(any::<i16>(), 0..2000), cut in 1usize..300
    ) {
        let (mut whole, mut pieces) = (vec![], vec![]);
        Demodulator::new(Standard::V23).process(&samples, |event| whole.push(event));
        let mut demodulator = Demodulator::new(Standard::V23);
        for piece in samples.chunks(cut) {
            demodulator.process(piece, |event| pieces.push(event));
        }
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn tones_that_glide_anywhere_do_no_harm_and_blocks_make_no_difference(
        seed: u64, is_v23: bool, seconds in 0.5f32..8.0, level in 0.01f32..4.0, cut in 1usize..3000,
        to in prop::array::uniform2(0f32..4000.0),
    ) {
        let standard = STANDARDS[usize::from(is_v23)];
        let samples = gliding(&mut Random::new(seed), standard, seconds, to, level);
        let (mut whole, mut pieces) = (vec![], vec![]);
        Demodulator::auto().process(&samples, |event| whole.push(event));
        let mut demodulator = Demodulator::auto();
        for piece in samples.chunks(cut) {
            demodulator.process(piece, |event| pieces.push(event));
        }
        prop_assert_eq!(whole, pieces);
    }
}

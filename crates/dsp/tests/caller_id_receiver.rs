//! The receiver that takes either standard and says why there is no message; every parameter of EN 300 659-3.

mod common;

use common::{Random, Signal};
use proptest::prelude::*;
use tipring_dsp::{
    caller_id::{
        Date, Error, Failure, Field, LeadIn, Message, MessageType, Parameter, Presentation,
        Receiver, burst, read, transmission,
    },
    fsk::{Modulator, Standard},
};

const STANDARDS: [Standard; 2] = [Standard::Bell202, Standard::V23];

fn jane() -> Message {
    Message {
        date: Some(Date { month: 2, day: 29, hour: 23, minute: 59 }),
        number: Field::Given("00494012345678".into()),
        name: Field::Given("JANE ROE".into()),
    }
}

#[test]
fn the_standard_is_told_by_what_arrives() {
    for standard in STANDARDS {
        let received = read(&burst(&jane(), standard), None).expect("a message");
        assert_eq!(received.standard, standard);
        assert_eq!(Message::try_from(&received.presentation), Ok(jane()));
        let other = STANDARDS[usize::from(standard == Standard::Bell202)];
        assert!(read(&burst(&jane(), standard), Some(other)).is_err());
    }
}

#[test]
fn the_standard_is_told_where_the_mark_could_be_of_either() {
    // 4 % high and low: marks of 1248 Hz each.
    for (standard, rate) in [(Standard::Bell202, 1.04), (Standard::V23, 0.96)] {
        let sent = burst(&jane(), standard);
        let samples: Vec<i16> = (0..((sent.len() - 1) as f32 / rate) as usize)
            .map(|n| {
                let (i, part) = ((n as f32 * rate) as usize, (n as f32 * rate).fract());
                (f32::from(sent[i]) * (1.0 - part) + f32::from(sent[i + 1]) * part) as i16
            })
            .collect();
        assert_eq!(read(&samples, None).map(|received| received.standard), Ok(standard));
    }
}

#[test]
fn it_is_said_why_there_is_no_message() {
    let mut random = Random::new(5);
    let mut speech = Signal::silence(8000);
    speech.noise(&mut random, -20.0);
    speech.tone(&mut random, 3000, 4000, 1000.0, -9.0);
    let octets = jane().to_mdmf();
    let sent = |octets: &[u8]| {
        transmission(octets, &mut Modulator::new(Standard::V23, -13.0), LeadIn::ON_HOOK)
    };
    let mut wrong = octets.clone();
    wrong[7] ^= 4;
    let whole = octets.len() as u16;
    let cases = [
        (vec![0; 4000], Failure::NoSignal),
        (speech.through_mu_law(), Failure::NoMark),
        (sent(&[]), Failure::NoCharacter),
        (sent(&[0x30, 1, 2, 3]), Failure::NoType(0x30)),
        (sent(&octets[..20]), Failure::Truncated { octets: 20, of: whole }),
        (sent(&wrong), Failure::Checksum { octet: whole }),
        (sent(&[0x04, 1, b'P', 0xAB]), Failure::Message(Error::Malformed)),
    ];
    for (samples, failure) in cases {
        assert_eq!(read(&samples, None), Err(failure));
        assert!(!failure.to_string().is_empty());
    }
}

#[test]
fn a_stop_bit_that_is_a_zero_is_told_with_its_place() {
    let mut modulator = Modulator::new(Standard::Bell202, -13.0);
    let mut samples = transmission(&[], &mut modulator, LeadIn::ON_HOOK);
    for octet in [0x80, 12, 1] {
        modulator.octet(octet, |s| samples.push(s));
    }
    for _ in 0..10 {
        modulator.bit(false, |s| samples.push(s));
    }
    for _ in 0..20 {
        modulator.bit(true, |s| samples.push(s));
    }
    assert_eq!(read(&samples, None), Err(Failure::Framing { octets: 3 }));
}

#[test]
fn up_to_ten_marks_between_octets_are_taken() {
    for standard in STANDARDS {
        for marks in 0..=10 {
            let mut modulator = Modulator::new(standard, -20.0);
            let mut samples = transmission(&[], &mut modulator, LeadIn::ON_HOOK);
            for (i, octet) in jane().to_mdmf().into_iter().enumerate() {
                modulator.octet(octet, |s| samples.push(s));
                for _ in 0..(i + marks) % (marks + 1) {
                    modulator.bit(true, |s| samples.push(s));
                }
            }
            assert!(read(&samples, None).is_ok(), "{standard:?} {marks}");
        }
    }
}

#[test]
fn noise_that_hides_the_message_never_makes_up_another() {
    let mut random = Random::new(11);
    let sent = burst(&jane(), Standard::Bell202);
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..150 {
        let mut signal = Signal::silence(100);
        signal.0.extend(sent.iter().map(|s| f32::from(*s)));
        signal.noise(&mut random, -16.5);
        Receiver::auto().process(&signal.through_mu_law(), |result| match result {
            Ok(message) if message == jane() => right += 1,
            Ok(_) => wrong += 1,
            Err(_) => {}
        });
    }
    assert_eq!(wrong, 0);
    assert!((10..140).contains(&right), "the noise hides some: {right}");
}

#[test]
fn a_waiting_message_and_a_charge_are_read_with_all_they_say() {
    let waiting = Presentation {
        kind: MessageType::MessageWaiting,
        parameters: vec![
            Parameter::VisualIndicator(true),
            Parameter::NumberOfMessages(3),
            Parameter::MessageIdentification(0xFF, 0x1234),
            Parameter::Other(0x77, vec![1, 2, 3]),
        ],
    };
    let charge = Presentation {
        kind: MessageType::AdviceOfCharge,
        parameters: vec![
            Parameter::Charge("EUR00000012.30".into()),
            Parameter::DurationSeconds(3600 + 62),
        ],
    };
    let short = Presentation {
        kind: MessageType::ShortMessage,
        parameters: vec![Parameter::Other(0x89, b"hello".to_vec())],
    };
    for sent in [waiting, charge, short] {
        let octets = sent.to_octets();
        let mut modulator = Modulator::new(Standard::V23, -30.0);
        let samples = transmission(&octets, &mut modulator, LeadIn::ON_HOOK);
        assert_eq!(read(&samples, None).map(|received| received.presentation), Ok(sent));
    }
    let octets = [0x06, 3, 0x42, 0x42, 0x42, 0x31];
    let lamp = Presentation::parse(&octets);
    assert_eq!(lamp.as_ref().map(Presentation::to_octets), Ok(octets.to_vec()));
    assert_eq!(lamp.map(|p| p.parameters), Ok(vec![Parameter::VisualIndicator(true)]));
}

#[test]
fn a_value_that_its_type_cannot_have_is_kept_as_it_is() {
    let octets = [0x80, 4, 0x01, 2, b'9', b'9', 0x07];
    let parsed = Presentation::parse(&octets).expect("the frame is right");
    assert_eq!(parsed.parameters, [Parameter::Other(1, b"99".to_vec())]);
    assert_eq!(parsed.to_octets(), octets);
}

proptest! {
    #[test]
    fn what_is_parsed_is_printed_to_what_is_parsed(
        kind in prop::sample::select(vec![0x80u8, 0x82, 0x86, 0x89, 0x81, 0xF4]),
        parameters in prop::collection::vec(
            (0u8..0x60, prop::collection::vec(any::<u8>(), 0..20)), 0..8),
    ) {
        let mut octets = vec![kind, 0];
        for (kind, value) in parameters {
            octets.extend([kind, value.len() as u8]);
            octets.extend(value);
        }
        octets[1] = (octets.len() - 2) as u8;
        octets.push(octets.iter().fold(0u8, |sum, o| sum.wrapping_add(*o)).wrapping_neg());
        let parsed = Presentation::parse(&octets).expect("it is well formed");
        prop_assert_eq!(Presentation::parse(&parsed.to_octets()), Ok(parsed));
    }

    #[test]
    fn a_receiver_of_anything_is_the_same_however_it_is_cut(
        samples in prop::collection::vec(any::<i16>(), 0..500), at in 0usize..3000, cut in 1usize..300
    ) {
        // Into a burst, so that all its parts are reached.
        let mut all = burst(&jane(), Standard::V23);
        let at = at.min(all.len() - samples.len());
        all[at..][..samples.len()].copy_from_slice(&samples);
        let (mut whole, mut pieces) = (vec![], vec![]);
        Receiver::auto().listen(&all, |result| whole.push(result));
        let mut receiver = Receiver::auto();
        for piece in all.chunks(cut) {
            receiver.listen(piece, |result| pieces.push(result));
        }
        prop_assert_eq!(whole, pieces);
    }
}

//! What is encoded is decoded as the same.

mod common;

use proptest::prelude::*;
use tipring_bridge_proto::*;

use common::{SESSION, line_command, line_event};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_frame(kind: u8, seq: u8, payload in proptest::collection::vec(octet(), 0..600)) {
        let mut out = vec![0; MAX_FRAME];
        let len = frame::encode(kind, seq, &payload, &mut out).expect("fits");
        prop_assert!(out[1..len - 1].iter().all(|octet| *octet != 0), "no delimiter inside");
        let mut seen = Vec::new();
        Decoder::new().feed(&out[..len], |frame| {
            seen.push((frame.kind, frame.seq, frame.payload.to_vec()));
        });
        prop_assert_eq!(seen, [(kind, seq, payload)]);
    }

    #[test]
    fn any_command(seq: u8, port: u8, command in line_command()) {
        let message = HostMessage::Command { session: SESSION, seq, port, command };
        let mut out = [0; MAX_FRAME];
        let len = message.encode(&mut out).expect("fits");
        let mut decoded = None;
        Decoder::new().feed(&out[..len], |frame| {
            if let Ok(HostMessage::Command { session, seq, port, command }) = HostMessage::decode(&frame) {
                decoded = Some(HostMessage::Command { session, seq, port, command });
            }
        });
        prop_assert_eq!(decoded, Some(message));
    }

    #[test]
    fn any_event(seq: u8, clock: u32, port: u8, event in line_event()) {
        let message = CardMessage::Event { session: SESSION, seq, clock, port, event };
        let mut out = [0; MAX_FRAME];
        let len = message.encode(&mut out).expect("fits");
        let mut decoded = None;
        Decoder::new().feed(&out[..len], |frame| {
            if let Ok(CardMessage::Event { session, seq, clock, port, event }) = CardMessage::decode(&frame) {
                decoded = Some(CardMessage::Event { session, seq, clock, port, event });
            }
        });
        prop_assert_eq!(decoded, Some(message));
    }

    #[test]
    fn any_payload_is_a_message_or_an_error(kind: u8, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let frame = Frame { kind, seq: 0, payload: &payload };
        // One direction at most knows a type; neither may panic.
        let (host, card) = (HostMessage::decode(&frame), CardMessage::decode(&frame));
        prop_assert!(host.is_err() || card.is_err());
        if let Ok(message) = card {
            prop_assert!(message.encode(&mut [0; MAX_FRAME]).is_some());
        }
        if let Ok(message) = host {
            prop_assert!(message.encode(&mut [0; MAX_FRAME]).is_some());
        }
    }
}

#[test]
fn cobs_group_boundaries_survive() {
    for len in (248..=258).chain(502..=514) {
        for filler in [0x00, 0x01, 0xFF] {
            let payload = vec![filler; len];
            let mut out = vec![0; MAX_FRAME];
            let used = frame::encode(0x42, 7, &payload, &mut out).expect("fits");
            let mut seen = 0;
            Decoder::new().feed(&out[..used], |frame| {
                assert_eq!(frame.payload, payload);
                seen += 1;
            });
            assert_eq!(seen, 1, "{len} octets of {filler:#04x}");
        }
    }
}

#[test]
fn ringing_repeats_from_where_it_says_or_ends() {
    let once = Cadence::new(&[(400, 200), (400, 2000)], 2).expect("valid");
    assert_eq!(
        [once.pair(0), once.pair(1), once.pair(2)],
        [Some((400, 200)), Some((400, 2000)), None]
    );
    let last = Cadence::new(&[(400, 200), (400, 2000)], 1).expect("valid");
    assert_eq!([last.pair(2), last.pair(9)], [Some((400, 2000)); 2]);
    let all = Cadence::new(&[(400, 200), (400, 2000)], 0).expect("valid");
    assert_eq!([all.pair(4), all.pair(5)], [Some((400, 200)), Some((400, 2000))]);
    assert_eq!(Cadence::new(&[], 0), None);
    assert_eq!(Cadence::new(&[(1, 1); 9], 0), None);
    assert_eq!(Cadence::new(&[(1, 1)], 2), None);
}

/// Octets with many zeroes, which are what COBS is about.
fn octet() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0u8), Just(0xFFu8), any::<u8>()]
}

//! Octets as a STUN message: what can be read prints and reads again to the same, and what we answer is not much longer than
//! what was asked.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::transport::{StunKind, StunMessage, is_stun};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    let Ok(message) = StunMessage::parse(bytes) else {
        return;
    };
    assert!(is_stun(bytes));
    look_at(&message);
    let source = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 5060));
    let answer = message.answer(source);
    assert_eq!(answer.is_some(), matches!(message.kind, StunKind::Request { .. }));
    if let Some(answer) = answer {
        look_at(&answer);
        assert_eq!((answer.id, answer.fingerprint), (message.id, message.fingerprint));
        assert!(answer.to_bytes().len() <= bytes.len() + 24);
        assert_eq!(answer.answer(source), None);
    }
}

fn look_at(message: &StunMessage) {
    assert_eq!(StunMessage::parse(&message.to_bytes()).as_ref(), Ok(message));
}

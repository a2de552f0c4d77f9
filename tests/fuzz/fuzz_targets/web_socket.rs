//! Frames of WebSocket: any cut of the octets says the same of them, and that is what RFC 6455 §5.2 says when the headers
//! are read one after the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::{in_time, pieces};
use tipring_sip::transport::WebSocketFrames;

fuzz_target!(|input: &[u8]| in_time(|| look(input)));

fn look(input: &[u8]) {
    let Some((seed, bytes)) = input.split_first_chunk::<2>() else {
        return;
    };
    let mut whole = WebSocketFrames::default();
    whole.handle_bytes(bytes);
    let mut cut = WebSocketFrames::default();
    pieces(u16::from_le_bytes(*seed), bytes).for_each(|piece| cut.handle_bytes(piece));
    assert_eq!(cut, whole);
    assert_eq!(whole.is_mid_message(), is_mid_message(bytes));
}

/// Whether a message has begun and not ended, as told from all of the octets.
fn is_mid_message(mut bytes: &[u8]) -> bool {
    let mut open = false;
    while let [first, second, rest @ ..] = bytes {
        let is_data = first & 0x08 == 0;
        open |= is_data;
        let longer = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((length, rest)) = rest.split_at_checked(longer) else { return open };
        let mut payload = length.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
        if longer == 0 {
            payload = u64::from(second & 0x7f);
        }
        let mask = u64::from(second >> 7) * 4;
        let left = usize::try_from(payload.saturating_add(mask)).unwrap_or(usize::MAX);
        let Some(rest) = rest.get(left..) else { return open };
        open &= !(is_data && first & 0x80 != 0);
        bytes = rest;
    }
    open || bytes.first().is_some_and(|first| first & 0x08 == 0)
}

//! Octets as a caller-ID message, and as the keys of one: what is read prints to what is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_dsp::caller_id::{Error, FORMS, Message, Presentation, parse};
use tipring_fuzz::in_time;

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    message(bytes);
    // With the frame made right, so that the inside is reached.
    let mut octets = bytes[..bytes.len().min(258)].to_vec();
    if let [kind, length, body @ .., checksum] = &mut octets[..] {
        *length = body.len() as u8;
        let sum =
            body.iter().fold(kind.wrapping_add(*length), |sum, octet| sum.wrapping_add(*octet));
        *checksum = sum.wrapping_neg();
        assert_ne!(parse(&octets), Err(Error::Checksum));
        message(&octets);
    }
    let Ok(keys) = std::str::from_utf8(bytes) else { return };
    for form in FORMS {
        if let Some(caller) = form.read(keys) {
            let again = form.keys(&caller).and_then(|keys| form.read(&keys));
            assert_eq!(again, Some(caller));
        }
    }
}

fn message(octets: &[u8]) {
    let Ok(presentation) = Presentation::parse(octets) else { return };
    let printed = presentation.to_octets();
    assert_eq!(Presentation::parse(&printed).as_ref(), Ok(&presentation));
    if let Ok(message) = Message::try_from(&presentation) {
        assert_eq!(parse(octets), Ok(message));
    }
}

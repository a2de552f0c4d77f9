//! Octets as µ-law sound at everything that listens for caller ID: the same is told however the sound is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_dsp::caller_id::{AlertDetector, DigitReceiver, Receiver, burst};
use tipring_dsp::caller_id::{Date, Field, Message};
use tipring_dsp::fsk::Standard;
use tipring_dsp::g711::{Law, decode};
use tipring_fuzz::pieces;

fuzz_target!(|bytes: &[u8]| look(bytes));

fn look(bytes: &[u8]) {
    let Some((&[seed, at], octets)) = bytes.split_first_chunk() else { return };
    let mut sound = vec![0; octets.len()];
    decode(Law::Mu, octets, &mut sound);
    hear(seed, octets, &sound);
    // Into a burst, which so gets past the look.
    let message = Message {
        date: Some(Date { month: 1, day: 2, hour: 3, minute: 4 }),
        number: Field::Given("123".into()),
        name: Field::Absent,
    };
    let standard = if seed & 1 == 0 { Standard::Bell202 } else { Standard::V23 };
    let mut broken = burst(&message, standard);
    let at = (usize::from(at) * 20).min(broken.len());
    let length = sound.len().min(broken.len() - at);
    broken[at..][..length].copy_from_slice(&sound[..length]);
    let mut receiver = Receiver::auto();
    receiver.listen(&broken, |_| {});
    let _ = receiver.failure().to_string();
}

fn hear(seed: u8, octets: &[u8], sound: &[i16]) {
    let (mut whole, mut cut) = (vec![], vec![]);
    Receiver::auto().listen(sound, |result| whole.push(result));
    AlertDetector::new().process(sound, |_| {});
    DigitReceiver::new(None).process(sound, |_, _| {});
    let mut receiver = Receiver::auto();
    let mut from = 0;
    for piece in pieces(seed.into(), octets) {
        receiver.listen(&sound[from..][..piece.len()], |result| cut.push(result));
        from += piece.len();
    }
    assert_eq!(whole, cut);
}

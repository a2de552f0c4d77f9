//! Octets from a card: the decoder and the host's link must take anything.
//!
//! The input is used three times: as a raw stream into the decoder, as the payload of a whole frame (which no fuzzer
//! would find the CRC for), and as a stream into a running link whose clock its octets move.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_bridge_proto::{CardMessage, Decoder, Frame, HostMessage, MAX_FRAME, frame};
use tipring_card::{Link, LinkConfig};
use tipring_core::{Duration, Instant, Rng};
use tipring_fuzz::in_time;

fuzz_target!(|data: &[u8]| in_time(|| look(data)));

fn look(data: &[u8]) {
    let mut decoder = Decoder::new();
    decoder.feed(data, |frame| message(&frame));

    let mut link = Link::new(LinkConfig { rng: Rng::new(1), watchdog_ms: 2_000 });
    let mut now = Instant::ZERO;
    link.handle_opened(now);
    for chunk in data.chunks(64) {
        let [kind, seq, pause, payload @ ..] = chunk else { break };
        message(&Frame { kind: *kind, seq: *seq, payload });
        link.handle_bytes(now, payload);
        let mut octets = [0; MAX_FRAME];
        if let Some(len) = frame::encode(*kind, *seq, payload, &mut octets) {
            link.handle_bytes(now, &octets[..len]);
        }
        now += Duration::from_millis(u64::from(*pause));
        while let Some(at) = link.poll_timeout().filter(|at| *at <= now) {
            link.handle_timeout(at);
        }
        drain(&mut link);
    }
    link.handle_closed(now);
    drain(&mut link);
}

/// What can be read can be written, and is read as the same again.
fn message(frame: &Frame<'_>) {
    let mut octets = [0; MAX_FRAME];
    if let Ok(message) = CardMessage::decode(frame) {
        let len = message.encode(&mut octets).expect("what was read fits a frame");
        again(&octets[..len], |frame| assert_eq!(CardMessage::decode(frame), Ok(message)));
    }
    if let Ok(message) = HostMessage::decode(frame) {
        let len = message.encode(&mut octets).expect("what was read fits a frame");
        again(&octets[..len], |frame| assert_eq!(HostMessage::decode(frame), Ok(message)));
    }
}

fn again(octets: &[u8], check: impl Fn(&Frame<'_>)) {
    let mut frames = 0;
    Decoder::new().feed(octets, |frame| {
        check(&frame);
        frames += 1;
    });
    assert_eq!(frames, 1);
}

fn drain(link: &mut Link) {
    let mut octets = Vec::new();
    while link.poll_transmit(&mut octets).is_some() {}
    while link.poll_pcm().is_some() {}
    while link.poll_output().is_some() {}
}

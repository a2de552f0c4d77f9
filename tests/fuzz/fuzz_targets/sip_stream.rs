//! Octets from a connection as a stream of SIP messages: any cut of them gives the same messages, each is as long as it
//! says, little is kept, and what we answer can be read. As frames of WebSocket, any cut says the same of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_core::Rng;
use tipring_fuzz::in_time;
use tipring_sip::message::MAX_MESSAGE;
use tipring_sip::message::wire::View;
use tipring_sip::transport::{Broken, Frame, Framer, WebSocketFrames};

fuzz_target!(|input: &[u8]| in_time(|| look(input)));

fn look(input: &[u8]) {
    let Some((seed, bytes)) = input.split_first_chunk::<2>() else {
        return;
    };
    let whole = frames([bytes].into_iter());
    let mut rng = Rng::new(u16::from_le_bytes(*seed).into());
    let longest = 1 + rng.below(64);
    let mut rest = bytes;
    let pieces: Vec<&[u8]> = std::iter::from_fn(|| {
        let length = rest.len().min(usize::try_from(rng.below(longest)).expect("small") + 1);
        let (piece, after) = rest.split_at(length);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
    .collect();
    assert_eq!(frames(pieces.iter().copied()), whole);
    let mut web_socket = [WebSocketFrames::default(), WebSocketFrames::default()];
    web_socket[0].handle_bytes(bytes);
    pieces.iter().for_each(|piece| web_socket[1].handle_bytes(piece));
    assert_eq!(web_socket[0], web_socket[1]);
    whole.iter().for_each(look_at);
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.handle_bytes(piece);
        found.extend(std::iter::from_fn(|| framer.poll_frame()));
        assert!(framer.kept() <= MAX_MESSAGE);
    }
    found
}

fn look_at(frame: &Frame) {
    match frame {
        Frame::Message(bytes) => {
            let view = View::parse(bytes).expect("a message");
            let length = view.content_length().expect("a good length").expect("a length");
            assert_eq!(view.after_header().len(), length);
        }
        Frame::Broken(Broken::Message(rejected)) => {
            if let Some(response) = &rejected.response {
                View::parse(&response.to_bytes()).expect("what we answer is framed");
            }
        }
        Frame::LineEnd | Frame::Ping | Frame::Broken(Broken::Garbage) => {}
    }
}

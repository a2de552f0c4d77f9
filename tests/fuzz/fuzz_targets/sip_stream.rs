//! Octets from a connection as a stream of SIP messages: any cut of them gives the same messages, each is as long as it
//! says, little is kept, and what we answer can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::{in_time, pieces};
use tipring_sip::message::MAX_MESSAGE;
use tipring_sip::message::wire::View;
use tipring_sip::transport::{Broken, Frame, Framer};

fuzz_target!(|input: &[u8]| in_time(|| look(input)));

fn look(input: &[u8]) {
    let Some((seed, bytes)) = input.split_first_chunk::<2>() else {
        return;
    };
    let whole = frames([bytes].into_iter());
    assert_eq!(frames(pieces(u16::from_le_bytes(*seed), bytes)), whole);
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

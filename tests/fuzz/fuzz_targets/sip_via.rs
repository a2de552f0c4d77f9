//! Octets as a Via, and as the Vias of a message: what can be read prints and reads again to the same,
//! also with the source noted, and the place and the model agree.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::message::wire::View;
use tipring_sip::message::{RawVia, Via};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    if let Ok(mut via) = Via::parse(bytes) {
        let raw = RawVia::parse(bytes).expect("in place too");
        assert_eq!((raw.port, raw.branch().is_some()), (via.port, via.branch().is_some()));
        look_at(&via);
        via.set_received_from(SocketAddr::from(([192, 0, 2, 1], 5060)));
        look_at(&via);
        assert!(via.received().is_none_or(|address| address.to_string() == "192.0.2.1"));
    }
    let head = b"OPTIONS sip:a@h SIP/2.0\r\nFrom: <sip:a@h>\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nVia: ";
    let message = [head, bytes, b"\r\n\r\n"].concat();
    let Ok(view) = View::parse(&message) else {
        return;
    };
    match view.to_message() {
        Ok(message) => {
            let vias = message.headers().vias().expect("checked");
            vias.iter().for_each(look_at);
            assert_eq!(vias.first(), message.headers().top_via().ok().as_ref());
        }
        Err(rejected) => {
            let response = rejected.response.expect("there is a Via");
            View::parse(&response.to_bytes()).expect("what we answer is framed");
        }
    }
}

fn look_at(via: &Via) {
    assert_eq!(Via::parse(via.to_string().as_bytes()).as_ref(), Ok(via));
    let _ =
        (via.transport(), via.maddr(), via.ttl(), via.response_address(), via.has_rfc3261_branch());
}

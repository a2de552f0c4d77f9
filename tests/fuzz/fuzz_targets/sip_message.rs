//! Octets from the network as a SIP message: nothing panics, and what is taken prints to the same
//! message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sip::digest::{Challenge, Credentials};
use tipring_sip::message::wire::View;
use tipring_sip::message::{
    ContentType, MAX_LINE, Message, NameAddr, Reason, RetryAfter, Uri, Via,
};

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    fields(bytes);
    let Ok(view) = View::parse(bytes) else {
        return;
    };
    let _ = (view.top_via(), view.from(), view.to(), view.contact(), view.cseq(), view.body());
    match view.to_message() {
        Ok(message) => {
            let printed = message.to_bytes();
            // Escapes make some lines three times as long.
            if printed.split(|octet| *octet == b'\n').all(|line| line.len() <= MAX_LINE) {
                assert_eq!(reparsed(&printed), message);
            }
        }
        Err(rejected) => {
            if let Some(response) = rejected.response {
                let printed = response.to_bytes();
                // It repeats the sender's fields, good or not.
                View::parse(&printed).expect("what we answer is framed");
            }
        }
    }
}

fn reparsed(bytes: &[u8]) -> Message {
    View::parse(bytes).expect("framed").to_message().expect("taken")
}

/// The same octets as the value of each typed field.
fn fields(bytes: &[u8]) {
    if let Ok(uri) = Uri::parse(bytes) {
        assert_eq!(Uri::parse(uri.to_string().as_bytes()), Ok(uri));
    }
    if let Ok(address) = NameAddr::parse(bytes) {
        assert_eq!(NameAddr::parse(address.to_string().as_bytes()), Ok(address));
    }
    let _ = (Via::parse(bytes), Reason::parse(bytes), RetryAfter::parse(bytes));
    let _ = (ContentType::parse(bytes), Challenge::parse_all(bytes), Credentials::parse(bytes));
}

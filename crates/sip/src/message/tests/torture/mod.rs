//! The torture messages of RFC 4475 and RFC 5118, each with its verdict: taken with these values,
//! refused with this status, or dropped. What the whole gateway makes of them is tested there.

use sha2::{Digest, Sha256};

use super::*;
use super::{accept_request as request, accept_response as response};
use crate::message::wire::Start;
use crate::message::*;

mod application;
mod invalid;
mod ipv6;
mod valid;

#[path = "../../../../tests/torture/mod.rs"]
mod messages;

use self::messages::{rfc_4475, rfc_5118};

fn sha256(messages: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut digest = Sha256::new();
    messages.into_iter().for_each(|message| digest.update(message));
    digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn the_messages_are_those_of_the_archives_octet_for_octet() {
    let messages = rfc_4475();
    assert_eq!(messages.len(), 49);
    assert_eq!(
        sha256(messages.into_iter().map(|(_, message)| message)),
        "b24878056b0a361ed187ee3649973fbc153be07370925a38cd30011786b66b48"
    );
    assert_eq!(rfc_5118().len(), 12);
    assert_eq!(
        sha256(rfc_5118().into_iter().map(|(_, message)| message)),
        "79edd1d10e46935e2485d05c02a067ce557327a40a3990615b9981385ad9f45b"
    );
}

#[test]
fn no_torture_message_is_met_with_silence_but_acks_and_responses() {
    for (name, bytes) in rfc_4475() {
        let view = View::parse(&bytes).expect(name);
        if let Err(rejected) = view.to_message() {
            let is_response = matches!(view.start(), Start::Response { .. });
            assert_eq!(rejected.response.is_none(), is_response, "{name}: {rejected}");
        }
    }
}

#[test]
fn what_is_taken_prints_to_a_message_of_the_same_meaning() {
    for (name, bytes) in rfc_4475().into_iter().chain(rfc_5118()) {
        if let Ok(message) = View::parse(&bytes).expect(name).to_message() {
            assert_eq!(accept(&message.to_bytes()), message, "{name}");
        }
    }
}

/// The request `text` is refused with this status for this fault.
fn refused(text: &str, code: u16, fault: Fault) {
    assert_eq!(answered(&wire(text), code), fault);
}

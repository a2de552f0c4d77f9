//! What a peer would notice: which messages are taken, which are answered with what, which are
//! dropped.

mod bodies;
mod edits;
mod faults;
mod fields;

mod round_trip;
mod sloppy;
mod smuggling;
pub(crate) mod torture;
mod traces;
mod typed;
mod typed_round_trip;
mod understood;
mod uris;

use super::wire::{Fault, View};
use super::{Message, Request, Response};

/// `text` with CR LF line ends; `{len}` becomes the length of what follows the empty line.
fn wire(text: &str) -> Vec<u8> {
    let text = text.replace('\n', "\r\n");
    let body = text.find("\r\n\r\n").map_or(0, |at| text.len() - at - 4);
    text.replace("{len}", &body.to_string()).into_bytes()
}

fn accept(bytes: &[u8]) -> Message {
    let view = View::parse(bytes).expect("framed");
    assert_eq!(view.check(), Ok(()));
    view.to_message().expect("taken")
}

fn accept_request(text: &str) -> Request {
    match accept(&wire(text)) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn accept_response(text: &str) -> Response {
    match accept(&wire(text)) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

/// The message is answered with the status owed, to the transaction it belongs to.
fn answered(bytes: &[u8], code: u16) -> Fault {
    let rejected = View::parse(bytes).expect("framed").to_message().expect_err("not taken");
    let response = rejected.response.expect("an answer is owed");
    assert_eq!(response.status.code(), code, "{}", rejected.fault);
    assert!(response.headers.contains(&super::HeaderName::Via));
    // What we answer must itself be a message, unless what it repeats was the fault.
    View::parse(&response.to_bytes()).expect("our answer is framed");
    rejected.fault
}

/// The message is dropped: a response, or an ACK.
fn dropped(bytes: &[u8]) -> Fault {
    let rejected = View::parse(bytes).expect("framed").to_message().expect_err("not taken");
    assert_eq!(rejected.response, None);
    rejected.fault
}

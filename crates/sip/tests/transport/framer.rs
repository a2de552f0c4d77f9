//! The stream framer: any cut of the octets gives the same frames, and what cannot be framed is answered.

use std::fmt::Write;

use proptest::prelude::*;
use tipring_sip::message::MAX_MESSAGE;
use tipring_sip::transport::{Broken, Frame, Framer};

/// A request with `more` header lines and `body`.
fn request(more: &str, body: &str) -> String {
    format!(
        "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n{more}\r\n{body}"
    )
}

fn framed(body: &str) -> String {
    request(&format!("Content-Length: {}\r\n", body.len()), body)
}

/// All frames of `pieces`, each piece drained before the next.
fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for piece in pieces {
        framer.handle_bytes(piece);
        found.extend(std::iter::from_fn(|| framer.poll_frame()));
        assert!(framer.kept() <= MAX_MESSAGE, "{framer}");
    }
    found
}

fn whole(text: &str) -> Vec<Frame> {
    frames([text.as_bytes()])
}

fn message(text: &str) -> Frame {
    Frame::Message(text.as_bytes().to_vec())
}

/// The answer to a stream's only frame, a broken message.
fn answer(frames: &[Frame]) -> Option<String> {
    match frames {
        [Frame::Broken(Broken::Message(rejected))] => {
            let response = rejected.response.as_ref()?;
            Some(format!("{} {}", response.status.code(), response.reason))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn content_length_says_where_a_message_ends() {
    let (first, second) = (framed("v=0\r\n\r\n"), framed(""));
    let found = whole(&format!("{first}{second}"));
    assert_eq!(found, [message(&first), message(&second)]);
}

#[test]
fn the_compact_form_does_too() {
    let text = request("l : 3\r\n", "abc");
    assert_eq!(whole(&text), [message(&text)]);
}

#[test]
fn a_message_comes_when_its_last_octet_has_come() {
    let text = framed("abc");
    let mut framer = Framer::new();
    let (last, front) = text.as_bytes().split_last().expect("octets");
    for octet in front {
        framer.handle_bytes(&[*octet]);
        assert_eq!(framer.poll_frame(), None);
        assert!(framer.is_mid_message());
    }
    framer.handle_bytes(&[*last]);
    assert_eq!(framer.poll_frame(), Some(message(&text)));
    assert!(!framer.is_mid_message());
    assert_eq!(framer.kept(), 0);
}

#[test]
fn two_line_ends_are_a_ping_and_one_is_a_pong() {
    let text = framed("");
    let found = whole(&format!("\r\n{text}\r\n\r\n{text}\r\n\r\n\r\n"));
    let (line_end, ping) = (Frame::LineEnd, Frame::Ping);
    let expected = [
        line_end.clone(),
        message(&text),
        line_end.clone(),
        ping.clone(),
        message(&text),
        line_end.clone(),
        ping,
        line_end,
    ];
    assert_eq!(found, expected);
}

#[test]
fn without_content_length_the_sender_is_told_and_nothing_more_is_read() {
    let text = request("", "");
    let found = whole(&format!("{text}{}", framed("")));
    assert_eq!(answer(&found).as_deref(), Some("400 Missing Content-Length"));
}

#[test]
fn a_bad_content_length_is_answered_likewise() {
    for (lines, reason) in [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "400 Malformed Content-Length"),
        ("Content-Length: -1\r\n", "400 Malformed Content-Length"),
        ("Content-Length 3\r\n", "400 Malformed Header Line"),
    ] {
        let found = whole(&request(lines, "abc"));
        assert_eq!(answer(&found).as_deref(), Some(reason), "{lines}");
    }
}

#[test]
fn a_header_that_some_would_end_elsewhere_breaks_the_stream() {
    let bare = framed("").replacen("\r\n", "\n", 1).replace("\r\n\r\n", "\r\n\nX: y\r\n\r\n");
    assert_eq!(answer(&whole(&bare)).as_deref(), Some("400 Control Character"));
}

#[test]
fn what_is_too_large_is_refused_with_513_before_it_has_come() {
    let found = whole(&request("Content-Length: 65535\r\n", ""));
    assert_eq!(answer(&found).as_deref(), Some("513 Message Too Large"));
    let endless = request("Content-Length: 0\r\n", "").replace("\r\n\r\n", "\r\nSubject: ");
    let endless = format!("{endless}{}", "x".repeat(MAX_MESSAGE));
    assert_eq!(answer(&whole(&endless)).as_deref(), Some("513 Message Too Large"));
}

#[test]
fn the_largest_message_is_taken() {
    let header = request("Content-Length: 65000\r\n", "");
    let body = "x".repeat(MAX_MESSAGE - header.len());
    let text = request(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_eq!(text.len(), MAX_MESSAGE);
    let pieces = text.as_bytes().chunks(1000);
    assert_eq!(frames(pieces), [message(&text)]);
}

#[test]
fn responses_and_acks_that_break_a_stream_are_not_answered() {
    let ack = request("", "").replace("OPTIONS", "ACK");
    assert_eq!(answer(&whole(&ack)), None);
    let response = ack.replace("ACK sip:bob@192.0.2.2 SIP/2.0", "SIP/2.0 200 OK");
    assert_eq!(answer(&whole(&response)), None);
}

#[test]
fn what_is_no_sip_is_garbage_as_soon_as_that_shows() {
    let garbage = [Frame::Broken(Broken::Garbage)];
    assert_eq!(frames([&b"\x16\x03\x01\x02\x00\x01"[..]]), garbage, "the greeting of TLS");
    assert_eq!(whole("GET / HTTP/1.1\r\nHost"), garbage);
    assert_eq!(whole(&"x".repeat(MAX_MESSAGE)), garbage);
    assert_eq!(whole("hello\r\n\r\n"), garbage);
}

#[test]
fn a_folded_start_line_is_refused_as_it_is_in_a_datagram() {
    let text = framed("").replace("192.0.2.2 SIP/2.0", "192.0.2.2\r\n SIP/2.0");
    assert_eq!(whole(&text), [message(&text)], "the user agent answers 400");
}

#[test]
fn each_state_with_each_input() {
    let inputs = [
        ("CR LF", "\r\n"),
        ("CR LF CR LF", "\r\n\r\n"),
        ("a letter", "x"),
        ("NUL", "\0"),
        ("a line that is no SIP", "hello\r\nx"),
        ("a header without length", &request("", "")),
        ("a header with a bad length", &request("Content-Length: x\r\n", "")),
        ("a header with too great a length", &request("Content-Length: 65535\r\n", "")),
        ("a message of no body", &framed("")),
        ("a message and more", &format!("{}OPTIONS", framed("abc"))),
    ];
    let states = [
        ("Between", String::new()),
        ("Header", "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nl: 9\r\nX:".to_owned()),
        ("Body", request("Content-Length: 9\r\n", "")),
        ("Broken", "\0".to_owned()),
    ];
    let mut table = String::new();
    for (state, start) in &states {
        for (name, input) in &inputs {
            let mut framer = Framer::new();
            framer.handle_bytes(start.as_bytes());
            while framer.poll_frame().is_some() {}
            assert!(framer.to_string().starts_with(state), "{framer}");
            framer.handle_bytes(input.as_bytes());
            let found: Vec<String> =
                std::iter::from_fn(|| framer.poll_frame()).map(|frame| short(&frame)).collect();
            let found = if found.is_empty() { "-".to_owned() } else { found.join(", ") };
            writeln!(table, "{state}, {name}: {found} -> {framer}").expect("a String grows");
        }
    }
    insta::assert_snapshot!(table);
}

fn short(frame: &Frame) -> String {
    match frame {
        Frame::Message(bytes) => format!("message of {}", bytes.len()),
        Frame::LineEnd => "line end".to_owned(),
        Frame::Ping => "ping".to_owned(),
        Frame::Broken(Broken::Garbage) => "garbage".to_owned(),
        Frame::Broken(Broken::Message(rejected)) => {
            let status = rejected.response.as_ref().map_or(0, |response| response.status.code());
            format!("broken ({status} {rejected})")
        }
    }
}

/// What may stand in a stream.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{0,40}".prop_map(|body| framed(&body)),
        2 => Just("\r\n".to_owned()),
        1 => Just("\r\n\r\n".to_owned()),
        1 => Just("\n\r".to_owned()),
        1 => Just(request("", "")),
        1 => Just(request("Content-Length: 3, 3\r\n", "abc")),
        1 => Just("x\r\n".to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_cut_of_the_octets_gives_the_same_frames(
        pieces in prop::collection::vec(piece(), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let text = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]);
        prop_assert_eq!(frames(parts), whole(&text));
    }
}

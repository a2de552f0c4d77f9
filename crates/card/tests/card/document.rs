//! The octets in `docs/CARD-PROTOCOL.md` are what its words beside them say.

use tipring_bridge_proto::{CardMessage, Decoder, Frame, HostMessage};

#[test]
fn the_example_in_the_protocol_document_is_real() {
    let document = include_str!("../../../../docs/CARD-PROTOCOL.md");
    let (_, example) = document.split_once("```hex\n").expect("there is an example");
    let (example, _) = example.split_once("```").expect("it ends");
    let mut frames = 0;
    for said in example.split("# ").filter(|said| !said.is_empty()) {
        let (words, octets) = said.split_once('\n').expect("words, then octets");
        let mut octets = octets.split_whitespace();
        let from_host = match octets.next() {
            Some("H") => true,
            Some("C") => false,
            other => panic!("{words}: {other:?} is neither host nor card"),
        };
        let octets: Vec<u8> =
            octets.map(|octet| u8::from_str_radix(octet, 16).expect("hex")).collect();
        Decoder::new().feed(&octets, |frame| {
            let name = name(&frame, from_host);
            assert!(words.starts_with(name), "{words:?} is a {name}");
            frames += 1;
        });
    }
    assert_eq!(frames, example.matches("# ").count(), "every line is a whole frame");
}

fn name(frame: &Frame<'_>, from_host: bool) -> &'static str {
    if from_host {
        return match HostMessage::decode(frame).expect("a message of the host") {
            HostMessage::Hello(_) => "Hello",
            HostMessage::Start => "Start",
            HostMessage::Stop => "Stop",
            HostMessage::Command { .. } => "Command",
            HostMessage::Ack { .. } => "Ack",
            HostMessage::Ping { .. } => "Ping",
            HostMessage::StatsRequest => "StatsRequest",
            HostMessage::Reset => "Reset",
            HostMessage::Pcm { .. } => "Pcm",
        };
    }
    match CardMessage::decode(frame).expect("a message of the card") {
        CardMessage::HelloAck(_) => "HelloAck",
        CardMessage::Event { .. } => "Event",
        CardMessage::Ack { .. } => "Ack",
        CardMessage::Pong { .. } => "Pong",
        CardMessage::Stats(_) => "Stats",
        CardMessage::Fault(_) => "Fault",
        CardMessage::Pcm { .. } => "Pcm",
    }
}

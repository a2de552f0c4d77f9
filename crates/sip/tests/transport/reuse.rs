//! Which message goes over which connection.

use tipring_sip::message::Transport;
use tipring_sip::transaction::Path;
use tipring_sip::transport::{FlowId, FlowInput, FlowOrder, FlowOutput};

use crate::bench::{Bench, PEER, US, at, domain, request, tcp, tls};

/// What was sent where.
fn sent(outputs: &[FlowOutput]) -> Vec<(FlowId, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let sent = outputs.iter().filter_map(|output| match output {
        FlowOutput::Order(FlowOrder::Send { flow, bytes }) => Some((*flow, text(bytes))),
        _ => None,
    });
    sent.collect()
}

fn is_connect(outputs: &[FlowOutput]) -> bool {
    matches!(outputs, [FlowOutput::Order(FlowOrder::Connect { .. })])
}

#[test]
fn the_first_message_connects_and_goes_when_the_connection_is_there() {
    let mut bench = Bench::new();
    bench.send(&tcp(PEER), "one");
    bench.send(&tcp(PEER), "two");
    let outputs = bench.outputs();
    let flow = match outputs.as_slice() {
        [FlowOutput::Order(FlowOrder::Connect { flow, transport, local, remote, domain })] => {
            assert_eq!((*transport, *local, *remote), (Transport::Tcp, at(US), at(PEER)));
            assert_eq!(*domain, None);
            *flow
        }
        other => panic!("{other:?}"),
    };
    bench.say(flow, FlowInput::Established(Vec::new()));
    assert_eq!(sent(&bench.outputs()), [(flow, "one".to_owned()), (flow, "two".to_owned())]);
    bench.send(&tcp(PEER), "three");
    assert_eq!(sent(&bench.outputs()), [(flow, "three".to_owned())]);
}

#[test]
fn a_message_tells_its_connection_and_answers_go_back_over_it() {
    let mut bench = Bench::new();
    let flow = bench.accept("198.51.100.9:40112").expect("there is room");
    bench.bytes(flow, request("").as_bytes());
    let outputs = bench.outputs();
    let path = match outputs.as_slice() {
        [FlowOutput::Received { path, bytes }] => {
            assert_eq!(bytes, request("").as_bytes());
            path.clone()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(path.flow, Some(flow));
    assert_eq!(path.remote, at("198.51.100.9:40112"));
    let reply = Path { remote: at("198.51.100.9:5071"), ..path };
    bench.send(&reply, "200");
    assert_eq!(sent(&bench.outputs()), [(flow, "200".to_owned())]);
}

#[test]
fn when_the_connection_is_gone_the_answer_gets_a_new_one_to_the_address_of_the_via() {
    let mut bench = Bench::new();
    let flow = bench.accept("198.51.100.9:40112").expect("there is room");
    bench.say(flow, FlowInput::Ended);
    assert_eq!(bench.outputs(), [FlowOutput::Gone { flow }]);
    bench.send(&Path { flow: Some(flow), ..tcp("198.51.100.9:5071") }, "200");
    match bench.outputs().as_slice() {
        [FlowOutput::Order(FlowOrder::Connect { remote, .. })] => {
            assert_eq!(*remote, at("198.51.100.9:5071"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_a_peer_made_is_used_for_its_very_address() {
    let mut bench = Bench::new();
    let flow = bench.accept("198.51.100.9:40112").expect("there is room");
    bench.send(&tcp("198.51.100.9:40112"), "INVITE");
    assert_eq!(sent(&bench.outputs()), [(flow, "INVITE".to_owned())]);
    bench.send(&tcp(PEER), "INVITE");
    assert!(is_connect(&bench.outputs()), "another port of the host is another peer");
}

#[test]
fn over_tls_a_connection_is_used_again_for_the_same_name_alone() {
    let mut bench = Bench::new();
    let flow = bench.connect(&tls(PEER, "one.example"));
    bench.send(&tls(PEER, "one.example"), "again");
    assert_eq!(sent(&bench.outputs()), [(flow, "again".to_owned())]);
    bench.send(&tls(PEER, "two.example"), "another");
    assert!(is_connect(&bench.outputs()), "the same address, but who is there is not known");
    bench.send(&Path { domain: None, ..tls(PEER, "x") }, "nobody");
    assert!(is_connect(&bench.outputs()), "the address itself is a name too");
}

#[test]
fn a_certificate_with_two_names_serves_both() {
    let mut bench = Bench::new();
    bench.send(&tls(PEER, "one.example"), "x");
    let Some(FlowOutput::Order(FlowOrder::Connect { flow, domain: asked, .. })) =
        bench.flows.poll_output()
    else {
        panic!("no connection");
    };
    assert_eq!(asked, Some(domain("one.example")));
    let names = vec![domain("one.example"), domain("two.example")];
    bench.say(flow, FlowInput::Established(names));
    bench.outputs();
    bench.send(&tls(PEER, "two.example"), "y");
    assert_eq!(sent(&bench.outputs()), [(flow, "y".to_owned())]);
}

#[test]
fn requests_take_a_clients_tls_connection_when_it_asked_and_has_proven_its_name() {
    let to_peer = || tls("198.51.100.9:5071", "peer.example");
    for (names, via, taken) in [
        (&["peer.example"][..], ";alias", true),
        (&["peer.example"][..], "", false),
        (&["other.example"][..], ";alias", false),
        (&[][..], ";alias", false),
    ] {
        let mut bench = Bench::new();
        let flow = bench.accept_over(Transport::Tls, "198.51.100.9:40112", names);
        bench.bytes(flow, request(via).as_bytes());
        bench.outputs();
        bench.send(&to_peer(), "INVITE");
        let outputs = bench.outputs();
        assert_eq!(!sent(&outputs).is_empty(), taken, "{names:?} {via:?}: {outputs:?}");
        assert_eq!(is_connect(&outputs), !taken, "{names:?} {via:?}: {outputs:?}");
    }
}

#[test]
fn an_alias_ends_with_its_connection() {
    let mut bench = Bench::new();
    let flow = bench.accept_over(Transport::Tls, "198.51.100.9:40112", &["peer.example"]);
    bench.bytes(flow, request(";alias").as_bytes());
    bench.say(flow, FlowInput::Ended);
    bench.outputs();
    bench.send(&tls("198.51.100.9:5071", "peer.example"), "INVITE");
    assert!(is_connect(&bench.outputs()));
}

#[test]
fn over_tcp_an_alias_means_nothing() {
    let mut bench = Bench::new();
    let flow = bench.accept("198.51.100.9:40112").expect("there is room");
    bench.bytes(flow, request(";alias").as_bytes());
    bench.outputs();
    bench.send(&tcp("198.51.100.9:5071"), "INVITE");
    assert!(is_connect(&bench.outputs()), "anybody could have asked for it");
}

#[test]
fn nobody_is_connected_to_over_web_socket() {
    let mut bench = Bench::new();
    let flow = bench.accept_over(Transport::Ws, "198.51.100.9:40112", &[]);
    let path = Path::new(Transport::Ws, at(US), at("198.51.100.9:40112"));
    bench.send(&Path { flow: Some(flow), ..path.clone() }, "INVITE");
    assert_eq!(sent(&bench.outputs()), [(flow, "INVITE".to_owned())]);
    bench.say(flow, FlowInput::Ended);
    bench.outputs();
    bench.send(&path, "INVITE");
    assert_eq!(bench.outputs(), [FlowOutput::Unsendable { path, in_order: false }]);
}

#[test]
fn who_waits_for_answers_is_told_when_a_connection_ends() {
    for (input, in_order) in [(FlowInput::Ended, true), (FlowInput::Failed, false)] {
        let mut bench = Bench::new();
        let flow = bench.connect(&tcp(PEER));
        let named = Path { flow: Some(flow), ..tcp("198.51.100.9:5090") };
        bench.send(&named, "BYE");
        bench.outputs();
        bench.say(flow, input);
        let told = [
            FlowOutput::Unsendable { path: tcp(PEER), in_order },
            FlowOutput::Unsendable { path: named, in_order },
            FlowOutput::Gone { flow },
        ];
        assert_eq!(bench.outputs(), told);
        assert!(bench.flows.is_empty());
    }
}

#[test]
fn a_refused_connection_fails_everything_that_waits_for_it_at_once() {
    let mut bench = Bench::new();
    bench.send(&tcp(PEER), "one");
    let Some(FlowOutput::Order(FlowOrder::Connect { flow, .. })) = bench.flows.poll_output() else {
        panic!("no connection");
    };
    bench.send(&tcp(PEER), "two");
    bench.say(flow, FlowInput::Failed);
    assert_eq!(bench.outputs(), [FlowOutput::Unsendable { path: tcp(PEER), in_order: false }]);
    assert_eq!(bench.flows.counters().failed, 1);
    bench.send(&tcp(PEER), "three");
    assert!(is_connect(&bench.outputs()), "the next one tries again");
}

#[test]
fn what_web_socket_brings_is_a_message_or_a_ping() {
    let mut bench = Bench::new();
    let flow = bench.accept_over(Transport::Wss, "198.51.100.9:40112", &[]);
    bench.say(flow, FlowInput::Message(b"\r\n\r\n"));
    assert_eq!(sent(&bench.outputs()), [(flow, "\r\n".to_owned())]);
    bench.say(flow, FlowInput::Message(b"\r\n"));
    assert_eq!(bench.outputs(), []);
    bench.say(flow, FlowInput::Message(request("").as_bytes()));
    assert!(matches!(bench.outputs().as_slice(), [FlowOutput::Received { .. }]));
}

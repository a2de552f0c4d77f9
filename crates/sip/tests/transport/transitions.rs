//! One connection in each state with each event; and many in any order.

use std::fmt::Write;

use proptest::prelude::*;
use tipring_sip::message::Transport;
use tipring_sip::transport::{FlowId, FlowInput, FlowLimits, FlowOrder, FlowOutput};

use crate::bench::{Bench, PEER, request, s, tcp, tls};

fn short(output: &FlowOutput) -> String {
    match output {
        FlowOutput::Order(FlowOrder::Connect { .. }) => "connect".to_owned(),
        FlowOutput::Order(FlowOrder::Send { bytes, .. }) => {
            format!("send {:?}", String::from_utf8_lossy(bytes.get(..9).unwrap_or(bytes)))
        }
        FlowOutput::Order(FlowOrder::Ping { .. }) => "ping".to_owned(),
        FlowOutput::Order(FlowOrder::Close { reason, .. }) => format!("close: {reason}"),
        FlowOutput::Order(FlowOrder::Abort { reason, .. }) => format!("abort: {reason}"),
        FlowOutput::Received { .. } => "received".to_owned(),
        FlowOutput::Unsendable { in_order, .. } => format!("unsendable, in order {in_order}"),
        FlowOutput::Unsent { .. } => "unsent".to_owned(),
        FlowOutput::Gone { .. } => "gone".to_owned(),
    }
}

type Event = (&'static str, fn(&mut Bench, FlowId));

const EVENTS: &[Event] = &[
    ("connected", |bench, flow| bench.say(flow, FlowInput::Connected)),
    ("established", |bench, flow| bench.say(flow, FlowInput::Established(Vec::new()))),
    ("a message", |bench, flow| bench.bytes(flow, request("").as_bytes())),
    ("a message without length", |bench, flow| {
        bench.bytes(flow, request("").replace("Content-Length: 0\r\n", "").as_bytes());
    }),
    ("a ping", |bench, flow| bench.bytes(flow, b"\r\n\r\n")),
    ("garbage", |bench, flow| bench.bytes(flow, b"\0")),
    ("sent", |bench, flow| bench.say(flow, FlowInput::Sent(6))),
    ("begun", |bench, flow| bench.say(flow, FlowInput::Begun)),
    ("finished", |bench, flow| bench.say(flow, FlowInput::Finished)),
    ("ended", |bench, flow| bench.say(flow, FlowInput::Ended)),
    ("failed", |bench, flow| bench.say(flow, FlowInput::Failed)),
    ("send", |bench, _| bench.send(&tls(PEER, "peer.example"), "INVITE")),
    ("the deadline", |bench, _| {
        bench.now = bench.flows.poll_timeout().expect("each has one");
        bench.flows.handle_timeout(bench.now);
    }),
];

/// A connection of ours with a request on it, in this state.
fn in_state(state: &str) -> (Bench, FlowId) {
    let mut bench = Bench::new();
    bench.send(&tls(PEER, "peer.example"), "INVITE");
    let Some(FlowOutput::Order(FlowOrder::Connect { flow, .. })) = bench.flows.poll_output() else {
        panic!("no connection");
    };
    for step in ["Securing", "Open", "Closing"] {
        if state == "Connecting" {
            break;
        }
        match step {
            "Securing" => bench.say(flow, FlowInput::Connected),
            "Open" => bench.say(flow, FlowInput::Established(Vec::new())),
            _ => bench.bytes(flow, b"\0"),
        }
        if state == step {
            break;
        }
    }
    bench.outputs();
    (bench, flow)
}

#[test]
fn each_state_with_each_event() {
    let mut table = String::new();
    for state in ["Connecting", "Securing", "Open", "Closing"] {
        for (name, event) in EVENTS {
            let (mut bench, flow) = in_state(state);
            event(&mut bench, flow);
            let outputs: Vec<String> = bench.outputs().iter().map(short).collect();
            let after: Vec<String> = bench.flows.describe().collect();
            let after = after.join("; ").replace("TLS 192.0.2.1:5060→198.51.100.9:5060 ", "");
            let after = if after.is_empty() { "none".to_owned() } else { after };
            let outputs = if outputs.is_empty() { "-".to_owned() } else { outputs.join(", ") };
            writeln!(table, "{state}, {name}: {outputs} -> {after}").expect("a String grows");
        }
    }
    insta::assert_snapshot!(table);
}

#[derive(Clone, Debug)]
enum Step {
    Accept(u8, bool),
    Send(u8, bool),
    Event(u8, u8),
    Keep(u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..5, any::<bool>()).prop_map(|(peer, tls)| Step::Accept(peer, tls)),
        (0u8..5, any::<bool>()).prop_map(|(peer, tls)| Step::Send(peer, tls)),
        (any::<u8>(), any::<u8>()).prop_map(|(flow, event)| Step::Event(flow, event)),
        any::<u8>().prop_map(Step::Keep),
        (0u16..40_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// The bounds hold, nothing is said of what is gone, and at the end nothing is left.
    #[test]
    fn whatever_happens_the_bounds_hold_and_all_connections_end(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let limits = FlowLimits { connections: 6, per_peer: 3, ..FlowLimits::default() };
        let mut bench = Bench::with(limits);
        let mut flows: Vec<FlowId> = Vec::new();
        for step in steps {
            match step {
                Step::Accept(peer, tls) => {
                    let transport = if tls { Transport::Tls } else { Transport::Tcp };
                    let remote = format!("198.51.100.{peer}:{}", 1000 + flows.len());
                    let local = crate::bench::at(crate::bench::US);
                    let remote = crate::bench::at(&remote);
                    flows.extend(bench.flows.accept(bench.now, transport, local, remote));
                }
                Step::Send(peer, secure) => {
                    let remote = format!("198.51.100.{peer}:5060");
                    let path = if secure { tls(&remote, "peer.example") } else { tcp(&remote) };
                    bench.send(&path, "INVITE");
                }
                Step::Event(flow, event) if !flows.is_empty() => {
                    let flow = flows[usize::from(flow) % flows.len()];
                    let events = &EVENTS[..EVENTS.len() - 2];
                    events[usize::from(event) % events.len()].1(&mut bench, flow);
                }
                Step::Keep(flow) if !flows.is_empty() => {
                    let flow = flows[usize::from(flow) % flows.len()];
                    bench.flows.keep(flow, bench.now + s(20));
                }
                Step::Wait(ms) => {
                    for output in bench.run(std::time::Duration::from_millis(ms.into())) {
                        if let FlowOutput::Order(FlowOrder::Connect { flow, .. }) = output {
                            flows.push(flow);
                        }
                    }
                }
                Step::Event(..) | Step::Keep(_) => {}
            }
            prop_assert!(bench.flows.len() <= 6);
            for output in bench.outputs() {
                if let FlowOutput::Order(FlowOrder::Connect { flow, .. }) = output {
                    flows.push(flow);
                }
            }
        }
        bench.run(s(2000));
        prop_assert!(bench.flows.is_empty(), "{:?}", bench.flows.describe().collect::<Vec<_>>());
        prop_assert_eq!(bench.flows.poll_timeout(), None);
    }
}

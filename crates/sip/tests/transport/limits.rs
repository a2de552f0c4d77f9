//! What connections may use up, and how long they live.

use tipring_sip::message::Transport;
use tipring_sip::transaction::Path;
use tipring_sip::transport::{CloseReason, FlowId, FlowInput, FlowLimits, FlowOrder, FlowOutput};

use crate::bench::{Bench, PEER, request, s, tcp, tls};

fn aborted(outputs: &[FlowOutput]) -> Vec<(FlowId, CloseReason)> {
    let aborted = outputs.iter().filter_map(|output| match output {
        FlowOutput::Order(FlowOrder::Abort { flow, reason }) => Some((*flow, *reason)),
        _ => None,
    });
    aborted.collect()
}

fn texts(outputs: &[FlowOutput]) -> Vec<String> {
    let texts = outputs.iter().filter_map(|output| match output {
        FlowOutput::Order(FlowOrder::Send { bytes, .. }) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_connection_that_is_not_made_in_two_seconds_has_failed() {
    let mut bench = Bench::new();
    bench.send(&tcp(PEER), "INVITE");
    bench.outputs();
    let outputs = bench.run(s(2));
    let unsendable = FlowOutput::Unsendable { path: tcp(PEER), in_order: false };
    assert!(outputs.contains(&unsendable), "{outputs:?}");
    assert!(bench.flows.is_empty());
}

#[test]
fn a_handshake_has_its_own_time() {
    let mut bench = Bench::new();
    bench.send(&tls(PEER, "one.example"), "INVITE");
    let Some(FlowOutput::Order(FlowOrder::Connect { flow, .. })) = bench.flows.poll_output() else {
        panic!("no connection");
    };
    assert_eq!(bench.closed(s(1)), None);
    bench.say(flow, FlowInput::Connected);
    assert_eq!(bench.closed(s(60)), Some((CloseReason::HandshakeTimeout, s(4))));
    bench.flows.accept(bench.now, Transport::Tls, crate::bench::at(PEER), crate::bench::at(PEER));
    assert_eq!(bench.closed(s(60)), Some((CloseReason::HandshakeTimeout, s(4))));
    assert_eq!(bench.flows.counters().slow_senders, 1, "ours is not one");
}

#[test]
fn a_message_that_comes_octet_by_octet_must_come_within_ten_seconds() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    for octet in request("").as_bytes() {
        if !bench.flows.is_open(flow) {
            break;
        }
        bench.bytes(flow, &[*octet]);
        if let Some(output) = bench.run(s(1)).first() {
            assert_eq!(
                *output,
                FlowOutput::Order(FlowOrder::Close { flow, reason: CloseReason::SlowSender })
            );
        }
    }
    assert_eq!(bench.flows.counters().slow_senders, 1);
    assert_eq!(bench.now.as_millis(), 5000 + 10_000);
}

#[test]
fn a_sender_with_much_to_say_is_not_a_slow_one() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    let text = request("");
    let (front, back) = text.as_bytes().split_at(100);
    bench.bytes(flow, front);
    for _ in 0..20 {
        assert_eq!(bench.closed(s(1)), None);
        bench.bytes(flow, &[back, front].concat());
        bench.outputs();
    }
    assert!(bench.flows.is_open(flow));
}

#[test]
fn a_peer_that_does_not_read_is_dropped_when_too_much_waits() {
    let limits = FlowLimits { unsent: 1000, ..FlowLimits::default() };
    let mut bench = Bench { reads: false, ..Bench::with(limits) };
    let flow = bench.accept(PEER).expect("there is room");
    bench.send(&tcp(PEER), &"x".repeat(600));
    bench.say(flow, FlowInput::Sent(600));
    bench.send(&tcp(PEER), &"x".repeat(600));
    assert_eq!(aborted(&bench.outputs()), []);
    bench.send(&tcp(PEER), &"x".repeat(600));
    assert_eq!(aborted(&bench.outputs()), [(flow, CloseReason::SlowReader)]);
    assert_eq!(bench.flows.counters().slow_readers, 1);
}

#[test]
fn a_peer_that_reads_nothing_for_ten_seconds_is_dropped() {
    let mut bench = Bench { reads: false, ..Bench::new() };
    let flow = bench.accept(PEER).expect("there is room");
    bench.send(&tcp(PEER), "one");
    assert_eq!(bench.closed(s(9)), None);
    bench.say(flow, FlowInput::Sent(1));
    assert_eq!(bench.closed(s(60)), Some((CloseReason::SlowReader, s(10))));
}

#[test]
fn what_waits_for_a_connection_is_bounded_too() {
    let limits = FlowLimits { unsent: 1000, ..FlowLimits::default() };
    let mut bench = Bench::with(limits);
    bench.send(&tcp(PEER), &"x".repeat(600));
    bench.send(&tcp(PEER), &"x".repeat(600));
    let outputs = bench.outputs();
    assert_eq!(aborted(&outputs).len(), 1, "{outputs:?}");
    assert!(outputs.contains(&FlowOutput::Unsendable { path: tcp(PEER), in_order: false }));
}

#[test]
fn a_response_that_no_connection_is_made_for_is_given_back_and_a_request_is_not() {
    let mut bench = Bench::new();
    let path = tcp(PEER);
    bench.send(&path, "SIP/2.0 200 OK");
    bench.send(&path, "OPTIONS sip:a@b SIP/2.0");
    let [FlowOutput::Order(FlowOrder::Connect { flow, .. })] = bench.outputs()[..] else {
        panic!("it connects");
    };
    bench.say(flow, FlowInput::Failed);
    let unsent =
        |path: &Path| FlowOutput::Unsent { path: path.clone(), bytes: b"SIP/2.0 200 OK".to_vec() };
    let unsendable = |path: &Path| FlowOutput::Unsendable { path: path.clone(), in_order: false };
    assert_eq!(bench.outputs(), [unsent(&path), unsendable(&path)]);
    // Nobody connects to a browser.
    let path = Path { transport: Transport::Ws, ..path };
    bench.send(&path, "SIP/2.0 200 OK");
    assert_eq!(bench.outputs(), [unsent(&path), unsendable(&path)]);
}

#[test]
fn who_connects_and_says_nothing_is_closed_after_half_a_minute() {
    let mut bench = Bench::new();
    bench.accept(PEER).expect("there is room");
    assert_eq!(bench.closed(s(600)), Some((CloseReason::Silent, s(30))));
}

#[test]
fn who_has_spoken_is_closed_after_ten_quiet_minutes() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, request("").as_bytes());
    assert_eq!(bench.closed(s(500)), None);
    bench.bytes(flow, b"\r\n\r\n");
    assert_eq!(bench.closed(s(900)), Some((CloseReason::Idle, s(600))), "a ping counts");
}

#[test]
fn a_connection_that_somebody_registered_over_stays_as_long_as_that_lasts() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, request("").as_bytes());
    bench.flows.keep(flow, bench.now + s(3600));
    assert_eq!(bench.closed(s(5000)), Some((CloseReason::Idle, s(3600))));
}

#[test]
fn a_closed_connection_is_forgotten_when_the_shell_says_so_or_after_two_seconds() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, b"GET / HTTP/1.1\r\nH");
    let close = FlowOutput::Order(FlowOrder::Close { flow, reason: CloseReason::Garbage });
    assert_eq!(bench.outputs(), [close, FlowOutput::Gone { flow }]);
    bench.bytes(flow, request("").as_bytes());
    assert_eq!(bench.outputs(), [], "nothing more is read");
    assert_eq!(aborted(&bench.run(s(2))), [(flow, CloseReason::Unclosed)]);
    assert!(bench.flows.is_empty());
    assert_eq!(bench.flows.counters().garbage, 1);
}

#[test]
fn a_message_without_length_is_answered_and_then_the_connection_is_closed() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, request(";rport").replace("Content-Length: 0\r\n", "").as_bytes());
    let outputs = bench.outputs();
    let [
        FlowOutput::Order(FlowOrder::Send { bytes, .. }),
        FlowOutput::Order(FlowOrder::Close { .. }),
        FlowOutput::Gone { .. },
    ] = outputs.as_slice()
    else {
        panic!("{outputs:?}");
    };
    let text = String::from_utf8_lossy(bytes);
    assert!(text.starts_with("SIP/2.0 400 Missing Content-Length\r\n"), "{text}");
    assert!(text.contains(";received=198.51.100.9") && text.contains(";rport=5060"), "{text}");
}

#[test]
fn what_came_before_a_stream_breaks_is_answered_before_it_is_closed() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, format!("{}garbage\r\n\r\n", request("")).as_bytes());
    let Some(FlowOutput::Received { path, .. }) = bench.flows.poll_output() else {
        panic!("the request first");
    };
    bench.send(&path, "the answer");
    let outputs = bench.outputs();
    assert_eq!(texts(&outputs), ["the answer"]);
    let [_, FlowOutput::Order(FlowOrder::Close { reason, .. }), ..] = outputs.as_slice() else {
        panic!("{outputs:?}");
    };
    assert_eq!(*reason, CloseReason::Garbage);
}

#[test]
fn a_full_house_gives_up_who_was_of_no_use_for_longest() {
    let limits = FlowLimits { connections: 3, ..FlowLimits::default() };
    let mut bench = Bench::with(limits);
    let speaker = bench.accept("198.51.100.1:1").expect("there is room");
    bench.bytes(speaker, request("").as_bytes());
    let silent = bench.accept("198.51.100.2:1").expect("there is room");
    let later = bench.accept("198.51.100.3:1").expect("there is room");
    bench.run(s(1));
    let fourth = bench.accept("198.51.100.4:1").expect("room is made");
    assert_eq!(aborted(&bench.outputs()), [(silent, CloseReason::Displaced)]);
    for flow in [later, fourth] {
        bench.bytes(flow, request("").as_bytes());
    }
    bench.outputs();
    assert_eq!(bench.accept("198.51.100.5:1"), None, "all are in use");
    assert_eq!(bench.flows.counters().refused, 1);
    bench.run(s(31));
    let fifth = bench.accept("198.51.100.5:1");
    assert!(fifth.is_some(), "the life of a transaction later they are not");
    assert_eq!(aborted(&bench.outputs()), [(speaker, CloseReason::Displaced)]);
}

#[test]
fn who_is_registered_or_in_the_middle_of_a_message_does_not_give_way() {
    let limits = FlowLimits { connections: 2, message: s(600), ..FlowLimits::default() };
    let mut bench = Bench::with(limits);
    let registered = bench.accept("198.51.100.1:1").expect("there is room");
    bench.bytes(registered, request("").as_bytes());
    bench.flows.keep(registered, bench.now + s(3600));
    let speaking = bench.accept("198.51.100.2:1").expect("there is room");
    bench.bytes(speaking, b"OPTIONS");
    bench.run(s(20));
    assert_eq!(bench.accept("198.51.100.3:1"), None);
}

#[test]
fn pings_alone_hold_no_place() {
    let mut bench = Bench::with(FlowLimits { connections: 1, ..FlowLimits::default() });
    let pinging = bench.accept("198.51.100.1:1").expect("there is room");
    bench.bytes(pinging, b"\r\n\r\n");
    bench.outputs();
    bench.accept("198.51.100.2:1").expect("room is made");
    assert_eq!(aborted(&bench.outputs()), [(pinging, CloseReason::Displaced)]);
}

#[test]
fn one_peer_cannot_take_the_room_of_the_others() {
    let limits = FlowLimits { per_peer: 2, ..FlowLimits::default() };
    let mut bench = Bench::with(limits);
    let first = bench.accept("198.51.100.1:1").expect("there is room");
    let second = bench.accept("198.51.100.1:2").expect("there is room");
    let other = bench.accept("198.51.100.2:1").expect("there is room");
    bench.accept("198.51.100.1:3").expect("its own oldest gives way");
    assert_eq!(aborted(&bench.outputs()), [(first, CloseReason::Displaced)]);
    bench.bytes(second, request("").as_bytes());
    bench.accept("198.51.100.1:4").expect("its own oldest silent one gives way");
    assert!(bench.flows.is_open(second) && bench.flows.is_open(other));
}

#[test]
fn a_host_cannot_take_more_room_with_the_addresses_of_its_network() {
    let mut bench = Bench::with(FlowLimits { per_peer: 2, ..FlowLimits::default() });
    let first = bench.accept("[2001:db8:0:1::1]:1").expect("there is room");
    bench.accept("[2001:db8:0:1:ffff::2]:1").expect("there is room");
    bench.accept("[2001:db8:0:2::1]:1").expect("another network");
    assert_eq!(aborted(&bench.outputs()), []);
    bench.accept("[2001:db8:0:1::3]:1").expect("its own oldest gives way");
    assert_eq!(aborted(&bench.outputs()), [(first, CloseReason::Displaced)]);
}

#[test]
fn a_site_cannot_take_more_room_with_its_many_networks() {
    let mut bench = Bench::with(FlowLimits { per_peer: 2, ..FlowLimits::default() });
    let mut accept = |network: u16| {
        let flow = bench.accept(&format!("[2001:db8:0:{network:x}::1]:1")).expect("there is room");
        (flow, aborted(&bench.outputs()))
    };
    let (first, _) = accept(1);
    for network in 2..=4 {
        assert_eq!(accept(network).1, [], "{network}");
    }
    assert_eq!(accept(5).1, [(first, CloseReason::Displaced)]);
    assert_eq!(bench.accept("[2001:db8:1::1]:1").map(|_| aborted(&bench.outputs())), Some(vec![]));
}

/// Its phones are behind one IPv4 address, or in one /64.
#[test]
fn the_phones_of_an_office_that_have_registered_leave_room_for_others() {
    for host in ["198.51.100.1", "[2001:db8:0:1::1]"] {
        let mut bench = Bench::with(FlowLimits { per_peer: 2, ..FlowLimits::default() });
        for port in 1..=5 {
            let phone = bench.accept(&format!("{host}:{port}")).expect("there is room");
            bench.bytes(phone, request("").as_bytes());
            bench.flows.keep(phone, bench.now + s(3600));
        }
        bench.outputs();
        for port in [6, 7] {
            let stranger = bench.accept(&format!("{host}:{port}")).expect("there is room");
            bench.bytes(stranger, request("").as_bytes());
        }
        assert_eq!(aborted(&bench.outputs()), []);
        assert_eq!(bench.accept(&format!("{host}:8")), None, "those who have not are counted");
        bench.run(s(3610));
        assert_eq!(bench.accept(&format!("{host}:9")).map(|_| bench.flows.len()), Some(1));
    }
}

/// One user may move its registration from connection to connection, and leave them all open.
#[test]
fn who_has_registered_over_many_connections_is_bounded_too() {
    let mut bench = Bench::with(FlowLimits { per_peer: 2, ..FlowLimits::default() });
    let mut accept = |port: u16| {
        let phone = bench.accept(&format!("198.51.100.1:{port}"))?;
        bench.bytes(phone, request("").as_bytes());
        bench.flows.keep(phone, bench.now + s(3600));
        Some(phone)
    };
    assert_eq!((1..=20).filter_map(&mut accept).count(), 8);
    assert!(bench.accept("198.51.100.2:1").is_some(), "others have their room");
}

#[test]
fn peers_cannot_keep_us_from_connecting() {
    let mut bench = Bench::with(FlowLimits { connections: 16, ..FlowLimits::default() });
    let mut busy = Vec::new();
    for peer in 1..=20 {
        let flow = bench.accept(&format!("198.51.100.{peer}:1"));
        if let Some(flow) = flow {
            bench.bytes(flow, request("").as_bytes());
            busy.push(flow);
        }
    }
    bench.outputs();
    assert_eq!(busy.len(), 14, "an eighth is ours");
    bench.flows.keep(busy[0], bench.now + s(3600));
    for server in 1..=2 {
        bench.connect(&tcp(&format!("203.0.113.{server}:5060")));
    }
    assert_eq!(bench.flows.len(), 16);
    // And when that is not enough, who has not registered gives way.
    bench.send(&tcp("203.0.113.3:5060"), "INVITE");
    let outputs = bench.outputs();
    assert_eq!(aborted(&outputs), [(busy[1], CloseReason::Displaced)]);
    let connects =
        |output: &FlowOutput| matches!(output, FlowOutput::Order(FlowOrder::Connect { .. }));
    assert!(outputs.iter().any(connects), "{outputs:?}");
}

#[test]
fn what_comes_from_an_address_does_not_count_where_we_connect_to_it() {
    let mut bench = Bench::with(FlowLimits { per_peer: 2, ..FlowLimits::default() });
    for port in [1, 2] {
        let flow = bench.accept(&format!("198.51.100.9:{port}")).expect("there is room");
        bench.bytes(flow, request("").as_bytes());
    }
    bench.outputs();
    bench.connect(&tcp(PEER));
    assert_eq!(bench.flows.len(), 3);
}

#[test]
fn handshakes_that_hang_give_way_first() {
    let limits = FlowLimits { connections: 2, ..FlowLimits::default() };
    let mut bench = Bench::with(limits);
    let (us, peer) = (crate::bench::at("192.0.2.1:5061"), |text| crate::bench::at(text));
    let mut tls = |remote| bench.flows.accept(bench.now, Transport::Tls, us, peer(remote));
    let first = tls("198.51.100.1:1").expect("there is room");
    tls("198.51.100.1:2").expect("there is room");
    tls("198.51.100.1:3").expect("room is made");
    assert_eq!(aborted(&bench.outputs()), [(first, CloseReason::Displaced)]);
}

#[test]
fn pings_are_answered() {
    let mut bench = Bench::new();
    let flow = bench.accept(PEER).expect("there is room");
    bench.bytes(flow, b"\r\n\r");
    assert_eq!(bench.outputs(), []);
    bench.bytes(flow, b"\n");
    assert_eq!(texts(&bench.outputs()), ["\r\n"]);
}

#[test]
fn a_connection_that_we_registered_over_is_kept_alive_by_pings() {
    let mut bench = Bench::new();
    let path = tcp(PEER);
    let flow = bench.connect(&path);
    let until = bench.now + s(3600);
    assert_eq!(bench.flows.keep_alive(bench.now, &path, until, None), Some(flow));
    let outputs = bench.run(s(120));
    assert_eq!(texts(&outputs), ["\r\n\r\n"]);
    assert_eq!(bench.closed(s(100)), None, "this peer may not know of pings");
    assert!(bench.flows.is_open(flow));
}

#[test]
fn a_peer_that_has_answered_one_ping_must_answer_all() {
    let mut bench = Bench::new();
    let path = tcp(PEER);
    let flow = bench.connect(&path);
    bench.flows.keep_alive(bench.now, &path, bench.now + s(3600), None);
    bench.run(s(120));
    bench.bytes(flow, b"\r\n");
    bench.now = bench.flows.poll_timeout().expect("the next ping");
    bench.flows.handle_timeout(bench.now);
    assert_eq!(texts(&bench.outputs()), ["\r\n\r\n"]);
    assert_eq!(bench.closed(s(60)), Some((CloseReason::NoPong, s(10))));
    assert_eq!(bench.flows.counters().no_pong, 1);
}

#[test]
fn pings_of_the_peer_are_not_taken_for_pongs() {
    let mut bench = Bench::new();
    let path = tcp(PEER);
    let flow = bench.connect(&path);
    bench.flows.keep_alive(bench.now, &path, bench.now + s(3600), None);
    for _ in 0..4 {
        bench.run(s(120));
        bench.bytes(flow, b"\r\n\r\n");
        assert!(bench.flows.is_open(flow));
    }
}

#[test]
fn a_web_socket_client_that_is_gone_is_noticed_by_pings() {
    let mut bench = Bench::new();
    let flow = bench.accept_over(Transport::Wss, PEER, &[]);
    for _ in 0..100 {
        assert_eq!(bench.run(s(30)), [FlowOutput::Order(FlowOrder::Ping { flow })]);
        bench.say(flow, FlowInput::Pong);
    }
    assert_eq!(bench.closed(s(100)), Some((CloseReason::NoPong, s(40))));
}

#[test]
fn a_message_of_web_socket_must_end_in_time_though_pongs_come_between() {
    let mut bench = Bench::new();
    let flow = bench.accept_over(Transport::Ws, PEER, &[]);
    bench.say(flow, FlowInput::Begun);
    bench.run(s(6));
    bench.say(flow, FlowInput::Message(request("").as_bytes()));
    bench.say(flow, FlowInput::Begun);
    bench.outputs();
    bench.run(s(6));
    bench.say(flow, FlowInput::Pong);
    bench.say(flow, FlowInput::Begun);
    assert_eq!(bench.closed(s(60)), Some((CloseReason::SlowSender, s(4))));
    assert_eq!(bench.flows.counters().slow_senders, 1);
}

#[test]
fn who_has_said_its_last_word_keeps_its_place_until_the_answers_are_sent() {
    let mut bench = Bench::with(FlowLimits { per_peer: 1, ..FlowLimits::default() });
    bench.reads = false;
    let flow = bench.accept("198.51.100.1:1").expect("there is room");
    bench.bytes(flow, request("").as_bytes());
    let Some(FlowOutput::Received { path, .. }) = bench.flows.poll_output() else {
        panic!("the request");
    };
    bench.send(&path, "the answer");
    bench.say(flow, FlowInput::Finished);
    let outputs = bench.outputs();
    let closes = FlowOutput::Order(FlowOrder::Close { flow, reason: CloseReason::Ended });
    assert_eq!((texts(&outputs), outputs.get(1)), (vec!["the answer".to_owned()], Some(&closes)));
    assert_eq!(bench.accept("198.51.100.1:2"), None, "its socket is still there");
    bench.say(flow, FlowInput::Ended);
    bench.accept("198.51.100.1:2").expect("its place is free");
    // And not for ever.
    let flow = bench.accept("198.51.100.2:1").expect("there is room");
    bench.say(flow, FlowInput::Finished);
    bench.outputs();
    assert_eq!(aborted(&bench.run(s(2))), [(flow, CloseReason::Unclosed)]);
}

//! The four transaction machines as tables, each state met with each event, and what is matched to what.
//!
//! A line reads: state, event, then what the machine does and the state it is in afterwards.

use std::fmt::{Display, Write};

use tipring_core::{Duration, Instant};
use tipring_sip::message::{
    CSeq, HeaderName, Message, Method, Request, Response, Status, Transport, wire::View,
};
use tipring_sip::transaction::{
    Arrival, Client, ClientKey, ClientOutput, InviteClient, InviteServer, Path, Server, ServerKey,
    ServerOutput, TimerValues, Transactions,
};

const START: Instant = Instant::from_millis(0);

fn path(transport: Transport) -> Path {
    let (local, remote) = ("192.0.2.1:5060", "192.0.2.2:5060");
    Path::new(transport, local.parse().expect("an address"), remote.parse().expect("an address"))
}

fn request(method: &Method) -> Request {
    let mut request = Request::new(method.clone(), "sip:bob@192.0.2.2".parse().expect("a URI"));
    let headers = &mut request.headers;
    headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx");
    headers.push(HeaderName::MaxForwards, 70);
    headers.push(HeaderName::From, "<sip:alice@192.0.2.1>;tag=a");
    headers.push(HeaderName::To, "<sip:bob@192.0.2.2>");
    headers.push(HeaderName::CallId, "c");
    headers.push(HeaderName::CSeq, CSeq { number: 1, method: method.clone() });
    request
}

fn answer(method: &Method, code: u16) -> Response {
    Response::new(&request(method), Status::new(code).expect("a status"), Some("b"))
}

fn line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or("");
    first.trim_start_matches("SIP/2.0 ").split(' ').next().unwrap_or("").to_owned()
}

/// What both kinds of machine have in common, for the table.
trait Machine: Display {
    fn outputs(&mut self) -> Vec<String>;
    fn deadline(&self) -> Option<Instant>;
    fn fire(&mut self, now: Instant);
}

macro_rules! client_machine {
    ($($machine:ty)*) => {$(
        impl Machine for $machine {
            fn outputs(&mut self) -> Vec<String> {
                std::iter::from_fn(|| self.poll_output())
                    .map(|output| match output {
                        ClientOutput::Transmit(bytes) => format!("send {}", line(&bytes)),
                        ClientOutput::Response(response) => format!("up {}", response.status),
                        other => format!("{other:?}"),
                    })
                    .collect()
            }
            fn deadline(&self) -> Option<Instant> {
                self.poll_timeout()
            }
            fn fire(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
        }
    )*};
}

macro_rules! server_machine {
    ($($machine:ty)*) => {$(
        impl Machine for $machine {
            fn outputs(&mut self) -> Vec<String> {
                std::iter::from_fn(|| self.poll_output())
                    .map(|output| match output {
                        ServerOutput::Transmit(bytes) => format!("send {}", line(&bytes)),
                        other => format!("{other:?}"),
                    })
                    .collect()
            }
            fn deadline(&self) -> Option<Instant> {
                self.poll_timeout()
            }
            fn fire(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
        }
    )*};
}

client_machine!(InviteClient Client);
server_machine!(InviteServer Server);

/// The second word of a machine's line after "client" or "server": its state.
fn state(machine: &impl Machine) -> String {
    machine.to_string().split(' ').nth(2).unwrap_or("").to_owned()
}

type Event<M> = (&'static str, fn(&mut M));

/// Meets every state, made by `states`, with every event.
fn table<M: Machine>(
    new: fn(Transport) -> M,
    states: &[(&str, &[Event<M>])],
    events: &[Event<M>],
) -> String {
    let mut text = String::new();
    for (name, way) in states {
        let arrive = || {
            let mut machine = new(Transport::Udp);
            way.iter().for_each(|(_, event)| event(&mut machine));
            machine.outputs();
            assert_eq!(state(&machine), *name);
            machine
        };
        for (event_name, event) in events {
            let mut machine = arrive();
            event(&mut machine);
            row(&mut text, name, event_name, &mut machine);
        }
        // Everything the state does when nothing comes.
        let mut machine = arrive();
        let mut at = Vec::new();
        while let Some(deadline) = machine.deadline() {
            machine.fire(deadline);
            at.push(format!("{} {}", deadline, machine.outputs().join(", ")));
            assert!(at.len() < 20, "a state ends: {at:?}");
        }
        writeln!(text, "{name:10} | silence    | {} | {}", at.join("; "), state(&machine))
            .expect("writing to a String cannot fail");
    }
    text
}

fn row<M: Machine>(text: &mut String, name: &str, event: &str, machine: &mut M) {
    let did = machine.outputs().join(", ");
    writeln!(text, "{name:10} | {event:10} | {did} | {}", state(machine))
        .expect("writing to a String cannot fail");
}

#[test]
fn invite_client_table() {
    const EVENTS: &[Event<InviteClient>] = &[
        ("100", |m| m.handle_response(START, answer(&Method::Invite, 100))),
        ("180", |m| m.handle_response(START, answer(&Method::Invite, 180))),
        ("200", |m| m.handle_response(START, answer(&Method::Invite, 200))),
        ("486", |m| m.handle_response(START, answer(&Method::Invite, 486))),
        ("send error", |m| m.handle_send_error()),
        ("abandon", |m| m.abandon()),
    ];
    let new = |transport| {
        InviteClient::new(START, path(transport), TimerValues::default(), request(&Method::Invite))
    };
    let states: &[(&str, &[Event<InviteClient>])] = &[
        ("Calling", &[]),
        ("Proceeding", &[EVENTS[1]]),
        ("Completed", &[EVENTS[3]]),
        ("Accepted", &[EVENTS[2]]),
        ("Terminated", &[EVENTS[5]]),
    ];
    insta::assert_snapshot!(table(new, states, EVENTS));
}

#[test]
fn client_table() {
    const EVENTS: &[Event<Client>] = &[
        ("100", |m| m.handle_response(START, answer(&Method::Bye, 100))),
        ("200", |m| m.handle_response(START, answer(&Method::Bye, 200))),
        ("481", |m| m.handle_response(START, answer(&Method::Bye, 481))),
        ("send error", |m| m.handle_send_error()),
        ("abandon", |m| m.abandon()),
    ];
    let new = |transport| {
        Client::new(START, path(transport), TimerValues::default(), &request(&Method::Bye))
    };
    let states: &[(&str, &[Event<Client>])] = &[
        ("Trying", &[]),
        ("Proceeding", &[EVENTS[0]]),
        ("Completed", &[EVENTS[1]]),
        ("Terminated", &[EVENTS[4]]),
    ];
    insta::assert_snapshot!(table(new, states, EVENTS));
}

#[test]
fn invite_server_table() {
    const EVENTS: &[Event<InviteServer>] = &[
        ("INVITE", |m| m.handle_retransmission()),
        ("ACK", |m| m.handle_ack(START)),
        ("say 100", |m| m.respond(START, &answer(&Method::Invite, 100))),
        ("say 180", |m| m.respond(START, &answer(&Method::Invite, 180))),
        ("say 200", |m| m.respond(START, &answer(&Method::Invite, 200))),
        ("say 486", |m| m.respond(START, &answer(&Method::Invite, 486))),
        ("abandon", |m| m.abandon()),
    ];
    let new = |transport| InviteServer::new(path(transport), TimerValues::default());
    let states: &[(&str, &[Event<InviteServer>])] = &[
        ("Proceeding", &[]),
        ("Proceeding", &[EVENTS[3]]),
        ("Completed", &[EVENTS[5]]),
        ("Confirmed", &[EVENTS[5], EVENTS[1]]),
        ("Accepted", &[EVENTS[4]]),
        ("Terminated", &[EVENTS[6]]),
    ];
    insta::assert_snapshot!(table(new, states, EVENTS));
}

#[test]
fn server_table() {
    const EVENTS: &[Event<Server>] = &[
        ("BYE", |m| m.handle_retransmission()),
        ("soon 100", |m| m.respond(START, &answer(&Method::Bye, 100))),
        ("late 100", |m| {
            m.respond(START + Duration::from_millis(3500), &answer(&Method::Bye, 100));
        }),
        ("say 183", |m| m.respond(START, &answer(&Method::Bye, 183))),
        ("say 408", |m| m.respond(START, &answer(&Method::Bye, 408))),
        ("say 200", |m| m.respond(START, &answer(&Method::Bye, 200))),
        ("say 481", |m| m.respond(START, &answer(&Method::Bye, 481))),
        ("abandon", |m| m.abandon()),
    ];
    let new = |transport| Server::new(START, path(transport), TimerValues::default(), Method::Bye);
    let states: &[(&str, &[Event<Server>])] = &[
        ("Trying", &[]),
        ("Proceeding", &[EVENTS[2]]),
        ("Completed", &[EVENTS[5]]),
        ("Terminated", &[EVENTS[7]]),
    ];
    insta::assert_snapshot!(table(new, states, EVENTS));
}

#[test]
fn on_tcp_nothing_is_sent_twice_and_nothing_lingers_for_repetitions() {
    let values = TimerValues::default();
    let tcp = path(Transport::Tcp);
    let mut client = InviteClient::new(START, tcp.clone(), values, request(&Method::Invite));
    client.outputs();
    assert_eq!(client.poll_timeout(), Some(START + Duration::from_secs(32)), "timer B alone");
    client.handle_response(START, answer(&Method::Invite, 486));
    assert_eq!(client.poll_timeout(), Some(START), "timer D is zero");
    let mut client = Client::new(START, tcp.clone(), values, &request(&Method::Bye));
    assert_eq!(client.poll_timeout(), Some(START + Duration::from_secs(32)), "timer F alone");
    client.handle_response(START, answer(&Method::Bye, 200));
    assert_eq!(client.poll_timeout(), Some(START), "timer K is zero");
    let mut server = InviteServer::new(tcp.clone(), values);
    server.respond(START, &answer(&Method::Invite, 486));
    assert_eq!(server.poll_timeout(), Some(START + Duration::from_secs(32)), "timer H alone");
    server.handle_ack(START);
    assert_eq!(server.poll_timeout(), Some(START), "timer I is zero");
    let mut server = Server::new(START, tcp, values, Method::Bye);
    server.respond(START, &answer(&Method::Bye, 200));
    assert_eq!(server.poll_timeout(), Some(START), "timer J is zero");
}

#[test]
fn the_ack_for_a_refusal_is_made_from_the_invite_but_for_its_to() {
    let mut invite = request(&Method::Invite);
    invite.headers.push(HeaderName::Route, "<sip:proxy.example.org;lr>");
    let mut client = InviteClient::new(START, path(Transport::Udp), TimerValues::default(), invite);
    client.poll_output();
    client.handle_response(START, answer(&Method::Invite, 486));
    let Some(ClientOutput::Transmit(ack)) = client.poll_output() else {
        panic!("an ACK");
    };
    insta::assert_snapshot!(String::from_utf8_lossy(&ack).replace('\r', ""), @r"
    ACK sip:bob@192.0.2.2 SIP/2.0
    Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx
    Route: <sip:proxy.example.org;lr>
    Max-Forwards: 70
    From: <sip:alice@192.0.2.1>;tag=a
    To: <sip:bob@192.0.2.2>;tag=b
    Call-ID: c
    CSeq: 1 ACK
    Content-Length: 0
    ");
}

fn parse(text: &str) -> Request {
    let bytes = text.replace('\n', "\r\n");
    match View::parse(bytes.as_bytes()).map(|view| view.to_message()) {
        Ok(Ok(Message::Request(request))) => request,
        other => panic!("a request: {other:?}"),
    }
}

const OLD: &str = "INVITE sip:bob@192.0.2.2 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060
From: <sip:alice@192.0.2.1>;tag=a
To: <sip:bob@192.0.2.2>
Call-ID: c
CSeq: 1 INVITE
Contact: <sip:alice@192.0.2.1>

";

#[test]
fn branches_match_by_sent_by_and_method_but_for_ack_and_cancel() {
    let invite = parse(&OLD.replace(":5060\n", ":5060;branch=z9hG4bKx\n"));
    let ack = parse(&OLD.replace(":5060\n", ";branch=z9hG4bKx\n").replace("INVITE", "ACK"));
    let cancel =
        parse(&OLD.replace(":5060\n", ":5060;branch=z9hG4bKx\n").replace("INVITE", "CANCEL"));
    let other = parse(&OLD.replace(":5060\n", ":5061;branch=z9hG4bKx\n"));
    let key = ServerKey::of_request(&invite);
    assert!(key.is_some());
    assert_eq!(ServerKey::of_request(&ack), key, "5060 is what no port means");
    assert_ne!(ServerKey::of_request(&cancel), key);
    assert_eq!(ServerKey::of_cancelled(&cancel), key);
    assert_ne!(ServerKey::of_request(&other), key, "another sender may draw the same branch");
}

#[test]
fn old_peers_without_branch_match_by_everything_else() {
    let key = ServerKey::of_request(&parse(OLD));
    let ack = OLD.replace("INVITE", "ACK").replace("bob@192.0.2.2>", "bob@192.0.2.2>;tag=b");
    assert_eq!(ServerKey::of_request(&parse(&ack)), key, "the ACK has the response's To");
    for changed in ["CSeq: 2 INVITE", "Call-ID: d", "From: <sip:alice@192.0.2.1>;tag=z"] {
        let name = changed.split(':').next().unwrap_or("");
        let line = OLD.lines().find(|line| line.starts_with(name)).expect("is there");
        let other = parse(&OLD.replace(line, changed));
        assert_ne!(ServerKey::of_request(&other), key, "{changed}");
    }
}

#[test]
fn a_response_belongs_to_the_request_of_its_branch_and_cseq_method() {
    let invite = ClientKey::of_request(&request(&Method::Invite));
    let cancel = ClientKey::of_request(&request(&Method::Cancel));
    assert_ne!(invite, cancel, "a CANCEL has the branch of its INVITE");
    assert_eq!(ClientKey::of_response(&answer(&Method::Invite, 200)), invite);
    assert_eq!(ClientKey::of_response(&answer(&Method::Cancel, 200)), cancel);
}

#[test]
fn the_tables_are_bounded_and_empty_in_the_end() {
    let mut all = Transactions::new(TimerValues::default(), 3);
    let udp = path(Transport::Udp);
    for n in 0..10 {
        let text = OLD.replace(":5060\n", &format!(":5060;branch=z9hG4bK{n}\n"));
        let text =
            text.replace("Call-ID: c", &format!("Call-ID: {n}")).replace("INVITE", "OPTIONS");
        let arrival = all.handle_request(START, &udp, &parse(&text));
        assert_eq!(matches!(arrival, Arrival::New(_)), n < 3, "{arrival:?}");
        let mut outgoing = request(&Method::Options);
        outgoing.headers.set(HeaderName::Via, format!("SIP/2.0/UDP a;branch=z9hG4bK{n}"));
        assert_eq!(all.request(START, udp.clone(), outgoing).is_some(), n < 3);
    }
    while let Some(at) = all.poll_timeout() {
        all.handle_timeout(at);
        assert!(at <= START + Duration::from_secs(33), "64·T1 is the longest");
    }
    assert_eq!(all.counts(), Default::default());
}

//! What strangers cost: the signalling path as the program runs it, from a datagram in to the datagrams out, without
//! sockets.
//!
//! Each request is new (branch, tag, Call-ID), and half a millisecond passes between two, as in a flood of 2,000 a
//! second; the timers that fall due are fired within the measurement. `register_stranger` is a REGISTER without
//! credentials through the whole gateway: parsed, given a transaction, challenged with 401. `options` is answered with 200. Beside them the parts: `parse` is the message
//! alone, `challenge` what the registrar does with it.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use tipring_core::{Instant, Rng};
use tipring_gateway::{Gateway, output::Output};
use tipring_sim::Site;
use tipring_sip::agent::Datagram;
use tipring_sip::digest::Secret;
use tipring_sip::message::wire::View;
use tipring_sip::message::{Message, Request, Transport};
use tipring_sip_server::{Config, Registrar, Source, User};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(30);
    targets = whole, parts
}
criterion_main!(benches);

/// Between two requests, microseconds.
const GAP_US: u64 = 500;

/// A gateway, its clock, and a peer that sends it one request after the other.
struct Flood {
    gateway: Gateway,
    now: Instant,
    sent: u64,
}

impl Flood {
    fn new() -> Self {
        let site = Site::new("us", 1).user("alice", "wonder");
        let now = Instant::from_millis(1000);
        Self { gateway: Gateway::new(now, site.config, Rng::from_key([1; 32])), now, sent: 0 }
    }

    /// Sends a request of `method`; gives what comes back, the last datagram of it.
    fn ask(&mut self, method: &str, more: &str) -> Vec<u8> {
        let text = request(method, self.sent, more);
        self.sent += 1;
        self.send(text.as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.now = Instant::from_micros(self.now.as_micros() + GAP_US);
        if self.gateway.poll_timeout().is_some_and(|at| at <= self.now) {
            self.gateway.handle_timeout(self.now);
        }
        let datagram = Datagram {
            transport: Transport::Udp,
            local: "10.0.0.1:5060".parse().expect("an address"),
            remote: "198.51.100.7:5060".parse().expect("an address"),
            bytes,
        };
        self.gateway.handle_datagram(self.now, datagram);
        let mut last = Vec::new();
        while let Some(output) = self.gateway.poll_output() {
            if let Output::Datagram { bytes, .. } = output {
                last = bytes;
            }
        }
        last
    }
}

/// A request as a telephone sends it, the `number`th of its kind.
fn request(method: &str, number: u64, more: &str) -> String {
    format!(
        "{method} sip:10.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-1---{number:016x};rport\r\n\
         Max-Forwards: 70\r\n\
         Contact: <sip:alice@198.51.100.7:5060;rinstance=1f2e3d4c5b6a7988>\r\n\
         To: \"Alice\" <sip:alice@10.0.0.1>\r\n\
         From: \"Alice\" <sip:alice@10.0.0.1>;tag={number:08x}\r\n\
         Call-ID: {number:016x}NzUxMzYwNDk5YmQ3MjA0ODc3\r\n\
         CSeq: {} {method}\r\n\
         Expires: 3600\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n\
         User-Agent: Phone/1.0 rv1.2.3\r\n\
         {more}Content-Length: 0\r\n\r\n",
        number + 1
    )
}

fn parsed(bytes: &[u8]) -> Message {
    View::parse(bytes).expect("framed").to_message().expect("well-formed")
}

fn parsed_request(bytes: &[u8]) -> Request {
    match parsed(bytes) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request"),
    }
}

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip_server");
    let mut flood = Flood::new();
    let answer = flood.ask("REGISTER", "");
    assert!(answer.starts_with(b"SIP/2.0 401"), "{}", String::from_utf8_lossy(&answer));
    let asked = request("REGISTER", 0, "").len();
    println!("REGISTER of {asked} octets is answered with {}", answer.len());
    group.bench_function("register_stranger", |b| b.iter(|| flood.ask("REGISTER", "")));
    let mut flood = Flood::new();
    group.bench_function("options", |b| b.iter(|| flood.ask("OPTIONS", "")));
    group.finish();
}

fn parts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip_server_parts");
    let bytes = request("REGISTER", 1, "").into_bytes();
    group.bench_function("parse", |b| b.iter(|| parsed_request(black_box(&bytes))));
    let request = parsed_request(&bytes);
    let users = [User { name: "alice".to_owned(), secret: Secret::Password("wonder".to_owned()) }];
    let mut registrar =
        Registrar::new(Config::default(), "10.0.0.1", users, Rng::from_key([1; 32]));
    let source = Source {
        remote: "198.51.100.7:5060".parse().expect("an address"),
        local: "10.0.0.1:5060".parse().expect("an address"),
        transport: Transport::Udp,
        flow: None,
    };
    let now = Instant::from_millis(1000);
    group.bench_function("challenge", |b| {
        b.iter(|| registrar.handle_register(now, black_box(&request), source));
    });
    let response = registrar.handle_register(now, &request, source);
    group.bench_function("print", |b| b.iter(|| black_box(&response).to_bytes()));
    group.finish();
}

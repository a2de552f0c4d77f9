//! Whatever the DNS answers when a SIP server is located (RFC 3263), in whatever order and however late: every location
//! ends once, within bounds, with targets that can be sent to.
//!
//! The input is a row of steps: an octet that says which question is answered, one of the time that passes after it, one of
//! the kind of the answer, and its records.
#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use tipring_core::{Duration, Instant, Rng};
use tipring_fuzz::in_time;
use tipring_sip::locate::{
    Answer, Destination, DomainName, Failure, Located, Locator, Naptr, Output, Question, Reach,
    Record, Srv,
};
use tipring_sip::message::{Transport, Uri};

fuzz_target!(|input: &[u8]| in_time(|| look(input)));

const URIS: [&str; 8] = [
    "sip:a.example",
    "sips:a.example",
    "sip:a.example:5070",
    "sip:b.example;transport=tcp",
    "sips:b.example;transport=ws",
    "sip:c.example;transport=ws",
    "sip:x@c.example;maddr=a.example",
    "sip:192.0.2.1",
];

/// The most that two locations may ask: NAPTR records, eight services, two families of sixteen hosts.
const MOST_QUESTIONS: usize = 2 * (1 + 8 + 32);
/// The most targets that are found.
const MOST_TARGETS: usize = 32;

fn look(input: &[u8]) {
    let mut octets = Octets(input);
    let sockets = [Transport::Udp, Transport::Tcp, Transport::Tls]
        .map(|transport| (transport, "192.0.2.254:5060".parse().expect("an address")));
    let sixth = (Transport::Udp, "[2001:db8::1]:5060".parse().expect("an address"));
    let mut locator = Locator::new(Reach::new(sockets.into_iter().chain([sixth])), Rng::new(1));
    let mut now = Instant::from_millis(1);
    let uri = URIS[usize::from(octets.next() % 8)];
    // The same is asked for twice: the answers to one serve the other.
    let ids = [(); 2].map(|()| {
        let destination = Destination::of_uri(&Uri::parse(uri.as_bytes()).expect("a URI"));
        locator.locate(now, destination)
    });
    let mut open: Vec<Question> = Vec::new();
    let (mut questions, mut ended) = (0, Vec::new());
    let mut drain = |locator: &mut Locator, open: &mut Vec<Question>| {
        while let Some(output) = locator.poll_output() {
            match output {
                Output::Ask(question) => {
                    questions += 1;
                    open.push(question);
                }
                Output::Located { id, located } => {
                    ended.push(id);
                    targets(uri, &located);
                }
            }
        }
    };
    drain(&mut locator, &mut open);
    while !octets.0.is_empty() {
        let (which, pause) = (usize::from(octets.next()), u64::from(octets.next()));
        let answer = answer(&mut octets);
        if !open.is_empty() {
            let question = open.remove(which % open.len());
            locator.handle_answer(now, &question, &answer);
        }
        now += Duration::from_millis(pause * 16);
        drain(&mut locator, &mut open);
        while let Some(at) = locator.poll_timeout().filter(|at| *at <= now) {
            locator.handle_timeout(at);
            drain(&mut locator, &mut open);
        }
    }
    // Nobody answers the rest.
    for _ in 0..MOST_QUESTIONS {
        let Some(at) = locator.poll_timeout() else { break };
        locator.handle_timeout(at);
        drain(&mut locator, &mut open);
    }
    ended.sort();
    assert_eq!(ended, ids, "each ended once");
    assert!(questions <= MOST_QUESTIONS, "{questions} questions");
    let counts = locator.counts(now);
    assert_eq!((counts.lookups, counts.asked), (0, 0));
}

fn targets(uri: &str, located: &Located) {
    let Ok(targets) = located else { return };
    assert!((1..=MOST_TARGETS).contains(&targets.len()), "{}", targets.len());
    for (at, target) in targets.iter().enumerate() {
        assert!(!uri.starts_with("sips:") || target.transport.is_secure(), "{target:?}");
        let address = target.address;
        assert!(address.port() != 0 && !address.ip().is_unspecified(), "{target:?}");
        assert!(!address.ip().is_multicast(), "{target:?}");
        let again = |other: &&_| *other == target;
        assert_eq!(targets[..at].iter().find(again), None, "no target twice");
    }
}

/// What is left of the input; zeros after its end.
struct Octets<'a>(&'a [u8]);

impl Octets<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.next(), self.next()])
    }

    fn name(&mut self) -> Option<DomainName> {
        const NAMES: [&str; 8] = [
            "a.example",
            "b.example",
            "c.example",
            "_sip._udp.a.example",
            "_sips._tcp.b.example",
            "10.1.2.3",
            ".",
            "d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d.d",
        ];
        match self.next() {
            // A name of its own.
            length @ 0x80.. => {
                let length = usize::from(length & 0x7f).min(self.0.len());
                let (name, rest) = self.0.split_at(length);
                self.0 = rest;
                DomainName::new(&String::from_utf8_lossy(name))
            }
            which => DomainName::new(NAMES[usize::from(which % 8)]),
        }
    }
}

fn answer(octets: &mut Octets<'_>) -> Answer {
    let kind = octets.next();
    let ttl = u32::from(octets.number()) << (kind >> 4);
    let known = kind & 8 != 0;
    match kind % 8 {
        0 => Answer::NoData { ttl: known.then_some(ttl) },
        1 => Answer::NoName { ttl: known.then_some(ttl) },
        2 => Answer::Failed(Failure::Timeout),
        3 => Answer::Failed(if known { Failure::Server } else { Failure::Refused }),
        _ => {
            let count = octets.next() % 64;
            let records = (0..count).map(|_| record(octets)).collect();
            Answer::Found { records, ttl }
        }
    }
}

fn record(octets: &mut Octets<'_>) -> Record {
    const SERVICES: [&str; 8] =
        ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2W", "SIPS+D2W", "SIP+D2S", "", "x"];
    const FLAGS: [&str; 5] = ["s", "S", "a", "u", ""];
    match octets.next() % 4 {
        0 => Record::Naptr(Naptr {
            order: octets.number(),
            preference: octets.number(),
            flags: FLAGS[usize::from(octets.next() % 5)].to_owned(),
            service: SERVICES[usize::from(octets.next() % 8)].to_owned(),
            replacement: octets.name(),
        }),
        1 => Record::Srv(Srv {
            priority: octets.number(),
            weight: octets.number(),
            port: octets.number(),
            target: octets.name(),
        }),
        2 => Record::A(Ipv4Addr::from([(); 4].map(|()| octets.next()))),
        _ => Record::Aaaa(Ipv6Addr::from([(); 16].map(|()| octets.next()))),
    }
}

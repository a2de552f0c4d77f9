//! The locator against tables of records, on virtual time.

mod any_answer;
mod examples;
mod memory;
mod transitions;

use std::collections::BTreeMap;

use tipring_core::{Duration, Instant, Rng};

use super::*;
use crate::message::Uri;

/// A locator and the DNS it asks.
struct Site {
    now: Instant,
    locator: Locator,
    dns: BTreeMap<String, Answer>,
    /// Nothing answers.
    silent: bool,
    asked: Vec<String>,
    located: Vec<(LookupId, Located)>,
}

impl Site {
    fn new(seed: u64) -> Self {
        Self::with(seed, all_sockets())
    }

    fn with(seed: u64, reach: Reach) -> Self {
        Self {
            now: Instant::from_millis(1000),
            locator: Locator::new(reach, Rng::new(seed)),
            dns: BTreeMap::new(),
            silent: false,
            asked: Vec::new(),
            located: Vec::new(),
        }
    }

    /// `SRV _sip._udp.example.net` has these records.
    fn record(&mut self, question: &str, ttl: u32, records: Vec<Record>) {
        self.dns.insert(question.to_owned(), Answer::Found { records, ttl });
    }

    fn answer(&mut self, question: &str, answer: Answer) {
        self.dns.insert(question.to_owned(), answer);
    }

    fn host(&mut self, name: &str, addresses: &[&str]) {
        for (kind, v4) in [("A", true), ("AAAA", false)] {
            let addresses =
                addresses.iter().map(|text| text.parse::<std::net::IpAddr>().expect("an address"));
            let records: Vec<Record> = addresses
                .filter(|address| address.is_ipv4() == v4)
                .map(|address| match address {
                    std::net::IpAddr::V4(address) => Record::A(address),
                    std::net::IpAddr::V6(address) => Record::Aaaa(address),
                })
                .collect();
            if !records.is_empty() {
                self.record(&format!("{kind} {name}"), 60, records);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.locator.poll_output() {
            match output {
                Output::Ask(question) => {
                    self.asked.push(question.to_string());
                    let unknown = Answer::NoName { ttl: Some(60) };
                    let answer = self.dns.get(&question.to_string()).unwrap_or(&unknown).clone();
                    if !self.silent {
                        self.locator.handle_answer(self.now, &question, &answer);
                    }
                }
                Output::Located { id, located } => self.located.push((id, located)),
            }
        }
    }

    fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.locator.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.locator.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    fn begin(&mut self, uri: &str) -> LookupId {
        let uri: Uri = uri.parse().expect("a URI");
        let id = self.locator.locate(self.now, Destination::of_uri(&uri));
        self.drain();
        id
    }

    /// What was found by now, in a line.
    fn end(&mut self, id: LookupId) -> Option<String> {
        let at = self.located.iter().position(|(known, _)| *known == id)?;
        Some(line(&self.located.remove(at).1))
    }

    fn locate(&mut self, uri: &str) -> String {
        let id = self.begin(uri);
        self.end(id).expect("an answer to every question")
    }
}

fn line(located: &Located) -> String {
    match located {
        Ok(targets) => {
            let targets =
                targets.iter().map(|target| format!("{} {}", target.transport, target.address));
            targets.collect::<Vec<_>>().join(", ")
        }
        Err(reason) => format!("{reason:?}"),
    }
}

fn all_sockets() -> Reach {
    let local = |text: &str| text.parse().expect("an address");
    let transports =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    Reach::new(transports.into_iter().flat_map(|transport| {
        [(transport, local("10.0.0.1:5060")), (transport, local("[fd00::1]:5060"))]
    }))
}

fn only(transports: &[Transport]) -> Reach {
    let local = "10.0.0.1:5060".parse().expect("an address");
    Reach::new(transports.iter().map(|transport| (*transport, local)))
}

fn name(text: &str) -> DomainName {
    DomainName::new(text).expect("a name")
}

fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Record {
    let (flags, service) = ("s".to_owned(), service.to_owned());
    Record::Naptr(Naptr {
        order,
        preference,
        flags,
        service,
        replacement: DomainName::new(replacement),
    })
}

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Record {
    Record::Srv(Srv { priority, weight, port, target: DomainName::new(target) })
}

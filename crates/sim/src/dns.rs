//! A name service on virtual time: what it knows, and when it does not say so.

use std::collections::BTreeMap;

use tipring_core::{Duration, Instant};
use tipring_gateway::dns::{Answer, DomainName, Failure, Naptr, Question, Record, RecordType, Srv};

/// How long an answer takes.
const DELAY: Duration = Duration::from_millis(5);
/// How long a server that has no answer itself takes to say so.
const DELAY_OF_FAILURE: Duration = Duration::from_millis(200);

/// How the name service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    #[default]
    Well,
    /// It says nothing.
    Silent,
    /// It says that it cannot find out.
    Failing,
    /// It denies that there is any name at all.
    Lying,
}

/// The records, and the answers on their way.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// How it is now.
    pub mood: Mood,
    /// How long its records hold, in seconds; 0 is 60.
    pub ttl: u32,
    records: BTreeMap<Question, Vec<Record>>,
    answers: Vec<(Instant, Question, Answer)>,
    asked: usize,
}

impl Dns {
    /// Gives a host an address.
    pub fn address(&mut self, host: &str, address: &str) {
        let (record_type, record) = match address.parse().expect("an IP address") {
            std::net::IpAddr::V4(address) => (RecordType::A, Record::A(address)),
            std::net::IpAddr::V6(address) => (RecordType::Aaaa, Record::Aaaa(address)),
        };
        self.add(host, record_type, record);
    }

    /// Gives a service a server.
    pub fn server(&mut self, service: &str, priority: u16, weight: u16, port: u16, host: &str) {
        let record = Record::Srv(Srv { priority, weight, port, target: DomainName::new(host) });
        self.add(service, RecordType::Srv, record);
    }

    /// Says where a domain's servers of a transport are: `SIP+D2U`.
    pub fn service(&mut self, domain: &str, order: u16, service: &str, replacement: &str) {
        let record = Record::Naptr(Naptr {
            order,
            preference: 0,
            flags: "s".to_owned(),
            service: service.to_owned(),
            replacement: DomainName::new(replacement),
        });
        self.add(domain, RecordType::Naptr, record);
    }

    /// Takes all records of a name away.
    pub fn forget(&mut self, name: &str) {
        self.records.retain(|question, _| question.name.as_str() != name);
    }

    /// How many questions it was asked.
    pub fn asked(&self) -> usize {
        self.asked
    }

    fn add(&mut self, name: &str, record_type: RecordType, record: Record) {
        let name = DomainName::new(name).expect("a domain name");
        self.records.entry(Question::new(name, record_type)).or_default().push(record);
    }

    pub(crate) fn ask(&mut self, now: Instant, question: Question) {
        self.asked += 1;
        let (delay, answer) = match self.mood {
            Mood::Silent => return,
            Mood::Failing => (DELAY_OF_FAILURE, Answer::Failed(Failure::Server)),
            Mood::Lying => (DELAY, Answer::NoName { ttl: Some(60) }),
            Mood::Well => (DELAY, self.answer(&question)),
        };
        self.answers.push((now + delay, question, answer));
    }

    fn answer(&self, question: &Question) -> Answer {
        let ttl = if self.ttl == 0 { 60 } else { self.ttl };
        match self.records.get(question) {
            Some(records) => Answer::Found { records: records.clone(), ttl },
            None if self.records.keys().any(|known| known.name == question.name) => {
                Answer::NoData { ttl: Some(60) }
            }
            None => Answer::NoName { ttl: Some(60) },
        }
    }

    pub(crate) fn poll_answer(&mut self, now: Instant) -> Option<(Question, Answer)> {
        let at = self.answers.iter().position(|(due, ..)| *due <= now)?;
        let (_, question, answer) = self.answers.remove(at);
        Some((question, answer))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.answers.iter().map(|(at, ..)| *at).min()
    }
}

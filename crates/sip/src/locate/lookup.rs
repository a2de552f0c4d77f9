//! One location, from a destination to the targets that are tried in order (RFC 3263 §4.1, §4.2; RFC 7118 §5).
//!
//! ```text
//! state \ answers    records                     none, no name            refused        failed
//! Services (NAPTR)   best order with a service   SRV of each transport    as none        as none
//!                    of ours ▸Servers (SRV)      of ours ▸Servers
//! Servers (SRV)      ▸Hosts, by priority and     ▸Hosts: the name         as none        Unanswered ▸Done, unless
//!                    weight; all "." NotOffered  itself, default port                    another service answered
//!                    ▸Done
//! Hosts (A, AAAA)    ▸Done: targets              NoAddress, NoSuchName    Unanswered     Unanswered ▸Done, unless
//!                                                ▸Done, unless another    ▸Done          another host answered
//!                                                host answered
//! ```
//!
//! An address, a port or a transport in the URI skip what they make needless: an address leads to Done at once, a port
//! to Hosts, a transport to Servers. A state is left when all its questions are answered. There are no timers here:
//! whoever asks says when an answer has failed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tipring_core::Rng;

use super::destination::Place;
use super::{
    Answer, Destination, DomainName, Failure, Naptr, Question, Reach, Record, RecordType, Srv,
    Target, Unlocated, srv,
};
use crate::message::{Host, Transport};

/// Services of a domain, servers of a service, that are looked at; the rest of a longer list is passed over.
const MAX_SERVICES: usize = 8;
const MAX_SERVERS: usize = 16;
/// Addresses of one family of one host.
const MAX_ADDRESSES: usize = 8;
/// Targets in all.
pub(super) const MAX_TARGETS: usize = 32;

/// One location under way.
#[derive(Debug)]
pub(super) struct Lookup {
    destination: Destination,
    state: State,
    /// What the state has asked.
    answers: BTreeMap<Question, Option<Answer>>,
}

#[derive(Debug)]
enum State {
    Services(DomainName),
    Servers { name: DomainName, services: Vec<Service> },
    Hosts(Vec<Server>),
    Done(Result<Vec<Target>, Unlocated>),
}

/// A transport and where its SRV records are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    transport: Transport,
    name: DomainName,
}

/// A host and what it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    transport: Transport,
    host: Place,
    port: u16,
}

impl Lookup {
    /// Begins; ask [`questions`](Self::questions) until there is a [`result`](Self::result).
    pub(super) fn new(destination: Destination, reach: &Reach, rng: &mut Rng) -> Self {
        let mut lookup =
            Self { state: State::Done(Ok(Vec::new())), destination, answers: BTreeMap::new() };
        lookup.state = lookup.first_state(reach);
        lookup.ask(reach);
        lookup.advance(reach, rng);
        lookup
    }

    fn first_state(&self, reach: &Reach) -> State {
        let Destination { target, port, transport, secure, open, .. } = &self.destination;
        let name = match target {
            Place::Address(address) => return State::Done(self.literal(*address, reach)),
            Place::Name(name) => name.clone(),
        };
        if !reach.may_reach(*transport, *secure) {
            return State::Done(Err(Unlocated::Unreachable));
        }
        if let Some(port) = *port {
            let Some(transport) = transport.or_else(|| reach.usual(*secure)) else {
                return State::Done(Err(Unlocated::Unreachable));
            };
            return State::Hosts(vec![Server { transport, host: Place::Name(name), port }]);
        }
        match *transport {
            Some(transport) => {
                let service =
                    service_name(&name, transport).map(|name| Service { transport, name });
                State::Servers { name, services: service.into_iter().collect() }
            }
            None if *open => State::Services(name),
            None => State::Servers { services: usual_services(&name, *secure, reach), name },
        }
    }

    fn literal(&self, address: IpAddr, reach: &Reach) -> Result<Vec<Target>, Unlocated> {
        let Destination { port, transport, secure, domain, .. } = &self.destination;
        let transport = transport.or_else(|| reach.usual(*secure)).ok_or(Unlocated::Unreachable)?;
        let address = SocketAddr::new(address, port.unwrap_or_else(|| transport.default_port()));
        if !reach.has(transport, address.ip()) {
            return Err(Unlocated::Unreachable);
        }
        Ok(vec![Target { transport, address, domain: domain.clone() }])
    }

    /// Lists what the state must know.
    fn ask(&mut self, reach: &Reach) {
        let questions: Vec<Question> = match &self.state {
            State::Services(name) => vec![Question::new(name.clone(), RecordType::Naptr)],
            State::Servers { services, .. } => services
                .iter()
                .map(|service| Question::new(service.name.clone(), RecordType::Srv))
                .collect(),
            State::Hosts(servers) => {
                let named = servers.iter().filter_map(|server| match &server.host {
                    Place::Name(name) => Some((server.transport, name)),
                    Place::Address(_) => None,
                });
                let question = |name: &DomainName, family| Question::new(name.clone(), family);
                named
                    .flat_map(|(transport, name)| {
                        reach.families(transport).map(move |family| question(name, family))
                    })
                    .collect()
            }
            State::Done(_) => Vec::new(),
        };
        self.answers = questions.into_iter().map(|question| (question, None)).collect();
    }

    /// What must be known and is not yet.
    pub(super) fn questions(&self) -> impl Iterator<Item = &Question> {
        self.answers.iter().filter(|(_, answer)| answer.is_none()).map(|(question, _)| question)
    }

    /// The targets, when they are known.
    pub(super) fn result(&self) -> Option<&Result<Vec<Target>, Unlocated>> {
        if let State::Done(result) = &self.state { Some(result) } else { None }
    }

    /// Takes the answer to one of the questions; what was not asked is passed over.
    pub(super) fn handle_answer(
        &mut self,
        question: &Question,
        answer: Answer,
        reach: &Reach,
        rng: &mut Rng,
    ) {
        match self.answers.get_mut(question) {
            Some(slot @ None) => *slot = Some(answer),
            Some(Some(_)) | None => return,
        }
        self.advance(reach, rng);
    }

    /// Leaves states whose questions are all answered.
    fn advance(&mut self, reach: &Reach, rng: &mut Rng) {
        while self.answers.values().all(Option::is_some) {
            let state = core::mem::replace(&mut self.state, State::Done(Ok(Vec::new())));
            self.state = match state {
                State::Services(name) => self.in_services(name, reach),
                State::Servers { name, services } => self.in_servers(name, services, reach, rng),
                State::Hosts(servers) => self.in_hosts(&servers, reach),
                State::Done(result) => {
                    self.state = State::Done(result);
                    return;
                }
            };
            self.ask(reach);
        }
    }

    fn answer(&self, question: &Question) -> Option<&Answer> {
        self.answers.get(question)?.as_ref()
    }

    /// RFC 3263 §4.1. A failed NAPTR look-up counts as none: every domain must have SRV records too.
    fn in_services(&mut self, name: DomainName, reach: &Reach) -> State {
        let question = Question::new(name.clone(), RecordType::Naptr);
        let secure = self.destination.secure;
        let mut usable: Vec<(u16, u16, Service)> = records(self.answer(&question))
            .filter_map(|record| match record {
                Record::Naptr(naptr) => Some((naptr.order, naptr.preference, service_of(naptr)?)),
                Record::Srv(_) | Record::A(_) | Record::Aaaa(_) => None,
            })
            .filter(|(.., service)| reach.speaks(service.transport, secure))
            .filter(|(.., service)| service.transport.is_secure() || !secure)
            .collect();
        usable.sort_by_key(|(order, preference, _)| (*order, *preference));
        // RFC 3403 §4.1: once one is found, higher orders are out.
        let best = usable.first().map(|(order, ..)| *order);
        let services: Vec<Service> = usable
            .into_iter()
            .filter(|(order, ..)| Some(*order) == best)
            .map(|(.., service)| service)
            .take(MAX_SERVICES)
            .collect();
        if services.is_empty() {
            return State::Servers { services: usual_services(&name, secure, reach), name };
        }
        State::Servers { name, services }
    }

    /// RFC 3263 §4.2.
    fn in_servers(
        &mut self,
        name: DomainName,
        services: Vec<Service>,
        reach: &Reach,
        rng: &mut Rng,
    ) -> State {
        let mut servers = Vec::new();
        let (mut withheld, mut failed) = (false, false);
        for service in services {
            let question = Question::new(service.name, RecordType::Srv);
            let answer = self.answer(&question);
            failed |= matches!(answer, Some(Answer::Failed(Failure::Timeout | Failure::Server)));
            let found: Vec<Srv> = records(answer)
                .filter_map(|record| match record {
                    Record::Srv(srv) => Some(srv.clone()),
                    Record::Naptr(_) | Record::A(_) | Record::Aaaa(_) => None,
                })
                .collect();
            withheld |= found.iter().any(|srv| srv.target.is_none());
            let transport = service.transport;
            servers.extend(srv::order(found, rng).into_iter().filter_map(
                |Srv { port, target, .. }| {
                    let host = target.filter(|_| port != 0)?;
                    // Some write an address where a name must be.
                    let host = match host.as_str().parse() {
                        Ok(Host::V4(address)) => Place::Address(IpAddr::V4(address)),
                        Ok(Host::V6(_) | Host::Name(_)) | Err(_) => Place::Name(host),
                    };
                    Some(Server { transport, host, port })
                },
            ));
        }
        servers.truncate(MAX_SERVERS);
        if !servers.is_empty() {
            return State::Hosts(servers);
        }
        if failed {
            return State::Done(Err(Unlocated::Unanswered));
        }
        if withheld {
            return State::Done(Err(Unlocated::NotOffered));
        }
        let Destination { transport, secure, .. } = self.destination;
        match transport.or_else(|| reach.usual(secure)) {
            Some(transport) => State::Hosts(vec![Server {
                transport,
                host: Place::Name(name),
                port: transport.default_port(),
            }]),
            None => State::Done(Err(Unlocated::Unreachable)),
        }
    }

    fn in_hosts(&mut self, servers: &[Server], reach: &Reach) -> State {
        let mut targets: Vec<Target> = Vec::new();
        let mut worst = Unlocated::Unreachable;
        for server in servers {
            let Server { transport, port, .. } = *server;
            let addresses = match &server.host {
                Place::Address(address) => vec![*address],
                Place::Name(name) => self.addresses(name, &mut worst),
            };
            for address in addresses.into_iter().filter(|address| reach.has(transport, *address)) {
                let address = SocketAddr::new(address, port);
                let known =
                    |target: &Target| target.transport == transport && target.address == address;
                if !targets.iter().any(known) {
                    targets.push(Target {
                        transport,
                        address,
                        domain: self.destination.domain.clone(),
                    });
                }
            }
        }
        targets.truncate(MAX_TARGETS);
        State::Done(if targets.is_empty() { Err(worst) } else { Ok(targets) })
    }

    /// The addresses of a host, its families by turns, IPv6 first (RFC 8305 §4); else why there are none, in `worst`.
    fn addresses(&self, host: &DomainName, worst: &mut Unlocated) -> Vec<IpAddr> {
        let [mut v6, mut v4] = [RecordType::Aaaa, RecordType::A].map(|family| {
            let answer = self.answer(&Question::new(host.clone(), family));
            let reason = match answer {
                Some(Answer::Failed(_)) => Unlocated::Unanswered,
                Some(Answer::NoName { .. }) => Unlocated::NoSuchName,
                Some(Answer::NoData { .. } | Answer::Found { .. }) => Unlocated::NoAddress,
                None => Unlocated::Unreachable,
            };
            *worst = (*worst).max(reason);
            let found = records(answer).filter_map(|record| match record {
                Record::A(address) => Some(IpAddr::V4(*address)),
                Record::Aaaa(address) => Some(IpAddr::V6(*address)),
                Record::Naptr(_) | Record::Srv(_) => None,
            });
            found.filter(is_host).take(MAX_ADDRESSES).collect::<Vec<_>>().into_iter()
        });
        let mut all = Vec::new();
        loop {
            let pair = [v6.next(), v4.next()];
            if pair == [None, None] {
                return all;
            }
            all.extend(pair.into_iter().flatten());
        }
    }
}

fn records(answer: Option<&Answer>) -> impl Iterator<Item = &Record> {
    let found = match answer {
        Some(Answer::Found { records, .. }) => records.as_slice(),
        Some(Answer::NoData { .. } | Answer::NoName { .. } | Answer::Failed(_)) | None => &[],
    };
    found.iter()
}

/// Whether a request can be sent there.
fn is_host(address: &IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

/// The transport that a NAPTR record stands for (RFC 3263 §4.1, RFC 7118 §5); only what goes on at SRV records counts.
fn service_of(naptr: &Naptr) -> Option<Service> {
    let known = [
        ("SIPS+D2T", Transport::Tls),
        ("SIP+D2T", Transport::Tcp),
        ("SIP+D2U", Transport::Udp),
        ("SIPS+D2W", Transport::Wss),
        ("SIP+D2W", Transport::Ws),
    ];
    let (_, transport) =
        known.into_iter().find(|(word, _)| naptr.service.eq_ignore_ascii_case(word))?;
    let name = naptr.replacement.clone().filter(|_| naptr.flags.eq_ignore_ascii_case("s"))?;
    Some(Service { transport, name })
}

/// Where a transport's SRV records are.
fn service_name(name: &DomainName, transport: Transport) -> Option<DomainName> {
    name.with_prefix(match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    })
}

/// The SRV records of a domain without NAPTR records. Browsers' transports are for those who ask for them.
fn usual_services(name: &DomainName, secure: bool, reach: &Reach) -> Vec<Service> {
    let usual: &[Transport] =
        if secure { &[Transport::Tls] } else { &[Transport::Udp, Transport::Tcp] };
    let spoken = usual.iter().copied().filter(|transport| reach.speaks(*transport, secure));
    spoken
        .filter_map(|transport| Some(Service { transport, name: service_name(name, transport)? }))
        .collect()
}

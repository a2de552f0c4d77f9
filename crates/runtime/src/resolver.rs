//! Questions to the DNS, off the signalling task: nothing here waits for another question's answer.
//!
//! The name servers are those of the configuration, else those of `/etc/resolv.conf`, which is read again when it has
//! changed. `/etc/hosts` goes first. What answers mean for SIP, how long they hold and what is done without them is the
//! gateway's (`sip::locate`); the library's own memory is switched off.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{self, Name, RData};
use tipring_gateway::dns::{self, DomainName, Failure, Naptr, Question, Record, RecordType, Srv};
use tokio::sync::mpsc;

/// What the DNS said.
#[derive(Debug)]
pub struct Answer {
    /// To which question.
    pub question: Question,
    /// What.
    pub answer: dns::Answer,
}

/// How long one server is waited for before it is asked again, or the next one is.
const SERVER_PATIENCE: Duration = Duration::from_millis(900);
/// A look-up that takes longer has failed; the gateway would not wait for it either.
const PATIENCE: Duration = Duration::from_millis(2_800);
/// How long an address of `/etc/hosts` holds, in seconds: it may be edited.
const HOSTS_TTL: u32 = 60;

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";

/// Asks name servers.
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// When the files that were read had been changed.
    read: [Option<SystemTime>; 2],
    resolver: Option<TokioResolver>,
}

impl Resolver {
    /// Asks these servers; those of the operating system when there are none.
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, read: [None; 2], resolver: None }
    }

    /// Asks, on a task of its own in the local set that this is called in; the answer comes to `answers`.
    pub fn ask(&mut self, question: Question, answers: mpsc::Sender<Answer>) {
        let Some(resolver) = self.up_to_date() else {
            let answer = dns::Answer::Failed(Failure::Server);
            let _ = answers.try_send(Answer { question, answer });
            return;
        };
        tokio::task::spawn_local(async move {
            let answer = look_up(&resolver, &question).await;
            tracing::debug!(%question, ?answer, "name service");
            let _ = answers.send(Answer { question, answer }).await;
        });
    }

    /// The resolver for the files as they are now.
    fn up_to_date(&mut self) -> Option<TokioResolver> {
        let changed = |path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let now = [RESOLV_CONF, HOSTS].map(changed);
        if self.resolver.is_none() || self.read != now {
            self.read = now;
            self.resolver = self.build();
        }
        self.resolver.clone()
    }

    fn build(&self) -> Option<TokioResolver> {
        let (config, mut options) = if self.servers.is_empty() {
            system().unwrap_or_else(|| (with_servers(&[LOCAL_SERVER]), ResolverOpts::default()))
        } else {
            (with_servers(&self.servers), ResolverOpts::default())
        };
        options.timeout = SERVER_PATIENCE;
        options.attempts = 2;
        options.cache_size = 0;
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        *builder.options_mut() = options;
        match builder.build() {
            Ok(resolver) => Some(resolver),
            Err(error) => {
                tracing::error!(%error, "no names can be looked up");
                None
            }
        }
    }
}

/// Where a name server is when nobody says so, as in resolv.conf(5).
const LOCAL_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

fn system() -> Option<(ResolverConfig, ResolverOpts)> {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::warn!(%error, "{RESOLV_CONF} cannot be used: asking {LOCAL_SERVER}");
            None
        }
    }
}

fn with_servers(servers: &[SocketAddr]) -> ResolverConfig {
    let servers = servers.iter().map(|server| {
        let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = server.port());
        // A server that says no is believed, whichever it is.
        NameServerConfig::new(server.ip(), true, connections.into())
    });
    ResolverConfig::from_parts(None, Vec::new(), servers.collect())
}

async fn look_up(resolver: &TokioResolver, question: &Question) -> dns::Answer {
    let record = match question.record {
        RecordType::Naptr => rr::RecordType::NAPTR,
        RecordType::Srv => rr::RecordType::SRV,
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
    };
    let Ok(mut name) = Name::from_ascii(question.name.as_str()) else {
        return dns::Answer::NoName { ttl: None };
    };
    // A name with a dot is whole; one without may be short for one in a search domain.
    name.set_fqdn(question.name.as_str().contains('.'));
    match tokio::time::timeout(PATIENCE, resolver.lookup(name, record)).await {
        Ok(Ok(lookup)) => found(&lookup),
        Ok(Err(error)) => not_found(&error),
        Err(_) => dns::Answer::Failed(Failure::Timeout),
    }
}

fn found(lookup: &Lookup) -> dns::Answer {
    // CNAMEs on the way count: the answer holds no longer than they do.
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    let ttl = ttl.filter(|ttl| *ttl < hickory_resolver::MAX_TTL).unwrap_or(HOSTS_TTL);
    let records = lookup.answers().iter().filter_map(|record| translate(&record.data)).collect();
    dns::Answer::Found { records, ttl }
}

fn not_found(error: &NetError) -> dns::Answer {
    dns::Answer::Failed(match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords {
            response_code, negative_ttl, ..
        })) => {
            let ttl = *negative_ttl;
            match response_code {
                ResponseCode::NXDomain => return dns::Answer::NoName { ttl },
                ResponseCode::NoError => return dns::Answer::NoData { ttl },
                code => failure(*code),
            }
        }
        NetError::Dns(DnsError::ResponseCode(code)) => failure(*code),
        NetError::Timeout => Failure::Timeout,
        _ => Failure::Server,
    })
}

fn failure(code: ResponseCode) -> Failure {
    match code {
        ResponseCode::Refused | ResponseCode::NotImp | ResponseCode::FormErr => Failure::Refused,
        _ => Failure::Server,
    }
}

fn translate(data: &RData) -> Option<Record> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Some(match data {
        RData::A(address) => Record::A(address.0),
        RData::AAAA(address) => Record::Aaaa(address.0),
        RData::SRV(srv) => Record::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: domain(&srv.target),
        }),
        RData::NAPTR(naptr) => Record::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: domain(&naptr.replacement),
        }),
        _ => return None,
    })
}

/// `None` for the root, and for what cannot be a host.
fn domain(name: &Name) -> Option<DomainName> {
    DomainName::new(&name.to_ascii())
}

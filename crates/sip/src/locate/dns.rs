//! What is asked of the DNS and what it answers, as values.
//!
//! Whoever asks for us (a resolver in the shell, a table in a test) follows CNAMEs, and gives names and numbers; what
//! they mean for SIP is decided here.

use core::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A domain name: lower case, without the dot of the root, labels of 1 to 63 letters, digits, `-` and `_`, 253
/// octets in all at most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

/// A record type that locating SIP servers needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// Services of a domain (RFC 3403).
    Naptr,
    /// Servers of a service (RFC 2782).
    Srv,
    /// IPv4 addresses of a host.
    A,
    /// IPv6 addresses of a host.
    Aaaa,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Of which name.
    pub name: DomainName,
    /// What.
    pub record: RecordType,
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A service of a domain.
    Naptr(Naptr),
    /// A server of a service.
    Srv(Srv),
    /// An address of a host.
    A(Ipv4Addr),
    /// An address of a host.
    Aaaa(Ipv6Addr),
}

/// A service of a domain (RFC 3403 §4.1). Its regular expression is left out: SIP's records have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Records with a lower order come first, and rule out those with a higher one.
    pub order: u16,
    /// Of the same order, the lower is preferred.
    pub preference: u16,
    /// `s` where `replacement` has SRV records.
    pub flags: String,
    /// `SIP+D2U` and so on.
    pub service: String,
    /// Where to go on; `None` for the root, which leads nowhere.
    pub replacement: Option<DomainName>,
}

/// A server of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// The share of requests among those of one priority.
    pub weight: u16,
    /// Where it listens.
    pub port: u16,
    /// The host; `None` for the root: the service is decidedly not offered.
    pub target: Option<DomainName>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Records of the type asked for, at least one; any other is passed over.
    Found {
        /// The records.
        records: Vec<Record>,
        /// How long they hold, in seconds: the least of their own and of the CNAMEs that led to them.
        ttl: u32,
    },
    /// The name exists and has no such record.
    NoData {
        /// How long that holds, in seconds, where the answer says so (RFC 2308 §5).
        ttl: Option<u32>,
    },
    /// There is no such name (NXDOMAIN).
    NoName {
        /// How long that holds, in seconds, where the answer says so.
        ttl: Option<u32>,
    },
    /// Nothing is known.
    Failed(Failure),
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// No server answered in time.
    Timeout,
    /// The servers could not find out (SERVFAIL), or sent nonsense.
    Server,
    /// The servers do not answer such questions (REFUSED, NOTIMP, FORMERR): old forwarders know no NAPTR and SRV.
    Refused,
}

impl DomainName {
    /// The name written `text`, with or without the dot of the root at its end.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let good = |label: &str| {
            let octet = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(octet)
        };
        (text.len() <= 253 && text.split('.').all(good))
            .then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// `_service._proto.name` (RFC 2782); `None` when that is too long.
    pub fn with_prefix(&self, prefix: &str) -> Option<Self> {
        Self::new(&format!("{prefix}.{self}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last label.
    pub fn top(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or("")
    }
}

impl Question {
    /// Asks for `record` of `name`.
    pub const fn new(name: DomainName, record: RecordType) -> Self {
        Self { name, record }
    }
}

impl Record {
    /// What it is.
    pub const fn record_type(&self) -> RecordType {
        match self {
            Self::Naptr(_) => RecordType::Naptr,
            Self::Srv(_) => RecordType::Srv,
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
        }
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Naptr => "NAPTR",
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
        })
    }
}

/// `SRV _sip._udp.example.net`
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.record, self.name)
    }
}

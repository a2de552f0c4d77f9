//! A small name server on loopback: its answers are made by hand (RFC 1035 §4), not by the library under test.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Well,
    ServFail,
    Refused,
    Silence,
}

#[derive(Default)]
struct Zone {
    /// Name, type, TTL, data.
    records: Vec<(String, u16, u32, Vec<u8>)>,
    code: Option<Code>,
    asked: usize,
}

pub struct DnsServer {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

const A: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const NAPTR: u16 = 35;

impl DnsServer {
    pub fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let address = socket.local_addr().expect("an address");
        let zone = Arc::new(Mutex::new(Zone::default()));
        let known = Arc::clone(&zone);
        let serve = move || {
            let mut buffer = [0; 1500];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                let answer = answer(&mut known.lock().expect("no panic"), &buffer[..len]);
                if let Some(answer) = answer {
                    socket.send_to(&answer, from).expect("sent");
                }
            }
        };
        let thread = std::thread::Builder::new().name("name-server".into());
        thread.spawn(serve).expect("a thread");
        Self { address, zone }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        self.zone.lock().expect("no panic").asked
    }

    pub fn fail_with(&self, code: Code) {
        self.zone.lock().expect("no panic").code = Some(code);
    }

    fn add(&self, name: &str, kind: u16, ttl: u32, data: Vec<u8>) {
        self.zone.lock().expect("no panic").records.push((name.to_owned(), kind, ttl, data));
    }

    pub fn a(&self, name: &str, ttl: u32, address: [u8; 4]) {
        self.add(name, A, ttl, address.to_vec());
    }

    pub fn aaaa(&self, name: &str, ttl: u32, address: &str) {
        let address: std::net::Ipv6Addr = address.parse().expect("an address");
        self.add(name, AAAA, ttl, address.octets().to_vec());
    }

    pub fn cname(&self, name: &str, ttl: u32, other: &str) {
        self.add(name, CNAME, ttl, labels(other));
    }

    /// Priority, weight and port.
    pub fn srv(&self, name: &str, ttl: u32, (priority, weight, port): (u16, u16, u16), host: &str) {
        let mut data: Vec<u8> =
            [priority, weight, port].iter().flat_map(|n| n.to_be_bytes()).collect();
        data.extend(labels(host));
        self.add(name, SRV, ttl, data);
    }

    pub fn naptr(
        &self,
        name: &str,
        ttl: u32,
        order: u16,
        preference: u16,
        service: &str,
        to: &str,
    ) {
        let mut data: Vec<u8> = [order, preference].iter().flat_map(|n| n.to_be_bytes()).collect();
        for text in ["s", service, ""] {
            data.push(u8::try_from(text.len()).expect("a short string"));
            data.extend(text.as_bytes());
        }
        data.extend(labels(to));
        self.add(name, NAPTR, ttl, data);
    }
}

fn labels(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).expect("a short label"));
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

/// The name at the head of the question, and the octets that it takes.
fn name(octets: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 0);
    while octets[at] != 0 {
        let len = usize::from(octets[at]);
        let label = &octets[at + 1..at + 1 + len];
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + len;
    }
    (labels.join("."), at + 1)
}

fn answer(zone: &mut Zone, query: &[u8]) -> Option<Vec<u8>> {
    zone.asked += 1;
    let (mut wanted, len) = name(&query[12..]);
    let kind = u16::from_be_bytes([query[12 + len], query[13 + len]]);
    let code = match zone.code.unwrap_or(Code::Well) {
        Code::Silence => return None,
        Code::ServFail => Some(2),
        Code::Refused => Some(5),
        Code::Well => None,
    };
    let mut found = Vec::new();
    let mut exists = false;
    if code.is_none() {
        for _ in 0..4 {
            exists |= zone.records.iter().any(|(name, ..)| *name == wanted);
            let here =
                zone.records.iter().filter(|(name, other, ..)| *name == wanted && *other == kind);
            found.extend(here.cloned());
            let alias =
                zone.records.iter().find(|(name, other, ..)| *name == wanted && *other == CNAME);
            let Some(alias) = alias.filter(|_| kind != CNAME) else { break };
            found.push(alias.clone());
            wanted = name(&alias.3).0;
        }
    }
    let negative = code.is_none() && found.is_empty();
    let code = code.unwrap_or(if exists { 0 } else { 3 });
    let mut message = query[..2].to_vec();
    // A response, recursion desired and available.
    message.extend([0x81, 0x80 | code]);
    let counts = [1, u16::try_from(found.len()).expect("few"), u16::from(negative), 0];
    message.extend(counts.iter().flat_map(|n| n.to_be_bytes()));
    message.extend(&query[12..12 + len + 4]);
    for (name, kind, ttl, data) in found {
        record(&mut message, &labels(&name), kind, ttl, &data);
    }
    if negative {
        let mut soa = [labels("ns.test"), labels("admin.test")].concat();
        // Serial, refresh, retry, expire; negative answers hold for 40 s (RFC 2308 §4).
        soa.extend([1, 600, 600, 600, 40u32].iter().flat_map(|n| n.to_be_bytes()));
        record(&mut message, &labels("test"), SOA, 40, &soa);
    }
    Some(message)
}

fn record(message: &mut Vec<u8>, name: &[u8], kind: u16, ttl: u32, data: &[u8]) {
    message.extend(name);
    message.extend(kind.to_be_bytes());
    message.extend(1u16.to_be_bytes());
    message.extend(ttl.to_be_bytes());
    message.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
    message.extend(data);
}

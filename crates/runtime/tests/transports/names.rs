//! Names, from a DNS server on loopback to a registration at the second server of a trunk.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use tipring_call::{CallConfig, WallClock};
use tipring_gateway::FlowLimits;
use tipring_gateway::config::{
    Account, Codec, Config as GatewayConfig, Country, DtmfRelay, RegistrarConfig, Reliability,
    Secret, SipConfig, Transport, TrunkConfig,
};
use tipring_gateway::dns::{Answer, DomainName, Failure, Naptr, Question, Record, RecordType, Srv};
use tipring_runtime::clock::Clock;
use tipring_runtime::resolver::Resolver;
use tipring_runtime::{Config, Process, Request};

use crate::dns_server::{Code, DnsServer};

const PATIENCE: Duration = Duration::from_secs(20);

fn ask(servers: Vec<SocketAddr>, name: &str, record: RecordType) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let question = Question::new(DomainName::new(name).expect("a name"), record);
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let (say, mut answers) = tokio::sync::mpsc::channel(1);
        Resolver::new(servers).ask(question.clone(), say);
        let answer = answers.recv().await.expect("an answer");
        assert_eq!(answer.question, question);
        answer.answer
    })
}

#[test]
fn each_record_is_read_as_it_was_sent() {
    let server = DnsServer::start();
    server.naptr("provider.test", 300, 10, 20, "SIP+D2U", "_sip._udp.provider.test");
    server.srv("_sip._udp.provider.test", 120, (1, 50, 5070), "a.provider.test");
    server.a("a.provider.test", 60, [192, 0, 2, 7]);
    server.aaaa("a.provider.test", 90, "2001:db8::7");
    let name = |text: &str| DomainName::new(text);
    let ask = |name: &str, record| ask(vec![server.address()], name, record);
    let naptr = Naptr {
        order: 10,
        preference: 20,
        flags: "s".to_owned(),
        service: "SIP+D2U".to_owned(),
        replacement: name("_sip._udp.provider.test"),
    };
    let found = |record, ttl| Answer::Found { records: vec![record], ttl };
    assert_eq!(ask("provider.test", RecordType::Naptr), found(Record::Naptr(naptr), 300));
    let srv = Srv { priority: 1, weight: 50, port: 5070, target: name("a.provider.test") };
    assert_eq!(ask("_sip._udp.provider.test", RecordType::Srv), found(Record::Srv(srv), 120));
    let v4 = Record::A([192, 0, 2, 7].into());
    assert_eq!(ask("a.provider.test", RecordType::A), found(v4, 60));
    let v6 = Record::Aaaa("2001:db8::7".parse().expect("an address"));
    assert_eq!(ask("a.provider.test", RecordType::Aaaa), found(v6, 90));
}

#[test]
fn an_alias_is_followed_and_its_time_counts() {
    let server = DnsServer::start();
    server.cname("sip.provider.test", 30, "a.provider.test");
    server.a("a.provider.test", 300, [192, 0, 2, 7]);
    let answer = ask(vec![server.address()], "sip.provider.test", RecordType::A);
    assert_eq!(answer, Answer::Found { records: vec![Record::A([192, 0, 2, 7].into())], ttl: 30 });
}

#[test]
fn what_is_not_there_is_told_from_what_is_not_known() {
    let server = DnsServer::start();
    server.a("a.provider.test", 60, [192, 0, 2, 7]);
    let ask = |name: &str, record| ask(vec![server.address()], name, record);
    assert_eq!(ask("nobody.test", RecordType::A), Answer::NoName { ttl: Some(40) });
    assert_eq!(ask("a.provider.test", RecordType::Srv), Answer::NoData { ttl: Some(40) });
    server.fail_with(Code::ServFail);
    assert_eq!(ask("a.provider.test", RecordType::A), Answer::Failed(Failure::Server));
    server.fail_with(Code::Refused);
    assert_eq!(ask("a.provider.test", RecordType::A), Answer::Failed(Failure::Refused));
    server.fail_with(Code::Silence);
    let clock = Clock::start();
    let start = clock.now();
    assert_eq!(ask("a.provider.test", RecordType::A), Answer::Failed(Failure::Timeout));
    let took = clock.now() - start;
    assert!(took < Duration::from_millis(3_500), "{took:?}");
}

#[test]
fn a_silent_server_gives_way_to_the_next() {
    let (silent, well) = (DnsServer::start(), DnsServer::start());
    silent.fail_with(Code::Silence);
    well.a("a.provider.test", 60, [192, 0, 2, 7]);
    let answer = ask(vec![silent.address(), well.address()], "a.provider.test", RecordType::A);
    assert!(matches!(answer, Answer::Found { .. }), "{answer:?}");
}

#[test]
fn nothing_is_remembered_here() {
    let server = DnsServer::start();
    server.a("a.provider.test", 3600, [192, 0, 2, 7]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let mut resolver = Resolver::new(vec![server.address()]);
        let (say, mut answers) = tokio::sync::mpsc::channel(1);
        for _ in 0..3 {
            let name = DomainName::new("a.provider.test").expect("a name");
            resolver.ask(Question::new(name, RecordType::A), say.clone());
            let answer = answers.recv().await.expect("an answer").answer;
            assert!(matches!(answer, Answer::Found { ttl: 3600, .. }), "{answer:?}");
        }
    });
    assert_eq!(server.asked(), 3);
}

#[test]
fn localhost_is_what_the_hosts_file_says() {
    // Nobody listens there: the file answers.
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let answer = ask(vec![nobody], "localhost", RecordType::A);
    let Answer::Found { records, ttl } = answer else { panic!("{answer:?}") };
    assert_eq!((records, ttl), (vec![Record::A(Ipv4Addr::LOCALHOST)], 60));
}

/// A gateway whose only trunk registers at `provider.test`.
fn config(dns: SocketAddr) -> Config {
    let trunk = TrunkConfig {
        name: "provider".to_owned(),
        uri: "sip:provider.test".parse().expect("a URI"),
        proxies: Vec::new(),
        register: true,
        trusted: false,
        dtmf: DtmfRelay::Rtp,
        instance: None,
        keep_alive: None,
        account: Some(Account {
            username: "gw".to_owned(),
            secret: Secret::Password("secret".to_owned()),
            realms: Vec::new(),
        }),
    };
    let here = |transport| (transport, (Ipv4Addr::LOCALHOST, 0).into());
    let gateway = GatewayConfig {
        country: Country::find("us").expect("a country"),
        sip: SipConfig {
            listen: vec![here(Transport::Udp), here(Transport::Tcp)],
            connect_from: Vec::new(),
            domain: "example.org".into(),
            registrar: RegistrarConfig::default(),
            rtp_ports: 20_000..=20_999,
            advertise: Vec::new(),
            flows: FlowLimits::default(),
            codecs: vec![Codec::Pcmu],
            ptime_ms: 20,
            session_timer: None,
            reliability: Reliability::Supported,
        },
        cards: Vec::new(),
        lines: Vec::new(),
        users: Vec::new(),
        trunks: vec![trunk],
        rules: Vec::new(),
        groups: Vec::new(),
        call: CallConfig::default(),
        wall: WallClock::default(),
    };
    Config { dns: vec![dns], ..Config::new(gateway) }
}

/// A SIP socket on loopback, and what it receives first.
fn listen() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

fn receive(socket: &UdpSocket) -> (String, SocketAddr) {
    let mut buffer = [0; 4096];
    let (len, from) = socket.recv_from(&mut buffer).expect("a datagram in time");
    (String::from_utf8_lossy(&buffer[..len]).into_owned(), from)
}

/// The 200 to a REGISTER, by hand.
fn granted(register: &str) -> String {
    let line = |name: &str| {
        let found = register.lines().find(|line| line.starts_with(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("{name} in {register}")).to_owned()
    };
    let lines = ["Via", "From", "To", "Call-ID", "CSeq", "Contact"].map(line);
    format!("SIP/2.0 200 OK\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"))
}

/// One REGISTER from a stream: it has no body.
fn read_register(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).expect("a REGISTER in time");
        text.push(char::from(octet[0]));
    }
    text
}

#[test]
fn a_trunk_registers_at_the_second_server_when_the_first_is_dead() {
    let ((dead, dead_port), (alive, alive_port)) = (listen(), listen());
    let server = DnsServer::start();
    server.naptr("provider.test", 60, 10, 10, "SIP+D2U", "_sip._udp.provider.test");
    server.srv("_sip._udp.provider.test", 60, (1, 0, dead_port), "a.provider.test");
    server.srv("_sip._udp.provider.test", 60, (2, 0, alive_port), "b.provider.test");
    server.a("a.provider.test", 60, [127, 0, 0, 1]);
    server.a("b.provider.test", 60, [127, 0, 0, 1]);
    let (say, heard) = mpsc::channel();
    let config = config(server.address());
    let process = Process::start(Clock::start(), config, move |notice| {
        let _ = say.send(format!("{notice:?}"));
    })
    .expect("a gateway");
    let (first, _) = receive(&dead);
    let clock = Clock::start();
    let start = clock.now();
    assert!(first.starts_with("REGISTER sip:provider.test SIP/2.0\r\n"), "{first}");
    let (second, from) = receive(&alive);
    let took = clock.now() - start;
    assert!(second.starts_with("REGISTER sip:provider.test SIP/2.0\r\n"), "{second}");
    // 1.75 s, and what a busy machine adds.
    assert!(took > Duration::from_millis(1_500) && took < Duration::from_secs(4), "{took:?}");
    alive.send_to(granted(&second).as_bytes(), from).expect("sent");
    registers(&process, &heard);
    process.request(Request::Drain { patience: Duration::ZERO });
    process.leave().expect("nothing has failed");
}

/// Waits until the trunk is registered.
fn registers(process: &Process, heard: &mpsc::Receiver<String>) {
    let clock = Clock::start();
    let end = clock.now() + PATIENCE;
    while process.audit().expect("it is there").trunks_registered == 0 {
        assert!(clock.now() < end, "it does not register");
        let _ = heard.recv_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_trunk_whose_connection_is_gone_registers_again_over_a_new_one() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let server = DnsServer::start();
    let port = listener.local_addr().expect("an address").port();
    server.srv("_sip._tcp.provider.test", 60, (1, 0, port), "a.provider.test");
    server.a("a.provider.test", 60, [127, 0, 0, 1]);
    let (say, heard) = mpsc::channel();
    let process = Process::start(Clock::start(), config(server.address()), move |notice| {
        let _ = say.send(format!("{notice:?}"));
    })
    .expect("a gateway");
    let (mut first, _) = listener.accept().expect("a connection");
    let register = read_register(&mut first);
    assert!(register.contains("\r\nVia: SIP/2.0/TCP "), "{register}");
    first.write_all(granted(&register).as_bytes()).expect("sent");
    registers(&process, &heard);
    drop(first);
    // Long before the refresh, which is due in most of an hour.
    let (mut second, _) = listener.accept().expect("another connection");
    let again = read_register(&mut second);
    assert!(again.starts_with("REGISTER sip:provider.test SIP/2.0\r\n"), "{again}");
    second.write_all(granted(&again).as_bytes()).expect("sent");
    process.request(Request::Drain { patience: Duration::ZERO });
    // It takes its binding back on the way out.
    let last = read_register(&mut second);
    assert!(last.contains("\r\nExpires: 0\r\n"), "{last}");
    second.write_all(granted(&last).as_bytes()).expect("sent");
    process.leave().expect("nothing has failed");
}

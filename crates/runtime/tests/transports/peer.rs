//! A SIP peer that speaks in texts over any stream.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::house::PATIENCE;

/// One end of a connection.
pub struct Peer<S> {
    pub stream: S,
    /// `TCP`, `TLS`: the word in its Via.
    word: &'static str,
    /// What its Via and Contact name.
    pub name: String,
    received: Vec<u8>,
}

/// What a stream must tell and be able to do.
pub trait Stream: Read + Write {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Peer<TcpStream> {
    pub fn tcp(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).expect("the gateway listens");
        Self::new("TCP", stream)
    }

    /// Connects from this address.
    pub fn tcp_from(from: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((from, 0)).into()).expect("an address of this machine");
        socket.connect(&to.into()).expect("the gateway listens");
        Self::new("TCP", socket.into())
    }

    /// Waits for a connection.
    pub fn accept(listener: &TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a socket");
        let deadline = Instant::now() + PATIENCE;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a socket");
                    return Self::new("TCP", stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Instant::now() < deadline, "nobody connects");
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl<S: Stream> Peer<S> {
    pub fn new(word: &'static str, stream: S) -> Self {
        stream.tcp().set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.tcp().set_nodelay(true).expect("a socket");
        let name = stream.tcp().local_addr().expect("an address").to_string();
        Self { stream, word, name, received: Vec::new() }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection is there");
        self.stream.flush().expect("the connection is there");
    }

    /// A request of this method to `to`, with more lines and a body.
    pub fn request(&self, method: &str, to: &str, more: &str, body: &str) -> String {
        let (word, name) = (self.word, &self.name);
        let branch = format!("z9hG4bK{}", number());
        text_of(
            method,
            to,
            &format!("SIP/2.0/{word} {name};rport;branch={branch}"),
            name,
            more,
            body,
        )
    }

    pub fn send(&mut self, method: &str, to: &str, more: &str, body: &str) -> String {
        let request = self.request(method, to, more, body);
        self.write(request.as_bytes());
        request
    }

    /// The next message; its end is told by Content-Length.
    pub fn next(&mut self) -> String {
        loop {
            if let Some(message) = self.take() {
                return message;
            }
            let mut chunk = [0; 4096];
            let length = self.stream.read(&mut chunk).expect("a message in time");
            assert!(length > 0, "the gateway has closed the connection");
            self.received.extend_from_slice(&chunk[..length]);
        }
    }

    /// The next message but 100 (Trying), which must begin with `start`.
    #[track_caller]
    pub fn expect(&mut self, start: &str) -> String {
        loop {
            let message = self.next();
            if message.starts_with("SIP/2.0 100") {
                continue;
            }
            assert!(message.starts_with(start), "{start} expected:\n{message}");
            return message;
        }
    }

    /// Waits for so many octets, whatever they are.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).expect("octets in time");
        octets
    }

    /// Waits until the gateway closes the connection; gives what it said before.
    pub fn closed(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.received);
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => rest.extend_from_slice(&chunk[..length]),
                // What we sent after it was closed comes back as this.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                Err(error) => panic!("the connection is still there: {error}"),
            }
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether the gateway ends it before it has said anything.
    pub fn is_refused(&mut self) -> bool {
        let mut chunk = [0; 1];
        match self.stream.read(&mut chunk) {
            Ok(length) => length == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &str, status: &str, more: &str, body: &str) {
        let answer = answer_to(request, status, more, body);
        self.write(answer.as_bytes());
    }

    fn take(&mut self) -> Option<String> {
        let header = self.received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = String::from_utf8(self.received[..header].to_vec()).expect("text");
        let length: usize = header_of(&text, "Content-Length").parse().expect("a number");
        if self.received.len() < header + length {
            return None;
        }
        let message: Vec<u8> = self.received.drain(..header + length).collect();
        Some(String::from_utf8(message).expect("text"))
    }

    /// Registers `user`, who proves it.
    pub fn register(&mut self, user: &str, contact: &str) {
        let line = format!("Contact: {contact}\r\nExpires: 600\r\n");
        let first = self.send("REGISTER", "sip:tipring.test", &line, "");
        let challenge = self.expect("SIP/2.0 401");
        let again = proven(&first, &challenge, user)
            .replace("To: <sip:tipring.test>", &format!("To: <sip:{user}@tipring.test>"));
        self.write(again.as_bytes());
        self.expect("SIP/2.0 200");
    }
}

/// Alice calls, and proves that she is alice.
pub fn call_as_alice<S: Stream>(alice: &mut Peer<S>, number: &str) {
    let contact = format!("Contact: <sip:alice@{};transport=tcp>\r\n", alice.name);
    let (to, offer) = (format!("sip:{number}@tipring.test"), sdp("127.0.0.1"));
    let invite = alice.request("INVITE", &to, &contact, &offer);
    let invite = invite.replace("From: <sip:peer@", "From: <sip:alice@");
    alice.write(invite.as_bytes());
    let challenge = alice.expect("SIP/2.0 407");
    alice.write(ack_to(&invite, &challenge).as_bytes());
    alice.write(proven(&invite, &challenge, "alice").as_bytes());
}

/// `request` again, with the proof that `challenge` asks for.
pub fn proven(request: &str, challenge: &str, user: &str) -> String {
    let by_proxy = challenge.starts_with("SIP/2.0 407");
    let (asks, answers) = match by_proxy {
        true => ("Proxy-Authenticate", "Proxy-Authorization"),
        false => ("WWW-Authenticate", "Authorization"),
    };
    let nonce = quoted(header_of(challenge, asks), "nonce");
    let realm = quoted(header_of(challenge, asks), "realm");
    let mut start = request.split(' ');
    let (method, uri) = (start.next().expect("a method"), start.next().expect("a URI"));
    let ha1 = hex(&format!("{user}:{realm}:secret"));
    let ha2 = hex(&format!("{method}:{uri}"));
    let response = hex(&format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
    let proof = format!(
        "{answers}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", qop=auth, \
         nc=00000001, cnonce=\"c\", response=\"{response}\", algorithm=MD5\r\n"
    );
    request
        .replace("CSeq: 1", "CSeq: 2")
        .replace(";branch=z9hG4bK", ";branch=z9hG4bKp")
        .replace("Content-Length", &format!("{proof}Content-Length"))
}

/// A request as a datagram, and what comes back.
pub fn ask_by_datagram(socket: &UdpSocket, to: SocketAddr, request: &str) -> String {
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.send_to(request.as_bytes(), to).expect("it can be sent");
    let mut datagram = [0; 4096];
    let (length, _) = socket.recv_from(&mut datagram).expect("an answer in time");
    String::from_utf8(datagram[..length].to_vec()).expect("text")
}

/// A request with this Via.
pub fn text_of(method: &str, to: &str, via: &str, name: &str, more: &str, body: &str) -> String {
    let tag = number();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} {to} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:peer@{name}>;tag={tag}\r\n\
         To: <{to}>\r\nCall-ID: {tag}@peer\r\nCSeq: 1 {method}\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn answer_to(request: &str, status: &str, more: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    let header = request.split("\r\n\r\n").next().expect("a header");
    for line in header.split("\r\n") {
        let name = line.split(':').next().unwrap_or_default();
        if ["Via", "From", "Call-ID", "CSeq", "Record-Route"].contains(&name) {
            text += &format!("{line}\r\n");
        } else if name == "To" {
            let tag = if line.contains(";tag=") { "" } else { ";tag=peer" };
            text += &format!("{line}{tag}\r\n");
        }
    }
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    text + &format!("{more}{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The ACK for a failure.
pub fn ack_to(invite: &str, failure: &str) -> String {
    let header = invite.split("\r\n\r\n").next().expect("a header");
    let lines = header.split("\r\n").filter_map(|line| match line.split(':').next()? {
        "To" => Some(format!("To: {}\r\n", header_of(failure, "To"))),
        "Via" | "From" | "Call-ID" | "Max-Forwards" => Some(format!("{line}\r\n")),
        "CSeq" => Some(format!("{}\r\n", line.replace("INVITE", "ACK"))),
        _ => None,
    });
    let uri = invite.split(' ').nth(1).expect("a URI");
    format!("ACK {uri} SIP/2.0\r\n{}Content-Length: 0\r\n\r\n", lines.collect::<String>())
}

/// A description of one stream of µ-law that nobody sends.
pub fn sdp(ip: &str) -> String {
    let family = if ip.contains(':') { "IP6" } else { "IP4" };
    format!(
        "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
    )
}

/// The value of a header field.
pub fn header_of<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name}:\n{text}")).trim()
}

fn quoted<'a>(value: &'a str, name: &str) -> &'a str {
    let rest = value.split(&format!("{name}=\"")).nth(1).expect("the parameter");
    rest.split('"').next().expect("its end")
}

fn number() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn hex(text: &str) -> String {
    use md5::{Digest, Md5};
    Md5::digest(text.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect()
}

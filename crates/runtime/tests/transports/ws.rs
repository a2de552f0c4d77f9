//! SIP over WebSocket (RFC 7118).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tipring_gateway::config::Transport;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::house::{House, PATIENCE};
use crate::peer::{Peer, Stream, header_of, sdp};
use crate::pki::{Ca, client, files};

/// What a browser is called in Via and Contact.
const NOBODY: &str = "df7jal23ls0d.invalid";

/// A WebSocket as a stream: what is written at once is one message.
struct Frames<S> {
    socket: WebSocket<S>,
    unread: Vec<u8>,
}

impl<S: Stream> Stream for Frames<S> {
    fn tcp(&self) -> &TcpStream {
        self.socket.get_ref().tcp()
    }
}

impl<S: Read + Write> Read for Frames<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() {
            match self.socket.read() {
                Ok(Message::Text(text)) => self.unread = text.as_bytes().to_vec(),
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => return Ok(0),
                Ok(other) => panic!("{other:?}"),
                Err(Error::Io(error)) => return Err(error),
                Err(error) => return Err(io::Error::new(ErrorKind::ConnectionReset, error)),
            }
        }
        let length = into.len().min(self.unread.len());
        into[..length].copy_from_slice(&self.unread[..length]);
        self.unread.drain(..length);
        Ok(length)
    }
}

impl<S: Read + Write> Write for Frames<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        self.socket.send(Message::text(text)).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The upgrade by which a client asks for this subprotocol from a page of this origin.
fn upgrade<S: Read + Write>(
    stream: S,
    protocol: &str,
    origin: Option<&str>,
) -> Result<WebSocket<S>, u16> {
    let mut request = "ws://localhost/sip".into_client_request().expect("a request");
    let value = |text: &str| HeaderValue::from_str(text).expect("a value");
    request.headers_mut().insert("Sec-WebSocket-Protocol", value(protocol));
    if let Some(origin) = origin {
        request.headers_mut().insert("Origin", value(origin));
    }
    match tokio_tungstenite::tungstenite::client(request, stream) {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
            Ok(socket)
        }
        Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn connect(to: SocketAddr) -> Peer<Frames<TcpStream>> {
    let stream = TcpStream::connect(to).expect("the gateway listens");
    browser("WS", upgrade(stream, "chat, sip", None).expect("an upgrade"))
}

fn browser<S: Stream>(word: &'static str, socket: WebSocket<S>) -> Peer<Frames<S>> {
    let mut peer = Peer::new(word, Frames { socket, unread: Vec::new() });
    peer.name = NOBODY.to_owned();
    peer
}

#[test]
fn requests_are_answered_over_the_web_socket() {
    let house = House::start(&[Transport::Ws]);
    let mut peer = connect(house.at(Transport::Ws));
    for _ in 0..2 {
        peer.send("OPTIONS", "sip:tipring.test", "", "");
        let answer = peer.expect("SIP/2.0 200");
        assert!(
            header_of(&answer, "Via").starts_with(&format!("SIP/2.0/WS {NOBODY};")),
            "{answer}"
        );
    }
    peer.write(b"\r\n\r\n");
    assert_eq!(peer.octets(2), b"\r\n");
    let ping = Message::Ping(b"here?".to_vec().into());
    peer.stream.socket.send(ping).expect("the connection is there");
    let pong = peer.stream.socket.read().expect("a pong");
    assert_eq!(pong, Message::Pong(b"here?".to_vec().into()));
    house.connections(1);
    peer.stream.socket.close(None).expect("the connection is there");
    house.connections(0);
    house.leave();
}

#[test]
fn whoever_does_not_speak_sip_is_refused() {
    let house = House::start(&[Transport::Ws]);
    let open = || TcpStream::connect(house.at(Transport::Ws)).expect("the gateway listens");
    assert_eq!(upgrade(open(), "chat", None).err(), Some(400));
    let mut plain = Peer::tcp(house.at(Transport::Ws));
    plain.send("OPTIONS", "sip:tipring.test", "", "");
    plain.closed();
    house.connections(0);
    house.leave();
}

#[test]
fn pages_from_elsewhere_are_refused_where_origins_are_named() {
    let listen = vec![(Transport::Ws, (Ipv4Addr::LOCALHOST, 0).into())];
    let house = House::with(listen, |config| {
        config.ws_origins = vec!["https://phone.example.org".to_owned()];
    });
    let open = || TcpStream::connect(house.at(Transport::Ws)).expect("the gateway listens");
    assert!(upgrade(open(), "sip", Some("https://phone.example.org")).is_ok());
    assert!(upgrade(open(), "sip", None).is_ok(), "no browser");
    assert_eq!(upgrade(open(), "sip", Some("https://evil.example")).err(), Some(403));
    house.leave();
}

#[test]
fn a_browser_is_called_and_hangs_up_over_its_web_socket() {
    let house = House::start(&[Transport::Ws, Transport::Tcp]);
    let mut alice = connect(house.at(Transport::Ws));
    let contact = format!("<sip:alice@{NOBODY};transport=ws>");
    alice.register("alice", &contact);
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    let theirs = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    caller.send("INVITE", "sip:alice@tipring.test", &theirs, &sdp("127.0.0.1"));
    let offered = alice.expect(&format!("INVITE sip:alice@{NOBODY}"));
    assert!(header_of(&offered, "Via").starts_with("SIP/2.0/WS "), "{offered}");
    alice.answer(&offered, "200 OK", &format!("Contact: {contact}\r\n"), &sdp("127.0.0.1"));
    alice.expect("ACK ");
    let answer = caller.expect("SIP/2.0 200");
    caller.write(crate::peer::ack_to(&offered_to(&answer), &answer).as_bytes());
    let ours = header_of(&offered, "From");
    let mine = format!("{};tag=peer", header_of(&offered, "To"));
    let bye = alice.request("BYE", "sip:tipring.test", "", "");
    let bye = bye
        .replace(header_of(&bye, "From"), &mine)
        .replace(&format!("To: {}", header_of(&bye, "To")), &format!("To: {ours}"))
        .replace(header_of(&bye, "Call-ID"), header_of(&offered, "Call-ID"));
    alice.write(bye.as_bytes());
    alice.expect("SIP/2.0 200");
    let bye = caller.expect("BYE ");
    caller.answer(&bye, "200 OK", "", "");
    house.leave();
}

/// Enough of the INVITE that `answer` answers to acknowledge it.
fn offered_to(answer: &str) -> String {
    let lines = ["Via", "From", "To", "Call-ID", "CSeq"];
    let lines = lines.map(|name| format!("{name}: {}\r\n", header_of(answer, name)));
    format!("INVITE sip:tipring.test SIP/2.0\r\n{}\r\n", lines.concat())
}

#[test]
fn a_browser_calls_through_tls() {
    let ca = Ca::new();
    let listen = vec![(Transport::Wss, (Ipv4Addr::LOCALHOST, 0).into())];
    let house = House::with(listen, |config| config.tls = files(&ca.issue(&["localhost"]), &ca));
    let open = || {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(client(&ca, None), name).expect("a client");
        let stream = TcpStream::connect(house.at(Transport::Wss)).expect("the gateway listens");
        browser(
            "WSS",
            upgrade(StreamOwned::new(connection, stream), "sip", None).expect("an upgrade"),
        )
    };
    let (mut alice, mut bob) = (open(), open());
    bob.register("bob", &format!("<sip:bob@{NOBODY};transport=ws>"));
    let contact = format!("Contact: <sip:alice@{NOBODY};transport=ws>\r\n");
    alice.send("INVITE", "sip:bob@tipring.test", &contact, &sdp("127.0.0.1"));
    let offered = bob.expect(&format!("INVITE sip:bob@{NOBODY}"));
    assert!(header_of(&offered, "Via").starts_with("SIP/2.0/WSS "), "{offered}");
    bob.answer(&offered, "486 Busy Here", "", "");
    bob.expect("ACK ");
    alice.expect("SIP/2.0 486");
    house.leave();
}

#[test]
fn messages_in_pieces_are_put_together_and_large_ones_refused() {
    let house = House::start(&[Transport::Ws]);
    let mut peer = connect(house.at(Transport::Ws));
    let request = peer.request("OPTIONS", "sip:tipring.test", "", "");
    let pieces: Vec<&[u8]> = request.as_bytes().chunks(50).collect();
    for (at, piece) in pieces.iter().enumerate() {
        let data = if at == 0 { Data::Text } else { Data::Continue };
        let is_last = at + 1 == pieces.len();
        let frame = Frame::message(piece.to_vec(), OpCode::Data(data), is_last);
        peer.stream.socket.send(Message::Frame(frame)).expect("the connection is there");
    }
    peer.expect("SIP/2.0 200");
    for at in 0..3 {
        let data = if at == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![b'x'; 40_000], OpCode::Data(data), false);
        let _ = peer.stream.socket.send(Message::Frame(frame));
    }
    peer.closed();
    house.connections(0);
    house.leave();
}

/// In small frames, between which pings are answered; and in one frame, an octet at a time.
#[test]
fn a_message_that_does_not_end_in_time_ends_the_connection() {
    let message = Duration::from_millis(700);
    for in_frames in [true, false] {
        let house = House::with(vec![(Transport::Ws, (Ipv4Addr::LOCALHOST, 0).into())], |config| {
            config.gateway.sip.flows.message = message;
        });
        let mut peer = connect(house.at(Transport::Ws));
        let start = Instant::now();
        // RFC 6455 §5.2: a text frame, masked, of 1000 octets.
        let mut octets = [0x81, 0x80 | 126, 0x03, 0xe8, 0, 0, 0, 0].into_iter().chain([b'x'; 999]);
        let mut data = Data::Text;
        loop {
            let is_there = if in_frames {
                let frame = Frame::message(b"x".to_vec(), OpCode::Data(data), false);
                data = Data::Continue;
                let socket = &mut peer.stream.socket;
                socket.send(Message::Frame(frame)).is_ok()
                    && socket.send(Message::Pong("".into())).is_ok()
            } else {
                let octet = octets.next().expect("time enough");
                peer.stream.socket.get_mut().write_all(&[octet]).is_ok()
            };
            assert!(start.elapsed() < PATIENCE, "the connection is still there");
            if !is_there {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(start.elapsed() >= message);
        house.connections(0);
        house.leave();
    }
}

#[test]
fn frames_without_a_mask_are_refused() {
    let house = House::start(&[Transport::Ws]);
    let mut peer = connect(house.at(Transport::Ws));
    // RFC 6455 §5.1: final text frame of two octets.
    peer.stream.socket.get_mut().write_all(&[0x81, 2, b'h', b'i']).expect("a socket");
    peer.closed();
    house.connections(0);
    house.leave();
}

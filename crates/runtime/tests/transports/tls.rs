//! SIP over TLS: who is believed, and which connection is used for whom.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use tipring_gateway::config::Transport;
use tipring_runtime::Config;
use tipring_runtime::tls::TlsFiles;

use crate::house::{House, PATIENCE, trunk};
use crate::peer::{Peer, Stream, call_as_alice, header_of, sdp};
use crate::pki::{Ca, Pair, client, files, server};

pub type Client = StreamOwned<ClientConnection, TcpStream>;
type Server = StreamOwned<ServerConnection, TcpStream>;

impl Stream for Client {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

impl Stream for Server {
    fn tcp(&self) -> &TcpStream {
        &self.sock
    }
}

/// A peer that connects to the gateway, whose certificate must name `localhost`.
pub fn connect(to: SocketAddr, config: Arc<ClientConfig>) -> Peer<Client> {
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(config, name).expect("a client");
    let stream = TcpStream::connect(to).expect("the gateway listens");
    Peer::new("TLS", StreamOwned::new(connection, stream))
}

/// A peer that the gateway connects to.
fn accept(listener: &TcpListener, config: Arc<ServerConfig>) -> Peer<Server> {
    let stream = Peer::accept(listener).stream;
    let connection = ServerConnection::new(config).expect("a server");
    Peer::new("TLS", StreamOwned::new(connection, stream))
}

fn local(transport: Transport) -> (Transport, SocketAddr) {
    (transport, (Ipv4Addr::LOCALHOST, 0).into())
}

/// TCP for alice and TLS for the others.
fn house(tls: TlsFiles, change: impl FnOnce(&mut Config)) -> House {
    House::with(vec![local(Transport::Tcp), local(Transport::Tls)], |config| {
        config.tls = tls;
        change(config);
    })
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

#[test]
fn requests_are_answered_over_tls() {
    let ca = Ca::new();
    let house = house(files(&ca.issue(&["localhost"]), &ca), |_| {});
    let mut peer = connect(house.at(Transport::Tls), client(&ca, None));
    for _ in 0..2 {
        let request = peer.send("OPTIONS", "sips:tipring.test", "", "");
        let answer = peer.expect("SIP/2.0 200");
        assert_eq!(header_of(&answer, "Call-ID"), header_of(&request, "Call-ID"));
    }
    peer.write(b"\r\n\r\n");
    assert_eq!(peer.octets(2), b"\r\n");
    house.leave();
}

#[test]
fn a_user_is_called_over_the_connection_that_it_registered_on() {
    let ca = Ca::new();
    let house = house(files(&ca.issue(&["localhost"]), &ca), |_| {});
    let mut alice = connect(house.at(Transport::Tls), client(&ca, None));
    alice.register("alice", "<sip:alice@df7jal23ls0d.invalid;transport=tls>");
    let mut caller = Peer::tcp(house.at(Transport::Tcp));
    let contact = format!("Contact: <sip:peer@{};transport=tcp>\r\n", caller.name);
    caller.send("INVITE", "sip:alice@tipring.test", &contact, &sdp("127.0.0.1"));
    let offered = alice.expect("INVITE ");
    assert!(header_of(&offered, "Via").starts_with("SIP/2.0/TLS "), "{offered}");
    assert!(header_of(&offered, "Contact").contains(";transport=tls"), "{offered}");
    alice.answer(&offered, "486 Busy Here", "", "");
    alice.expect("ACK ");
    caller.expect("SIP/2.0 486");
    house.connections(2);
    house.leave();
}

#[test]
fn a_sips_call_gets_a_sips_contact() {
    let ca = Ca::new();
    let house = house(files(&ca.issue(&["localhost"]), &ca), |_| {});
    let mut alice = connect(house.at(Transport::Tls), client(&ca, None));
    alice.register("alice", "<sips:alice@df7jal23ls0d.invalid>");
    let mut caller = connect(house.at(Transport::Tls), client(&ca, None));
    let contact = format!("Contact: <sips:peer@{}>\r\n", caller.name);
    caller.send("INVITE", "sips:alice@tipring.test", &contact, &sdp("127.0.0.1"));
    let offered = alice.expect("INVITE ");
    alice.answer(&offered, "180 Ringing", "Contact: <sip:alice@x.invalid>\r\n", "");
    let ringing = caller.expect("SIP/2.0 180");
    let contact = header_of(&ringing, "Contact");
    assert!(contact.starts_with("<sips:") && !contact.contains("transport"), "{contact}");
    alice.answer(&offered, "486 Busy Here", "", "");
    caller.expect("SIP/2.0 486");
    house.leave();
}

/// Alice calls a provider at `localhost` that shows `own`; the provider's end when TLS is established.
fn call_provider(
    tls: TlsFiles,
    config: Arc<ServerConfig>,
) -> (House, Peer<TcpStream>, Result<Peer<Server>, std::io::Error>) {
    let (listener, port) = listener();
    let house = house(tls, |config| trunk(config, &format!("sip:localhost:{port};transport=tls")));
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    call_as_alice(&mut alice, "95551234");
    let mut provider = accept(&listener, config);
    let StreamOwned { conn, sock } = &mut provider.stream;
    let shaken = conn.complete_io(sock).and_then(|_| {
        // In TLS 1.3 the client's refusal of our certificate comes after our side is done.
        while !conn.is_handshaking() && conn.wants_read() {
            let (read, _) = conn.complete_io(sock)?;
            if read > 0 {
                break;
            }
        }
        Ok(())
    });
    (house, alice, shaken.map(|()| provider))
}

#[track_caller]
fn assert_believed(tls: TlsFiles, own: &Pair) {
    let (house, mut alice, provider) = call_provider(tls, server(own, None));
    let mut provider = provider.expect("it is believed");
    let invite = provider.expect("INVITE sip:5551234@localhost");
    provider.answer(&invite, "486 Busy Here", "", "");
    alice.expect("SIP/2.0 486");
    house.leave();
}

#[track_caller]
fn assert_refused(tls: TlsFiles, config: Arc<ServerConfig>) {
    let start = Instant::now();
    let (house, mut alice, provider) = call_provider(tls, config);
    assert!(provider.is_err(), "it is believed");
    let failure = alice.expect("SIP/2.0 ");
    assert!(failure.starts_with("SIP/2.0 5") || failure.starts_with("SIP/2.0 4"), "{failure}");
    assert!(start.elapsed() < PATIENCE, "timer B is 32 s");
    house.leave();
}

#[test]
fn a_server_must_show_a_certificate_for_the_name_that_was_asked_for() {
    let ca = Ca::new();
    let ours = files(&ca.issue(&["localhost"]), &ca);
    assert_believed(ours.clone(), &ca.issue(&["other.example", "localhost"]));
    assert_believed(ours.clone(), &ca.issue(&["other.example", "sip:localhost"]));
    assert_refused(ours.clone(), server(&ca.issue(&["other.example"]), None));
    // RFC 5922 §7.1: where it names SIP domains, its DNS names count for nothing.
    assert_refused(ours.clone(), server(&ca.issue(&["localhost", "sip:other.example"]), None));
    assert_refused(ours, server(&ca.issue(&["127.0.0.1"]), None));
}

#[test]
fn an_expired_certificate_and_one_of_an_unknown_ca_are_refused() {
    let (ca, stranger) = (Ca::new(), Ca::new());
    let ours = files(&ca.issue(&["localhost"]), &ca);
    assert_refused(ours.clone(), server(&ca.expired(&["localhost"]), None));
    assert_refused(ours.clone(), server(&stranger.issue(&["localhost"]), None));
    let system = TlsFiles { ca: None, ..ours };
    assert_refused(system, server(&ca.issue(&["localhost"]), None));
}

#[test]
fn whoever_does_not_want_to_know_believes_everybody() {
    let (ca, stranger) = (Ca::new(), Ca::new());
    let ours = TlsFiles { verify: false, ..files(&ca.issue(&["localhost"]), &ca) };
    assert_believed(ours, &stranger.expired(&["other.example"]));
}

#[test]
fn without_a_certificate_of_our_own_we_connect_but_do_not_listen() {
    let ca = Ca::new();
    let own = ca.issue(&["localhost"]);
    let (listener, port) = listener();
    let house = House::with(vec![local(Transport::Tcp)], |config| {
        config.tls = TlsFiles { ca: Some(ca.file.clone()), ..TlsFiles::default() };
        trunk(config, &format!("sip:localhost:{port};transport=tls"));
    });
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    call_as_alice(&mut alice, "95551234");
    let mut provider = accept(&listener, server(&own, None));
    let invite = provider.expect("INVITE ");
    assert!(header_of(&invite, "Via").starts_with("SIP/2.0/TLS 127.0.0.1;"), "{invite}");
    assert!(header_of(&invite, "Contact").contains("@127.0.0.1;transport=tls"), "{invite}");
    provider.answer(&invite, "486 Busy Here", "", "");
    alice.expect("SIP/2.0 486");
    house.leave();
}

#[test]
fn clients_must_show_a_certificate_where_we_ask_for_one() {
    let (ca, stranger) = (Ca::new(), Ca::new());
    let mut ours = files(&ca.issue(&["localhost"]), &ca);
    ours.client_ca = Some(ca.file.clone());
    let house = house(ours, |_| {});
    let mut known =
        connect(house.at(Transport::Tls), client(&ca, Some(&ca.issue(&["peer.example"]))));
    known.send("OPTIONS", "sip:tipring.test", "", "");
    known.expect("SIP/2.0 200");
    for own in [None, Some(stranger.issue(&["peer.example"])), Some(ca.expired(&["peer.example"]))]
    {
        let mut refused = connect(house.at(Transport::Tls), client(&ca, own.as_ref()));
        let request = refused.request("OPTIONS", "sip:tipring.test", "", "");
        let _ = refused.stream.write_all(request.as_bytes());
        assert!(refused.is_refused(), "{}", own.is_some());
    }
    house.connections(1);
    house.leave();
}

#[test]
fn we_show_ours_to_a_server_that_asks_for_one() {
    let ca = Ca::new();
    let ours = files(&ca.issue(&["localhost"]), &ca);
    let config = server(&ca.issue(&["localhost"]), Some(&ca));
    let (house, mut alice, provider) = call_provider(ours, config);
    let mut provider = provider.expect("both are believed");
    let invite = provider.expect("INVITE ");
    provider.answer(&invite, "486 Busy Here", "", "");
    alice.expect("SIP/2.0 486");
    house.leave();
}

#[test]
fn a_client_that_has_proven_its_name_is_called_over_its_own_connection() {
    let ca = Ca::new();
    let mut ours = files(&ca.issue(&["localhost"]), &ca);
    ours.client_ca = Some(ca.file.clone());
    let (listener, port) = listener();
    let house = house(ours, |config| trunk(config, &format!("sip:localhost:{port};transport=tls")));
    let own = ca.issue(&["localhost"]);
    let mut provider = connect(house.at(Transport::Tls), client(&ca, Some(&own)));
    provider.name = format!("localhost:{port};alias");
    provider.send("OPTIONS", "sip:tipring.test", "", "");
    provider.expect("SIP/2.0 200");
    let mut alice = Peer::tcp(house.at(Transport::Tcp));
    call_as_alice(&mut alice, "95551234");
    let invite = provider.expect("INVITE ");
    provider.answer(&invite, "486 Busy Here", "", "");
    alice.expect("SIP/2.0 486");
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "nobody connects");
    house.leave();
}

#[test]
fn tls_and_plain_sip_do_not_mix() {
    let ca = Ca::new();
    let house = house(files(&ca.issue(&["localhost"]), &ca), |_| {});
    let mut confused = connect(house.at(Transport::Tcp), client(&ca, None));
    let _ = confused.stream.flush();
    assert!(confused.is_refused(), "the greeting of TLS is no SIP");
    let mut plain = Peer::tcp(house.at(Transport::Tls));
    plain.send("OPTIONS", "sip:tipring.test", "", "");
    plain.closed();
    house.connections(0);
    house.leave();
}

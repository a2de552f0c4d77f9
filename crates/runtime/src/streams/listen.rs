//! Sockets that listen.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, UdpSocket as StdSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tipring_sip::message::Transport;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;

use super::Report;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// What may wait in a UDP socket, in octets with what the system keeps beside each: some 2,000 messages.
const RECEIVE_BUFFER: usize = 4 << 20;

/// How long nothing is accepted when there are no more file descriptors.
const NO_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A UDP socket. One for IPv6 leaves IPv4 to others, so that both can have the same port.
pub(crate) fn bind_datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    // As much as the system allows, which it cuts by itself: what comes while we are busy waits instead of being lost.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(StdSocket::from(socket))
}

/// A TCP socket that listens; likewise.
pub(crate) fn bind_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // Connections of an earlier run that linger do not keep us from listening.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(StdListener::from(socket))
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Hands every connection that a peer makes to signalling, and waits while that has too many to do.
pub(crate) fn accept_on(
    listener: TcpListener,
    transport: Transport,
    local: SocketAddr,
    reports: mpsc::Sender<Report>,
) {
    tokio::task::spawn_local(async move {
        loop {
            match listener.accept().await {
                Ok((socket, remote)) => {
                    let accepted = Report::Accepted { transport, local, remote, socket };
                    if reports.send(accepted).await.is_err() {
                        return;
                    }
                }
                // The peer was gone before we looked, or there are no descriptors left.
                Err(error) => {
                    tracing::debug!(%local, %error, "connection not accepted");
                    tokio::time::sleep(NO_DESCRIPTORS).await;
                }
            }
        }
    });
}

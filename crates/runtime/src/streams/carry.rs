//! One connection: octets to signalling, messages to the peer.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tipring_gateway::{Domain, FlowId};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

use super::{Report, ToPeer, What};
use crate::tls::Tls;

/// Octets that are read at a time.
const CHUNK: usize = 8192;

/// How long nothing comes before the operating system asks whether the peer is still there, and how often it asks.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(15))
    .with_retries(3);

/// A connection's way to and from signalling.
pub(super) struct End {
    pub(super) flow: FlowId,
    pub(super) orders: mpsc::Receiver<ToPeer>,
    pub(super) reports: mpsc::Sender<Report>,
}

impl End {
    /// False when nobody listens any more.
    async fn say(&self, what: What) -> bool {
        self.reports.send(Report::Flow { flow: self.flow, what }).await.is_ok()
    }

    async fn fail(&self, error: &io::Error) {
        self.say(What::Failed(error.to_string())).await;
    }
}

/// Carries a connection that a peer has made.
pub(super) async fn accepted(socket: TcpStream, tls: Option<Tls>, end: End) {
    prepare(&socket);
    let Some(tls) = tls else { return carry(socket, end).await };
    match tls.accept(socket).await {
        Ok((stream, names)) => established(stream, names, end).await,
        Err(error) => end.fail(&error).await,
    }
}

/// Connects, and carries the connection.
pub(super) async fn connect(
    local: SocketAddr,
    remote: SocketAddr,
    tls: Option<Tls>,
    domain: Option<Domain>,
    end: End,
) {
    let socket = match open(local, remote).await {
        Ok(socket) => socket,
        Err(error) => return end.fail(&error).await,
    };
    let Some(tls) = tls else { return established(socket, Vec::new(), end).await };
    if !end.say(What::Connected).await {
        return;
    }
    match tls.connect(socket, remote.ip(), domain.as_ref()).await {
        Ok((stream, names)) => established(stream, names, end).await,
        Err(error) => end.fail(&error).await,
    }
}

async fn established(stream: impl AsyncRead + AsyncWrite, names: Vec<Domain>, end: End) {
    if end.say(What::Established(names)).await {
        carry(stream, end).await;
    }
}

async fn open(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if !local.ip().is_unspecified() && local.is_ipv4() == remote.is_ipv4() {
        socket.bind(SocketAddr::new(local.ip(), 0))?;
    }
    let socket = socket.connect(remote).await?;
    prepare(&socket);
    Ok(socket)
}

/// Options that are good to have; a connection without them works as well.
fn prepare(socket: &TcpStream) {
    let _ = socket.set_nodelay(true);
    let _ = SockRef::from(socket).set_tcp_keepalive(&KEEP_ALIVE);
}

/// Reads and writes until either end closes or fails.
async fn carry(stream: impl AsyncRead + AsyncWrite, mut end: End) {
    let (reader, writer) = tokio::io::split(stream);
    let (flow, reports) = (end.flow, end.reports.clone());
    let last = tokio::select! {
        last = read(reader, &end.reports, flow) => last,
        last = write(writer, &mut end.orders, &reports, flow) => last,
    };
    let last = match last {
        Ok(()) => What::Ended,
        Err(error) => What::Failed(error.to_string()),
    };
    end.say(last).await;
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    reports: &mpsc::Sender<Report>,
    flow: FlowId,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match reader.read(&mut chunk).await {
            // Many a peer leaves TLS without a word; messages say themselves where they end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        let what = What::Bytes(bytes.to_vec());
        if reports.send(Report::Flow { flow, what }).await.is_err() {
            return Ok(());
        }
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    orders: &mut mpsc::Receiver<ToPeer>,
    reports: &mpsc::Sender<Report>,
    flow: FlowId,
) -> io::Result<()> {
    while let Some(order) = orders.recv().await {
        match order {
            ToPeer::Send(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let taken = writer.write(rest).await?;
                    rest = rest.get(taken..).filter(|_| taken > 0).ok_or(ErrorKind::WriteZero)?;
                    let what = What::Sent(taken);
                    if reports.send(Report::Flow { flow, what }).await.is_err() {
                        return Ok(());
                    }
                }
                writer.flush().await?;
            }
            // The peer closes its side when it has read everything; if we closed both, what it has not read might be lost.
            ToPeer::Close => {
                writer.shutdown().await?;
                return std::future::pending().await;
            }
        }
    }
    Ok(())
}

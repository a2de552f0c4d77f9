//! One connection: octets to signalling, messages to the peer.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tipring_gateway::{Domain, FlowId};
use tipring_sip::message::Transport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

use super::{Report, ToPeer, What, web_socket};
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
    pub(super) orders: mpsc::Receiver<ToPeer>,
    pub(super) voice: Voice,
}

/// What a connection reports with.
pub(super) struct Voice {
    pub(super) flow: FlowId,
    pub(super) reports: mpsc::Sender<Report>,
}

impl Voice {
    /// False when nobody listens any more.
    pub(super) async fn say(&self, what: What) -> bool {
        self.reports.send(Report::Flow { flow: self.flow, what }).await.is_ok()
    }

    pub(super) async fn fail(&self, error: impl ToString) {
        self.say(What::Failed(error.to_string())).await;
    }

    /// How it ended.
    pub(super) async fn last_word(&self, last: Result<(), impl ToString>) {
        match last {
            Ok(()) => drop(self.say(What::Ended).await),
            Err(error) => self.fail(error).await,
        }
    }
}

/// What those who connect must pass.
pub(super) struct Door {
    pub(super) transport: Transport,
    pub(super) tls: Tls,
    /// Where pages may be from; none for anywhere.
    pub(super) origins: Rc<[String]>,
}

/// Carries a connection that a peer has made.
pub(super) async fn accepted(socket: TcpStream, door: Door, end: End) {
    prepare(&socket);
    let Door { transport, tls, origins } = door;
    let shaken = match transport {
        Transport::Udp | Transport::Tcp => return carry(socket, end).await,
        Transport::Ws => return web_socket::accepted(socket, &origins, Vec::new(), end).await,
        Transport::Tls | Transport::Wss => tls.accept(socket).await,
    };
    match shaken {
        Ok((stream, names)) if transport == Transport::Wss => {
            web_socket::accepted(stream, &origins, names, end).await;
        }
        Ok((stream, names)) => established(stream, names, end).await,
        Err(error) => end.voice.fail(error).await,
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
        Err(error) => return end.voice.fail(error).await,
    };
    let Some(tls) = tls else { return established(socket, Vec::new(), end).await };
    if !end.voice.say(What::Connected).await {
        return;
    }
    match tls.connect(socket, remote.ip(), domain.as_ref()).await {
        Ok((stream, names)) => established(stream, names, end).await,
        Err(error) => end.voice.fail(error).await,
    }
}

async fn established(stream: impl AsyncRead + AsyncWrite, names: Vec<Domain>, end: End) {
    if end.voice.say(What::Established(names)).await {
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

/// Reads and writes until both ends have closed, or one fails. A peer that has said its last word may still listen: what
/// is answered to it is sent.
async fn carry(stream: impl AsyncRead + AsyncWrite, mut end: End) {
    let (reader, writer) = tokio::io::split(stream);
    let End { orders, voice } = &mut end;
    let last = tokio::try_join!(read(reader, voice), write(writer, orders, voice));
    voice.last_word(last.map(drop)).await;
}

async fn read(mut reader: impl AsyncRead + Unpin, voice: &Voice) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match reader.read(&mut chunk).await {
            // Many a peer leaves TLS without a word; messages say themselves where they end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else {
            voice.say(What::Finished).await;
            return Ok(());
        };
        if !voice.say(What::Bytes(bytes.to_vec())).await {
            return Ok(());
        }
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    orders: &mut mpsc::Receiver<ToPeer>,
    voice: &Voice,
) -> io::Result<()> {
    while let Some(order) = orders.recv().await {
        match order {
            ToPeer::Send(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let taken = writer.write(rest).await?;
                    rest = rest.get(taken..).filter(|_| taken > 0).ok_or(ErrorKind::WriteZero)?;
                    if !voice.say(What::Sent(taken)).await {
                        return Ok(());
                    }
                }
                writer.flush().await?;
            }
            // Nothing but WebSocket has pings of its own.
            ToPeer::Ping => {}
            // The peer closes its side when it has read everything; if we closed both, what it has not read might be lost.
            ToPeer::Close => return writer.shutdown().await,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::runtime::Builder;

    use super::*;

    const LONG: usize = 100_000;

    /// A peer asks, closes its side, and reads at its leisure what it is answered.
    async fn asks_and_finishes() -> Vec<&'static str> {
        let (mut peer, stream) = duplex(64);
        let (orders, inbox) = mpsc::channel(8);
        let (reports, mut heard) = mpsc::channel(8192);
        let end = End { orders: inbox, voice: Voice { flow: FlowId(1), reports } };
        let mut said = Vec::new();
        let talk = async {
            peer.write_all(b"question").await.expect("it is there");
            peer.shutdown().await.expect("it is there");
            orders.send(ToPeer::Send(vec![b'x'; LONG])).await.expect("it is there");
            orders.send(ToPeer::Close).await.expect("it is there");
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).await.expect("it is there");
            assert_eq!(answer.len(), LONG);
        };
        tokio::join!(carry(stream, end), talk);
        while let Some(Report::Flow { what, .. }) = heard.recv().await {
            said.push(match what {
                What::Bytes(_) => "bytes",
                What::Finished => "finished",
                What::Sent(_) => "sent",
                What::Ended => "ended",
                _ => "else",
            });
        }
        said.dedup();
        said
    }

    #[test]
    fn a_connection_has_ended_when_the_last_answer_is_sent_and_not_before() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let said = runtime.block_on(asks_and_finishes());
        let last = said.iter().rev().take(2).rev().copied().collect::<Vec<_>>();
        assert_eq!(last, ["sent", "ended"], "{said:?}");
        assert!(said.contains(&"finished"), "{said:?}");
    }
}

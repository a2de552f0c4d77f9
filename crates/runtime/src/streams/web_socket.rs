//! SIP over WebSocket (RFC 7118): each message of WebSocket is one of SIP.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tipring_gateway::Domain;
use tipring_sip::message::MAX_MESSAGE;
use tipring_sip::transport::WebSocketFrames;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use super::carry::{End, Voice};
use super::{ToPeer, What};

/// The subprotocol (RFC 7118 §4.1).
const SIP: &str = "sip";

/// Octets that are read at a time.
const READ_BUFFER: usize = 8192;

/// Upgrades a connection that a client has made, and carries it. `names` are those that its certificate proves.
pub(super) async fn accepted<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    origins: &[String],
    names: Vec<Domain>,
    end: End,
) {
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let agree = |request: &Request, response: Response| agree(request, response, origins);
    let frames = Rc::default();
    let socket = Watched { stream: socket, frames: Rc::clone(&frames) };
    let upgraded =
        tokio_tungstenite::accept_hdr_async_with_config(socket, agree, Some(limits)).await;
    match upgraded {
        Ok(stream) => {
            // What came until now was the request to upgrade, and nothing may follow it before our answer.
            frames.take();
            if end.voice.say(What::Established(names)).await {
                carry(stream, &frames, end).await;
            }
        }
        Err(error) => end.voice.fail(error).await,
    }
}

/// Takes those who want to speak SIP, and nobody else; and of pages those that are at home where they may be.
#[expect(clippy::result_large_err, reason = "the library wants it so")]
fn agree(
    request: &Request,
    mut response: Response,
    origins: &[String],
) -> Result<Response, ErrorResponse> {
    // RFC 6455 §10.2: browsers say it, and nobody else need.
    let origin = request.headers().get(header::ORIGIN);
    let known = |value: &HeaderValue| {
        origins.iter().any(|origin| origin.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    if !origins.is_empty() && origin.is_some_and(|value| !known(value)) {
        return Err(refusal(StatusCode::FORBIDDEN, "pages from there may not connect"));
    }
    let asked = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut words = asked.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    if !words.any(|word| word.trim().eq_ignore_ascii_case(SIP)) {
        return Err(refusal(StatusCode::BAD_REQUEST, "the subprotocol must be sip"));
    }
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
    Ok(response)
}

fn refusal(status: StatusCode, why: &str) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(Some(why.to_owned()));
    *refusal.status_mut() = status;
    refusal
}

async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    stream: WebSocketStream<S>,
    frames: &RefCell<WebSocketFrames>,
    mut end: End,
) {
    let (sink, source) = stream.split();
    let last = tokio::select! {
        last = read(source, frames, &end.voice) => last,
        last = write(sink, &mut end.orders, &end.voice) => last,
    };
    end.voice.last_word(last).await;
}

/// Pings are answered by the library, with the next that is read.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    mut source: SplitStream<WebSocketStream<S>>,
    frames: &RefCell<WebSocketFrames>,
    voice: &Voice,
) -> tungstenite::Result<()> {
    let mut has_begun = false;
    loop {
        // The library gives whole messages alone.
        let next = poll_fn(|context| match source.poll_next_unpin(context) {
            Poll::Pending if !has_begun && frames.borrow().is_mid_message() => {
                Poll::Ready(Next::Begun)
            }
            next => next.map(Next::Message),
        });
        let what = match next.await {
            Next::Begun => What::Begun,
            Next::Message(None) => return Ok(()),
            Next::Message(Some(message)) => match message? {
                Message::Text(text) => What::Message(text.as_bytes().to_vec()),
                Message::Binary(bytes) => What::Message(bytes.to_vec()),
                Message::Pong(_) => What::Pong,
                Message::Ping(_) | Message::Frame(_) => continue,
                // Its answer goes out when the next is read, which then is the end.
                Message::Close(_) => continue,
            },
        };
        has_begun = match what {
            What::Begun => true,
            What::Message(_) => false,
            _ => has_begun,
        };
        if !voice.say(what).await {
            return Ok(());
        }
    }
}

enum Next {
    Begun,
    Message(Option<tungstenite::Result<Message>>),
}

/// A stream of WebSocket whose frames are followed as they are read.
struct Watched<S> {
    stream: S,
    frames: Rc<RefCell<WebSocketFrames>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.frames.borrow_mut().handle_bytes(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    orders: &mut mpsc::Receiver<ToPeer>,
    voice: &Voice,
) -> tungstenite::Result<()> {
    while let Some(order) = orders.recv().await {
        match order {
            ToPeer::Send(bytes) => {
                let length = bytes.len();
                // RFC 7118 §4.2: text where it is text.
                let message = match String::from_utf8(bytes) {
                    Ok(text) => Message::text(text),
                    Err(error) => Message::binary(error.into_bytes()),
                };
                sink.send(message).await?;
                if !voice.say(What::Sent(length)).await {
                    return Ok(());
                }
            }
            ToPeer::Ping => sink.send(Message::Ping(Bytes::new())).await?,
            // The peer answers, which is read as the end.
            ToPeer::Close => {
                sink.close().await?;
                return std::future::pending().await;
            }
        }
    }
    Ok(())
}

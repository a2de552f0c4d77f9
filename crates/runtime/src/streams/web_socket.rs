//! SIP over WebSocket (RFC 7118): each message of WebSocket is one of SIP.

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tipring_gateway::Domain;
use tipring_sip::message::MAX_MESSAGE;
use tokio::io::{AsyncRead, AsyncWrite};
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
    let upgraded =
        tokio_tungstenite::accept_hdr_async_with_config(socket, agree, Some(limits)).await;
    match upgraded {
        Ok(stream) => {
            if end.voice.say(What::Established(names)).await {
                carry(stream, end).await;
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

async fn carry<S: AsyncRead + AsyncWrite + Unpin>(stream: WebSocketStream<S>, mut end: End) {
    let (sink, source) = stream.split();
    let last = tokio::select! {
        last = read(source, &end.voice) => last,
        last = write(sink, &mut end.orders, &end.voice) => last,
    };
    end.voice.last_word(last).await;
}

/// Pings are answered by the library, with the next that is read.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    mut source: SplitStream<WebSocketStream<S>>,
    voice: &Voice,
) -> tungstenite::Result<()> {
    while let Some(message) = source.next().await {
        let what = match message? {
            Message::Text(text) => What::Message(text.as_bytes().to_vec()),
            Message::Binary(bytes) => What::Message(bytes.to_vec()),
            Message::Pong(_) => What::Pong,
            Message::Ping(_) | Message::Frame(_) => continue,
            // Its answer goes out when the next is read, which then is the end.
            Message::Close(_) => continue,
        };
        if !voice.say(what).await {
            break;
        }
    }
    Ok(())
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

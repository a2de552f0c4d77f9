//! What an offer says, what an answer says, and what both together mean for us (RFC 3264).
//!
//! One audio stream in G.711 and telephone-events; everything else in an offer is refused by port 0. These functions
//! keep nothing; [`OfferAnswer`](crate::OfferAnswer) remembers what a dialog must.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::session::{
    Address, Direction, Encoding, Formats, Media, MediaKind, Origin, Payload, Protocol,
    RtcpAddress, RtpMap, Session,
};

/// A codec we can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

/// Our end of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where RTP and RTCP are received.
    pub address: IpAddr,
    /// Where RTP is received; never 0.
    pub rtp_port: u16,
    /// Where RTCP is received; never 0.
    pub rtcp_port: u16,
    /// The codecs we take, the best first. An answer keeps the order of the offer.
    pub codecs: Vec<Codec>,
    /// The payload type under which we offer telephone-events, 96 to 127; `None` leaves DTMF in the audio.
    pub telephone_event: Option<u8>,
    /// The milliseconds of audio we like in a packet: a multiple of 5.
    pub ptime_ms: u8,
    /// The most milliseconds of audio we take in a packet.
    pub max_ptime_ms: u8,
    /// What we want: `SendOnly` or `Inactive` puts the peer on hold.
    pub direction: Direction,
}

/// What was agreed, as we see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where we send RTP; `None` where the peer gave no address to send to (hold by 0.0.0.0), and then
    /// `direction` does not send.
    pub rtp: Option<SocketAddr>,
    /// Where we send RTCP.
    pub rtcp: Option<SocketAddr>,
    /// The codec we send.
    pub codec: Codec,
    /// The payload type we send it as.
    pub payload_type: u8,
    /// The payload type we send telephone-events as; `None` when the peer does not take them.
    pub telephone_event: Option<u8>,
    /// What may arrive.
    pub receive: Receive,
    /// Milliseconds of audio in a packet we send: a multiple of 5.
    pub ptime_ms: u8,
    /// Whether we send and whether we receive.
    pub direction: Direction,
    /// Whether it is the peer who does not want to hear us.
    pub held_by_peer: bool,
}

/// The payload types that may arrive, which need not be those we send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receive {
    /// µ-law.
    pub pcmu: Option<u8>,
    /// A-law.
    pub pcma: Option<u8>,
    /// Telephone-events.
    pub telephone_event: Option<u8>,
}

/// Why an offer cannot be answered, or an answer not be used. SIP says 488 with a Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It holds no audio, or refuses ours.
    NoAudio,
    /// It wants a transport we do not speak, like SRTP.
    Transport,
    /// It names no codec we speak.
    NoCommonCodec,
    /// It does not say where to send.
    NoAddress,
    /// It says where to send by a name; names are not looked up.
    NamedAddress,
    /// The address is of the other family than ours.
    AddressFamily,
    /// The address is a multicast group or broadcast.
    NotUnicast,
}

/// Our offer: all our codecs, the best first.
pub fn offer(origin: Origin, local: &LocalMedia) -> Session {
    let mut payloads: Vec<Payload> = Vec::with_capacity(3);
    for codec in &local.codecs {
        if payloads.iter().all(|p| p.number != codec.payload_type()) {
            payloads.push(codec.payload(codec.payload_type()));
        }
    }
    payloads.extend(local.event_type().map(event_payload));
    let media = local.media(Protocol::RtpAvp, payloads, local.ptime_ms, local.direction);
    describe(origin, local, vec![media])
}

/// Our answer to `remote`, and what it means. It takes the first audio stream we can serve, in the codec that the
/// offer likes best among ours, and refuses the rest.
pub fn answer(
    origin: Origin,
    local: &LocalMedia,
    remote: &Session,
) -> Result<(Session, Plan), Rejection> {
    let mut rejection = Rejection::NoAudio;
    for (at, media) in remote.media.iter().enumerate() {
        if media.kind != MediaKind::Audio || media.port == 0 {
            continue;
        }
        match plan(local, remote, media, &[], local.event_type().is_some()) {
            Ok(plan) => {
                let ours = local.media(
                    media.protocol.clone(),
                    plan.answered(),
                    plan.ptime_ms,
                    plan.direction,
                );
                let all = remote
                    .media
                    .iter()
                    .enumerate()
                    .map(|(n, other)| if n == at { ours.clone() } else { other.refused() });
                return Ok((describe(origin, local, all.collect()), plan));
            }
            // The first stream is the one the caller means; its reason is the one to report.
            Err(reason) if rejection == Rejection::NoAudio => rejection = reason,
            Err(_) => {}
        }
    }
    Err(rejection)
}

/// What `answer` to our `offer` means.
pub fn accept_answer(
    local: &LocalMedia,
    offer: &Session,
    answer: &Session,
) -> Result<Plan, Rejection> {
    let is_audio = |media: &&Media| media.kind == MediaKind::Audio && media.port != 0;
    let at = offer.media.iter().position(|media| is_audio(&media)).ok_or(Rejection::NoAudio)?;
    // RFC 3264 §6 wants as many lines as we offered; where they are not, the first audio is meant.
    let media = answer.media.get(at).filter(is_audio).or(answer.audio());
    let media = media.ok_or(Rejection::NoAudio)?;
    let offered = offer.media.get(at).map_or(&[][..], Media::payloads);
    let events = offered.iter().find(|p| p.is_event());
    let mut plan = plan(local, answer, media, offered, events.is_some())?;
    // RFC 3264 §5.1: what we receive goes by our numbers, what we send by the peer's.
    let number = |codec: Codec| offered.iter().find(|p| p.codec() == Some(codec)).map(|p| p.number);
    plan.receive = Receive {
        pcmu: number(Codec::Pcmu),
        pcma: number(Codec::Pcma),
        telephone_event: events.map(|p| p.number),
    };
    Ok(plan)
}

/// What `media` of `remote` means for us. `offered` explains numbers that an answer uses without `a=rtpmap`.
fn plan(
    local: &LocalMedia,
    remote: &Session,
    media: &Media,
    offered: &[Payload],
    events: bool,
) -> Result<Plan, Rejection> {
    // RTP/AVPF without feedback attributes in the answer is RTP/AVP (RFC 4585 §4.2).
    if !matches!(media.protocol, Protocol::RtpAvp | Protocol::RtpAvpf) {
        return Err(Rejection::Transport);
    }
    let meaning = |p: &Payload| match &p.map {
        Some(_) => p.clone(),
        None => offered.iter().find(|o| o.number == p.number).unwrap_or(p).clone(),
    };
    let payloads: Vec<Payload> = media.payloads().iter().map(meaning).collect();
    let (codec, payload_type) = payloads
        .iter()
        .find_map(|p| Some((p.codec().filter(|codec| local.codecs.contains(codec))?, p.number)))
        .ok_or(Rejection::NoCommonCodec)?;
    let event = payloads.iter().find(|p| events && p.is_event()).map(|p| p.number);
    let rtp = destination(local, remote, media)?;
    let theirs = remote.direction_of(media).reversed();
    let theirs = if rtp.is_some() { theirs } else { theirs.and(Direction::RecvOnly) };
    let mut receive = Receive { telephone_event: event, ..Receive::default() };
    match codec {
        Codec::Pcmu => receive.pcmu = Some(payload_type),
        Codec::Pcma => receive.pcma = Some(payload_type),
    }
    Ok(Plan {
        rtp,
        rtcp: rtp.and_then(|rtp| rtcp_destination(rtp, media)),
        codec,
        payload_type,
        telephone_event: event,
        receive,
        ptime_ms: local.agreed_ptime_ms(media),
        direction: theirs.and(local.direction),
        held_by_peer: !theirs.sends(),
    })
}

fn destination(
    local: &LocalMedia,
    remote: &Session,
    media: &Media,
) -> Result<Option<SocketAddr>, Rejection> {
    let address = remote.connection_of(media).ok_or(Rejection::NoAddress)?;
    if address.is_hold() {
        return Ok(None);
    }
    let ip = address.ip().ok_or(Rejection::NamedAddress)?;
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    match ip {
        ip if ip.is_multicast() || broadcast => Err(Rejection::NotUnicast),
        ip if ip.is_ipv4() != local.address.is_ipv4() => Err(Rejection::AddressFamily),
        ip => Ok(Some(SocketAddr::new(ip, media.port))),
    }
}

/// RFC 3605: `a=rtcp`, else the next port. Another host than RTP's is not believed: it would let an offer aim our
/// reports at a third party.
fn rtcp_destination(rtp: SocketAddr, media: &Media) -> Option<SocketAddr> {
    let port = match &media.rtcp {
        Some(rtcp) => rtcp.port,
        None => rtp.port().checked_add(1)?,
    };
    Some(SocketAddr::new(rtp.ip(), port))
}

fn describe(origin: Origin, local: &LocalMedia, media: Vec<Media>) -> Session {
    Session {
        origin: Origin { address: local.address.into(), ..origin },
        name: "-".into(),
        connection: Some(Address::Ip(local.address)),
        direction: None,
        attributes: Vec::new(),
        media,
    }
}

/// Events 0 to 15 are the digits, 16 is the hook flash (RFC 4733 §3.2).
fn event_payload(number: u8) -> Payload {
    Payload {
        number,
        map: Some(RtpMap { encoding: Encoding::TelephoneEvent, clock_hz: 8000, channels: 1 }),
        fmtp: Some("0-16".into()),
    }
}

impl Codec {
    /// The static payload type (RFC 3551 §6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    fn payload(self, number: u8) -> Payload {
        let encoding = match self {
            Self::Pcmu => Encoding::Pcmu,
            Self::Pcma => Encoding::Pcma,
        };
        Payload { number, map: Some(RtpMap { encoding, clock_hz: 8000, channels: 1 }), fmtp: None }
    }
}

/// `PCMU` or `PCMA`
impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        })
    }
}

impl LocalMedia {
    fn event_type(&self) -> Option<u8> {
        self.telephone_event.filter(|number| (96..=127).contains(number))
    }

    fn media(
        &self,
        protocol: Protocol,
        payloads: Vec<Payload>,
        ptime_ms: u8,
        direction: Direction,
    ) -> Media {
        Media {
            kind: MediaKind::Audio,
            port: self.rtp_port,
            protocol,
            formats: Formats::Rtp(payloads),
            connection: None,
            direction: Some(direction),
            ptime_ms: Some(ptime_ms.into()),
            max_ptime_ms: Some(self.max_ptime_ms.into()),
            rtcp: Some(RtcpAddress { port: self.rtcp_port, address: None }),
            attributes: Vec::new(),
        }
    }

    /// What the peer likes, within what both take, in whole blocks of 5 ms.
    fn agreed_ptime_ms(&self, media: &Media) -> u8 {
        let wanted = media.ptime_ms.unwrap_or(self.ptime_ms.into());
        let most = media.max_ptime_ms.unwrap_or(u16::MAX).min(self.max_ptime_ms.into());
        let blocks = (wanted.min(most) / 5).clamp(1, u16::from(u8::MAX) / 5);
        u8::try_from(blocks * 5).expect("at most 51 blocks of 5 ms")
    }
}

impl Payload {
    /// The codec it is, when it is one of ours: mono at 8 kHz.
    pub fn codec(&self) -> Option<Codec> {
        if self.clock_hz() != Some(8000) || self.map.as_ref().is_some_and(|m| m.channels != 1) {
            return None;
        }
        match self.encoding()? {
            Encoding::Pcmu => Some(Codec::Pcmu),
            Encoding::Pcma => Some(Codec::Pcma),
            Encoding::TelephoneEvent | Encoding::Other(_) => None,
        }
    }

    /// Whether it carries telephone-events at G.711's clock.
    pub fn is_event(&self) -> bool {
        self.encoding() == Some(Encoding::TelephoneEvent) && self.clock_hz() == Some(8000)
    }
}

impl Plan {
    /// What our answer lists: one codec, so that the law never changes inside a stream, and events.
    fn answered(&self) -> Vec<Payload> {
        let events = self.telephone_event.map(event_payload);
        std::iter::once(self.codec.payload(self.payload_type)).chain(events).collect()
    }
}

impl Rejection {
    /// The code for SIP's Warning header (RFC 3261 §20.43).
    pub const fn warning(self) -> u16 {
        match self {
            Self::AddressFamily => 300,
            Self::NoAddress | Self::NamedAddress | Self::NotUnicast => 301,
            Self::Transport => 302,
            Self::NoAudio => 304,
            Self::NoCommonCodec => 305,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAudio => "no audio is described",
            Self::Transport => "the media transport is not plain RTP",
            Self::NoCommonCodec => "no codec in common",
            Self::NoAddress => "no media address is given",
            Self::NamedAddress => "the media address is a name",
            Self::AddressFamily => "the media address is of the other IP version",
            Self::NotUnicast => "the media address is not that of one host",
        })
    }
}

impl std::error::Error for Rejection {}

//! What an offer says, what an answer says, and what both together mean for us (RFC 3264).
//!
//! One audio stream; everything else in an offer is refused by port 0. These functions keep nothing but the payload
//! types that are handed to them; [`OfferAnswer`](crate::OfferAnswer) remembers what a dialog must.

use std::net::{IpAddr, SocketAddr};

use crate::address::RtcpAddress;
use crate::attribute::Attribute;
use crate::codec::Codec;
use crate::crypto::Crypto;
use crate::event::Events;
use crate::media::{Direction, Formats, Media, MediaKind, Protocol};
use crate::numbers::{Meaning, Numbers};
use crate::payload::Payload;
use crate::plan::{Plan, Receive, SrtpKeys};
use crate::rejection::Rejection;
use crate::session::{Origin, Session};

/// Our end of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where RTP and RTCP are received. Offers name this one.
    pub address: IpAddr,
    /// The same place in the other address family, for peers who have only that.
    pub other_address: Option<IpAddr>,
    /// Where RTP is received; never 0.
    pub rtp_port: u16,
    /// Where RTCP is received; never 0.
    pub rtcp_port: u16,
    /// Whether RTCP may come to the port of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// The codecs we take, the best first.
    pub codecs: Vec<Codec>,
    /// Who chooses among the codecs of an offer that we take.
    pub preference: Preference,
    /// The payload type under which we offer telephone-events, 96 to 127; `None` leaves DTMF in the audio.
    pub telephone_event: Option<u8>,
    /// Whether we take comfort noise (RFC 3389).
    pub comfort_noise: bool,
    /// The milliseconds of audio we like in a packet: a multiple of 5.
    pub ptime_ms: u8,
    /// The most milliseconds of audio we take in a packet.
    pub max_ptime_ms: u8,
    /// What we want: `SendOnly` or `Inactive` puts the peer on hold.
    pub direction: Direction,
    /// Whether we speak SRTP.
    pub srtp: Srtp,
    /// What we offer beside the audio, like fax: lines as they are to be printed. Answers take none of it.
    pub others: Vec<Media>,
}

/// Who chooses among the codecs that both ends take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The offerer's order counts, as RFC 3264 §6.1 recommends.
    #[default]
    Offerer,
    /// Ours counts, whoever offers.
    Ours,
}

/// Whether we speak SRTP with keys in the description (RFC 4568), and in which suites, the best first. Of our lines the
/// suite, the key and the parameters count; an answer takes the tag of the offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Never.
    #[default]
    Refused,
    /// Where it is offered, and there rather than plain RTP; we offer plain RTP.
    Allowed(Vec<Crypto>),
    /// Always.
    Required(Vec<Crypto>),
}

/// What becomes of an `m=` line that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It carries the call.
    Taken,
    /// The offer itself has switched it off by port 0.
    Off,
    /// It is answered by port 0.
    Refused(Rejection),
}

/// What becomes of each line of `remote`, and why. An answer is possible where one is taken.
pub fn weigh(local: &LocalMedia, remote: &Session) -> Vec<Line> {
    let chosen = choose(local, remote, 0).ok().map(|(at, _)| at);
    let line = |(at, media): (usize, &Media)| match () {
        () if media.port == 0 => Line::Off,
        () if media.kind != MediaKind::Audio => Line::Refused(Rejection::NoAudio),
        () if chosen == Some(at) => Line::Taken,
        () => Line::Refused(
            plan(local, local.preference, remote, media, &[]).err().unwrap_or(Rejection::OneStream),
        ),
    };
    remote.media.iter().enumerate().map(line).collect()
}

/// The audio line of our offer: all our codecs, the best first; then telephone-events at each of their clocks, and comfort noise.
pub(crate) fn offer(local: &LocalMedia, numbers: &mut Numbers) -> Media {
    let mut payloads: Vec<Payload> = Vec::with_capacity(local.codecs.len() + 2);
    let mut clocks: Vec<u32> = Vec::with_capacity(2);
    for (at, codec) in local.codecs.iter().enumerate() {
        if !local.codecs[..at].contains(codec) {
            let number = numbers.give(Meaning::Codec(*codec), codec.static_type());
            payloads.push(Payload::of(*codec, number));
            if !clocks.contains(&codec.clock_hz()) {
                clocks.push(codec.clock_hz());
            }
        }
    }
    if let Some(wanted) = local.event_type() {
        for clock in &clocks {
            let number = numbers.give(Meaning::Events(*clock), Some(wanted));
            payloads.push(Payload::events_at(*clock, number));
        }
    }
    if local.comfort_noise && clocks.contains(&8_000) {
        payloads.push(Payload::noise_at(8_000, numbers.give(Meaning::Noise(8_000), Some(13))));
    }
    let (protocol, crypto) = match &local.srtp {
        Srtp::Refused | Srtp::Allowed(_) => (Protocol::RtpAvp, &[][..]),
        Srtp::Required(crypto) => (Protocol::RtpSavp, crypto.as_slice()),
    };
    let mut media = local.media(protocol, payloads, local.ptime_ms, local.direction);
    media.rtcp_mux = local.rtcp_mux;
    media.attributes.extend(crypto.iter().cloned().map(Attribute::Crypto));
    media
}

/// Our answer to `remote`, what it means, and which line carries the call: rather the `slot`th, where it did before.
/// It takes one codec, so that the law never changes inside a stream, and refuses the other lines.
pub(crate) fn answer(
    origin: Origin,
    local: &LocalMedia,
    remote: &Session,
    slot: usize,
    numbers: &mut Numbers,
) -> Result<(Session, Plan, usize), Rejection> {
    let (at, plan) = choose(local, remote, slot)?;
    let offered = &remote.media[at];
    let clock = plan.codec.clock_hz();
    let mut payloads = Vec::with_capacity(3);
    payloads.push(Payload::of(plan.codec, plan.payload_type));
    numbers.set(Meaning::Codec(plan.codec), plan.payload_type);
    if let Some(number) = plan.telephone_event {
        payloads.push(Payload::events_at(clock, number));
        numbers.set(Meaning::Events(clock), number);
    }
    if let Some(number) = plan.comfort_noise {
        payloads.push(Payload::noise_at(clock, number));
        numbers.set(Meaning::Noise(clock), number);
    }
    let protocol = offered.protocol.clone();
    let mut ours = local.media(protocol, payloads, plan.ptime_ms, plan.direction);
    if local.rtcp_mux && offered.rtcp_mux {
        (ours.rtcp_mux, ours.rtcp) = (true, None);
    }
    ours.attributes.extend(plan.srtp.iter().map(|keys| Attribute::Crypto(keys.send.clone())));
    let (mut ours, mut media) = (Some(ours), Vec::with_capacity(remote.media.len()));
    for (place, offered) in remote.media.iter().enumerate() {
        let taken = if place == at { ours.take() } else { None };
        let mut line = taken.unwrap_or_else(|| offered.refused());
        // RFC 5888 §9.1: a line keeps its name. Without a=group the answer is in no group (§9.2).
        line.attributes.extend(offered.mid().map(|mid| Attribute::Mid(mid.into())));
        media.push(line);
    }
    // RFC 3264 §6: the time of a session is not negotiated.
    let (address, times) = (local.address_for(remote, offered), remote.times.clone());
    Ok((Session { media, times, ..describe(origin, local, address) }, plan, at))
}

/// What `answer` to our `offer`, whose audio is the `slot`th line, means.
pub(crate) fn accept_answer(
    local: &LocalMedia,
    offer: &Session,
    slot: usize,
    answer: &Session,
) -> Result<Plan, Rejection> {
    let ours = offer.media.get(slot).ok_or(Rejection::NoAudio)?;
    // RFC 3264 §6 wants as many lines as we offered; where they are not, the first audio is meant.
    let is_audio = |media: &&Media| media.kind == MediaKind::Audio && media.port != 0;
    let media = answer.media.get(slot).filter(is_audio).or(answer.audio());
    let media = media.ok_or(Rejection::NoAudio)?;
    // The codec is now the peer's to choose.
    let mut plan = plan(local, Preference::Offerer, answer, media, ours.payloads())?;
    // RFC 3264 §5.1: what we receive goes by our numbers, what we send by the peer's.
    let clock = plan.codec.clock_hz();
    plan.receive = Receive::default();
    for payload in ours.payloads() {
        match Meaning::of(payload) {
            Some(Meaning::Codec(codec)) => plan.receive.add(codec, payload.number),
            Some(Meaning::Events(at)) if at == clock => {
                plan.receive.telephone_event.get_or_insert(payload.number);
            }
            Some(Meaning::Noise(at)) if at == clock => {
                plan.receive.comfort_noise.get_or_insert(payload.number);
            }
            Some(Meaning::Events(_) | Meaning::Noise(_)) | None => {}
        }
    }
    plan.srtp = answered_keys(ours, media)?.map(Box::new);
    Ok(plan)
}

/// The line that carries the call, and what it means: one with SRTP where that is allowed and offered, then the
/// one that did before, then the first. Where none can, the reason is that of the first audio line, which the caller means.
fn choose(local: &LocalMedia, remote: &Session, slot: usize) -> Result<(usize, Plan), Rejection> {
    let mut rejection = Rejection::NoAudio;
    let mut best: Option<((bool, bool), usize, Plan)> = None;
    for (at, media) in remote.media.iter().enumerate() {
        if media.kind != MediaKind::Audio || media.port == 0 {
            continue;
        }
        match plan(local, local.preference, remote, media, &[]) {
            Ok(plan) => {
                let rank = (plan.srtp.is_some(), at == slot);
                if best.as_ref().is_none_or(|(best, ..)| rank > *best) {
                    best = Some((rank, at, plan));
                }
            }
            Err(reason) if rejection == Rejection::NoAudio => rejection = reason,
            Err(_) => {}
        }
    }
    best.map(|(_, at, plan)| (at, plan)).ok_or(rejection)
}

/// What `media` of `remote` means for us. What it does not explain means what was `offered` under the number.
fn plan(
    local: &LocalMedia,
    preference: Preference,
    remote: &Session,
    media: &Media,
    offered: &[Payload],
) -> Result<Plan, Rejection> {
    let srtp = local.keys_for(media)?.map(Box::new);
    let mux = local.rtcp_mux && media.rtcp_mux;
    // RFC 5761 §4: on a shared port these numbers would look like RTCP.
    let usable = |payload: &&Payload| !(mux && (64..=95).contains(&payload.number));
    let payloads = || media.payloads().iter().filter(usable);
    let meaning = |p: &Payload| {
        let known = |known: &&Payload| p.map.is_none() && known.number == p.number;
        Meaning::of(offered.iter().find(known).unwrap_or(p))
    };
    let taken = || {
        payloads().filter_map(|p| match meaning(p) {
            Some(Meaning::Codec(codec)) if local.codecs.contains(&codec) => Some((codec, p.number)),
            Some(Meaning::Codec(_) | Meaning::Events(_) | Meaning::Noise(_)) | None => None,
        })
    };
    let first = match preference {
        Preference::Offerer => taken().next(),
        Preference::Ours => local.codecs.iter().find_map(|ours| taken().find(|(c, _)| c == ours)),
    };
    let (codec, payload_type) = first.ok_or(Rejection::NoCommonCodec)?;
    // RFC 4733 §2.1: events are sent in the audio's stream, hence by its clock.
    let named = |wanted: Meaning| payloads().find(|p| meaning(p) == Some(wanted));
    let clock = codec.clock_hz();
    let event = local.event_type().and_then(|_| named(Meaning::Events(clock)));
    let event = event.map(|p| (p.number, p.events()));
    let noise = if local.comfort_noise { named(Meaning::Noise(clock)) } else { None };
    let rtp = local.destination(remote, media)?;
    let theirs = remote.direction_of(media).reversed();
    let theirs = if rtp.is_some() { theirs } else { theirs.and(Direction::RecvOnly) };
    let telephone_event = event.map(|(number, _)| number);
    let comfort_noise = noise.map(|p| p.number);
    let mut receive = Receive::default();
    receive.add(codec, payload_type);
    (receive.telephone_event, receive.comfort_noise) = (telephone_event, comfort_noise);
    Ok(Plan {
        rtp,
        rtcp: rtp.and_then(|rtp| if mux { Some(rtp) } else { rtcp_destination(rtp, media) }),
        codec,
        payload_type,
        telephone_event,
        events: event.map_or(Events::NONE, |(_, events)| events),
        comfort_noise,
        receive,
        ptime_ms: local.agreed_ptime_ms(remote, media, codec),
        direction: theirs.and(local.direction),
        held_by_peer: !theirs.sends(),
        srtp,
    })
}

/// The keys by an answer to our line `ours`: its one `a=crypto` says which of ours counts by the tag (RFC 4568 §5.1.3).
fn answered_keys(ours: &Media, answer: &Media) -> Result<Option<SrtpKeys>, Rejection> {
    if !ours.protocol.is_sdes() {
        return if answer.protocol.is_sdes() { Err(Rejection::Transport) } else { Ok(None) };
    }
    if !answer.protocol.is_sdes() {
        return Err(Rejection::SrtpRequired);
    }
    let receive = answer.crypto().next().filter(|theirs| theirs.is_ordinary());
    let receive = receive.ok_or(Rejection::NoCommonCrypto)?.clone();
    let send = ours.crypto().find(|ours| ours.tag == receive.tag && ours.suite == receive.suite);
    let send = send.ok_or(Rejection::NoCommonCrypto)?.clone();
    Ok(Some(SrtpKeys { send, receive }))
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

/// A description of ours, without its media.
pub(crate) fn describe(origin: Origin, local: &LocalMedia, address: IpAddr) -> Session {
    Session {
        connection: Some(address.into()),
        ..Session::new(Origin { address: local.address.into(), ..origin })
    }
}

impl LocalMedia {
    /// The usual: both ways, G.711 in µ-law and A-law, telephone-events as 101, 20 ms in a packet and at most 60,
    /// RTCP at the next port, no SRTP.
    pub fn new(address: IpAddr, rtp_port: u16) -> Self {
        Self {
            address,
            other_address: None,
            rtp_port,
            rtcp_port: rtp_port.saturating_add(1),
            rtcp_mux: false,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            preference: Preference::Offerer,
            telephone_event: Some(101),
            comfort_noise: false,
            ptime_ms: 20,
            max_ptime_ms: 60,
            direction: Direction::SendRecv,
            srtp: Srtp::Refused,
            others: Vec::new(),
        }
    }

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
        // A packet holds something, and the longest is not shorter than the usual one.
        let ptime_ms = ptime_ms.max(5);
        Media {
            direction: Some(direction),
            ptime_ms: Some(ptime_ms.into()),
            max_ptime_ms: Some(self.max_ptime_ms.max(ptime_ms).into()),
            rtcp: Some(RtcpAddress { port: self.rtcp_port, address: None }),
            ..Media::new(MediaKind::Audio, self.rtp_port, protocol, Formats::Rtp(payloads))
        }
    }

    /// Our address in the family of `media`'s, or else the usual one.
    fn address_for(&self, remote: &Session, media: &Media) -> IpAddr {
        let theirs = remote.connection_of(media).and_then(|connection| connection.address.ip());
        let same = |ours: &IpAddr| theirs.is_some_and(|ip| ip.is_ipv4() == ours.is_ipv4());
        self.other_address
            .filter(|other| !same(&self.address) && same(other))
            .unwrap_or(self.address)
    }

    fn destination(
        &self,
        remote: &Session,
        media: &Media,
    ) -> Result<Option<SocketAddr>, Rejection> {
        let address = &remote.connection_of(media).ok_or(Rejection::NoAddress)?.address;
        if address.is_hold() {
            return Ok(None);
        }
        let ip = address.ip().ok_or(Rejection::NamedAddress)?;
        let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        let ours = std::iter::once(self.address).chain(self.other_address);
        match ip {
            ip if ip.is_multicast() || broadcast => Err(Rejection::NotUnicast),
            ip if ours.into_iter().all(|ours| ours.is_ipv4() != ip.is_ipv4()) => {
                Err(Rejection::AddressFamily)
            }
            ip => Ok(Some(SocketAddr::new(ip, media.port))),
        }
    }

    /// The keys for `media` by our policy: of its lines the first whose suite is ours.
    fn keys_for(&self, media: &Media) -> Result<Option<SrtpKeys>, Rejection> {
        let ours = match &self.srtp {
            _ if !media.protocol.is_sdes() && !media.protocol.is_plain() => {
                return Err(Rejection::Transport);
            }
            Srtp::Refused if media.protocol.is_sdes() => return Err(Rejection::SrtpRefused),
            Srtp::Required(_) if media.protocol.is_plain() => return Err(Rejection::SrtpRequired),
            Srtp::Refused | Srtp::Allowed(_) if media.protocol.is_plain() => return Ok(None),
            Srtp::Refused => return Ok(None),
            Srtp::Allowed(ours) | Srtp::Required(ours) => ours,
        };
        let pair = |theirs: &Crypto| {
            let ours = ours.iter().find(|ours| ours.suite == theirs.suite)?;
            let send = Crypto { tag: theirs.tag, ..ours.clone() };
            theirs.is_ordinary().then(|| SrtpKeys { send, receive: theirs.clone() })
        };
        media.crypto().find_map(pair).map(Some).ok_or(Rejection::NoCommonCrypto)
    }

    /// What the peer likes, within what both take, in whole blocks of 5 ms and frames of the codec.
    fn agreed_ptime_ms(&self, remote: &Session, media: &Media, codec: Codec) -> u8 {
        let wanted = remote.ptime_of(media).unwrap_or(self.ptime_ms.into());
        let most = remote.max_ptime_of(media).unwrap_or(u16::MAX).min(self.max_ptime_ms.into());
        let step = u16::from(codec.packet_step_ms());
        let steps = (wanted.min(most) / step).clamp(1, u16::from(u8::MAX) / step);
        u8::try_from(steps * step).expect("it was bounded by 255")
    }
}

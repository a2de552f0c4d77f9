//! Descriptions of every shape, for properties that must hold for all of them.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use tipring_sdp::attribute::{Fingerprint, Group, Setup, SilenceSupp, Ssrc};
use tipring_sdp::crypto::{KeyIdentifier, MasterKey, SessionParameter, Suite};
use tipring_sdp::t38::{ErrorCorrection, RateManagement, T38Attribute};
use tipring_sdp::time::{Repeat, Timing, ZoneAdjustment};
use tipring_sdp::{
    Address, Attribute, Bandwidth, BandwidthKind, Codec, Connection, Crypto, Direction, Encoding,
    Formats, Media, MediaKind, Origin, Payload, Protocol, RtcpAddress, RtpMap, Session, Text,
};

/// Texts of a form, some longer than what is kept in place.
fn written(form: &'static str) -> impl Strategy<Value = Text> + Clone {
    form.prop_map(Text::from)
}

fn word() -> impl Strategy<Value = Text> {
    written("[a-zA-Z0-9][a-zA-Z0-9._-]{0,30}")
}

fn text() -> impl Strategy<Value = Text> {
    written("[!-~]([ -~]{0,30}[!-~])?")
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let value = option::of(written("|[!-~]([ -~]{0,30}[!-~])?"));
    let other = (written("x-[a-z0-9-]{1,30}"), value.clone())
        .prop_map(|(name, value)| Attribute::Other { name, value });
    let group = (word(), vec(word(), 0..4)).prop_map(|(semantics, mids)| Group { semantics, mids });
    let fingerprint = (written("[a-z0-9-]{1,8}"), vec(any::<u8>(), 1..40))
        .prop_map(|(hash, octets)| Fingerprint { hash, octets });
    let setup = prop_oneof![
        Just(Setup::Active),
        Just(Setup::Passive),
        Just(Setup::ActPass),
        Just(Setup::HoldConn)
    ];
    let ssrc = (any::<u32>(), written("[a-z]{1,8}"), value).prop_map(|(id, name, value)| Ssrc {
        id,
        name,
        value,
    });
    let silence =
        (any::<bool>(), written("(- ){0,3}-|")).prop_map(|(on, rest)| SilenceSupp { on, rest });
    prop_oneof![
        other,
        group.prop_map(Attribute::Group),
        word().prop_map(Attribute::Mid),
        crypto().prop_map(Attribute::Crypto),
        fingerprint.prop_map(Attribute::Fingerprint),
        setup.prop_map(Attribute::Setup),
        ssrc.prop_map(Attribute::Ssrc),
        silence.prop_map(Attribute::SilenceSupp),
        t38().prop_map(Attribute::T38),
    ]
}

fn t38() -> impl Strategy<Value = T38Attribute> {
    let rate = prop_oneof![Just(RateManagement::LocalTcf), Just(RateManagement::TransferredTcf)];
    let repair = prop_oneof![
        Just(ErrorCorrection::None),
        Just(ErrorCorrection::Fec),
        Just(ErrorCorrection::Redundancy)
    ];
    prop_oneof![
        any::<u8>().prop_map(T38Attribute::Version),
        any::<u32>().prop_map(T38Attribute::MaxBitRate),
        any::<bool>().prop_map(T38Attribute::FillBitRemoval),
        any::<bool>().prop_map(T38Attribute::TranscodingMmr),
        any::<bool>().prop_map(T38Attribute::TranscodingJbig),
        rate.prop_map(T38Attribute::RateManagement),
        any::<u32>().prop_map(T38Attribute::MaxBuffer),
        any::<u32>().prop_map(T38Attribute::MaxDatagram),
        any::<u32>().prop_map(T38Attribute::MaxIfp),
        repair.prop_map(T38Attribute::ErrorCorrection),
    ]
}

/// A line with keys, ordinary or not.
pub fn crypto() -> impl Strategy<Value = Crypto> {
    let suite = prop_oneof![
        Just(Suite::AesCm128Sha80),
        Just(Suite::AesCm128Sha32),
        Just(Suite::F8128Sha80),
        Just(Suite::AesCm192Sha80),
        Just(Suite::AesCm256Sha80),
        Just(Suite::AesCm256Sha32),
        Just(Suite::AesGcm128),
        Just(Suite::AesGcm256),
        written("X_[A-Z0-9_]{1,30}").prop_map(Suite::Other),
    ];
    let identifier = (any::<u64>(), 1..=128u8);
    let identifier = identifier.prop_map(|(value, octets)| KeyIdentifier { value, octets });
    let lifetime = prop_oneof![1..=u64::MAX, (0..64u32).prop_map(|power| 1 << power)];
    let key = (vec(any::<u8>(), 1..50), option::of(lifetime), option::of(identifier)).prop_map(
        |(key_and_salt, lifetime, identifier)| MasterKey { key_and_salt, lifetime, identifier },
    );
    let parameter = prop_oneof![
        (0..=24u8).prop_map(SessionParameter::KeyDerivationRate),
        Just(SessionParameter::UnencryptedSrtp),
        Just(SessionParameter::UnencryptedSrtcp),
        Just(SessionParameter::UnauthenticatedSrtp),
        (64..=u32::MAX).prop_map(SessionParameter::WindowSize),
        written("-?X[A-Z=0-9]{0,8}").prop_map(SessionParameter::Other),
    ];
    (0..=999_999_999u32, suite, vec(key, 1..3), vec(parameter, 0..3))
        .prop_map(|(tag, suite, keys, parameters)| Crypto { tag, suite, keys, parameters })
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Address::Ip(ip.into())),
        any::<[u8; 16]>().prop_map(|ip| Address::Ip(ip.into())),
        (written("[a-z][a-z0-9.-]{0,40}"), any::<bool>())
            .prop_map(|(name, v6)| Address::Name { name, v6 }),
    ]
}

fn connection() -> impl Strategy<Value = Connection> {
    (address(), option::of(any::<u8>()), option::of(any::<u16>())).prop_map(
        |(address, ttl, groups)| {
            let v6 = match &address {
                Address::Ip(ip) => ip.is_ipv6(),
                Address::Name { v6, .. } => *v6,
            };
            // Only IPv4 has a time to live, and there groups stand behind one.
            let ttl = ttl.filter(|_| !v6);
            let groups = groups.filter(|_| v6 || ttl.is_some());
            Connection { address, ttl, groups }
        },
    )
}

fn direction() -> impl Strategy<Value = Option<Direction>> {
    option::of((any::<bool>(), any::<bool>()).prop_map(|(s, r)| Direction::new(s, r)))
}

fn payload(number: u8) -> impl Strategy<Value = Payload> {
    let encoding = prop_oneof![
        proptest::sample::select(&Codec::ALL[..]).prop_map(Codec::encoding),
        Just(Encoding::TelephoneEvent),
        Just(Encoding::ComfortNoise),
        Just(Encoding::L16),
        written("x[a-zA-Z0-9-]{1,30}").prop_map(Encoding::Other),
    ];
    let clock = prop_oneof![4 => Just(8_000), 1 => Just(48_000), 1 => 1..=u32::MAX];
    let channels = prop_oneof![4 => Just(1), 1 => Just(2), 1 => 1..=u8::MAX];
    let map = (encoding, clock, channels).prop_map(|(encoding, clock_hz, channels)| RtpMap {
        encoding,
        clock_hz,
        channels,
    });
    (option::of(map), option::of(text())).prop_map(move |(map, fmtp)| Payload { number, map, fmtp })
}

fn formats() -> impl Strategy<Value = (Protocol, Formats)> {
    let rtp = prop_oneof![
        4 => Just(Protocol::RtpAvp),
        1 => Just(Protocol::RtpAvpf),
        2 => Just(Protocol::RtpSavp),
        1 => Just(Protocol::RtpSavpf),
        1 => Just(Protocol::DtlsSavp),
        1 => Just(Protocol::DtlsSavpf)
    ];
    let payloads = btree_set(prop_oneof![0u8..20, 0u8..128], 0..6)
        .prop_flat_map(|numbers| numbers.into_iter().map(payload).collect::<Vec<_>>())
        .prop_shuffle();
    let other = prop_oneof![
        Just(Protocol::Udptl),
        Just(Protocol::DtlsUdptl),
        written("x/[a-z]{1,5}").prop_map(Protocol::Other)
    ];
    prop_oneof![
        4 => (rtp, payloads).prop_map(|(protocol, payloads)| (protocol, Formats::Rtp(payloads))),
        1 => (other, written("[a-z0-9]{0,4}")).prop_map(|(protocol, text)| (protocol, Formats::Other(text))),
    ]
}

fn bandwidth() -> impl Strategy<Value = Vec<Bandwidth>> {
    let kind = prop_oneof![
        Just(BandwidthKind::ConferenceTotal),
        Just(BandwidthKind::ApplicationSpecific),
        Just(BandwidthKind::TransportIndependent),
        Just(BandwidthKind::RtcpSenders),
        Just(BandwidthKind::RtcpReceivers),
        written("X-[A-Z]{1,5}").prop_map(BandwidthKind::Other),
    ];
    vec((kind, any::<u64>()).prop_map(|(kind, value)| Bandwidth { kind, value }), 0..3)
}

fn media() -> impl Strategy<Value = Media> {
    let kind = prop_oneof![
        6 => Just(MediaKind::Audio),
        1 => Just(MediaKind::Video),
        1 => Just(MediaKind::Image),
        1 => Just(MediaKind::Text),
        1 => Just(MediaKind::Application),
        1 => Just(MediaKind::Message),
        1 => written("x[a-z]{1,8}").prop_map(MediaKind::Other),
    ];
    let rtcp = (1..=u16::MAX, option::of(address()))
        .prop_map(|(port, address)| RtcpAddress { port, address });
    let times = option::of(1..=u16::MAX);
    let port = prop_oneof![1 => Just(0), 5 => any::<u16>()];
    (
        (kind, port, option::of(any::<u16>()), formats(), option::of(connection()), direction()),
        (times.clone(), times, option::of(rtcp), any::<bool>(), bandwidth()),
        vec(attribute(), 0..4),
    )
        .prop_map(|((kind, port, ports, formats, connection, direction), rest, attributes)| {
            let (ptime_ms, max_ptime_ms, rtcp, rtcp_mux, bandwidth) = rest;
            Media {
                ports,
                connection,
                bandwidth,
                direction,
                ptime_ms,
                max_ptime_ms,
                rtcp,
                rtcp_mux,
                attributes,
                ..Media::new(kind, port, formats.0, formats.1)
            }
        })
}

fn times() -> impl Strategy<Value = Vec<Timing>> {
    let bound = 0..=i64::MAX as u64;
    let repeat = (bound.clone(), bound.clone(), vec(bound, 0..4))
        .prop_map(|(interval, duration, offsets)| Repeat { interval, duration, offsets });
    let timing = (1..=u64::MAX, any::<u64>(), vec(repeat, 0..3))
        .prop_map(|(start, stop, repeats)| Timing { start, stop, repeats });
    prop_oneof![3 => Just(Vec::new()), 1 => vec(timing, 1..3)]
}

/// Any description that can be written.
pub fn session() -> impl Strategy<Value = Session> {
    let origin =
        (written("|[a-zA-Z0-9][a-zA-Z0-9._-]{0,30}"), any::<u64>(), any::<u64>(), address())
            .prop_map(|(user, id, version, address)| Origin { user, id, version, address });
    let zone = (any::<u64>(), -i64::MAX..=i64::MAX).prop_map(|(at, by)| ZoneAdjustment { at, by });
    let ms = option::of(1..=u16::MAX);
    (
        (origin, written("|[!,.-~]([ -~]{0,30}[!-~])?"), option::of(connection()), bandwidth()),
        (times(), vec(zone, 0..3), direction(), ms.clone(), ms),
        vec(attribute(), 0..4),
        vec(media(), 0..5),
    )
        .prop_map(|((origin, name, connection, bandwidth), rest, attributes, media)| {
            let (times, zones, direction, ptime_ms, max_ptime_ms) = rest;
            Session {
                name,
                connection,
                bandwidth,
                times,
                zones,
                direction,
                ptime_ms,
                max_ptime_ms,
                attributes,
                media,
                ..Session::new(origin)
            }
        })
}

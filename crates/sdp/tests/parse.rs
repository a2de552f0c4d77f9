//! Reading what peers send, well-formed and not.

use proptest::prelude::*;
use tipring_sdp::{
    Address, Attribute, Direction, Encoding, Formats, Media, MediaKind, Origin, ParseError,
    Payload, Protocol, RtcpAddress, RtpMap, Session,
};

const PHONE: &str = "v=0\r\n\
    o=alice 2890844526 2890844527 IN IP4 192.0.2.7\r\n\
    s=call\r\n\
    i=ignored\r\n\
    c=IN IP4 192.0.2.7\r\n\
    b=AS:84\r\n\
    t=0 0\r\n\
    a=tool:phone 1.0\r\n\
    m=audio 49170 RTP/AVP 8 0 101\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n\
    a=ptime:20\r\n\
    a=maxptime:40\r\n\
    a=rtcp:49171 IN IP4 192.0.2.7\r\n\
    a=ssrc:7 cname:x\r\n\
    a=sendrecv\r\n\
    m=video 0 RTP/AVP 96\r\n\
    m=image 4000 udptl t38\r\n\
    a=T38FaxVersion:0\r\n";

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn a_phones_description_is_read_to_the_last_field() {
    let session = parse(PHONE);
    assert_eq!(session.origin.user, "alice");
    assert_eq!((session.origin.id, session.origin.version), (2_890_844_526, 2_890_844_527));
    assert_eq!(session.name, "call");
    assert_eq!(session.attributes.len(), 1);
    let [audio, video, image] = session.media.as_slice() else { panic!("three media") };
    assert_eq!(
        (&audio.kind, audio.port, &audio.protocol),
        (&MediaKind::Audio, 49170, &Protocol::RtpAvp)
    );
    let numbers: Vec<u8> = audio.payloads().iter().map(|p| p.number).collect();
    assert_eq!(numbers, [8, 0, 101]);
    assert_eq!(audio.payloads()[2].encoding(), Some(Encoding::TelephoneEvent));
    assert_eq!(audio.payloads()[2].fmtp.as_deref(), Some("0-15"));
    assert_eq!((audio.ptime_ms, audio.max_ptime_ms), (Some(20), Some(40)));
    assert_eq!(audio.rtcp.as_ref().map(|r| r.port), Some(49171));
    assert_eq!(audio.direction, Some(Direction::SendRecv));
    assert_eq!(audio.attributes[0].name, "ssrc");
    assert_eq!((&video.kind, video.port), (&MediaKind::Video, 0));
    assert_eq!((&image.kind, &image.protocol), (&MediaKind::Image, &Protocol::Udptl));
    assert_eq!(image.formats, Formats::Other("t38".into()));
}

#[test]
fn a_sloppy_description_still_makes_a_call() {
    let text = "\nV=0\nO=- 99999999999999999999999999 x IN IP4 host.example\nC=in ip4 192.0.2.1/127\n\
        X=whatever\nM=AUDIO 4000/2 rtp/avp 0 0 101 \nA=RTPMAP:101  Telephone-Event/8000/1\n\
        a=ptime:20.5\na=maxptime:99999999999999999999\na=rtpmap:55 L16/44100\na=rtpmap:\na=\na=rtcp:0\n\
        a=SENDONLY \n\n";
    let session = parse(text);
    assert_eq!(session.origin.id, u64::MAX);
    assert_eq!(session.origin.version, 0);
    assert_eq!(session.name, "-");
    assert_eq!(session.connection.as_ref().and_then(Address::ip), "192.0.2.1".parse().ok());
    let audio = session.audio().expect("an audio line");
    assert_eq!(audio.payloads().len(), 2, "a payload type named twice counts once");
    assert_eq!(audio.payloads()[1].encoding(), Some(Encoding::TelephoneEvent));
    assert_eq!((audio.ptime_ms, audio.max_ptime_ms, &audio.rtcp), (Some(20), None, &None));
    assert_eq!(session.direction_of(audio), Direction::SendOnly);
}

#[test]
fn lines_of_the_session_serve_media_that_have_none() {
    let session = parse(
        "v=0\r\nc=IN IP6 2001:db8::1\r\na=recvonly\r\nm=audio 1 RTP/AVP 0\r\nm=audio 2 RTP/AVP 0\r\n\
         c=IN IP4 192.0.2.2\r\na=inactive\r\n",
    );
    let [first, second] = session.media.as_slice() else { panic!("two media") };
    let ip = |media| session.connection_of(media).and_then(Address::ip).map(|ip| ip.to_string());
    assert_eq!(ip(first).as_deref(), Some("2001:db8::1"));
    assert_eq!(ip(second).as_deref(), Some("192.0.2.2"));
    assert_eq!(session.direction_of(first), Direction::RecvOnly);
    assert_eq!(session.direction_of(second), Direction::Inactive);
}

#[test]
fn what_cannot_be_trusted_is_named_by_its_line() {
    let error = |text: &str| Session::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error(""), ParseError::NotVersionZero);
    assert_eq!(error("hello"), ParseError::BadLine(1));
    assert_eq!(error("v=1\r\n"), ParseError::NotVersionZero);
    assert_eq!(error("v=0\r\nnonsense\r\n"), ParseError::BadLine(2));
    assert_eq!(error("v=0\r\nc=IN IP4\r\n"), ParseError::BadConnection(2));
    assert_eq!(error("v=0\r\nc=IN IP4 300.1.1.1\r\n"), ParseError::BadConnection(2));
    assert_eq!(error("v=0\r\nc=IN IP4 a\u{1}b\r\n"), ParseError::BadConnection(2));
    assert_eq!(error("v=0\r\nm=audio\r\n"), ParseError::BadMedia(2));
    assert_eq!(error("v=0\r\nm=audio 65536 RTP/AVP 0\r\n"), ParseError::BadMedia(2));
    assert_eq!(error("v=0\r\nm=audio 4000 RTP/AVP 128\r\n"), ParseError::BadFormats(2));
}

#[test]
fn a_flood_in_one_body_is_refused() {
    let error = |text: String| Session::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error("v=0\n".to_owned() + &"a=x\n".repeat(1024)), ParseError::TooManyLines);
    assert_eq!(
        error("v=0\n".to_owned() + &"m=audio 1 RTP/AVP 0\n".repeat(33)),
        ParseError::TooManyMedia
    );
    assert_eq!(error("v=0\n".to_owned() + &" ".repeat(64 * 1024)), ParseError::TooLong);
}

#[test]
fn latin_1_in_a_name_does_not_lose_the_call() {
    let session = Session::parse(b"v=0\r\ns=caf\xe9\r\nm=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(session.map(|s| s.name).as_deref(), Ok("caf\u{fffd}"));
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-zA-Z0-9._-]{0,12}"
}

/// No word that the reader files elsewhere.
fn attribute() -> impl Strategy<Value = Attribute> {
    let value = proptest::option::of("|[!-~]([ -~]{0,20}[!-~])?");
    ("x-[a-z0-9-]{1,10}", value).prop_map(|(name, value)| Attribute { name, value })
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Address::Ip(ip.into())),
        any::<[u8; 16]>().prop_map(|ip| Address::Ip(ip.into())),
        ("[a-z][a-z0-9.-]{0,20}", any::<bool>()).prop_map(|(name, v6)| Address::Name { name, v6 }),
    ]
}

fn direction() -> impl Strategy<Value = Option<Direction>> {
    let any = (any::<bool>(), any::<bool>()).prop_map(|(s, r)| Direction::new(s, r));
    proptest::option::of(any)
}

fn payload(number: u8) -> impl Strategy<Value = Payload> {
    let encoding = prop_oneof![
        Just(Encoding::Pcmu),
        Just(Encoding::Pcma),
        Just(Encoding::TelephoneEvent),
        "x[a-zA-Z0-9-]{1,10}".prop_map(Encoding::Other),
    ];
    let map = (encoding, 1..=u32::MAX, 1..=u8::MAX)
        .prop_map(|(encoding, clock_hz, channels)| RtpMap { encoding, clock_hz, channels });
    (proptest::option::of(map), proptest::option::of("[!-~]([ -~]{0,20}[!-~])?"))
        .prop_map(move |(map, fmtp)| Payload { number, map, fmtp })
}

fn formats() -> impl Strategy<Value = (Protocol, Formats)> {
    let rtp = prop_oneof![
        Just(Protocol::RtpAvp),
        Just(Protocol::RtpAvpf),
        Just(Protocol::RtpSavp),
        Just(Protocol::RtpSavpf)
    ];
    let payloads = proptest::collection::btree_set(0u8..128, 0..6)
        .prop_flat_map(|numbers| numbers.into_iter().map(payload).collect::<Vec<_>>());
    let other = prop_oneof![Just(Protocol::Udptl), "x/[a-z]{1,5}".prop_map(Protocol::Other)];
    prop_oneof![
        (rtp, payloads).prop_map(|(protocol, payloads)| (protocol, Formats::Rtp(payloads))),
        (other, "[a-z0-9]{0,4}").prop_map(|(protocol, text)| (protocol, Formats::Other(text))),
    ]
}

fn media() -> impl Strategy<Value = Media> {
    let kind = prop_oneof![
        Just(MediaKind::Audio),
        Just(MediaKind::Video),
        Just(MediaKind::Image),
        "x[a-z]{1,8}".prop_map(MediaKind::Other),
    ];
    let rtcp = (1..=u16::MAX, proptest::option::of(address()))
        .prop_map(|(port, address)| RtcpAddress { port, address });
    let times = proptest::option::of(1..=u16::MAX);
    (
        (kind, any::<u16>(), formats(), proptest::option::of(address()), direction()),
        (times.clone(), times, proptest::option::of(rtcp)),
        proptest::collection::vec(attribute(), 0..4),
    )
        .prop_map(
            |((kind, port, (protocol, formats), connection, direction), rest, attributes)| {
                let (ptime_ms, max_ptime_ms, rtcp) = rest;
                Media {
                    kind,
                    port,
                    protocol,
                    formats,
                    connection,
                    direction,
                    ptime_ms,
                    max_ptime_ms,
                    rtcp,
                    attributes,
                }
            },
        )
}

fn session() -> impl Strategy<Value = Session> {
    let origin = (word(), any::<u64>(), any::<u64>(), address())
        .prop_map(|(user, id, version, address)| Origin { user, id, version, address });
    (
        origin,
        word(),
        proptest::option::of(address()),
        direction(),
        proptest::collection::vec(attribute(), 0..4),
        proptest::collection::vec(media(), 0..5),
    )
        .prop_map(|(origin, name, connection, direction, attributes, media)| Session {
            origin,
            name,
            connection,
            direction,
            attributes,
            media,
        })
}

/// A real description with a few octets or lines spoilt.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let edits = proptest::collection::vec((0..PHONE.len(), any::<u8>(), 0..3u8), 0..12);
    edits.prop_map(|edits| {
        let mut bytes = PHONE.as_bytes().to_vec();
        for (at, byte, what) in edits {
            let at = at.min(bytes.len().saturating_sub(1));
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(session in session()) {
        prop_assert_eq!(Session::parse(session.to_string().as_bytes()), Ok(session));
    }

    #[test]
    fn any_bytes_are_a_description_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Session::parse(&bytes);
    }

    #[test]
    fn what_was_read_of_a_spoilt_body_prints_and_reads_the_same(bytes in spoilt()) {
        if let Ok(session) = Session::parse(&bytes) {
            prop_assert_eq!(Session::parse(session.to_string().as_bytes()), Ok(session));
        }
    }
}

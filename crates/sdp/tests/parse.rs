//! Reading what peers send, well-formed and not.

use proptest::prelude::*;
use tipring_sdp::time::{Repeat, Timing, ZoneAdjustment};
use tipring_sdp::{BandwidthKind, Direction, Formats, MediaKind, ParseError, Protocol, Session};

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
    assert_eq!(audio.payloads()[2].event_clock_hz(), Some(8000));
    assert_eq!(audio.payloads()[2].fmtp.as_deref(), Some("0-15"));
    assert_eq!((audio.ptime_ms, audio.max_ptime_ms), (Some(20), Some(40)));
    assert_eq!(audio.rtcp.as_ref().map(|r| r.port), Some(49171));
    assert_eq!(audio.direction, Some(Direction::SendRecv));
    assert_eq!(audio.attributes.len(), 1, "the source's name");
    assert_eq!(session.bandwidth[0].kind, BandwidthKind::ApplicationSpecific);
    assert_eq!(session.attribute("tool"), Some("phone 1.0"));
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
    assert_eq!(session.name, "");
    let connection = session.connection.as_ref().expect("an address");
    assert_eq!(connection.address.ip(), "192.0.2.1".parse().ok());
    let audio = session.audio().expect("an audio line");
    assert_eq!(audio.payloads().len(), 2, "a payload type named twice counts once");
    assert_eq!(audio.payloads()[1].event_clock_hz(), Some(8000));
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
    let ip =
        |media| session.connection_of(media).and_then(|c| c.address.ip()).map(|ip| ip.to_string());
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
    let long = format!("v=0\ns=-\na={}\n", "x".repeat(8 * 1024 - 1));
    assert_eq!(error(long), ParseError::LineTooLong(3));
}

#[test]
fn latin_1_in_a_name_does_not_lose_the_call() {
    let session = Session::parse(b"v=0\r\ns=caf\xe9\r\nm=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(session.map(|s| s.name).as_deref(), Ok("caf\u{fffd}"));
}

#[test]
fn the_largest_description_is_read_in_full() {
    let formats: String = (0..128).map(|number| format!(" {number}")).collect();
    let mut text = format!("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP{}\n", formats.repeat(15));
    let maps =
        (0..Session::MAX_LINES - 3).map(|at| format!("a=rtpmap:{} x/{}\n", at % 128, at + 1));
    text.extend(maps);
    let session = parse(&text);
    assert_eq!(session.media[0].payloads().len(), 128);
    let last = session.media[0].payloads()[127].map.as_ref().map(|map| map.clock_hz);
    assert_eq!(last, Some(128), "the first of many counts");
}

#[test]
fn times_repeats_and_zones_are_read_as_rfc_8866_prints_them() {
    let session = parse(
        "v=0\r\nt=3034423619 3042462419\r\nr=7d 1h 0 25h\r\nr=604800 3600 0 90000\r\nt=0 0\r\nt=x\r\n\
         r=1 -1 0\r\nz=2882844526 -1h 2898848070 0\r\nz=1\r\nk=clear:secret\r\nm=audio 1 RTP/AVP 0\r\n",
    );
    let weekly = Repeat { interval: 604_800, duration: 3_600, offsets: vec![0, 90_000] };
    let repeats = vec![weekly.clone(), weekly];
    let first = Timing { start: 3_034_423_619, stop: 3_042_462_419, repeats };
    assert_eq!(session.times, [first, Timing::default()]);
    let zone = |at, by| ZoneAdjustment { at, by };
    assert_eq!(session.zones, [zone(2_882_844_526, -3_600), zone(2_898_848_070, 0)]);
    assert!(!session.to_string().contains("secret"));
    assert_eq!(parse("v=0\r\nt=0 0\r\n").times, []);
}

#[test]
fn bandwidth_is_read_at_both_levels() {
    let session = parse(
        "v=0\r\nb=CT:1000\r\nb=x\r\nb=AS:-1\r\nm=audio 1 RTP/AVP 0\r\nb=tias:64000\r\nb=RS:0\r\nb=X-Y: 7\r\n",
    );
    let read = |all: &[tipring_sdp::Bandwidth]| {
        all.iter().map(|b| (b.kind.name().to_owned(), b.value)).collect::<Vec<_>>()
    };
    assert_eq!(read(&session.bandwidth), [("CT".to_owned(), 1000)]);
    let own =
        [("TIAS", 64_000), ("RS", 0), ("X-Y", 7)].map(|(kind, value)| (kind.to_owned(), value));
    assert_eq!(read(&session.media[0].bandwidth), own);
}

#[test]
fn multicast_addresses_keep_their_reach() {
    let read = |line: &str| {
        let session = parse(&format!("v=0\r\nc={line}\r\n"));
        let connection = session.connection.expect("an address");
        (connection.address.to_string(), connection.ttl, connection.groups)
    };
    let v4 = "IN IP4 224.2.1.1".to_owned();
    assert_eq!(read("IN IP4 224.2.1.1/127"), (v4.clone(), Some(127), None));
    assert_eq!(read("IN IP4 224.2.1.1/127/3"), (v4.clone(), Some(127), Some(3)));
    assert_eq!(read("IN IP4 224.2.1.1/x/3"), (v4, None, None));
    assert_eq!(read("IN IP6 FF15::101/3"), ("IN IP6 ff15::101".to_owned(), None, Some(3)));
}

#[test]
fn letters_that_nobody_knows_and_lines_for_people_are_read_over() {
    let text = "v=0\r\ni=info\r\nu=http://x/\r\ne=a@b\r\np=+1\r\n0=zero\r\n!=?\r\nm=audio 1 RTP/AVP 0\r\n\
                i=title\r\nk=prompt\r\ny=\r\n";
    assert_eq!(parse(text), parse("v=0\r\nm=audio 1 RTP/AVP 0\r\n"));
}

#[test]
fn of_what_may_stand_once_the_first_counts() {
    let session = parse(
        "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\no=b 2 2 IN IP4 192.0.2.2\r\ns=one\r\ns=two\r\n\
         c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\na=ptime:x\r\na=ptime:10\r\na=ptime:20\r\n\
         m=audio 1 RTP/AVP 0\r\na=recvonly\r\na=sendonly\r\na=rtcp:7\r\na=rtcp:8\r\na=rtcp-mux\r\na=rtcp-mux\r\n",
    );
    assert_eq!((session.origin.user.as_str(), session.name.as_str()), ("a", "one"));
    let host = session.connection.as_ref().map(|c| c.address.to_string());
    assert_eq!(host.as_deref(), Some("IN IP4 192.0.2.1"));
    let audio = &session.media[0];
    assert_eq!(session.ptime_of(audio), Some(10));
    assert_eq!(session.attribute("ptime"), Some("x"), "what cannot be read is kept");
    assert_eq!(audio.direction, Some(Direction::RecvOnly));
    assert_eq!((audio.rtcp.as_ref().map(|rtcp| rtcp.port), audio.rtcp_mux), (Some(7), true));
}

#[test]
fn every_word_of_an_m_line_is_known_in_any_case() {
    let words = [
        "audio 1 RTP/AVP 0",
        "video 1 RTP/AVPF 0",
        "image 1 udptl t38",
        "text 1 RTP/SAVP 0",
        "application 1 RTP/SAVPF 0",
        "message 1 UDP/TLS/RTP/SAVP 0",
        "audio 1/2 UDP/TLS/RTP/SAVPF 0",
        "image 1 UDP/TLS/UDPTL t38",
        "x-word 1 TCP/MSRP * y",
    ];
    for word in words {
        let lower = parse(&format!("v=0\nm={}\n", word.to_ascii_lowercase()));
        if !word.contains("MSRP") {
            assert_eq!(lower.media[0].to_string(), format!("m={word}\r\n"));
        }
        assert_eq!(
            parse(&format!("v=0\nm={word}\n")).media[0].to_string(),
            format!("m={word}\r\n")
        );
    }
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

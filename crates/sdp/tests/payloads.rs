//! What payload types stand for, and what is made of descriptions that are at odds with themselves.

use tipring_sdp::{Codec, Encoding, Events, LocalMedia, OfferAnswer, Payload, Plan, Session};

fn payloads(line: &str, maps: &[&str]) -> Vec<Payload> {
    let maps: String = maps.iter().map(|map| format!("a={map}\r\n")).collect();
    let text = format!("v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP {line}\r\n{maps}");
    let session = Session::parse(text.as_bytes()).expect("a description");
    session.media[0].payloads().to_vec()
}

fn codecs(line: &str, maps: &[&str]) -> Vec<Option<Codec>> {
    payloads(line, maps).iter().map(Payload::codec).collect()
}

/// What somebody who speaks every codec makes of an offer.
fn agreed(line: &str, maps: &[&str]) -> Plan {
    let maps: String = maps.iter().map(|map| format!("a={map}\r\n")).collect();
    let text = format!("v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP {line}\r\n{maps}");
    let offer = Session::parse(text.as_bytes()).expect("a description");
    let local = LocalMedia {
        codecs: Codec::ALL.to_vec(),
        comfort_noise: true,
        ..LocalMedia::new("192.0.2.1".parse().expect("an address"), 20000)
    };
    OfferAnswer::new(4).answer(&local, &offer).expect("a common codec").1.clone()
}

#[test]
fn static_types_need_no_rtpmap() {
    let known = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::G729, Codec::G726_32].map(Some);
    assert_eq!(codecs("0 8 9 18 2", &[]), known);
    let named = |number: u8| {
        let meaning = Payload::new(number).meaning()?;
        Some((meaning.encoding.name().to_owned(), meaning.clock_hz, meaning.channels))
    };
    // RFC 3551 §6, tables 4 and 5.
    let table = [
        (3, "GSM", 8_000, 1),
        (4, "G723", 8_000, 1),
        (5, "DVI4", 8_000, 1),
        (6, "DVI4", 16_000, 1),
        (7, "LPC", 8_000, 1),
        (10, "L16", 44_100, 2),
        (11, "L16", 44_100, 1),
        (12, "QCELP", 8_000, 1),
        (13, "CN", 8_000, 1),
        (14, "MPA", 90_000, 1),
        (15, "G728", 8_000, 1),
        (16, "DVI4", 11_025, 1),
        (17, "DVI4", 22_050, 1),
        (25, "CelB", 90_000, 1),
        (26, "JPEG", 90_000, 1),
        (28, "nv", 90_000, 1),
        (31, "H261", 90_000, 1),
        (32, "MPV", 90_000, 1),
        (33, "MP2T", 90_000, 1),
        (34, "H263", 90_000, 1),
    ];
    for (number, name, clock, channels) in table {
        assert_eq!(named(number), Some((name.to_owned(), clock, channels)), "{number}");
    }
    let assigned = [0, 2, 8, 9, 18].into_iter().chain(table.map(|(number, ..)| number));
    let assigned: Vec<u8> = assigned.collect();
    for number in (0..128).filter(|number| !assigned.contains(number)) {
        assert_eq!(named(number), None, "{number} has no meaning of its own");
    }
}

#[test]
fn every_codec_goes_by_its_name_clock_and_channels() {
    for codec in Codec::ALL {
        let (clock, channels) = (codec.clock_hz(), codec.channels());
        let map = format!("rtpmap:96 {}/{clock}/{channels}", codec.name());
        assert_eq!(codecs("96", &[&map]), [Some(codec)]);
        assert_eq!(codecs("96", &[&map.to_ascii_lowercase()]), [Some(codec)], "any case");
        let other = format!("rtpmap:96 {}/{}/{channels}", codec.name(), clock * 2);
        assert_eq!(codecs("96", &[&other]), [None], "another clock is another codec");
        let other = format!("rtpmap:96 {}/{clock}/{}", codec.name(), channels + 1);
        assert_eq!(codecs("96", &[&other]), [None], "other channels are another codec");
        assert_eq!(Codec::of(&codec.encoding()), Some(codec));
    }
}

#[test]
fn packing_of_g726_goes_by_the_name() {
    let maps = ["rtpmap:96 AAL2-G726-32/8000", "rtpmap:97 G726-32/8000", "rtpmap:98 G726/8000"];
    let named = [Codec::Aal2G726_32, Codec::G726_32, Codec::G726_32].map(Some);
    assert_eq!(codecs("96 97 98", &maps), named);
}

#[test]
fn names_that_devices_write_are_understood() {
    let maps = [
        "rtpmap:18 G729A/8000",
        "rtpmap:96 G.729/8000",
        "rtpmap:97 g.711a/8000",
        "rtpmap:98 X-CCD/8000",
    ];
    let named = [Codec::G729, Codec::G729, Codec::Pcma, Codec::Clearmode].map(Some);
    assert_eq!(codecs("18 96 97 98", &maps), named);
}

#[test]
fn a_number_named_twice_counts_once_where_it_stands_first() {
    let numbers: Vec<u8> = payloads("8 0 8 0 101", &[]).iter().map(|p| p.number).collect();
    assert_eq!(numbers, [8, 0, 101]);
}

#[test]
fn the_first_readable_rtpmap_of_a_number_counts() {
    let maps = ["rtpmap:96 nonsense", "rtpmap:96 G722/8000", "rtpmap:96 opus/48000/2"];
    assert_eq!(codecs("96", &maps), [Some(Codec::G722)]);
    let maps = ["fmtp:101 0-11", "rtpmap:101 telephone-event/8000", "fmtp:101 0-15"];
    let events = payloads("101", &maps)[0].events();
    assert!(events.contains(11) && !events.contains(12), "and the first fmtp");
}

#[test]
fn an_rtpmap_of_a_number_that_is_not_listed_is_dropped() {
    let all =
        payloads("0", &["rtpmap:8 PCMA/8000", "rtpmap:128 PCMA/8000", "fmtp:8 x", "rtpmap:0"]);
    assert_eq!(all, [Payload::new(0)]);
}

#[test]
fn a_dynamic_number_without_rtpmap_stands_for_nothing() {
    assert_eq!(codecs("96 0", &[]), [None, Some(Codec::Pcmu)]);
    assert_eq!(agreed("96 127 35 0", &[]).payload_type, 0);
}

#[test]
fn a_static_number_that_is_mapped_to_something_else_stands_for_nothing() {
    let maps = [
        "rtpmap:0 PCMA/8000",
        "rtpmap:8 PCMA/16000",
        "rtpmap:18 PCMU/8000",
        "rtpmap:9 G722/8000/2",
    ];
    assert_eq!(codecs("0 8 18 9 3", &maps), [None; 5]);
    assert_eq!(codecs("9", &["rtpmap:9 G722/16000"]), [Some(Codec::G722)], "everybody means 8000");
    assert_eq!(codecs("96", &["rtpmap:96 G722/16000"]), [None], "here nobody knows");
}

#[test]
fn numbers_outside_the_dynamic_range_may_be_mapped_where_nothing_is_assigned() {
    assert_eq!(
        codecs("35 77", &["rtpmap:35 opus/48000/2", "rtpmap:77 PCMU/8000"]),
        [Some(Codec::Opus), Some(Codec::Pcmu)]
    );
}

#[test]
fn a_codec_with_two_numbers_is_sent_under_the_first() {
    let plan = agreed("97 0", &["rtpmap:97 PCMU/8000"]);
    assert_eq!((plan.codec, plan.payload_type), (Codec::Pcmu, 97));
}

#[test]
fn events_follow_the_clock_of_the_codec() {
    let maps = [
        "rtpmap:96 opus/48000/2",
        "rtpmap:100 telephone-event/8000",
        "rtpmap:101 telephone-event/48000",
    ];
    let plan = agreed("96 0 100 101", &maps);
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Opus, Some(101)));
    let plan = agreed("0 96 100 101", &maps);
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Pcmu, Some(100)));
    let plan = agreed("9 101", &["rtpmap:101 telephone-event/16000"]);
    assert_eq!((plan.codec, plan.telephone_event), (Codec::G722, None), "G.722's clock is 8000");
}

#[test]
fn an_offer_with_two_clocks_offers_events_at_both() {
    let local = LocalMedia {
        codecs: vec![Codec::Opus, Codec::Pcmu],
        comfort_noise: true,
        ..LocalMedia::new("192.0.2.1".parse().expect("an address"), 20000)
    };
    let text = OfferAnswer::new(4).offer(&local).to_string();
    let lines: Vec<&str> =
        text.lines().filter(|l| l.starts_with("m=") || l.contains("map:")).collect();
    assert_eq!(
        lines,
        [
            "m=audio 20000 RTP/AVP 96 0 101 97 13",
            "a=rtpmap:96 opus/48000/2",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/48000",
            "a=rtpmap:97 telephone-event/8000",
            "a=rtpmap:13 CN/8000",
        ]
    );
}

#[test]
fn event_ranges_are_read_and_written() {
    for text in ["0-15", "0-15,16", "0-16", "16,0-15", " 0 - 15 , 16 ", "0,1,2-9,66-70,255"] {
        let events = Events::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert!(events.contains(0) && !events.contains(200));
        assert_eq!(Events::parse(&events.to_string()), Some(events), "{text}");
    }
    assert_eq!(Events::DTMF_AND_FLASH.to_string(), "0-16");
    assert_eq!(
        Events::parse("0,1,2-9,66-70,255").map(|e| e.to_string()).as_deref(),
        Some("0-9,66-70,255")
    );
    for text in ["", "x", "15-0", "256", "0-15;16", "0,,1"] {
        assert_eq!(Events::parse(text), None, "{text}");
    }
    assert!(Events::NONE.is_empty() && !Events::DTMF.is_empty());
}

#[test]
fn what_the_peer_takes_of_events_is_known() {
    let map = "rtpmap:101 telephone-event/8000";
    assert_eq!(agreed("0 101", &[map, "fmtp:101 0-16"]).events, Events::DTMF_AND_FLASH);
    assert_eq!(agreed("0 101", &[map, "fmtp:101 junk"]).events, Events::DTMF);
    assert_eq!(agreed("0", &[]).events, Events::NONE);
}

#[test]
fn g729_is_answered_without_annex_b_and_in_whole_frames() {
    let plan = agreed("18", &["fmtp:18 annexb=yes", "ptime:25"]);
    assert_eq!((plan.codec, plan.ptime_ms), (Codec::G729, 20));
    let all = payloads("18", &["fmtp:18 annexb=yes"]);
    assert_eq!(all[0].parameter("annexb"), Some("yes"));
    assert_eq!(Codec::G729.encoding(), Encoding::G729);
}

#[test]
fn comfort_noise_is_taken_at_the_clock_of_the_codec() {
    assert_eq!(agreed("0 13", &[]).comfort_noise, Some(13));
    assert_eq!(agreed("0 98", &["rtpmap:98 CN/16000"]).comfort_noise, None);
}

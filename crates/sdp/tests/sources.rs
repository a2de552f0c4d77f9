//! The descriptions that are printed in documents about devices of their time, as those devices sent them.
//!
//! Two of the documents are scans and lecture slides; where a scan has misread a letter (`1P4` for `IP4`, `t=00`) or a
//! slide has torn a word apart (`IP 4`), the text here is what was sent. The last test feeds the misreadings themselves.

use tipring_sdp::{
    Address, Codec, Direction, Encoding, Events, LocalMedia, MediaKind, OfferAnswer, Plan, Session,
};

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// What we make of it when it is offered.
fn agreed(session: &Session) -> Plan {
    let local = LocalMedia::new("192.0.2.99".parse().expect("an address"), 20000);
    OfferAnswer::new(4).answer(&local, session).expect("G.711 is common").1.clone()
}

#[test]
fn cisco_invite_of_an_ip_phone() {
    let session = parse(
        "v=0\r\n\
         o=CiscoSystemsSIP-IPPhone-UserAgent 17045 11864 IN IP4 10.80.17.134\r\n\
         s=SIP Call\r\n\
         c=IN IP4 10.80.17.134\r\n\
         t=0 0\r\n\
         m=audio 29118 RTP/AVP 0 101\r\n\
         a=rtpmap:0 pcmu/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n",
    );
    assert_eq!(session.origin.user, "CiscoSystemsSIP-IPPhone-UserAgent");
    assert_eq!((session.origin.id, session.origin.version), (17045, 11864));
    assert_eq!(session.name, "SIP Call");
    let plan = agreed(&session);
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Pcmu, Some(101)));
    assert_eq!(plan.events, Events::DTMF, "it names none, which means the sixteen keys");
    assert_eq!(plan.rtp, "10.80.17.134:29118".parse().ok());
}

#[test]
fn cisco_body_for_voice_only_has_no_session_name() {
    let session = parse(
        "v=0\r\no=alice 2890844526 2890844526 IN IP4 atlanta.com\r\nc=IN IP4 10.1.3.33\r\nt=0 0\r\n\
         m=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
    );
    assert_eq!(session.name, "");
    let name = Address::Name { name: "atlanta.com".into(), v6: false };
    assert_eq!(session.origin.address, name);
    let plan = agreed(&session);
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Pcmu, None));
    assert_eq!(plan.rtp, "10.1.3.33:49172".parse().ok());
}

#[test]
fn cisco_body_for_voice_and_video_is_answered_by_voice() {
    let session = parse(
        "v=0\r\no=alice 2890844526 2890844526 IN IP4 atlanta.com\r\nc=IN IP4 10.1.3.33\r\nt=0 0\r\n\
         m=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n\
         m=video 51172 RTP/AVP 31 34\r\na=rtpmap:31 H.261/90000\r\na=rtpmap:34 H.263/90000\r\n",
    );
    assert_eq!((&session.media[1].kind, session.media[1].port), (&MediaKind::Video, 51172));
    assert_eq!(agreed(&session).rtp, "10.1.3.33:49172".parse().ok());
    let local = LocalMedia::new("192.0.2.99".parse().expect("an address"), 20000);
    let mut dialog = OfferAnswer::new(4);
    let (answer, _) = dialog.answer(&local, &session).expect("an answer");
    assert!(answer.to_string().ends_with("m=video 0 RTP/AVP 31 34\r\n"), "{answer}");
}

#[test]
fn nttpc_invite_with_capital_s() {
    let session = parse(
        "v=0\r\no=alice 2890 28526 IN IP4 cnt.ata.example.com\r\nS=-\r\nc=IN IP4 192.0.2.101\r\n\
         t=0 0\r\nm=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
    );
    assert_eq!((session.origin.id, session.origin.version), (2890, 28526));
    assert_eq!(agreed(&session).rtp, "192.0.2.101:49172".parse().ok());
}

#[test]
fn nttpc_200_ok_with_the_address_behind_the_attributes() {
    let session = parse(
        "v=0\r\no=bob 2890847 2890847 IN IP4 client.bexample.com\r\nt=0 0\r\n\
         m=audio 3456 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\nc=IN IP4 192.0.2.201\r\n",
    );
    assert_eq!(session.connection, None, "it stands with the medium");
    assert_eq!(agreed(&session).rtp, "192.0.2.201:3456".parse().ok());
}

#[test]
fn nttpc_messenger_invite_maps_payload_type_0_twice() {
    let session = parse(
        "v=0\r\no=- 3232178697 3232178697 IN IP4 202.229.156.246\r\nc=IN IP4 202.229.156.246\r\n\
         t=0 0\r\nm=audio 5004 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:0 G.711U/8000\r\n",
    );
    assert_eq!(session.origin.user, "");
    let [payload] = session.media[0].payloads() else { panic!("one payload type") };
    assert_eq!(payload.map.as_ref().map(|map| &map.encoding), Some(&Encoding::Pcmu));
    let plan = agreed(&session);
    assert_eq!((plan.codec, plan.payload_type), (Codec::Pcmu, 0));
    assert_eq!(plan.rtp, "202.229.156.246:5004".parse().ok());
}

#[test]
fn nttpc_invite_and_200_ok_with_authentication() {
    let cases = [
        ("alice 2890844526 2890844526 IN IP4 client.atlanta.example.com", "192.0.2.101", 49172),
        ("bob 2890844527 2890844527 IN IP4 client.biloxi.example.com", "192.0.2.201", 3456),
    ];
    for (origin, address, port) in cases {
        let session = parse(&format!(
            "v=0\r\no={origin}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        ));
        assert_eq!(session.origin.to_string(), origin);
        assert_eq!(agreed(&session).rtp, format!("{address}:{port}").parse().ok());
    }
}

#[test]
fn nec_invite_with_a_packet_time_per_codec() {
    let session = parse(
        "v=0\r\no=IPS 24669 0 IN IP4 172.16.1.11\r\ns=IPS\r\nc=IN IP4 172.16.1.11\r\nt=0 0\r\n\
         m=audio 10006 RTP/AVP 0 2 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n\
         a=rtpmap:2 G726-32/8000\r\na=ptime:30\r\na=rtpmap:101 telephone-event/8000\r\n",
    );
    assert_eq!((session.origin.version, session.name.as_str()), (0, "IPS"));
    let codecs: Vec<_> = session.media[0].payloads().iter().map(|p| p.codec()).collect();
    assert_eq!(codecs, [Some(Codec::Pcmu), Some(Codec::G726_32), None]);
    let plan = agreed(&session);
    assert_eq!((plan.codec, plan.ptime_ms), (Codec::Pcmu, 20), "the first is the favourite's");
    assert_eq!(plan.telephone_event, Some(101));
}

#[test]
fn nec_invite_as_its_trace_counts_the_formats() {
    // The list of the m= line lacks the 2 that an a=rtpmap speaks of.
    let session = parse(
        "v=0\r\no=IPS 24669 0 IN IP4 172.16.1.11\r\ns=IPS\r\nc=IN IP4 172.16.1.11\r\nt=0 0\r\n\
         m=audio 10006 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n\
         a=rtpmap:2 G726-32/8000\r\na=ptime:30\r\na=rtpmap:101 telephone-event/8000\r\n",
    );
    let numbers: Vec<u8> = session.media[0].payloads().iter().map(|p| p.number).collect();
    assert_eq!(numbers, [0, 101]);
    assert_eq!(agreed(&session).rtp, "172.16.1.11:10006".parse().ok());
}

#[test]
fn nec_200_ok_confirms_g711_and_events() {
    let answer = parse(
        "v=0\r\no=IPS 5927 0 IN IP4 172.16.1.21\r\ns=IPS\r\nc=IN IP4 172.16.1.21\r\nt=0 0\r\n\
         m=audio 10008 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n\
         a=rtpmap:101 telephone-event/8000\r\n",
    );
    let mut ours = OfferAnswer::new(4);
    ours.offer(&LocalMedia::new("172.16.1.11".parse().expect("an address"), 10006));
    let plan = ours.accept_answer(&answer).expect("it answers");
    assert_eq!((plan.codec, plan.ptime_ms, plan.telephone_event), (Codec::Pcmu, 20, Some(101)));
    assert_eq!(plan.rtp, "172.16.1.21:10008".parse().ok());
}

#[test]
fn nec_list_of_rtpmaps_names_codecs() {
    let session = parse(
        "v=0\r\nc=IN IP4 172.16.1.11\r\nm=audio 10006 RTP/AVP 0 18 2 9 101 110\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=rtpmap:2 G726/8000\r\n\
         a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=rtpmap:110 telephone-event/8000\r\n",
    );
    let codecs: Vec<_> = session.media[0].payloads().iter().map(|p| p.codec()).collect();
    let named = [Codec::Pcmu, Codec::G729, Codec::G726_32, Codec::G722].map(Some);
    assert_eq!(codecs[..4], named);
    let clocks: Vec<_> = session.media[0].payloads().iter().map(|p| p.event_clock_hz()).collect();
    assert_eq!(clocks[4..], [Some(8000), Some(8000)]);
}

#[test]
fn lecture_invite_without_a_version() {
    let session = parse(
        "v=0\r\no=Alice 2897654321 IN IP4 10.0.0.1\r\ns=Phone Call\r\nc=IN IP4 192.168.0.1\r\n\
         t=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap: 0 PCMU/8000\r\n",
    );
    assert_eq!(session.origin.user, "Alice");
    assert_eq!((session.origin.id, session.origin.version), (2_897_654_321, 0));
    assert_eq!(session.origin.address.ip(), "10.0.0.1".parse().ok());
    assert_eq!(agreed(&session).rtp, "192.168.0.1:49170".parse().ok());
}

#[test]
fn lecture_lines_one_by_one() {
    let session = parse(
        "v=0\r\no=john 2887654326 2887654307 IN IP4 10.1.2.3\r\ns=SDP Seminar\r\n\
         e=john@yyy.edu (John Doe)\r\ne=John Doe <john@yyy.edu>\r\n\
         p=+886 -4 -2496 -1356\r\np=+886 4 2496 1356\r\n\
         c=IN IP4 224.2.1.1/127/3\r\nt=2887654321 2887654310\r\n\
         m=video 49170/2 RTP/AVP 0\r\nc=IN IP4 224.2.17.12/127\r\n",
    );
    let groups = session.connection.as_ref().map(|c| (c.ttl, c.groups));
    assert_eq!(groups, Some((Some(127), Some(3))));
    let [timing] = session.times.as_slice() else { panic!("one time") };
    assert_eq!((timing.start, timing.stop), (2_887_654_321, 2_887_654_310));
    let video = &session.media[0];
    assert_eq!((video.port, video.ports), (49170, Some(2)));
    assert_eq!(video.connection.as_ref().map(|c| (c.ttl, c.groups)), Some((Some(127), None)));
    assert_eq!(session.direction_of(video), Direction::SendRecv);
}

#[test]
fn what_a_scan_misreads_still_makes_a_call() {
    let scans = [
        "v=0\n\no=alice 2890 28526 IN IP4 cnt.ata.example.com\nS=-\n\nc=IN 1P4 192.0.2.101\n\nt=00\n\n\
         m=audio 49172 RTP/AVP 0\na=rtpmap:0 PCMU/8000 V\n",
        "v=0\n0=bob 2890847 2890847 IN IP4 client.bexample.com\n\nt=00\nm=audio 3456 RTP/AVP 0\n\
         a=rtpmap:0 PCMU/8000\n\nc=IN IP4 192.0.2.201\n",
        "v=0\n\n0=- 3232178697 3232178697 IN 1P4 202.229.156.246\nc=IN 1P4 202.229.156.246\n\nt=00\n\n\
         m=audio 5004 RTP/AVP 0\n\na=rtpmap:0 PCMU/8000\n\na=rtpmap:0 G.711U/8000\n",
        "v=0\n\no=bob 2890844527 2890844527 IN IP4 client.biloxi.example.com\ns=-\n\n\
         c=IN 1P4 192.0.2.201 SDP\nt=0 0 Contact\nm=audio 3456 RTP/AVP 0\na=rtpmapz0 PCMU/8000",
    ];
    let hosts =
        ["192.0.2.101:49172", "192.0.2.201:3456", "202.229.156.246:5004", "192.0.2.201:3456"];
    for (scan, host) in scans.into_iter().zip(hosts) {
        let plan = agreed(&parse(scan));
        assert_eq!((plan.codec, plan.rtp), (Codec::Pcmu, host.parse().ok()), "{scan}");
    }
}

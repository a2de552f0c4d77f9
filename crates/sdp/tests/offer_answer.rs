//! Two ends agree on a call, as RFC 3264 and the phones of the world do it.

use proptest::prelude::*;
use tipring_sdp::{
    Codec, Direction, LocalMedia, OfferAnswer, OfferAnswerError, Plan, Rejection, Session,
};

fn us() -> LocalMedia {
    LocalMedia::new("192.0.2.1".parse().expect("an address"), 20000)
}

fn them() -> LocalMedia {
    LocalMedia {
        address: "192.0.2.2".parse().expect("an address"),
        rtp_port: 30000,
        rtcp_port: 30007,
        telephone_event: Some(96),
        ..us()
    }
}

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn peer(lines: &str) -> Session {
    parse(&format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n{lines}"
    ))
}

fn answered(local: &LocalMedia, lines: &str) -> Result<(Session, Plan), Rejection> {
    let mut dialog = OfferAnswer::new(8);
    let agreed = dialog.answer(local, &peer(lines));
    agreed.map(|(answer, plan)| (answer.clone(), plan.clone()))
}

#[test]
fn our_offer_is_these_bytes() {
    assert_eq!(
        OfferAnswer::new(28).offer(&us()).to_string(),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:60\r\n\
         a=rtcp:20001\r\na=sendrecv\r\n"
    );
}

#[test]
fn two_of_us_agree_and_hear_each_other() {
    let (mut a, mut b) = (OfferAnswer::new(1), OfferAnswer::new(2));
    let offer = a.offer(&us()).clone();
    assert!(a.is_offering());
    let (answer, at_b) = b.answer(&them(), &offer).expect("an answer");
    let at_a = a.accept_answer(answer).expect("a plan").clone();
    assert!(!a.is_offering());
    assert_eq!(at_b.rtp, "192.0.2.1:20000".parse().ok());
    assert_eq!(at_b.rtcp, "192.0.2.1:20001".parse().ok());
    assert_eq!(at_a.rtp, "192.0.2.2:30000".parse().ok());
    assert_eq!(at_a.rtcp, "192.0.2.2:30007".parse().ok());
    for plan in [&at_a, at_b] {
        assert_eq!((plan.codec, plan.payload_type), (Codec::Pcmu, 0));
        assert_eq!((plan.telephone_event, plan.receive.telephone_event), (Some(101), Some(101)));
        assert_eq!((plan.ptime_ms, plan.direction), (20, Direction::SendRecv));
    }
    assert_eq!(a.to_string(), "PCMU sendrecv 192.0.2.2:30000");
}

#[test]
fn the_offers_favourite_codec_wins_and_is_the_only_one_answered() {
    let (answer, plan) = answered(&us(), "m=audio 4000 RTP/AVP 18 8 0\r\n").expect("an answer");
    assert_eq!(plan.codec, Codec::Pcma);
    assert_eq!(plan.telephone_event, None, "no events were offered");
    assert_eq!(answer.media[0].payloads().len(), 1);
    assert_eq!(plan.ptime_ms, 20, "ours, as the offer names none");
}

#[test]
fn a_dynamic_number_for_g711_is_sent_back_as_it_came() {
    let lines = "m=audio 4000 RTP/AVP 97 98\r\na=rtpmap:97 pcma/8000/1\r\n\
                 a=rtpmap:98 telephone-event/8000\r\n";
    let (answer, plan) = answered(&us(), lines).expect("an answer");
    assert_eq!((plan.codec, plan.payload_type), (Codec::Pcma, 97));
    assert_eq!(plan.receive.payload_type(Codec::Pcma), Some(97));
    assert_eq!((plan.telephone_event, plan.receive.telephone_event), (Some(98), Some(98)));
    let numbers: Vec<u8> = answer.media[0].payloads().iter().map(|p| p.number).collect();
    assert_eq!(numbers, [97, 98]);
}

#[test]
fn events_at_another_clock_or_a_number_that_lies_are_not_taken() {
    let lines = "m=audio 4000 RTP/AVP 0 8 101 102\r\na=rtpmap:0 G729/8000\r\n\
                 a=rtpmap:101 telephone-event/48000\r\na=rtpmap:102 PCMU/16000\r\n";
    let (_, plan) = answered(&us(), lines).expect("an answer");
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Pcma, None));
}

#[test]
fn an_answer_with_its_own_event_number_is_obeyed_and_ours_received() {
    let mut a = OfferAnswer::new(1);
    a.offer(&us());
    let lines = "m=audio 4000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\n";
    let plan = a.accept_answer(&peer(lines)).expect("a plan");
    assert_eq!((plan.codec, plan.telephone_event), (Codec::Pcma, Some(96)));
    assert_eq!(plan.receive.telephone_event, Some(101));
    assert_eq!(plan.receive.payload_type(Codec::Pcmu), Some(0));
    assert_eq!(plan.receive.codec(8), Some(Codec::Pcma));
    assert_eq!(plan.ptime_ms, 30);
}

#[test]
fn an_answer_without_rtpmap_means_what_we_offered() {
    let mut a = OfferAnswer::new(1);
    a.offer(&us());
    let plan = a.accept_answer(&peer("m=audio 4000 RTP/AVP 0 101\r\n")).expect("a plan");
    assert_eq!(plan.telephone_event, Some(101));
}

#[test]
fn early_media_and_the_final_response_may_both_answer() {
    let mut a = OfferAnswer::new(1);
    assert_eq!(a.accept_answer(&peer("m=audio 1 RTP/AVP 0\r\n")), Err(OfferAnswerError::NoOffer));
    a.offer(&us());
    a.accept_answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).expect("early");
    let plan = a.accept_answer(&peer("m=audio 4002 RTP/AVP 8\r\n")).expect("final").clone();
    assert_eq!((plan.codec, plan.rtp), (Codec::Pcma, "192.0.2.2:4002".parse().ok()));
    let refused = a.accept_answer(&peer("m=audio 0 RTP/AVP 0\r\n"));
    assert_eq!(refused, Err(OfferAnswerError::Rejected(Rejection::NoAudio)));
    assert_eq!(a.agreed(), Some(&plan), "a useless answer changes nothing");
}

#[test]
fn video_and_fax_are_refused_in_their_places() {
    let lines = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\n\
                 m=audio 4004 RTP/AVP 0\r\nm=image 4006 udptl t38\r\nm=text 4008 x/y\r\n";
    let (answer, _) = answered(&us(), lines).expect("an answer");
    let text = answer.to_string();
    let media: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        media,
        [
            "m=video 0 RTP/AVP 96",
            "m=audio 20000 RTP/AVP 0",
            "m=audio 0 RTP/AVP 0",
            "m=image 0 udptl t38",
            "m=text 0 x/y 0"
        ]
    );
}

#[test]
fn an_offer_we_cannot_serve_says_why() {
    let reason = |lines: &str| answered(&us(), lines).map(|_| ()).unwrap_err();
    assert_eq!(reason("m=audio 4000 RTP/AVP 18 3\r\n"), Rejection::NoCommonCodec);
    assert_eq!(reason("m=audio 4000 RTP/SAVP 0\r\n"), Rejection::SrtpRefused);
    assert_eq!(reason("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n"), Rejection::Transport);
    assert_eq!(reason("m=video 4000 RTP/AVP 96\r\n"), Rejection::NoAudio);
    assert_eq!(reason("m=audio 0 RTP/AVP 0\r\n"), Rejection::NoAudio);
    assert_eq!(reason(""), Rejection::NoAudio);
    assert_eq!(reason("m=audio 1 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n"), Rejection::AddressFamily);
    assert_eq!(
        reason("m=audio 1 RTP/AVP 0\r\nc=IN IP4 pc.example.org\r\n"),
        Rejection::NamedAddress
    );
    assert_eq!(reason("m=audio 1 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n"), Rejection::NotUnicast);
    let nowhere = parse("v=0\r\nm=audio 4000 RTP/AVP 0\r\n");
    let mut dialog = OfferAnswer::new(1);
    let refused = dialog.answer(&us(), &nowhere);
    assert_eq!(refused.map(|_| ()), Err(Rejection::NoAddress));
    assert_eq!(Rejection::NoCommonCodec.warning(), 305);
}

#[test]
fn a_second_audio_line_serves_when_the_first_is_encrypted() {
    let lines = "m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVPF 0\r\n";
    let (answer, plan) = answered(&us(), lines).expect("an answer");
    assert_eq!(plan.rtp, "192.0.2.2:4002".parse().ok());
    assert!(answer.to_string().contains("m=audio 20000 RTP/AVPF 0\r\n"));
}

#[test]
fn hold_and_resume_by_direction() {
    let line = |direction: &str| format!("m=audio 4000 RTP/AVP 0\r\na={direction}\r\n");
    let cases = [
        ("sendrecv", Direction::SendRecv, false),
        ("sendonly", Direction::RecvOnly, true),
        ("recvonly", Direction::SendOnly, false),
        ("inactive", Direction::Inactive, true),
    ];
    for (offered, ours, held) in cases {
        let (answer, plan) = answered(&us(), &line(offered)).expect("an answer");
        assert_eq!((plan.direction, plan.held_by_peer), (ours, held), "{offered}");
        assert_eq!(answer.media[0].direction, Some(ours), "{offered}");
        assert!(plan.rtp.is_some(), "{offered}");
    }
}

#[test]
fn hold_by_a_null_address_as_old_phones_do_it() {
    let line = "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n";
    let (answer, plan) = answered(&us(), line).expect("an answer");
    assert_eq!((plan.rtp, plan.rtcp, plan.held_by_peer), (None, None, true));
    assert_eq!(answer.media[0].direction, Some(Direction::RecvOnly));
    let line = "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 hold.invalid\r\na=inactive\r\n";
    let (_, plan) = answered(&us(), line).expect("an answer");
    assert_eq!((plan.rtp, plan.direction), (None, Direction::Inactive));
}

#[test]
fn we_hold_and_the_peer_listens() {
    let hold = LocalMedia { direction: Direction::SendOnly, ..us() };
    let (mut a, mut b) = (OfferAnswer::new(1), OfferAnswer::new(2));
    let (_, at_b) = b.answer(&them(), a.offer(&hold)).expect("an answer");
    assert_eq!((at_b.direction, at_b.held_by_peer), (Direction::RecvOnly, true));
    let (answer, _) = b
        .answer(&LocalMedia { direction: Direction::SendOnly, ..them() }, a.offer(&hold))
        .expect("an answer when both hold");
    let at_a = a.accept_answer(answer).expect("a plan");
    assert_eq!(at_a.direction, Direction::Inactive);
}

#[test]
fn the_version_grows_with_a_change_and_only_then() {
    let mut a = OfferAnswer::new(1);
    assert_eq!(a.offer(&us()).origin.version, 1);
    assert_eq!(a.offer(&us()).origin.version, 1);
    let hold = LocalMedia { direction: Direction::SendOnly, ..us() };
    let held = a.offer(&hold);
    assert_eq!((held.origin.version, held.origin.id), (2, 0));
    a.accept_answer(&peer("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n")).expect("a plan");
    let (answer, _) = a.answer(&us(), &peer("m=audio 4000 RTP/AVP 0\r\n")).expect("an answer");
    assert_eq!(answer.origin.version, 3);
}

#[test]
fn a_later_offer_keeps_every_line_and_the_event_number() {
    let mut a = OfferAnswer::new(1);
    let lines = "m=video 4002 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0 97\r\n\
                 a=rtpmap:97 telephone-event/8000\r\n";
    a.answer(&us(), &peer(lines)).expect("an answer");
    let offer = a.offer(&LocalMedia { direction: Direction::SendOnly, ..us() });
    let text = offer.to_string();
    let media: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=video 0 RTP/AVP 96", "m=audio 20000 RTP/AVP 0 8 97"]);
    let lines =
        "m=video 0 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/8000\r\n";
    let plan = a.accept_answer(&peer(lines)).expect("a plan");
    assert_eq!(plan.receive.telephone_event, Some(97));
}

#[test]
fn a_refused_re_offer_leaves_the_call_as_it_was() {
    let mut a = OfferAnswer::new(1);
    a.offer(&us());
    let before = a.accept_answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).expect("a plan").clone();
    a.offer(&LocalMedia { direction: Direction::Inactive, ..us() });
    assert_eq!(a.to_string(), "offering");
    a.withdraw();
    assert_eq!(a.agreed(), Some(&before));
    assert_eq!(
        a.answer(&us(), &peer("m=audio 4000 RTP/AVP 18\r\n")).map(|_| ()),
        Err(Rejection::NoCommonCodec)
    );
    assert_eq!(a.agreed(), Some(&before));
}

#[test]
fn packet_times_stay_in_whole_blocks_and_in_bounds() {
    let cases = [
        ("a=ptime:30\r\n", 30),
        ("a=ptime:33\r\n", 30),
        ("a=ptime:1\r\n", 5),
        ("a=ptime:0\r\n", 20),
        ("a=ptime:1000\r\n", 60),
        ("a=ptime:4294967297\r\n", 20),
        ("a=ptime:60\r\na=maxptime:20\r\n", 20),
    ];
    for (lines, expected) in cases {
        let (answer, plan) =
            answered(&us(), &format!("m=audio 4000 RTP/AVP 0\r\n{lines}")).expect("ok");
        assert_eq!(plan.ptime_ms, expected, "{lines}");
        assert_eq!(answer.media[0].ptime_ms, Some(expected.into()));
    }
}

#[test]
fn ipv6_calls_work_and_the_last_port_has_no_neighbour() {
    let v6 = LocalMedia { address: "2001:db8::1".parse().expect("an address"), ..us() };
    let line = "m=audio 65535 RTP/AVP 0\r\nc=IN IP6 [2001:db8::2]\r\n";
    let (answer, plan) = answered(&v6, line).expect("an answer");
    assert_eq!(plan.rtp, "[2001:db8::2]:65535".parse().ok());
    assert_eq!(plan.rtcp, None);
    assert!(answer.to_string().contains("c=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn reports_are_never_aimed_at_a_third_host() {
    let line = "m=audio 4000 RTP/AVP 0\r\na=rtcp:53 IN IP4 198.51.100.1\r\n";
    let (_, plan) = answered(&us(), line).expect("an answer");
    assert_eq!(plan.rtcp, "192.0.2.2:53".parse().ok());
}

fn local() -> impl Strategy<Value = LocalMedia> {
    let codecs = prop_oneof![
        Just(vec![Codec::Pcmu]),
        Just(vec![Codec::Pcma]),
        Just(vec![Codec::Pcma, Codec::Pcmu]),
        Just(vec![Codec::Pcmu, Codec::Pcma]),
    ];
    let event = proptest::option::of(any::<u8>());
    (codecs, event, any::<u8>(), any::<u8>(), any::<bool>(), any::<bool>()).prop_map(
        |(codecs, telephone_event, ptime_ms, max_ptime_ms, sends, receives)| LocalMedia {
            codecs,
            telephone_event,
            ptime_ms,
            max_ptime_ms,
            direction: Direction::new(sends, receives),
            ..us()
        },
    )
}

proptest! {
    #[test]
    fn two_ends_that_agree_agree_on_the_same(a in local(), b in local()) {
        let (mut one, mut two) = (OfferAnswer::new(1), OfferAnswer::new(2));
        let offer = Session::parse(one.offer(&a).to_string().as_bytes()).expect("our own offer");
        let Ok((answer, there)) = two.answer(&b, &offer) else {
            prop_assert!(a.codecs.iter().all(|codec| !b.codecs.contains(codec)));
            return Ok(());
        };
        let answer = Session::parse(answer.to_string().as_bytes()).expect("our own answer");
        let here = one.accept_answer(&answer).expect("our own answer is acceptable");
        prop_assert_eq!((here.codec, here.payload_type), (there.codec, there.payload_type));
        prop_assert_eq!(here.telephone_event, there.telephone_event);
        prop_assert_eq!(here.direction, there.direction.reversed());
        prop_assert!(here.ptime_ms % 5 == 0 && here.ptime_ms >= 5);
    }

    #[test]
    fn no_answer_to_anything_has_other_lines_than_the_offer(text in "(m=(audio|video) [0-9]{1,5} RTP/AVP [0-9]{1,2}\r\n|c=IN IP[46] [0-9.:]{1,9}\r\n|a=[a-z:0-9/ ]{1,20}\r\n){0,8}") {
        let Ok(remote) = Session::parse(format!("v=0\r\nc=IN IP4 192.0.2.9\r\n{text}").as_bytes()) else {
            return Ok(());
        };
        let mut dialog = OfferAnswer::new(1);
        if let Ok((answer, _)) = dialog.answer(&us(), &remote) {
            prop_assert_eq!(answer.media.len(), remote.media.len());
            let again = Session::parse(answer.to_string().as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(answer));
        }
        let mut ours = OfferAnswer::new(1);
        ours.offer(&us());
        let _ = ours.accept_answer(&remote);
    }
}

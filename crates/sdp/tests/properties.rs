//! What holds for every description, every offer and every answer.

use proptest::prelude::*;
use tipring_sdp::crypto::{MasterKey, Suite};
use tipring_sdp::{
    Codec, Crypto, Direction, Line, LocalMedia, OfferAnswer, Preference, Session, Srtp, weigh,
};

mod generate;
mod legality;

/// What somebody can and wants.
fn local() -> impl Strategy<Value = LocalMedia> {
    let codecs = proptest::sample::subsequence(&Codec::ALL[..], 1..=Codec::ALL.len());
    let key = |suite: Suite, tag| Crypto {
        tag,
        keys: vec![MasterKey {
            key_and_salt: vec![7; suite.key_and_salt_octets().expect("a suite of ours")],
            lifetime: None,
            identifier: None,
        }],
        suite,
        parameters: Vec::new(),
    };
    let keys = vec![key(Suite::AesCm128Sha80, 1), key(Suite::AesGcm128, 2)];
    let srtp = prop_oneof![
        Just(Srtp::Refused),
        Just(Srtp::Allowed(keys.clone())),
        Just(Srtp::Required(keys))
    ];
    let event = proptest::option::of(any::<u8>());
    let way = (any::<bool>(), any::<bool>()).prop_map(|(s, r)| Direction::new(s, r));
    let address = prop_oneof![Just("192.0.2.1"), Just("2001:db8::1")];
    let other = proptest::option::of(prop_oneof![Just("192.0.2.1"), Just("2001:db8::1")]);
    (
        (codecs.prop_shuffle(), event, any::<bool>(), any::<bool>(), srtp),
        (any::<u8>(), any::<u8>(), way, any::<bool>(), address, other),
    )
        .prop_map(|((codecs, telephone_event, comfort_noise, rtcp_mux, srtp), rest)| {
            let (ptime_ms, max_ptime_ms, direction, own, address, other) = rest;
            let ip = |text: &str| text.parse().expect("an address");
            LocalMedia {
                codecs,
                telephone_event,
                comfort_noise,
                rtcp_mux,
                srtp,
                ptime_ms,
                max_ptime_ms,
                direction,
                preference: if own { Preference::Ours } else { Preference::Offerer },
                other_address: other.map(ip),
                ..LocalMedia::new(ip(address), 20000)
            }
        })
}

/// Offers that come near what is served, so that many are.
fn offer_text() -> impl Strategy<Value = String> {
    let line = "m=audio (0|4000|65535) (RTP/AVP|RTP/AVPF|RTP/SAVP|UDP/TLS/RTP/SAVPF)( (0|8|9|13|18|96|97|98|101)){1,6}\r\n\
                (c=IN IP4 (192\\.0\\.2\\.9|0\\.0\\.0\\.0|224\\.2\\.1\\.1/127)\r\n|c=IN IP6 2001:db8::9\r\n)?\
                (a=rtpmap:(0|96|97|98|101) (PCMU|pcma|G722|opus|telephone-event|CN|G726|AAL2-G726-32)/(8000|48000|48000/2|16000)\r\n){0,5}\
                (a=fmtp:(98|101) (0-15|0-15,16|x)\r\n)?(a=ptime:(10|20|30|33|1000)\r\n)?(a=maxptime:(20|5)\r\n)?\
                (a=(sendonly|recvonly|inactive|sendrecv)\r\n)?(a=rtcp-mux\r\n)?(a=mid:[a-z]\r\n)?\
                (a=crypto:[1-3] (AES_CM_128_HMAC_SHA1_80|AES_CM_128_HMAC_SHA1_32) inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj( WSH=64| KDR=1| -X)?\r\n){0,2}";
    let other = "m=(video|image|application|message|text) (0|5000) (RTP/AVP 31|udptl t38|TCP/MSRP \\*)\r\n(a=mid:[A-Z]\r\n)?";
    let lines = proptest::collection::vec(prop_oneof![3 => line, 1 => other], 0..4);
    let head = "(c=IN IP4 192\\.0\\.2\\.9\r\n|c=IN IP6 2001:db8::9\r\n)(t=0 0\r\n|t=5 9\r\n)?(a=group:BUNDLE a b\r\n)?(a=ptime:40\r\n)?(a=(sendonly|inactive)\r\n)?";
    (head, lines).prop_map(|(head, lines)| format!("v=0\r\n{head}{}", lines.concat()))
}

/// The offer of a peer is answered legally by both ends of ours, or refused for a reason that `weigh` gives too.
fn judge(local: &LocalMedia, offer: &Session) -> Result<(), TestCaseError> {
    let mut dialog = OfferAnswer::new(1);
    let lines = weigh(local, offer);
    prop_assert_eq!(lines.len(), offer.media.len());
    let (answer, plan) = match dialog.answer(local, offer) {
        Ok((answer, plan)) => (answer.clone(), plan.clone()),
        Err(reason) => {
            prop_assert!(!lines.contains(&Line::Taken), "{}", reason);
            prop_assert_eq!(dialog.agreed(), None);
            return Ok(());
        }
    };
    let (offer_text, answer_text) = (offer.to_string(), answer.to_string());
    legality::answer(&offer_text, &answer_text)
        .map_err(|broken| TestCaseError::fail(format!("{broken}\n{offer_text}\n{answer_text}")))?;
    for (line, media) in lines.iter().zip(&answer.media) {
        prop_assert_eq!(*line == Line::Taken, media.port != 0);
    }
    prop_assert_eq!(Session::parse(answer_text.as_bytes()), Ok(answer.clone()));
    prop_assert!(local.codecs.contains(&plan.codec));
    prop_assert!(plan.rtp.is_some() || !plan.direction.sends());
    let step = plan.codec.packet_step_ms();
    prop_assert!(plan.ptime_ms >= step && plan.ptime_ms % step == 0);
    prop_assert_eq!(plan.receive.codec(plan.payload_type), Some(plan.codec));
    // The same offer again is the same answer, under the same version.
    let again = dialog.answer(local, offer).map(|(answer, _)| answer.to_string());
    prop_assert_eq!(again.as_deref(), Ok(answer_text.as_str()));
    let next = dialog.offer(local).to_string();
    legality::follows(&answer_text, &next)
        .and_then(|()| legality::keeps(&answer_text, &next))
        .map_err(|broken| TestCaseError::fail(format!("{broken}\n{answer_text}\n{next}")))
}

#[test]
fn the_judge_finds_what_is_illegal() {
    let offer = "v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
                 a=rtpmap:101 telephone-event/8000\r\na=mid:a\r\na=sendonly\r\nm=video 0 RTP/AVP 31\r\n";
    let offer = Session::parse(offer.as_bytes()).expect("an offer");
    let local = LocalMedia::new("192.0.2.1".parse().expect("an address"), 20000);
    let mut dialog = OfferAnswer::new(1);
    let (answer, _) = dialog.answer(&local, &offer).expect("an answer");
    let (offer, answer) = (offer.to_string(), answer.to_string());
    assert_eq!(legality::answer(&offer, &answer), Ok(()));
    let spoilt = [
        ("m=video 0 RTP/AVP 31\r\n", "", "as many lines"),
        ("m=video 0", "m=video 9", "what is off stays off"),
        ("m=video 0", "m=image 0", "the media type"),
        ("m=audio 20000 RTP/AVP", "m=audio 20000 RTP/AVPF", "the transport"),
        ("RTP/AVP 0 101", "RTP/AVP 18 101", "formats of the offer"),
        ("rtpmap:0 PCMU", "rtpmap:0 PCMA", "stands for what the offer says"),
        ("a=rtpmap:0 PCMU/8000\r\n", "a=rtpmap:0 PCMU/16000\r\n", "stands for what"),
        ("a=recvonly", "a=sendrecv", "a direction"),
        ("a=mid:a", "a=mid:b", "the name of the line"),
        ("a=recvonly", "a=recvonly\r\na=rtcp-mux", "a shared port"),
        ("a=recvonly", "a=recvonly\r\na=crypto:1 X inline:AAAA", "keys only for SRTP"),
        ("t=0 0", "t=1 2", "the times"),
        ("t=0 0", "t=0 0\r\na=group:BUNDLE a", "no group"),
        ("c=IN IP4 192.0.2.1\r\n", "", "an address for each"),
        ("o=- 0 1", "o=- 9223372036854775807 1", "numbers of 62 bits"),
    ];
    for (from, to, rule) in spoilt {
        assert!(answer.contains(from), "{from}\n{answer}");
        let broken = legality::answer(&offer, &answer.replacen(from, to, 1));
        assert!(broken.as_ref().is_err_and(|broken| broken.contains(rule)), "{to}: {broken:?}");
    }
    assert!(legality::follows(&answer, &answer.replace("recvonly", "inactive")).is_err());
    assert!(legality::keeps(&answer, &answer.replace("m=audio", "m=text")).is_err());
}

proptest! {
    // Fuzzing has the numbers; here a few of each kind do.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_printed_is_read_back(session in generate::session()) {
        let body = session.to_body();
        prop_assert_eq!(String::from_utf8_lossy(&body), session.to_string());
        prop_assert_eq!(Session::parse(&body), Ok(session));
    }

    #[test]
    fn line_ends_and_spaces_change_nothing(session in generate::session()) {
        let text = session.to_string();
        let bare = text.replace("\r\n", "\n");
        let spaced = text.replace("\r\n", " \t\r\n\r\n");
        prop_assert_eq!(Session::parse(bare.trim_end().as_bytes()), Ok(session.clone()));
        prop_assert_eq!(Session::parse(spaced.as_bytes()), Ok(session));
    }

    #[test]
    fn the_answer_to_any_description_is_legal(local in local(), offer in generate::session()) {
        judge(&local, &offer)?;
    }

    #[test]
    fn the_answer_to_any_likely_offer_is_legal(local in local(), offer in offer_text()) {
        let offer = Session::parse(offer.as_bytes()).expect("it was made to be read");
        judge(&local, &offer)?;
    }

    #[test]
    fn two_ends_that_agree_agree_on_the_same(a in local(), b in local()) {
        let b = LocalMedia { address: a.address, ..b };
        let (mut one, mut two) = (OfferAnswer::new(1), OfferAnswer::new(2));
        let offer = Session::parse(&one.offer(&a).to_body()).expect("our own offer");
        let Ok((answer, there)) = two.answer(&b, &offer) else {
            let plain = !matches!(a.srtp, Srtp::Required(_)) && !matches!(b.srtp, Srtp::Required(_));
            let secure = matches!(a.srtp, Srtp::Required(_)) && !matches!(b.srtp, Srtp::Refused);
            let common = a.codecs.iter().any(|codec| b.codecs.contains(codec));
            prop_assert!(!common || !(plain || secure));
            return Ok(());
        };
        let answer = Session::parse(&answer.to_body()).expect("our own answer");
        let here = one.accept_answer(&answer).expect("our own answer is acceptable");
        prop_assert_eq!((here.codec, here.payload_type), (there.codec, there.payload_type));
        prop_assert_eq!(here.receive.payload_type(here.codec), Some(there.payload_type));
        prop_assert_eq!(here.telephone_event, there.telephone_event);
        prop_assert_eq!(here.comfort_noise, there.comfort_noise);
        prop_assert_eq!(here.direction, there.direction.reversed());
        let keys = here.srtp.as_ref().zip(there.srtp.as_ref());
        prop_assert_eq!(here.srtp.is_some(), there.srtp.is_some());
        if let Some((here, there)) = keys {
            prop_assert_eq!(&here.send, &there.receive);
            prop_assert_eq!(&here.receive, &there.send);
        }
    }

    #[test]
    fn any_answer_is_used_or_refused_for_a_reason(local in local(), answer in generate::session()) {
        let mut dialog = OfferAnswer::new(1);
        dialog.offer(&local);
        match dialog.accept_answer(&answer).cloned() {
            Ok(plan) => prop_assert_eq!(dialog.agreed(), Some(&plan)),
            Err(_) => prop_assert!(dialog.is_offering()),
        }
    }
}

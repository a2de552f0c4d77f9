//! What each end's own policy decides: SRTP, who chooses the codec, address families, shared ports, which line.

use tipring_sdp::crypto::{Crypto, MasterKey, Suite};
use tipring_sdp::{
    Codec, Line, LocalMedia, OfferAnswer, OfferAnswerError, Plan, Preference, Rejection, Session,
    Srtp, weigh,
};

fn us() -> LocalMedia {
    LocalMedia::new("192.0.2.1".parse().expect("an address"), 20000)
}

fn key(suite: Suite, tag: u32, fill: u8) -> Crypto {
    let octets = suite.key_and_salt_octets().expect("a suite of ours");
    let key = MasterKey { key_and_salt: vec![fill; octets], lifetime: None, identifier: None };
    Crypto { tag, suite, keys: vec![key], parameters: Vec::new() }
}

fn keys(fill: u8) -> Vec<Crypto> {
    vec![key(Suite::AesCm128Sha80, 1, fill), key(Suite::AesCm128Sha32, 2, fill)]
}

fn peer(lines: &str) -> Session {
    let text = format!("v=0\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n{lines}");
    Session::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn answered(local: &LocalMedia, lines: &str) -> Result<(String, Plan), Rejection> {
    let mut dialog = OfferAnswer::new(8);
    let (answer, plan) = dialog.answer(local, &peer(lines))?;
    Ok((answer.to_string(), plan.clone()))
}

const SAVP: &str = "m=audio 4000 RTP/SAVP 0\r\n\
    a=crypto:7 AES_256_CM_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n\
    a=crypto:8 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj KDR=1\r\n\
    a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj WSH=64 -X\r\n";
const AVP: &str = "m=audio 4002 RTP/AVP 0\r\n";

#[test]
fn srtp_is_refused_or_taken_by_policy() {
    let refused = us();
    let allowed = LocalMedia { srtp: Srtp::Allowed(keys(1)), ..us() };
    let required = LocalMedia { srtp: Srtp::Required(keys(1)), ..us() };
    let taken = |local: &LocalMedia, lines: &str| {
        answered(local, lines)
            .map(|(_, plan)| (plan.srtp.is_some(), plan.rtp.expect("there").port()))
    };
    assert_eq!(taken(&refused, SAVP), Err(Rejection::SrtpRefused));
    assert_eq!(taken(&allowed, SAVP), Ok((true, 4000)));
    assert_eq!(taken(&required, SAVP), Ok((true, 4000)));
    assert_eq!(taken(&required, AVP), Err(Rejection::SrtpRequired));
    for both in [format!("{SAVP}{AVP}"), format!("{AVP}{SAVP}")] {
        assert_eq!(taken(&refused, &both), Ok((false, 4002)));
        assert_eq!(taken(&allowed, &both), Ok((true, 4000)), "rather with keys");
        assert_eq!(taken(&required, &both), Ok((true, 4000)));
    }
    let none = "m=audio 4000 RTP/SAVP 0\r\n";
    assert_eq!(taken(&allowed, none), Err(Rejection::NoCommonCrypto));
    let dtls = "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n";
    assert_eq!(taken(&required, dtls), Err(Rejection::Transport));
    let warnings = [Rejection::SrtpRefused, Rejection::NoCommonCrypto, Rejection::Transport];
    assert_eq!(warnings.map(Rejection::warning), [302, 306, 302]);
}

#[test]
fn an_answer_with_srtp_takes_the_first_common_suite_under_its_tag() {
    let local = LocalMedia { srtp: Srtp::Allowed(keys(1)), ..us() };
    let (answer, plan) = answered(&local, SAVP).expect("an answer");
    let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("a=crypto")).collect();
    let ours = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    assert_eq!(lines, [format!("a=crypto:9 AES_CM_128_HMAC_SHA1_32 inline:{ours}")]);
    let keys = plan.srtp.expect("keys");
    assert_eq!((keys.send.keys[0].key_and_salt[0], keys.send.tag), (1, 9));
    assert_eq!(keys.receive.keys[0].key_and_salt[0], b'w');
}

#[test]
fn an_answer_to_our_srtp_names_one_of_our_lines() {
    let local = LocalMedia { srtp: Srtp::Required(keys(1)), ..us() };
    let theirs = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let accept = |lines: &str| {
        let mut dialog = OfferAnswer::new(1);
        assert!(dialog.offer(&local).to_string().contains("m=audio 20000 RTP/SAVP 0 8 101\r\n"));
        dialog.accept_answer(&peer(lines)).map(|plan| plan.srtp.as_ref().expect("keys").send.tag)
    };
    let savp = "m=audio 4000 RTP/SAVP 0\r\n";
    let good = format!("{savp}a=crypto:2 AES_CM_128_HMAC_SHA1_32 {theirs}\r\n");
    assert_eq!(accept(&good), Ok(2));
    let rejected = |reason| Err(OfferAnswerError::Rejected(reason));
    let other_suite = format!("{savp}a=crypto:1 AES_CM_128_HMAC_SHA1_32 {theirs}\r\n");
    assert_eq!(accept(&other_suite), rejected(Rejection::NoCommonCrypto));
    let other_tag = format!("{savp}a=crypto:3 AES_CM_128_HMAC_SHA1_80 {theirs}\r\n");
    assert_eq!(accept(&other_tag), rejected(Rejection::NoCommonCrypto));
    assert_eq!(accept(savp), rejected(Rejection::NoCommonCrypto));
    assert_eq!(accept(AVP), rejected(Rejection::SrtpRequired));
}

#[test]
fn a_plain_offer_is_not_answered_by_srtp() {
    let mut dialog = OfferAnswer::new(1);
    dialog.offer(&LocalMedia { srtp: Srtp::Allowed(keys(1)), ..us() });
    let refused = dialog.accept_answer(&peer(SAVP));
    assert_eq!(refused, Err(OfferAnswerError::Rejected(Rejection::Transport)));
}

#[test]
fn the_offerers_order_counts_or_ours_by_policy() {
    let ours = LocalMedia { preference: Preference::Ours, ..us() };
    let lines = "m=audio 4000 RTP/AVP 18 8 0\r\n";
    assert_eq!(answered(&us(), lines).expect("ok").1.codec, Codec::Pcma);
    assert_eq!(answered(&ours, lines).expect("ok").1.codec, Codec::Pcmu);
    let mut dialog = OfferAnswer::new(1);
    dialog.offer(&ours);
    let plan = dialog.accept_answer(&peer("m=audio 4000 RTP/AVP 8 0\r\n")).expect("ok");
    assert_eq!(plan.codec, Codec::Pcma, "an answer is the peer's choice");
}

#[test]
fn the_family_of_the_offer_is_answered_where_we_have_both() {
    let both = LocalMedia { other_address: "2001:db8::1".parse().ok(), ..us() };
    let v6 = "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::2\r\n";
    assert_eq!(answered(&us(), v6).map(|_| ()), Err(Rejection::AddressFamily));
    let (answer, plan) = answered(&both, v6).expect("an answer");
    assert!(answer.contains("\r\nc=IN IP6 2001:db8::1\r\n"), "{answer}");
    assert_eq!(plan.rtp, "[2001:db8::2]:4000".parse().ok());
    let (answer, _) = answered(&both, AVP).expect("an answer");
    assert!(answer.contains("\r\nc=IN IP4 192.0.2.1\r\n"), "{answer}");
    assert!(OfferAnswer::new(1).offer(&both).to_string().contains("c=IN IP4 192.0.2.1"));
}

#[test]
fn a_port_is_shared_with_rtcp_only_where_both_want_it() {
    let mux = LocalMedia { rtcp_mux: true, ..us() };
    let line =
        "m=audio 4000 RTP/AVP 72 0\r\na=rtpmap:72 PCMU/8000\r\na=rtcp:4009\r\na=rtcp-mux\r\n";
    let (answer, plan) = answered(&us(), line).expect("an answer");
    assert!(!answer.contains("rtcp-mux"));
    assert_eq!((plan.rtcp, plan.payload_type), ("192.0.2.2:4009".parse().ok(), 72));
    let (answer, plan) = answered(&mux, line).expect("an answer");
    assert!(answer.contains("a=rtcp-mux") && !answer.contains("a=rtcp:"), "{answer}");
    assert_eq!(plan.rtcp, "192.0.2.2:4000".parse().ok());
    assert_eq!(plan.payload_type, 0, "72 would look like RTCP");
    let mut dialog = OfferAnswer::new(1);
    let offer = dialog.offer(&mux).to_string();
    assert!(offer.contains("a=rtcp:20001\r\na=rtcp-mux\r\n"), "{offer}");
    let plan = dialog.accept_answer(&peer(AVP)).expect("a plan");
    assert_eq!(plan.rtcp, "192.0.2.2:4003".parse().ok());
}

#[test]
fn each_line_is_weighed_with_its_reason() {
    let offer = peer(
        "m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 18\r\n\
         m=audio 4004 RTP/AVP 0\r\nm=audio 4006 RTP/AVP 8\r\nm=image 0 udptl t38\r\n\
         m=message 9 TCP/MSRP *\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
    );
    assert_eq!(
        weigh(&us(), &offer),
        [
            Line::Refused(Rejection::NoAudio),
            Line::Refused(Rejection::SrtpRefused),
            Line::Refused(Rejection::NoCommonCodec),
            Line::Taken,
            Line::Refused(Rejection::OneStream),
            Line::Off,
            Line::Refused(Rejection::NoAudio),
            Line::Refused(Rejection::NoAudio),
        ]
    );
    let mut dialog = OfferAnswer::new(1);
    let (answer, _) = dialog.answer(&us(), &offer).expect("an answer");
    let text = answer.to_string();
    let media: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        media,
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/SAVP 0",
            "m=audio 0 RTP/AVP 18",
            "m=audio 20000 RTP/AVP 0",
            "m=audio 0 RTP/AVP 8",
            "m=image 0 udptl t38",
            "m=message 0 TCP/MSRP *",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
        ]
    );
}

#[test]
fn a_call_stays_on_its_line_when_another_becomes_possible() {
    let mut dialog = OfferAnswer::new(1);
    let first = peer("m=audio 4000 RTP/AVP 18\r\nm=audio 4002 RTP/AVP 0\r\n");
    dialog.answer(&us(), &first).expect("the second line serves");
    let then = peer("m=audio 4000 RTP/AVP 18 0\r\nm=audio 4002 RTP/AVP 0\r\n");
    let (_, plan) = dialog.answer(&us(), &then).expect("and still does");
    assert_eq!(plan.rtp, "192.0.2.2:4002".parse().ok());
    let text = dialog.offer(&us()).to_string();
    let media: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(media, ["m=audio 0 RTP/AVP 18 0", "m=audio 20000 RTP/AVP 0 8 101"]);
}

#[test]
fn lines_keep_their_names_and_no_group_is_answered() {
    let mut dialog = OfferAnswer::new(1);
    let offer = peer(
        "a=group:BUNDLE a v\r\nm=audio 4000 RTP/AVP 0\r\na=mid:a\r\nm=video 4000 RTP/AVP 31\r\na=mid:v\r\n",
    );
    let (answer, _) = dialog.answer(&us(), &offer).expect("an answer");
    let mids: Vec<_> = answer.media.iter().map(|media| media.mid()).collect();
    assert_eq!(mids, [Some("a"), Some("v")]);
    assert!(!answer.to_string().contains("group"));
    assert_eq!(dialog.offer(&us()).media[0].mid(), Some("a"), "nor does it lose it later");
}

#[test]
fn what_stands_before_the_media_counts_for_those_that_say_nothing() {
    let lines = "a=sendonly\r\na=ptime:30\r\na=maxptime:40\r\n";
    let (_, plan) = answered(&us(), &format!("{lines}{AVP}")).expect("an answer");
    assert!(plan.held_by_peer && plan.ptime_ms == 30);
    let own = format!("{lines}{AVP}a=sendrecv\r\na=ptime:60\r\n");
    let (_, plan) = answered(&us(), &own).expect("an answer");
    assert!(!plan.held_by_peer && plan.ptime_ms == 40, "the longest is still the session's");
}

#[test]
fn an_answer_repeats_the_times_of_the_offer() {
    let offer = Session::parse(
        b"v=0\r\nc=IN IP4 192.0.2.2\r\nt=2873397496 2873404696\r\nr=7d 1h 0 25h\r\nm=audio 4002 RTP/AVP 0\r\n",
    );
    let offer = offer.expect("an offer");
    let mut dialog = OfferAnswer::new(1);
    let (answer, _) = dialog.answer(&us(), &offer).expect("an answer");
    let text = answer.to_string();
    assert!(text.contains("t=2873397496 2873404696\r\nr=604800 3600 0 90000\r\n"), "{text}");
}

#[test]
fn an_offer_that_was_answered_unchanged_is_the_same_answer() {
    let mut dialog = OfferAnswer::new(1);
    let first = dialog.answer(&us(), &peer(AVP)).expect("an answer").0.clone();
    let again = dialog.answer(&us(), &peer(AVP)).expect("an answer").0;
    assert_eq!(&first, again, "even the version");
    let changed = dialog.answer(&us(), &peer("m=audio 4002 RTP/AVP 8\r\n")).expect("an answer").0;
    assert_eq!(changed.origin.version, first.origin.version + 1);
    assert_eq!(changed.origin.id, first.origin.id);
}

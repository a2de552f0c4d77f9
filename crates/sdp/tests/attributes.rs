//! Attributes that have types: keys, fax, groups, DTLS, and those that are only kept.

use tipring_sdp::attribute::{Attribute, Setup};
use tipring_sdp::crypto::{Crypto, KeyIdentifier, SessionParameter, Suite};
use tipring_sdp::t38::{ErrorCorrection, RateManagement, T38};
use tipring_sdp::{Media, MediaKind, Protocol, Session};

fn media(lines: &str) -> Media {
    let text = format!("v=0\r\n{lines}");
    let session = Session::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}:\n{text}"));
    let again = Session::parse(&session.to_body());
    assert_eq!(again.as_ref(), Ok(&session), "it prints as it reads");
    session.media.into_iter().next().expect("a medium")
}

#[test]
fn keys_of_rfc_4568_are_read_to_the_last_parameter() {
    // RFC 4568 §6.1 and §9: two keys, lifetimes, identifiers.
    let media = media(
        "m=audio 49170 RTP/SAVP 0\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4;\
         inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1048577|66051:4 FEC_ORDER=FEC_SRTP KDR=3 WSH=128\r\n\
         a=crypto:2 f8_128_hmac_sha1_80 INLINE:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm UNENCRYPTED_SRTCP\r\n\
         a=crypto:3 AEAD_AES_256_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
    );
    assert_eq!(media.protocol, Protocol::RtpSavp);
    let all: Vec<&Crypto> = media.crypto().collect();
    let [first, second, third] = all.as_slice() else { panic!("three lines") };
    assert_eq!((first.tag, &first.suite), (1, &Suite::AesCm128Sha80));
    assert_eq!(first.keys[0].key_and_salt.len(), 30);
    assert_eq!(first.keys[0].key_and_salt[..6], *b"YS___s");
    assert_eq!(first.keys[0].lifetime, Some(1 << 20));
    assert_eq!(first.keys[0].identifier, Some(KeyIdentifier { value: 1, octets: 4 }));
    assert_eq!(first.keys[1].lifetime, Some(1_048_577));
    let known = [SessionParameter::KeyDerivationRate(3), SessionParameter::WindowSize(128)];
    assert_eq!(first.parameters[0], SessionParameter::Other("FEC_ORDER=FEC_SRTP".into()));
    assert_eq!(first.parameters[1..], known);
    assert_eq!((second.tag, &second.suite), (2, &Suite::F8128Sha80));
    assert_eq!(second.keys[0].lifetime, None);
    assert!(!first.is_ordinary() && !second.is_ordinary(), "two keys; no encryption of RTCP");
    assert!(third.is_ordinary(), "phones that leave the padding away are understood");
}

#[test]
fn keys_never_show_in_a_log() {
    let key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let line = Crypto::parse(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{key}")).expect("a line");
    assert!(line.to_string().contains(key));
    let shown = format!("{line:?}");
    assert!(shown.contains("30 octets") && !shown.contains("0Rm") && !shown.contains("119, 68"));
}

#[test]
fn keys_that_cannot_be_read_are_kept_and_count_for_nothing() {
    let bad = [
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        "x AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1234567890 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:A",
        "1 AES_CM_128_HMAC_SHA1_80 uri:AAAA",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|0",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|2^64",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|1:0",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|1:129",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|1:4|2^20",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA;",
    ];
    for value in bad {
        assert_eq!(Crypto::parse(value), None, "{value}");
        let media = media(&format!("m=audio 1 RTP/SAVP 0\r\na=crypto:{value}\r\n"));
        assert_eq!(media.attribute("crypto"), Some(value));
    }
}

#[test]
fn a_fax_offer_is_read_with_all_its_attributes() {
    let media = media(
        "m=image 40662 udptl t38\r\na=T38FaxVersion:3\r\na=T38MaxBitRate:33600\r\n\
         a=T38FaxFillBitRemoval\r\na=T38FaxTranscodingMMR:0\r\na=t38faxtranscodingjbig:1\r\n\
         a=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxBuffer:2000\r\na=T38FaxMaxDatagram:400\r\n\
         a=T38FaxUdpEC:t38UDPFEC\r\na=T38FaxMaxIFP:40\r\na=T38VendorInfo:0 0 0\r\na=T38FaxVersion:1\r\n",
    );
    assert_eq!((&media.kind, &media.protocol), (&MediaKind::Image, &Protocol::Udptl));
    assert_eq!(
        T38::of(&media),
        T38 {
            version: 3,
            max_bit_rate: 33_600,
            fill_bit_removal: true,
            transcoding_mmr: false,
            transcoding_jbig: true,
            rate_management: RateManagement::TransferredTcf,
            max_buffer: Some(2000),
            max_datagram: Some(400),
            max_ifp: Some(40),
            error_correction: ErrorCorrection::Fec,
        }
    );
    assert_eq!(media.attribute("T38VendorInfo"), Some("0 0 0"));
}

#[test]
fn a_fax_offer_that_says_nothing_means_the_defaults() {
    let media = media("m=image 40662 UDPTL t38\r\na=T38FaxVersion:x\r\na=T38FaxUdpEC\r\n");
    assert_eq!(T38::of(&media), T38::default());
}

#[test]
fn a_browsers_offer_is_read_and_nothing_is_lost() {
    let media = media(
        "a=group:BUNDLE audio\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\n\
         a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:F7gI\r\na=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n\
         a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\na=end-of-candidates\r\n\
         a=fingerprint:SHA-256 4a:AD:b9\r\na=setup:actpass\r\na=mid:audio\r\na=rtcp-mux\r\n\
         a=label:7\r\na=ssrc:3735928559 cname:a:b\r\na=ssrc:x y\r\na=silenceSupp:off - - - -\r\n\
         a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10; UseInbandFEC=1\r\n\
         a=rtcp-fb:111 transport-cc\r\na=setup:sideways\r\na=fingerprint:sha-1 4\r\n",
    );
    assert_eq!((media.protocol.clone(), media.rtcp_mux), (Protocol::DtlsSavpf, true));
    assert_eq!(media.mid(), Some("audio"));
    assert_eq!(media.attribute("candidate"), Some("1 1 UDP 2130706431 10.0.1.1 8998 typ host"));
    assert_eq!(media.attribute("END-OF-CANDIDATES"), Some(""));
    assert_eq!(media.attribute("label"), Some("7"));
    assert_eq!(media.attribute("ssrc"), Some("x y"), "the one that cannot be read");
    assert_eq!(media.attribute("setup"), Some("sideways"));
    assert_eq!(media.payloads()[0].parameter("useinbandfec"), Some("1"));
    assert_eq!(media.payloads()[0].parameter("stereo"), None);
    let has = |wanted: &dyn Fn(&Attribute) -> bool| media.attributes.iter().any(wanted);
    assert!(has(&|a| *a == Attribute::Setup(Setup::ActPass)));
    assert!(has(&|a| matches!(a, Attribute::Ssrc(s) if s.id == 0xDEAD_BEEF && s.name == "cname"
        && s.value.as_deref() == Some("a:b"))));
    assert!(has(&|a| matches!(a, Attribute::SilenceSupp(s) if !s.on && s.rest == "- - - -")));
    assert!(has(&|a| matches!(a, Attribute::Fingerprint(f)
        if f.hash == "sha-256" && f.octets == [0x4A, 0xAD, 0xB9])));
}

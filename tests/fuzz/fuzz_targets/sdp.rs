//! A body from a stranger: it is a description or an error, and what we say to it can be read and keeps the rules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_fuzz::in_time;
use tipring_sdp::crypto::{Crypto, MasterKey, Suite};
use tipring_sdp::{Codec, Line, LocalMedia, Media, OfferAnswer, Preference, Session, Srtp, weigh};

fuzz_target!(|data: &[u8]| in_time(|| look(data)));

fn look(data: &[u8]) {
    // The first octet says what we are like, so that one corpus serves all kinds of us.
    let (kind, body) = match data.split_first() {
        Some((kind, body)) if !kind.is_ascii_graphic() => (*kind, body),
        _ => (0, data),
    };
    let Ok(remote) = Session::parse(body) else { return };
    let printed = remote.to_body();
    // Bare line feeds are printed as CR LF, which may be more than a description may have.
    if printed.len() <= Session::MAX_LEN {
        assert_eq!(Session::parse(&printed), Ok(remote.clone()), "{remote}");
    }

    let local = local(kind);
    let mut dialog = OfferAnswer::new(1);
    let lines = weigh(&local, &remote);
    let answered = dialog.answer(&local, &remote);
    assert_eq!(answered.is_ok(), lines.contains(&Line::Taken));
    if let Ok((answer, plan)) = answered {
        let answer = read_back(answer);
        answers(&answer, &remote, &lines);
        assert!(plan.rtp.is_some() || !plan.direction.sends());
        assert!(plan.ptime_ms >= 5 && plan.ptime_ms % plan.codec.packet_step_ms() == 0);
        assert!(local.codecs.contains(&plan.codec));
        // The same again changes nothing.
        assert_eq!(dialog.answer(&local, &remote).map(|(again, _)| again), Ok(&answer));
    }
    let offer = read_back(dialog.offer(&local));
    assert!(offer.media.iter().any(|media| media.port == local.rtp_port));
    // Somebody like us can answer it, and what comes back is used, the stranger's or our twin's.
    let _ = dialog.accept_answer(&remote);
    let mut twin = OfferAnswer::new(2);
    let (answer, there) = twin.answer(&local, &offer).expect("we understand ourselves");
    let here = dialog.accept_answer(&read_back(answer)).expect("and our answers");
    assert_eq!((here.codec, here.payload_type), (there.codec, there.payload_type));
    assert_eq!(here.direction, there.direction.reversed());
}

fn read_back(session: &Session) -> Session {
    let again = Session::parse(&session.to_body());
    assert_eq!(again.as_ref(), Ok(session));
    again.expect("it was just compared")
}

/// RFC 3264 §6, as far as it can be told without looking into the lines.
fn answers(answer: &Session, offer: &Session, lines: &[Line]) {
    assert_eq!(answer.media.len(), offer.media.len());
    assert_eq!(answer.times, offer.times);
    let numbers = |media: &Media| media.payloads().iter().map(|p| p.number).collect::<Vec<_>>();
    for ((ours, theirs), line) in answer.media.iter().zip(&offer.media).zip(lines) {
        assert_eq!((&ours.kind, &ours.protocol), (&theirs.kind, &theirs.protocol));
        assert_eq!(ours.port != 0, *line == Line::Taken);
        if ours.port != 0 {
            let offered = numbers(theirs);
            assert!(numbers(ours).iter().all(|number| offered.contains(number)));
            let allowed = offer.direction_of(theirs).reversed();
            let way = answer.direction_of(ours);
            assert!(allowed.sends() || !way.sends());
            assert!(allowed.receives() || !way.receives());
        }
    }
}

fn local(kind: u8) -> LocalMedia {
    let bit = |at: u8| kind >> at & 1 == 1;
    let suite = Suite::AesCm128Sha80;
    let key = MasterKey { key_and_salt: vec![7; 30], lifetime: None, identifier: None };
    let keys = vec![Crypto { tag: 1, suite, keys: vec![key], parameters: Vec::new() }];
    LocalMedia {
        codecs: if bit(0) { Codec::ALL.to_vec() } else { vec![Codec::Pcmu, Codec::Pcma] },
        preference: if bit(1) { Preference::Ours } else { Preference::Offerer },
        comfort_noise: bit(2),
        rtcp_mux: bit(3),
        srtp: if bit(4) { Srtp::Allowed(keys) } else { Srtp::Refused },
        other_address: bit(7).then(|| "2001:db8::1".parse().expect("an address")),
        ..LocalMedia::new([192, 0, 2, 1].into(), 20_000)
    }
}

//! A body from a stranger: it is a description or an error, and what we say to it can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_sdp::{Codec, Direction, LocalMedia, OfferAnswer, Session};

fuzz_target!(|data: &[u8]| {
    let Ok(remote) = Session::parse(data) else { return };
    let printed = remote.to_string();
    assert_eq!(Session::parse(printed.as_bytes()), Ok(remote.clone()), "{printed}");

    let local = LocalMedia {
        address: [192, 0, 2, 1].into(),
        rtp_port: 20_000,
        rtcp_port: 20_001,
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(101),
        ptime_ms: 20,
        max_ptime_ms: 60,
        direction: Direction::SendRecv,
    };
    let mut dialog = OfferAnswer::new(1);
    if let Ok((answer, plan)) = dialog.answer(&local, &remote) {
        assert_eq!(answer.media.len(), remote.media.len());
        assert_eq!(Session::parse(answer.to_string().as_bytes()), Ok(answer));
        assert!(plan.rtp.is_some() || !plan.direction.sends());
        assert!(plan.ptime_ms >= 5 && plan.ptime_ms % 5 == 0);
    }
    let offer = dialog.offer(&local);
    assert_eq!(Session::parse(offer.to_string().as_bytes()), Ok(offer));
    let _ = dialog.accept_answer(&remote);
});

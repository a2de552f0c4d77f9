//! A card that says anything: the link stays whole, bounded and ready for a better one.

use proptest::prelude::*;
use tipring_bridge_proto::{MAX_FRAME, WATCHDOG_MS, frame};
use tipring_card::{Link, LinkConfig};
use tipring_core::{Duration, Instant, Rng};

use crate::scripted_card::ScriptedCard;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_a_card_says_breaks_the_link(
        says in proptest::collection::vec((kind(), any::<u8>(), payload(), 0u64..300), 0..60),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut link = Link::new(LinkConfig { rng: Rng::new(1), watchdog_ms: WATCHDOG_MS });
        let mut now = Instant::ZERO;
        link.handle_opened(now);
        // Now and then a real card is behind it, so that the states in which a session runs are met too.
        let mut card = ScriptedCard::new(1);
        let mut octets = vec![0; MAX_FRAME];
        for (kind, seq, payload, pause_ms) in says {
            link.handle_bytes(now, &noise);
            let len = frame::encode(kind, seq, &payload, &mut octets).expect("fits");
            link.handle_bytes(now, &octets[..len]);
            now += Duration::from_millis(pause_ms);
            while let Some(at) = link.poll_timeout().filter(|at| *at <= now) {
                link.handle_timeout(at);
            }
            let mut out = Vec::new();
            while link.poll_transmit(&mut out).is_some() {}
            prop_assert!(out.len() < 128 * 1024, "{} octets in {pause_ms} ms", out.len());
            card.handle_bytes(now, &out);
            card.advance(now);
            link.handle_bytes(now, &card.take_wire());
            let said = std::iter::from_fn(|| link.poll_output()).count();
            prop_assert!(said <= 64, "{said} outputs");
            prop_assert!(std::iter::from_fn(|| link.poll_pcm()).count() <= 8);
        }
    }
}

/// Types that a card may use, and others.
fn kind() -> impl Strategy<Value = u8> {
    prop_oneof![prop::sample::select(vec![0x81u8, 0x84, 0x85, 0x86, 0x87, 0x8F, 0x90]), any::<u8>()]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..120),
        proptest::collection::vec(0u8..4, 0..120),
    ]
}

//! Distinctive ringing: the ring that a caller's Alert-Info names (RFC 3261 §20.4, RFC 7462), and its cadence.
//!
//! Alert-Info is written in many ways: `<http://127.0.0.1/Bellcore-dr2>`, `Bellcore-dr2`, `<urn:alert:source:external>`,
//! `<x>;info=alert-external`. What it names is looked for; where it leads is never followed.

use tipring_line::country::{RingBurst, RingCadence};

/// The ring that an Alert-Info field names, by the name that the call has for it; `None` rings as always.
pub(crate) fn ring_of(alert_info: &str) -> Option<&'static str> {
    let text = alert_info.to_ascii_lowercase();
    let named = |(word, _): &&(&str, _)| text.contains(word);
    WORDS.iter().find(named).map(|(_, ring)| *ring)
}

/// The Alert-Info that asks a telephone for a ring, in the words that most of them know.
pub(crate) fn alert_info(ring: &str) -> Option<String> {
    let (known, _) = RINGS.iter().find(|(name, _)| *name == ring)?;
    Some(format!("<http://127.0.0.1/Bellcore-{known}>"))
}

/// The cadence of a ring.
pub(crate) fn cadence_of(ring: &str) -> Option<RingCadence> {
    RINGS.iter().find(|(name, _)| *name == ring).map(|(_, bursts)| RingCadence(bursts))
}

const fn burst(on_ms: u16, off_ms: u16) -> RingBurst {
    RingBurst { on_ms, off_ms }
}

/// What is found in the field, and the ring that it means.
const WORDS: &[(&str, &str)] = &[
    ("bellcore-dr1", "dr1"),
    ("bellcore-dr2", "dr2"),
    ("bellcore-dr3", "dr3"),
    ("bellcore-dr4", "dr4"),
    ("alert:source:internal", "dr1"),
    ("alert:source:external", "dr2"),
    ("alert-internal", "dr1"),
    ("alert-external", "dr2"),
    ("alert:priority:high", "dr3"),
];

/// Distinctive alerting patterns 1 to 4 (GR-506 §14.4).
const RINGS: &[(&str, &[RingBurst])] = &[
    ("dr1", &[burst(2000, 4000)]),
    ("dr2", &[burst(800, 400), burst(800, 4000)]),
    ("dr3", &[burst(400, 200), burst(400, 200), burst(800, 4000)]),
    ("dr4", &[burst(300, 200), burst(1000, 200), burst(300, 4000)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ring_that_can_be_named_has_a_cadence() {
        for (word, ring) in WORDS {
            assert_eq!(ring_of(&format!("<http://x/{}>", word.to_uppercase())), Some(*ring));
            assert!(cadence_of(ring).is_some(), "{ring}");
            assert_eq!(
                alert_info(ring).as_deref().and_then(ring_of),
                Some(*ring),
                "told as it is read"
            );
        }
    }

    #[test]
    fn what_is_not_known_rings_as_always() {
        assert_eq!(ring_of("<http://example.com/moo.wav>"), None);
        assert_eq!(cadence_of("moo"), None);
    }
}

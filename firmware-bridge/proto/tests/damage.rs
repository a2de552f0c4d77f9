//! A stream that is flipped, cut, doubled and spliced: no wrong frame is accepted, and no whole
//! frame is lost.

use proptest::prelude::*;
use tipring_bridge_proto::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn only_what_was_hit_is_lost(seed: u64, exponent in 2.0f64..4.0) {
        let rate = 10f64.powf(-exponent);
        let sent = frames(seed, 400);
        let wire = damage(&sent, rate, seed);
        let mut decoder = Decoder::new();
        let mut accepted = Vec::new();
        decoder.feed(&wire.octets, |frame| {
            accepted.push((frame.kind, frame.seq, frame.payload.to_vec()));
        });
        // Each accepted frame is one that was sent, and in order (a splice may repeat some).
        for frame in &accepted {
            prop_assert!(sent.contains(frame), "a frame that nobody sent was accepted");
        }
        // Each frame whose octets and delimiters came through is accepted, in order.
        let mut accepted = accepted.iter();
        for (index, frame) in sent.iter().enumerate() {
            if wire.whole[index] {
                prop_assert!(
                    accepted.any(|other| other == frame),
                    "frame {} of {} was whole and yet lost at rate {}", index, sent.len(), rate
                );
            }
        }
    }

    #[test]
    fn noise_is_never_a_frame(noise in proptest::collection::vec(any::<u8>(), 0..8000)) {
        let mut decoder = Decoder::new();
        decoder.feed(&noise, |frame| panic!("{frame:?} out of noise"));
        let mut out = [0; MAX_FRAME];
        let len = HostMessage::Ping { token: 5 }.encode(&mut out).expect("fits");
        let mut seen = 0;
        decoder.feed(&out[..len], |_| seen += 1);
        prop_assert_eq!(seen, 1, "the first frame after noise is heard");
    }
}

#[test]
fn a_flipped_delimiter_costs_one_frame_not_two() {
    let mut wire = Vec::new();
    for token in 0..3 {
        let mut out = [0; MAX_FRAME];
        let len = HostMessage::Ping { token }.encode(&mut out).expect("fits");
        wire.extend_from_slice(&out[..len]);
    }
    for at in (0..wire.len()).filter(|at| wire[*at] == 0) {
        let mut wire = wire.clone();
        wire[at] = 0x55;
        let mut decoder = Decoder::new();
        decoder.feed(&wire, |_| {});
        assert_eq!(decoder.counters().frames, 2, "delimiter at {at}");
    }
}

#[test]
fn a_stream_without_delimiters_is_skipped_in_bounded_memory() {
    let mut decoder = Decoder::new();
    for _ in 0..20 {
        decoder.feed(&[0x55; MAX_FRAME], |_| panic!("no frame"));
    }
    assert_eq!(decoder.counters().oversize, 1);
    let mut out = [0; MAX_FRAME];
    let len = HostMessage::Start.encode(&mut out).expect("fits");
    decoder.feed(&out[..len], |_| {});
    assert_eq!((decoder.counters().frames, decoder.counters().errors()), (1, 1));
}

type Sent = (u8, u8, Vec<u8>);

/// Frames of many lengths: mostly small ones and PCM of a few channels.
fn frames(seed: u64, count: usize) -> Vec<Sent> {
    let mut rng = Rng(seed);
    (0..count)
        .map(|index| {
            let len = if rng.below(3) == 0 { 11 + 40 * (1 + rng.below(8)) } else { rng.below(20) };
            // The index makes each frame different from all others.
            let mut payload = (index as u16).to_le_bytes().to_vec();
            payload.extend((0..len).map(|_| if rng.below(4) == 0 { 0 } else { rng.next() as u8 }));
            (rng.next() as u8, index as u8, payload)
        })
        .collect()
}

struct Wire {
    octets: Vec<u8>,
    /// Of each frame sent: whether all its octets came through, side by side.
    whole: Vec<bool>,
}

/// Damages octets at `rate`: bit flip, drop, doubling, insertion of 00, or a splice that drops or
/// repeats up to 32 octets.
fn damage(sent: &[Sent], rate: f64, seed: u64) -> Wire {
    let mut rng = Rng(seed ^ 0xDA_DA);
    let mut clean = Vec::new();
    let mut owner = Vec::new();
    for (index, (kind, seq, payload)) in sent.iter().enumerate() {
        let mut out = [0; MAX_FRAME];
        let len = frame::encode(*kind, *seq, payload, &mut out).expect("fits");
        clean.extend_from_slice(&out[..len]);
        owner.extend(std::iter::repeat_n(index, len));
    }
    let mut wire = Wire { octets: Vec::new(), whole: vec![true; sent.len()] };
    let mut at = 0;
    while at < clean.len() {
        if rng.below(1 << 24) as f64 >= rate * f64::from(1 << 24) {
            wire.octets.push(clean[at]);
            at += 1;
            continue;
        }
        wire.whole[owner[at]] = false;
        match rng.below(6) {
            0 => {
                wire.octets.push(clean[at] ^ (1 << rng.below(8)));
                at += 1;
            }
            1 => at += 1,
            2 => {
                wire.octets.extend_from_slice(&[clean[at]; 2]);
                at += 1;
            }
            3 => wire.octets.push(0),
            4 => {
                let to = clean.len().min(at + 1 + rng.below(32));
                for frame in &owner[at..to] {
                    wire.whole[*frame] = false;
                }
                at = to;
            }
            _ => {
                let from = at.saturating_sub(1 + rng.below(32));
                wire.octets.extend_from_slice(&clean[from..at]);
            }
        }
    }
    wire
}

/// splitmix64, so that a failing seed can be replayed anywhere.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

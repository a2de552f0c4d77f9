//! One behaviour each. Packets of 20 ms carry octets that tell which sample they are.

use super::*;

const PTIME: u32 = 160;

/// An octet for a sample: loud in µ-law whatever the sample.
fn octet(timestamp: u32) -> u8 {
    (timestamp % 61) as u8
}

/// One thing that a tick gave.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    /// The timestamp (modulo 61) of a block's first sample.
    Audio(u8),
    Missing,
    Pause,
}

struct Path {
    buffer: JitterBuffer,
    first: u32,
    quiet: bool,
    heard: Vec<Heard>,
    blocks: Vec<[u8; BLOCK_SAMPLES]>,
}

impl Path {
    fn new(first: u32) -> Self {
        Self { buffer: JitterBuffer::new(), first, quiet: false, heard: vec![], blocks: vec![] }
    }

    fn timestamp(&self, n: u32) -> u32 {
        self.first.wrapping_add(n * PTIME)
    }

    fn arrive(&mut self, n: u32) {
        let timestamp = self.timestamp(n);
        self.arrive_as(u64::from(n) + 100_000, timestamp);
    }

    /// `lead` samples after the latest tick.
    fn arrive_ahead(&mut self, n: u32, lead: i32) {
        self.arrive_with(u64::from(n) + 100_000, self.timestamp(n), lead);
    }

    fn arrive_as(&mut self, sequence: u64, timestamp: u32) {
        self.arrive_with(sequence, timestamp, 0);
    }

    fn arrive_with(&mut self, sequence: u64, timestamp: u32, lead: i32) {
        let octets: Vec<u8> = (0..PTIME)
            .map(|i| {
                if self.quiet {
                    0xFF
                } else {
                    octet(timestamp.wrapping_add(i).wrapping_sub(self.first))
                }
            })
            .collect();
        self.buffer.insert(sequence, timestamp, lead, Content::Audio(Law::Mu, &octets));
    }

    fn tick(&mut self) {
        let mut out = [0; BLOCK_SAMPLES];
        self.heard.push(match self.buffer.take(&mut out) {
            Taken::Audio(_) => {
                self.blocks.push(out);
                Heard::Audio(out[0])
            }
            Taken::Missing => Heard::Missing,
            Taken::Pause => Heard::Pause,
        });
    }

    /// Runs `ticks`; packet `n` arrives before tick `4 n + late(n)`, never where that is `None`.
    fn run(&mut self, ticks: u32, late: impl Fn(u32) -> Option<u32>) {
        let mut waiting: Vec<(u32, u32)> =
            (0..ticks.div_ceil(4)).filter_map(|n| Some((4 * n + late(n)?, n))).collect();
        waiting.sort_unstable();
        let mut waiting = waiting.into_iter().peekable();
        for tick in 0..ticks {
            while let Some((_, n)) = waiting.next_if(|(at, _)| *at <= tick) {
                self.arrive(n);
            }
            self.tick();
        }
    }

    fn count(&self, what: Heard) -> usize {
        self.heard.iter().filter(|h| **h == what).count()
    }

    /// All samples heard in row, as one stream whose octets must go up by one.
    fn breaks(&self) -> usize {
        let stream = self.blocks.as_flattened();
        stream.windows(2).filter(|w| w[1] != w[0].wrapping_add(1) % 61).count()
    }
}

#[test]
fn a_steady_path_is_played_without_a_break_for_a_minute() {
    let mut path = Path::new(u32::MAX - 70_000);
    path.run(12_000, |_| Some(0));
    assert_eq!(path.count(Heard::Pause), 8, "40 ms to begin with");
    assert_eq!(path.blocks.len(), 12_000 - 8);
    assert_eq!(path.breaks(), 0);
    assert_eq!(path.buffer.counters().slipped, 0);
}

#[test]
fn reordered_packets_are_played_in_order() {
    let mut path = Path::new(5);
    path.run(400, |n| Some(if n % 5 == 0 { 7 } else { 0 }));
    assert_eq!((path.breaks(), path.count(Heard::Missing)), (0, 0));
    // Also the one before the first.
    let mut path = Path::new(5);
    path.arrive(1);
    path.arrive(0);
    (0..20).for_each(|_| path.tick());
    assert_eq!(path.blocks.len(), 8);
}

#[test]
fn a_packet_that_comes_twice_is_played_once() {
    let mut path = Path::new(5);
    for n in 0..100 {
        path.arrive(n);
        (0..3).for_each(|_| path.tick());
        path.arrive(n);
        path.arrive(n.saturating_sub(2));
        path.tick();
    }
    assert_eq!((path.breaks(), path.blocks.len()), (0, 392));
    assert_eq!((path.buffer.counters().duplicates, path.buffer.counters().late), (200, 0));
}

#[test]
fn a_lost_packet_is_concealed_for_exactly_its_length() {
    let mut path = Path::new(5);
    path.run(400, |n| (n != 50).then_some(0));
    assert_eq!((path.breaks(), path.count(Heard::Missing)), (1, 4));
    assert_eq!(path.buffer.counters().concealed, 4);
    assert_eq!(path.buffer.counters().slipped, 0);
}

#[test]
fn a_late_packet_is_played_whole_and_the_delay_grows_by_its_lateness() {
    let mut path = Path::new(5);
    // From packet 50 on everything takes 60 ms longer: 20 ms more than the buffer holds.
    path.run(800, |n| Some(if n < 50 { 0 } else { 12 }));
    assert_eq!(path.breaks(), 0, "no sample is skipped");
    assert_eq!(path.count(Heard::Missing), 4);
    assert_eq!(path.buffer.counters().late, 0);
}

#[test]
fn jitter_within_its_reach_stops_being_heard() {
    let mut path = Path::new(5);
    // 0 to 95 ms.
    let late = |n: u32| Some((n.wrapping_mul(2_654_435_761) >> 16) % 20);
    path.run(4_000, late);
    let after = path.buffer.counters();
    assert!(path.buffer.delay() >= 95 * 8 - BLOCK, "{}", path.buffer.delay());
    assert!(after.late < 20, "{after:?}");
    let missing = path.heard[1000..].iter().filter(|h| **h == Heard::Missing).count();
    assert!(missing < 30, "{missing}");
}

#[test]
fn a_first_packet_that_was_slow_leaves_no_delay_behind() {
    for late in 1..8 {
        let mut path = Path::new(5);
        path.run(4_000, |n| Some(if n == 0 { late } else { 0 }));
        assert_eq!((path.breaks(), path.buffer.counters().slipped), (0, 0));
        assert!((320..=360).contains(&path.buffer.delay()), "{late}: {}", path.buffer.delay());
    }
}

#[test]
fn a_stream_that_begins_while_the_engine_is_behind_gets_its_whole_delay() {
    for (begins, behind) in (0..12).flat_map(|begins| [begins, begins + 3].map(|b| (begins, b))) {
        let mut path = Path::new(5);
        // Packet `n` comes in time for tick `4 n + begins`; the ticks up to `behind` are all made at the last one's time.
        let mut next = 0;
        for tick in 0..400i32 {
            let time = tick.max(behind);
            while 4 * next as i32 + begins <= time {
                path.arrive_ahead(next, (4 * next as i32 + begins - tick) * BLOCK);
                next += 1;
            }
            path.tick();
        }
        let first = path.heard.iter().position(|h| matches!(h, Heard::Audio(_)));
        assert_eq!(first, Some(begins as usize + 8), "40 ms after it came; {behind} behind");
        assert_eq!((path.breaks(), path.buffer.counters().slipped), (0, 0));
    }
}

#[test]
fn a_sender_that_pauses_is_not_a_loss() {
    let mut path = Path::new(5);
    (0..50).for_each(|n| {
        path.arrive(n);
        (0..4).for_each(|_| path.tick());
    });
    (0..400).for_each(|_| path.tick());
    // The numbers go on, the timestamp has run for 2 s.
    let at = path.timestamp(50 + 100);
    path.arrive_as(100_050, at);
    (0..60).for_each(|_| path.tick());
    assert_eq!(path.buffer.counters().concealed, 0);
    assert_eq!(path.blocks.len(), 51 * 4);
}

#[test]
fn comfort_noise_and_events_are_pauses() {
    let mut path = Path::new(5);
    path.run(40, |_| Some(0));
    for n in 10..20u64 {
        path.buffer.insert(100_000 + n, 5 + 1600, 0, Content::Pause);
        (0..4).for_each(|_| path.tick());
    }
    assert_eq!((path.count(Heard::Missing), path.blocks.len()), (0, 40));
}

#[test]
fn timestamps_that_jump_are_followed_at_once() {
    for jump in [1_000_000, 0x8000_0000, u32::MAX - 500_000] {
        let mut path = Path::new(5);
        path.run(200, |_| Some(0));
        path.first = path.first.wrapping_add(jump);
        for n in 50..100 {
            path.arrive(n);
            (0..4).for_each(|_| path.tick());
        }
        let lost = path.heard[200..].iter().filter(|h| !matches!(h, Heard::Audio(_))).count();
        assert!(lost <= 8, "{lost} after {jump}");
    }
}

#[test]
fn after_an_outage_of_ten_seconds_it_is_heard_again_without_more_delay() {
    let mut path = Path::new(5);
    path.run(4_000, |n| (!(100..600).contains(&n)).then_some(0));
    assert_eq!(path.breaks(), 1);
    let again = path.heard[2_400..].iter().filter(|h| !matches!(h, Heard::Audio(_))).count();
    assert!(again <= 16, "{again}");
    assert!(path.buffer.delay() <= 400, "{}", path.buffer.delay());
}

#[test]
fn a_burst_of_a_thousand_packets_leaves_no_delay_behind() {
    let mut path = Path::new(5);
    path.run(200, |_| Some(0));
    (0..4000).for_each(|_| path.tick());
    (50..1050).for_each(|n| path.arrive(n));
    for n in 1050..1200 {
        (0..4).for_each(|_| path.tick());
        path.arrive(n);
    }
    assert!(path.buffer.delay() <= 400, "{}", path.buffer.delay());
    let end = path.heard.len();
    let tail = &path.heard[end - 400..];
    assert!(tail.iter().all(|h| matches!(h, Heard::Audio(_))));
}

#[test]
fn a_delay_that_grew_shrinks_where_it_is_quiet_and_nowhere_else() {
    for quiet in [false, true] {
        let mut path = Path::new(5);
        path.quiet = quiet;
        // One spike of 150 ms that drains.
        path.run(12_000, |n| Some(if (100..108).contains(&n) { (108 - n) * 4 } else { 0 }));
        let delay = path.buffer.delay();
        assert_eq!(path.buffer.counters().late, 0);
        assert_eq!(path.buffer.counters().slipped > 1_000, quiet);
        assert_eq!(delay > 900, !quiet, "{delay}");
        assert_eq!(delay < 600, quiet, "{delay}");
    }
}

#[test]
fn a_peer_whose_clock_is_a_little_off_loses_nothing() {
    for slow in [true, false] {
        let mut path = Path::new(5);
        path.quiet = true;
        // 100 ppm for ten minutes: 60 ms.
        let mut sent = 0u32;
        for tick in 0..120_000u64 {
            let due = if slow { tick * 9_999 / 10_000 } else { tick * 10_001 / 10_000 };
            while u64::from(sent) * 4 <= due {
                path.arrive(sent);
                sent += 1;
            }
            path.tick();
        }
        let counters = path.buffer.counters();
        assert_eq!((counters.late, counters.concealed <= 24), (0, true), "{counters:?}");
        assert!(path.buffer.delay() < 700, "{}", path.buffer.delay());
    }
}

#[test]
fn packets_of_any_length_and_of_both_laws_are_one_stream() {
    let mut buffer = JitterBuffer::new();
    let mut blocks = Vec::new();
    let (mut timestamp, mut sequence) = (0u32, 100_000);
    for tick in 0..2_000u32 {
        while timestamp <= tick * 40 {
            let len = [30, 80, 240, 7][sequence as usize % 4];
            let octets: Vec<u8> = (timestamp..timestamp + len).map(octet).collect();
            buffer.insert(sequence, timestamp, 0, Content::Audio(Law::Mu, &octets));
            (timestamp, sequence) = (timestamp + len, sequence + 1);
        }
        let mut out = [0; BLOCK_SAMPLES];
        if buffer.take(&mut out) == Taken::Audio(Law::Mu) {
            blocks.extend(out);
        }
    }
    assert_eq!(blocks.len(), (2_000 - 8) * 40);
    assert!(blocks.windows(2).all(|w| w[1] == (w[0] + 1) % 61));

    let mut buffer = JitterBuffer::new();
    buffer.insert(100_000, 0, 0, Content::Audio(Law::Mu, &[0xFF; 60]));
    buffer.insert(100_001, 60, 0, Content::Audio(Law::A, &[0xD5; 60]));
    let mut out = [0; BLOCK_SAMPLES];
    while !matches!(buffer.take(&mut out), Taken::Audio(_)) {}
    assert_eq!(buffer.take(&mut out), Taken::Audio(Law::Mu));
    // G.711 table 4: A-law's zero is µ-law's first step.
    assert_eq!((out[..20].to_vec(), out[20..].to_vec()), (vec![0xFF; 20], vec![0xFE; 20]));
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Packet { sequence: u64, timestamp: u32, lead: i32, len: usize, quiet: bool },
        Pause { sequence: u64, timestamp: u32 },
        Ticks(u8),
    }

    fn act() -> impl Strategy<Value = Act> {
        let sequence = prop_oneof![100_000u64..100_200, 65_536u64..400_000];
        let timestamp = prop_oneof![0u32..40_000, any::<u32>()];
        let packet = (sequence, timestamp, -16_000i32..16_000, 0usize..1_000, any::<bool>());
        let packet = packet.prop_map(|(sequence, timestamp, lead, len, quiet)| {
            if len == 77 {
                Act::Pause { sequence, timestamp }
            } else {
                Act::Packet { sequence, timestamp, lead, len, quiet }
            }
        });
        prop_oneof![3 => packet, 1 => (0u8..50).prop_map(Act::Ticks)]
    }

    proptest! {
        #[test]
        fn no_row_of_packets_upsets_it_and_a_good_path_heals_it(
            acts in proptest::collection::vec(act(), 0..200)
        ) {
            let mut path = Path::new(5);
            for act in acts {
                match act {
                    Act::Packet { sequence, timestamp, lead, len, quiet } => {
                        let octets = vec![if quiet { 0xFF } else { 0x2A }; len];
                        let content = Content::Audio(Law::Mu, &octets);
                        path.buffer.insert(sequence, timestamp, lead, content);
                    }
                    Act::Pause { sequence, timestamp } => {
                        path.buffer.insert(sequence, timestamp, 0, Content::Pause);
                    }
                    Act::Ticks(ticks) => (0..ticks).for_each(|_| path.tick()),
                }
            }
            // What comes after all that, in order and in time, is heard.
            for n in 0..200 {
                let timestamp = path.timestamp(n);
                path.arrive_as(500_000 + u64::from(n), timestamp);
                (0..4).for_each(|_| path.tick());
            }
            let tail = &path.heard[path.heard.len() - 100..];
            prop_assert!(tail.iter().all(|h| matches!(h, Heard::Audio(_))), "{:?}", tail);
            prop_assert!(path.buffer.delay() <= OVERFULL + 2 * BLOCK, "{}", path.buffer.delay());
        }
    }
}

#[test]
fn timestamps_and_arrivals_may_be_anything() {
    for (first, second, lead) in [
        (0, 1 << 31, 20),
        (360, (1u32 << 31) + 20, 40),
        (u32::MAX, 0, i32::MAX),
        (5, 1 << 31, i32::MIN),
    ] {
        let mut buffer = JitterBuffer::new();
        for (sequence, timestamp) in [(1, first), (2, second), (3, first), (4, second)] {
            buffer.insert(sequence, timestamp, lead, Content::Audio(Law::Mu, &[0xFF; 160]));
            buffer.take(&mut [0; BLOCK_SAMPLES]);
        }
    }
}

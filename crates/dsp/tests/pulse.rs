//! Dial pulses at the speeds and ratios of real dials, with bouncing contacts.

use proptest::prelude::*;
use tipring_dsp::pulse::{Decoder, Event, Limits, MAX_PULSES, Train};

/// A loop under construction: how long it is closed and open in turn, samples.
#[derive(Default)]
struct Line {
    edges: Vec<(u64, bool)>,
    now: u64,
}

impl Line {
    fn lasts(&mut self, closed: bool, ms: f32) {
        self.edges.push((self.now, closed));
        self.now += (ms * 8.0) as u64;
    }

    /// A digit at this many pulses a second, with its pause.
    fn dial(&mut self, pulses: u8, rate: f32, break_percent: f32) {
        for _ in 0..pulses {
            let period = 1000.0 / rate;
            self.lasts(false, period * break_percent / 100.0);
            self.lasts(true, period * (100.0 - break_percent) / 100.0);
        }
        self.lasts(true, 500.0);
    }

    fn events(&self) -> Vec<Event> {
        let mut events = vec![];
        let mut decoder = Decoder::new(Limits::default());
        for (at, closed) in &self.edges {
            decoder.edge(*at, *closed, |event| events.push(event));
        }
        decoder.advance(self.now, |event| events.push(event));
        events
    }
}

fn trains(events: &[Event]) -> Vec<Train> {
    let train = |event: &Event| match event {
        Event::Digit(train) => Some(*train),
        Event::OffHook { .. } | Event::Flash { .. } | Event::OnHook { .. } => None,
    };
    events.iter().filter_map(train).collect()
}

#[test]
fn every_digit_is_counted_and_its_dial_is_measured_at_all_usual_speeds_and_ratios() {
    for rate in [8.0f32, 10.0, 12.0, 16.0, 20.0] {
        for break_percent in [50.0, 60.0, 67.0, 75.0] {
            for pulses in 1..=10 {
                let mut line = Line::default();
                line.lasts(true, 300.0);
                line.dial(pulses, rate, break_percent);
                let heard = trains(&line.events());
                assert_eq!(heard.len(), 1);
                assert_eq!(heard[0].pulses, pulses);
                assert_eq!(heard[0].digit(), Some(pulses % 10));
                assert_eq!(heard[0].start, 2400);
                if pulses > 1 {
                    let measured = heard[0].rate().expect("two pulses");
                    assert!((measured - rate).abs() < 0.02 * rate, "{measured} for {rate}");
                    let measured = heard[0].break_percent().expect("two pulses");
                    assert!((measured - break_percent).abs() < 2.0, "{measured}");
                }
            }
        }
    }
}

#[test]
fn contacts_that_bounce_make_no_pulses() {
    let mut line = Line::default();
    line.lasts(true, 300.0);
    for _ in 0..4 {
        for (closed, ms) in
            [(false, 1.0), (true, 0.5), (false, 58.0), (true, 2.0), (false, 0.5), (true, 38.0)]
        {
            line.lasts(closed, ms);
        }
    }
    line.lasts(true, 500.0);
    let heard = trains(&line.events());
    assert_eq!(heard.iter().map(|train| train.pulses).collect::<Vec<_>>(), [4]);
}

#[test]
fn long_breaks_are_flashes_and_longer_ones_hang_up() {
    let mut line = Line::default();
    line.lasts(false, 1000.0);
    line.lasts(true, 1000.0);
    line.lasts(false, 300.0);
    line.lasts(true, 1000.0);
    line.lasts(false, 2000.0);
    let expected = [
        Event::OffHook { at: 8000 },
        Event::Flash { at: 16_000, samples: 2400 },
        Event::OnHook { at: 26_400 },
    ];
    assert_eq!(line.events(), expected);
}

#[test]
fn a_receiver_that_is_hung_up_within_a_digit_ends_both() {
    let mut line = Line::default();
    line.lasts(true, 300.0);
    line.lasts(false, 60.0);
    line.lasts(true, 40.0);
    line.lasts(false, 2000.0);
    let events = line.events();
    assert_eq!(trains(&events)[0].pulses, 1);
    assert_eq!(events.last(), Some(&Event::OnHook { at: 3200 }));
}

#[test]
fn any_limits_and_positions_do_no_harm() {
    let forever = Limits {
        bounce: 0,
        longest_break: u32::MAX,
        interdigit: u32::MAX,
        longest_flash: u32::MAX,
    };
    let mut decoder = Decoder::sampled(forever, 0, 100);
    let mut heard = vec![];
    let make = u64::from(u32::MAX) - 1;
    for pulse in 0..3 {
        decoder.edge(pulse * (make + 100), true, |event| heard.push(event));
        decoder.edge(pulse * (make + 100) + make, false, |event| heard.push(event));
    }
    decoder.edge(u64::MAX, true, |event| heard.push(event));
    decoder.advance(u64::MAX, |event| heard.push(event));
    decoder.process(&[0, 200, 0, 200], |event| heard.push(event));
    assert_eq!(heard[0], Event::OffHook { at: 0 });
    let mut last = Decoder::new(Limits::default());
    last.edge(u64::MAX, true, |event| panic!("it may bounce: {event:?}"));
    last.advance(u64::MAX, |event| panic!("it may bounce: {event:?}"));
}

#[test]
fn digits_one_after_the_other_are_told_apart() {
    let mut line = Line::default();
    line.lasts(true, 300.0);
    for pulses in [3, 1, 10, 7] {
        line.dial(pulses, 10.0, 60.0);
    }
    let pulses: Vec<u8> = trains(&line.events()).iter().map(|train| train.pulses).collect();
    assert_eq!(pulses, [3, 1, 10, 7]);
}

proptest! {
    #[test]
    fn sampled_and_told_by_edges_the_same_is_heard(
        lengths in prop::collection::vec(1u32..2000, 0..60), cut in 1usize..500, noise in 0i16..2000
    ) {
        let mut line = Line::default();
        let (mut samples, mut closed) = (vec![], true);
        for length in lengths {
            line.edges.push((line.now, closed));
            line.now += u64::from(length);
            let level = if closed { 20_000 } else { 1000 };
            samples.extend((0..length as i16).map(|n| level + noise * (n % 3 - 1)));
            closed = !closed;
        }
        let mut sampled = vec![];
        let mut decoder = Decoder::sampled(Limits::default(), 8000, 12_000);
        for piece in samples.chunks(cut) {
            decoder.process(piece, |event| sampled.push(event));
        }
        prop_assert!(trains(&sampled).iter().all(|train| (1..=MAX_PULSES).contains(&train.pulses)));
        prop_assert_eq!(sampled, line.events());
    }
}

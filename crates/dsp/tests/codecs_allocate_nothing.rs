//! Codecs, meters and whatever acts by itself: once made, not one allocation or release.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use tipring_dsp::{
    agc::{GainControl, Settings},
    comfort_noise::{Analyser, Description, Generator},
    filter::Filter,
    fsk::{Demodulator, Event, Modulator, Standard},
    g711::{self, Law},
    g722,
    g726::{self, Packing, Rate},
    level::{FAST_MS, Follower, Gain, Meter, Sum, mix},
    voice_activity::Detector,
};

/// Counts what a thread allocates and frees.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a thread-local cell without a
// destructor, which allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[track_caller]
fn allocates_nothing(mut work: impl FnMut()) {
    let before = COUNT.get();
    work();
    assert_eq!(COUNT.get() - before, 0);
}

/// Frames of lengths that end inside everybody's steps.
fn frames(mut each: impl FnMut(&mut [i16])) {
    for length in [40, 160, 1, 0, 77, 400] {
        let mut samples: [i16; 400] = std::array::from_fn(|n| (n * n * 37) as i16);
        each(&mut samples[..length]);
    }
}

#[test]
fn codecs_allocate_nothing() {
    let (mut encoder, mut decoder) = (g722::Encoder::new(), g722::Decoder::new(g722::Mode::Kbit64));
    let coder =
        |rate| (g726::Encoder::new(rate, Packing::Aal2), g726::Decoder::new(rate, Packing::Aal2));
    let mut coders = Rate::ALL.map(coder);
    allocates_nothing(|| {
        frames(|samples| {
            let mut octets = [0; 400];
            g711::encode(Law::A, samples, &mut octets);
            g711::decode(Law::A, &octets, samples);
            let written = encoder.encode(samples, &mut octets);
            decoder.decode(&octets[..written], samples);
            for (encoder, decoder) in &mut coders {
                let written = encoder.encode(samples, &mut octets);
                decoder.decode(&octets[..written], samples);
            }
        });
    });
}

#[test]
fn meters_noise_and_what_acts_by_itself_allocate_nothing() {
    let white = Description::white(-40.0);
    let (mut analyser, mut generator) = (Analyser::new(), Generator::new(&white, 1));
    let (mut meter, mut needle) = (Meter::new(), Follower::new(FAST_MS));
    let (mut detector, mut control) = (Detector::default(), GainControl::new(Settings::default()));
    let mut filters = [Filter::dc_removal(), Filter::hum_removal()];
    allocates_nothing(|| {
        frames(|samples| {
            analyser.process(samples);
            generator.set(&analyser.description().unwrap_or(white));
            let mut noise = [0; 400];
            generator.process(&mut noise);
            mix(samples, &noise);
            meter.process(samples);
            needle.process(samples);
            detector.process(samples, |_| {});
            control.process(samples);
            filters.iter_mut().for_each(|filter| filter.process(samples));
            Gain::from_db(-3.0).apply(samples);
            let mut sum = Sum::<400>::new();
            sum.add(samples);
            sum.without(&noise, samples);
        });
    });
}

#[test]
fn the_demodulator_of_caller_id_allocates_nothing() {
    let mut modulator = Modulator::new(Standard::V23, -13.0);
    let mut samples = Vec::new();
    for _ in 0..3 {
        (0..80).for_each(|_| modulator.bit(true, |sample| samples.push(sample)));
        (0..30).for_each(|octet| modulator.octet(octet, |sample| samples.push(sample)));
        samples.extend([0; 800]);
    }
    let (mut demodulator, mut octets) = (Demodulator::auto(), 0);
    allocates_nothing(|| {
        demodulator
            .process(&samples, |event| octets += u32::from(matches!(event, Event::Octet(_))));
    });
    assert_eq!(octets, 3 * 30);
}

//! United Kingdom: BT SIN 350 (tones), SIN 351 (interface), SIN 227 (caller display).

use super::*;

pub(super) static UK: Country = Country {
    code: "uk",
    name: "United Kingdom",
    law: Law::A,
    impedance: Impedance::Uk,
    tones: TonePlan {
        dial: repeat(&[on(DIAL, Segment::FOREVER)]),
        // Special proceed indication: 440 Hz throughout, 350 Hz every other 0.75 s.
        stutter_dial: repeat(&[on(DIAL, 750), on(&[at(440.0, -19.0)], 750)]),
        ringback: repeat(&[on(RING, 400), off(200), on(RING, 400), off(2000)]),
        busy: repeat(&[on(LOW, 375), off(375)]),
        // Path engaged: the second burst is 6 dB louder.
        congestion: repeat(&[on(LOW, 400), off(350), on(&[at(400.0, -12.0)], 225), off(525)]),
        number_unobtainable: repeat(&[on(LOW, Segment::FOREVER)]),
        call_waiting: repeat(&[on(LOW, 100), off(2500)]),
        // A siren that sweeps 800 to 3200 Hz and back; the steps stand for the sweep.
        howler: repeat(&[
            on(&[at(800.0, -3.0)], 60),
            on(&[at(1000.0, -3.0)], 60),
            on(&[at(1250.0, -3.0)], 60),
            on(&[at(1600.0, -3.0)], 60),
            on(&[at(2000.0, -3.0)], 60),
            on(&[at(2500.0, -3.0)], 60),
            on(&[at(3200.0, -3.0)], 60),
            on(&[at(2500.0, -3.0)], 60),
            on(&[at(2000.0, -3.0)], 60),
            on(&[at(1600.0, -3.0)], 60),
            on(&[at(1250.0, -3.0)], 60),
            on(&[at(1000.0, -3.0)], 60),
        ]),
    },
    ring: RingPlan {
        frequency_hz: 25,
        cadence: RingCadence(&[
            RingBurst { on_ms: 400, off_ms: 200 },
            RingBurst { on_ms: 400, off_ms: 2000 },
        ]),
    },
    caller_id: CallerIdPlan {
        scheme: CallerIdScheme::V23,
        // SIN 227: reversal, at least 100 ms, DT-AS of 88 to 110 ms, at least 45 ms, data, at least 200 ms.
        timing: CallerIdTiming::BeforeRing {
            reversal: true,
            settle_ms: 150,
            alert_ms: 100,
            guard_ms: 200,
        },
    },
    // Timed break recall; a slow rotary dial opens the loop for up to 75 ms.
    flash: FlashWindow { min_ms: 76, max_ms: 150 },
    disconnect_ms: 300,
};

const DIAL: &[Component] = &[at(350.0, -16.0), at(440.0, -19.0)];
const RING: &[Component] = &[at(400.0, -19.0), at(450.0, -19.0)];
const LOW: &[Component] = &[at(400.0, -18.0)];

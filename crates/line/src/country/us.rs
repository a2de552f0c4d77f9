//! United States and the North American numbering plan: Telcordia GR-506 (precise tone plan), GR-30.

use super::*;

pub(super) static US: Country = Country {
    code: "us",
    name: "United States",
    law: Law::Mu,
    impedance: Impedance::R600,
    tones: TonePlan {
        dial: repeat(&[on(DIAL, Segment::FOREVER)]),
        // Recall dial tone: three 0.1 s bursts, then steady.
        stutter_dial: repeat_from(
            &[
                on(DIAL, 100),
                off(100),
                on(DIAL, 100),
                off(100),
                on(DIAL, 100),
                off(100),
                on(DIAL, Segment::FOREVER),
            ],
            6,
        ),
        ringback: repeat(&[on(&[at(440.0, -19.0), at(480.0, -19.0)], 2000), off(4000)]),
        busy: repeat(&[on(LOW, 500), off(500)]),
        congestion: repeat(&[on(LOW, 250), off(250)]),
        // The SIT of a vacant code, then reorder where an exchange would speak.
        number_unobtainable: repeat_from(
            &[
                on(&[at(985.2, -24.0)], 380),
                on(&[at(1370.6, -24.0)], 274),
                on(&[at(1776.7, -24.0)], 380),
                off(1000),
                on(LOW, 250),
                off(250),
            ],
            4,
        ),
        call_waiting: repeat(&[on(&[at(440.0, -13.0)], 300), off(10_000)]),
        // Receiver off hook. Four components of -9 dBm0 are as loud as G.711 goes without clipping.
        howler: repeat(&[
            on(&[at(1400.0, -9.0), at(2060.0, -9.0), at(2450.0, -9.0), at(2600.0, -9.0)], 100),
            off(100),
        ]),
    },
    ring: RingPlan {
        frequency_hz: 20,
        cadence: RingCadence(&[RingBurst { on_ms: 2000, off_ms: 4000 }]),
    },
    caller_id: CallerIdPlan {
        scheme: CallerIdScheme::Bell202,
        timing: CallerIdTiming::AfterFirstRing { delay_ms: 500 },
    },
    // GR-506 has 300 to 1000 ms; shorter ones come from telephones with a timed flash key.
    flash: FlashWindow { min_ms: 100, max_ms: 1000 },
    disconnect_ms: 800,
};

const DIAL: &[Component] = &[at(350.0, -13.0), at(440.0, -13.0)];
const LOW: &[Component] = &[at(480.0, -24.0), at(620.0, -24.0)];

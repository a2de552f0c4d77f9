//! France: France Télécom STI 3, ITU-T E.180 Supplement 2, ETSI EN 300 659-1.

use super::*;

pub(super) static FR: Country = Country {
    code: "fr",
    name: "France",
    law: Law::A,
    impedance: Impedance::Tbr21,
    tones: TonePlan {
        dial: repeat(&[on(TONE, Segment::FOREVER)]),
        // Special dial tone: 330 Hz besides 440 Hz.
        stutter_dial: repeat(&[on(&[at(330.0, -16.0), at(440.0, -16.0)], Segment::FOREVER)]),
        ringback: repeat(&[on(TONE, 1500), off(3500)]),
        busy: repeat(&[on(TONE, 500), off(500)]),
        congestion: repeat(&[on(TONE, 250), off(250)]),
        number_unobtainable: repeat(&SIT),
        call_waiting: repeat(&[on(TONE, 300), off(10_000)]),
        // E.180 Supplement 2 lists none; the North American one is chosen because it cannot be overheard.
        howler: repeat(&[
            on(&[at(1400.0, -9.0), at(2060.0, -9.0), at(2450.0, -9.0), at(2600.0, -9.0)], 100),
            off(100),
        ]),
    },
    ring: RingPlan {
        frequency_hz: 50,
        cadence: RingCadence(&[RingBurst { on_ms: 1500, off_ms: 3500 }]),
    },
    caller_id: CallerIdPlan {
        scheme: CallerIdScheme::V23,
        timing: CallerIdTiming::AfterFirstRing { delay_ms: 700 },
    },
    // The "R" key of French telephones, nominally 270 ms.
    flash: FlashWindow { min_ms: 80, max_ms: 320 },
    disconnect_ms: 400,
};

const TONE: &[Component] = &[at(440.0, -13.0)];
const SIT: [Segment; 4] =
    special_information(&[at(950.0, -16.0)], &[at(1400.0, -16.0)], &[at(1800.0, -16.0)]);

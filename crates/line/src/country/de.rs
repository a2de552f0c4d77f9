//! Germany: Deutsche Telekom 1 TR 110-1, ITU-T E.180 Supplement 2, ETSI EN 300 659-1.

use super::*;

pub(super) static DE: Country = Country {
    code: "de",
    name: "Germany",
    law: Law::A,
    impedance: Impedance::De,
    tones: TonePlan {
        dial: repeat(&[on(TONE, Segment::FOREVER)]),
        // Special dial tone: 400 Hz besides 425 Hz, a slow beat.
        stutter_dial: repeat(&[on(&[at(400.0, -16.0), at(425.0, -16.0)], Segment::FOREVER)]),
        ringback: repeat(&[on(TONE, 1000), off(4000)]),
        busy: repeat(&[on(TONE, 480), off(480)]),
        congestion: repeat(&[on(TONE, 240), off(240)]),
        number_unobtainable: repeat(&SIT),
        call_waiting: repeat(&[on(TONE, 200), off(200), on(TONE, 200), off(5000)]),
        // E.180 Supplement 2 lists none; the North American one is chosen because it cannot be overheard.
        howler: repeat(&[
            on(&[at(1400.0, -9.0), at(2060.0, -9.0), at(2450.0, -9.0), at(2600.0, -9.0)], 100),
            off(100),
        ]),
    },
    ring: RingPlan {
        frequency_hz: 25,
        cadence: RingCadence(&[RingBurst { on_ms: 1000, off_ms: 4000 }]),
    },
    caller_id: CallerIdPlan {
        scheme: CallerIdScheme::V23,
        timing: CallerIdTiming::AfterFirstRing { delay_ms: 700 },
    },
    // The "R" key of German telephones.
    flash: FlashWindow { min_ms: 80, max_ms: 310 },
    disconnect_ms: 400,
};

const TONE: &[Component] = &[at(425.0, -13.0)];
const SIT: [Segment; 4] =
    special_information(&[at(950.0, -16.0)], &[at(1400.0, -16.0)], &[at(1800.0, -16.0)]);

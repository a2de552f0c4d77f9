//! Japan: the Regulations for Telecommunications Facilities (tones), ITU-T E.180 Supplement 2, NTT's Technical
//! Reference on telephone service interfaces.

use super::*;

pub(super) static JP: Country = Country {
    code: "jp",
    name: "Japan",
    law: Law::Mu,
    impedance: Impedance::R600C1000,
    tones: TonePlan {
        dial: repeat(&[on(TONE, Segment::FOREVER)]),
        // Second dial tone.
        stutter_dial: repeat(&[on(TONE, 240), off(240)]),
        ringback: repeat(&[
            Segment {
                signal: Some(Signal {
                    components: &[at(400.0, -16.0)],
                    modulation: Some(Modulation { hz: 16.0, depth_percent: 85.0 }),
                }),
                ms: 1000,
            },
            off(2000),
        ]),
        // Japan has one tone for "busy" and "no path".
        busy: repeat(&[on(TONE, 500), off(500)]),
        congestion: repeat(&[on(TONE, 500), off(500)]),
        // An announcement on a Japanese exchange; busy tone stands for it.
        number_unobtainable: repeat(&[on(TONE, 500), off(500)]),
        call_waiting: repeat(&[on(TONE, 64), off(436), on(TONE, 64), off(3436)]),
        howler: repeat(&[on(&[at(400.0, -3.0)], Segment::FOREVER)]),
    },
    ring: RingPlan {
        frequency_hz: 16,
        cadence: RingCadence(&[RingBurst { on_ms: 1000, off_ms: 2000 }]),
    },
    caller_id: CallerIdPlan {
        scheme: CallerIdScheme::V23,
        // NTT Number Display has the telephone answer a short ring with a loop, takes the data, and lets go before it
        // rings. Chosen here: reversal and data before the first ring, without that handshake.
        timing: CallerIdTiming::BeforeRing {
            reversal: true,
            settle_ms: 150,
            alert_ms: 0,
            guard_ms: 200,
        },
    },
    flash: FlashWindow { min_ms: 100, max_ms: 1300 },
    disconnect_ms: 400,
};

const TONE: &[Component] = &[at(400.0, -13.0)];

//! Text as tone plans: what can be read prints and reads again to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_dsp::tone_plan::TonePlan;
use tipring_fuzz::in_time;

fuzz_target!(|bytes: &[u8]| in_time(|| look(bytes)));

fn look(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for plan in TonePlan::parse(text).into_iter().flatten() {
        assert_eq!(TonePlan::parse(&plan.to_string()).as_deref(), Ok(&[plan][..]));
    }
}

//! Payloads of comfort noise: any octets are a description or an error; a description prints as it was read, and makes
//! noise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tipring_dsp::comfort_noise::{Description, Generator, MAX_ORDER};
use tipring_fuzz::in_time;

fuzz_target!(|data: &[u8]| in_time(|| look(data)));

fn look(data: &[u8]) {
    let Ok(description) = Description::parse(data) else { return };
    let mut octets = [0; 1 + MAX_ORDER];
    let length = description.print(&mut octets);
    assert_eq!(octets[..length], data[..data.len().min(1 + MAX_ORDER)]);
    let mut noise = [0; 400];
    Generator::new(&description, 1).process(&mut noise);
}

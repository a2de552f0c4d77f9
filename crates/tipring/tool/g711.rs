//! `tipring tool g711`

use std::path::Path;

use tipring_dsp::g711::{self, Law};

use super::{Way, read, write};
use crate::command::Failure;

/// Codes or decodes a raw file.
pub fn g711(law: Law, way: Way, from: &Path, to: &Path) -> Result<(), Failure> {
    let bytes = read(from)?;
    match way {
        Way::Encode => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            if !rest.is_empty() {
                let file = from.display();
                return Err(Failure::Failed(format!("{file} does not hold whole 16-bit samples")));
            }
            let samples: Vec<i16> = pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect();
            let mut octets = vec![0; samples.len()];
            g711::encode(law, &samples, &mut octets);
            write(to, &octets)
        }
        Way::Decode => {
            let mut samples = vec![0; bytes.len()];
            g711::decode(law, &bytes, &mut samples);
            let octets: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            write(to, &octets)
        }
    }
}

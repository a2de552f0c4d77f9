//! Choice of the fastest path this processor has.

use super::{Law, portable};

/// Encodes; the slices are of one length.
pub fn encode(law: Law, samples: &[i16], octets: &mut [u8]) {
    portable::encode(law, samples, octets);
}

/// Decodes; the slices are of one length.
pub fn decode(law: Law, octets: &[u8], samples: &mut [i16]) {
    portable::decode(law, octets, samples);
}

/// Transcodes from law `from` to the other; the slices are of one length.
pub fn map(from: Law, octets: &[u8], out: &mut [u8]) {
    portable::map(from, octets, out);
}

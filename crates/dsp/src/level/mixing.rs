//! Voices together.

use super::saturate;
use crate::simd::per_processor;

/// Adds `other` onto `samples`, saturating, as far as both go.
pub fn mix(samples: &mut [i16], other: &[i16]) {
    add(samples, other);
}

/// A block of up to `N` samples of all voices of a conference, from which each hears the others: what was added once is
/// subtracted for each, so a conference of any size costs two passes a voice. Only what is heard saturates.
#[derive(Clone, Debug)]
pub struct Sum<const N: usize>([i32; N]);

impl<const N: usize> Sum<N> {
    /// Nobody speaks.
    pub const fn new() -> Sum<N> {
        Sum([0; N])
    }

    /// Adds a voice, as far as the block goes; 65,536 voices have room.
    pub fn add(&mut self, voice: &[i16]) {
        add_wide(&mut self.0, voice);
    }

    /// What somebody hears who added `own`, as far as all three go.
    pub fn without(&self, own: &[i16], heard: &mut [i16]) {
        subtract(&self.0, own, heard);
    }

    /// What somebody hears who only listens, as far as both go.
    pub fn all(&self, heard: &mut [i16]) {
        narrow(&self.0, heard);
    }
}

impl<const N: usize> Default for Sum<N> {
    fn default() -> Sum<N> {
        Sum::new()
    }
}

per_processor! {
    fn add(samples: &mut [i16], other: &[i16]) {
        for (sample, other) in samples.iter_mut().zip(other) {
            *sample = sample.saturating_add(*other);
        }
    }

    fn add_wide(sum: &mut [i32], voice: &[i16]) {
        for (sum, sample) in sum.iter_mut().zip(voice) {
            *sum = sum.wrapping_add(i32::from(*sample));
        }
    }

    fn subtract(sum: &[i32], own: &[i16], heard: &mut [i16]) {
        for ((heard, sum), own) in heard.iter_mut().zip(sum).zip(own) {
            *heard = saturate(sum.wrapping_sub(i32::from(*own)));
        }
    }

    fn narrow(sum: &[i32], heard: &mut [i16]) {
        for (heard, sum) in heard.iter_mut().zip(sum) {
            *heard = saturate(*sum);
        }
    }
}

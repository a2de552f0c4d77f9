//! The loops of the canceller, compiled twice: for any processor, and for those of the x86-64 family
//! with AVX2 and fused multiply-add, which is chosen at run time. There are no intrinsics: the same
//! plain loops vectorise to eight lanes, and results differ by rounding only.

#![allow(unsafe_code)]

use super::BLOCK;
use super::adaptive::{self, Adaptive, Far};
use super::foreground::{self, Foreground};
use super::fourier::{self, FRAME, Spectrum};

/// `a × b + c`, in one rounding where the machine has an instruction for it.
#[inline(always)]
pub(super) fn fma<const F: bool>(a: f32, b: f32, c: f32) -> f32 {
    if F || cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

macro_rules! compiled_twice {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:path;)*) => { $(
        $(#[$doc])*
        pub(super) fn $name($($arg: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $type),*) $(-> $result)? {
                    use $body as body;
                    body::<true>($($arg),*)
                }
                // SAFETY: the processor was just found to have both.
                return unsafe { wide($($arg),*) };
            }
            use $body as body;
            body::<false>($($arg),*)
        }
    )* };
}

compiled_twice! {
    /// Spectrum of a frame.
    fn forward(frame: &[f32; FRAME], out: &mut Spectrum) = fourier::forward;
    /// Frame of a spectrum.
    fn inverse(spectrum: &Spectrum, out: &mut [f32; FRAME]) = fourier::inverse;
    /// Takes the running block of the far end in; the next one begins.
    fn push(far: &mut Far) = adaptive::push;
    /// The background filter's error over a block.
    fn predict(adaptive: &Adaptive, far: &Far, near: &[f32; BLOCK], error: &mut [f32; BLOCK]) = adaptive::predict;
    /// Lets the background filter learn from its error.
    fn learn(adaptive: &mut Adaptive, far: &Far, error: &[f32; BLOCK]) = adaptive::learn;
    /// Makes the first partition of the background filter fit for the foreground.
    fn constrain_first(adaptive: &mut Adaptive, taps: &mut [f32; BLOCK]) = adaptive::constrain_first;
    /// What all but the first partition will contribute to the block that begins.
    fn prepare(foreground: &mut Foreground, far: &Far) = foreground::prepare;
    /// The foreground filter's echo for some samples of the block.
    fn estimate(foreground: &Foreground, far: &[f32; FRAME], from: usize, out: &mut [f32]) = foreground::estimate;
}

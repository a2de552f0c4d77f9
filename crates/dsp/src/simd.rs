//! One plain loop, compiled for each vector unit that the processor may have.
//!
//! *What*: [`per_processor!`] makes a function out of a body that is written once. The function's copies are compiled
//! for AVX-512, for AVX2 with FMA, and for the target as it is; a call takes the fastest copy that the processor
//! has. In the body, `V` names the copy's [`Vector`]: sixteen `f32`. Hand it on to generic functions that do parts of the
//! work, and mark those `#[inline(always)]`, or they stay compiled for the plain target.
//!
//! *Where to start*: [`dot`], and the test below. Keep four or more sums at once: an addition takes four cycles, and
//! two start in each.
//!
//! *Why*: all that is unsafe stands here, in a page: intrinsics whose processor was found before. Loops of plain `f32` over
//! fixed arrays were tried and are unrolled to scalars instead of vectors. Loops over integers, and long simple
//! loops over slices, the compiler does well by itself: for those a body that never names `V` is enough.
//!
//! Copies differ in the last bits of results, as [`Vector::mul_add`] rounds once where the processor can.
#![allow(unsafe_code, dead_code, unused_imports, unused_macros)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Values of `f32` in a [`Vector`].
pub(crate) const LANES: usize = 16;

/// What a [`Vector`] is read from and written to.
pub(crate) type Lanes = [f32; LANES];

/// Sixteen `f32` in as many registers as the unit needs.
pub(crate) trait Vector: Copy {
    /// The same value in all lanes.
    fn splat(value: f32) -> Self;
    /// From memory, at any alignment.
    fn load(from: &Lanes) -> Self;
    /// To memory, at any alignment.
    fn store(self, to: &mut Lanes);
    /// Lane by lane.
    fn add(self, other: Self) -> Self;
    /// Lane by lane.
    fn sub(self, other: Self) -> Self;
    /// Lane by lane.
    fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where that is one instruction.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The greater of each lane.
    fn max(self, other: Self) -> Self;
    /// The lesser of each lane.
    fn min(self, other: Self) -> Self;

    /// The sum of all lanes.
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(&mut lanes);
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
            width /= 2;
        }
        lanes[0]
    }
}

/// For any processor of the target; the compiler makes what it can of it.
#[derive(Clone, Copy)]
pub(crate) struct Plain(Lanes);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Plain, each: impl Fn(f32, f32) -> f32) -> Plain {
        Plain(std::array::from_fn(|i| each(self.0[i], other.0[i])))
    }
}

impl Vector for Plain {
    #[inline(always)]
    fn splat(value: f32) -> Plain {
        Plain([value; LANES])
    }
    #[inline(always)]
    fn load(from: &Lanes) -> Plain {
        Plain(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut Lanes) {
        *to = self.0;
    }
    #[inline(always)]
    fn add(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(self, factor: Plain, addend: Plain) -> Plain {
        // AArch64 always has the fused instruction; elsewhere it would be a call.
        let fused = cfg!(target_arch = "aarch64");
        Plain(std::array::from_fn(|i| match fused {
            true => self.0[i].mul_add(factor.0[i], addend.0[i]),
            false => self.0[i] * factor.0[i] + addend.0[i],
        }))
    }
    #[inline(always)]
    fn max(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
}

/// A [`Vector`] of as many registers as its lanes need.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($(#[$doc:meta])* $name:ident: $count:literal of $register:ty,
     $splat:ident $add:ident $sub:ident $mul:ident $fma:ident $max:ident $min:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name([$register; $count]);

        impl $name {
            #[inline(always)]
            fn zip(self, other: $name, each: impl Fn($register, $register) -> $register) -> $name {
                $name(std::array::from_fn(|i| each(self.0[i], other.0[i])))
            }
        }

        // SAFETY (all of them): values of this type are made only in copies that `per_processor!` compiled for the unit
        // and calls after the unit was found.
        impl Vector for $name {
            #[inline(always)]
            fn splat(value: f32) -> $name {
                // SAFETY: the unit is there.
                $name([unsafe { $splat(value) }; $count])
            }
            #[inline(always)]
            fn load(from: &Lanes) -> $name {
                // SAFETY: both are sixteen `f32` without padding, and any bits are one.
                unsafe { std::mem::transmute::<Lanes, $name>(*from) }
            }
            #[inline(always)]
            fn store(self, to: &mut Lanes) {
                // SAFETY: as above.
                *to = unsafe { std::mem::transmute::<$name, Lanes>(self) };
            }
            #[inline(always)]
            fn add(self, other: $name) -> $name {
                // SAFETY: the unit is there.
                self.zip(other, |a, b| unsafe { $add(a, b) })
            }
            #[inline(always)]
            fn sub(self, other: $name) -> $name {
                // SAFETY: the unit is there.
                self.zip(other, |a, b| unsafe { $sub(a, b) })
            }
            #[inline(always)]
            fn mul(self, other: $name) -> $name {
                // SAFETY: the unit is there.
                self.zip(other, |a, b| unsafe { $mul(a, b) })
            }
            #[inline(always)]
            fn mul_add(self, factor: $name, addend: $name) -> $name {
                // SAFETY: the unit is there.
                $name(std::array::from_fn(|i| unsafe { $fma(self.0[i], factor.0[i], addend.0[i]) }))
            }
            #[inline(always)]
            fn max(self, other: $name) -> $name {
                // SAFETY: the unit is there.
                self.zip(other, |a, b| unsafe { $max(a, b) })
            }
            #[inline(always)]
            fn min(self, other: $name) -> $name {
                // SAFETY: the unit is there.
                self.zip(other, |a, b| unsafe { $min(a, b) })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_vector! {
    /// One register of AVX-512.
    Avx512: 1 of __m512, _mm512_set1_ps
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_fmadd_ps _mm512_max_ps _mm512_min_ps
}

#[cfg(target_arch = "x86_64")]
x86_vector! {
    /// Two registers of AVX, with FMA.
    Avx2: 2 of __m256, _mm256_set1_ps
    _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_fmadd_ps _mm256_max_ps _mm256_min_ps
}

/// A vector unit, from the plainest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    /// What every processor of the target has.
    Plain,
    /// 256 bits, with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Processor {
    /// The widest that there is. The standard library keeps the answer: this costs a load.
    #[inline]
    pub(crate) fn best() -> Processor {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi2")
            {
                return Processor::Avx512;
            }
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi2")
            {
                return Processor::Avx2;
            }
        }
        Processor::Plain
    }
}

/// A function with a copy for each [`Processor`]; see the module. Arguments are plain names.
macro_rules! per_processor {
    ($(
        $(#[$meta:meta])*
        $visible:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block
    )+) => {$(
        $(#[$meta])*
        #[inline]
        #[allow(unsafe_code)]
        $visible fn $name($($arg: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
            fn avx512($($arg: $kind),*) $(-> $result)? {
                #[allow(dead_code)]
                type V = $crate::simd::Avx512;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi2")]
            fn avx2($($arg: $kind),*) $(-> $result)? {
                #[allow(dead_code)]
                type V = $crate::simd::Avx2;
                $body
            }
            fn plain($($arg: $kind),*) $(-> $result)? {
                #[allow(dead_code)]
                type V = $crate::simd::Plain;
                $body
            }
            match $crate::simd::Processor::best() {
                // SAFETY: `best` found every feature that the copy is compiled with.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Processor::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Processor::Avx2 => unsafe { avx2($($arg),*) },
                $crate::simd::Processor::Plain => plain($($arg),*),
            }
        }
    )+};
}
pub(crate) use per_processor;

/// The inner product of two slices, up to the length of the shorter.
#[inline(always)]
pub(crate) fn dot<V: Vector>(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, last_a) = a[..length].as_chunks::<LANES>();
    let (b, last_b) = b[..length].as_chunks::<LANES>();
    let (a, rest_a) = a.as_chunks::<4>();
    let (b, rest_b) = b.as_chunks::<4>();
    let mut sums = [V::splat(0.0); 4];
    for (a, b) in a.iter().zip(b) {
        sums = std::array::from_fn(|i| V::load(&a[i]).mul_add(V::load(&b[i]), sums[i]));
    }
    for (a, b) in rest_a.iter().zip(rest_b) {
        sums[0] = V::load(a).mul_add(V::load(b), sums[0]);
    }
    let last: f32 = last_a.iter().zip(last_b).map(|(a, b)| a * b).sum();
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + last
}

#[cfg(test)]
mod tests {
    use super::*;

    per_processor! {
        /// The inner product, on the best unit.
        fn inner_product(a: &[f32], b: &[f32]) -> f32 {
            dot::<V>(a, b)
        }
    }

    #[test]
    fn every_length_is_summed_whole() {
        for length in 0..300 {
            let a: Vec<f32> = (0..length).map(|n| n as f32 - 7.0).collect();
            let b: Vec<f32> = (0..length).map(|n| 3.0 - 0.5 * n as f32).collect();
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let scale: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b).abs()).sum();
            for got in [inner_product(&a, &b), dot::<Plain>(&a, &b)] {
                assert!(
                    (f64::from(got) - exact).abs() <= 1e-6 * scale + 1e-9,
                    "{length}: {got} {exact}"
                );
            }
        }
    }
}

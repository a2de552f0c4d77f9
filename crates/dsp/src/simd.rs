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
//! A body, and what it hands `V` on to, keeps clear of closures over vectors (`map`, `from_fn`): a closure is not compiled for the
//! unit unless it happens to be inlined first.
//!
//! Copies differ in the last bits of results, as [`Vector::mul_add`] rounds once where the processor can.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "iterators take closures")]

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
    /// Lane by lane; slow.
    fn div(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where that is one instruction.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `from - self * factor`, rounded once where that is one instruction.
    fn mul_from(self, factor: Self, from: Self) -> Self;
    /// The greater of each lane.
    fn max(self, other: Self) -> Self;
    /// The lesser of each lane.
    fn min(self, other: Self) -> Self;
    /// Four vectors as four groups of four lanes each: group `g` of vector `v` becomes group `v` of vector `g`.
    fn transpose_groups(four: [Self; 4]) -> [Self; 4];
    /// Lane `l` of each group of vector `v` becomes lane `v` of that group of vector `l`.
    fn transpose_lanes(four: [Self; 4]) -> [Self; 4];

    /// The sums of four vectors' lanes.
    #[inline(always)]
    fn sums(four: [Self; 4]) -> [f32; 4] {
        let [a, b, c, d] = Self::transpose_groups(four);
        let mut lanes = [0.0; LANES];
        a.add(b).add(c.add(d)).store(&mut lanes);
        std::array::from_fn(|v| {
            (lanes[4 * v] + lanes[4 * v + 1]) + (lanes[4 * v + 2] + lanes[4 * v + 3])
        })
    }

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
    fn div(self, other: Plain) -> Plain {
        self.zip(other, |a, b| a / b)
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
    fn mul_from(self, factor: Plain, from: Plain) -> Plain {
        Plain(self.0.map(|x| -x)).mul_add(factor, from)
    }
    #[inline(always)]
    fn max(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, other: Plain) -> Plain {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn transpose_groups(four: [Plain; 4]) -> [Plain; 4] {
        std::array::from_fn(|v| Plain(std::array::from_fn(|i| four[i / 4].0[4 * v + i % 4])))
    }
    #[inline(always)]
    fn transpose_lanes(four: [Plain; 4]) -> [Plain; 4] {
        std::array::from_fn(|v| Plain(std::array::from_fn(|i| four[i % 4].0[i / 4 * 4 + v])))
    }
}

/// A [`Vector`] of as many registers as its lanes need.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($(#[$doc:meta])* $name:ident: $count:literal of $register:ty,
     $splat:ident $add:ident $sub:ident $mul:ident $div:ident $fma:ident $fnma:ident $max:ident $min:ident
     $low:ident $high:ident $groups:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(crate) struct $name([$register; $count]);

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
            fn add(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $add(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn sub(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $sub(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn mul(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $mul(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn div(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $div(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn mul_add(mut self, factor: $name, addend: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $fma(self.0[i], factor.0[i], addend.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn mul_from(mut self, factor: $name, from: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $fnma(self.0[i], factor.0[i], from.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn max(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $max(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn min(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $min(self.0[i], other.0[i]) };
                }
                self
            }
            #[inline(always)]
            fn transpose_groups(four: [$name; 4]) -> [$name; 4] {
                $groups(four)
            }
            #[inline(always)]
            fn transpose_lanes([a, b, c, d]: [$name; 4]) -> [$name; 4] {
                let (ac, ca) = (a.interleave_low(c), a.interleave_high(c));
                let (bd, db) = (b.interleave_low(d), b.interleave_high(d));
                [
                    ac.interleave_low(bd),
                    ac.interleave_high(bd),
                    ca.interleave_low(db),
                    ca.interleave_high(db),
                ]
            }
        }

        impl $name {
            /// Lanes 0 and 1 of each group, in turn with the other's.
            #[inline(always)]
            fn interleave_low(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $low(self.0[i], other.0[i]) };
                }
                self
            }

            /// Lanes 2 and 3 of each group, in turn with the other's.
            #[inline(always)]
            fn interleave_high(mut self, other: $name) -> $name {
                for i in 0..$count {
                    // SAFETY: the unit is there.
                    self.0[i] = unsafe { $high(self.0[i], other.0[i]) };
                }
                self
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_vector! {
    /// One register of AVX-512.
    Avx512: 1 of __m512, _mm512_set1_ps
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_max_ps _mm512_min_ps
    _mm512_unpacklo_ps _mm512_unpackhi_ps groups_of_512
}

/// See [`Vector::transpose_groups`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn groups_of_512([Avx512([a]), Avx512([b]), Avx512([c]), Avx512([d])]: [Avx512; 4]) -> [Avx512; 4] {
    // SAFETY: as for the type.
    unsafe {
        let (ab_low, ab_high) =
            (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xEE>(a, b));
        let (cd_low, cd_high) =
            (_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xEE>(c, d));
        [
            Avx512([_mm512_shuffle_f32x4::<0x88>(ab_low, cd_low)]),
            Avx512([_mm512_shuffle_f32x4::<0xDD>(ab_low, cd_low)]),
            Avx512([_mm512_shuffle_f32x4::<0x88>(ab_high, cd_high)]),
            Avx512([_mm512_shuffle_f32x4::<0xDD>(ab_high, cd_high)]),
        ]
    }
}

#[cfg(target_arch = "x86_64")]
x86_vector! {
    /// Two registers of AVX, with FMA.
    Avx2: 2 of __m256, _mm256_set1_ps
    _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_fmadd_ps _mm256_fnmadd_ps _mm256_max_ps _mm256_min_ps
    _mm256_unpacklo_ps _mm256_unpackhi_ps groups_of_256
}

/// See [`Vector::transpose_groups`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn groups_of_256([Avx2(a), Avx2(b), Avx2(c), Avx2(d)]: [Avx2; 4]) -> [Avx2; 4] {
    // SAFETY: as for the type.
    unsafe {
        [
            Avx2([
                _mm256_permute2f128_ps::<0x20>(a[0], b[0]),
                _mm256_permute2f128_ps::<0x20>(c[0], d[0]),
            ]),
            Avx2([
                _mm256_permute2f128_ps::<0x31>(a[0], b[0]),
                _mm256_permute2f128_ps::<0x31>(c[0], d[0]),
            ]),
            Avx2([
                _mm256_permute2f128_ps::<0x20>(a[1], b[1]),
                _mm256_permute2f128_ps::<0x20>(c[1], d[1]),
            ]),
            Avx2([
                _mm256_permute2f128_ps::<0x31>(a[1], b[1]),
                _mm256_permute2f128_ps::<0x31>(c[1], d[1]),
            ]),
        ]
    }
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
                && is_x86_feature_detected!("avx2")
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
                type V = $crate::simd::Avx512;
                const _: usize = size_of::<V>();
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi2")]
            fn avx2($($arg: $kind),*) $(-> $result)? {
                type V = $crate::simd::Avx2;
                const _: usize = size_of::<V>();
                $body
            }
            fn plain($($arg: $kind),*) $(-> $result)? {
                type V = $crate::simd::Plain;
                const _: usize = size_of::<V>();
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

    per_processor! {
        /// Both transpositions and the sums, on the best unit.
        fn transposed(four: &[Lanes; 4], groups: &mut [Lanes; 4], lanes: &mut [Lanes; 4]) -> [f32; 4] {
            transpose::<V>(four, groups, lanes)
        }
    }

    #[inline(always)]
    fn transpose<V: Vector>(
        four: &[Lanes; 4],
        groups: &mut [Lanes; 4],
        lanes: &mut [Lanes; 4],
    ) -> [f32; 4] {
        let vectors: [V; 4] = std::array::from_fn(|v| V::load(&four[v]));
        for (to, from) in groups.iter_mut().zip(V::transpose_groups(vectors)) {
            from.store(to);
        }
        for (to, from) in lanes.iter_mut().zip(V::transpose_lanes(vectors)) {
            from.store(to);
        }
        V::sums(vectors)
    }

    #[test]
    fn transpositions_change_places_as_they_say() {
        let four: [Lanes; 4] =
            std::array::from_fn(|v| std::array::from_fn(|i| (100 * v + i) as f32));
        type Run = fn(&[Lanes; 4], &mut [Lanes; 4], &mut [Lanes; 4]) -> [f32; 4];
        let mut runs: Vec<Run> = vec![transposed, transpose::<Plain>];
        #[cfg(target_arch = "x86_64")]
        if Processor::best() != Processor::Plain {
            runs.push(transpose::<Avx2>);
        }
        for run in runs {
            let (mut groups, mut lanes) = ([[0.0; LANES]; 4], [[0.0; LANES]; 4]);
            let sums = run(&four, &mut groups, &mut lanes);
            for v in 0..4 {
                for i in 0..LANES {
                    assert_eq!(groups[v][i], (100 * (i / 4) + 4 * v + i % 4) as f32, "{v} {i}");
                    assert_eq!(lanes[v][i], (100 * (i % 4) + i / 4 * 4 + v) as f32, "{v} {i}");
                }
                assert_eq!(sums[v], four[v].iter().sum::<f32>());
            }
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

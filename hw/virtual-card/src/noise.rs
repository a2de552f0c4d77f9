//! A bad serial line: bits flip, octets are lost and come twice.

use tipring_core::Rng;

/// Damages octets on their way.
#[derive(Debug)]
pub(crate) struct Noise {
    rng: Rng,
    error_rate: f64,
    /// Octets until the next damage.
    spare: u64,
}

impl Noise {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, error_rate: 0.0, spare: u64::MAX }
    }

    /// Sets the chance of damage per bit, 0 to 1; 0 is a clean line.
    pub(crate) fn set_bit_error_rate(&mut self, error_rate: f64) {
        self.error_rate = (error_rate * 8.0).clamp(0.0, 1.0);
        self.spare = self.draw();
    }

    /// Appends `bytes` to `out`, damaged: half of the errors flip a bit, a quarter loses an octet, a quarter doubles one.
    pub(crate) fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Ok(spare) = usize::try_from(self.spare)
            && let Some((clean, [hit, rest @ ..])) = bytes.split_at_checked(spare)
        {
            out.extend_from_slice(clean);
            match self.rng.below(4) {
                0 => {}
                1 => out.extend([*hit, *hit]),
                _ => out.push(hit ^ 1 << self.rng.below(8)),
            }
            self.spare = self.draw();
            bytes = rest;
        }
        out.extend_from_slice(bytes);
        if self.spare != u64::MAX {
            self.spare -= bytes.len() as u64;
        }
    }

    /// Clean octets before the next error: a geometric draw.
    fn draw(&mut self) -> u64 {
        if self.error_rate <= 0.0 {
            return u64::MAX;
        }
        if self.error_rate >= 1.0 {
            return 0;
        }
        let unit = 1.0 - self.rng.unit();
        (unit.ln() / (-self.error_rate).ln_1p()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_line_changes_nothing() {
        let mut noise = Noise::new(Rng::new(1));
        let bytes: Vec<u8> = (0..=255).collect();
        let mut out = Vec::new();
        noise.pass(&bytes, &mut out);
        assert_eq!(out, bytes);
    }

    #[test]
    fn damage_comes_as_often_as_asked() {
        let mut noise = Noise::new(Rng::new(2));
        noise.set_bit_error_rate(1e-4);
        let mut damaged = 0;
        for _ in 0..100_000 {
            let mut out = Vec::new();
            noise.pass(&[0x55; 10], &mut out);
            damaged += u32::from(out != [0x55; 10]);
        }
        // 100 000 times ten octets of eight bits at 1e-4: 796 ± 28.
        assert!((650..950).contains(&damaged), "{damaged}");
        noise.set_bit_error_rate(0.0);
        let mut out = Vec::new();
        noise.pass(&[1, 2, 3], &mut out);
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn the_worst_line_loses_no_bound() {
        let mut noise = Noise::new(Rng::new(3));
        noise.set_bit_error_rate(1.0);
        let mut out = Vec::new();
        noise.pass(&[0; 1000], &mut out);
        assert!(out.len() <= 2000 && out != [0; 1000]);
    }
}

//! Codes of two to five bits in octets.

/// Which end of an octet the first code goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// The lowest bits first: `G726-16` to `G726-40` of RFC 3551 §4.5.4.
    Rfc3551,
    /// The highest bits first: ITU-T I.366.2, `AAL2-G726-16` to `AAL2-G726-40`.
    Aal2,
}

/// Bits between codes and octets.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    packing: Packing,
    /// Bits of a code.
    width: u32,
    /// The bits that wait, at the low end.
    waiting: u32,
    count: u32,
}

impl Bits {
    pub(super) const fn new(packing: Packing, width: u32) -> Bits {
        Bits { packing, width, waiting: 0, count: 0 }
    }

    /// How many codes can come before more octets than this are full.
    pub(super) fn codes_until(&self, octets: usize) -> usize {
        (octets.saturating_mul(8).saturating_add(7) - self.count as usize) / self.width as usize
    }

    /// Takes a code; gives an octet when one is full.
    #[inline(always)]
    pub(super) fn push(&mut self, code: u8) -> Option<u8> {
        self.add(u32::from(code), self.width);
        Some(self.remove(8)? as u8)
    }

    /// Takes an octet, when no code is left.
    #[inline(always)]
    pub(super) fn refill(&mut self, octet: u8) {
        self.add(u32::from(octet), 8);
    }

    /// Gives a code if there is one.
    #[inline(always)]
    pub(super) fn pull(&mut self) -> Option<u8> {
        Some(self.remove(self.width)? as u8)
    }

    #[inline(always)]
    fn add(&mut self, value: u32, width: u32) {
        match self.packing {
            Packing::Rfc3551 => self.waiting |= value << self.count,
            Packing::Aal2 => self.waiting = self.waiting << width | value,
        }
        self.count += width;
    }

    #[inline(always)]
    fn remove(&mut self, width: u32) -> Option<u32> {
        self.count = self.count.checked_sub(width)?;
        let first = match self.packing {
            Packing::Rfc3551 => {
                let first = self.waiting & ((1 << width) - 1);
                self.waiting >>= width;
                first
            }
            Packing::Aal2 => {
                let first = self.waiting >> self.count;
                self.waiting &= (1 << self.count) - 1;
                first
            }
        };
        Some(first)
    }
}

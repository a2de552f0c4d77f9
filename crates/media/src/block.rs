//! What the rings carry.

use bytemuck::{Pod, Zeroable};
use tipring_core::{Instant, TerminationId};
use tipring_dsp::g711;

/// Samples of a channel in a tick.
pub const BLOCK_SAMPLES: usize = g711::BLOCK_SAMPLES;

/// The most channels a card has.
pub const MAX_CHANNELS: usize = 128;

/// The longest datagram a slot holds: 120 ms of G.711 and 64 octets of headers.
pub const MAX_DATAGRAM: usize = 1024;

/// 5 ms of a card, the same fields as the card protocol's `PcmBlock` in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CardBlock {
    /// Up: the first sample's number by the card's clock. Down: the clock of the up block this one answers.
    pub clock: u32,
    /// How many channels of `octets` are filled.
    pub channels: u16,
    /// Up: samples waiting in the card's downlink buffer. Down: 0.
    pub fill: u16,
    /// Up: blocks of silence the card played for want of one from here. Down: 0.
    pub underruns: u32,
    /// Up: blocks lost directly before this one. Down: 0.
    pub missing: u32,
    /// Octets in each channel's law, channel after channel.
    pub octets: [u8; MAX_CHANNELS * BLOCK_SAMPLES],
}

impl CardBlock {
    /// A block of silence in µ-law.
    pub const SILENCE: Self = Self {
        clock: 0,
        channels: 0,
        fill: 0,
        underruns: 0,
        missing: 0,
        octets: [0xFF; MAX_CHANNELS * BLOCK_SAMPLES],
    };

    /// The octets of a channel that the block fills.
    pub fn channel(&self, index: u8) -> Option<&[u8; BLOCK_SAMPLES]> {
        let filled = u16::from(index) < self.channels;
        self.octets.as_chunks().0.get(usize::from(index)).filter(|_| filled)
    }

    /// The octets of a channel, to be written.
    pub fn channel_mut(&mut self, index: u8) -> Option<&mut [u8; BLOCK_SAMPLES]> {
        self.octets.as_chunks_mut().0.get_mut(usize::from(index))
    }
}

/// One RTP or RTCP datagram of a termination.
#[derive(Clone, Copy, Debug)]
pub struct RtpSlot {
    /// Whose.
    pub termination: TerminationId,
    /// In: when it arrived. Out: when it was made.
    pub at: Instant,
    /// For the RTCP port instead of the RTP port.
    pub rtcp: bool,
    len: u16,
    octets: [u8; MAX_DATAGRAM],
}

impl RtpSlot {
    /// Nothing for nobody.
    pub(crate) const EMPTY: Self = Self {
        termination: TerminationId(0),
        at: Instant::ZERO,
        rtcp: false,
        len: 0,
        octets: [0; MAX_DATAGRAM],
    };

    /// A slot with this datagram; `None` where it is longer than [`MAX_DATAGRAM`].
    pub fn new(
        termination: TerminationId,
        at: Instant,
        rtcp: bool,
        datagram: &[u8],
    ) -> Option<Self> {
        let mut slot = Self { termination, at, rtcp, ..Self::EMPTY };
        slot.octets.get_mut(..datagram.len())?.copy_from_slice(datagram);
        slot.len = u16::try_from(datagram.len()).ok()?;
        Some(slot)
    }

    /// The datagram.
    pub fn datagram(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

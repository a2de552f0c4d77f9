//! Blocks of audio: 5 ms of every channel of a card.

use bytemuck::{Pod, Zeroable};

use crate::frame::{FrameWriter, Reader};
use crate::{BLOCK_SAMPLES, MAX_CHANNELS};

/// Octets before the samples in a PCM payload.
pub(crate) const HEADER_LEN: usize = 11;

/// 5 ms of every channel, in the shape that rings carry: plain data, one size, no pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PcmBlock {
    /// Up: number of the first sample, counted by the card at 8 kHz since it booted, wrapping.
    /// Down: the clock of the up block that this one answers.
    pub clock: u32,
    /// How many channels of `octets` are filled.
    pub channels: u16,
    /// Up: samples waiting in the card's downlink buffer. Down: 0.
    pub fill: u16,
    /// Up: blocks of silence played because no downlink block had come, since the session began.
    /// Down: 0.
    pub underruns: u32,
    /// Blocks lost directly before this one, to be concealed. Set by the receiver, never on the
    /// wire.
    pub missing: u32,
    /// The samples in each port's law, channel after channel, [`BLOCK_SAMPLES`] octets each.
    pub octets: [u8; MAX_CHANNELS * BLOCK_SAMPLES],
}

impl PcmBlock {
    /// A block of `channels` (at most [`MAX_CHANNELS`]) filled with the octet `silence`
    /// (0xFF is silence in µ-law, 0xD5 in A-law; ITU-T G.711).
    pub fn filled(clock: u32, channels: u16, silence: u8) -> Self {
        Self {
            clock,
            channels: channels.min(MAX_CHANNELS as u16),
            fill: 0,
            underruns: 0,
            missing: 0,
            octets: [silence; MAX_CHANNELS * BLOCK_SAMPLES],
        }
    }

    /// The samples of a channel.
    ///
    /// # Panics
    /// When `index` is [`MAX_CHANNELS`] or more.
    pub fn channel(&self, index: usize) -> &[u8; BLOCK_SAMPLES] {
        &self.octets.as_chunks().0[index]
    }

    /// The samples of a channel, to be written.
    ///
    /// # Panics
    /// When `index` is [`MAX_CHANNELS`] or more.
    pub fn channel_mut(&mut self, index: usize) -> &mut [u8; BLOCK_SAMPLES] {
        &mut self.octets.as_chunks_mut().0[index]
    }

    /// The block as a message's content; channels beyond [`MAX_CHANNELS`] are left out.
    pub fn as_pcm(&self) -> Pcm<'_> {
        let samples = self.octets.as_chunks().0;
        let channels = samples.get(..usize::from(self.channels)).unwrap_or(samples);
        Pcm { clock: self.clock, fill: self.fill, underruns: self.underruns, channels }
    }
}

/// A PCM message: a view of a received payload or of a [`PcmBlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pcm<'a> {
    /// See [`PcmBlock::clock`].
    pub clock: u32,
    /// See [`PcmBlock::fill`].
    pub fill: u16,
    /// See [`PcmBlock::underruns`].
    pub underruns: u32,
    /// Samples of each channel; at most [`MAX_CHANNELS`].
    pub channels: &'a [[u8; BLOCK_SAMPLES]],
}

impl Pcm<'_> {
    /// Copies into a block with `missing` 0. Octets of channels that are not in the message keep
    /// their old value.
    pub fn copy_to(&self, block: &mut PcmBlock) {
        block.clock = self.clock;
        block.fill = self.fill;
        block.underruns = self.underruns;
        block.missing = 0;
        block.channels = 0;
        for (to, from) in block.octets.as_chunks_mut().0.iter_mut().zip(self.channels) {
            *to = *from;
            block.channels += 1;
        }
    }

    pub(crate) fn encode(&self, out: &mut FrameWriter<'_>) {
        let channels = self.channels.get(..MAX_CHANNELS).unwrap_or(self.channels);
        out.u32(self.clock);
        out.u8(channels.len() as u8);
        out.u16(self.fill);
        out.u32(self.underruns);
        out.bytes(channels.as_flattened());
    }
}

impl<'a> Pcm<'a> {
    pub(crate) fn decode(mut from: Reader<'a>) -> Option<Self> {
        let clock = from.u32()?;
        let count = usize::from(from.u8()?);
        let (fill, underruns) = (from.u16()?, from.u32()?);
        if count > MAX_CHANNELS {
            return None;
        }
        let channels = from.take(count * BLOCK_SAMPLES)?.as_chunks().0;
        Some(Self { clock, fill, underruns, channels })
    }
}

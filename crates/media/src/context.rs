//! Contexts: who hears whom.

use tipring_core::ContextId;
use tipring_dsp::level;

use crate::frame::Frame;

/// The most terminations in a context.
pub(crate) const MAX_MEMBERS: usize = 8;

pub(crate) struct Context {
    pub(crate) id: ContextId,
    /// Places in the engine's table.
    members: [usize; MAX_MEMBERS],
    len: usize,
}

impl Context {
    pub(crate) fn new(id: ContextId) -> Self {
        Self { id, members: [0; MAX_MEMBERS], len: 0 }
    }

    pub(crate) fn members(&self) -> &[usize] {
        &self.members[..self.len]
    }

    pub(crate) fn vacant(&self) -> usize {
        MAX_MEMBERS - self.len
    }

    pub(crate) fn insert(&mut self, member: usize) {
        if !self.members().contains(&member) && self.len < MAX_MEMBERS {
            self.members[self.len] = member;
            self.len += 1;
        }
    }

    pub(crate) fn remove(&mut self, member: usize) {
        if let Some(at) = self.members().iter().position(|m| *m == member) {
            self.members[at..self.len].rotate_left(1);
            self.len -= 1;
        }
    }

    /// What `listener` hears: everybody but itself. A single voice passes untouched.
    pub(crate) fn mix(&self, listener: usize, frames: &[Frame], card: bool, heard: &mut Frame) {
        let others = || self.members().iter().filter(|m| **m != listener);
        let mut voices = others().filter(|m| frames[**m].sounding);
        *heard = Frame::SILENCE;
        if let Some(first) = voices.next() {
            heard.copy_from(&frames[*first]);
        }
        let mut more = voices.peekable();
        if more.peek().is_some() {
            let mut sum = heard.linear.map(i32::from);
            for voice in more {
                for (sum, sample) in sum.iter_mut().zip(&frames[*voice].linear) {
                    *sum += i32::from(*sample);
                }
            }
            heard.set_linear(|linear| *linear = sum.map(level::saturate));
        }
        // A digit that came as an event has no sound of its own; towards RTP it goes as SendDigit.
        for digit in others().filter_map(|m| frames[*m].digit.as_ref()).filter(|_| card) {
            heard.set_linear(|linear| level::mix(linear, digit));
        }
        heard.dtmf = others().find_map(|m| frames[*m].dtmf);
    }
}

#[cfg(test)]
mod tests {
    use tipring_dsp::g711::Law;

    use super::*;
    use crate::block::BLOCK_SAMPLES;

    fn voice(sample: i16) -> Frame {
        let mut frame = Frame::SILENCE;
        frame.set_linear(|linear| linear.fill(sample));
        frame
    }

    fn context(members: &[usize]) -> Context {
        let mut context = Context::new(ContextId(1));
        members.iter().for_each(|m| context.insert(*m));
        context
    }

    fn heard(context: &Context, listener: usize, frames: &[Frame]) -> Frame {
        let mut heard = Frame::SILENCE;
        context.mix(listener, frames, true, &mut heard);
        heard
    }

    #[test]
    fn three_hear_each_other_and_never_themselves() {
        let frames = [voice(100), voice(20), voice(3)];
        let context = context(&[0, 1, 2]);
        let sums: Vec<i16> = (0..3).map(|l| heard(&context, l, &frames).linear[0]).collect();
        assert_eq!(sums, [23, 103, 120]);
    }

    #[test]
    fn loud_voices_saturate() {
        let context = context(&[0, 1, 2]);
        let frames = [voice(30_000), voice(30_000), voice(-30_000)];
        assert_eq!(heard(&context, 2, &frames).linear[0], i16::MAX);
    }

    #[test]
    fn a_single_voice_passes_octet_for_octet_also_beside_a_silent_third() {
        let mut frame = Frame::SILENCE;
        frame.set_octets(Law::A, &[0x2A; BLOCK_SAMPLES]);
        let frames = [frame, Frame::SILENCE, Frame::SILENCE];
        let heard = heard(&context(&[0, 1, 2]), 1, &frames);
        assert_eq!((heard.law, heard.octets), (Some(Law::A), [0x2A; BLOCK_SAMPLES]));
    }

    #[test]
    fn a_regenerated_digit_is_for_cards_only() {
        let mut frame = Frame::SILENCE;
        frame.digit = Some([500; BLOCK_SAMPLES]);
        let (context, frames) = (context(&[0, 1]), [frame, Frame::SILENCE]);
        assert_eq!(heard(&context, 1, &frames).linear[0], 500);
        let mut rtp = Frame::SILENCE;
        context.mix(1, &frames, false, &mut rtp);
        assert!(!rtp.sounding);
    }

    #[test]
    fn members_come_and_go() {
        let mut context = context(&[4, 5, 6, 5]);
        context.remove(4);
        context.remove(9);
        assert_eq!((context.members(), context.vacant()), (&[5, 6][..], MAX_MEMBERS - 2));
    }
}

//! Tones of up to four frequencies, their cadences, and the player that turns them into samples.
//!
//! All values are small integers, so that a [`Program`] is `Copy`, comparable, a constant where
//! wanted, and fits a slot of a command ring. Cadences are exact to the sample; frequencies to 1
//! µHz for ever.

mod block;

use block::{BLOCK, Voice, Voices};

use crate::{
    SAMPLES_PER_MS,
    level::{self, mix},
    oscillator::step_of_decihertz,
};

/// Frequencies in a tone.
pub const MAX_COMPONENTS: usize = 4;

/// Segments in a program.
pub const MAX_SEGMENTS: usize = 16;

/// A length that does not end by itself.
pub const FOREVER: u32 = u32::MAX;

/// One frequency of a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Component {
    decihertz: u16,
    centi_dbm0: i16,
}

/// A steady tone, or silence: up to four frequencies with their levels, all amplitude-modulated by
/// one other if wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tone {
    components: [Component; MAX_COMPONENTS],
    modulation_decihertz: u16,
    modulation_percent: u8,
}

impl Tone {
    /// No frequency at all.
    pub const SILENCE: Tone = Tone {
        components: [Component { decihertz: 0, centi_dbm0: 0 }; MAX_COMPONENTS],
        modulation_decihertz: 0,
        modulation_percent: 0,
    };

    /// Frequencies in Hz (0.1 … 4000.0 in steps of 0.1) with their levels in dBm0 (steps of 0.01);
    /// what is beyond the fourth is ignored.
    pub const fn new(components: &[(f32, f32)]) -> Tone {
        let mut tone = Tone::SILENCE;
        let mut i = 0;
        while i < components.len() && i < MAX_COMPONENTS {
            let (hz, dbm0) = components[i];
            tone.components[i] = Component {
                decihertz: (hz.clamp(0.0, 4000.0) * 10.0).round() as u16,
                centi_dbm0: (dbm0 * 100.0).round() as i16,
            };
            i += 1;
        }
        tone
    }

    /// One frequency.
    pub const fn single(hz: f32, dbm0: f32) -> Tone {
        Tone::new(&[(hz, dbm0)])
    }

    /// Two frequencies of one level each.
    pub const fn dual(low_hz: f32, high_hz: f32, dbm0_each: f32) -> Tone {
        Tone::new(&[(low_hz, dbm0_each), (high_hz, dbm0_each)])
    }

    /// The same tone with its amplitude modulated: times 1 + m·sin with m in percent up to 100, by
    /// a frequency in Hz. The carriers keep their levels; m percent adds sidebands of m/2 percent
    /// of the carrier's amplitude.
    pub const fn modulated(mut self, hz: f32, percent: u8) -> Tone {
        self.modulation_decihertz = (hz.clamp(0.0, 4000.0) * 10.0).round() as u16;
        self.modulation_percent = if percent > 100 { 100 } else { percent };
        self
    }

    /// The frequencies in Hz with their levels in dBm0.
    pub fn components(&self) -> impl Iterator<Item = (f32, f32)> + use<> {
        let sounding = self.components.into_iter().filter(|c| c.decihertz != 0);
        sounding.map(|c| (f32::from(c.decihertz) / 10.0, f32::from(c.centi_dbm0) / 100.0))
    }

    /// The frequency in Hz and the depth in percent of the modulation, if there is one.
    pub fn modulation(&self) -> Option<(f32, u8)> {
        let hz = f32::from(self.modulation_decihertz) / 10.0;
        (self.modulation_decihertz != 0).then_some((hz, self.modulation_percent))
    }

    /// Whether there is nothing to hear.
    pub const fn is_silence(&self) -> bool {
        let mut i = 0;
        while i < MAX_COMPONENTS {
            if self.components[i].decihertz != 0 {
                return false;
            }
            i += 1;
        }
        true
    }
}

/// A tone, or silence, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What sounds.
    pub tone: Tone,
    /// For how many samples; [`FOREVER`] until something else is played.
    pub samples: u32,
}

impl Segment {
    /// A tone for some milliseconds.
    pub const fn tone_ms(tone: Tone, ms: u32) -> Segment {
        Segment { tone, samples: ms.saturating_mul(SAMPLES_PER_MS) }
    }

    /// Silence for some milliseconds.
    pub const fn silence_ms(ms: u32) -> Segment {
        Segment::tone_ms(Tone::SILENCE, ms)
    }
}

/// A cadence: segments one after the other, the tail of them repeated if wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    segments: [Segment; MAX_SEGMENTS],
    count: u8,
    repeat_from: u8,
}

/// The value of `repeat_from` in a program that ends.
const ENDS: u8 = u8::MAX;

impl Program {
    /// Nothing to play.
    pub const SILENCE: Program = Program {
        segments: [Segment { tone: Tone::SILENCE, samples: 0 }; MAX_SEGMENTS],
        count: 0,
        repeat_from: ENDS,
    };

    /// The segments once, then silence. What is beyond the sixteenth is ignored.
    pub const fn once(segments: &[Segment]) -> Program {
        let mut program = Program::SILENCE;
        while (program.count as usize) < segments.len() && (program.count as usize) < MAX_SEGMENTS {
            program.segments[program.count as usize] = segments[program.count as usize];
            program.count += 1;
        }
        program
    }

    /// The segments, then for ever those from `first` on (0 repeats all). A tail without a sample
    /// does not repeat.
    pub const fn repeating(segments: &[Segment], first: usize) -> Program {
        let mut program = Program::once(segments);
        let mut i = first;
        while i < program.count as usize {
            if program.segments[i].samples > 0 {
                program.repeat_from = first as u8;
            }
            i += 1;
        }
        program
    }

    /// One tone until something else is played.
    pub const fn continuous(tone: Tone) -> Program {
        Program::once(&[Segment { tone, samples: FOREVER }])
    }

    /// A tone on and off for ever, in milliseconds.
    pub const fn on_off(tone: Tone, on_ms: u32, off_ms: u32) -> Program {
        Program::repeating(&[Segment::tone_ms(tone, on_ms), Segment::silence_ms(off_ms)], 0)
    }

    /// The segments in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments[..usize::from(self.count)]
    }

    /// Where the repetition goes on after the last segment; `None` if the program ends.
    pub fn repeat_from(&self) -> Option<usize> {
        (self.repeat_from != ENDS).then_some(usize::from(self.repeat_from))
    }
}

/// Plays one program at a time.
///
/// A tone starts at phase 0 (no click of its own) and goes on without a step through neighbouring
/// segments of the same tone.
#[derive(Clone, Debug)]
pub struct Player {
    program: Program,
    segment: usize,
    /// Samples left in the segment; `FOREVER` is not counted down.
    left: u32,
    /// What sounds now.
    sounding: Tone,
    voices: Voices,
    /// Samples of what sounds so far, and those of the block that the next belongs to.
    index: u64,
    block: [i16; BLOCK],
}

impl Default for Player {
    fn default() -> Player {
        Player::new()
    }
}

impl Player {
    /// A player of silence.
    pub fn new() -> Player {
        Player {
            program: Program::SILENCE,
            segment: 0,
            left: 0,
            sounding: Tone::SILENCE,
            voices: Voices::default(),
            index: 0,
            block: [0; BLOCK],
        }
    }

    /// Starts a program at its beginning, whatever was playing.
    pub fn start(&mut self, program: Program) {
        self.program = program;
        self.sounding = Tone::SILENCE;
        self.enter(0);
    }

    /// Falls silent at once.
    pub fn stop(&mut self) {
        self.start(Program::SILENCE);
    }

    /// Whether the program goes on (in a pause of its cadence, too).
    pub fn is_playing(&self) -> bool {
        self.left > 0
    }

    /// What is being played or was played last.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Writes the next samples; what is beyond the end of the program is silence. Returns how many
    /// belong to it.
    pub fn process(&mut self, out: &mut [i16]) -> usize {
        let done = self.play(out, |out, block| out.copy_from_slice(block), |out| out.fill(0));
        out[done..].fill(0);
        done
    }

    /// Adds the next samples onto `out`, saturating. Returns how many belong to the program.
    pub fn mix(&mut self, out: &mut [i16]) -> usize {
        self.play(out, mix, |_| {})
    }

    /// Goes on for as many samples as there are in `out`, with pieces of sound and of silence.
    fn play(
        &mut self,
        out: &mut [i16],
        sound: impl Fn(&mut [i16], &[i16]),
        silence: impl Fn(&mut [i16]),
    ) -> usize {
        let mut done = 0;
        while self.left > 0 && done < out.len() {
            let at = (self.index % BLOCK as u64) as usize;
            let mut n = (out.len() - done).min(self.left as usize);
            if self.voices.count == 0 {
                silence(&mut out[done..done + n]);
            } else {
                if at == 0 {
                    block::render(&self.voices, self.index, &mut self.block);
                }
                n = n.min(BLOCK - at);
                sound(&mut out[done..done + n], &self.block[at..at + n]);
                self.index += n as u64;
            }
            done += n;
            if self.left != FOREVER {
                self.left -= n as u32;
                if self.left == 0 {
                    self.enter(self.segment + 1);
                }
            }
        }
        done
    }

    /// Enters this segment or what comes in its place; `left` becomes 0 at the end of the program.
    fn enter(&mut self, mut segment: usize) {
        // Each segment is passed twice at the most: a repeated tail has at least one sample.
        for _ in 0..2 * MAX_SEGMENTS {
            if segment >= self.program.segments().len() {
                match self.program.repeat_from() {
                    Some(first) => segment = first,
                    None => break,
                }
            }
            let Segment { tone, samples } = self.program.segments[segment];
            if samples > 0 {
                self.segment = segment;
                self.left = samples;
                self.tune(tone);
                return;
            }
            segment += 1;
        }
        self.left = 0;
        self.sounding = Tone::SILENCE;
    }

    fn tune(&mut self, tone: Tone) {
        if tone == self.sounding {
            return;
        }
        self.sounding = tone;
        self.index = 0;
        self.voices = Voices::default();
        for component in tone.components.iter().filter(|component| component.decihertz != 0) {
            self.voices.voices[self.voices.count] = Voice {
                step: step_of_decihertz(u32::from(component.decihertz)),
                amplitude: level::dbm0_to_peak(f32::from(component.centi_dbm0) / 100.0),
            };
            self.voices.count += 1;
        }
        self.voices.modulator = (tone.modulation_decihertz != 0).then(|| Voice {
            step: step_of_decihertz(u32::from(tone.modulation_decihertz)),
            amplitude: f32::from(tone.modulation_percent) / 100.0,
        });
    }
}

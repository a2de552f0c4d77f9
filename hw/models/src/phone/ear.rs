//! The earpiece: steps become blocks, and a recorder may run beside it.

use crate::{BLOCK_SAMPLES, STEP_SAMPLES};

#[derive(Clone, Debug)]
pub(super) struct Ear {
    gathering: [i16; BLOCK_SAMPLES],
    gathered: usize,
    last_block: [i16; BLOCK_SAMPLES],
    recording: Option<Vec<i16>>,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            gathering: [0; BLOCK_SAMPLES],
            gathered: 0,
            last_block: [0; BLOCK_SAMPLES],
            recording: None,
        }
    }
}

impl Ear {
    /// Takes a step; gives the block that it completes.
    pub(super) fn hear(
        &mut self,
        heard: Option<&[i16; STEP_SAMPLES]>,
    ) -> Option<[i16; BLOCK_SAMPLES]> {
        let place = &mut self.gathering[self.gathered..self.gathered + STEP_SAMPLES];
        match heard {
            Some(samples) => place.copy_from_slice(samples),
            None => place.fill(0),
        }
        self.gathered += STEP_SAMPLES;
        if self.gathered < BLOCK_SAMPLES {
            return None;
        }
        self.gathered = 0;
        self.last_block = self.gathering;
        if let Some(samples) = &mut self.recording
            && samples.len() < MAX_SAMPLES
        {
            samples.extend_from_slice(&self.last_block);
        }
        Some(self.last_block)
    }

    pub(super) fn last_block(&self) -> &[i16; BLOCK_SAMPLES] {
        &self.last_block
    }

    pub(super) fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    pub(super) fn stop_recording(&mut self) -> Option<Vec<i16>> {
        self.recording.take()
    }
}

/// Ten minutes at 8 kHz.
const MAX_SAMPLES: usize = 10 * 60 * 8000;

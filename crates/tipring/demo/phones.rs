//! The people at the virtual phones.

use std::collections::VecDeque;

use tipring_core::{Duration, Instant};
use tipring_runtime::clock::Clock;
use tipring_runtime::virtual_card::{CardWorld, WorldEvents};
use tipring_virtual_card::control::{ControlAnswer, ControlRequest, DialMethod, Happening};
use tipring_virtual_card::{PhoneEvent, ToneName};

use super::sound::Sound;

/// Why somebody could not do what they should: a sentence.
pub(crate) type Refused = String;

/// All phones of the card: hands, mouths, ears, and what was noticed.
pub(crate) struct Phones {
    clock: Clock,
    world: CardWorld,
    events: WorldEvents,
    /// Noticed, and nobody has asked for it yet.
    noticed: VecDeque<(u8, PhoneEvent)>,
    /// When each recording began, by port.
    recording_since: [Instant; 8],
}

impl Phones {
    pub(crate) fn new(clock: Clock, world: CardWorld) -> Self {
        let events = world.watch();
        Self { clock, world, events, noticed: VecDeque::new(), recording_since: [Instant::ZERO; 8] }
    }

    pub(crate) fn off_hook(&self, port: u8) -> Result<(), Refused> {
        self.ask(ControlRequest::OffHook { port }).map(drop)
    }

    pub(crate) fn on_hook(&self, port: u8) -> Result<(), Refused> {
        self.ask(ControlRequest::OnHook { port }).map(drop)
    }

    pub(crate) fn dial(&self, port: u8, digits: &str) -> Result<(), Refused> {
        let digits = digits.to_owned();
        let method = DialMethod::Dtmf;
        self.ask(ControlRequest::Dial { port, digits, method, on_ms: None, off_ms: None }).map(drop)
    }

    /// Says something; gives when it began.
    pub(crate) fn say(&self, port: u8, samples: &[i16]) -> Result<Instant, Refused> {
        self.ask(ControlRequest::Play { port, samples: samples.into(), looped: false })?;
        Ok(self.clock.now())
    }

    pub(crate) fn listen(&mut self, port: u8) -> Result<(), Refused> {
        self.ask(ControlRequest::Record { port })?;
        if let Some(since) = self.recording_since.get_mut(usize::from(port)) {
            *since = self.clock.now();
        }
        Ok(())
    }

    /// What was heard since [`listen`](Self::listen).
    pub(crate) fn heard(&self, port: u8) -> Result<Sound, Refused> {
        let since = self.recording_since.get(usize::from(port)).copied().unwrap_or(Instant::ZERO);
        match self.ask(ControlRequest::Stop { port })? {
            ControlAnswer::Recording(samples) => Ok(Sound { at: since, samples }),
            ControlAnswer::Done => Err("nothing was recorded".to_owned()),
        }
    }

    /// Forgets what was noticed so far.
    pub(crate) fn forget(&mut self) {
        while self.events.try_recv().is_ok() {}
        self.noticed.clear();
    }

    /// Waits until `found` finds something in what is noticed at a port; what it passes over may be asked for later.
    pub(crate) fn wait<T>(
        &mut self,
        port: u8,
        patience: Duration,
        mut found: impl FnMut(&PhoneEvent) -> Option<T>,
    ) -> Option<T> {
        let deadline = self.clock.now() + patience;
        let mut seen = 0;
        loop {
            while let Some((at, event)) = self.noticed.get(seen) {
                if *at == port
                    && let Some(value) = found(event)
                {
                    self.noticed.remove(seen);
                    return Some(value);
                }
                seen += 1;
            }
            let event = self.events.recv_timeout(self.clock.until(deadline)).ok()?;
            if let Happening::Phone { port, event } = event.happening {
                self.noticed.push_back((port, event));
            }
        }
    }

    /// Waits for a tone to begin.
    pub(crate) fn wait_tone(&mut self, port: u8, patience: Duration, tone: ToneName) -> bool {
        let begins = |event: &PhoneEvent| match event {
            PhoneEvent::Tone { name, on: true } if *name == tone => Some(()),
            _ => None,
        };
        self.wait(port, patience, begins).is_some()
    }

    /// Waits for the bell to begin or to end a burst.
    pub(crate) fn wait_ring(&mut self, port: u8, patience: Duration, wanted: bool) -> bool {
        let edge = |event: &PhoneEvent| match event {
            PhoneEvent::Ring { on } if *on == wanted => Some(()),
            _ => None,
        };
        self.wait(port, patience, edge).is_some()
    }

    fn ask(&self, request: ControlRequest) -> Result<ControlAnswer, Refused> {
        let answer = self.world.control(request).ok_or("the simulated card is gone")?;
        answer.map_err(|error| error.to_string())
    }
}

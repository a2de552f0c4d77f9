//! Carrying out orders. Whatever memory one retires goes to the garbage ring.

use tipring_core::{ContextId, Instant, TerminationId};

use crate::context::{Context, MAX_MEMBERS};
use crate::control::{Command, Direction, Event, Refusal};
use crate::engine::Engine;
use crate::order::{Garbage, Order};
use crate::termination::{Burst, CardChannel, Detection, Outside, Termination};

type Done = Result<(), Refusal>;

impl Engine {
    pub(crate) fn apply(&mut self, now: Instant, order: Order) {
        let (termination, done) = match order {
            Order::AddCardChannel { termination, card, channel, law, drift, echo } => {
                let channel = CardChannel { card: card.0, channel, law, drift, echo };
                (termination, self.add(termination, Outside::Card(channel)))
            }
            Order::AddRtp { termination, stream } => {
                (termination, self.add(termination, Outside::Rtp(stream)))
            }
            Order::Plain(command) => self.carry_out(now, command),
        };
        if let Err(refusal) = done {
            self.event(Event::Refused { termination, refusal });
        }
    }

    fn carry_out(&mut self, now: Instant, command: Command) -> (TerminationId, Done) {
        match command {
            Command::Remove { termination } => (termination, self.remove(now, termination)),
            Command::Join { context, a, b } => match self.place(a) {
                None => (a, Err(Refusal::UnknownTermination)),
                Some(place) => (b, self.join(context, place, b)),
            },
            Command::Leave { termination } => {
                let place = self.place(termination).ok_or(Refusal::UnknownTermination);
                (termination, place.map(|place| self.leave(place)))
            }
            Command::PlaySamples { termination, samples } => {
                (termination, self.play(termination, samples))
            }
            Command::StopSamples { termination } => (termination, self.stop(termination)),
            // Prepared before they came here: `Order::prepare`.
            Command::AddCardChannel { termination, .. } | Command::AddRtp { termination, .. } => {
                (termination, Err(Refusal::NoSuchChannel))
            }
            Command::Stats { termination } => (termination, self.tell_stats(termination)),
            Command::UpdateRtp { termination, .. }
            | Command::SetDirection { termination, .. }
            | Command::SetGain { termination, .. }
            | Command::PlayTone { termination, .. }
            | Command::StopTone { termination }
            | Command::DetectDigits { termination, .. }
            | Command::SendDigit { termination, .. } => {
                let done = self.find(termination).and_then(|t| t.carry_out(&command));
                (termination, done)
            }
        }
    }

    fn find(&mut self, id: TerminationId) -> Result<&mut Termination, Refusal> {
        let place = self.place(id).ok_or(Refusal::UnknownTermination)?;
        self.terminations.get_mut(place).and_then(Option::as_mut).ok_or(Refusal::UnknownTermination)
    }

    fn add(&mut self, id: TerminationId, outside: Outside) -> Done {
        match self.vacancy(id, &outside) {
            Ok((place, at)) => {
                self.terminations[place] = Some(Termination::new(id, outside));
                self.places.insert(at, (id, place));
                Ok(())
            }
            Err(refusal) => {
                self.retire(outside);
                Err(refusal)
            }
        }
    }

    /// The free place for a termination, and where its name goes in the sorted list.
    fn vacancy(&self, id: TerminationId, outside: &Outside) -> Result<(usize, usize), Refusal> {
        let Err(at) = self.places.binary_search_by_key(&id, |(id, _)| *id) else {
            return Err(Refusal::TerminationExists);
        };
        if let Outside::Card(new) = outside {
            let taken = self.terminations.iter().flatten().any(|t| match &t.outside {
                Outside::Card(old) => (old.card, old.channel) == (new.card, new.channel),
                Outside::Rtp(_) => false,
            });
            let exists = new.card < self.config.cards
                && usize::from(new.channel) < crate::block::MAX_CHANNELS;
            if taken || !exists {
                return Err(Refusal::NoSuchChannel);
            }
        }
        let place = self.terminations.iter().position(Option::is_none).ok_or(Refusal::Full)?;
        Ok((place, at))
    }

    fn remove(&mut self, now: Instant, id: TerminationId) -> Done {
        let at = self
            .places
            .binary_search_by_key(&id, |(id, _)| *id)
            .map_err(|_| Refusal::UnknownTermination)?;
        let (_, place) = self.places.remove(at);
        self.leave(place);
        let Some(termination) = self.terminations.get_mut(place).and_then(Option::take) else {
            return Err(Refusal::UnknownTermination);
        };
        let Termination { mut outside, burst, .. } = termination;
        let stats = match &mut outside {
            Outside::Rtp(stream) => {
                stream.bye(now, id, self.config.ntp_origin, &mut self.out);
                Some(stream.stats())
            }
            Outside::Card(CardChannel { card, channel, law, .. }) => {
                // Nobody writes here any more: leave silence behind.
                let port = self.cards.get_mut(usize::from(*card));
                if let Some(octets) = port.and_then(|port| port.channel_out(*channel)) {
                    octets.fill(law.silence());
                }
                None
            }
        };
        self.retire(outside);
        if let Some(Burst { samples, .. }) = burst {
            self.out.retire(Garbage::Samples(samples));
        }
        self.event(Event::Removed { termination: id, stats });
        Ok(())
    }

    fn retire(&mut self, outside: Outside) {
        match outside {
            Outside::Rtp(stream) => self.out.retire(Garbage::Stream(stream)),
            Outside::Card(CardChannel { drift, echo, .. }) => {
                drift.into_iter().for_each(|drift| self.out.retire(Garbage::Drift(drift)));
                echo.into_iter().for_each(|echo| self.out.retire(Garbage::Echo(echo)));
            }
        }
    }

    fn join(&mut self, id: ContextId, a: usize, b: TerminationId) -> Done {
        let b = self.place(b).ok_or(Refusal::UnknownTermination)?;
        let vacant = match self.contexts.iter().find(|c| c.id == id) {
            Some(context) => {
                let new = [a, b].iter().filter(|m| !context.members().contains(m)).count();
                context.vacant() >= new
            }
            None => self.contexts.len() < self.config.contexts && MAX_MEMBERS >= 2,
        };
        if !vacant {
            return Err(Refusal::Full);
        }
        for member in [a, b] {
            self.enter(id, member);
        }
        Ok(())
    }

    fn enter(&mut self, id: ContextId, member: usize) {
        let Some(Some(termination)) = self.terminations.get(member) else { return };
        if termination.context == Some(id) {
            return;
        }
        self.leave(member);
        if let Some(Some(termination)) = self.terminations.get_mut(member) {
            termination.context = Some(id);
        }
        match self.contexts.iter_mut().find(|c| c.id == id) {
            Some(context) => context.insert(member),
            None => {
                let mut context = Context::new(id);
                context.insert(member);
                self.contexts.push(context);
            }
        }
    }

    fn leave(&mut self, member: usize) {
        if let Some(Some(termination)) = self.terminations.get_mut(member) {
            termination.context = None;
        }
        self.contexts.iter_mut().for_each(|context| context.remove(member));
        self.contexts.retain(|context| !context.members().is_empty());
    }

    fn play(&mut self, id: TerminationId, samples: Box<[i16]>) -> Done {
        let Ok(termination) = self.find(id) else {
            self.out.retire(Garbage::Samples(samples));
            return Err(Refusal::UnknownTermination);
        };
        if let Some(old) = termination.burst.replace(Burst { samples, at: 0 }) {
            self.out.retire(Garbage::Samples(old.samples));
            self.event(Event::BurstDone { termination: id });
        }
        Ok(())
    }

    fn stop(&mut self, id: TerminationId) -> Done {
        let place = self.place(id).ok_or(Refusal::UnknownTermination)?;
        if let Some(Some(termination)) = self.terminations.get_mut(place) {
            termination.end_burst(&mut self.out);
        }
        Ok(())
    }

    fn tell_stats(&mut self, id: TerminationId) -> Done {
        let Outside::Rtp(stream) = &self.find(id)?.outside else { return Err(Refusal::NotRtp) };
        let event = Event::Stats { termination: id, stats: stream.stats() };
        self.event(event);
        Ok(())
    }
}

impl Termination {
    /// The commands that concern nobody else.
    fn carry_out(&mut self, command: &Command) -> Done {
        match *command {
            Command::UpdateRtp { format, .. } => {
                let Outside::Rtp(stream) = &mut self.outside else { return Err(Refusal::NotRtp) };
                stream.set_format(format);
            }
            Command::SetDirection { direction, .. } => self.set_direction(direction),
            Command::SetGain { receive, send, .. } => {
                (self.receive_gain, self.send_gain) = (receive, send);
            }
            Command::PlayTone { program, .. } => self.tone.start(program),
            Command::StopTone { .. } => self.tone.stop(),
            Command::DetectDigits { on, mute, .. } => match &mut self.detection {
                Some(detection) if on => detection.mute = mute,
                _ => self.detection = on.then(|| Detection::new(mute)),
            },
            Command::SendDigit { digit, ms, .. } => {
                return if self.digits.push((digit, ms)) { Ok(()) } else { Err(Refusal::Full) };
            }
            // The others were carried out by the engine.
            _ => {}
        }
        Ok(())
    }

    fn set_direction(&mut self, direction: Direction) {
        let resumed = direction.receive && !self.direction.receive;
        self.direction = direction;
        if let (Outside::Rtp(stream), true) = (&mut self.outside, resumed) {
            stream.receiver.resume();
        }
    }

    /// The channel, where this is one of `card`.
    pub(crate) fn channel_of(&mut self, card: u8) -> Option<&mut CardChannel> {
        match &mut self.outside {
            Outside::Card(channel) if channel.card == card => Some(channel),
            _ => None,
        }
    }
}

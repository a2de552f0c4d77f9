//! Lines: what cards and telephones say, and what port machines want.

use tipring_bridge_proto::{Descriptor, Law as WireLaw, LineEvent, PortKind};
use tipring_call::{Event, Origin, Release, Setup};
use tipring_core::{CardId, Cause, Instant, LegId, LineId, PortNumber, Redact, TerminationId};
use tipring_dsp::g711::Law;
use tipring_line::{
    CallRequest, Caller, CardInput as PortInput, Digit, FxsConfig, FxsPort, MediaInput,
    Output as PortOutput, PortEvent, Verdict,
};
use tipring_media::control::Command;

use crate::gateway::{Gateway, Owner, Wake};
use crate::output::Output;
use crate::{distinctive, sound, translate};

/// One line: its port machine and what hangs on it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) port: FxsPort,
    pub(crate) termination: Option<TerminationId>,
    pub(crate) leg: Option<LegId>,
    /// The leg that it had last, whose ladder takes what comes of its end.
    pub(crate) last_leg: Option<LegId>,
    pub(crate) detecting: bool,
    /// What happened before there is a call whose ladder could take it.
    pub(crate) prelude: Vec<(Instant, bool, String)>,
}

const MAX_PRELUDE: usize = 40;

impl Line {
    pub(crate) fn new(config: FxsConfig) -> Self {
        Self {
            port: FxsPort::new(config),
            termination: None,
            leg: None,
            last_leg: None,
            detecting: false,
            prelude: Vec::new(),
        }
    }
}

impl Gateway {
    pub(crate) fn line(&mut self, id: LineId) -> Option<&mut Line> {
        self.lines.get_mut(usize::from(id.0))
    }

    pub(crate) fn line_name(&self, id: LineId) -> &str {
        self.config.lines.get(usize::from(id.0)).map_or("?", |line| line.name.as_str())
    }

    pub(crate) fn line_by_name(&self, name: &str) -> Option<LineId> {
        let at = self.config.lines.iter().position(|line| line.name == name)?;
        u16::try_from(at).ok().map(LineId)
    }

    fn lines_of(&self, card: CardId) -> Vec<(LineId, PortNumber)> {
        let lines = self.config.lines.iter().enumerate();
        lines
            .filter(|(_, line)| line.card == card)
            .filter_map(|(at, line)| Some((LineId(u16::try_from(at).ok()?), line.port)))
            .collect()
    }

    pub(crate) fn card_up(&mut self, now: Instant, card: CardId, descriptor: Box<Descriptor>) {
        if self.cards.get(usize::from(card.0)).is_some_and(Option::is_some) {
            self.card_down(now, card, "restarted");
        }
        let serial: String = descriptor.serial().collect();
        tracing::info!(%card, serial, ports = descriptor.ports().len(), "card in service");
        for (line, port) in self.lines_of(card) {
            let found = descriptor.port(port.0).copied();
            let Some(wire) = found.filter(|wire| wire.kind == PortKind::Fxs) else {
                tracing::warn!(line = self.line_name(line), %card, %port, "the card has no such FXS port");
                continue;
            };
            let law = match wire.law {
                WireLaw::Mu => Law::Mu,
                WireLaw::A => Law::A,
            };
            let termination = self.next_termination(Owner::Line(line));
            let echo = self.config.lines.get(usize::from(line.0)).and_then(|line| line.echo);
            let channel = wire.first_channel;
            self.media(Command::AddCardChannel { termination, card, channel, law, echo });
            if let Some(line) = self.line(line) {
                line.termination = Some(termination);
            }
            self.port_input(now, line, PortInput::InService);
        }
        if let Some(slot) = self.cards.get_mut(usize::from(card.0)) {
            *slot = Some(descriptor);
        }
    }

    pub(crate) fn card_down(&mut self, now: Instant, card: CardId, reason: &str) {
        let was_up = self.cards.get_mut(usize::from(card.0)).and_then(Option::take).is_some();
        if !was_up {
            return;
        }
        tracing::warn!(%card, reason, "card out of service");
        for (id, _) in self.lines_of(card) {
            self.port_input(now, id, PortInput::OutOfService);
            self.drain_line(now, id);
            let termination = self.line(id).and_then(|line| line.termination.take());
            if let Some(termination) = termination {
                self.media(Command::Remove { termination });
            }
        }
    }

    pub(crate) fn card_event(
        &mut self,
        now: Instant,
        card: CardId,
        port: PortNumber,
        event: LineEvent,
    ) {
        let lines = self.lines_of(card);
        let Some((id, _)) = lines.into_iter().find(|(_, own)| *own == port) else {
            return tracing::debug!(%card, %port, ?event, "event of a port that is no line");
        };
        tracing::debug!(line = self.line_name(id), ?event, "card event");
        if let (LineEvent::Hook { off: true }, Some(line)) = (event, self.line(id)) {
            // What happened while the telephone was at rest is no part of the call that begins.
            line.prelude.clear();
            line.last_leg = line.leg;
        }
        if !matches!(event, LineEvent::LoopCurrent { .. }) {
            self.note_line(now, id, true, &translate::event_name(event));
        }
        if let Some(input) = translate::card_input(event) {
            self.port_input(now, id, input);
        }
    }

    fn port_input(&mut self, now: Instant, id: LineId, input: PortInput) {
        if let Some(line) = self.line(id) {
            line.port.handle_card(now, input);
            self.touched_lines.insert(id);
        }
    }

    pub(crate) fn line_media(&mut self, now: Instant, id: LineId, input: MediaInput) {
        // Drawn when it begins: the last digit of a number is dialled before what comes of it.
        if let MediaInput::DigitBegan(digit) = input {
            self.note_line(now, id, true, &format!("DTMF {digit}"));
        }
        if let Some(line) = self.line(id) {
            line.port.handle_media(now, input);
            self.touched_lines.insert(id);
        }
    }

    pub(crate) fn line_timeout(&mut self, now: Instant, id: LineId) {
        if let Some(line) = self.line(id) {
            line.port.handle_timeout(now);
            self.touched_lines.insert(id);
        }
    }

    pub(crate) fn drain_line(&mut self, now: Instant, id: LineId) {
        while let Some(output) = self.line(id).and_then(|line| line.port.poll_output()) {
            self.port_output(now, id, output);
        }
        let at = self.line(id).and_then(|line| line.port.poll_timeout());
        self.wake(Wake::Line(id), at);
    }

    fn port_output(&mut self, now: Instant, id: LineId, output: PortOutput) {
        let at = usize::from(id.0);
        let Some(config) = self.config.lines.get(at) else { return };
        let (card, port, country) = (config.card, config.port, config.fxs.country);
        let termination = self.lines.get(at).and_then(|line| line.termination);
        match (output, termination) {
            (PortOutput::Event(event), _) => self.port_event(now, id, event),
            (PortOutput::Card(action), _) => match translate::line_command(action) {
                Some(command) => {
                    self.note_line(now, id, false, &translate::command_name(command));
                    self.outputs.push_back(Output::Card { card, port, command });
                }
                None => tracing::error!(?action, "the card protocol cannot say this"),
            },
            (_, None) => {}
            (PortOutput::PlayTone(name), Some(termination)) => {
                self.note_line(now, id, false, &format!("{name} tone"));
                self.media(Command::PlayTone {
                    termination,
                    program: sound::program(country.tone(name)),
                });
            }
            (PortOutput::StopTone, Some(termination)) => {
                self.media(Command::StopTone { termination });
                self.media(Command::StopSamples { termination });
            }
            (PortOutput::DetectDigits(on), Some(termination)) => {
                if let Some(line) = self.line(id) {
                    line.detecting = on;
                }
                let mute = self.line_is_with_events(id);
                self.media(Command::DetectDigits { termination, on, mute });
            }
            (PortOutput::SendCallerId { scheme, caller }, Some(termination)) => {
                self.note_line(now, id, false, "caller ID");
                let samples = sound::caller_id_burst(now, self.config.wall, scheme, &caller);
                self.media(Command::PlaySamples { termination, samples });
            }
        }
    }

    fn port_event(&mut self, now: Instant, id: LineId, event: PortEvent) {
        match event {
            PortEvent::Seized => tracing::info!(line = self.line_name(id), "off-hook"),
            PortEvent::CheckNumber { digits } => {
                let origin = Origin::Line(self.line_name(id).to_owned());
                let verdict = match self.routes.verdict(&origin, &digits) {
                    tipring_call::Verdict::NeedMore => Verdict::NeedMore,
                    tipring_call::Verdict::Match => Verdict::Match,
                    tipring_call::Verdict::Complete => Verdict::Complete,
                    tipring_call::Verdict::Impossible => Verdict::Impossible,
                };
                if let Some(line) = self.line(id) {
                    line.port.handle_verdict(now, &digits, verdict);
                }
            }
            PortEvent::Dialled { number } => self.line_calls(now, id, number),
            PortEvent::Alerting => self.line_says(now, id, Event::Alerting { early_media: false }),
            PortEvent::Answered => self.line_says(now, id, Event::Answer),
            // Where the other side takes no events it has heard the key, and must not hear it
            // twice.
            PortEvent::Digit { in_audio: true, .. } if !self.line_is_with_events(id) => {}
            PortEvent::Digit { digit, ms, .. } => {
                self.line_says(now, id, Event::Digit { digit: digit.as_char(), ms });
            }
            PortEvent::Flash => self.line_flashes(now, id),
            PortEvent::Hold { on } => self.line_says(now, id, Event::Hold { on }),
            PortEvent::HungUp => {
                self.line_leaves(now, id, Release::new(Cause::NORMAL_CLEARING, "on-hook"));
                if let Some(line) = self.line(id) {
                    line.prelude.clear();
                }
            }
            PortEvent::Refused { cause } => {
                self.line_leaves(now, id, Release::new(cause, "line not free"));
            }
            PortEvent::InService => tracing::info!(line = self.line_name(id), "line in service"),
            PortEvent::OutOfService => {
                let lost = Release::new(Cause::DESTINATION_OUT_OF_ORDER, "card lost");
                self.line_leaves(now, id, lost);
                tracing::info!(line = self.line_name(id), "line out of service");
            }
            PortEvent::LockedOut => {
                tracing::warn!(line = self.line_name(id), "left off-hook: locked out");
            }
        }
    }

    fn line_calls(&mut self, now: Instant, id: LineId, number: tipring_core::Number) {
        let Some(config) = self.config.lines.get(usize::from(id.0)) else { return };
        let name = config.name.clone();
        tracing::info!(line = name, called = %Redact::Number(&number), "dialled");
        let mut setup = Setup::new(number);
        setup.calling.clone_from(&config.number);
        setup.calling_name.clone_from(&config.caller_name);
        let leg = self.open_call(now, Origin::Line(name.clone()), setup, &name);
        self.legs.insert(leg, crate::calls::Leg::line(id, &name));
        let Some(line) = self.line(id) else { return };
        (line.leg, line.last_leg) = (Some(leg), Some(leg));
        let prelude = std::mem::take(&mut line.prelude);
        for (at, from_phone, text) in prelude {
            self.note(at, leg, from_phone, text);
        }
    }

    fn line_says(&mut self, now: Instant, id: LineId, event: Event) {
        if let Some(leg) = self.line(id).and_then(|line| line.leg) {
            self.leg_says(now, leg, event);
        }
    }

    fn line_leaves(&mut self, now: Instant, id: LineId, release: Release) {
        if let Some(leg) = self.line(id).and_then(|line| line.leg.take()) {
            self.leg_says(now, leg, Event::Release(release));
            self.legs.remove(&leg);
        }
    }

    /// What the call tells a line's leg.
    pub(crate) fn tell_line(&mut self, now: Instant, id: LineId, event: Event) {
        let request = match event {
            Event::Proceeding => CallRequest::Proceeding,
            Event::Alerting { early_media } => CallRequest::Alerting { early_media },
            Event::Progress { early_media } => CallRequest::Progress { early_media },
            Event::Answer => CallRequest::Answered,
            Event::Hold { on } => CallRequest::RemoteHold { on },
            Event::Release(release) => {
                if let Some(line) = self.line(id) {
                    line.leg = None;
                }
                CallRequest::Released { cause: release.cause }
            }
            // A digit reaches a telephone as sound: in the audio, or made by the engine of an
            // event.
            Event::Setup(_)
            | Event::Digit { .. }
            | Event::Update(_)
            | Event::Redirect(_)
            | Event::Transfer(_) => {
                return;
            }
        };
        self.line_request(now, id, request);
    }

    /// Rings a line for a new terminating leg.
    pub(crate) fn ring_line(&mut self, now: Instant, id: LineId, leg: LegId, setup: &Setup) {
        let private = setup.privacy == tipring_call::Privacy::Restricted;
        let caller = Caller {
            number: setup.calling.as_ref().map(|number| number.as_str().to_owned()),
            name: setup.calling_name.clone(),
            private,
        };
        if let Some(line) = self.line(id) {
            (line.leg, line.last_leg) = (Some(leg), Some(leg));
        }
        let distinctive = setup.distinctive.as_deref().and_then(distinctive::cadence_of);
        self.line_request(now, id, CallRequest::Ring { caller, distinctive });
    }

    fn line_request(&mut self, now: Instant, id: LineId, request: CallRequest) {
        if let Some(line) = self.line(id) {
            line.port.handle_call(now, request);
            self.touched_lines.insert(id);
        }
    }

    /// Whether the line's audio goes to a peer that takes digits as events, so that they must not
    /// be heard too.
    fn line_is_with_events(&self, id: LineId) -> bool {
        let Some(leg) = self.lines.get(usize::from(id.0)).and_then(|line| line.leg) else {
            return false;
        };
        self.peer_takes_events(leg)
    }

    /// Tells the engine again whether the line's digits are muted: the peer has changed.
    pub(crate) fn refresh_mute(&mut self, id: LineId) {
        let mute = self.line_is_with_events(id);
        let Some(line) = self.line(id) else { return };
        if let (Some(termination), true) = (line.termination, line.detecting) {
            self.media(Command::DetectDigits { termination, on: true, mute });
        }
    }

    /// Adds a step to the ladder of the line's call, or keeps it for the call that may come of it.
    pub(crate) fn note_line(&mut self, now: Instant, id: LineId, from_phone: bool, text: &str) {
        let last = self.line(id).and_then(|line| line.leg.or(line.last_leg));
        if last.is_some_and(|leg| self.note(now, leg, from_phone, text)) {
            return;
        }
        if let Some(line) = self.line(id)
            && line.prelude.len() < MAX_PRELUDE
        {
            line.prelude.push((now, from_phone, text.to_owned()));
        }
    }
}

/// The engine's digit in the line machine's type.
pub(crate) fn line_digit(digit: tipring_dsp::dtmf::Digit) -> Option<Digit> {
    Digit::new(digit.as_char())
}

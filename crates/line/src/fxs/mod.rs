//! The FXS port: the exchange's end of one telephone line.
//!
//! ```text
//!               lift            digit        number          Alerting        Answered
//!   OnHook ────────► DialTone ───────► Collecting ───► Proceeding ───► RemoteRinging ──────► Talking ⇄ Held
//!     │                 │ first-digit     ▲ digit  │ Progress: EarlyMedia ──────────────────►  │   flash
//!     │ Ring            ▼ timer           └────────┘      │ Released                           │ Released
//!     └──► Ringing   ReleaseTone ◄────────────────────────┴──────────────── Disconnecting ◄────┘
//!            │ lift     │ 30 s          60 s
//!            └► Talking └────► Howler ───────► LockedOut          put down, in every state: OnHook
//! ```
//!
//! | state          | put down | lifted   | flash    | digit          | Ring     | Alerting      | Answered | Released      | timer          |
//! |----------------|----------|----------|----------|----------------|----------|---------------|----------|---------------|----------------|
//! | OutOfService   | –        | –        | –        | –              | Refused 27 | –           | –        | –             | –              |
//! | OnHook         | –        | DialTone | –        | –              | Ringing  | –             | –        | –             | –              |
//! | DialTone       | OnHook   | –        | DialTone | Collecting     | Refused 17 | –           | –        | –             | ReleaseTone    |
//! | Collecting     | OnHook   | –        | DialTone | check, collect | Refused 17 | –           | –        | –             | Proceeding     |
//! | Proceeding     | OnHook   | –        | –        | kept           | Refused 17 | RemoteRinging | Talking | ReleaseTone  | –              |
//! | RemoteRinging  | OnHook   | –        | –        | kept           | Refused 17 | –           | Talking  | ReleaseTone   | –              |
//! | EarlyMedia     | OnHook   | –        | –        | sent           | Refused 17 | RemoteRinging | Talking  | ReleaseTone   | –              |
//! | Talking        | OnHook   | –        | Held     | sent           | Refused 17 | –           | –        | Disconnecting | –              |
//! | Held           | OnHook   | –        | Talking  | –              | Refused 17 | –           | –        | Disconnecting | –              |
//! | Ringing        | –        | Talking  | –        | –              | Refused 17 | –           | –        | OnHook        | caller ID      |
//! | Disconnecting  | noted    | noted    | –        | –              | Refused 17 | –           | –        | –             | ReleaseTone    |
//! | ReleaseTone    | OnHook   | –        | DialTone | –              | Refused 17 | –           | –        | –             | Howler         |
//! | Howler         | OnHook   | –        | DialTone | –              | Refused 17 | –           | –        | –             | LockedOut      |
//! | LockedOut      | OnHook   | –        | –        | –              | Refused 17 | –           | –        | –             | –              |
//!
//! Every state falls to OutOfService when the card does. Each state's timer lives in the state and ends with it.

mod dialling;
mod io;
mod release;
mod ringing;
mod talking;

use std::collections::VecDeque;
use std::fmt;

use tipring_core::{Cause, Instant};

use crate::country::{CallerIdScheme, ToneName};
use crate::digit::Digit;
use dialling::Dialling;
pub use io::{
    CallRequest, Caller, CardAction, CardInput, FxsConfig, Hotline, Linefeed, MediaInput, Output,
    PortEvent, Verdict,
};
use release::{Disconnecting, ReleaseTone};
use ringing::Ringing;
use talking::{Outgoing, Talking};

/// The names of the states, for boards, logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// The card is not there.
    OutOfService,
    /// Idle.
    OnHook,
    /// Dial tone, no digit yet.
    DialTone,
    /// Digits are coming.
    Collecting,
    /// Dialled; the network works.
    Proceeding,
    /// The called side rings.
    RemoteRinging,
    /// The called side sends audio before answer.
    EarlyMedia,
    /// In a call.
    Talking,
    /// In a call that this telephone put on hold.
    Held,
    /// The telephone rings, or is about to.
    Ringing,
    /// The open loop after the far end cleared.
    Disconnecting,
    /// Busy, congestion or number-unobtainable tone.
    ReleaseTone,
    /// Howler.
    Howler,
    /// Left off the hook; quiet.
    LockedOut,
}

/// One FXS port.
#[derive(Debug)]
pub struct FxsPort {
    config: FxsConfig,
    state: State,
    io: Wires,
}

#[derive(Debug)]
enum State {
    OutOfService,
    OnHook,
    Dialling(Dialling),
    Outgoing(Outgoing),
    Talking(Talking),
    Ringing(Ringing),
    Disconnecting(Disconnecting),
    ReleaseTone(ReleaseTone),
    Howler { until: Instant },
    LockedOut,
}

#[derive(Clone, Debug)]
enum Input {
    Card(CardInput),
    Media(MediaInput),
    Call(CallRequest),
    Verdict { digits: String, verdict: Verdict },
    Timeout,
}

/// What goes out, and what is sounding and listening out there.
#[derive(Debug, Default)]
struct Wires {
    outputs: VecDeque<Output>,
    sounding: bool,
    detecting: bool,
    unexpected: u64,
}

impl FxsPort {
    /// A port whose card is not in service yet.
    pub fn new(config: FxsConfig) -> Self {
        Self { config, state: State::OutOfService, io: Wires::default() }
    }

    /// Something happened on the line.
    pub fn handle_card(&mut self, now: Instant, input: CardInput) {
        self.handle(now, Input::Card(input));
    }

    /// Something was heard on the line.
    pub fn handle_media(&mut self, now: Instant, input: MediaInput) {
        self.handle(now, Input::Media(input));
    }

    /// The call wants something.
    pub fn handle_call(&mut self, now: Instant, request: CallRequest) {
        self.handle(now, Input::Call(request));
    }

    /// The answer to [`PortEvent::CheckNumber`] for `digits`. When more have been dialled since, it is taken as far as
    /// it still applies.
    pub fn handle_verdict(&mut self, now: Instant, digits: &str, verdict: Verdict) {
        self.handle(now, Input::Verdict { digits: digits.to_owned(), verdict });
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Ends: each timeout moves towards a state without a timer.
        while self.poll_timeout().is_some_and(|at| at <= now) {
            self.handle(now, Input::Timeout);
        }
    }

    /// The next thing to do; call until `None` after every `handle_…`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.io.outputs.pop_front()
    }

    /// When to call [`FxsPort::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Dialling(dialling) => Some(dialling.until),
            State::Ringing(ringing) => ringing.until(),
            State::Disconnecting(disconnecting) => Some(disconnecting.until),
            State::ReleaseTone(tone) => Some(tone.until),
            State::Howler { until } => Some(*until),
            State::OutOfService
            | State::OnHook
            | State::Outgoing(_)
            | State::Talking(_)
            | State::LockedOut => None,
        }
    }

    /// Which state the port is in.
    pub fn state(&self) -> StateName {
        match &self.state {
            State::OutOfService => StateName::OutOfService,
            State::OnHook => StateName::OnHook,
            State::Dialling(dialling) if dialling.digits.is_empty() => StateName::DialTone,
            State::Dialling(_) => StateName::Collecting,
            State::Outgoing(outgoing) => outgoing.name(),
            State::Talking(talking) if talking.held => StateName::Held,
            State::Talking(_) => StateName::Talking,
            State::Ringing(_) => StateName::Ringing,
            State::Disconnecting(_) => StateName::Disconnecting,
            State::ReleaseTone(_) => StateName::ReleaseTone,
            State::Howler { .. } => StateName::Howler,
            State::LockedOut => StateName::LockedOut,
        }
    }

    /// Whether the port is on the hook and can ring.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::OnHook)
    }

    /// The configuration.
    pub fn config(&self) -> &FxsConfig {
        &self.config
    }

    /// How many inputs the state of the moment had no use for.
    pub fn unexpected(&self) -> u64 {
        self.io.unexpected
    }

    fn handle(&mut self, now: Instant, input: Input) {
        let before = self.state();
        let state = std::mem::replace(&mut self.state, State::OutOfService);
        self.state = self.next(now, state, input);
        let after = self.state();
        if before != after {
            tracing::debug!(%before, %after, "port state");
        }
    }

    /// What all states do alike, then the state's own.
    fn next(&mut self, now: Instant, state: State, input: Input) -> State {
        match (state, input) {
            (State::OutOfService, Input::Card(CardInput::OutOfService)) => State::OutOfService,
            (_, Input::Card(CardInput::OutOfService)) => self.out_of_service(),
            (state, Input::Card(CardInput::InService)) => self.in_service(&state),
            (state, Input::Call(CallRequest::Ring { caller, distinctive })) => match state {
                State::OnHook => self.ring(now, caller, distinctive),
                State::OutOfService => self.refuse(state, Cause::DESTINATION_OUT_OF_ORDER),
                state => self.refuse(state, Cause::USER_BUSY),
            },
            (
                State::Dialling(_)
                | State::Outgoing(_)
                | State::Talking(_)
                | State::ReleaseTone(_)
                | State::Howler { .. }
                | State::LockedOut,
                Input::Card(CardInput::Hook { off: false }),
            ) => self.hung_up(),
            (State::Dialling(dialling), input) => self.in_dialling(now, dialling, input),
            (State::Outgoing(outgoing), input) => self.in_outgoing(now, outgoing, input),
            (State::Talking(talking), input) => self.in_talking(now, talking, input),
            (State::Ringing(ringing), input) => self.in_ringing(now, ringing, input),
            (State::Disconnecting(state), input) => self.in_disconnecting(now, state, &input),
            (State::ReleaseTone(state), input) => self.in_release_tone(now, state, &input),
            (State::Howler { until }, input) => self.in_howler(now, until, &input),
            (State::OnHook, Input::Card(CardInput::Hook { off: true } | CardInput::RingTrip)) => {
                self.seize(now)
            }
            (state @ (State::OnHook | State::OutOfService | State::LockedOut), input) => {
                self.io.ignore(&input);
                state
            }
        }
    }

    fn out_of_service(&mut self) -> State {
        self.io.silence();
        self.io.detect(false);
        self.io.event(PortEvent::OutOfService);
        State::OutOfService
    }

    fn in_service(&mut self, before: &State) -> State {
        if !matches!(before, State::OutOfService) {
            // The card restarted between two frames: whatever was on the line is gone.
            self.out_of_service();
        }
        let flash = self.config.country.flash;
        self.io.card(CardAction::Linefeed(Linefeed::Forward));
        self.io.card(CardAction::Impedance(self.config.country.impedance));
        self.io.card(CardAction::FlashWindow { min_ms: flash.min_ms, max_ms: flash.max_ms });
        self.io.event(PortEvent::InService);
        State::OnHook
    }

    fn refuse(&mut self, state: State, cause: Cause) -> State {
        self.io.event(PortEvent::Refused { cause });
        state
    }

    fn hung_up(&mut self) -> State {
        self.io.silence();
        self.io.detect(false);
        self.io.event(PortEvent::HungUp);
        State::OnHook
    }
}

impl Wires {
    fn card(&mut self, action: CardAction) {
        self.outputs.push_back(Output::Card(action));
    }

    fn event(&mut self, event: PortEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn play(&mut self, tone: ToneName) {
        self.sounding = true;
        self.outputs.push_back(Output::PlayTone(tone));
    }

    fn send_caller_id(&mut self, scheme: CallerIdScheme, mut caller: Caller) {
        if caller.private {
            // What must not be shown does not leave the port.
            (caller.number, caller.name) = (None, None);
        }
        self.sounding = true;
        self.outputs.push_back(Output::SendCallerId { scheme, caller });
    }

    /// Stops whatever sounds.
    fn silence(&mut self) {
        if std::mem::take(&mut self.sounding) {
            self.outputs.push_back(Output::StopTone);
        }
    }

    fn detect(&mut self, on: bool) {
        if std::mem::replace(&mut self.detecting, on) != on {
            self.outputs.push_back(Output::DetectDigits(on));
        }
    }

    /// An input that the state has no use for.
    fn ignore(&mut self, input: &Input) {
        if matches!(input, Input::Media(MediaInput::DigitEnded { .. })) {
            // The end of a digit that was taken when it began.
            return;
        }
        self.unexpected += 1;
        tracing::trace!(?input, "ignored");
    }
}

impl Input {
    /// The digit that begins with this input.
    fn digit(&self) -> Option<Digit> {
        match self {
            Self::Media(MediaInput::DigitBegan(digit))
            | Self::Card(CardInput::PulseDigit(digit)) => Some(*digit),
            _ => None,
        }
    }
}

impl StateName {
    /// The name in lower case with hyphens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfService => "out-of-service",
            Self::OnHook => "on-hook",
            Self::DialTone => "dial-tone",
            Self::Collecting => "collecting",
            Self::Proceeding => "proceeding",
            Self::RemoteRinging => "remote-ringing",
            Self::EarlyMedia => "early-media",
            Self::Talking => "talking",
            Self::Held => "held",
            Self::Ringing => "ringing",
            Self::Disconnecting => "disconnecting",
            Self::ReleaseTone => "release-tone",
            Self::Howler => "howler",
            Self::LockedOut => "locked-out",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The state, and until when it lasts by itself: `collecting until 12.345`.
impl fmt::Display for FxsPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state())?;
        self.poll_timeout().map_or(Ok(()), |at| write!(f, " until {at}"))
    }
}

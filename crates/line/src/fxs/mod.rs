//! The FXS port: the exchange's end of one telephone line.

mod io;

use std::collections::VecDeque;

use tipring_core::Instant;

pub use io::{
    CallRequest, Caller, CardAction, CardInput, FxsConfig, Hotline, Linefeed, MediaInput, Output,
    PortEvent, Verdict,
};

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
    state: StateName,
    outputs: VecDeque<Output>,
}

impl FxsPort {
    /// A port whose card is not in service yet.
    pub fn new(config: FxsConfig) -> Self {
        Self { config, state: StateName::OutOfService, outputs: VecDeque::new() }
    }

    /// Something happened on the line.
    pub fn handle_card(&mut self, _now: Instant, _input: CardInput) {}

    /// Something was heard on the line.
    pub fn handle_media(&mut self, _now: Instant, _input: MediaInput) {}

    /// The call wants something.
    pub fn handle_call(&mut self, _now: Instant, _request: CallRequest) {}

    /// The answer to [`PortEvent::CheckNumber`] for `digits`. An answer for other digits than the present ones is
    /// taken as far as it still applies.
    pub fn handle_verdict(&mut self, _now: Instant, _digits: &str, _verdict: Verdict) {}

    /// Time has passed.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// The next thing to do; call until `None` after every `handle_…`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`FxsPort::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Which state the port is in.
    pub fn state(&self) -> StateName {
        self.state
    }

    /// Whether the port is on the hook and can ring.
    pub fn is_idle(&self) -> bool {
        self.state == StateName::OnHook
    }

    /// The configuration.
    pub fn config(&self) -> &FxsConfig {
        &self.config
    }
}

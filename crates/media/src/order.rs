//! Commands with their memory: what crosses to the media thread, and what comes back from it.

use tipring_core::{CardId, TerminationId};
use tipring_dsp::echo::Options;
use tipring_dsp::g711::Law;

use crate::control::Command;
use crate::drift::CardDrift;
use crate::echo_path::EchoPath;
use crate::rtp_stream::RtpStream;

/// A command whose memory is allocated.
#[expect(clippy::large_enum_variant, reason = "a boxed command would be freed on the media thread")]
pub(crate) enum Order {
    AddCardChannel {
        termination: TerminationId,
        card: CardId,
        channel: u8,
        law: Law,
        /// Resamplers, where the card's clock is not the engine's.
        drift: Option<Box<CardDrift>>,
        echo: Option<Box<EchoPath>>,
    },
    AddRtp {
        termination: TerminationId,
        stream: Box<RtpStream>,
    },
    Plain(Command),
}

/// What the media thread must not free.
pub(crate) enum Garbage {
    Stream(Box<RtpStream>),
    Drift(Box<CardDrift>),
    Echo(Box<EchoPath>),
    Samples(Box<[i16]>),
}

impl Garbage {
    /// Frees it.
    pub(crate) fn free(self) {
        match self {
            Self::Stream(stream) => drop(stream),
            Self::Drift(drift) => drop(drift),
            Self::Echo(echo) => drop(echo),
            Self::Samples(samples) => drop(samples),
        }
    }
}

impl Order {
    /// Allocates what `command` needs. `master` is the card whose clock is the engine's.
    pub(crate) fn prepare(command: Command, master: Option<CardId>) -> Self {
        match command {
            Command::AddCardChannel { termination, card, channel, law, echo } => {
                let drift = (master != Some(card)).then(|| Box::new(CardDrift::new()));
                let echo = echo.map(|tail| Box::new(EchoPath::new(tail, Options::default())));
                Self::AddCardChannel { termination, card, channel, law, drift, echo }
            }
            Command::AddRtp { termination, params } => {
                Self::AddRtp { termination, stream: Box::new(RtpStream::new(&params)) }
            }
            plain => Self::Plain(plain),
        }
    }
}

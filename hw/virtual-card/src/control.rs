//! The people at the phones and the mishaps of a card, in the words of the control socket.
//!
//! The shell reads and writes JSON and WAV files; what they mean is here. Ports are 1-based.

use std::fmt;
use std::sync::Arc;

use tipring_hw_models::{Dialling, PhoneError, PhoneEvent};

use crate::VirtualCard;

/// What somebody asks of the simulated world.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlRequest {
    /// `offhook`: lift the receiver.
    OffHook {
        /// The port.
        port: u8,
    },
    /// `onhook`: put it down.
    OnHook {
        /// The port.
        port: u8,
    },
    /// `flash {ms}`: break the loop.
    Flash {
        /// The port.
        port: u8,
        /// How long, 1 to 10 000 ms.
        ms: u32,
    },
    /// `dial {digits, method, on_ms, off_ms}`.
    Dial {
        /// The port.
        port: u8,
        /// 0–9, `,` for a pause of 2 s; with DTMF `*`, `#`, A–D too.
        digits: String,
        /// Keys or rotary dial.
        method: DialMethod,
        /// DTMF: tone; pulse: loop closed (make). `None`: 100 ms; 40 ms.
        on_ms: Option<f64>,
        /// DTMF: pause; pulse: loop open (break). `None`: 100 ms; 60 ms.
        off_ms: Option<f64>,
    },
    /// `play {wav, loop}`: speak, with the file read and made 8 kHz linear.
    Play {
        /// The port.
        port: u8,
        /// 8 kHz linear samples.
        samples: Arc<[i16]>,
        /// Again and again.
        looped: bool,
    },
    /// `record {wav}`: keep what is heard; [`ControlAnswer::Recording`] comes with `stop`.
    Record {
        /// The port.
        port: u8,
    },
    /// `stop`: stop speaking and recording.
    Stop {
        /// The port.
        port: u8,
    },
    /// `unplug`: the cable is pulled; the card has no power.
    Unplug,
    /// `plug`: it is plugged in again and boots.
    Plug,
    /// `hang`: the firmware stops dead until `reset` or `unplug`.
    Hang,
    /// `reset`: the firmware restarts.
    Reset,
    /// `corrupt {ber}`: damage both directions of the byte stream.
    Corrupt {
        /// Chance of damage per bit, 0 to 1; 0 heals the line.
        ber: f64,
    },
    /// `drift {ppm}`: detune the card's crystal.
    Drift {
        /// Fast is positive, −1000 to 1000.
        ppm: f64,
    },
}

/// How to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialMethod {
    /// `dtmf`
    Dtmf,
    /// `pulse`
    Pulse,
}

/// A request was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlAnswer {
    /// Nothing more to say.
    Done,
    /// What was heard since `record`, 8 kHz linear.
    Recording(Vec<i16>),
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// The card has no such port.
    NoSuchPort(u8),
    /// The phone cannot.
    Phone(PhoneError),
    /// A number outside its range.
    OutOfRange(&'static str),
    /// The card is not plugged in.
    Unplugged,
}

/// Something that happened in the simulated world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldEvent {
    /// Card time, ms.
    pub t_ms: u64,
    /// What.
    pub happening: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// At a phone: `ring`, `caller_id`, `mwi`, `polarity`, `loop`, `tone`, `digit`.
    Phone {
        /// The port.
        port: u8,
        /// What the person there noticed.
        event: PhoneEvent,
    },
    /// `host {connected}`: a host has begun a session with the card, or the session has ended.
    Host {
        /// A session runs.
        connected: bool,
    },
}

impl Happening {
    /// The name of the control socket.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Phone { event, .. } => match event {
                PhoneEvent::Ring { .. } => "ring",
                PhoneEvent::CallerId(_) => "caller_id",
                PhoneEvent::MessageWaiting { .. } => "mwi",
                PhoneEvent::Polarity { .. } => "polarity",
                PhoneEvent::Loop { .. } => "loop",
                PhoneEvent::Tone { .. } => "tone",
                PhoneEvent::Digit(_) => "digit",
            },
            Self::Host { .. } => "host",
        }
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPort(port) => write!(f, "the card has no port {port}"),
            Self::Phone(error) => error.fmt(f),
            Self::OutOfRange(what) => write!(f, "{what}"),
            Self::Unplugged => f.write_str("the card is not plugged in"),
        }
    }
}

impl std::error::Error for ControlError {}

impl From<PhoneError> for ControlError {
    fn from(error: PhoneError) -> Self {
        Self::Phone(error)
    }
}

impl VirtualCard {
    /// Does what a line of the control socket asks.
    pub fn control(&mut self, request: ControlRequest) -> Result<ControlAnswer, ControlError> {
        match request {
            ControlRequest::OffHook { port } => self.at(port)?.off_hook(),
            ControlRequest::OnHook { port } => self.at(port)?.on_hook(),
            ControlRequest::Flash { port, ms } => self.at(port)?.flash(ms)?,
            ControlRequest::Dial { port, digits, method, on_ms, off_ms } => {
                let how = dialling(method, on_ms, off_ms)?;
                self.at(port)?.dial(&digits, how)?;
            }
            ControlRequest::Play { port, samples, looped } => {
                self.at(port)?.play(samples, looped);
            }
            ControlRequest::Record { port } => self.at(port)?.record(),
            ControlRequest::Stop { port } => {
                let phone = self.at(port)?;
                phone.stop_playing();
                if let Some(samples) = phone.stop_recording() {
                    return Ok(ControlAnswer::Recording(samples));
                }
            }
            ControlRequest::Unplug => self.unplug(),
            ControlRequest::Plug => self.plug(),
            ControlRequest::Hang if !self.is_plugged() => return Err(ControlError::Unplugged),
            ControlRequest::Hang => self.hang(),
            ControlRequest::Reset if !self.is_plugged() => return Err(ControlError::Unplugged),
            ControlRequest::Reset => self.reset(),
            ControlRequest::Corrupt { ber } => {
                if !(0.0..=1.0).contains(&ber) {
                    return Err(ControlError::OutOfRange("ber must be 0 to 1"));
                }
                self.corrupt(ber);
            }
            ControlRequest::Drift { ppm } => {
                if !(-1000.0..=1000.0).contains(&ppm) {
                    return Err(ControlError::OutOfRange("ppm must be -1000 to 1000"));
                }
                self.drift(ppm);
            }
        }
        Ok(ControlAnswer::Done)
    }

    fn at(&mut self, port: u8) -> Result<&mut tipring_hw_models::PhoneSet, ControlError> {
        self.phone(port).ok_or(ControlError::NoSuchPort(port))
    }
}

fn dialling(
    method: DialMethod,
    on_ms: Option<f64>,
    off_ms: Option<f64>,
) -> Result<Dialling, ControlError> {
    let micros = |ms: Option<f64>, default: f64| {
        let ms = ms.unwrap_or(default);
        if (1.0..=10_000.0).contains(&ms) {
            Ok((ms * 1000.0) as u32)
        } else {
            Err(ControlError::OutOfRange("on_ms and off_ms must be 1 to 10000"))
        }
    };
    Ok(match method {
        DialMethod::Dtmf => {
            Dialling::Dtmf { on_us: micros(on_ms, 100.0)?, off_us: micros(off_ms, 100.0)? }
        }
        DialMethod::Pulse => Dialling::Pulse {
            make_us: micros(on_ms, 40.0)?,
            break_us: micros(off_ms, 60.0)?,
            pause_us: 800_000,
        },
    })
}

//! A termination: what it takes in from outside, and what it gives out.
//!
//! ```text
//!  outside ─► card octets / jitter buffer ─► concealer ─► echo canceller (cards) ─► gain ─► DTMF detector, muting
//!          ─► Frame ─► context
//!  context ─► Frame ─► gain ─► digit in its place ─► samples in its place ─► tone on top ─► encode ─► outside
//! ```

use tipring_core::{ContextId, Instant, TerminationId};
use tipring_dsp::dtmf::{self, Detector, Digit, Generator};
use tipring_dsp::g711::Law;
use tipring_dsp::level::Gain;
use tipring_dsp::plc::Concealer;
use tipring_dsp::tone::Player;
use tipring_rtp::CLOCK_KHZ;

use crate::block::BLOCK_SAMPLES;
use crate::control::{DigitSource, Direction, Event, MAX_DIGITS};
use crate::drift::CardDrift;
use crate::echo_path::EchoPath;
use crate::fifo::Fifo;
use crate::frame::Frame;
use crate::jitter::Taken;
use crate::order::Garbage;
use crate::outbox::Outbox;
use crate::rtp_stream::RtpStream;

/// Pause after a digit sent as sound, in samples: 60 ms.
const DIGIT_PAUSE: u32 = 60 * CLOCK_KHZ;

/// Ticks in which an echo comes back at the latest: 100 ms, to the card and back and what the wires add.
const ECHO: u32 = 20;

/// Ticks after which a card channel without blocks is silent instead of concealed: 60 ms.
const FADED: u32 = 12;

pub(crate) struct Termination {
    pub(crate) id: TerminationId,
    pub(crate) direction: Direction,
    pub(crate) receive_gain: Gain,
    pub(crate) send_gain: Gain,
    pub(crate) context: Option<ContextId>,
    pub(crate) outside: Outside,
    pub(crate) detection: Option<Detection>,
    pub(crate) digits: Fifo<(Digit, u16), MAX_DIGITS>,
    pub(crate) tone: Player,
    pub(crate) burst: Option<Burst>,
    concealer: Concealer,
    /// Ticks since the latest audio.
    without: u32,
    generator: Generator,
    /// The digit that the generator sends or sent.
    generated: Option<Digit>,
}

/// What the termination ends.
pub(crate) enum Outside {
    Card(CardChannel),
    Rtp(Box<RtpStream>),
}

pub(crate) struct CardChannel {
    pub(crate) card: u8,
    pub(crate) channel: u8,
    pub(crate) law: Law,
    /// Where the card's clock is not the engine's.
    pub(crate) drift: Option<Box<CardDrift>>,
    /// Where its echo is cancelled.
    pub(crate) echo: Option<Box<EchoPath>>,
}

/// Samples being played.
pub(crate) struct Burst {
    pub(crate) samples: Box<[i16]>,
    pub(crate) at: usize,
}

/// Digits as sound, being listened for.
pub(crate) struct Detection {
    pub(crate) detector: Detector,
    pub(crate) mute: bool,
    sounding: Option<Digit>,
    /// The digit given to the telephone last, and ticks for which it may still come back from the hybrid.
    given: Option<Digit>,
    echo: u32,
}

impl Detection {
    pub(crate) fn new(mute: bool) -> Self {
        Self { detector: Detector::new(), mute, sounding: None, given: None, echo: 0 }
    }
}

impl Termination {
    pub(crate) fn new(id: TerminationId, outside: Outside) -> Self {
        Self {
            id,
            direction: Direction::BOTH,
            receive_gain: Gain::UNITY,
            send_gain: Gain::UNITY,
            context: None,
            outside,
            detection: None,
            digits: Fifo::new(),
            tone: Player::new(),
            burst: None,
            concealer: Concealer::new(),
            without: FADED,
            generator: Generator::new(),
            generated: None,
        }
    }

    /// Takes this tick's audio from outside. `block` is a pacing card's channel.
    pub(crate) fn ingress(
        &mut self,
        block: Option<&[u8; BLOCK_SAMPLES]>,
        frame: &mut Frame,
        out: &mut Outbox,
    ) {
        (frame.digit, frame.dtmf) = (None, None);
        let mut key = None;
        let mut octets = [0; BLOCK_SAMPLES];
        let taken = match &mut self.outside {
            Outside::Card(CardChannel { drift: Some(drift), .. }) => {
                frame.set_linear(|linear| linear.fill(0));
                if drift.up.pull(&mut frame.linear) { None } else { Some(Taken::Missing) }
            }
            Outside::Card(CardChannel { law, .. }) => Some(match block {
                Some(block) => {
                    octets = *block;
                    Taken::Audio(*law)
                }
                None => Taken::Missing,
            }),
            Outside::Rtp(stream) => {
                let taken = stream.receiver.take(&mut octets);
                key = stream.receiver.tone.digit();
                frame.digit = stream.receiver.tone.process();
                Some(taken)
            }
        };
        self.without =
            if matches!(taken, None | Some(Taken::Audio(_))) { 0 } else { self.without + 1 };
        match taken {
            None => self.concealer.good(&mut frame.linear),
            Some(Taken::Audio(law)) => {
                frame.set_octets(law, &octets);
                frame.touch(|linear| self.concealer.good(linear));
            }
            Some(Taken::Missing) if self.without <= FADED || self.is_rtp() => {
                frame.set_linear(|linear| self.concealer.conceal(linear));
            }
            Some(Taken::Missing | Taken::Pause) => {
                frame.mute();
                if self.without <= FADED {
                    frame.touch(|linear| self.concealer.good(linear));
                }
            }
        }
        if let (Outside::Card(CardChannel { echo: Some(echo), .. }), true) =
            (&mut self.outside, self.context.is_some())
        {
            frame.touch(|linear| echo.cancel(linear));
        }
        if !self.direction.receive {
            *frame = Frame::SILENCE;
        }
        if self.receive_gain != Gain::UNITY {
            frame.touch(|linear| self.receive_gain.apply(linear));
        }
        self.detect(frame, out);
        if frame.digit.is_some() {
            frame.dtmf = frame.dtmf.or(key);
        }
    }

    /// Gives this tick's audio to the outside. `frame` is what the context says; `card` is where a pacing card's
    /// octets go.
    pub(crate) fn egress(
        &mut self,
        now: Instant,
        frame: &mut Frame,
        card: Option<&mut [u8; BLOCK_SAMPLES]>,
        out: &mut Outbox,
    ) {
        if self.send_gain != Gain::UNITY {
            frame.touch(|linear| self.send_gain.apply(linear));
        }
        if !self.direction.send {
            frame.mute();
        }
        self.send_digit(frame);
        if let (Some(digit), Some(detection)) = (frame.dtmf, &mut self.detection) {
            (detection.given, detection.echo) = (Some(digit), ECHO);
        }
        self.play_burst(frame, out);
        if self.tone.is_playing() {
            frame.set_linear(|linear| {
                self.tone.mix(linear);
            });
        }
        let mut octets = [0; BLOCK_SAMPLES];
        match &mut self.outside {
            Outside::Card(CardChannel { law, drift, echo, .. }) => {
                if card.is_some() || echo.is_some() {
                    frame.encode(*law, &mut octets);
                }
                if let Some(echo) = echo {
                    // As the telephone hears it: what coding adds comes back with the echo.
                    echo.said(*law, &octets);
                }
                match (drift, card) {
                    (Some(drift), _) => drift.down.push(&frame.linear),
                    (None, Some(card)) => *card = octets,
                    (None, None) => {}
                }
            }
            Outside::Rtp(stream) if self.direction.send => {
                frame.encode(stream.sender.format.law, &mut octets);
                stream.sender.push(now, self.id, &octets, &mut self.digits, out);
            }
            Outside::Rtp(stream) => {
                stream.sender.skip();
                self.digits.clear();
            }
        }
    }

    pub(crate) fn is_rtp(&self) -> bool {
        matches!(self.outside, Outside::Rtp(_))
    }

    /// Ends a burst, whose samples go back.
    pub(crate) fn end_burst(&mut self, out: &mut Outbox) {
        if let Some(burst) = self.burst.take() {
            match out.discard(Garbage::Samples(burst.samples)) {
                Ok(()) => out.event(Event::BurstDone { termination: self.id }),
                // The ring is full: still done, still ours; the next tick tries again.
                Err(Garbage::Samples(samples)) => {
                    let at = samples.len();
                    self.burst = Some(Burst { samples, at });
                }
                Err(other) => out.retire(other),
            }
        }
    }

    fn detect(&mut self, frame: &mut Frame, out: &mut Outbox) {
        let deaf = match &self.outside {
            Outside::Rtp(stream) => stream.receiver.sends_events,
            Outside::Card(_) => false,
        };
        let Some(detection) = &mut self.detection else { return };
        let (termination, source) = (self.id, DigitSource::InBand);
        if deaf {
            if let Some(digit) = detection.sounding.take() {
                out.event(Event::DigitEnded { termination, digit, ms: 0, source });
            }
            return;
        }
        let sounding = &mut detection.sounding;
        // No telephone separates its wires so well that a digit given to it does not come back: that is no key. Another
        // digit is one, also while the given one still sounds.
        let echo = detection.given.filter(|_| detection.echo > 0);
        detection.echo = detection.echo.saturating_sub(1);
        detection.detector.process(&frame.linear, |event| match event {
            dtmf::Event::Began { digit, .. } if Some(digit) == echo => {}
            dtmf::Event::Began { digit, .. } => {
                *sounding = Some(digit);
                out.event(Event::DigitBegan { termination, digit, source });
            }
            dtmf::Event::Ended { digit, .. } if *sounding != Some(digit) => {}
            dtmf::Event::Ended { digit, samples, .. } => {
                *sounding = None;
                let ms = samples / CLOCK_KHZ;
                out.event(Event::DigitEnded { termination, digit, ms, source });
            }
        });
        frame.dtmf = detection.sounding;
        if detection.mute && (detection.sounding.is_some() || detection.detector.suspects()) {
            frame.mute();
        }
    }

    /// A digit as sound, in place of what the context says.
    fn send_digit(&mut self, frame: &mut Frame) {
        let as_event = match &self.outside {
            Outside::Rtp(stream) => stream.sender.format.send.telephone_event.is_some(),
            Outside::Card(_) => false,
        };
        if !self.generator.is_sending()
            && !as_event
            && let Some((digit, ms)) = self.digits.pop()
        {
            let samples = u32::from(ms.max(tipring_rtp::event::MIN_MS)) * CLOCK_KHZ;
            self.generator.start(digit, samples, DIGIT_PAUSE);
            self.generated = Some(digit);
        }
        if self.generator.is_sending() {
            frame.set_linear(|linear| {
                self.generator.process(linear);
            });
            frame.dtmf = self.generated;
        }
    }

    fn play_burst(&mut self, frame: &mut Frame, out: &mut Outbox) {
        let Some(burst) = &mut self.burst else { return };
        let left = burst.samples.get(burst.at..).unwrap_or_default();
        let n = left.len().min(BLOCK_SAMPLES);
        let ends = left.len() <= BLOCK_SAMPLES;
        frame.set_linear(|linear| {
            linear[..n].copy_from_slice(&left[..n]);
            linear[n..].fill(0);
        });
        burst.at += n;
        if ends {
            self.end_burst(out);
        }
    }
}

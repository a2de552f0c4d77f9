//! RTP payload types and what they stand for.
//!
//! The rules where descriptions are at odds with themselves:
//!
//! - A number that an `m=` line names twice counts once, where it stands first.
//! - The first readable `a=rtpmap` of a number counts, and the first `a=fmtp`. Those of a number that the `m=` line does
//!   not name are dropped.
//! - A dynamic number without `a=rtpmap` stands for nothing, but in an answer for what we offered under it.
//! - A static number whose `a=rtpmap` contradicts RFC 3551 §6 stands for nothing: some peers go by the one, some by the
//!   other, and a guess is noise in an ear. `G722/16000` at 9 does not contradict: everybody means 8000.
//! - A codec that has two numbers is sent under the one that is named first.

use crate::codec::Codec;
use crate::encoding::{self, Encoding};
use crate::event::Events;
use crate::print::Page;
use crate::text::{self, Text};

/// An RTP payload type and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// 0 to 127.
    pub number: u8,
    /// `a=rtpmap`; missing for most static types.
    pub map: Option<RtpMap>,
    /// `a=fmtp`, as it was written.
    pub fmtp: Option<Text>,
}

/// `a=rtpmap`: the encoding that a payload type stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The encoding's name.
    pub encoding: Encoding,
    /// The clock rate in hertz; never 0.
    pub clock_hz: u32,
    /// Channels; 1 unless written.
    pub channels: u8,
}

impl Payload {
    /// A number that nothing is said of.
    pub const fn new(number: u8) -> Self {
        Self { number, map: None, fmtp: None }
    }

    /// `codec` under `number`, as our descriptions say it.
    pub(crate) fn of(codec: Codec, number: u8) -> Self {
        let (encoding, clock_hz, channels) = (codec.encoding(), codec.clock_hz(), codec.channels());
        Self {
            number,
            map: Some(RtpMap { encoding, clock_hz, channels }),
            fmtp: codec.parameters().map(Into::into),
        }
    }

    /// Telephone-events at a clock: the digits and the hook flash.
    pub(crate) fn events_at(clock_hz: u32, number: u8) -> Self {
        Self {
            number,
            map: Some(RtpMap { encoding: Encoding::TelephoneEvent, clock_hz, channels: 1 }),
            fmtp: Some("0-16".into()),
        }
    }

    /// Comfort noise at a clock.
    pub(crate) fn noise_at(clock_hz: u32, number: u8) -> Self {
        let map = RtpMap { encoding: Encoding::ComfortNoise, clock_hz, channels: 1 };
        Self { number, map: Some(map), fmtp: None }
    }

    /// What it stands for: its `a=rtpmap`, else the static table of RFC 3551 §6; `None` where it has neither, or
    /// where the one contradicts the other.
    pub fn meaning(&self) -> Option<RtpMap> {
        let Some((encoding, clock_hz, channels)) = encoding::static_type(self.number) else {
            return self.map.clone();
        };
        let fixed = RtpMap { encoding, clock_hz, channels };
        let agrees = |map: &RtpMap| {
            let clock = map.clock_hz == fixed.clock_hz
                || (map.encoding == Encoding::G722 && map.clock_hz == 16_000);
            map.encoding == fixed.encoding && map.channels == fixed.channels && clock
        };
        self.map.as_ref().is_none_or(agrees).then_some(fixed)
    }

    /// The codec it is.
    pub fn codec(&self) -> Option<Codec> {
        self.meaning()?.codec()
    }

    /// The clock of the telephone-events that it carries, in hertz; `None` where it is something else.
    pub fn event_clock_hz(&self) -> Option<u32> {
        self.clock_of(&Encoding::TelephoneEvent)
    }

    /// The clock of the comfort noise that it carries, in hertz; `None` where it is something else.
    pub fn noise_clock_hz(&self) -> Option<u32> {
        self.clock_of(&Encoding::ComfortNoise)
    }

    fn clock_of(&self, encoding: &Encoding) -> Option<u32> {
        let map = self.meaning()?;
        (map.encoding == *encoding && map.channels == 1).then_some(map.clock_hz)
    }

    /// The telephone-events that its maker takes: the sixteen keys where it says nothing readable.
    pub fn events(&self) -> Events {
        match self.fmtp.as_ref().map(Text::as_bytes) {
            // What nearly all write.
            None | Some(b"0-15") => Events::DTMF,
            Some(b"0-16") => Events::DTMF_AND_FLASH,
            Some(other) => Events::parse(text::piece(other)).unwrap_or(Events::DTMF),
        }
    }

    /// The value of a parameter of its `a=fmtp`, which has the form `name=value;name=value`; names are compared without
    /// regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.fmtp.as_deref()?.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.trim_ascii().eq_ignore_ascii_case(name).then(|| value.trim_ascii())
        })
    }

    pub(crate) fn print(&self, page: &mut Page) {
        if let Some(map) = &self.map {
            page.text("a=rtpmap:");
            page.number(self.number.into());
            page.text(" ");
            page.text(map.encoding.name());
            page.text("/");
            page.number(map.clock_hz.into());
            if map.channels != 1 {
                page.text("/");
                page.number(map.channels.into());
            }
            page.end();
        }
        if let Some(fmtp) = &self.fmtp {
            page.text("a=fmtp:");
            page.number(self.number.into());
            page.text(" ");
            page.kept(fmtp);
            page.end();
        }
    }
}

impl RtpMap {
    /// The codec that has this clock and so many channels.
    pub(crate) fn codec(&self) -> Option<Codec> {
        let codec = Codec::of(&self.encoding)?;
        (self.clock_hz == codec.clock_hz() && self.channels == codec.channels()).then_some(codec)
    }

    /// `PCMU/8000/1`. What stands behind a space, as in `PCMU/8000 V`, is not of it.
    #[inline]
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        // What nine of ten descriptions hold, as they write it.
        let encoding = match value {
            b"PCMU/8000" => Encoding::Pcmu,
            b"PCMA/8000" => Encoding::Pcma,
            b"G722/8000" => Encoding::G722,
            b"G729/8000" => Encoding::G729,
            b"telephone-event/8000" => Encoding::TelephoneEvent,
            _ => return Self::read(value),
        };
        Some(Self { encoding, clock_hz: 8_000, channels: 1 })
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (name, rest) = text::split_once(value, b'/')?;
        let encoding = Encoding::parse(text::piece(name.trim_ascii()))?;
        let (clock_hz, rest) = text::number(rest.trim_ascii_start())?;
        let channels = match rest.first() {
            None => 1,
            Some(b'/') => text::number(&rest[1..]).map_or(1, |(n, _)| n.try_into().unwrap_or(1)),
            Some(other) if other.is_ascii_whitespace() => 1,
            Some(_) => return None,
        };
        (clock_hz > 0).then(|| Self { encoding, clock_hz, channels: channels.max(1) })
    }
}

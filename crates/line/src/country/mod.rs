//! What differs between countries, as plain data.
//!
//! Tones after ITU-T E.180 and its Supplement 2, and the national interface descriptions that each file names.
//! A tone here is frequencies, levels and times; turning it into samples is `dsp`'s work, asking for it by
//! [`ToneName`] is the port's.

mod de;
mod fr;
mod jp;
mod uk;
mod us;

use std::fmt;

/// One country's telephone network, as a telephone meets it.
#[derive(Debug, PartialEq)]
pub struct Country {
    /// The code that the configuration uses: ISO 3166-1 alpha-2 in lower case, but `uk`.
    pub code: &'static str,
    /// Its English name.
    pub name: &'static str,
    /// The G.711 law of its digital network.
    pub law: Law,
    /// The impedance that the port terminates the line with.
    pub impedance: Impedance,
    /// Tones.
    pub tones: TonePlan,
    /// Ringing.
    pub ring: RingPlan,
    /// Caller-ID delivery to an on-hook telephone.
    pub caller_id: CallerIdPlan,
    /// Which loop interruptions are a hook flash.
    pub flash: FlashWindow,
    /// Loop interruption that tells a telephone (or an answering machine) that the far end has cleared, in ms.
    pub disconnect_ms: u16,
}

/// A G.711 companding law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// µ-law.
    Mu,
    /// A-law.
    A,
}

/// A line impedance that a SLIC can synthesise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impedance {
    /// 600 Ω.
    R600,
    /// 270 Ω + (750 Ω ∥ 150 nF): ETSI ES 203 021 (TBR 21).
    Tbr21,
    /// 370 Ω + (620 Ω ∥ 310 nF): BT SIN 351.
    Uk,
    /// 220 Ω + (820 Ω ∥ 115 nF): Germany.
    De,
    /// 600 Ω + 1 µF: Japan.
    R600C1000,
}

/// A tone that the port asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToneName {
    /// Dial, please.
    Dial,
    /// Dial tone with something to notice: recall after a flash, messages waiting.
    StutterDial,
    /// The called telephone rings.
    Ringback,
    /// The called user is busy.
    Busy,
    /// No path through the network, or the far end has cleared ("reorder").
    Congestion,
    /// The number leads nowhere; a special information tone where the country uses one.
    NumberUnobtainable,
    /// Another call waits.
    CallWaiting,
    /// The receiver has been left off the hook.
    Howler,
    /// Dual tone alerting signal before caller ID, 2130 + 2750 Hz (ETSI EN 300 659-1 DT-AS).
    DualToneAlert,
}

impl ToneName {
    /// Every tone.
    pub const ALL: [Self; 9] = [
        Self::Dial,
        Self::StutterDial,
        Self::Ringback,
        Self::Busy,
        Self::Congestion,
        Self::NumberUnobtainable,
        Self::CallWaiting,
        Self::Howler,
        Self::DualToneAlert,
    ];

    /// The name in lower case with hyphens, as logs and the control socket show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::StutterDial => "stutter-dial",
            Self::Ringback => "ringback",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::NumberUnobtainable => "number-unobtainable",
            Self::CallWaiting => "call-waiting",
            Self::Howler => "howler",
            Self::DualToneAlert => "dual-tone-alert",
        }
    }
}

impl fmt::Display for ToneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The tones of a country.
#[derive(Debug, PartialEq)]
pub struct TonePlan {
    /// See [`ToneName::Dial`].
    pub dial: ToneSpec,
    /// See [`ToneName::StutterDial`].
    pub stutter_dial: ToneSpec,
    /// See [`ToneName::Ringback`].
    pub ringback: ToneSpec,
    /// See [`ToneName::Busy`].
    pub busy: ToneSpec,
    /// See [`ToneName::Congestion`].
    pub congestion: ToneSpec,
    /// See [`ToneName::NumberUnobtainable`].
    pub number_unobtainable: ToneSpec,
    /// See [`ToneName::CallWaiting`].
    pub call_waiting: ToneSpec,
    /// See [`ToneName::Howler`].
    pub howler: ToneSpec,
}

/// A tone: segments played in order, then again from one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToneSpec {
    /// 1 to [`ToneSpec::MAX_SEGMENTS`] segments.
    pub segments: &'static [Segment],
    /// The segment to go on with after the last; `None`: silence.
    pub repeat_from: Option<u8>,
}

impl ToneSpec {
    /// The most segments a tone may have.
    pub const MAX_SEGMENTS: usize = 16;
}

/// A stretch of a tone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// What sounds; `None` is silence.
    pub signal: Option<Signal>,
    /// How long, in ms; [`Segment::FOREVER`] for a tone without cadence.
    pub ms: u32,
}

impl Segment {
    /// The length of a segment that does not end. Ask for it before any arithmetic.
    pub const FOREVER: u32 = u32::MAX;
}

/// Frequencies that sound together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// 1 to 4 components.
    pub components: &'static [Component],
    /// Amplitude modulation of the whole.
    pub modulation: Option<Modulation>,
}

/// One frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// In Hz, 200 to 3400.
    pub hz: f32,
    /// In dBm0, of this component alone.
    pub level_dbm0: f32,
}

/// Amplitude modulation by a sine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modulation {
    /// In Hz.
    pub hz: f32,
    /// 0 to 100.
    pub depth_percent: f32,
}

/// How a telephone is rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RingPlan {
    /// In Hz.
    pub frequency_hz: u8,
    /// The cadence, repeated until stopped.
    pub cadence: RingCadence,
}

/// Bursts of ringing and the silences after them, repeated from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingCadence(pub &'static [RingBurst]);

/// One burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingBurst {
    /// Ringing, in ms.
    pub on_ms: u16,
    /// Silence after it, in ms.
    pub off_ms: u16,
}

/// The modem that carries caller ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdScheme {
    /// Telcordia GR-30: Bell 202, 1200/2200 Hz.
    Bell202,
    /// ETSI EN 300 659 and NTT: V.23, 1300/2100 Hz.
    V23,
}

/// How caller ID reaches a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerIdPlan {
    /// The modem.
    pub scheme: CallerIdScheme,
    /// When.
    pub timing: CallerIdTiming,
}

/// When caller ID is sent to an on-hook telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerIdTiming {
    /// In the first long silence of the ring cadence.
    AfterFirstRing {
        /// Silence between the end of the first burst and the data, in ms.
        delay_ms: u16,
    },
    /// Before the first ring.
    BeforeRing {
        /// Reverse the line first.
        reversal: bool,
        /// Time between the reversal (or the on-hook transmission state) and what follows, in ms.
        settle_ms: u16,
        /// Send DT-AS for this long, in ms, and wait as long as `guard_ms` after it; 0 for none.
        alert_ms: u16,
        /// Silence after DT-AS and after the data, in ms.
        guard_ms: u16,
    },
}

/// Loop interruptions of `min_ms` to `max_ms` are a hook flash; longer ones are on-hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashWindow {
    /// In ms.
    pub min_ms: u16,
    /// In ms.
    pub max_ms: u16,
}

/// A country code that is not in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCountry(String);

impl Country {
    /// Every country known, by code.
    pub const ALL: [&'static Self; 5] = [&de::DE, &fr::FR, &jp::JP, &uk::UK, &us::US];

    /// The country of `code`; upper case is taken, and `gb` for `uk`.
    pub fn find(code: &str) -> Result<&'static Self, UnknownCountry> {
        let wanted = if code.eq_ignore_ascii_case("gb") { "uk" } else { code };
        Self::ALL
            .into_iter()
            .find(|country| country.code.eq_ignore_ascii_case(wanted))
            .ok_or_else(|| UnknownCountry(code.chars().take(32).collect()))
    }

    /// What `name` sounds like here.
    pub const fn tone(&self, name: ToneName) -> ToneSpec {
        match name {
            ToneName::Dial => self.tones.dial,
            ToneName::StutterDial => self.tones.stutter_dial,
            ToneName::Ringback => self.tones.ringback,
            ToneName::Busy => self.tones.busy,
            ToneName::Congestion => self.tones.congestion,
            ToneName::NumberUnobtainable => self.tones.number_unobtainable,
            ToneName::CallWaiting => self.tones.call_waiting,
            ToneName::Howler => self.tones.howler,
            ToneName::DualToneAlert => DUAL_TONE_ALERT,
        }
    }
}

impl fmt::Display for UnknownCountry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "country `{}` is not known; known are", self.0.escape_default())?;
        Country::ALL.iter().enumerate().try_for_each(|(at, country)| {
            write!(f, "{} {}", if at == 0 { "" } else { "," }, country.code)
        })
    }
}

impl std::error::Error for UnknownCountry {}

/// ETSI EN 300 659-1 §6.1.1; the length is the caller-ID plan's (88 to 110 ms).
const DUAL_TONE_ALERT: ToneSpec =
    ToneSpec { segments: &[on(&[at(2130.0, -12.0), at(2750.0, -12.0)], 100)], repeat_from: None };

/// The international special information tone, ITU-T E.180 §9: 950, 1400, 1800 Hz, 330 ms each, 1 s apart.
const fn special_information(
    low: &'static [Component],
    mid: &'static [Component],
    high: &'static [Component],
) -> [Segment; 4] {
    [on(low, 330), on(mid, 330), on(high, 330), off(1000)]
}

const fn at(hz: f32, level_dbm0: f32) -> Component {
    Component { hz, level_dbm0 }
}

const fn on(components: &'static [Component], ms: u32) -> Segment {
    Segment { signal: Some(Signal { components, modulation: None }), ms }
}

const fn off(ms: u32) -> Segment {
    Segment { signal: None, ms }
}

/// A cadence that repeats from its start.
const fn repeat(segments: &'static [Segment]) -> ToneSpec {
    ToneSpec { segments, repeat_from: Some(0) }
}

/// A cadence that goes on from segment `from`.
const fn repeat_from(segments: &'static [Segment], from: u8) -> ToneSpec {
    ToneSpec { segments, repeat_from: Some(from) }
}

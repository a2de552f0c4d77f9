//! What goes into and comes out of an [`FxsPort`](super::FxsPort).

use tipring_core::{Cause, Duration, Number};

use crate::country::{CallerIdScheme, Country, Impedance, RingCadence, ToneName};
use crate::digit::Digit;

/// How a port behaves; everything has the default of [`FxsConfig::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct FxsConfig {
    /// Tones, ringing, caller ID, flash window.
    pub country: &'static Country,
    /// Whether a hook flash during a call is told as [`PortEvent::Flash`]; it holds otherwise.
    pub relay_flash: bool,
    /// Whether going off-hook dials by itself.
    pub hotline: Hotline,
    /// First-digit timer: dial tone without a digit (F13: 10 to 15 s is usual; 16 s as Asterisk and this contract).
    pub first_digit: Duration,
    /// Inter-digit timer while the number cannot be reached yet, 8 s.
    pub next_digit: Duration,
    /// Timer after a number that could be longer, 3 s.
    pub after_match: Duration,
    /// Open loop when the far end clears, in ms; 0 for none; the country's by default.
    pub disconnect_ms: u16,
    /// How long busy, congestion or number-unobtainable tone sounds before the howler, 30 s.
    pub release_tone: Duration,
    /// How long the howler sounds before lock-out, 60 s.
    pub howler: Duration,
    /// Whether unallocated numbers get [`ToneName::NumberUnobtainable`]; congestion otherwise.
    pub special_information: bool,
    /// Whether caller ID is sent at all.
    pub caller_id: bool,
}

/// Dialling without being dialled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hotline {
    /// Ordinary dialling.
    Off,
    /// Off-hook calls this number at once.
    Immediate(Number),
    /// Off-hook calls this number unless a digit is dialled within `after`.
    Warm {
        /// Who is called.
        number: Number,
        /// How long the caller has to dial something else.
        after: Duration,
    },
}

impl FxsConfig {
    /// The defaults for `country`.
    pub const fn new(country: &'static Country) -> Self {
        Self {
            country,
            relay_flash: false,
            hotline: Hotline::Off,
            first_digit: Duration::from_secs(16),
            next_digit: Duration::from_secs(8),
            after_match: Duration::from_secs(3),
            disconnect_ms: country.disconnect_ms,
            release_tone: Duration::from_secs(30),
            howler: Duration::from_secs(60),
            special_information: true,
            caller_id: true,
        }
    }
}

/// What the card reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardInput {
    /// The card can be used. The hook is taken for on-hook until it reports otherwise.
    InService,
    /// The card is gone or being restarted.
    OutOfService,
    /// The telephone was lifted or put down.
    Hook {
        /// Lifted.
        off: bool,
    },
    /// A loop interruption within the flash window.
    Flash,
    /// A digit of a rotary dial.
    PulseDigit(Digit),
    /// The edge of a ring burst.
    Ringing {
        /// It began.
        on: bool,
    },
    /// The telephone was lifted while it rang.
    RingTrip,
}

/// What the media engine reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaInput {
    /// A DTMF digit from the telephone began.
    DigitBegan(Digit),
    /// It ended.
    DigitEnded {
        /// Which.
        digit: Digit,
        /// How long it was, in ms.
        ms: u16,
    },
    /// The caller-ID burst has been played.
    BurstDone,
}

/// Who calls, as the display shall show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The number; `None` when it is not available ("O" of GR-30).
    pub number: Option<String>,
    /// The name; `None` when it is not available.
    pub name: Option<String>,
    /// The caller wants to stay unknown ("P" of GR-30); number and name are not sent.
    pub private: bool,
}

/// What the call wants of the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallRequest {
    /// Ring the telephone.
    Ring {
        /// Who calls.
        caller: Caller,
        /// A cadence other than the country's.
        distinctive: Option<RingCadence>,
    },
    /// The dialled number is complete and the network works on it.
    Proceeding,
    /// The called side rings.
    Alerting {
        /// The called side sends its own ringback.
        early_media: bool,
    },
    /// Something to hear before answer.
    Progress {
        /// The called side sends audio.
        early_media: bool,
    },
    /// The called side answered.
    Answered,
    /// The call is over for the other side.
    Released {
        /// Why; decides the tone.
        cause: Cause,
    },
    /// The other side put this telephone on hold, or took it back.
    RemoteHold {
        /// On hold.
        on: bool,
    },
}

/// The answer to [`PortEvent::CheckNumber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not a number yet.
    NeedMore,
    /// A number, and more digits could make another: the match timer decides.
    Match,
    /// A number that cannot be longer.
    Complete,
    /// No number begins so.
    Impossible,
}

/// What the port wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the card.
    Card(CardAction),
    /// Play this tone into the telephone in place of any other.
    PlayTone(ToneName),
    /// Stop the tone, or the caller-ID burst.
    StopTone,
    /// Report DTMF digits of the telephone from now on, or no longer.
    DetectDigits(bool),
    /// Play a caller-ID burst and report [`MediaInput::BurstDone`].
    SendCallerId {
        /// The modem.
        scheme: CallerIdScheme,
        /// What to show.
        caller: Caller,
    },
    /// For the call.
    Event(PortEvent),
}

/// What the card shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAction {
    /// Feed the line.
    Linefeed(Linefeed),
    /// Ring with this cadence, from its start, until [`CardAction::StopRing`] or ring trip.
    Ring {
        /// The cadence.
        cadence: RingCadence,
        /// In Hz.
        frequency_hz: u8,
    },
    /// Stop ringing.
    StopRing,
    /// Open the loop for so long (disconnect supervision), then feed as before.
    OpenLoop {
        /// In ms.
        ms: u16,
    },
    /// What counts as a hook flash.
    FlashWindow {
        /// In ms.
        min_ms: u16,
        /// In ms.
        max_ms: u16,
    },
    /// The impedance to terminate the line with.
    Impedance(Impedance),
}

/// How the line is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linefeed {
    /// The idle and the speaking state.
    Forward,
    /// On-hook transmission: audio passes to a telephone that is on the hook.
    OnHookTransmission,
    /// The same with tip and ring reversed.
    ReverseOnHookTransmission,
}

/// What the telephone's user did, in the words of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// The telephone was lifted to call.
    Seized,
    /// Answer with [`super::FxsPort::handle_verdict`].
    CheckNumber {
        /// The digits so far.
        digits: String,
    },
    /// The number is complete: set up the call. Whether it leads anywhere is for the call to say.
    Dialled {
        /// What was dialled.
        number: Number,
    },
    /// The telephone rings.
    Alerting,
    /// The telephone was lifted to answer.
    Answered,
    /// A digit during the call.
    Digit {
        /// Which.
        digit: Digit,
        /// How long, in ms.
        ms: u16,
        /// It sounded in the call's audio, so that the other side has heard it unless it was muted. Not so a digit of
        /// a rotary dial, and one that was dialled before anybody could hear it.
        in_audio: bool,
    },
    /// The user put the other side on hold, or took it back.
    Hold {
        /// On hold.
        on: bool,
    },
    /// The hook was flashed in a call that the port does not hold itself.
    Flash,
    /// The telephone was put down. Releases whatever call the port has.
    HungUp,
    /// The answer to [`CallRequest::Ring`] of a port that cannot: the call that asked goes no further, a call that the
    /// port already has goes on.
    Refused {
        /// 17 when it is in use, 27 when it is out of order.
        cause: Cause,
    },
    /// The port can be used.
    InService,
    /// The port cannot be used; a call on it is lost (cause 27).
    OutOfService,
    /// The receiver has been off the hook for long; the port stays quiet until it is put down.
    LockedOut,
}

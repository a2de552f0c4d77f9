//! What signalling tells the engine, and what it hears back. Plain data; nothing here runs.
//!
//! Digits: the engine turns a digit that came as RFC 4733 back into sound for joined *card* channels by itself, and
//! takes it out of the audio for everybody else. Towards RTP, digits go by [`Command::SendDigit`].

use tipring_core::{CardId, ContextId, TerminationId};
use tipring_dsp::dtmf::Digit;
use tipring_dsp::echo::Tail;
use tipring_dsp::g711::Law;
use tipring_dsp::level::Gain;
use tipring_dsp::tone::Program;
use tipring_rtp::rtcp::Cname;

/// One wish of signalling. What cannot be done is answered by [`Event::Refused`].
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a boxed program would be freed on the media thread")]
pub enum Command {
    /// A new termination: channel `channel` (0-based, in the order of the card's blocks) of `card`.
    AddCardChannel {
        /// Its name from now on; never used before.
        termination: TerminationId,
        /// The card, by its place in [`crate::EngineConfig::cards`].
        card: CardId,
        /// The channel.
        channel: u8,
        /// The law of the channel's octets.
        law: Law,
        /// The echo path that is cancelled while the channel is in a context; `None` leaves the echo in.
        echo: Option<Tail>,
    },
    /// A new termination: an RTP stream, both ways.
    AddRtp {
        /// Its name from now on; never used before.
        termination: TerminationId,
        /// Whose stream, and how it is coded.
        params: RtpParams,
    },
    /// A later offer or answer changed how a stream is coded. Source, numbers and statistics go on.
    UpdateRtp {
        /// Which.
        termination: TerminationId,
        /// How it is coded from now on.
        format: RtpFormat,
    },
    /// Ends a termination; an RTP stream says BYE. Answered by [`Event::Removed`].
    Remove {
        /// Which.
        termination: TerminationId,
    },
    /// Puts two terminations into a context, which is made where it does not exist. One that is in it stays, so a
    /// third joins by `Join { context, a, c }`; one that is in another leaves that.
    Join {
        /// Where.
        context: ContextId,
        /// The one.
        a: TerminationId,
        /// The other.
        b: TerminationId,
    },
    /// Takes a termination out of its context; the last one out ends the context.
    Leave {
        /// Which.
        termination: TerminationId,
    },
    /// Lets audio pass or not: hold. A new termination is [`Direction::BOTH`].
    SetDirection {
        /// Which.
        termination: TerminationId,
        /// What passes.
        direction: Direction,
    },
    /// Sets the gain of both directions. A new termination has unity, which passes octets untouched.
    SetGain {
        /// Which.
        termination: TerminationId,
        /// From the outside to the context.
        receive: Gain,
        /// From the context to the outside.
        send: Gain,
    },
    /// Plays a tone towards the outside, on top of what the context says.
    PlayTone {
        /// Which.
        termination: TerminationId,
        /// What; replaces what was playing.
        program: Program,
    },
    /// Ends a tone.
    StopTone {
        /// Which.
        termination: TerminationId,
    },
    /// Plays samples (caller ID, an announcement) towards the outside, instead of everything else.
    /// Answered by exactly one [`Event::BurstDone`], unless the termination is removed first.
    PlaySamples {
        /// Which.
        termination: TerminationId,
        /// 8 kHz linear; replaces what was playing.
        samples: Box<[i16]>,
    },
    /// Ends the samples.
    StopSamples {
        /// Which.
        termination: TerminationId,
    },
    /// Listens, or not, for digits that come from outside as sound.
    DetectDigits {
        /// Which.
        termination: TerminationId,
        /// Whether to listen.
        on: bool,
        /// Whether the context hears silence while a digit sounds.
        mute: bool,
    },
    /// Sends a digit towards the outside: as RFC 4733 where that is agreed, else as sound. Up to
    /// [`MAX_DIGITS`] wait their turn.
    SendDigit {
        /// Which.
        termination: TerminationId,
        /// The key.
        digit: Digit,
        /// How long, in milliseconds: 40 to 8191.
        ms: u16,
    },
    /// Asks for an RTP stream's statistics: [`Event::Stats`].
    Stats {
        /// Which.
        termination: TerminationId,
    },
}

/// Digits that wait in one termination.
pub const MAX_DIGITS: usize = 32;

/// Whether audio passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// From the context to the outside. Off, an RTP stream sends no packets.
    pub send: bool,
    /// From the outside to the context. Off, what arrives is counted and dropped.
    pub receive: bool,
}

impl Direction {
    /// Both ways: `sendrecv`.
    pub const BOTH: Self = Self { send: true, receive: true };
    /// `sendonly`.
    pub const SEND_ONLY: Self = Self { send: true, receive: false };
    /// `recvonly`.
    pub const RECEIVE_ONLY: Self = Self { send: false, receive: true };
    /// `inactive`.
    pub const INACTIVE: Self = Self { send: false, receive: false };
}

/// How a stream is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpFormat {
    /// The law of the packets sent. Packets received may have either law.
    pub law: Law,
    /// Payload types to send with: those of the peer's description.
    pub send: PayloadTypes,
    /// Payload types to expect: those of our description. 0 (PCMU), 8 (PCMA) and 13 (comfort noise) are understood
    /// besides where `audio` and `telephone_event` do not claim them.
    pub receive: PayloadTypes,
    /// Audio in one packet sent, in milliseconds: 10 to 60, cut down to a multiple of 5.
    pub ptime_ms: u8,
}

impl RtpFormat {
    /// G.711 in its static payload type (RFC 3551), 20 ms, digits as events of one payload type or as sound.
    pub const fn g711(law: Law, telephone_event: Option<u8>) -> Self {
        let audio = match law {
            Law::Mu => 0,
            Law::A => 8,
        };
        let types = PayloadTypes { audio, telephone_event };
        Self { law, send: types, receive: types, ptime_ms: 20 }
    }
}

/// The payload types of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// G.711 in [`RtpFormat::law`].
    pub audio: u8,
    /// RFC 4733, where agreed.
    pub telephone_event: Option<u8>,
}

/// A stream: its format and what a sender draws by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpParams {
    /// How it is coded.
    pub format: RtpFormat,
    /// Our synchronisation source; random.
    pub ssrc: u32,
    /// Our first sequence number; random.
    pub sequence: u16,
    /// Our first timestamp; random.
    pub timestamp: u32,
    /// Our canonical name.
    pub cname: Cname,
}

/// What the engine has to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A key was pressed out there.
    DigitBegan {
        /// Where.
        termination: TerminationId,
        /// The key.
        digit: Digit,
        /// As what it came.
        source: DigitSource,
    },
    /// It was let go.
    DigitEnded {
        /// Where.
        termination: TerminationId,
        /// The key.
        digit: Digit,
        /// How long it lasted, in milliseconds.
        ms: u32,
        /// As what it came.
        source: DigitSource,
    },
    /// A hook flash came as RFC 4733 event 16.
    Flash {
        /// Where.
        termination: TerminationId,
    },
    /// The samples of one [`Command::PlaySamples`] are over: played, stopped or replaced.
    BurstDone {
        /// Where.
        termination: TerminationId,
    },
    /// The answer to [`Command::Stats`].
    Stats {
        /// Which.
        termination: TerminationId,
        /// So far.
        stats: RtpStats,
    },
    /// The answer to [`Command::Remove`].
    Removed {
        /// Which.
        termination: TerminationId,
        /// Of an RTP stream, from beginning to end.
        stats: Option<RtpStats>,
    },
    /// Nothing has arrived for a while although audio goes both ways; told once, after 2 s.
    RtpSilent {
        /// Which.
        termination: TerminationId,
        /// For how long, in milliseconds.
        ms: u32,
    },
    /// Packets arrive again after [`Event::RtpSilent`].
    RtpResumed {
        /// Which.
        termination: TerminationId,
    },
    /// A command was not done.
    Refused {
        /// Which termination it was about.
        termination: TerminationId,
        /// Why not.
        refusal: Refusal,
    },
}

/// As what a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitSource {
    /// As two tones.
    InBand,
    /// As a telephone event.
    Rfc4733,
}

/// Why a command was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No termination of this name.
    UnknownTermination,
    /// The name is taken.
    TerminationExists,
    /// All terminations, contexts or places of the context are taken, or the digits' queue is full.
    Full,
    /// The engine has no such card or channel, or another termination has it.
    NoSuchChannel,
    /// The command is for RTP streams only.
    NotRtp,
}

/// What a call record says about a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RtpStats {
    /// Packets sent.
    pub sent: u64,
    /// Packets received, twins and late ones included.
    pub received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Audio that was made up because a packet was lost or late, in milliseconds.
    pub concealed_ms: u32,
    /// Interarrival jitter (RFC 3550 §6.4.1), in milliseconds.
    pub jitter_ms: f32,
    /// The jitter buffer's delay now, in milliseconds.
    pub buffer_ms: f32,
    /// Round trip by the latest RTCP report, in milliseconds.
    pub round_trip_ms: Option<f32>,
    /// Packets of ours the peer misses, by its latest RTCP report.
    pub remote_lost: Option<i32>,
    /// Estimated listening quality of what was received, 1.0 to 4.5 (G.107).
    pub mos: f32,
}

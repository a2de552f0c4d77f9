//! What a card says about itself.

use crate::frame::{FrameWriter, Reader};
use crate::{MAX_CHANNELS, MAX_PORTS};

/// The answer to `Hello`: who the card is, which life of it this is, and its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Protocol version of the card.
    pub major: u8,
    /// See `major`.
    pub minor: u8,
    /// The session that the host named.
    pub session: u32,
    /// Random number drawn when the card booted: another one means that it restarted.
    pub boot: u32,
    /// The card's clock when this session began: another one for the same session means that it was
    /// lost between.
    pub began: u32,
    /// Board serial number, ASCII, zero padded. The same board has the same for ever.
    pub serial: [u8; 16],
    /// Name and version of the firmware, ASCII, zero padded.
    pub build: [u8; 24],
    /// Channels in each PCM block, at most [`MAX_CHANNELS`].
    pub channels: u8,
    /// How many of `ports` count.
    pub port_count: u8,
    /// The ports, in the order fxs, fxo, bri, pri; port number 1 is the first.
    pub ports: [Port; MAX_PORTS],
}

/// One port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// What is soldered there.
    pub kind: PortKind,
    /// The law of its samples.
    pub law: Law,
    /// Its first channel in a PCM block.
    pub first_channel: u8,
    /// How many channels it has: 1, or 2 for BRI, up to 31 for PRI.
    pub channels: u8,
    /// What it can do.
    pub abilities: Abilities,
}

impl Port {
    /// An unused entry.
    pub const NONE: Self = Self {
        kind: PortKind::Unknown(0),
        law: Law::Mu,
        first_channel: 0,
        channels: 0,
        abilities: Abilities::NONE,
    };
}

/// Kind of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// Feeds a phone.
    Fxs,
    /// Is a phone to an exchange.
    Fxo,
    /// ISDN basic rate, S0.
    Bri,
    /// ISDN primary rate.
    Pri,
    /// A kind of a later version: present, not usable.
    Unknown(u8),
}

/// Companding law, ITU-T G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// µ-law.
    Mu,
    /// A-law.
    A,
}

impl Law {
    /// The octet of silence.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xFF,
            Self::A => 0xD5,
        }
    }
}

/// Bits of what a port can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities(pub u32);

impl Abilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// Detects hook flash itself.
    pub const FLASH: Self = Self(1 << 0);
    /// Counts dial pulses itself.
    pub const PULSE_DIGITS: Self = Self(1 << 1);
    /// Can reverse polarity.
    pub const POLARITY: Self = Self(1 << 2);
    /// Can open the loop.
    pub const OPEN_LOOP: Self = Self(1 << 3);
    /// Passes audio to an on-hook phone, for caller ID.
    pub const ON_HOOK_TRANSMISSION: Self = Self(1 << 4);
    /// Has adjustable gain.
    pub const GAIN: Self = Self(1 << 5);
    /// Has adjustable impedance.
    pub const IMPEDANCE: Self = Self(1 << 6);
    /// Measures loop current.
    pub const LOOP_CURRENT: Self = Self(1 << 7);
    /// Carries an HDLC D channel.
    pub const D_CHANNEL: Self = Self(1 << 8);

    /// Whether all of `other` are there.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// All of both.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Descriptor {
    /// The ports that the card has.
    pub fn ports(&self) -> &[Port] {
        self.ports.get(..usize::from(self.port_count)).unwrap_or(&self.ports)
    }

    /// The port with this number, 1-based.
    pub fn port(&self, number: u8) -> Option<&Port> {
        self.ports().get(usize::from(number).checked_sub(1)?)
    }

    /// Serial number as text; what is not printable ASCII is left out.
    pub fn serial(&self) -> impl Iterator<Item = char> + '_ {
        text(&self.serial)
    }

    /// Firmware build as text; what is not printable ASCII is left out.
    pub fn build(&self) -> impl Iterator<Item = char> + '_ {
        text(&self.build)
    }

    pub(crate) fn encode(&self, out: &mut FrameWriter<'_>) {
        out.u8(self.major);
        out.u8(self.minor);
        out.u32(self.session);
        out.u32(self.boot);
        out.u32(self.began);
        out.bytes(&self.serial);
        out.bytes(&self.build);
        out.u8(self.channels);
        out.u8(self.ports().len() as u8);
        out.u8(PORT_LEN);
        for port in self.ports() {
            out.u8(port.kind.to_wire());
            out.u8(match port.law {
                Law::Mu => 0,
                Law::A => 1,
            });
            out.u8(port.first_channel);
            out.u8(port.channels);
            out.u32(port.abilities.0);
        }
    }

    /// `None`: too short, or it promises channels that are not in its PCM blocks.
    pub(crate) fn decode(mut from: Reader<'_>) -> Option<Self> {
        let mut descriptor = Self {
            major: from.u8()?,
            minor: from.u8()?,
            session: from.u32()?,
            boot: from.u32()?,
            began: from.u32()?,
            serial: from.array()?,
            build: from.array()?,
            channels: from.u8()?,
            port_count: from.u8()?,
            ports: [Port::NONE; MAX_PORTS],
        };
        let port_len = from.u8()?;
        if usize::from(descriptor.channels) > MAX_CHANNELS {
            return None;
        }
        if usize::from(descriptor.port_count) > MAX_PORTS {
            return None;
        }
        for port in descriptor.ports.iter_mut().take(usize::from(descriptor.port_count)) {
            *port = Port::decode(Reader(from.take(usize::from(port_len))?))?;
            if u16::from(port.first_channel) + u16::from(port.channels)
                > u16::from(descriptor.channels)
            {
                return None;
            }
        }
        Some(descriptor)
    }
}

impl Port {
    fn decode(mut from: Reader<'_>) -> Option<Self> {
        Some(Self {
            kind: PortKind::from_wire(from.u8()?),
            law: match from.u8()? {
                0 => Law::Mu,
                1 => Law::A,
                _ => return None,
            },
            first_channel: from.u8()?,
            channels: from.u8()?,
            abilities: Abilities(from.u32()?),
        })
    }
}

impl PortKind {
    const fn to_wire(self) -> u8 {
        match self {
            Self::Fxs => 1,
            Self::Fxo => 2,
            Self::Bri => 3,
            Self::Pri => 4,
            Self::Unknown(kind) => kind,
        }
    }

    const fn from_wire(kind: u8) -> Self {
        match kind {
            1 => Self::Fxs,
            2 => Self::Fxo,
            3 => Self::Bri,
            4 => Self::Pri,
            kind => Self::Unknown(kind),
        }
    }
}

/// Zero-padded ASCII of `N` octets from text; cut where it does not fit.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    out
}

fn text(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    bytes
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| char::from(*byte))
        .filter(char::is_ascii_graphic)
}

/// Octets of a port entry in this version. A later minor version may append fields, so the length
/// is on the wire.
const PORT_LEN: u8 = 8;

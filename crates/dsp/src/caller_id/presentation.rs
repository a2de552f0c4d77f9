//! Every message of the presentation layer: types and parameters of EN 300 659-3 §5 and GR-30 / GR-1188, octet by octet.

use super::message::{Date, Error, text};

/// What a message is about (EN 300 659-3 §5.2; GR-30 for the single data format).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// 0x04: date and number of a caller, single data format.
    SingleData,
    /// 0x06: message waiting, single data format.
    SingleDataWaiting,
    /// 0x80: call setup.
    CallSetup,
    /// 0x82: message waiting indicator.
    MessageWaiting,
    /// 0x86: advice of charge.
    AdviceOfCharge,
    /// 0x89: short message service (ES 201 912); its octets are one [`Parameter::Other`] of type 0x89.
    ShortMessage,
    /// 0x81, 0x83-0x85, 0x87, 0x88, 0x8A-0x8F, 0xF1-0xFF: reserved, or the network operator's own.
    Other(u8),
}

impl MessageType {
    /// The type with this octet; none where no message begins with it.
    pub fn from_octet(octet: u8) -> Option<MessageType> {
        Some(match octet {
            0x04 => MessageType::SingleData,
            0x06 => MessageType::SingleDataWaiting,
            0x80 => MessageType::CallSetup,
            0x82 => MessageType::MessageWaiting,
            0x86 => MessageType::AdviceOfCharge,
            0x89 => MessageType::ShortMessage,
            0x81..=0x8F | 0xF1..=0xFF => MessageType::Other(octet),
            _ => return None,
        })
    }

    /// The octet that it is sent as.
    pub fn octet(self) -> u8 {
        match self {
            MessageType::SingleData => 0x04,
            MessageType::SingleDataWaiting => 0x06,
            MessageType::CallSetup => 0x80,
            MessageType::MessageWaiting => 0x82,
            MessageType::AdviceOfCharge => 0x86,
            MessageType::ShortMessage => 0x89,
            MessageType::Other(octet) => octet,
        }
    }
}

/// One parameter (EN 300 659-3 §5.4). Texts hold printable ISO 8859-1; octets that are not are `?`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// 0x01: when.
    Date(Date),
    /// 0x02: the caller's number.
    CallingLine(String),
    /// 0x03: the number that was called; in GR-1188 the one to dial back.
    CalledLine(String),
    /// 0x04: why there is no number, `P` or `O`.
    NumberAbsent(u8),
    /// 0x07: the caller's name.
    CallingName(String),
    /// 0x08: why there is no name, `P` or `O`.
    NameAbsent(u8),
    /// 0x0B: whether the lamp for waiting messages is lit.
    VisualIndicator(bool),
    /// 0x0D: which message: 0 removed, 0x55 reference only, 0xFF added; and its reference.
    MessageIdentification(u8, u16),
    /// 0x0E: who left the last message.
    LastMessageLine(String),
    /// 0x0F: when that was.
    ComplementaryDate(Date),
    /// 0x10: another number of the caller.
    ComplementaryLine(String),
    /// 0x11: 1 voice, 2 ring back when free, 3 calling name, 0x81 message waiting.
    CallType(u8),
    /// 0x12: who was called first, before it was forwarded.
    FirstCalledLine(String),
    /// 0x13: messages that wait; 0 where only the network knows.
    NumberOfMessages(u8),
    /// 0x15: 1 busy, 2 no reply, 3 unconditional, 4 and 5 deflected, 6 not reachable.
    ForwardedCallType(u8),
    /// 0x16: 1 voice, 4 mobile, 6 fax, 7 video, 9 operator, 15 payphone, and more.
    CallingUserType(u8),
    /// 0x1A: who forwarded last.
    RedirectingNumber(String),
    /// 0x20: currency and sum.
    Charge(String),
    /// 0x21: and what comes on top.
    AdditionalCharge(String),
    /// 0x23: how long the call was, seconds.
    DurationSeconds(u32),
    /// 0x30: the network.
    NetworkProvider(String),
    /// 0x31: the carrier.
    Carrier(String),
    /// 0x40: which function of the terminal is meant.
    TerminalFunction(Vec<u8>),
    /// 0x50: coding, and what to display.
    Display(Vec<u8>),
    /// 0x55: whether a service is active.
    ServiceInformation(u8),
    /// 0xE0: for the network operator's use.
    Extension(Vec<u8>),
    /// A type that is not known, or known with a value that its type cannot have.
    Other(u8, Vec<u8>),
}

impl Parameter {
    fn parse(kind: u8, value: &[u8]) -> Parameter {
        Parameter::known(kind, value).unwrap_or_else(|| Parameter::Other(kind, value.to_vec()))
    }

    fn known(kind: u8, value: &[u8]) -> Option<Parameter> {
        let one = || <[u8; 1]>::try_from(value).map(|[octet]| octet).ok();
        Some(match kind {
            0x01 => Parameter::Date(Date::parse(value)?),
            0x02 => Parameter::CallingLine(text(value)),
            0x03 => Parameter::CalledLine(text(value)),
            0x04 => Parameter::NumberAbsent(one()?),
            0x07 => Parameter::CallingName(text(value)),
            0x08 => Parameter::NameAbsent(one()?),
            0x0B => Parameter::VisualIndicator(match one()? {
                0 => false,
                0xFF => true,
                _ => return None,
            }),
            0x0D => {
                let [status, high, low] = <[u8; 3]>::try_from(value).ok()?;
                Parameter::MessageIdentification(status, u16::from_be_bytes([high, low]))
            }
            0x0E => Parameter::LastMessageLine(text(value)),
            0x0F => Parameter::ComplementaryDate(Date::parse(value)?),
            0x10 => Parameter::ComplementaryLine(text(value)),
            0x11 => Parameter::CallType(one()?),
            0x12 => Parameter::FirstCalledLine(text(value)),
            0x13 => Parameter::NumberOfMessages(one()?),
            0x15 => Parameter::ForwardedCallType(one()?),
            0x16 => Parameter::CallingUserType(one()?),
            0x1A => Parameter::RedirectingNumber(text(value)),
            0x20 => Parameter::Charge(text(value)),
            0x21 => Parameter::AdditionalCharge(text(value)),
            0x23 => Parameter::DurationSeconds(duration(value)?),
            0x30 => Parameter::NetworkProvider(text(value)),
            0x31 => Parameter::Carrier(text(value)),
            0x40 => Parameter::TerminalFunction(value.to_vec()),
            0x50 => Parameter::Display(value.to_vec()),
            0x55 => Parameter::ServiceInformation(one()?),
            0xE0 => Parameter::Extension(value.to_vec()),
            _ => return None,
        })
    }

    /// Its type and its value.
    fn octets(&self) -> (u8, Vec<u8>) {
        match self {
            Parameter::Date(date) => (0x01, date.octets().to_vec()),
            Parameter::CallingLine(text) => (0x02, latin1(text)),
            Parameter::CalledLine(text) => (0x03, latin1(text)),
            Parameter::NumberAbsent(reason) => (0x04, vec![*reason]),
            Parameter::CallingName(text) => (0x07, latin1(text)),
            Parameter::NameAbsent(reason) => (0x08, vec![*reason]),
            Parameter::VisualIndicator(lit) => (0x0B, vec![if *lit { 0xFF } else { 0 }]),
            Parameter::MessageIdentification(status, reference) => {
                let [high, low] = reference.to_be_bytes();
                (0x0D, vec![*status, high, low])
            }
            Parameter::LastMessageLine(text) => (0x0E, latin1(text)),
            Parameter::ComplementaryDate(date) => (0x0F, date.octets().to_vec()),
            Parameter::ComplementaryLine(text) => (0x10, latin1(text)),
            Parameter::CallType(octet) => (0x11, vec![*octet]),
            Parameter::FirstCalledLine(text) => (0x12, latin1(text)),
            Parameter::NumberOfMessages(octet) => (0x13, vec![*octet]),
            Parameter::ForwardedCallType(octet) => (0x15, vec![*octet]),
            Parameter::CallingUserType(octet) => (0x16, vec![*octet]),
            Parameter::RedirectingNumber(text) => (0x1A, latin1(text)),
            Parameter::Charge(text) => (0x20, latin1(text)),
            Parameter::AdditionalCharge(text) => (0x21, latin1(text)),
            Parameter::DurationSeconds(seconds) => {
                let (hours, minutes) = ((seconds / 3600).min(99), seconds / 60 % 60);
                (0x23, format!("{hours:02}{minutes:02}{:02}", seconds % 60).into_bytes())
            }
            Parameter::NetworkProvider(text) => (0x30, latin1(text)),
            Parameter::Carrier(text) => (0x31, latin1(text)),
            Parameter::TerminalFunction(octets) => (0x40, octets.clone()),
            Parameter::Display(octets) => (0x50, octets.clone()),
            Parameter::ServiceInformation(octet) => (0x55, vec![*octet]),
            Parameter::Extension(octets) => (0xE0, octets.clone()),
            Parameter::Other(kind, octets) => (*kind, octets.clone()),
        }
    }
}

/// A message with all that it says, in the order in which it says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Presentation {
    /// What it is about.
    pub kind: MessageType,
    /// In a single data message the date and the number. What a parser of ours does not know is kept.
    pub parameters: Vec<Parameter>,
}

impl Presentation {
    /// Parses a message with its type, length and checksum; what follows the checksum is left alone.
    ///
    /// # Errors
    /// What is wrong with the frame, or with a parameter's length.
    pub fn parse(octets: &[u8]) -> Result<Presentation, Error> {
        let (&[kind, length], rest) = octets.split_first_chunk::<2>().ok_or(Error::Truncated)?;
        let (body, rest) = rest.split_at_checked(usize::from(length)).ok_or(Error::Truncated)?;
        let checksum = *rest.first().ok_or(Error::Truncated)?;
        if sum(kind, length, body).wrapping_add(checksum) != 0 {
            return Err(Error::Checksum);
        }
        let kind = MessageType::from_octet(kind).ok_or(Error::UnknownType(kind))?;
        let parameters = match kind {
            MessageType::SingleData | MessageType::SingleDataWaiting => single(kind, body)?,
            MessageType::ShortMessage => vec![Parameter::Other(kind.octet(), body.to_vec())],
            MessageType::CallSetup
            | MessageType::MessageWaiting
            | MessageType::AdviceOfCharge
            | MessageType::Other(_) => multiple(body)?,
        };
        Ok(Presentation { kind, parameters })
    }

    /// The message with type, length and checksum. Parameters that do not fit 255 octets any more are left out.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(96);
        let has_heads = !matches!(
            self.kind,
            MessageType::SingleData | MessageType::SingleDataWaiting | MessageType::ShortMessage
        );
        for parameter in &self.parameters {
            let (kind, mut value) = parameter.octets();
            if let (MessageType::SingleDataWaiting, Parameter::VisualIndicator(lit)) =
                (self.kind, parameter)
            {
                value = vec![if *lit { LAMP_ON } else { LAMP_OFF }; 3];
            }
            let head = [kind, value.len() as u8];
            let head = if has_heads { &head[..] } else { &[] };
            if body.len() + head.len() + value.len() <= usize::from(u8::MAX) {
                body.extend(head);
                body.extend(value);
            }
        }
        let mut message = Vec::with_capacity(body.len() + 3);
        message.extend([self.kind.octet(), body.len() as u8]);
        message.extend(&body);
        message.push(sum(message[0], message[1], &body).wrapping_neg());
        message
    }
}

/// Three of either are a single data message about waiting messages (GR-30).
const LAMP_ON: u8 = 0x42;
const LAMP_OFF: u8 = 0x6F;

/// The sum of all octets, modulo 256.
fn sum(kind: u8, length: u8, body: &[u8]) -> u8 {
    body.iter().fold(kind.wrapping_add(length), |sum, octet| sum.wrapping_add(*octet))
}

fn single(kind: MessageType, body: &[u8]) -> Result<Vec<Parameter>, Error> {
    if kind == MessageType::SingleDataWaiting {
        return Ok(match body {
            [LAMP_ON, LAMP_ON, LAMP_ON] => vec![Parameter::VisualIndicator(true)],
            [LAMP_OFF, LAMP_OFF, LAMP_OFF] => vec![Parameter::VisualIndicator(false)],
            _ => vec![Parameter::Other(kind.octet(), body.to_vec())],
        });
    }
    let (date, number) = body.split_at_checked(8).ok_or(Error::Malformed)?;
    let mut parameters = vec![Parameter::Date(Date::parse(date).ok_or(Error::Malformed)?)];
    match number {
        [] => {}
        [reason @ (b'P' | b'O')] => parameters.push(Parameter::NumberAbsent(*reason)),
        digits => parameters.push(Parameter::CallingLine(text(digits))),
    }
    Ok(parameters)
}

fn multiple(mut body: &[u8]) -> Result<Vec<Parameter>, Error> {
    let mut parameters = Vec::new();
    while let Some((&[kind, length], rest)) = body.split_first_chunk::<2>() {
        let (value, rest) = rest.split_at_checked(usize::from(length)).ok_or(Error::Truncated)?;
        parameters.push(Parameter::parse(kind, value));
        body = rest;
    }
    if body.is_empty() { Ok(parameters) } else { Err(Error::Truncated) }
}

/// `hhmmss`.
fn duration(value: &[u8]) -> Option<u32> {
    let digits: [u8; 6] = value.try_into().ok()?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |at: usize| u32::from(digits[at] - b'0') * 10 + u32::from(digits[at + 1] - b'0');
    (pair(2) < 60 && pair(4) < 60).then(|| pair(0) * 3600 + pair(2) * 60 + pair(4))
}

/// What ISO 8859-1 does not have becomes `?`.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .take(253)
        .map(|c| u8::try_from(c).ok().filter(|o| matches!(o, 0x20..=0x7E | 0xA0..)).unwrap_or(b'?'))
        .collect()
}

//! Single and multiple data message format (SDMF, MDMF): building and parsing.

use std::fmt;

use super::presentation::{MessageType, Parameter, Presentation};

/// Message type of SDMF (GR-30): call set-up with date and number only.
const SDMF: u8 = 0x04;
/// Message type of MDMF (GR-30; "call setup" of EN 300 659-3 §5.2).
const MDMF: u8 = 0x80;

// Parameter types of MDMF (GR-1188, EN 300 659-3 §5.3).
const DATE: u8 = 0x01;
const NUMBER: u8 = 0x02;
const NUMBER_ABSENT: u8 = 0x04;
const NAME: u8 = 0x07;
const NAME_ABSENT: u8 = 0x08;

/// Longest number that is sent (EN 300 659-3 §5.4.2).
const MAX_NUMBER: usize = 20;
/// Longest name that is sent (EN 300 659-3 §5.4.7).
const MAX_NAME: usize = 50;

/// Reasons for absence (GR-1188, EN 300 659-3 §5.4.4).
const PRIVATE: u8 = b'P';
const UNAVAILABLE: u8 = b'O';

/// A number or a name, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Field {
    /// Here it is.
    Given(String),
    /// The caller withholds it.
    Private,
    /// The network does not know it ("out of area").
    Unavailable,
    /// Nothing is said about it.
    #[default]
    Absent,
}

/// When the call came. There is no year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    /// 1-12.
    pub month: u8,
    /// 1-31.
    pub day: u8,
    /// 0-23.
    pub hour: u8,
    /// 0-59.
    pub minute: u8,
}

/// Who calls and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Message {
    /// When the call came.
    pub date: Option<Date>,
    /// Digits as they are to be dialled or displayed; 20 at the most are sent.
    pub number: Field,
    /// The caller's name; 50 characters at the most are sent, what is not ASCII as `?`.
    pub name: Field,
}

/// Why octets are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Fewer octets than the length octet, or a parameter's length octet, promises.
    Truncated,
    /// The sum over the message is not 0 modulo 256.
    Checksum,
    /// A message type that is not about a calling party.
    UnknownType(u8),
    /// SDMF without a date.
    Malformed,
    /// The checksum is right, but so many bits are doubtful that it would be by chance too often.
    Doubtful,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Truncated => f.write_str("the message is shorter than it says"),
            Error::Checksum => f.write_str("the checksum is wrong"),
            Error::UnknownType(t) => write!(f, "message type {t:#04x} is not a caller's number"),
            Error::Doubtful => f.write_str("too many bits are doubtful for the checksum to tell"),
            Error::Malformed => f.write_str("the message has no valid date"),
        }
    }
}

impl std::error::Error for Error {}

impl Message {
    /// The message with type, length and checksum, in multiple data message format.
    pub fn to_mdmf(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(96);
        if let Some(date) = self.date {
            push_parameter(&mut body, DATE, &date.octets());
        }
        push_field(&mut body, &self.number, NUMBER, NUMBER_ABSENT, MAX_NUMBER);
        push_field(&mut body, &self.name, NAME, NAME_ABSENT, MAX_NAME);
        with_frame(MDMF, &body)
    }

    /// The message with type, length and checksum, in single data message format: date (1 January
    /// 00:00 if there is none) and number only.
    pub fn to_sdmf(&self) -> Vec<u8> {
        let date = self.date.unwrap_or(Date { month: 1, day: 1, hour: 0, minute: 0 });
        let mut body = date.octets().to_vec();
        match &self.number {
            Field::Given(number) => body.extend(ascii(number).take(MAX_NUMBER)),
            Field::Private => body.push(PRIVATE),
            Field::Unavailable | Field::Absent => body.push(UNAVAILABLE),
        }
        with_frame(SDMF, &body)
    }
}

impl Date {
    pub(super) fn octets(self) -> [u8; 8] {
        let mut octets = [0; 8];
        let parts = [self.month, self.day, self.hour, self.minute];
        for (pair, part) in octets.chunks_exact_mut(2).zip(parts) {
            pair[0] = b'0' + part / 10 % 10;
            pair[1] = b'0' + part % 10;
        }
        octets
    }

    pub(super) fn parse(octets: &[u8]) -> Option<Date> {
        let mut parts = [0; 4];
        if octets.len() != 8 || !octets.iter().all(u8::is_ascii_digit) {
            return None;
        }
        for (part, pair) in parts.iter_mut().zip(octets.chunks_exact(2)) {
            *part = (pair[0] - b'0') * 10 + (pair[1] - b'0');
        }
        let [month, day, hour, minute] = parts;
        ((1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60)
            .then_some(Date { month, day, hour, minute })
    }
}

/// Parses a message of either format with its type, length and checksum; what follows the checksum
/// is ignored, and so are parameters that say nothing about date, number and name.
pub fn parse(octets: &[u8]) -> Result<Message, Error> {
    Message::try_from(&Presentation::parse(octets)?)
}

impl TryFrom<&Presentation> for Message {
    type Error = Error;

    /// Who calls and when, of a message that says so.
    fn try_from(presentation: &Presentation) -> Result<Message, Error> {
        match presentation.kind {
            MessageType::SingleData | MessageType::CallSetup => {}
            kind @ (MessageType::SingleDataWaiting
            | MessageType::MessageWaiting
            | MessageType::AdviceOfCharge
            | MessageType::ShortMessage
            | MessageType::Other(_)) => return Err(Error::UnknownType(kind.octet())),
        }
        let mut message = Message::default();
        for parameter in &presentation.parameters {
            // The others are not about the caller.
            if let Parameter::Date(date) = parameter {
                message.date = Some(*date);
            } else if let Parameter::CallingLine(number) = parameter {
                message.number = Field::Given(number.clone());
            } else if let Parameter::NumberAbsent(reason) = parameter {
                message.number = absent(*reason);
            } else if let Parameter::CallingName(name) = parameter {
                message.name = Field::Given(name.clone());
            } else if let Parameter::NameAbsent(reason) = parameter {
                message.name = absent(*reason);
            }
        }
        Ok(message)
    }
}

fn absent(reason: u8) -> Field {
    if reason == PRIVATE { Field::Private } else { Field::Unavailable }
}

/// Printable ISO 8859-1; anything else becomes `?`.
pub(super) fn text(octets: &[u8]) -> String {
    octets
        .iter()
        .map(|octet| match octet {
            0x20..=0x7E | 0xA0..=0xFF => char::from(*octet),
            _ => '?',
        })
        .collect()
}

fn ascii(text: &str) -> impl Iterator<Item = u8> {
    text.chars().map(|c| if matches!(c, ' '..='~') { c as u8 } else { b'?' })
}

fn push_field(body: &mut Vec<u8>, field: &Field, given: u8, absent: u8, longest: usize) {
    match field {
        Field::Given(value) => {
            let value: Vec<u8> = ascii(value).take(longest).collect();
            push_parameter(body, given, &value);
        }
        Field::Private => push_parameter(body, absent, &[PRIVATE]),
        Field::Unavailable => push_parameter(body, absent, &[UNAVAILABLE]),
        Field::Absent => {}
    }
}

/// `value` is at most `MAX_NAME` long.
fn push_parameter(body: &mut Vec<u8>, kind: u8, value: &[u8]) {
    body.extend([kind, value.len() as u8]);
    body.extend(value);
}

/// `body` is at most 84 octets long: date, number and name with their parameter heads.
fn with_frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(body.len() + 3);
    message.extend([kind, body.len() as u8]);
    message.extend(body);
    let sum = message.iter().fold(0u8, |sum, octet| sum.wrapping_add(*octet));
    message.push(sum.wrapping_neg());
    message
}

//! Caller ID by DTMF (EN 300 659-1 annex B, and what countries made of it): forms as data, sending and receiving.

use super::Field;
use crate::dtmf::{Detector, Digit, Event, Generator};

/// How a country writes who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its name here.
    pub name: &'static str,
    /// Where it is in use.
    pub countries: &'static [&'static str],
    /// Before the number; some send none.
    pub start: Option<char>,
    /// Before a number that the call was forwarded from.
    pub redirected: Option<char>,
    /// After all.
    pub end: char,
    /// What is sent for a number that is withheld, its end included; where there is nothing, nothing is sent.
    pub private: &'static [&'static str],
    /// What is sent for a number that is not known; the first one by us.
    pub unavailable: &'static [&'static str],
}

/// The forms. What begins with a letter is told apart by it, and by its end.
pub const FORMS: [Form; 4] = [
    // A number D redirected number B information C, each part on its own or not.
    Form {
        name: "etsi",
        countries: &["be", "br", "fi", "is", "in", "nl", "sa", "se", "uy"],
        start: Some('A'),
        redirected: Some('D'),
        end: 'C',
        private: &["B10C"],
        unavailable: &["B00C"],
    },
    Form {
        name: "hash",
        countries: &["dk"],
        start: Some('A'),
        redirected: None,
        end: '#',
        private: &["D1#"],
        // The call is international; technical reasons.
        unavailable: &["D3#", "D2#"],
    },
    Form {
        name: "d-c",
        countries: &["tw", "kw"],
        start: Some('D'),
        redirected: None,
        end: 'C',
        private: &[],
        unavailable: &[],
    },
    Form {
        name: "bare",
        countries: &["dk", "nl"],
        start: None,
        redirected: None,
        end: '#',
        private: &[],
        unavailable: &[],
    },
];

/// Longest number that is sent or taken.
const MAX_DIGITS: usize = 20;

/// Keys of the longest message: three parts with their starts, and the end.
const MAX_KEYS: usize = 3 * (MAX_DIGITS + 1) + 1;

/// Tone and pause of each key, ms (EN 300 659-1: 70 and 70, each ±5).
const TONE_MS: u32 = 70;

/// After this much silence what came before is no part of a message any more, ms.
const BREAK_MS: u32 = 1000;

/// Who calls, by DTMF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dialled {
    /// The caller's number.
    pub number: Field,
    /// The number that the call was forwarded from.
    pub redirected: Option<String>,
}

impl Form {
    /// The form of a country, by its two letters of ISO 3166-1 in lower case.
    pub fn of_country(country: &str) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.countries.contains(&country))
    }

    /// The keys to send, of the number its digits; none where this form has no way to say it. A redirection may go
    /// without a word about the number, but not nothing at all: then the number is not known.
    pub fn keys(&self, caller: &Dialled) -> Option<String> {
        let digits = |text: &str| {
            text.chars().filter(char::is_ascii_digit).take(MAX_DIGITS).collect::<String>()
        };
        let redirected = self.redirected.zip(caller.redirected.as_deref().map(digits));
        let (number, code) = match &caller.number {
            Field::Given(number) => (Some(digits(number)), ""),
            Field::Private => (None, *self.private.first()?),
            Field::Absent if redirected.is_some() => (None, ""),
            Field::Unavailable | Field::Absent => (None, *self.unavailable.first()?),
        };
        let mut keys = String::new();
        if let Some(number) = number {
            keys.extend(self.start);
            keys.push_str(&number);
        }
        if let Some((start, number)) = redirected {
            keys.push(start);
            keys.push_str(&number);
        }
        // A code brings its end with it.
        keys.push_str(code.strip_suffix(self.end).unwrap_or(code));
        keys.push(self.end);
        Some(keys)
    }

    /// What keys say; none if they are not of this form.
    pub fn read(&self, keys: &str) -> Option<Dialled> {
        if keys.len() > MAX_KEYS || !keys.chars().all(|key| Digit::from_char(key).is_some()) {
            return None;
        }
        let body = keys.strip_suffix(self.end)?;
        let mut caller = Dialled::default();
        if self.private.contains(&keys) {
            caller.number = Field::Private;
            return Some(caller);
        }
        if self.unavailable.contains(&keys) {
            caller.number = Field::Unavailable;
            return Some(caller);
        }
        let Some(start) = self.start else {
            caller.number = number(body)?;
            return Some(caller);
        };
        // Each part begins with its letter.
        let mut rest = body;
        while let Some(letter) = rest.chars().next() {
            let end =
                rest[1..].find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |i| i + 1);
            let (part, later) = (&rest[1..end], &rest[end..]);
            if letter == start && caller.number == Field::Absent {
                caller.number = number(part)?;
            } else if Some(letter) == self.redirected && caller.redirected.is_none() {
                number(part)?;
                caller.redirected = Some(part.to_owned());
            } else {
                let code = format!("{letter}{part}{}", self.end);
                if self.private.contains(&code.as_str()) {
                    caller.number = Field::Private;
                } else if self.unavailable.contains(&code.as_str()) {
                    caller.number = Field::Unavailable;
                } else {
                    return None;
                }
            }
            rest = later;
        }
        (caller != Dialled::default()).then_some(caller)
    }

    /// The transmission, at the usual levels; empty where this form has no way to say it.
    pub fn burst(&self, caller: &Dialled) -> Vec<i16> {
        let length = (TONE_MS * crate::SAMPLES_PER_MS) as usize;
        let mut samples = Vec::new();
        let mut generator = Generator::new();
        for key in
            self.keys(caller).iter().flat_map(|keys| keys.chars()).filter_map(Digit::from_char)
        {
            generator.start(key, length as u32, length as u32);
            let from = samples.len();
            samples.resize(from + 2 * length, 0);
            generator.process(&mut samples[from..]);
        }
        samples
    }
}

fn number(digits: &str) -> Option<Field> {
    ((1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit()))
        .then(|| Field::Given(digits.to_owned()))
}

/// Waits for keys that are a message.
#[derive(Clone, Debug)]
pub struct DigitReceiver {
    detector: Detector,
    form: Option<Form>,
    keys: [u8; MAX_KEYS],
    count: usize,
    /// Sample after the last key.
    last: u64,
}

impl DigitReceiver {
    /// A receiver of one form, or of whichever arrives.
    pub fn new(form: Option<Form>) -> DigitReceiver {
        DigitReceiver { detector: Detector::new(), form, keys: [0; MAX_KEYS], count: 0, last: 0 }
    }

    /// Listens; `told` hears of each message with the form it came in.
    pub fn process(&mut self, samples: &[i16], mut told: impl FnMut(&'static str, Dialled)) {
        let DigitReceiver { detector, form, keys, count, last } = self;
        detector.process(samples, |event| match event {
            Event::Began { digit, start, .. } => {
                if start.saturating_sub(*last) > u64::from(BREAK_MS * crate::SAMPLES_PER_MS)
                    || *count == MAX_KEYS
                {
                    *count = 0;
                }
                let key = digit.as_char();
                keys[*count] = key as u8;
                *count += 1;
                let text = std::str::from_utf8(&keys[..*count]).expect("keys are ASCII");
                let is_end = |form: &Form| form.end == key;
                let wanted = FORMS.iter().filter(|known| form.is_none_or(|form| form == **known));
                let mut ended = wanted.filter(|form| is_end(form)).peekable();
                if ended.peek().is_none() {
                    return;
                }
                if let Some((form, caller)) = ended.find_map(|form| Some((form, form.read(text)?)))
                {
                    told(form.name, caller);
                }
                *count = 0;
            }
            Event::Ended { start, samples, .. } => *last = start + u64::from(samples),
        });
    }
}

//! `tipring tool callerid`

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use tipring_dsp::caller_id::{Date, Failure as Reason, Field, Message, Received, Receiver};
use tipring_dsp::fsk::Standard;

use super::sound;
use crate::command::Failure;

/// One line of output: a message.
#[derive(Serialize)]
struct Shown {
    number: Option<String>,
    name: Option<String>,
    date: Option<String>,
    standard: String,
    /// Why there is no number, or no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    number_absent: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_absent: Option<&'static str>,
}

/// The line of output where there is no message.
#[derive(Serialize)]
struct Nothing {
    reason: String,
}

/// Silence after the recording, in samples: stop bits that it cut off are decided in it.
const TAIL: usize = 400;

/// Prints what the display of a telephone would show, or why it would show nothing, which is a failure.
pub fn callerid(
    file: &Path,
    standard: Option<Standard>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut samples = sound::load(file)?;
    samples.resize(samples.len() + TAIL, 0);
    let mut receiver = standard.map_or_else(Receiver::auto, Receiver::new);
    let mut heard = Vec::new();
    receiver.listen(&samples, |result| heard.extend(result.ok()));
    let mut reason = receiver.failure();
    let mut lines = Vec::new();
    for received in &heard {
        match Message::try_from(&received.presentation) {
            Ok(message) => lines.push(line(&shown(received, message))),
            Err(error) => reason = Reason::Message(error),
        }
    }
    let none = lines.is_empty();
    if none {
        lines.push(line(&Nothing { reason: reason.to_string() }));
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if none { Err(Failure::Said(1)) } else { Ok(()) }
}

fn line(what: &impl Serialize) -> String {
    serde_json::to_string(what).expect("plain texts are JSON")
}

fn shown(received: &Received, message: Message) -> Shown {
    let (number, number_absent) = field(message.number);
    let (name, name_absent) = field(message.name);
    let date = message.date.map(|Date { month, day, hour, minute }| {
        format!("{month:02}-{day:02} {hour:02}:{minute:02}")
    });
    Shown {
        number,
        name,
        date,
        standard: received.standard.to_string(),
        number_absent,
        name_absent,
    }
}

fn field(field: Field) -> (Option<String>, Option<&'static str>) {
    match field {
        Field::Given(text) => (Some(text), None),
        Field::Private => (None, Some("private")),
        Field::Unavailable => (None, Some("unavailable")),
        Field::Absent => (None, None),
    }
}

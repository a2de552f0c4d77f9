//! One module per command; each is a function that writes to the output it is given.

pub mod card;
pub mod check;
pub mod demo;
pub mod route;
pub mod run;

use std::fmt;
use std::io::{self, Write};

use crate::config::LoadError;
use crate::style::Style;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for cannot be done; a sentence.
    Usage(String),
    /// The configuration cannot be used.
    Configuration(LoadError),
    /// It was begun and did not work; a sentence.
    Failed(String),
    /// The output says it already; the exit status.
    Said(u8),
    /// Whoever read the output has closed it, as `head` does.
    ReaderLeft,
}

impl Failure {
    /// The exit status: 1 for a failure while running, 2 for wrong usage or configuration.
    pub const fn code(&self) -> u8 {
        match self {
            Self::ReaderLeft => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::Configuration(_) => 2,
            Self::Said(code) => *code,
        }
    }
}

/// Writes why there is no configuration: problems as they are, all else as a sentence.
pub fn write_load_error(out: &mut dyn Write, error: &LoadError, style: Style) -> io::Result<()> {
    match error {
        LoadError::Wrong(report) => out.write_all(report.render(style).as_bytes()),
        LoadError::Unreadable(..) | LoadError::Nowhere => {
            writeln!(out, "{} {error}", style.red("tipring:"))
        }
    }
}

fn no_signals(error: io::Error) -> Failure {
    Failure::Failed(format!("no signals: {error}"))
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Configuration(error)
    }
}

/// Of the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderLeft,
            _ => Self::Failed(format!("the output cannot be written: {error}")),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(sentence) | Self::Failed(sentence) => f.write_str(sentence),
            Self::Configuration(error) => error.fmt(f),
            Self::Said(_) => f.write_str("it did not succeed"),
            Self::ReaderLeft => f.write_str("the output was closed"),
        }
    }
}

impl std::error::Error for Failure {}

//! Colour, where a person reads it.

use std::io::IsTerminal;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No colour.
    pub const PLAIN: Self = Self { colour: false };

    /// Colour when `stream` is a terminal, unless `NO_COLOR` is set to anything.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: stream.is_terminal() && !refused }
    }

    /// Whether there is colour.
    pub const fn is_coloured(self) -> bool {
        self.colour
    }

    /// For what is wrong.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// For what helps.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// For what is looked for first.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

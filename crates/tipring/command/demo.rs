//! `tipring demo`

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use crate::demo;
use crate::style::Style;

/// What is shown.
#[derive(Debug, Args)]
pub struct Options {
    /// Place five calls, report on them, and leave: status 0 when all went well.
    #[arg(long)]
    once: bool,
}

/// Runs the gateway on loopback with a simulated card.
pub fn demo(options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    let style = Style::of(&io::stdout());
    if options.once { demo::once(out, style) } else { demo::live(out, style) }
}

//! `tipring check`

use std::io::Write;

use super::Failure;
use crate::cli::ConfigFile;
use crate::config::Config;

/// Reads the configuration, and says what is in it or what is wrong with it.
pub fn check(file: &ConfigFile, out: &mut dyn Write) -> Result<(), Failure> {
    let config = Config::load(file.config.as_deref())?;
    for sentence in &config.notes {
        writeln!(out, "note: {sentence}")?;
    }
    let counts = [
        (config.cards.len(), "card"),
        (config.lines.len(), "line"),
        (config.spans.len(), "span"),
        (config.users.len(), "user"),
        (config.trunks.len(), "trunk"),
        (config.groups.len(), "group"),
        (config.routes.len(), "route"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    match counts.as_slice() {
        [] => writeln!(out, "ok: nothing is configured")?,
        counts => writeln!(out, "ok: {}", counts.join(", "))?,
    }
    Ok(())
}

//! `tipring route`

use std::io::Write;

use clap::Args;
use tipring_call::Origin;
use tipring_core::{Cause, Number};

use super::Failure;
use crate::cli::ConfigFile;
use crate::config::{Config, closest};

/// What to look up.
#[derive(Debug, Args)]
pub struct Options {
    /// The number, as it would be dialled.
    number: String,
    /// Who calls: a line, span, trunk or user [default: a stranger, to whom only rules from "any" apply].
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

/// Tries every rule on the number and says where it leads.
pub fn route(options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    let config = Config::load(options.file.config.as_deref())?;
    let number = Number::new(options.number.as_str())
        .map_err(|error| Failure::Usage(format!("{:?} is no number: {error}", options.number)))?;
    let from = match options.from.as_deref() {
        None | Some("any") => Origin::Guest,
        Some(name) => origin(&config, name)?,
    };
    let plan = config.route_plan();
    writeln!(out, "{number} from {}", from.name().unwrap_or("a stranger"))?;
    for trace in plan.explain(&from, &number) {
        writeln!(out, "  {trace}")?;
    }
    match plan.route(&from, &number) {
        Ok(routed) if !from.may_call(&routed.target) => {
            writeln!(
                out,
                "leads to {}, but strangers may not call out (cause {})",
                routed.target,
                Cause::CALL_REJECTED
            )?;
            return Err(Failure::Said(1));
        }
        Ok(routed) => {
            writeln!(out, "leads to {}, which is called {}", routed.target, routed.number)?;
        }
        Err(none) => {
            writeln!(out, "leads nowhere: {none} (cause {})", none.cause())?;
            return Err(Failure::Said(1));
        }
    }
    Ok(())
}

fn origin(config: &Config, name: &str) -> Result<Origin, Failure> {
    let own = || name.to_owned();
    if config.lines.iter().any(|line| line.name == name) {
        return Ok(Origin::Line(own()));
    }
    if config.spans.iter().any(|span| span.name == name) {
        return Ok(Origin::Span(own()));
    }
    if config.trunks.iter().any(|trunk| trunk.name == name) {
        return Ok(Origin::Trunk(own()));
    }
    if config.users.iter().any(|user| user.name.as_str() == name) {
        return Ok(Origin::User(own()));
    }
    let lines = config.lines.iter().map(|line| line.name.as_str());
    let spans = config.spans.iter().map(|span| span.name.as_str());
    let trunks = config.trunks.iter().map(|trunk| trunk.name.as_str());
    let users = config.users.iter().map(|user| user.name.as_str());
    let meant = closest(name, lines.chain(spans).chain(trunks).chain(users));
    let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
    Err(Failure::Usage(format!("there is no line, span, trunk or user called {name:?}{hint}")))
}

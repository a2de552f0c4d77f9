//! The command line.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::command::{self, Failure};
use crate::log;
use crate::style::Style;
use crate::tool;

/// A gateway between analog phones, exchange lines, ISDN and SIP.
#[derive(Debug, Parser)]
#[command(name = "tipring", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Begin with `tipring demo`: it needs no configuration and no hardware.")]
pub struct Cli {
    /// Log more: once for debug, twice for trace.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Log less: once for warnings, twice for errors only.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    quiet: u8,
    /// How the log is written to standard error.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: log::Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Run(ConfigFile),
    /// Run the gateway on loopback with simulated telephones; nothing to configure.
    Demo(command::demo::Options),
    /// Run a simulated card behind a pseudo-terminal.
    Card(command::card::Options),
    /// Check a configuration file and show every problem in it.
    Check(ConfigFile),
    /// Show where a number leads, rule by rule, without calling it.
    Route(command::route::Options),
    /// Signal processing on files: DTMF, tones, G.711.
    #[command(subcommand)]
    Tool(tool::Tool),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file [default: tipring.toml, then /etc/tipring/tipring.toml].
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the program: exit status 0 for success, 1 for a failure, 2 for wrong usage or configuration.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // The demonstration shows what happens in its own way.
    let shown = i16::from(matches!(cli.command, Command::Demo(_)));
    let loudness = i16::from(cli.verbose) - i16::from(cli.quiet) - shown;
    let log = match log::start(cli.log_format, loudness) {
        Ok(log) => log,
        Err(error) => return report(&error.into()),
    };
    // Not locked: some commands write from other threads as well.
    let mut out = io::stdout();
    let done = match &cli.command {
        Command::Run(file) => command::run::run(file.config.as_ref(), &mut out),
        Command::Demo(options) => command::demo::demo(options, &mut out),
        Command::Card(options) => command::card::card(options, &mut out),
        Command::Check(file) => command::check::check(file, &mut out),
        Command::Route(options) => command::route::route(options, &mut out),
        Command::Tool(tool) => tool::run(tool, &mut out),
    };
    drop(log);
    match done.and_then(|()| out.flush().map_err(Failure::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// Says what went wrong on standard error.
fn report(failure: &Failure) -> ExitCode {
    let style = Style::of(&io::stderr());
    // Nobody is left to tell when standard error is gone.
    let _ = match failure {
        Failure::ReaderLeft => return ExitCode::SUCCESS,
        Failure::Said(code) => return ExitCode::from(*code),
        Failure::Configuration(error) => command::write_load_error(&mut io::stderr(), error, style),
        Failure::Usage(_) | Failure::Failed(_) => {
            writeln!(io::stderr(), "{} {failure}", style.red("tipring:"))
        }
    };
    ExitCode::from(failure.code())
}

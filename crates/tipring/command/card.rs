//! `tipring card`: a simulated card as a process of its own.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use tipring_runtime::clock::Clock;
use tipring_runtime::virtual_card;
use tipring_virtual_card::{CardSpec, ControlRequest};

use super::{Failure, no_signals};
use crate::control;
use crate::signals::Signals;

/// What card, and where.
#[derive(Debug, Args)]
pub struct Options {
    /// Its ports, like fxs=4.
    #[arg(long, value_name = "SPEC", value_parser = parse_spec)]
    ports: CardSpec,
    /// The pseudo-terminal's name: a link that is made, and removed when the card is unplugged.
    #[arg(long, value_name = "LINK")]
    pty: PathBuf,
    /// The control socket: who plays the people at the phones.
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// Another card of the same kind: its serial number comes of it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

fn parse_spec(text: &str) -> Result<CardSpec, String> {
    CardSpec::parse(text).map_err(|error| error.to_string())
}

/// Runs the card until SIGTERM or SIGINT.
pub fn card(options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    let mut signals = Signals::install().map_err(no_signals)?;
    let link = options.pty.display();
    let world =
        virtual_card::start_on_pty(Clock::start(), &options.ports, options.seed, &options.pty)
            .map_err(|error| Failure::Failed(format!("no pseudo-terminal at {link}: {error}")))?;
    if let Some(socket) = &options.control {
        control::serve(socket, world.clone()).map_err(|error| {
            let _ = world.control(ControlRequest::Unplug);
            Failure::Failed(format!("no control socket at {}: {error}", socket.display()))
        })?;
    }
    writeln!(out, "tipring card ready at {link}, {} ports", world.ports())?;
    out.flush()?;
    signals.wait_for_end();
    let _ = world.control(ControlRequest::Unplug);
    if let Some(socket) = &options.control {
        let _ = std::fs::remove_file(socket);
    }
    Ok(())
}

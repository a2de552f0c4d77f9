//! `tipring run`: the gateway, until it is told to leave.

use std::io::{self, Write};
use std::path::PathBuf;

use tipring_line::Country;
use tipring_runtime::clock::Clock;
use tipring_runtime::{CardDevice, Notice, Process, Request};
use tokio::sync::mpsc::UnboundedSender;

use super::Failure;
use crate::config::{Config, Device};
use crate::signals::{self, Signal};

/// Runs the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again.
pub fn run(file: Option<&PathBuf>, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let config = Config::load(file.map(PathBuf::as_path))?;
    for sentence in &config.not_in_service {
        tracing::warn!("{sentence}");
    }
    let mut started = start(Clock::start(), &config, |_| {})?;
    let ready =
        started.ready.recv().map_err(|_| Failure::Failed("the gateway did not start".into()))?;
    writeln!(out, "{ready}")?;
    out.flush()?;
    let requests = started.process.requests();
    let drain = config.gateway.drain;
    let mut leaving = false;
    let end = signals::each(|signal| match signal {
        Signal::Reload => {
            reload(file, &requests);
            signals::Next::Wait
        }
        Signal::End if leaving => signals::Next::Leave,
        Signal::End => {
            tracing::info!(
                patience_s = drain.as_secs(),
                "leaving when the calls are over; once more leaves at once"
            );
            let _ = requests.send(Request::Drain { patience: drain });
            leaving = true;
            signals::Next::WaitOr(started.gone.take())
        }
    });
    end.map_err(|error| Failure::Failed(format!("no signals: {error}")))?;
    drop(started.process);
    Ok(())
}

/// A gateway that has been started.
pub(crate) struct Started {
    /// It.
    pub(crate) process: Process,
    /// One line, when SIP and lines are in service.
    pub(crate) ready: std::sync::mpsc::Receiver<String>,
    /// Resolves when the gateway has left.
    pub(crate) gone: Option<tokio::sync::oneshot::Receiver<()>>,
    /// The simulated cards, by their place in the configuration.
    pub(crate) worlds: Vec<Option<tipring_runtime::virtual_card::CardWorld>>,
}

/// Starts the gateway of `config`; `notices` hears what it tells, on its own thread.
pub(crate) fn start(
    clock: Clock,
    config: &Config,
    mut notices: impl FnMut(&Notice) + Send + 'static,
) -> Result<Started, Failure> {
    let mut cards = Vec::new();
    let mut worlds = Vec::new();
    for (at, card) in config.cards.iter().enumerate() {
        let (device, world) = open_card(clock, &card.device, at, config.gateway.country)?;
        cards.push(device);
        worlds.push(world);
    }
    let shell = tipring_runtime::Config {
        gateway: config.to_gateway(),
        cards,
        cdr: config.cdr.clone(),
        realtime: true,
    };
    let (say, ready) = std::sync::mpsc::channel();
    let (left, gone) = tokio::sync::oneshot::channel();
    let mut left = Some(left);
    let process = Process::start(clock, shell, move |notice| {
        // Dropped with the signalling thread, and then `gone` resolves.
        let _ = &mut left;
        if let Notice::Ready { sip, lines } = &notice {
            let sip: Vec<String> = sip.iter().map(|address| format!("udp:{address}")).collect();
            let _ = say
                .send(format!("tipring ready: SIP at {}, {lines} lines in service", sip.join(" ")));
        }
        notices(&notice);
    })
    .map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Started { process, ready, gone: Some(gone), worlds })
}

fn open_card(
    clock: Clock,
    device: &Device,
    at: usize,
    country: &Country,
) -> Result<(CardDevice, Option<tipring_runtime::virtual_card::CardWorld>), Failure> {
    let attached = |device| Ok((CardDevice::Attached(device), None));
    match device {
        Device::Serial(path) => attached(tipring_card::thread::Device::Serial(text(path))),
        Device::Unix(path) => attached(tipring_card::thread::Device::Unix(text(path))),
        Device::Tcp(host, port) => {
            attached(tipring_card::thread::Device::Tcp(format!("{host}:{port}")))
        }
        Device::Virtual(spec) => {
            let spec = spec.to_virtual(country).ok_or_else(|| {
                Failure::Failed("a simulated card needs at least one fxs port".into())
            })?;
            let seed = u64::try_from(at).unwrap_or(0) + 1;
            let (end, world) = tipring_runtime::virtual_card::start_in_process(clock, &spec, seed)
                .map_err(|error| {
                    Failure::Failed(format!("a simulated card cannot start: {error}"))
                })?;
            Ok((CardDevice::Virtual(end), Some(world)))
        }
    }
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Reads the file again; a bad one changes nothing.
fn reload(file: Option<&PathBuf>, requests: &UnboundedSender<Request>) {
    match Config::load(file.map(PathBuf::as_path)) {
        Ok(config) => {
            let _ = requests.send(Request::Reload(Box::new(config.to_gateway())));
        }
        Err(error) => {
            tracing::error!("the configuration is not taken: {error}");
            let _ = super::write_load_error(
                &mut io::stderr(),
                &error,
                crate::style::Style::of(&io::stderr()),
            );
        }
    }
}

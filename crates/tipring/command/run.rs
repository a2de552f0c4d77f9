//! `tipring run`: the gateway, until it is told to leave.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use tipring_line::Country;
use tipring_runtime::clock::Clock;
use tipring_runtime::tls::Tls;
use tipring_runtime::{CardDevice, Notice, Process, Request};
use tokio::sync::mpsc;

use super::{Failure, no_signals};
use crate::config::{Config, Device, Listen, Sip, Transport};
use crate::signals::{Signal, Signals};

/// Runs the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again.
pub fn run(file: Option<&PathBuf>, out: &mut dyn Write) -> Result<(), Failure> {
    let mut signals = Signals::install().map_err(no_signals)?;
    let mut config = Config::load(file.map(PathBuf::as_path))?;
    for sentence in &config.notes {
        tracing::warn!("{sentence}");
    }
    // One word at the start; closed when the gateway has left.
    let (say, mut words) = mpsc::channel(1);
    let started = start(Clock::start(), &config, move |notice| {
        if let Notice::Ready { sip, lines } = notice {
            let _ = say.try_send(ready_line(sip, *lines));
        }
    })?;
    let mut told_to_leave = false;
    loop {
        match signals.next_or(words.recv()) {
            Ok(Signal::Reload) => reload(file, &mut config, &started.process),
            Ok(Signal::End) if told_to_leave => break,
            Ok(Signal::End) => {
                let patience = config.gateway.drain;
                tracing::info!(
                    patience_s = patience.as_secs(),
                    "leaving when the calls are over; once more leaves at once"
                );
                started.process.request(Request::Drain { patience });
                told_to_leave = true;
            }
            Err(Some(ready)) => {
                writeln!(out, "{ready}")?;
                out.flush()?;
            }
            Err(None) => break,
        }
    }
    started.process.leave().map_err(|lost| Failure::Failed(lost.to_string()))
}

fn ready_line(sip: &[(Transport, SocketAddr)], lines: usize) -> String {
    let listen = |&(transport, address)| Listen { transport, address }.to_string();
    let sip: Vec<String> = sip.iter().map(listen).collect();
    format!("tipring ready: SIP at {}, {lines} lines in service", sip.join(" "))
}

/// A gateway that has been started.
pub(crate) struct Started {
    /// It.
    pub(crate) process: Process,
    /// One word, when SIP and lines are in service.
    pub(crate) ready: std::sync::mpsc::Receiver<()>,
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
        dns: config.sip.dns.clone(),
        tls: config.sip.tls.clone(),
        ws_origins: config.sip.ws_origins.clone(),
        realtime: true,
    };
    let (say, ready) = std::sync::mpsc::sync_channel(1);
    let process = Process::start(clock, shell, move |notice| {
        if let Notice::Ready { .. } = &notice {
            let _ = say.try_send(());
        }
        notices(&notice);
    })
    .map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(Started { process, ready, worlds })
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
fn reload(file: Option<&PathBuf>, config: &mut Config, process: &Process) {
    match Config::load(file.map(PathBuf::as_path)) {
        Ok(new) => {
            process.request(Request::Reload(Box::new(new.to_gateway())));
            match Tls::load(&new.sip.tls) {
                Ok(tls) => process.request(Request::Tls(Box::new(tls))),
                Err(error) => tracing::error!("the old certificates stay in use: {error}"),
            }
            let waiting = take_over(config, new);
            if !waiting.is_empty() {
                let changed = waiting.join(", ");
                tracing::warn!("changed, but not before a restart: {changed}");
            }
        }
        Err(error) => tracing::error!("the configuration is not taken: {error}"),
    }
}

/// Makes `config` what is in use once `new` has been read; what is not, by name.
fn take_over(config: &mut Config, new: Config) -> Vec<String> {
    let waiting = waits_for_restart(config, &new);
    let Config { sip, web, cdr, cards, .. } = config.clone();
    let sip = Sip { tls: new.sip.tls.clone(), ..sip };
    *config = Config { sip, web, cdr, cards, ..new };
    waiting
}

/// What differs and only the program knows of; the gateway says the rest.
fn waits_for_restart(old: &Config, new: &Config) -> Vec<String> {
    let of = |name: &str| old.cards.iter().find(|card| card.name == name);
    let moved = new.cards.iter().filter(|card| of(&card.name).is_some_and(|old| old != *card));
    let mut found: Vec<String> =
        moved.map(|card| format!("the device of card {:?}", card.name)).collect();
    found.extend(changed_in_sip(&old.sip, &new.sip).map(|key| format!("{key} of [sip]")));
    if old.web != new.web {
        found.push("the address of the web page".to_owned());
    }
    if old.cdr != new.cdr {
        found.push("the path of the call records".to_owned());
    }
    found
}

/// The keys of `[sip]` that differ. All are read at the start, but for the certificates.
fn changed_in_sip(old: &Sip, new: &Sip) -> impl Iterator<Item = &'static str> {
    let Sip {
        listen,
        advertise,
        domain,
        rtp_ports,
        codecs,
        ptime_ms,
        session_expires_s,
        min_se_s,
        reliable,
        tls: _,
        ws_origins,
        max_connections,
        max_connections_per_address,
        min_expires,
        max_expires,
        dns,
        digest,
    } = old;
    let keys = [
        ("listen", *listen != new.listen),
        ("advertise", *advertise != new.advertise),
        ("domain", *domain != new.domain),
        ("rtp_ports", *rtp_ports != new.rtp_ports),
        ("codecs", *codecs != new.codecs),
        ("ptime_ms", *ptime_ms != new.ptime_ms),
        ("session_expires_seconds", *session_expires_s != new.session_expires_s),
        ("min_se_seconds", *min_se_s != new.min_se_s),
        ("reliable", *reliable != new.reliable),
        ("ws_origins", *ws_origins != new.ws_origins),
        ("max_connections", *max_connections != new.max_connections),
        (
            "max_connections_per_address",
            *max_connections_per_address != new.max_connections_per_address,
        ),
        ("min_expires_seconds", *min_expires != new.min_expires),
        ("max_expires_seconds", *max_expires != new.max_expires),
        ("dns", *dns != new.dns),
        ("digest", *digest != new.digest),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse("test", text).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn a_card_that_moved_and_records_that_go_elsewhere_wait_for_a_restart() {
        let card = |device| config(&format!("[[card]]\nname = \"desk\"\ndevice = \"{device}\""));
        let old = card("/dev/ttyACM0");
        assert_eq!(waits_for_restart(&old, &old.clone()), [""; 0]);
        let moved = waits_for_restart(&old, &card("/dev/ttyACM1"));
        assert_eq!(moved, ["the device of card \"desk\""]);
        let elsewhere = config("[cdr]\npath = \"\"");
        assert_eq!(waits_for_restart(&config(""), &elsewhere), ["the path of the call records"]);
    }

    #[test]
    fn every_key_of_sip_that_is_read_at_the_start_waits_for_a_restart() {
        let old = config("");
        for line in [
            "listen = [\"udp:127.0.0.1:5070\"]",
            "advertise = \"192.0.2.1\"",
            "dns = [\"192.0.2.53\"]",
            "ws_origins = [\"https://example.org\"]",
            "max_connections = 10",
            "max_connections_per_address = 10",
            "codecs = [\"alaw\"]",
        ] {
            let key = line.split(' ').next().expect("a key");
            let waiting = waits_for_restart(&old, &config(&format!("[sip]\n{line}")));
            assert_eq!(waiting, [format!("{key} of [sip]")]);
        }
    }

    #[test]
    fn what_waits_for_a_restart_is_named_each_time_and_no_more_when_it_is_taken_back() {
        let mut in_use = config("");
        let changed = || config("[sip]\ndns = [\"192.0.2.53\"]");
        for _ in 0..2 {
            assert_eq!(take_over(&mut in_use, changed()), ["dns of [sip]"]);
        }
        assert_eq!(take_over(&mut in_use, config("")), [""; 0]);
    }
}

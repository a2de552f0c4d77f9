//! The gateway of the demonstration: four phones on a simulated card, a few SIP accounts, loopback only, no files.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::mpsc;
use std::time::Duration;

use tipring_gateway::EndedCall;
use tipring_runtime::Notice;
use tipring_runtime::clock::Clock;
use tipring_runtime::virtual_card::CardWorld;

use crate::command::Failure;
use crate::command::run::{Started, start};
use crate::config::Config;

/// A phone of the demonstration: its number, its name, its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) number: &'static str,
    pub(crate) name: &'static str,
    pub(crate) display: &'static str,
    pub(crate) port: u8,
}

/// All of them, in the order of their ports.
pub(crate) const PHONES: [Phone; 4] = [
    Phone { number: "101", name: "kitchen", display: "Kitchen", port: 1 },
    Phone { number: "102", name: "hall", display: "Hall", port: 2 },
    Phone { number: "103", name: "study", display: "Study", port: 3 },
    Phone { number: "104", name: "attic", display: "Attic", port: 4 },
];

/// The SIP accounts, with one password for all.
pub(crate) const ACCOUNTS: [&str; 3] = ["201", "202", "203"];
/// The password.
pub(crate) const PASSWORD: &str = "demo";

/// SIP ports tried in a row, from the standard's on.
const SIP_PORTS: u16 = 20;
/// Ports for RTP and RTCP: enough for twenty streams, and those that rest after a call.
const RTP_PORTS: u16 = 80;
/// How long the gateway and its card may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The running gateway.
pub(crate) struct House {
    pub(crate) clock: Clock,
    pub(crate) sip: SocketAddr,
    pub(crate) started: Started,
    pub(crate) world: CardWorld,
}

/// The configuration, as a user would write it into a file.
pub(crate) fn configuration(sip: SocketAddr, rtp: &RangeInclusive<u16>) -> String {
    let mut text = format!(
        "[gateway]\ncountry = \"us\"\n\n\
         [sip]\nlisten = [\"udp:{sip}\"]\nrtp_ports = \"{}-{}\"\n\n\
         [web]\nlisten = \"\"\n\n[cdr]\npath = \"\"\n\n\
         [[card]]\nname = \"demo\"\ndevice = \"virtual:fxs={}\"\n",
        rtp.start(),
        rtp.end(),
        PHONES.len()
    );
    for phone in PHONES {
        let Phone { number, name, display, port } = phone;
        text += &format!(
            "\n[[line]]\nname = \"{name}\"\ncard = \"demo\"\nport = {port}\nnumber = \"{number}\"\n\
             caller_name = \"{display}\"\n"
        );
    }
    for name in ACCOUNTS {
        text += &format!("\n[[user]]\nname = \"{name}\"\npassword = \"{PASSWORD}\"\n");
    }
    text
}

/// Starts it on any free ports, or on the usual ones if they are free. `ended` hears of every call that is over.
pub(crate) fn open(
    usual_ports: bool,
    mut ended: impl FnMut(&EndedCall) + Send + 'static,
) -> Result<House, Failure> {
    let sip = sip_address(usual_ports)?;
    let rtp = rtp_range(usual_ports)?;
    let config = Config::parse("demo", &configuration(sip, &rtp))
        .map_err(|report| Failure::Configuration(crate::config::LoadError::Wrong(report)))?;
    let clock = Clock::start();
    let started = start(clock, &config, move |notice| {
        if let Notice::Ended(call) = notice {
            ended(call);
        }
    })?;
    let late = |_: mpsc::RecvTimeoutError| Failure::Failed("the gateway did not start".to_owned());
    started.ready.recv_timeout(PATIENCE).map_err(late)?;
    let world = started.worlds.iter().flatten().next().cloned();
    let world = world.ok_or_else(|| Failure::Failed("the simulated card is gone".to_owned()))?;
    Ok(House { clock, sip, started, world })
}

fn sip_address(usual: bool) -> Result<SocketAddr, Failure> {
    let ports = if usual { 5060..5060 + SIP_PORTS } else { 0..1 };
    for port in ports.step_by(2) {
        match UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).and_then(|socket| socket.local_addr()) {
            Ok(address) => return Ok(address),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(no_ports(&error.to_string())),
        }
    }
    Err(no_ports("all are in use"))
}

/// A run of ports of which all are free now.
fn rtp_range(usual: bool) -> Result<RangeInclusive<u16>, Failure> {
    let usual = usual.then_some(20_000).into_iter();
    let free = std::iter::repeat_with(|| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        // Below those that the system gives out, where it might give one away meanwhile.
        let port = socket.local_addr().ok()?.port();
        Some(10_000 + port % 20_000 / 2 * 2)
    });
    usual
        .chain(free.take(50).flatten())
        .map(|first| first..=first + RTP_PORTS - 1)
        .find(|range| {
            range.clone().all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
        .ok_or_else(|| no_ports("no run of them is free"))
}

fn no_ports(why: &str) -> Failure {
    Failure::Failed(format!("no UDP ports can be had on {}: {why}", Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one_that_users_could_write() {
        let sip = "127.0.0.1:5060".parse().expect("an address");
        let config = Config::parse("demo", &configuration(sip, &(20_000..=20_079)));
        let config = config.unwrap_or_else(|report| panic!("{report}"));
        assert!(config.notes.is_empty(), "{:?}", config.notes);
        assert_eq!((config.lines.len(), config.users.len()), (PHONES.len(), ACCOUNTS.len()));
        assert_eq!((config.cdr, config.web), (None, None));
    }
}

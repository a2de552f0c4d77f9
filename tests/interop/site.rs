//! A gateway with one simulated card, each a process, in a folder of their own.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tipring_core::Redact;

use crate::control::{Control, KEY, PATIENCE};
use crate::process::{Process, given, until};
use crate::stalls;

/// The program under test.
const TIPRING: &str = env!("CARGO_BIN_EXE_tipring");

/// What a gateway is besides a card with telephones.
#[derive(Default)]
pub struct Plan<'a> {
    /// Everything is over IPv6.
    pub ipv6: bool,
    /// SIP is served over TLS as well.
    pub tls: bool,
    /// Whom the gateway believes over TLS.
    pub believes: Option<&'a Certificate>,
    /// Keys of `[gateway]`.
    pub gateway: &'a str,
    /// Keys of `[sip]`.
    pub sip: &'a str,
    /// Sections after all others.
    pub more: &'a str,
}

/// What runs in one test.
pub struct Site {
    /// The telephones.
    pub phones: Control,
    /// Where SIP is served.
    pub sip: SocketAddr,
    /// Where it is over TLS, if the plan says so.
    pub tls: Option<Tls>,
    /// `tipring run`.
    pub gateway: Process,
    /// `tipring card`; its log is shown when a test fails.
    _card: Process,
    /// Numbers, as logs show them, that came of a stop of this machine while another was dialled.
    misdialled: Vec<String>,
    folder: Folder,
}

impl Site {
    /// A card with `phones` telephones (numbers 101, 102, …, at lines of the same name) and a gateway that serves them;
    /// `more` is added to its configuration.
    pub fn start(phones: u8, more: &str) -> Self {
        Self::planned(phones, &Plan { more, ..Plan::default() })
    }

    /// The same, by a plan.
    pub fn planned(phones: u8, plan: &Plan<'_>) -> Self {
        let folder = Folder::new();
        let (link, socket) = (folder.file("card"), folder.file("control"));
        let mut card = Command::new(TIPRING);
        card.args(["card", "--ports", &format!("fxs={phones}")]);
        card.arg("--pty").arg(&link).arg("--control").arg(&socket);
        let mut card = Process::start("card", folder.path(), &mut card);
        card.wait_for_text("tipring card ready", PATIENCE);
        let phones_control = Control::connect(&socket);

        let ip = if plan.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let sip = SocketAddr::new(ip, free_port());
        let tls = plan.tls.then(|| Tls::make(&folder, SocketAddr::new(ip, free_port())));
        if let Some(believed) = plan.believes {
            fs::write(folder.file("ca.pem"), &believed.certificate).expect("a file");
        }
        let config = folder.file("tipring.toml");
        fs::write(&config, configuration(sip, tls.as_ref(), phones, plan))
            .expect("a configuration file");
        let mut run = Command::new(TIPRING);
        run.arg("-v").arg("run").arg("--config").arg(&config);
        let mut gateway = Process::start("gateway", folder.path(), &mut run);
        gateway.wait_for_text("tipring ready", PATIENCE);
        assert!(gateway.log().contains(&format!("{phones} lines in service")));
        let misdialled = Vec::new();
        Self { phones: phones_control, sip, tls, gateway, _card: card, misdialled, folder }
    }

    /// The folder of this test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Lifts a handset and dials. Where this machine stopped meanwhile and swallowed a key, or tore it in two, that is
    /// tried again, and what came of it is passed over in the records.
    pub fn call(&mut self, port: u8, digits: &str) {
        let wanted = Redact::Number(digits).to_string();
        stalls::despite_stops(&format!("{wanted} is dialled"), || {
            let before = self.dialled().len();
            self.phones.dials(port, digits);
            let number = given(PATIENCE, || self.dialled().into_iter().nth(before));
            // Of longer ones the log shows the first digits, and routes look at no others.
            let is_good = number.as_ref().is_some_and(|number| {
                *number == wanted || (digits.len() > 4 && number.len() == wanted.len())
            });
            if !is_good {
                self.misdialled.extend(number);
                self.phones.on_hook(port);
                self.rests();
            }
            is_good.then_some(())
        });
    }

    /// What was dialled so far, as the log shows it.
    fn dialled(&self) -> Vec<String> {
        let log = self.gateway.log();
        let numbers = log.lines().filter(|line| line.contains(" dialled line="));
        numbers
            .filter_map(|line| line.rsplit_once("called="))
            .map(|(_, number)| number.to_owned())
            .collect()
    }

    /// Presses a key at one telephone in a call, until it is heard at another.
    pub fn key_passes(&mut self, from: u8, to: u8, digit: &str) {
        let heard = json!({"event": "digit", "port": to, "digit": digit});
        stalls::despite_stops(&format!("{digit} is heard"), || {
            self.phones.presses(from, digit);
            self.phones.hear(KEY, &heard)
        });
    }

    /// The first two telephones hear each other: a key at either is heard at the other.
    pub fn phones_talk(&mut self) {
        self.key_passes(1, 2, "3");
        self.key_passes(2, 1, "4");
    }

    /// Puts the only telephone down and waits until the gateway has seen it: a flash could be as short.
    pub fn hangs_up(&mut self) {
        self.phones.on_hook(1);
        self.rests();
    }

    /// Waits until the telephone that did something last is at rest.
    fn rests(&self) {
        until("the telephone to be at rest", PATIENCE, || {
            let log = self.gateway.log();
            let last = log.lines().rev().find(|line| line.contains("port state"))?;
            last.contains("after=on-hook").then_some(())
        });
    }

    /// Waits until `count` call records are written, and gives them.
    pub fn records(&self, count: usize) -> Vec<Value> {
        let read = || -> Vec<Value> {
            let text = fs::read_to_string(self.file("cdr.jsonl")).unwrap_or_default();
            // A line without its end is being written.
            let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            let records = lines.map(|line| serde_json::from_str(line).expect("JSON on each line"));
            records.filter(|record| !self.is_misdialled(record)).collect()
        };
        until(&format!("{count} call records"), PATIENCE, || {
            let records = read();
            (records.len() >= count).then_some(records)
        })
    }

    fn is_misdialled(&self, record: &Value) -> bool {
        let called = Redact::Number(record["called"].as_str().unwrap_or_default()).to_string();
        self.misdialled.contains(&called)
    }

    /// Ends the gateway, which must leave at once and well: nothing is going on any more. Gives all its records.
    pub fn leave(self, records: usize) -> Vec<Value> {
        self.leave_and_sum_up(records).0
    }

    /// The same, with how its ticks fared.
    pub fn leave_and_sum_up(mut self, records: usize) -> (Vec<Value>, Ticks) {
        self.records(records);
        let status = self.gateway.terminate(PATIENCE);
        assert!(status.success(), "the gateway leaves with {status}");
        let found = self.records(records);
        assert_eq!(found.len(), records, "{found:#?}");
        let log = self.gateway.log();
        let bad: Vec<&str> =
            log.lines().filter(|line| line.contains("ERROR") || line.contains("panick")).collect();
        assert!(bad.is_empty(), "{}", bad.join("\n"));
        let left = "calls=0 legs=0 streams=0 rtp_ports=0 lines_in_use=0 unsettled=0";
        let leaving = log.lines().find(|line| line.contains("leaving calls="));
        assert!(leaving.is_some_and(|line| line.contains(left)), "left behind: {leaving:?}");
        let audio = log.lines().find(|line| line.contains("audio summed up")).expect("a summary");
        eprintln!("{audio}");
        (found, Ticks::parse(audio))
    }
}

/// What the gateway says of its media thread.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    /// Ticks without the card's block, which did not come within 20 ms.
    pub missed: u64,
    /// Ticks whose block came more than 5 ms late.
    pub late: u64,
}

impl Ticks {
    fn parse(line: &str) -> Self {
        let of = |key: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(key));
            value.and_then(|value| value.parse().ok()).expect("a number")
        };
        Self { missed: of("missed="), late: of("late=") }
    }
}

/// A port of 127.0.0.1 that nobody has now, neither over UDP nor over TCP.
pub fn free_port() -> u16 {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = socket.local_addr().expect("its address").port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn configuration(sip: SocketAddr, tls: Option<&Tls>, phones: u8, plan: &Plan<'_>) -> String {
    // Outside of the ports that the system hands out; not the same for two runs at a time.
    let rtp = 21_000 + 200 * (std::process::id() % 50);
    let (listen, certificate) = tls.map_or_else(Default::default, |tls| {
        let ca = plan.believes.map_or("", |_| "ca = \"ca.pem\"\n");
        let files = "[sip.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
        (format!(", \"tls:{}\"", tls.address), format!("{files}{ca}"))
    });
    let mut text = format!(
        "[gateway]\ncountry = \"us\"\ndrain_seconds = 2\n{}\
         [sip]\nlisten = [\"udp:{sip}\", \"tcp:{sip}\"{listen}]\ndomain = \"tipring.test\"\n\
         rtp_ports = \"{rtp}-{}\"\n{}{certificate}\
         [web]\nlisten = \"\"\n[cdr]\npath = \"cdr.jsonl\"\n\
         [[card]]\nname = \"desk\"\ndevice = \"card\"\n",
        plan.gateway,
        rtp + 199,
        plan.sip
    );
    for port in 1..=phones {
        let number = 100 + u16::from(port);
        text += &format!(
            "[[line]]\nname = \"line{number}\"\ncard = \"desk\"\nport = {port}\nnumber = \"{number}\"\n\
             caller_name = \"Phone {port}\"\n"
        );
    }
    text + plan.more
}

/// Where SIP is served over TLS, and whom to believe.
pub struct Tls {
    pub address: SocketAddr,
    pub ca: PathBuf,
}

impl Tls {
    fn make(folder: &Folder, address: SocketAddr) -> Self {
        let made = Certificate::make(address.ip());
        let ca = folder.file("certificate.pem");
        fs::write(&ca, made.certificate).expect("a file");
        fs::write(folder.file("key.pem"), made.key).expect("a file");
        Self { address, ca }
    }
}

/// A certificate that vouches for itself, and its key, in PEM.
pub struct Certificate {
    pub certificate: String,
    pub key: String,
}

impl Certificate {
    /// One of whoever is at an address of this machine.
    pub fn make(ip: IpAddr) -> Self {
        let names = vec![ip.to_string(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tipring-interop-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Longer than any one thing in these tests takes.
pub const LONG: Duration = Duration::from_secs(20);

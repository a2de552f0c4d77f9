//! linphone: `linphone-daemon`, told what to do at its standard input; what happens is in its log.
//!
//! It needs neither a display nor a sound card: without one it sends silence.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{ChildStdin, Command};
use std::time::Duration;

use crate::control::PATIENCE;
use crate::process::{Process, until};
use crate::site::{LONG, Site, free_port};

/// A linphone at work.
pub struct Linphone {
    _process: Process,
    stdin: ChildStdin,
    log: PathBuf,
    /// Where it is registered: host and port.
    server: String,
    /// How much of its log has been waited for.
    read: usize,
}

impl Linphone {
    /// Starts it and has it register as the user 2001 over a transport; `more` is added to the `[sip]` section of its
    /// configuration.
    pub fn start(site: &Site, transport: &str, more: &str) -> Self {
        let folder = site.file("linphone");
        // Where it keeps its database.
        fs::create_dir_all(folder.join(".local/share/linphone")).expect("a folder");
        let (config, log) = (folder.join("linphonerc"), folder.join("log"));
        // Ports of its own choice (-1), but not for audio.
        let text = format!(
            "[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\nuse_ipv6={}\n{more}\
             [net]\nfirewall_policy=none\n[rtp]\naudio_rtp_port={}\n",
            u8::from(site.sip.is_ipv6()),
            free_port()
        );
        fs::write(&config, text).expect("a file");
        let mut command = Command::new("linphone-daemon");
        command.arg("--config").arg(&config).arg("--log").arg(&log);
        command.arg("--disable-stats-events").env("HOME", &folder);
        let (process, stdin) = Process::start_to_tell("linphone", site.folder(), &mut command);
        let server = match (&site.tls, transport) {
            // Its TLS (mbed TLS 2.28) knows no IP addresses in certificates (RFC 5280 §4.2.1.6), only names.
            (Some(tls), "tls") => format!("localhost:{}", tls.address.port()),
            _ => site.sip.to_string(),
        };
        let mut linphone = Self { _process: process, stdin, log, server, read: 0 };
        let server = &linphone.server;
        linphone.tell(&format!(
            "register sip:2001@{server} <sip:{server};transport={transport}> secret 2001"
        ));
        linphone.expect_within(LONG, "to [LinphoneRegistrationOk]");
        linphone
    }

    /// The address of a number at the gateway.
    pub fn address(&self, number: u16) -> String {
        format!("sip:{number}@{}", self.server)
    }

    /// Tells it to do something.
    pub fn tell(&mut self, command: &str) {
        self.stdin.write_all(format!("{command}\n").as_bytes()).expect("it listens");
    }

    /// Waits until its call has come to a state.
    pub fn call_is(&mut self, state: &str) {
        self.expect(&format!(" to LinphoneCall{state}\n"));
    }

    /// Waits until its log says `text`, after what was waited for before.
    pub fn expect(&mut self, text: &str) {
        self.expect_within(PATIENCE, text);
    }

    /// The same, where it may take longer.
    pub fn expect_within(&mut self, within: Duration, text: &str) {
        self.read = until(&format!("linphone to say {text:?}"), within, || {
            let log = self.log();
            let at = log[self.read..].find(text)?;
            Some(self.read + at + text.len())
        });
    }

    /// Its log, with every message.
    pub fn log(&self) -> String {
        let octets = fs::read(&self.log).unwrap_or_default();
        // One character an octet, so that places stay where they are.
        octets.iter().map(|octet| if octet.is_ascii() { char::from(*octet) } else { '?' }).collect()
    }
}

impl Drop for Linphone {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of linphone\n{}", self.log());
        }
    }
}

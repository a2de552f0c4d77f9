//! SIPp: scenarios from `sipp/`, one process each.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;
use crate::site::{Site, free_port};

/// A SIPp at work.
pub struct Sipp {
    process: Process,
    messages: PathBuf,
}

/// A scenario with its places filled in.
pub struct Scenario {
    name: &'static str,
    text: String,
    arguments: Vec<String>,
    port: u16,
}

impl Scenario {
    /// `sipp/NAME.xml`.
    pub fn new(name: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/sipp");
        let path = folder.join(format!("{name}.xml"));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name, text, arguments: Vec::new(), port: free_port() }
    }

    /// Puts `value` in the place `@PLACE@`.
    #[must_use]
    pub fn with(mut self, place: &str, value: impl ToString) -> Self {
        let place = format!("@{place}@");
        assert!(self.text.contains(&place), "{}.xml has no {place}", self.name);
        self.text = self.text.replace(&place, &value.to_string());
        self
    }

    /// An argument for SIPp.
    #[must_use]
    pub fn argument(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// Minds proxies that stay in the path: repeats Record-Route in responses, and sends what is within the dialog by its
    /// route.
    #[must_use]
    pub fn through_proxies(mut self) -> Self {
        let responses = "[last_CSeq:]\n";
        self.text =
            self.text.replace(responses, &format!("{responses}      [last_Record-Route:]\n"));
        let routed = |message: &str| {
            let Some(cseq) = message.find("CSeq: ").filter(|_| message.contains("[next_url]"))
            else {
                return message.to_owned();
            };
            let line = cseq + message[cseq..].find('\n').expect("a whole line") + 1;
            format!("{}      [routes]\n{}", &message[..line], &message[line..])
        };
        let messages: Vec<String> = self.text.split("<![CDATA[").map(routed).collect();
        self.text = messages.join("<![CDATA[");
        let received = "<recv request=\"INVITE\"";
        self.text =
            self.text.replace(&format!("{received}/>"), &format!("{received} rrs=\"true\"/>"));
        self
    }

    /// It speaks over TCP, all calls on one connection.
    #[must_use]
    pub fn over_tcp(self) -> Self {
        self.argument("-t").argument("t1")
    }

    /// Where it shall listen.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// It calls `number` at the gateway.
    pub fn call(self, site: &Site, number: &str) -> Sipp {
        self.call_by(site.sip, site, number)
    }

    /// It calls `number` by way of `to`.
    pub fn call_by(self, to: SocketAddr, site: &Site, number: &str) -> Sipp {
        self.argument("-s").argument(number).argument(to).start(site)
    }

    /// It waits for calls.
    pub fn wait(self, site: &Site) -> Sipp {
        let (ip, port) = (site.sip.ip(), self.port);
        let sipp = self.start(site);
        crate::process::until("SIPp to listen", Duration::from_secs(5), || {
            let by_udp = std::net::UdpSocket::bind((ip, port)).is_err();
            (by_udp || listens_on_tcp(port)).then_some(())
        });
        sipp
    }

    fn start(self, site: &Site) -> Sipp {
        let Self { name, text, arguments, port } = self;
        let label = format!("sipp-{name}-{port}");
        let scenario = site.file(&format!("{label}.xml"));
        fs::write(&scenario, text).expect("a scenario");
        let messages = site.file(&format!("{label}.messages"));
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(scenario).args(["-p", &port.to_string()]);
        command.arg("-i").arg(site.sip.ip().to_string());
        command.args(["-nostdin", "-trace_err", "-trace_msg"]);
        command.arg("-message_file").arg(&messages);
        command.arg("-error_file").arg(site.file(&format!("{label}.errors")));
        if !arguments.iter().any(|argument| argument == "-m") {
            command.args(["-m", "1"]);
        }
        command.args(["-timeout", "120s", "-timeout_error"]).args(arguments);
        Sipp { process: Process::start(&label, site.folder(), &mut command), messages }
    }
}

/// Whether anybody listens at this port over TCP; looked up, since to try it would be a connection.
fn listens_on_tcp(port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    // `1: 0100007F:13C4 00000000:0000 0A`: address, peer, state LISTEN.
    sockets.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next().is_some_and(|local| local.ends_with(&format!(":{port:04X}")));
        local && words.nth(1) == Some("0A")
    })
}

impl Sipp {
    /// Waits until its scenario is over; every step must have come as the scenario says.
    pub fn succeeds(&mut self, within: Duration) {
        let status = self.process.wait(within);
        assert!(status.success(), "SIPp leaves with {status}:\n{}", self.messages());
    }

    /// Its trace of all messages.
    pub fn messages(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.messages).unwrap_or_default()).into_owned()
    }

    /// How many messages it received that begin with `start`.
    pub fn received(&self, start: &str) -> usize {
        // A heading, an empty line, the message.
        let text = self.messages();
        let blocks = text.split("message received").skip(1);
        let bodies = blocks.filter_map(|block| block.split_once("\n\n").map(|(_, body)| body));
        bodies.filter(|body| body.trim_start().starts_with(start)).count()
    }
}

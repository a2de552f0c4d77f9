//! pjsua2: `pjsua/peer.py`, told what to do at its standard input and telling what happens at its standard output, both
//! in lines of JSON.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use serde_json::{Value, json};

use crate::control::{KEY, PATIENCE, has};
use crate::process::{Process, given, until};
use crate::site::{LONG, Site};
use crate::stalls;

/// A pjsua2 at work.
pub struct Pjsua {
    process: Process,
    stdin: ChildStdin,
    log: PathBuf,
    /// How much of its output has been read.
    read: usize,
    /// What it has said and nobody has waited for yet.
    events: Vec<Value>,
}

impl Pjsua {
    /// Starts it as the user 2001 over UDP, without anything optional, and waits until it has registered; `more` is what
    /// is different, by the names in `peer.py`.
    pub fn start(site: &Site, more: Value) -> Self {
        let mut pjsua = Self::start_without_waiting(site, more);
        pjsua.expect(&json!({"event": "registered", "status": 200}));
        pjsua
    }

    /// The same; it may have registered or not.
    pub fn start_without_waiting(site: &Site, more: Value) -> Self {
        let log = site.file("pjsua.trace");
        let mut setup = json!({
            "user": "2001", "password": "secret", "server": site.sip, "address": site.sip.ip(),
            "transport": "udp", "reliable": "off", "timer": "off", "interval": 1800, "answers": false, "log": log,
        });
        let Value::Object(more) = more else { panic!("fields, not {more}") };
        setup.as_object_mut().expect("fields").extend(more);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(root.join("target/interop/venv/bin/python"));
        command.arg(root.join("tests/interop/pjsua/peer.py")).arg(setup.to_string());
        let (process, stdin) = Process::start_to_tell("pjsua", site.folder(), &mut command);
        let mut pjsua = Self { process, stdin, log, read: 0, events: Vec::new() };
        // Python has much to load.
        pjsua.expect_within(LONG, &json!({"event": "ready"}));
        pjsua
    }

    /// Tells it to do something.
    pub fn tell(&mut self, command: &Value) {
        self.stdin.write_all(format!("{command}\n").as_bytes()).expect("it listens");
    }

    /// Waits until it has said something that has all fields of `wanted`, and takes that.
    pub fn expect(&mut self, wanted: &Value) -> Value {
        self.expect_within(PATIENCE, wanted)
    }

    fn expect_within(&mut self, within: Duration, wanted: &Value) -> Value {
        until(&format!("pjsua2 to say {wanted}"), within, || self.take(wanted))
    }

    /// What it has said that has all fields of `wanted`.
    fn take(&mut self, wanted: &Value) -> Option<Value> {
        assert!(self.process.is_running(), "pjsua2 has ended");
        let output = self.process.log();
        let whole = output.rfind('\n').map_or(0, |end| end + 1);
        let lines = output[self.read..whole].lines().filter(|line| line.starts_with('{'));
        self.events.extend(lines.map(|line| serde_json::from_str(line).expect("JSON")));
        self.read = whole;
        let failed = self.events.iter().find(|event| event["event"] == "error");
        assert!(failed.is_none(), "{failed:?}");
        let at = self.events.iter().position(|event| has(event, wanted))?;
        Some(self.events.remove(at))
    }

    /// A key that is pressed at the first telephone arrives there.
    pub fn hears(&mut self, site: &mut Site, digit: &str) {
        let heard = json!({"event": "digit", "digit": digit});
        stalls::despite_stops(&format!("pjsua2 hears {digit}"), || {
            site.phones.presses(1, digit);
            given(KEY, || self.take(&heard))
        });
    }

    /// Waits until a call of its own has come to a state, as pjsip calls it.
    pub fn call_is(&mut self, call: u8, state: &str) -> Value {
        self.expect(&json!({"event": "call", "call": call, "state": state}))
    }

    /// Waits until the audio of a call is in a state, as `peer.py` calls it.
    pub fn media_is(&mut self, call: u8, status: &str) {
        self.expect(&json!({"event": "media", "call": call, "status": status}));
    }

    /// The messages that it has received, as in its log.
    pub fn received(&self) -> Vec<String> {
        self.messages(" from ")
    }

    /// The messages that it has sent.
    pub fn sent(&self) -> Vec<String> {
        self.messages(" to ")
    }

    /// The last message received that begins with `start` and has CSeq `method`.
    pub fn last_received(&self, start: &str, method: &str) -> String {
        let mut all = self.received().into_iter().rev();
        let wanted = all.find(|message| {
            let of = field(message, "CSeq").is_some_and(|cseq| cseq.ends_with(method));
            message.starts_with(start) && of
        });
        wanted.unwrap_or_else(|| panic!("no {start} ({method}) has come"))
    }

    /// Those in the log whose heading has `way`: `… RX 351 bytes … from UDP …:\n`, the message, `\n--end msg--`.
    fn messages(&self, way: &str) -> Vec<String> {
        let log = String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned();
        let parts = log.split("\n--end msg--");
        let messages = parts.filter_map(|part| {
            let heading = part.lines().position(|line| {
                let traced = line.contains("TX ") || line.contains("RX ");
                traced && line.contains(" bytes ") && line.contains(way) && line.ends_with(':')
            })?;
            Some(part.lines().skip(heading + 1).collect::<Vec<_>>().join("\n"))
        });
        messages.collect()
    }
}

impl Drop for Pjsua {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let shown = fs::read(&self.log).unwrap_or_default();
            eprintln!("--- messages of pjsua2\n{}", String::from_utf8_lossy(&shown));
        }
    }
}

/// A header field of a message.
pub fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let heads = message.split("\n\n").next()?;
    heads.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
}

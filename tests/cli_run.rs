//! `tipring run`: it is ready when it says so, takes signals, and says once what is wrong.

#[path = "cli/folder.rs"]
mod folder;

use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use folder::Folder;
use serde_json::Value;

const TWO_LINES: &str = r#"
[cdr]
path = ""
[[card]]
name = "desk"
device = "virtual:fxs=2"
[[line]]
name = "kitchen"
card = "desk"
port = 1
[[line]]
name = "office"
card = "desk"
port = 2
"#;

/// `[sip]` on a port that nobody has at the moment.
fn sip() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    format!("[sip]\nlisten = [\"udp:{}\"]\n", socket.local_addr().expect("an address"))
}

/// A running gateway; killed if it is still there in the end.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(file: &str) -> Self {
        Self::start_with(&[], file)
    }

    fn start_with(options: &[&str], file: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tipring"))
            .args(["--log-format", "json"])
            .args(options)
            .args(["run", "--config"])
            .arg(file)
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, out, log }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        line
    }

    /// Every line of the log until one says `wanted`; each is an object.
    fn log_until(&mut self, wanted: &str) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(
                self.log.read_line(&mut line).expect("text"),
                0,
                "{wanted} is not in the log"
            );
            found.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}")));
            if line.contains(wanted) {
                return found;
            }
        }
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().expect("a shell").success());
    }

    /// The exit status, and the rest of the log.
    fn leave(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_is_ready_with_its_lines_and_a_bad_file_is_said_once() {
    let folder = Folder::new("run");
    let text = format!("{}{TWO_LINES}", sip());
    let file = folder.write("tipring.toml", &text);
    let mut gateway = Running::start(&file);
    let ready = gateway.line();
    assert!(ready.starts_with("tipring ready: SIP at udp:127.0.0.1:"), "{ready}");
    assert!(ready.ends_with(", 2 lines in service\n"), "{ready}");
    folder.write("tipring.toml", text.replace("fxs=2", "fxs=3"));
    gateway.signal("HUP");
    gateway.log_until("the device of card \\\"desk\\\"");
    folder.write("tipring.toml", "[sip]\nlisten = \"nowhere\"\n");
    gateway.signal("HUP");
    gateway.log_until("the configuration is not taken");
    gateway.signal("TERM");
    let (status, rest) = gateway.leave();
    assert_eq!(status, Some(0), "{rest}");
    assert!(!rest.contains("nowhere"), "said twice: {rest}");
}

#[test]
fn signals_are_obeyed_before_it_is_ready() {
    let folder = Folder::new("early");
    let text = TWO_LINES.replace("virtual:fxs=2", &folder.file("no-card"));
    let sip = sip();
    let file =
        folder.write("tipring.toml", format!("{sip}{text}[web]\nlisten = \"127.0.0.1:1\"\n"));
    let mut gateway = Running::start(&file);
    gateway.log_until("the web page is not in service");
    gateway.signal("HUP");
    gateway.log_until("configuration reloaded");
    gateway.signal("TERM");
    assert_eq!(gateway.line(), "", "its card is missing, so it was not ready");
    assert_eq!(gateway.leave().0, Some(0));
}

#[test]
fn a_call_to_where_nothing_can_be_sent_fails_at_once() {
    let caller = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    caller.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let here = caller.local_addr().expect("an address");
    let folder = Folder::new("unreachable");
    // From the loopback address nothing leaves this machine.
    let file = folder.write(
        "tipring.toml",
        format!(
            "{}[cdr]\npath = \"\"\n\
             [[trunk]]\nname = \"near\"\nuri = \"sip:{here}\"\n\
             [[trunk]]\nname = \"far\"\nuri = \"sip:192.0.2.1\"\n\
             [[route]]\nfrom = \"near\"\nmatch = \".\"\nto = \"far\"\n",
            sip()
        ),
    );
    let mut gateway = Running::start(&file);
    let ready = gateway.line();
    let address = ready.split("udp:").nth(1).and_then(|rest| rest.split(',').next());
    let address = address.expect("an address").to_owned();
    let invite = format!(
        "INVITE sip:123@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK1\r\n\
         From: <sip:me@{here}>;tag=1\r\nTo: <sip:123@{address}>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:me@{here}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    caller.send_to(invite.as_bytes(), &address).expect("it is sent");
    let mut buffer = [0; 2048];
    let status = loop {
        let len = caller.recv(&mut buffer).expect("an answer in time");
        let answer = String::from_utf8_lossy(&buffer[..len]).into_owned();
        let status: u16 = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        if status >= 200 {
            break status;
        }
    };
    assert!((500..600).contains(&status), "{status}");
    gateway.log_until("SIP cannot be sent");
    gateway.signal("TERM");
    let (_, rest) = gateway.leave();
    assert!(!rest.contains("SIP cannot be sent"), "said twice: {rest}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_call() {
    let caller = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    caller.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let here = caller.local_addr().expect("an address");
    let folder = Folder::new("unread");
    let file = folder.write("tipring.toml", format!("{}[cdr]\npath = \"\"\n", sip()));
    let mut gateway = Running::start_with(&["-v"], &file);
    let ready = gateway.line();
    let address = ready.split("udp:").nth(1).and_then(|rest| rest.split(',').next());
    let address = address.expect("an address").to_owned();
    // Each leaves some lines of 150 octets; the pipe holds 64 KiB, and 8192 lines wait.
    for number in 0..3000 {
        let head = format!(
            "sip:{number}@{address} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}\r\n\
             From: <sip:me@{here}>;tag=1\r\nCall-ID: {number}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n"
        );
        let invite = format!(
            "INVITE {head}To: <sip:{number}@{address}>\r\nCSeq: 1 INVITE\r\nContact: <sip:me@{here}>\r\n\r\n"
        );
        caller.send_to(invite.as_bytes(), &address).expect("it is sent");
        let mut buffer = [0; 2048];
        let tag = loop {
            let len = caller.recv(&mut buffer).unwrap_or_else(|_| panic!("no answer to {number}"));
            let answer = String::from_utf8_lossy(&buffer[..len]);
            if answer.starts_with("SIP/2.0 404") && answer.contains(&format!("Call-ID: {number}\r"))
            {
                let to = answer.lines().find(|line| line.starts_with("To:")).expect("To");
                break to.split("tag=").nth(1).expect("a tag").to_owned();
            }
        };
        let ack =
            format!("ACK {head}To: <sip:{number}@{address}>;tag={tag}\r\nCSeq: 1 ACK\r\n\r\n");
        caller.send_to(ack.as_bytes(), &address).expect("it is sent");
    }
    // As soon as somebody does read it, it says that there was more.
    let read = gateway.log_until("lines of the log dropped");
    let lost = read.last().and_then(|line| line["lost"].as_u64()).expect("how many");
    assert!(lost > 100 && read.len() > 8000, "{lost} of {}", read.len());
    gateway.signal("TERM");
    assert_eq!(gateway.leave().0, Some(0));
}

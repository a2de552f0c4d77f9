//! The control socket of the simulated card: the people at the telephones.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::until;

/// How long a person waits for anything unless a test says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// How long for a key to be heard, before it is pressed again.
pub const KEY: Duration = Duration::from_secs(3);

/// An event of the card, and when it came.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was read.
    pub at: Instant,
    /// What it says.
    pub value: Value,
}

/// A connection to a control socket.
pub struct Control {
    stream: UnixStream,
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    last_id: u64,
}

#[derive(Default)]
struct Inbox {
    answers: VecDeque<Value>,
    /// Events that nobody has waited for yet.
    events: Vec<Event>,
    /// Every event since the connection.
    history: Vec<Event>,
}

impl Control {
    /// Connects to a socket that is or will be there.
    pub fn connect(path: &Path) -> Self {
        let stream = until("the control socket", PATIENCE, || UnixStream::connect(path).ok());
        let reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let inbox: Arc<(Mutex<Inbox>, Condvar)> = Arc::default();
        let shared = Arc::clone(&inbox);
        thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                let value: Value = serde_json::from_str(&line).expect("JSON on each line");
                let mut inbox = shared.0.lock().expect("no reader has failed");
                if value.get("event").is_some() {
                    let event = Event { at: Instant::now(), value };
                    inbox.history.push(event.clone());
                    inbox.events.push(event);
                } else {
                    inbox.answers.push_back(value);
                }
                shared.1.notify_all();
            }
        });
        Self { stream, inbox, last_id: 0 }
    }

    /// Asks for something and gives the answer.
    pub fn ask(&mut self, mut request: Value) -> Value {
        self.last_id += 1;
        request["id"] = json!(self.last_id);
        self.stream.write_all(format!("{request}\n").as_bytes()).expect("the card listens");
        let answer = self.wait(PATIENCE, |inbox| inbox.answers.pop_front());
        let answer = answer.unwrap_or_else(|| panic!("no answer to {request}"));
        assert_eq!(answer["id"], request["id"], "{answer}");
        answer
    }

    /// Does something that must succeed.
    pub fn op(&mut self, request: Value) {
        let answer = self.ask(request.clone());
        assert_eq!(answer["ok"], json!(true), "{request}: {answer}");
    }

    /// Lifts a handset.
    pub fn off_hook(&mut self, port: u8) {
        self.op(json!({"op": "offhook", "port": port}));
    }

    /// Puts a handset down.
    pub fn on_hook(&mut self, port: u8) {
        self.op(json!({"op": "onhook", "port": port}));
    }

    /// Lifts a handset, waits for dial tone, and dials.
    pub fn dials(&mut self, port: u8, digits: &str) {
        self.off_hook(port);
        self.hears(port, "dial");
        self.op(json!({"op": "dial", "port": port, "digits": digits}));
    }

    /// Presses a key in a call.
    pub fn presses(&mut self, port: u8, digit: &str) {
        self.op(json!({"op": "dial", "port": port, "digits": digit, "on_ms": 100, "off_ms": 100}));
    }

    /// Waits for a telephone to begin to ring.
    pub fn rings(&mut self, port: u8) -> Event {
        self.expect(PATIENCE, &json!({"event": "ring", "port": port, "on": true}))
    }

    /// Waits for a tone in a handset.
    pub fn hears(&mut self, port: u8, tone: &str) -> Event {
        self.expect(PATIENCE, &json!({"event": "tone", "port": port, "name": tone, "on": true}))
    }

    /// Waits for an event that has all fields of `wanted`, and takes it, if it comes in time.
    pub fn hear(&mut self, within: Duration, wanted: &Value) -> Option<Event> {
        self.wait(within, |inbox| {
            let at = inbox.events.iter().position(|event| has(&event.value, wanted))?;
            Some(inbox.events.remove(at))
        })
    }

    /// The same; it must come.
    pub fn expect(&mut self, within: Duration, wanted: &Value) -> Event {
        self.hear(within, wanted).unwrap_or_else(|| {
            let inbox = self.inbox.0.lock().expect("no reader has failed");
            let seen: Vec<String> =
                inbox.history.iter().map(|event| event.value.to_string()).collect();
            drop(inbox);
            panic!("waited {within:?} for {wanted}; there was\n{}", seen.join("\n"))
        })
    }

    /// Forgets the events that nobody has waited for.
    pub fn forget(&mut self) {
        self.inbox.0.lock().expect("no reader has failed").events.clear();
    }

    /// All events since the beginning that have all fields of `wanted`.
    pub fn seen(&self, wanted: &Value) -> Vec<Event> {
        let inbox = self.inbox.0.lock().expect("no reader has failed");
        inbox.history.iter().filter(|event| has(&event.value, wanted)).cloned().collect()
    }

    fn wait<T>(&self, within: Duration, take: impl Fn(&mut Inbox) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut inbox = self.inbox.0.lock().expect("no reader has failed");
        loop {
            if let Some(found) = take(&mut inbox) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            inbox = self.inbox.1.wait_timeout(inbox, left).expect("no reader has failed").0;
        }
    }
}

/// Whether a value has all fields of `wanted`.
pub fn has(value: &Value, wanted: &Value) -> bool {
    let wanted = wanted.as_object().expect("fields");
    wanted.iter().all(|(key, wanted)| value.get(key) == Some(wanted))
}

//! The control socket of a simulated card: JSON lines in, JSON lines out.
//!
//! ```text
//!  {"id":1,"op":"offhook","port":1}  ─►  {"id":1,"ok":true}
//!                                    ◄─  {"event":"tone","port":1,"name":"dial","on":true,"t_ms":5040}
//! ```
//!
//! Each connection has a thread that reads and one that writes; both end with the connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tipring_dsp::wav::Format;
use tipring_runtime::virtual_card::CardWorld;
use tipring_virtual_card::control::{
    ControlAnswer, ControlRequest, DialMethod, Happening, WorldEvent,
};
use tipring_virtual_card::{CallerId, PhoneEvent};

use crate::tool::sound;

/// Where the recordings of a card go, by port: whoever begins one, anybody may end it.
type Recordings = BTreeMap<u8, PathBuf>;

/// How often the writing thread looks whether its connection is still there.
const LOOK: Duration = Duration::from_millis(500);

/// The longest request, in octets.
const MAX_LINE: u64 = 64 * 1024;

/// Serves `world` at `path`; a socket that is there is replaced. The thread lives as long as the process.
pub fn serve(path: &Path, world: CardWorld) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) => {
            use std::os::unix::fs::FileTypeExt;
            if !found.file_type().is_socket() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::remove_file(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    let recordings = Arc::new(Mutex::new(Recordings::new()));
    thread::Builder::new().name("control".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let (world, recordings) = (world.clone(), Arc::clone(&recordings));
            // Without a thread the connection is closed; the next one may have more luck.
            let _ = thread::Builder::new()
                .name("control".into())
                .spawn(move || talk(stream, &world, &recordings));
        }
    })?;
    Ok(())
}

fn talk(stream: UnixStream, world: &CardWorld, recordings: &Mutex<Recordings>) {
    let Ok(writer) = stream.try_clone().map(|writer| Arc::new(Mutex::new(writer))) else { return };
    let events = world.watch();
    let event_writer = Arc::clone(&writer);
    let closed = Arc::new(AtomicBool::new(false));
    let event_closed = Arc::clone(&closed);
    let watching = thread::Builder::new().name("control".into()).spawn(move || {
        while !event_closed.load(Ordering::Relaxed) {
            match events.recv_timeout(LOOK) {
                Ok(event) if say(&event_writer, &event_line(&event)).is_ok() => {}
                Err(error) if error.is_timeout() => {}
                Ok(_) | Err(_) => return,
            }
        }
    });
    if watching.is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) if line.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(_) => {}
        }
        if say(&writer, &answer_line(&line, world, recordings)).is_err() {
            break;
        }
    }
    closed.store(true, Ordering::Relaxed);
    let _ =
        writer.lock().unwrap_or_else(PoisonError::into_inner).shutdown(std::net::Shutdown::Both);
}

fn say(writer: &Mutex<UnixStream>, value: &Value) -> io::Result<()> {
    let mut line = value.to_string();
    line.push('\n');
    writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
}

/// A request, with everything that any of them may carry.
#[derive(Debug, Deserialize)]
struct Line {
    op: String,
    port: Option<u8>,
    ms: Option<u32>,
    digits: Option<String>,
    method: Option<String>,
    on_ms: Option<f64>,
    off_ms: Option<f64>,
    wav: Option<PathBuf>,
    #[serde(default, rename = "loop")]
    looped: bool,
    ber: Option<f64>,
    ppm: Option<f64>,
}

fn answer_line(line: &[u8], world: &CardWorld, recordings: &Mutex<Recordings>) -> Value {
    let (id, line) = read(line);
    match line.and_then(|line| carry_out(line, world, recordings)) {
        Ok(()) => json!({"id": id, "ok": true}),
        Err(error) => json!({"id": id, "ok": false, "error": error}),
    }
}

/// The request's id, which is repeated whatever is wrong with the rest, and the request.
fn read(line: &[u8]) -> (Value, Result<Line, String>) {
    match serde_json::from_slice::<Value>(line) {
        Ok(value) => {
            let id = value.get("id").cloned().unwrap_or_default();
            (id, serde_json::from_value(value).map_err(|error| error.to_string()))
        }
        Err(error) => (Value::Null, Err(error.to_string())),
    }
}

fn carry_out(line: Line, world: &CardWorld, recordings: &Mutex<Recordings>) -> Result<(), String> {
    let recording = match (&line.op[..], &line.wav) {
        ("record", Some(wav)) => Some(wav.clone()),
        ("record", None) => return Err("`record` needs `wav`".into()),
        _ => None,
    };
    let port = line.port;
    let request = request_of(line)?;
    // Held until the card has done it: a `stop` that comes at once finds the `record`.
    let mut recordings = recordings.lock().unwrap_or_else(PoisonError::into_inner);
    let answer =
        world.control(request).ok_or("the card is gone")?.map_err(|error| error.to_string())?;
    if let (Some(wav), Some(port)) = (recording, port) {
        recordings.insert(port, wav);
    }
    if let (ControlAnswer::Recording(samples), Some(port)) = (answer, port)
        && let Some(wav) = recordings.remove(&port)
    {
        drop(recordings);
        sound::save(&wav, Format::Pcm16, &samples).map_err(|failure| failure.to_string())?;
    }
    Ok(())
}

fn request_of(line: Line) -> Result<ControlRequest, String> {
    let need = |what: &str| format!("`{}` needs `{what}`", line.op);
    let port = line.port.ok_or_else(|| need("port"));
    Ok(match line.op.as_str() {
        "offhook" => ControlRequest::OffHook { port: port? },
        "onhook" => ControlRequest::OnHook { port: port? },
        "flash" => ControlRequest::Flash { port: port?, ms: line.ms.unwrap_or(500) },
        "dial" => ControlRequest::Dial {
            port: port?,
            digits: line.digits.clone().ok_or_else(|| need("digits"))?,
            method: match line.method.as_deref() {
                None | Some("dtmf") => DialMethod::Dtmf,
                Some("pulse") => DialMethod::Pulse,
                Some(other) => return Err(format!("method `{other}` is not `dtmf` or `pulse`")),
            },
            on_ms: line.on_ms,
            off_ms: line.off_ms,
        },
        "play" => {
            let wav = line.wav.as_ref().ok_or_else(|| need("wav"))?;
            let samples = sound::load(wav).map_err(|failure| failure.to_string())?;
            ControlRequest::Play { port: port?, samples: samples.into(), looped: line.looped }
        }
        "record" => ControlRequest::Record { port: port? },
        "stop" => ControlRequest::Stop { port: port? },
        "unplug" => ControlRequest::Unplug,
        "plug" => ControlRequest::Plug,
        "hang" => ControlRequest::Hang,
        "reset" => ControlRequest::Reset,
        "corrupt" => ControlRequest::Corrupt { ber: line.ber.ok_or_else(|| need("ber"))? },
        "drift" => ControlRequest::Drift { ppm: line.ppm.ok_or_else(|| need("ppm"))? },
        other => return Err(format!("`{other}` is not an operation of this card")),
    })
}

fn event_line(event: &WorldEvent) -> Value {
    let mut value = match &event.happening {
        Happening::Host { connected } => json!({"connected": connected}),
        Happening::Phone { port, event } => {
            let mut value = phone_event(event);
            value["port"] = json!(port);
            value
        }
    };
    value["event"] = json!(event.happening.as_str());
    value["t_ms"] = json!(event.t_ms);
    value
}

fn phone_event(event: &PhoneEvent) -> Value {
    match event {
        PhoneEvent::Ring { on } | PhoneEvent::MessageWaiting { on } => json!({"on": on}),
        PhoneEvent::CallerId(CallerId { number, name, date, private, standard }) => json!({
            "number": number, "name": name, "date": date, "private": private, "standard": standard.as_str(),
        }),
        PhoneEvent::Polarity { reversed } => json!({"reversed": reversed}),
        PhoneEvent::Loop { open } => json!({"open": open}),
        PhoneEvent::Tone { name, on } => json!({"name": name.as_str(), "on": on}),
        PhoneEvent::Digit(digit) => json!({"digit": digit.to_string()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<ControlRequest, String> {
        request_of(read(text.as_bytes()).1?)
    }

    #[test]
    fn requests_are_those_of_the_contract() {
        assert_eq!(
            request(r#"{"id":1,"op":"offhook","port":1}"#),
            Ok(ControlRequest::OffHook { port: 1 })
        );
        assert_eq!(
            request(r#"{"op":"dial","port":2,"digits":"102","method":"pulse","off_ms":61}"#),
            Ok(ControlRequest::Dial {
                port: 2,
                digits: "102".into(),
                method: DialMethod::Pulse,
                on_ms: None,
                off_ms: Some(61.0)
            })
        );
        assert_eq!(
            request(r#"{"op":"drift","ppm":-20}"#),
            Ok(ControlRequest::Drift { ppm: -20.0 })
        );
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(request(r#"{"op":"dial","port":1}"#), Err("`dial` needs `digits`".into()));
        assert_eq!(request(r#"{"op":"offhook"}"#), Err("`offhook` needs `port`".into()));
        assert!(request(r#"{"op":"explode"}"#).is_err_and(|error| error.contains("explode")));
        assert!(request("nonsense").is_err());
    }

    #[test]
    fn events_carry_their_name_port_and_card_time() {
        let happening = Happening::Phone { port: 3, event: PhoneEvent::Ring { on: true } };
        let line = event_line(&WorldEvent { t_ms: 42, happening });
        assert_eq!(line, json!({"event": "ring", "port": 3, "on": true, "t_ms": 42}));
    }

    #[test]
    fn the_id_is_repeated_whatever_is_wrong_with_the_rest() {
        let id = |line: &str| {
            let (id, request) = read(line.as_bytes());
            assert!(request.is_err(), "{line}");
            id
        };
        assert_eq!(id(r#"{"id":7,"op":"dial","port":"one"}"#), json!(7), "a port is a number");
        assert_eq!(id(r#"{"id":"a","port":1}"#), json!("a"), "there is no operation");
        assert_eq!(id(r#"[1]"#), Value::Null);
        assert_eq!(id("nonsense"), Value::Null);
    }

    #[test]
    fn a_recording_that_one_connection_begins_another_may_end() {
        let folder = Folder::new();
        let (socket, wav) = (folder.0.join("control"), folder.0.join("heard.wav"));
        let spec = tipring_virtual_card::CardSpec::parse("fxs=1").expect("a card");
        let (_host, world) = tipring_runtime::virtual_card::start_in_process(
            tipring_runtime::clock::Clock::start(),
            &spec,
            1,
        )
        .expect("a card");
        serve(&socket, world).expect("a socket");
        let ask = |request: Value| {
            let mut stream = UnixStream::connect(&socket).expect("it is served");
            stream.write_all(format!("{request}\n").as_bytes()).expect("it listens");
            let answer = BufReader::new(stream).lines().map(|line| line.expect("it answers"));
            answer
                .map(|line| serde_json::from_str::<Value>(&line).expect("JSON"))
                .find(|value| value.get("id").is_some())
                .expect("an answer")
        };
        let begun = ask(json!({"id": 1, "op": "record", "port": 1, "wav": wav}));
        assert_eq!(begun, json!({"id": 1, "ok": true}));
        assert_eq!(ask(json!({"id": 2, "op": "stop", "port": 1})), json!({"id": 2, "ok": true}));
        sound::load(&wav).expect("a recording");
    }

    /// A folder of this test's own.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("tipring-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

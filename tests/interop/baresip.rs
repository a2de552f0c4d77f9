//! baresip: told what to do by its control port (netstrings of JSON), its sound in files.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tipring_dsp::wav::{self, Format};

use crate::audio::RATE;
use crate::control::PATIENCE;
use crate::process::{Process, hurried, until};
use crate::site::{LONG, Site, free_port};

/// A baresip at work.
pub struct Baresip {
    control: TcpStream,
    buffer: Vec<u8>,
    folder: PathBuf,
    process: Process,
}

impl Baresip {
    /// Starts it with an account of `user` at the gateway; `speech` is what it says in calls. It registers with `password`
    /// where there is one, and answers calls by itself.
    pub fn start(site: &Site, user: &str, password: Option<&str>, speech: &[i16]) -> Self {
        Self::start_at(site, &format!("{}>", site.sip), user, password, "", speech)
    }

    /// The same; its account ends in `host`: an address, parameters of the URI, `>` and those of the account. `more` is
    /// added to its configuration.
    pub fn start_at(
        site: &Site,
        host: &str,
        user: &str,
        password: Option<&str>,
        more: &str,
        speech: &[i16],
    ) -> Self {
        let folder = site.file("baresip");
        fs::create_dir_all(&folder).expect("a folder");
        let said = folder.join("said.wav");
        fs::write(&said, wav::print(Format::Pcm16, RATE as u32, speech)).expect("a file");
        let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let control_port = control.local_addr().expect("its address").port();
        drop(control);
        let (ip, here) = (site.sip.ip(), folder.display());
        let listen = SocketAddr::new(ip, free_port());
        let config = format!(
            "sip_listen {listen}\nnet_interface {ip}\naudio_source aufile,{}\n\
             audio_player aubridge,nobody\naudio_alert aubridge,nobody\naudio_level no\n\
             rtp_ports 17000-17100\nmodule_path /usr/lib/baresip/modules\n\
             module g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
             ctrl_tcp_listen 127.0.0.1:{control_port}\nsnd_path {here}\n{more}",
            said.display()
        );
        let registers = password.map_or_else(
            || ";regint=0".to_owned(),
            |password| format!(";auth_user={user};auth_pass={password};regint=60"),
        );
        let account = format!("<sip:{user}@{host}{registers};answermode=auto;audio_codecs=PCMU\n");
        fs::write(folder.join("config"), config).expect("a file");
        fs::write(folder.join("accounts"), account).expect("a file");
        fs::write(folder.join("contacts"), "").expect("a file");
        let mut command = hurried("baresip");
        command.arg("-s").arg("-f").arg(&folder);
        let mut process = Process::start("baresip", site.folder(), &mut command);
        process.wait_for_text("baresip is ready", LONG);
        if password.is_some() {
            process.wait_for_text("[1 binding]", PATIENCE);
        }
        let control = until("baresip's control port", PATIENCE, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, control_port)).ok()
        });
        control.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        Self { control, buffer: Vec::new(), folder, process }
    }

    /// Gives it a command.
    pub fn command(&mut self, command: &str, parameters: &str) {
        let text = json!({"command": command, "params": parameters}).to_string();
        let netstring = format!("{}:{text},", text.len());
        self.control.write_all(netstring.as_bytes()).expect("baresip listens");
    }

    /// Waits for an event of that type.
    pub fn expect(&mut self, wanted: &str) -> Value {
        until(&format!("baresip to say {wanted}"), PATIENCE, || self.take(wanted))
    }

    /// Its next event of that type, of those that it has said; what comes before is passed over.
    pub fn take(&mut self, wanted: &str) -> Option<Value> {
        let mut chunk = [0; 4096];
        if let Ok(len) = self.control.read(&mut chunk) {
            self.buffer.extend_from_slice(&chunk[..len]);
        }
        std::iter::from_fn(|| self.next()).find(|message| message["type"] == wanted)
    }

    /// Every message that it has sent and received.
    pub fn messages(&self) -> String {
        self.process.log()
    }

    /// What it heard in its last call.
    pub fn heard(&self) -> Vec<i16> {
        let entries = fs::read_dir(&self.folder).expect("its folder");
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        let file = files.last().expect("a recording");
        wav::parse(&fs::read(file).expect("a file")).expect("a WAV file").samples
    }

    fn next(&mut self) -> Option<Value> {
        let colon = self.buffer.iter().position(|octet| *octet == b':')?;
        let len: usize = std::str::from_utf8(&self.buffer[..colon]).ok()?.parse().ok()?;
        let message = self.buffer.get(colon + 1..colon + 1 + len)?;
        let value = serde_json::from_slice(message).expect("JSON");
        self.buffer.drain(..colon + len + 2);
        Some(value)
    }
}

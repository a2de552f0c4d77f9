//! The file of call records: one JSON object per line, appended.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Records that may wait for a slow disk; more are dropped, counted and logged.
const WAITING: usize = 1024;

/// The writing thread's other side.
pub struct CdrFile {
    lines: Option<Sender<String>>,
    thread: Option<thread::JoinHandle<()>>,
    dropped: u64,
}

impl CdrFile {
    /// Appends to `path`; the file is opened for each record, so that it can be rotated.
    pub fn open(path: PathBuf) -> std::io::Result<Self> {
        // Fail at the start rather than at the first call.
        OpenOptions::new().create(true).append(true).open(&path)?;
        let (lines, receiver) = bounded(WAITING);
        let thread =
            thread::Builder::new().name("cdr".into()).spawn(move || write_all(&path, &receiver))?;
        Ok(Self { lines: Some(lines), thread: Some(thread), dropped: 0 })
    }

    /// Writes a record, soon.
    pub fn write(&mut self, line: String) {
        if self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_err()) {
            self.dropped += 1;
            tracing::error!(dropped = self.dropped, "call record lost: the disk is too slow");
        }
    }
}

impl Drop for CdrFile {
    /// Waits until all records are written.
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(path: &PathBuf, lines: &Receiver<String>) {
    for mut line in lines {
        line.push('\n');
        let file = OpenOptions::new().create(true).append(true).open(path);
        if let Err(error) = file.and_then(|mut file| file.write_all(line.as_bytes())) {
            tracing::error!(%error, path = %path.display(), record = line.trim_end(), "call record not written");
        }
    }
}

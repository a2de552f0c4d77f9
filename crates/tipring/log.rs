//! The log: one line per life event at info, everything at debug, on standard error.
//!
//! ```text
//!  any thread ──line──► bounded queue ──► log thread ──► standard error
//! ```
//!
//! A terminal that was stopped, a full pipe and a busy disk make their writers wait. None of the threads that carry calls
//! may wait for them, so they hand their lines over; where the queue is full the line is dropped, and how many were is
//! said once there is room again.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use crossbeam_channel::{Receiver, Sender, bounded};
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts the log. `loudness` counts `-v` up and `-q` down from info; `RUST_LOG` overrides it.
///
/// What waits is written when the [`Log`] is dropped, if somebody takes it. Fails when the operating system has no thread to give.
pub fn start(format: Format, loudness: i16) -> io::Result<Log> {
    let level = match loudness {
        ..=-2 => "error",
        -1 => "warn",
        0 => "info",
        1 => "debug",
        2.. => "trace",
    };
    let (queue, waiting) = bounded(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dropped);
    thread::Builder::new().name("log".into()).spawn(move || write(&waiting, &counter))?;
    let lines = queue.clone();
    let line = move || Line { queue: lines.clone(), dropped: Arc::clone(&dropped) };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(line);
    match format {
        Format::Text => {
            let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            log.with_ansi(colour).with_target(loudness > 0).init();
        }
        Format::Json => log.json().flatten_event(true).init(),
    }
    Ok(Log(queue))
}

/// The log, while the program runs.
pub struct Log(Sender<Entry>);

impl Drop for Log {
    /// Waits until everything is written, or for two seconds where nobody takes it.
    fn drop(&mut self) {
        let (written, done) = bounded(1);
        if self.0.send_timeout(Entry::Flush(written), FAREWELL).is_ok() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}

enum Entry {
    Line(Vec<u8>),
    Flush(Sender<()>),
}

/// Where an event is written to: it becomes a line of the queue.
struct Line {
    queue: Sender<Entry>,
    dropped: Arc<AtomicU64>,
}

impl Write for Line {
    /// An event comes whole.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(text.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(waiting: &Receiver<Entry>, dropped: &AtomicU64) {
    while let Ok(entry) = waiting.recv() {
        match entry {
            Entry::Line(line) => put(&line),
            Entry::Flush(written) => {
                tell(dropped);
                while let Ok(Entry::Line(line)) = waiting.try_recv() {
                    put(&line);
                }
                let _ = written.send(());
            }
        }
        // With room enough that this line is not dropped itself.
        if waiting.len() < QUEUE / 2 {
            tell(dropped);
        }
    }
}

fn put(line: &[u8]) {
    // Nobody is left to tell when standard error is gone.
    let _ = io::stderr().write_all(line);
}

/// Says how many lines were dropped since it was said last; that becomes a line like any other.
fn tell(dropped: &AtomicU64) {
    let lost = dropped.swap(0, Ordering::Relaxed);
    if lost > 0 {
        tracing::warn!(lost, "lines of the log dropped: whoever takes them is too slow");
    }
}

/// Lines that may wait.
const QUEUE: usize = 8192;
/// How long the last lines may take.
const FAREWELL: Duration = Duration::from_secs(1);

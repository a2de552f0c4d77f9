//! SIGTERM, SIGINT and SIGHUP.

use std::future::pending;
use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::oneshot::Receiver;

/// What the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    End,
    /// SIGHUP.
    Reload,
}

/// The signals since [`Signals::install`]: from then on none of them kills the program.
pub struct Signals {
    runtime: Runtime,
    term: Stream,
    interrupt: Stream,
    hangup: Stream,
}

impl Signals {
    /// Takes the signals over. Before anything else is started, or an early one would kill what is.
    pub fn install() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let context = runtime.enter();
        let term = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        drop(context);
        Ok(Self { runtime, term, interrupt, hangup })
    }

    /// Waits for a signal (`Ok`), or for what `other` gives (`Err`).
    pub fn next_or<T>(&mut self, other: impl Future<Output = T>) -> Result<Signal, T> {
        let Self { runtime, term, interrupt, hangup } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = term.recv() => Ok(Signal::End),
                _ = interrupt.recv() => Ok(Signal::End),
                _ = hangup.recv() => Ok(Signal::Reload),
                other = other => Err(other),
            }
        })
    }

    /// Waits for SIGTERM or SIGINT.
    pub fn wait_for_end(&mut self) {
        while self.next_or(pending::<()>()) != Ok(Signal::End) {}
    }
}

/// Waits for SIGTERM, SIGINT, or `until`.
pub fn wait_for_end_or(mut until: Receiver<()>) -> io::Result<()> {
    let mut signals = Signals::install()?;
    while signals.next_or(&mut until) == Ok(Signal::Reload) {}
    Ok(())
}

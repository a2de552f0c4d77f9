//! SIGTERM, SIGINT and SIGHUP.

use std::future::pending;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot::Receiver;

/// What the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT.
    End,
    /// SIGHUP.
    Reload,
}

/// What to do after a signal.
#[derive(Debug)]
pub enum Next {
    /// Wait for another.
    Wait,
    /// Wait for another, or for this.
    WaitOr(Option<Receiver<()>>),
    /// Wait no more.
    Leave,
}

/// Calls `take` for each signal, until it says to leave.
pub fn each(take: impl FnMut(Signal) -> Next) -> io::Result<()> {
    each_until(None, take)
}

fn each_until(
    mut until: Option<Receiver<()>>,
    mut take: impl FnMut(Signal) -> Next,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        loop {
            let gone = async {
                match &mut until {
                    Some(gone) => drop(gone.await),
                    None => pending().await,
                }
            };
            let got = tokio::select! {
                _ = term.recv() => Signal::End,
                _ = interrupt.recv() => Signal::End,
                _ = hangup.recv() => Signal::Reload,
                () = gone => return Ok(()),
            };
            match take(got) {
                Next::Wait => {}
                Next::WaitOr(gone) => until = gone.or(until),
                Next::Leave => return Ok(()),
            }
        }
    })
}

/// Waits for SIGTERM or SIGINT.
pub fn wait_for_end() -> io::Result<()> {
    each(leave_at_end)
}

/// Waits for SIGTERM, SIGINT, or `until`.
pub fn wait_for_end_or(until: Receiver<()>) -> io::Result<()> {
    each_until(Some(until), leave_at_end)
}

fn leave_at_end(signal: Signal) -> Next {
    match signal {
        Signal::End => Next::Leave,
        Signal::Reload => Next::Wait,
    }
}

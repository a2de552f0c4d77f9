//! Real-time priority for the media thread. The one file of this crate with `unsafe`.
#![allow(unsafe_code)]

use std::io;

/// SCHED_FIFO priority of everything that carries audio: below the kernel's own threads, above everything ordinary.
const PRIORITY: i32 = 40;

/// Runs `what` under real-time priority where that is permitted, so that the threads it starts inherit it.
pub fn realtime<T>(what: impl FnOnce() -> T) -> T {
    let raised = make_realtime().is_ok();
    let result = what();
    if raised {
        // It could be raised, so it can be lowered.
        let _ = schedule(libc::SCHED_OTHER, 0);
    }
    result
}

/// Puts the calling thread under SCHED_FIFO.
///
/// Fails without the right to it (CAP_SYS_NICE or RLIMIT_RTPRIO); the thread then stays as it is.
pub fn make_realtime() -> io::Result<()> {
    schedule(libc::SCHED_FIFO, PRIORITY)
}

fn schedule(policy: i32, priority: i32) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: `param` is a valid `sched_param` that outlives the call, and 0 names the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const param) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

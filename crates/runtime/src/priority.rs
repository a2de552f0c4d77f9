//! Real-time priority for the media thread. The one file of this crate with `unsafe`.
#![allow(unsafe_code)]

use std::io;

/// Puts the calling thread under SCHED_FIFO with `priority` (1 to 99).
///
/// Fails without the right to it (CAP_SYS_NICE or RLIMIT_RTPRIO); the thread then stays as it is.
pub fn make_realtime(priority: i32) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: `param` is a valid `sched_param` that outlives the call, and 0 names the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const param) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

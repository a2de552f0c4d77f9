//! The right to run at once, for the threads that carry audio. The one file of this crate with `unsafe`.
//!
//! SCHED_FIFO where it is permitted. Where it is not, a short slice: since Linux 6.12 a thread that asks for little at a
//! time is let in sooner (`sched_setattr(2)`, `sched_runtime` of SCHED_OTHER); older kernels take it and do nothing.
#![allow(unsafe_code)]

use std::io;

/// SCHED_FIFO priority of everything that carries audio: below the kernel's own threads, above everything ordinary.
const PRIORITY: i32 = 40;

/// The shortest slice that the kernel takes, in nanoseconds.
const SLICE_NS: u64 = 100_000;

/// `struct sched_attr` of Linux in its first size, which all versions know.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Runs `what` as [`realtime`] does when that is wanted.
pub(crate) fn realtime_if<T>(wanted: bool, what: impl FnOnce() -> T) -> T {
    if wanted { realtime(what) } else { what() }
}

/// Runs `what` with the right to run at once, as far as that is to be had, so that the threads it starts inherit it.
pub fn realtime<T>(what: impl FnOnce() -> T) -> T {
    let raised = make_realtime().is_ok();
    let result = what();
    if raised {
        // It could be raised, so it can be lowered.
        let _ = schedule(libc::SCHED_OTHER, 0);
    }
    let _ = ask_for_slice(0);
    result
}

/// Puts the calling thread under SCHED_FIFO.
///
/// Fails without the right to it (CAP_SYS_NICE or RLIMIT_RTPRIO); the thread then gets a short slice.
pub fn make_realtime() -> io::Result<()> {
    schedule(libc::SCHED_FIFO, PRIORITY).inspect_err(|_| {
        let _ = ask_for_slice(SLICE_NS);
    })
}

fn schedule(policy: i32, priority: i32) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: `param` is a valid `sched_param` that outlives the call, and 0 names the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const param) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Asks for slices of this length for the calling thread, under SCHED_OTHER; 0 is what everybody has.
fn ask_for_slice(runtime: u64) -> io::Result<()> {
    // SAFETY: getpriority takes no pointers; 0 names the calling thread.
    let nice = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    let attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy: libc::SCHED_OTHER as u32,
        flags: 0,
        nice,
        priority: 0,
        runtime,
        deadline: 0,
        period: 0,
    };
    // SAFETY: `attributes` is a `sched_attr` of the size it states and outlives the call; 0 names the calling thread.
    let result = unsafe {
        libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0 as libc::c_uint)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_raised_is_lowered_again() {
        // SAFETY: sched_getscheduler takes no pointers; 0 names the calling thread.
        let policy = || unsafe { libc::sched_getscheduler(0) };
        let before = policy();
        let inside = realtime(policy);
        assert!(inside == libc::SCHED_FIFO || inside == before);
        assert_eq!(policy(), before);
    }

    #[test]
    fn a_short_slice_may_be_asked_for_by_anybody() {
        ask_for_slice(SLICE_NS).expect("no right is needed");
        ask_for_slice(0).expect("no right is needed");
    }
}

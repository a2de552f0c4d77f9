//! Who notices that a thread has gone: a gateway that misses one must leave, for half of it cannot serve anybody.

use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::sync::Notify;

/// The first thread that has gone; shared by all.
#[derive(Clone)]
pub(crate) struct Watch {
    lost: Arc<OnceLock<String>>,
    signalling: Arc<Notify>,
}

/// Held by a thread: tells when it is dropped by a panic.
pub struct Guard {
    watch: Watch,
    thread: &'static str,
}

impl Watch {
    /// Nothing is lost yet; `signalling` is woken when something is.
    pub(crate) fn new(signalling: Arc<Notify>) -> Self {
        Self { lost: Arc::default(), signalling }
    }

    /// For the thread of this name to hold.
    pub(crate) fn guard(&self, thread: &'static str) -> Guard {
        Guard { watch: self.clone(), thread }
    }

    /// A thread has gone.
    pub(crate) fn lose(&self, thread: &str) {
        if self.lost.set(thread.to_owned()).is_ok() {
            self.signalling.notify_one();
        }
    }

    /// The first thread that has gone.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.watch.lose(self.thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread_that(ends: impl FnOnce() + Send + 'static) -> Watch {
        let watch = Watch::new(Arc::default());
        let guard = watch.guard("media");
        let _ = thread::spawn(move || {
            let _guard = guard;
            ends();
        })
        .join();
        watch
    }

    #[test]
    fn a_thread_that_panics_is_missed_and_one_that_ends_is_not() {
        assert_eq!(thread_that(|| {}).lost(), None);
        assert_eq!(thread_that(|| panic!("on purpose")).lost(), Some("media"));
    }

    #[test]
    fn the_first_thread_is_named() {
        let watch = thread_that(|| panic!("on purpose"));
        watch.lose("signalling");
        assert_eq!(watch.lost(), Some("media"));
    }
}

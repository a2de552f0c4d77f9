//! Subscriptions to events, both ends (RFC 6665), whatever the event package: bodies are octets.
//!
//! ```text
//! application ─ subscribe ─► Subscriber ══ SUBSCRIBE ══► Notifier ─► Output::Subscribe ─► application
//!             ◄─ Notified ──            ◄══ NOTIFY ═════          ◄─ accept, notify, end ─
//! ```
//!
//! `subscriber` keeps a subscription of ours up, over refusals and terminations, with the rules of `retry`;
//! `usage` is one of its dialogs, for a forked SUBSCRIBE makes several. `notifier` serves a subscription of a
//! peer's, which we call a watcher to tell it from ours. Each has dialogs of its own; the subscription that a REFER
//! makes lives in a session's dialog and is the session's business (RFC 3515 §2.4.4).

pub(crate) mod notifier;
mod retry;
pub(crate) mod subscriber;
mod usage;
mod values;

pub(crate) use notifier::Notifier;
pub(crate) use subscriber::Subscriber;
pub use values::{
    Content, Forks, Package, Subscribe, SubscriptionEnd, SubscriptionId, SubscriptionStatus,
    WatcherEnd, WatcherId, WatcherStatus,
};
pub(crate) use values::{Sent, UsageOutput, put_last};

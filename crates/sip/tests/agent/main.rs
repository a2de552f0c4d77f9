//! The user agent from outside: transactions, dialogs, sessions, registrations.
//!
//! `pair` joins two user agents by a bad network, `script` sets one against a peer whose messages are written by hand.

mod ages;
mod bodies;
mod caller;
mod calls;
mod connections;
mod credentials;
mod dialogs;
mod event_flows;
mod failover;
mod failover_random;
mod forks;
mod info;
mod instant_messages;
mod keep_alive;
mod large;
mod loss;
mod mutations;
mod outbound;
mod pair;
mod peer;
mod publications;
mod raw;
mod refer;
mod refresh;
mod registrations;
mod reliable;
mod replaces;
mod replies;
mod script;
mod session_table;
mod storm;
mod stubborn;
mod subscription_loss;
mod subscription_table;
mod subscriptions;
mod transactions;
mod watchers;

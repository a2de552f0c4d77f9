//! The RFC 3261 stack, sans-IO: messages, transactions, dialogs, sessions, digest.

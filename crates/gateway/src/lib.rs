//! All machines wired into one sans-IO value.

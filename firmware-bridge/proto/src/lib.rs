//! The host-card contract: framing and messages, no_std, no alloc.

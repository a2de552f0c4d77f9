//! Nothing but its bench: `cargo bench --manifest-path benches/peers/Cargo.toml`.

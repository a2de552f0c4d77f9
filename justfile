# The only commands to remember. `just` lists them.

_list:
    @just --list

# Everything that must pass: the same as the continuous integration does.
check:
    .ci/run

# The quick half of it, while working.
quick:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace

# The program's own demonstration, with its report.
demo *arguments:
    cargo run --release -- demo {{ arguments }}

# Fuzz one parser (the names are in `tests/fuzz/fuzz_targets`) for some seconds; no nightly compiler needed.
fuzz target seconds="60":
    .ci/fuzz {{ target }} {{ seconds }}

# Measure codecs and the tick.
bench *arguments:
    cargo bench {{ arguments }}

# Talk to SIPp and baresip.
interop:
    tests/interop/run

# Licences, duplicates, advisories (needs cargo-deny).
deny:
    cargo deny check

# Accept new snapshots of transition tables and ladders; read them before you commit them.
snapshots *arguments:
    INSTA_UPDATE=always cargo test {{ arguments }}

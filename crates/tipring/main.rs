//! The `tipring` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    tipring::cli::main()
}

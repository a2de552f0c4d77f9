//! Running the binary.

use std::process::{Command, Output};

/// What the program did.
pub struct Run {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs the program.
pub fn tipring(arguments: &[&str]) -> Run {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_tipring"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run {
        status: status.code().expect("it leaves by itself"),
        out: text(stdout),
        err: text(stderr),
    }
}

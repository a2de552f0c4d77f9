//! `tipring demo --once`, as a newcomer runs it: real sockets, a real byte stream to the card, real time.

use std::process::Command;

/// The headings of the report, in order.
const CALLS: [&str; 5] =
    ["1. phone to SIP", "2. SIP to phone", "3. phone to phone", "4. CANCEL", "5. busy"];

#[test]
fn the_demonstration_calls_succeed() {
    let output = Command::new(env!("CARGO_BIN_EXE_tipring"))
        .args(["demo", "--once"])
        .output()
        .expect("the program runs");
    let report = String::from_utf8(output.stdout).expect("the report is text");
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{report}\n{log}");
    let mut rest = report.as_str();
    for heading in CALLS {
        let (_, after) = rest
            .split_once(&format!("\n{heading}\n"))
            .unwrap_or_else(|| panic!("no {heading:?} in its place:\n{report}"));
        rest = after;
    }
    assert!(rest.ends_with("\n5 passed, 0 failed\n"), "{report}");
    assert_eq!(report.matches("\n   CDR {").count(), 6, "{report}");
    for step in ["- INVITE -", "- BYE -", "- CANCEL -", "487 ", "486 Busy Here", "ring trip"] {
        assert!(report.contains(step), "no {step:?} in the ladders:\n{report}");
    }
}

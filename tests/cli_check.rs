//! `tipring check`, `--help`, `--version` and wrong usage.

#[path = "cli/folder.rs"]
mod folder;
#[path = "cli/run.rs"]
mod run;

use folder::Folder;
use run::tipring;

#[test]
fn a_good_file_is_praised_and_what_is_not_served_is_said() {
    let run = tipring(&["check", "--config", "docs/tipring.example.toml"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "note: span \"isdn1\" is not in service: ISDN is not served yet\n\
         note: card \"desk\" simulates its fxs ports only, as yet\n\
         ok: 1 card, 3 lines, 1 span, 3 users, 1 trunk, 1 group, 3 routes\n"
    );
}

#[test]
fn a_bad_file_is_shown_with_carets_on_standard_error() {
    let folder = Folder::new("check");
    let file = folder.write(
        "tipring.toml",
        "[[card]]\nname = \"desk\"\ndevice = \"virtual:fxs=1\"\n\n\
         [[line]]\nname = \"kitchen\"\ncard = \"dek\"\nport = 1\nnumbr = \"101\"\n",
    );
    let run = tipring(&["check", "-c", &file]);
    assert_eq!((run.status, run.out.as_str()), (2, ""));
    assert_eq!(
        run.err,
        format!(
            "{file}:7:8: there is no card called \"dek\"\n\
             7 | card = \"dek\"\n  |        ^^^^^\n  = hint: did you mean \"desk\"?\n\n\
             {file}:9:1: [[line]] has no key `numbr`\n\
             9 | numbr = \"101\"\n  | ^^^^^\n  = hint: did you mean `number`?\n"
        )
    );
}

#[test]
fn a_file_that_is_not_there_is_said_in_a_sentence() {
    let run = tipring(&["check", "--config", "/nowhere/tipring.toml"]);
    assert_eq!((run.status, run.out.as_str()), (2, ""));
    assert!(run.err.starts_with("tipring: /nowhere/tipring.toml cannot be read: "), "{}", run.err);
    assert!(!run.err.contains('\x1b'), "colour is for terminals");
}

#[test]
fn wrong_usage_leaves_with_2_and_help_with_0() {
    assert_eq!(tipring(&["chekc"]).status, 2);
    assert_eq!(tipring(&["check", "--nonsense"]).status, 2);
    assert_eq!(tipring(&["check", "--log-format", "xml"]).status, 2);
    assert_eq!(tipring(&[]).status, 2);
    let help = tipring(&["--help"]);
    assert_eq!((help.status, help.err.as_str()), (0, ""));
    for word in ["check", "route", "tool", "--log-format", "--quiet"] {
        assert!(help.out.contains(word), "{word} is not in the help");
    }
    let version = tipring(&["--version"]);
    assert_eq!(version.out, format!("tipring {}\n", env!("CARGO_PKG_VERSION")));
}

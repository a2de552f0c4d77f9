//! `tipring route`: the dry run.

#[path = "cli/run.rs"]
mod run;

use run::tipring;

const EXAMPLE: &str = "docs/tipring.example.toml";

#[test]
fn each_rule_and_the_rewriting_is_shown() {
    let run = tipring(&["route", "95551234", "--from", "kitchen", "--config", EXAMPLE]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "95551234 from kitchen\n\
         \x20 rule everybody: does not match\n\
         \x20 rule outside: matches, calls +15551234 at trunk provider\n\
         \x20 rule from-outside: is not reached\n\
         \x20 directory: is not reached\n\
         leads to trunk provider, which is called +15551234\n"
    );
}

#[test]
fn numbers_of_lines_users_and_groups_lead_to_them() {
    let lead = |number: &str| {
        let run = tipring(&["route", number, "--config", EXAMPLE]);
        assert_eq!(run.status, 0, "{}", run.out);
        run.out.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(lead("102"), "leads to line office, which is called 102");
    assert_eq!(lead("alice"), "leads to user, which is called alice");
    assert_eq!(lead("100"), "leads to group desks, which is called 100");
}

#[test]
fn a_number_that_leads_nowhere_says_why_and_leaves_with_1() {
    let run = tipring(&["route", "777", "--config", EXAMPLE]);
    assert_eq!(run.status, 1);
    let last = run.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("leads nowhere: ") && last.contains("cause 1 "), "{last}");
    let run = tipring(&["route", "4930123456", "--from", "provider", "--config", EXAMPLE]);
    assert_eq!(run.status, 0, "rules from a trunk apply to its calls: {}", run.out);
    let run = tipring(&["route", "4930123456", "--config", EXAMPLE]);
    assert_eq!(run.status, 1, "and to no others: {}", run.out);
}

#[test]
fn a_stranger_is_told_that_trunks_are_not_for_him() {
    let run = tipring(&["route", "95551234", "--config", EXAMPLE]);
    let last = run.out.lines().last().unwrap_or_default();
    assert_eq!(
        (run.status, last),
        (1, "leads to trunk provider, but strangers may not call out (cause 21 call rejected)"),
        "as the gateway refuses it: {}",
        run.out
    );
    let run = tipring(&["route", "95551234", "--from", "alice", "--config", EXAMPLE]);
    assert_eq!(run.status, 0, "a user may: {}", run.out);
}

#[test]
fn an_unknown_caller_is_a_wrong_usage_with_a_suggestion() {
    let run = tipring(&["route", "101", "--from", "kitchn", "--config", EXAMPLE]);
    assert_eq!((run.status, run.out.as_str()), (2, ""));
    assert!(run.err.contains("did you mean \"kitchen\"?"), "{}", run.err);
    assert_eq!(tipring(&["route", "1 2", "--config", EXAMPLE]).status, 2);
}

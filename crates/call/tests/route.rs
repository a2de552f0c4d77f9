//! Routing.

use tipring_call::{
    Directory, NoRoute, Origin, Pattern, RoutePlan, Routed, Rule, RuleFrom, Target, Verdict,
};
use tipring_core::{Cause, Number};

fn number(text: &str) -> Number {
    Number::new(text).expect("a number")
}

fn rule(label: &str, from: RuleFrom, pattern: &str, to: Target) -> Rule {
    let pattern = Pattern::parse(pattern).expect("a pattern");
    Rule { label: label.into(), from, pattern, to, strip: 0, prefix: String::new() }
}

fn directory() -> Directory {
    Directory {
        lines: vec![
            (number("101"), Target::Line("kitchen".into())),
            (number("1015"), Target::Line("attic".into())),
        ],
        users: vec![number("alice"), number("7001")],
    }
}

fn provider() -> Target {
    Target::Trunk("provider".into())
}

fn plan() -> RoutePlan {
    let outside = Rule {
        strip: 1,
        prefix: "+1".into(),
        ..rule("1", RuleFrom::Any, "9[2-9]XXXXXX", provider())
    };
    let emergency = rule("2", RuleFrom::Named("kitchen".into()), "112", provider());
    let strip_all = Rule { strip: 9, ..rule("3", RuleFrom::Any, "000", Target::User) };
    let users = rule("4", RuleFrom::AnyUser, "/^8/", Target::Group("desk".into()));
    RoutePlan::new(vec![outside, emergency, strip_all, users], directory())
}

fn kitchen() -> Origin {
    Origin::Line("kitchen".into())
}

/// Whether calls of `from` may go to this number at the provider.
fn leads(plan: &RoutePlan, from: &Origin, called: &str) -> bool {
    plan.leads_to(from, &provider(), called)
}

#[test]
fn a_trunk_is_led_to_by_the_numbers_that_its_rules_give_and_no_others() {
    let plan = plan();
    assert!(leads(&plan, &kitchen(), "+15551234"), "95551234 is dialled for it");
    assert!(!leads(&plan, &kitchen(), "5551234"), "the rule gives all a +1");
    assert!(!leads(&plan, &kitchen(), "+1555123"), "too short");
    assert!(!leads(&plan, &kitchen(), "+10551234"), "[2-9]");
    assert!(leads(&plan, &kitchen(), "112"));
    assert!(!leads(&plan, &Origin::Guest, "112"), "a rule of the kitchen");
    assert!(!plan.leads_to(&kitchen(), &Target::User, "+15551234"));
}

#[test]
fn what_an_earlier_rule_takes_is_not_led_to_by_a_later_one() {
    let barred = rule("1", RuleFrom::Any, "90900X.", Target::Line("announcement".into()));
    let outside = Rule { strip: 1, ..rule("2", RuleFrom::Any, "9X.", provider()) };
    let star = "*".to_owned();
    let far = Rule { strip: 3, prefix: star, ..rule("3", RuleFrom::Any, "XXX4X.", provider()) };
    let plan = RoutePlan::new(vec![barred, outside, far], directory());
    assert!(leads(&plan, &kitchen(), "5551234"));
    assert!(!leads(&plan, &kitchen(), "0900123"));
    assert!(leads(&plan, &kitchen(), "0901123"));
    // Of the many numbers that could be dialled for it not all are tried, but some are.
    assert!(leads(&plan, &kitchen(), "*45"));
    assert!(!leads(&plan, &kitchen(), "*55"));
}

#[test]
fn another_trunk_that_comes_first_does_not_hide_one() {
    let backup = Target::Trunk("backup".into());
    let rules = [backup.clone(), provider()].map(|to| rule("1", RuleFrom::Any, "X.", to));
    let plan = RoutePlan::new(rules.into(), directory());
    assert!(leads(&plan, &kitchen(), "555") && plan.leads_to(&kitchen(), &backup, "555"));
}

#[test]
fn without_any_rule_lines_and_users_are_reached_by_their_own_numbers() {
    let plan = RoutePlan::new(Vec::new(), directory());
    let route = |called| plan.route(&Origin::Guest, called).map(|routed| routed.target);
    assert_eq!(route("101"), Ok(Target::Line("kitchen".into())));
    assert_eq!(route("alice"), Ok(Target::User));
    assert_eq!(route("7001"), Ok(Target::User));
    assert_eq!(route("102"), Err(NoRoute::Unallocated));
    assert_eq!(route("bob"), Err(NoRoute::Unallocated));
    assert_eq!(route("10"), Err(NoRoute::Incomplete));
    assert_eq!(route("al"), Err(NoRoute::Unallocated), "a name is not dialled digit by digit");
}

#[test]
fn the_first_rule_that_matches_rewrites_the_number() {
    let routed = plan().route(&kitchen(), "95551234").expect("a route");
    let expected =
        Routed { rule: Some("1".into()), target: provider(), number: number("+15551234") };
    assert_eq!(routed, expected);
}

#[test]
fn a_guest_reaches_us_but_nobody_at_our_cost() {
    let places = [
        (Target::Line("kitchen".into()), true),
        (Target::Group("desks".into()), true),
        (Target::User, true),
        (provider(), false),
        (Target::Span("isdn".into()), false),
        (Target::Address, false),
    ];
    for (target, allowed) in places {
        assert_eq!(Origin::Guest.may_call(&target), allowed, "{target}");
        assert!(kitchen().may_call(&target) && Origin::User("alice".into()).may_call(&target));
    }
}

#[test]
fn a_rule_is_for_whom_it_names() {
    assert!(plan().route(&kitchen(), "112").is_ok());
    assert_eq!(plan().route(&Origin::Line("attic".into()), "112"), Err(NoRoute::Unallocated));
    assert!(plan().route(&Origin::User("alice".into()), "8").is_ok());
    assert!(plan().route(&kitchen(), "8").is_err());
    assert!(plan().route(&Origin::Guest, "8").is_err());
}

#[test]
fn lines_stay_reachable_besides_rules() {
    let routed = plan().route(&kitchen(), "101").expect("a route");
    assert_eq!((routed.rule, routed.target), (None, Target::Line("kitchen".into())));
}

#[test]
fn a_rule_that_leaves_nothing_of_the_number_is_said_to() {
    assert_eq!(plan().route(&kitchen(), "000"), Err(NoRoute::NothingLeft));
    assert_eq!(NoRoute::NothingLeft.cause(), Cause::INVALID_NUMBER_FORMAT);
}

#[test]
fn dialling_learns_whether_to_wait() {
    let plan = plan();
    let verdict = |digits| plan.verdict(&kitchen(), digits);
    assert_eq!(verdict("1"), Verdict::NeedMore);
    assert_eq!(verdict("101"), Verdict::Match, "1015 exists");
    assert_eq!(verdict("1015"), Verdict::Complete);
    assert_eq!(verdict("9555123"), Verdict::NeedMore);
    assert_eq!(verdict("95551234"), Verdict::Complete);
    assert_eq!(verdict("91"), Verdict::Impossible);
    assert_eq!(verdict("112"), Verdict::Complete);
    assert_eq!(plan.verdict(&Origin::Line("attic".into()), "112"), Verdict::Impossible);
    assert_eq!(verdict("101#"), Verdict::Impossible, "so `#` ends dialling");
}

#[test]
fn a_dry_run_tells_every_rule_tried() {
    let dry_run = |from: &Origin, called| {
        plan().explain(from, called).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        dry_run(&kitchen(), "95551234"),
        [
            "rule 1: matches, calls +15551234 at trunk provider",
            "rule 2: is not reached",
            "rule 3: is not reached",
            "rule 4: is not reached",
            "directory: is not reached",
        ]
    );
    assert_eq!(
        dry_run(&kitchen(), "101"),
        [
            "rule 1: does not match",
            "rule 2: does not match",
            "rule 3: does not match",
            "rule 4: is for calls from elsewhere",
            "directory: matches, calls 101 at line kitchen",
        ]
    );
    assert_eq!(
        dry_run(&Origin::Guest, "9555"),
        [
            "rule 1: does not match yet; more digits could",
            "rule 2: is for calls from elsewhere",
            "rule 3: does not match",
            "rule 4: is for calls from elsewhere",
            "directory: does not match",
        ]
    );
}

#[test]
fn rules_that_lead_where_nobody_may_call_now_are_passed_over() {
    let trunk = |name: &str| Target::Trunk(name.into());
    let rules = vec![
        rule("1", RuleFrom::Any, "9X.", trunk("first")),
        rule("2", RuleFrom::Any, "9X.", trunk("second")),
    ];
    let plan = RoutePlan::new(rules, directory());
    let leads = |closed: &[&str]| {
        let open = |target: &Target| !closed.iter().any(|name| *target == trunk(name));
        plan.route_to(&kitchen(), "9123", open).map(|routed| routed.target)
    };
    assert_eq!(leads(&[]), Ok(trunk("first")));
    assert_eq!(leads(&["first"]), Ok(trunk("second")));
    assert_eq!(leads(&["first", "second"]), Err(NoRoute::Closed));
    assert_eq!(NoRoute::Closed.cause(), Cause::CONGESTION);
    assert_eq!(plan.route_to(&kitchen(), "8", |_| false), Err(NoRoute::Unallocated));
}

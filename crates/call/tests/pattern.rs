//! Number patterns.

use proptest::prelude::*;
use tipring_call::{Match, Pattern, Problem};

/// `"yes"`: matches, no digit could follow; `"yes+"`: matches, more could; `"more"`: not yet; `"no"`.
fn check(pattern: &str, text: &str) -> &'static str {
    let pattern = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    match pattern.check(text) {
        Match { accepts: true, may_extend: false } => "yes",
        Match { accepts: true, may_extend: true } => "yes+",
        Match { accepts: false, may_extend: true } => "more",
        Match { accepts: false, may_extend: false } => "no",
    }
}

fn all(pattern: &str, cases: &[(&str, &str)]) {
    for (text, found) in cases {
        assert_eq!(check(pattern, text), *found, "{pattern} on {text}");
    }
}

#[test]
fn a_digit_map_matches_whole_numbers_and_knows_when_more_could_come() {
    all("9XX.", &[("", "more"), ("9", "more"), ("95", "yes+"), ("9555", "yes+"), ("8", "no")]);
    all("9XX.", &[("95*", "no"), ("955a", "no"), ("195", "no")]);
    all("101", &[("10", "more"), ("101", "yes"), ("1012", "no"), ("2", "no")]);
    all("[2-9]XX", &[("1", "no"), ("2", "more"), ("299", "yes"), ("2999", "no")]);
    all("[135-7*]Z", &[("19", "yes"), ("69", "yes"), ("*1", "yes"), ("20", "no"), ("10", "no")]);
    all("N11", &[("911", "yes"), ("111", "no"), ("011", "no")]);
    all("*72#", &[("*72", "more"), ("*72#", "yes")]);
    all("+49X.", &[("+49", "yes+"), ("+4930", "yes+"), ("49", "no")]);
    all("ABCD", &[("ABCD", "yes"), ("ABC", "more")]);
    all("1x.5", &[("15", "yes+"), ("1235", "yes+"), ("12", "more")]);
}

#[test]
fn a_lone_dot_is_any_number_but_leaves_hash_to_end_dialling() {
    all(".", &[("", "more"), ("1", "yes+"), ("alice", "yes+"), ("12#", "no")]);
}

#[test]
fn a_t_at_the_end_waits_for_its_timer() {
    all("9XXT", &[("95", "more"), ("955", "yes+"), ("9555", "no")]);
}

#[test]
fn a_regular_expression_matches_anywhere_unless_anchored() {
    all("/^9[0-9]+$/", &[("9", "more"), ("91", "yes+"), ("19", "no")]);
    all("/911/", &[("911", "yes+"), ("0911", "yes+"), ("91", "more"), ("5", "more")]);
    all("/^alice$/", &[("alice", "yes"), ("alic", "no"), ("alicex", "no")]);
    all("/^(1|00)?[2-9]\\d{2}$/", &[("1200", "yes"), ("00200", "yes"), ("0", "more")]);
    all("/^(1|00)?[2-9]\\d{2}$/", &[("200", "yes"), ("2000", "no"), ("1100", "no")]);
    all("/^\\+49\\d{2,4}$/", &[("+491", "more"), ("+4912", "yes+"), ("+491234", "yes")]);
    all("/^[^0-4]*$/", &[("59", "yes+"), ("54", "no")]);
    all("/^a.c$/", &[("abc", "yes"), ("ac", "no")]);
    all("/^5{2,}$/", &[("5", "more"), ("55", "yes+"), ("555555", "yes+")]);
    all("/^(a*)*$/", &[("aaaa", "yes"), ("aab", "no")]);
}

#[test]
fn a_bad_pattern_is_told_where_and_what() {
    for (pattern, at, problem) in [
        ("", 0, Problem::Empty),
        ("//", 1, Problem::Empty),
        ("9a", 1, Problem::NotDialable('a')),
        ("alice", 0, Problem::NotDialable('a')),
        ("9TX", 2, Problem::TimerNotLast),
        ("T", 0, Problem::NotDialable('T')),
        ("9[2-", 1, Problem::OpenClass),
        ("9[2", 1, Problem::OpenClass),
        ("9[]", 2, Problem::EmptyClass),
        ("[9-2]", 1, Problem::EmptyClass),
        ("9é", 1, Problem::NotAscii),
        ("/^1", 3, Problem::OpenSlash),
        ("/(1/", 1, Problem::OpenGroup),
        ("/1)/", 2, Problem::StrayParenthesis),
        ("/*1/", 1, Problem::NothingToRepeat),
        ("/^*/", 2, Problem::NothingToRepeat),
        ("/1{x}/", 2, Problem::BadRepeat),
        ("/1{3,2}/", 2, Problem::BadRepeat),
        ("/1{65}/", 2, Problem::BadRepeat),
        ("/\\q/", 1, Problem::BadEscape),
        ("/[z-a]/", 2, Problem::EmptyClass),
        ("/[ab/", 1, Problem::OpenClass),
    ] {
        let error = Pattern::parse(pattern).expect_err(pattern);
        assert_eq!((error.at, error.problem), (at, problem), "{pattern}");
    }
    let deep = format!("/{}1{}/", "(".repeat(40), ")".repeat(40));
    assert_eq!(Pattern::parse(&deep).map_err(|error| error.problem), Err(Problem::OpenGroup));
    let large = "/((1{64}){64}){64}/";
    assert_eq!(Pattern::parse(large).map_err(|error| error.problem), Err(Problem::TooLong));
    let long = "1".repeat(257);
    assert_eq!(Pattern::parse(&long).map_err(|error| error.problem), Err(Problem::TooLong));
    let error = Pattern::parse("9a").expect_err("a is no digit");
    assert_eq!(
        error.to_string(),
        "character 2: `a` cannot be dialled; a name is matched by a regular expression: /^name$/"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_an_error_and_never_a_panic(text in ".{0,40}", number in ".{0,70}") {
        for text in [text.clone(), format!("/{text}/")] {
            match Pattern::parse(&text) {
                Ok(pattern) => {
                    pattern.check(&number);
                    prop_assert_eq!(pattern.to_string(), text);
                }
                Err(error) => prop_assert!(error.at <= text.chars().count()),
            }
        }
    }

    #[test]
    fn pattern_like_texts_do_not_panic(text in r"/?[\[\]()|*+?{},.^$\\0-9XZNTa-c-]{0,20}/?") {
        if let Ok(pattern) = Pattern::parse(&text) {
            pattern.check("1234567");
        }
    }

    #[test]
    fn whoever_could_become_a_match_is_never_called_impossible(
        number in "[0-9*]{1,12}",
        pattern in prop::sample::select(vec![
            "9XX.", "[2-9]XXX", ".", "NZX.5", "/^9[0-9]+$/", "/12/", "/^(1|23)*4?$/", "/5{2,3}$/",
        ]),
    ) {
        let pattern = Pattern::parse(pattern).expect("it is one");
        if pattern.check(&number).accepts {
            for end in 0..number.len() {
                prop_assert!(pattern.check(&number[..end]).may_extend, "{}", &number[..end]);
            }
        }
    }
}

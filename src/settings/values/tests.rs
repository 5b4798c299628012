use super::*;
use crate::flags::{DURATION, NO_CACHE, PROFILE, TAG, VERBOSE};

fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
    crate::settings::tests::values(line, vars)
}

fn texts(values: &FlagValues, flag: &'static Flag) -> Vec<String> {
    values.many(flag).iter().map(|given| format!("{} {}", given.origin, given.text().expect("text"))).collect()
}

#[test]
fn the_command_line_takes_precedence_over_the_variable() {
    let values = values("--duration 1h -- true x", &[("XASSUME_DURATION", "2h"), ("XASSUME_PROFILE", "p")]);
    assert_eq!(texts(&values, &DURATION), ["--duration 1h"]);
    assert_eq!(texts(&values, &PROFILE), ["XASSUME_PROFILE p"]);
    assert_eq!(values.notes, [Ignored::new("XASSUME_DURATION", "overridden by --duration")]);
    assert_eq!(values.command, ["true", "x"]);
    assert_eq!(values.origins(), [Origin::Variable(&PROFILE), Origin::Flag(&DURATION)]);
}

#[test]
fn an_empty_variable_counts_as_unset_and_an_empty_flag_is_an_error() {
    let unset = values("", &[("XASSUME_PROFILE", "")]);
    assert!(unset.origin(&PROFILE).is_none() && unset.refuse_empty_values().is_ok());
    assert!(values("--profile=", &[]).refuse_empty(&PROFILE).is_err());
    assert!(values("--tag a=b --tag=", &[]).refuse_empty_values().is_err());
}

#[test]
fn a_variable_of_a_repeatable_flag_has_one_value_per_line() {
    let values = values(
        "",
        &[("XASSUME_TAG", "a=b\n\nc=d, arn:e"), ("XASSUME_ROLE_ARN", "123456789012:A,123456789012:B\n123456789012:C")],
    );
    assert_eq!(texts(&values, &TAG), ["XASSUME_TAG a=b", "XASSUME_TAG c=d, arn:e"]);
    assert_eq!(values.many(&ROLE_ARN).len(), 3);
}

#[test]
fn switches_and_counts_are_read_from_flags_and_variables() {
    for (line, value, on, count, set) in [
        ("", "", Some(false), Some(0), false),
        ("", "true", Some(true), Some(1), true),
        ("", "1", Some(true), Some(1), true),
        ("", "false", Some(false), Some(0), false),
        ("", "0", Some(false), Some(0), false),
        ("", "2", None, Some(2), true),
        ("", "yes", None, None, true),
        ("--no-cache -vvv", "0", Some(true), Some(3), true),
    ] {
        let values = values(line, &[("XASSUME_NO_CACHE", value), ("XASSUME_VERBOSE", value)]);
        assert_eq!((values.switch(&NO_CACHE).ok(), values.count(&VERBOSE).ok()), (on, count), "{line} {value}");
        assert_eq!([&NO_CACHE, &VERBOSE].map(|flag| values.origin(flag).is_some()), [set, set], "{line} {value}");
    }
}

#[test]
fn a_removed_value_is_gone() {
    let mut values = values("", &[("XASSUME_DURATION", "2h")]);
    values.remove(&DURATION);
    assert!(values.one(&DURATION).is_none() && values.origin(&DURATION).is_none());
}

#[test]
fn a_value_that_a_rule_is_about_is_shown() {
    let shown = |line: &str, vars: &[(&str, &str)]| {
        values(line, vars).given_as(&PROFILE, |name| name == "dev").map(|given| given.shown)
    };
    assert_eq!(shown("-p dev", &[]).as_deref(), Some("--profile dev"));
    assert_eq!(shown("", &[("XASSUME_PROFILE", "dev")]).as_deref(), Some("XASSUME_PROFILE=dev"));
    assert_eq!(shown("-p prod", &[]), None);
}

//! Tests that the man page lists the variables that are set.

use super::super::names::{ALWAYS_SET, FILES};
use super::{deliveries, settings};
use crate::vars::PID_VARIABLES;
use std::collections::BTreeSet;

/// Returns the names of variables that a text contains.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.contains('_') && !word.contains(|c: char| c.is_ascii_lowercase())).collect()
}

#[test]
fn the_man_page_names_all_that_is_set_and_nothing_else() {
    let page = include_str!("../../../../completions/xassume.1").replace("\\-", "-");
    let (_, section) = page.split_once(".SS Set for the command\n").expect("the section");
    let (section, _) = section.split_once(".SS ").expect("its end");
    let (always, for_deliveries) = section.split_once("--via env").expect("the first delivery");
    assert_eq!(names(always), ALWAYS_SET.iter().copied().collect());
    for (name, _) in deliveries() {
        let via = if name == "isolated" { "env" } else { name };
        let (_, listed) = section.split_once(&format!("--via {via}")).expect(via);
        let listed = listed.split(".TP").next().unwrap_or_default();
        // The man page lists variables that are set only in some cases last. They are cut off here.
        let listed = match name {
            "env" => listed.split("--isolate").next().unwrap_or_default(),
            "endpoint" => listed.split("where there is a proxy").next().unwrap_or_default(),
            _ => listed,
        };
        let settings = settings(name);
        let isolation = [].into_iter().chain(if settings.isolate { FILES } else { &[] }).copied();
        assert_eq!(names(listed), settings.via.names().chain(isolation).collect(), "{name}");
    }
    assert!(for_deliveries.contains("NO_PROXY") && PID_VARIABLES.iter().all(|name| page.contains(name)));
}

//! Checks that the table in `docs/supervision.md` lists each event with its level and its fields.

mod each;

use super::record::span;
use super::*;
use crate::error::Reason;
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns the rows of the table in the documentation by event name. A row has the level, and the keys with their
/// kinds, such as `lifetime (s)`.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let page = include_str!("../../docs/supervision.md");
    let (_, section) = page.split_once("\n## The log\n").expect("the section");
    let (section, _) = section.split_once("\n### ").expect("its end");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    rows.map(|cells| {
        let [event, level, _, keys] = cells[..] else { panic!("{cells:?}") };
        let parts: Vec<&str> = keys.split('`').skip(1).collect();
        let keys = parts.chunks_exact(2).map(|part| {
            let kind = part[1].strip_prefix(" (").and_then(|rest| rest.split_once(')'));
            kind.map_or_else(|| part[0].to_owned(), |(kind, _)| format!("{} ({kind})", part[0]))
        });
        (event.trim_matches('`').into(), (level.into(), keys.collect()))
    })
    .collect()
}

#[test]
fn the_table_has_every_event_with_its_level_and_keys() {
    let mut rows: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for event in each::all() {
        let Record { level, name, fields, .. } = event.record();
        let level = serde_json::json!(level).as_str().expect("a name").to_owned();
        let row = rows.entry(name.into()).or_insert_with(|| (level.clone(), Vec::new()));
        assert_eq!(row.0, level, "{name} has one level");
        for (key, field) in fields {
            let key = match field {
                Field::Text(_) => key.to_owned(),
                Field::Number(_) => format!("{key} (number)"),
                Field::Time(_) => format!("{key} (time)"),
                Field::Seconds(_) => format!("{key} (s)"),
            };
            if !row.1.contains(&key) {
                row.1.push(key);
            }
        }
    }
    assert_eq!(documented(), rows);
}

#[test]
fn spans_are_whole_seconds_and_at_least_one() {
    assert_eq!(span(Duration::from_millis(20)).to_string(), "1s");
    assert_eq!(span(Duration::from_millis(359_700)).to_string(), "6m");
}

#[test]
fn a_failing_refresh_is_a_warning_that_contains_the_remaining_time() {
    let problem = Problem::new(Reason::Network, "no route to sts").with_hint("check the network");
    let (expires_in, retry_in) = (Duration::from_mins(10), Duration::from_secs(4));
    let failing = Event::from(RefreshEvent::Failing { problem, failures: 1, expires_in, retry_in });
    let record = failing.record();
    assert_eq!((record.level, record.hint.as_deref()), (Level::Warning, Some("check the network")));
    assert_eq!(record.message, "refresh failed (session expires in 10m): no route to sts; retrying in 4s");
}

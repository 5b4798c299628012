//! The table of `docs/supervision.md` has each event, with its level and its fields.

use super::*;
use crate::process::{End, Member};

/// One of each kind, and one more where the fields differ. A kind that is not in this row does not compile.
fn after(before: Option<&Event>) -> Option<Event> {
    let problem = || Problem { text: "no".into(), hint: None };
    let member = || Member { pid: 7, name: "worker".into() };
    let (span, moment, signal, pid) = (Duration::from_millis(1500), SystemTime::UNIX_EPOCH, Signal::HUP, 7);
    let Some(before) = before else {
        return Some(Event::Assumed { role: "r".into(), expiration: moment, lifetime: span });
    };
    Some(match before {
        Event::Assumed { .. } => Event::RefreshDue { at: moment, within: span },
        Event::RefreshDue { .. } => Event::Refreshed { expiration: moment, left: span },
        Event::Refreshed { .. } => Event::RefreshFailing { problem: problem(), expires_in: span, retry_in: span },
        Event::RefreshFailing { .. } => Event::Retrying { problem: problem(), failures: 2, retry_in: span },
        Event::Retrying { .. } => Event::ExpiresSoon { within: span },
        Event::ExpiresSoon { .. } => Event::ExpiredStillRunning,
        Event::ExpiredStillRunning => Event::Recovered { failures: 2 },
        Event::Recovered { .. } => Event::Lapsed,
        Event::Lapsed => Event::Started { pid },
        Event::Started { .. } => Event::StartRetry { problem: problem(), retry_in: span },
        Event::StartRetry { .. } => Event::Restarting,
        Event::Restarting => Event::RestartsCancelled { signal },
        Event::RestartsCancelled { .. } => Event::Stopped { how: Stop::Asked, end: End::Exited(0) },
        Event::Stopped { end: End::Exited(_), .. } => Event::Stopped { how: Stop::Killed, end: End::Killed(signal) },
        Event::Stopped { end: End::Killed(_), .. } => Event::StillStopping { member: member() },
        Event::StillStopping { .. } => Event::StopIgnored { member: member() },
        Event::StopIgnored { .. } => Event::NotKilled { pid },
        Event::NotKilled { .. } => Event::Signalled { signal, pid },
        Event::Signalled { .. } => Event::Forwarded { signal },
        Event::Forwarded { .. } => Event::CannotSignal { signal, problem: problem() },
        Event::CannotSignal { .. } => Event::DiedOfRefreshSignal { signal },
        Event::DiedOfRefreshSignal { .. } => Event::NoticeOnly { signal },
        Event::NoticeOnly { .. } => Event::GroupWarning,
        Event::GroupWarning => Event::StdinWarning { stdin: Stdin::Stream },
        Event::StdinWarning { .. } => Event::Dropped { messages: 2 },
        Event::Dropped { .. } => return None,
    })
}

/// The first, the second and the last cell of a row.
type Row = [String; 3];

/// The rows of the page in their order; a key with its kind, as `lifetime (s)`.
fn documented() -> Vec<Row> {
    let page = include_str!("../../docs/supervision.md");
    let (_, section) = page.split_once("\n## The log\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    rows.map(|cells| {
        let [event, level, _, keys] = cells[..] else { panic!("{cells:?}") };
        let parts: Vec<&str> = keys.split('`').skip(1).collect();
        let keys = parts.chunks_exact(2).map(|part| {
            let kind = part[1].strip_prefix(" (").and_then(|rest| rest.split_once(')'));
            kind.map_or_else(|| part[0].to_owned(), |(kind, _)| format!("{} ({kind})", part[0]))
        });
        [event.trim_matches('`').into(), level.into(), keys.collect::<Vec<_>>().join(", ")]
    })
    .collect()
}

#[test]
fn the_documents_name_every_event_with_its_level_and_keys() {
    let mut rows: Vec<Row> = Vec::new();
    let all = std::iter::successors(after(None), |before| after(Some(before)));
    for event in all {
        let level = match event.level() {
            Level::Warning => "warning",
            Level::Detail => "info",
            Level::Trace => "debug",
        };
        let key = |(name, field): (&str, Field)| match field {
            Field::Text(_) => name.to_owned(),
            Field::Number(_) => format!("{name} (number)"),
            Field::Time(_) => format!("{name} (time)"),
            Field::Seconds(_) => format!("{name} (s)"),
        };
        let keys: Vec<String> = event.fields().into_iter().map(key).collect();
        match rows.last_mut().filter(|row| row[0] == event.name()) {
            // What only some of a kind have comes behind what all have.
            Some([_, _, known]) => {
                let more = keys.into_iter().filter(|key| !known.split(", ").any(|documented| documented == key));
                *known = [vec![known.clone()], more.collect()].concat().join(", ");
            }
            None => rows.push([event.name().into(), level.into(), keys.join(", ")]),
        }
    }
    // Before these stand what the launch tells, which is held by the tests of whole runs.
    let documented = documented();
    assert!(documented.ends_with(&rows), "{documented:#?}\n{rows:#?}");
}

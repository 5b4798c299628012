//! `--list-sessions`: prints the cached sessions of this user as a table or as a JSON document.

use crate::cache::{Cache, CacheSettings, ListedSession};
use crate::error::{Error, one_line, plain_json};
use crate::event::{CacheEvent, EventSink as _};
use crate::log_options::{LogFormat, LogOptions};
use crate::process::End;
use crate::report::{Report, output};
use crate::session::{rfc3339, whole_seconds};
use crate::vars::Vars;
use serde_json::json;

/// The maximum number of characters of a cell. A session name has at most 64, and a label 80.
const LONGEST: usize = 80;
const HEAD: [&str; 5] = ["LABEL", "ACCOUNT", "ROLE", "SESSION", "LEFT"];

/// Prints the sessions that have not expired, without their keys.
///
/// # Errors
/// A directory of the cache cannot be read, or standard output cannot be written. The sessions in the other directory
/// are printed nevertheless.
pub(crate) fn run(
    settings: &CacheSettings,
    vars: &Vars,
    report: Report,
    log_options: LogOptions,
) -> Result<End, Error> {
    output::expect_open()?;
    let (sessions, skipped) = Cache::new(settings.directory.as_deref(), vars).list();
    let text = match log_options.format {
        LogFormat::Json => document(&sessions),
        LogFormat::Text => table(&sessions),
    };
    output::print_until_closed(text.as_bytes())?;
    if let Some(fault) = skipped.into_iter().find(|skipped| skipped.fault) {
        let hint = fault.hint("");
        return Err(Error::Cache { what: "list", directory: fault.path, reason: fault.reason, hint });
    }
    if sessions.is_empty() {
        report.emit(CacheEvent::NothingToList.into());
    }
    Ok(End::Exited(0))
}

fn document(sessions: &[ListedSession]) -> String {
    let sessions = sessions.iter().map(|ListedSession { title, session_name, validity }| {
        json!({
            "label": title.label,
            "account": title.account,
            "role_name": title.role,
            "session_name": session_name,
            "expiration": rfc3339(validity.local_expiration()),
            "left": validity.left.as_secs(),
        })
    });
    plain_json(&json!({"sessions": sessions.collect::<Vec<_>>()})) + "\n"
}

/// Returns one line for each session, in aligned columns under a head. Returns an empty text if there is no session.
fn table(sessions: &[ListedSession]) -> String {
    if sessions.is_empty() {
        return String::new();
    }
    let cell = |text: Option<&str>| one_line(text.unwrap_or("-"), LONGEST);
    let rows = sessions.iter().map(|ListedSession { title, session_name, validity }| {
        let [account, role] = [&title.account, &title.role].map(|text| cell(text.as_deref()));
        let left = whole_seconds(validity.left).to_string();
        [cell(Some(&title.label)), account, role, cell(session_name.as_deref()), left]
    });
    let rows: Vec<[String; 5]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
        padded.chain([row[4].clone() + "\n"]).collect::<String>()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Title, Validity};
    use std::time::{Duration, SystemTime};

    fn listed(label: &str, role: Option<&str>, session_name: Option<&str>, left: u64) -> ListedSession {
        let account = role.map(|_| "521111111144".to_owned());
        let left = Duration::from_secs(left);
        let expiration = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        ListedSession {
            title: Title { label: label.into(), account, role: role.map(str::to_owned) },
            session_name: session_name.map(str::to_owned),
            validity: Validity { expiration, left, lifetime: left, skew_secs: 0 },
        }
    }

    #[test]
    fn columns_are_aligned_and_nothing_controls_the_terminal() {
        let sessions =
            [listed("mfa/alice", None, None, 40_000), listed("größe", Some("Deploy\u{1b}[2J"), Some("a\u{202e}b"), 59)];
        let expected = "\
LABEL      ACCOUNT       ROLE        SESSION  LEFT
mfa/alice  -             -           -        11h 6m 40s
größe      521111111144  Deploy [2J  a b      59s
";
        assert_eq!(table(&sessions), expected);
        assert_eq!(table(&[]), "");
        let json = document(&sessions);
        assert!(!json.contains(['\u{1b}', '\u{202e}']), "{json}");
    }

    #[test]
    fn the_document_is_one_line_with_all_sessions() {
        let json = document(&[listed("prod", Some("R"), Some("me"), 59), listed("mfa/alice", None, None, 1)]);
        let expected = r#"{"sessions":[{"account":"521111111144","expiration":"1970-01-02T00:00:00Z","label":"prod","left":59,"role_name":"R","session_name":"me"},{"account":null,"expiration":"1970-01-02T00:00:00Z","label":"mfa/alice","left":1,"role_name":null,"session_name":null}]}"#;
        assert_eq!(json, format!("{expected}\n"));
        assert_eq!(document(&[]), "{\"sessions\":[]}\n");
    }
}

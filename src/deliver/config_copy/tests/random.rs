//! Compares what AWS's tools read from random config files with what they read from the copy.

use super::*;
use crate::hostile::property_config;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeMap;

/// What a tool reads from a section.
#[derive(Debug, Clone, Default, PartialEq)]
struct Read {
    /// Each key with the lines of its value.
    settings: Vec<(String, Vec<String>)>,
    /// The comments that are not indented.
    comments: Vec<String>,
}

type File = BTreeMap<String, Read>;

/// Reads a file by the rules of Python's `configparser`, which botocore uses: a line with more indentation than the
/// setting above it continues that setting. Sections with the same name are merged.
fn read(text: &str) -> File {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let (mut file, mut section, mut indent, mut continues) = (File::new(), String::new(), 0, false);
    for line in text.split('\n') {
        let (trimmed, own_indent) = (line.trim(), line.len() - line.trim_start().len());
        let is_comment = trimmed.starts_with(['#', ';']);
        let read = file.entry(section.clone()).or_default();
        if is_comment && own_indent == 0 {
            read.comments.push(trimmed.to_owned());
        }
        if trimmed.is_empty() || is_comment {
            continue;
        }
        if let Some((_, value)) = read.settings.last_mut().filter(|_| continues && own_indent > indent) {
            value.push(trimmed.to_owned());
        } else if let Some(header) = trimmed.strip_prefix('[') {
            continues = false;
            section = header.split_once(']').expect("a header").0.replace('"', "");
            file.entry(section.clone()).or_default();
        } else {
            let (key, value) = trimmed.split_once(['=', ':']).expect("a setting");
            read.settings.push((key.trim().to_lowercase(), vec![value.trim().to_owned()]));
            (indent, continues) = (own_indent, true);
        }
    }
    file
}

/// Checks whether AWS or xassume reads the key for credentials or a role.
fn is_of_credentials(key: &str) -> bool {
    let beginnings =
        ["aws_access", "aws_se", "aws_account", "credential_", "mfa_", "role_", "sso_", "source_", "web_ide"];
    let whole = ["duration_seconds", "external_id", "include_profile", "login_session", "session_tags"];
    beginnings.iter().any(|beginning| key.starts_with(beginning))
        || whole.contains(&key)
        || key == "transitive_session_tags"
}

/// Returns the settings that stay, and nothing about `sso-session` sections.
fn without_credentials(mut file: File) -> File {
    file.retain(|name, _| !name.starts_with("sso-session "));
    for read in file.values_mut() {
        read.settings.retain(|(key, _)| !is_of_credentials(key));
    }
    file
}

/// Returns the settings of a new section: from the first of the used profiles that has the key.
fn merged(file: &File, used: &[String]) -> Vec<(String, Vec<String>)> {
    let mut settings: Vec<(String, Vec<String>)> = Vec::new();
    for name in used {
        let prefixed = file.get(&format!("profile {name}"));
        // `[profile default]` replaces `[default]`.
        let read = prefixed.or_else(|| file.get(name).filter(|_| name == DEFAULT));
        let known: Vec<_> = settings.iter().map(|(key, _)| key.clone()).collect();
        let own = read.into_iter().flat_map(|read| &read.settings);
        settings.extend(own.filter(|(key, _)| !known.contains(key)).cloned());
    }
    settings
}

/// Returns what is to be read from the copy.
fn expected(text: &str, used: &[String], others: &[OtherProfile<'_>]) -> File {
    let original = without_credentials(read(text));
    let mut copy = original.clone();
    let new = others.iter().map(|other| (format!("profile {}", other.name), &other.used[..], &other.region));
    let default = (!used.is_empty() && used != [DEFAULT]).then_some((DEFAULT.to_owned(), used, &None));
    for (name, used, region) in new.chain(default) {
        if name == DEFAULT {
            copy.remove("profile default");
        }
        let region = region.iter().map(|region| ("region".to_owned(), vec![region.clone()]));
        let settings = region.chain(merged(&original, used)).collect();
        copy.insert(name, Read { settings, comments: Vec::new() });
    }
    copy
}

fn text_of(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(list)
}

fn section() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &[
        "default",
        "profile default",
        "profile a",
        "profile b",
        "profile \"b\"",
        "profile c",
        "sso-session a",
        "services a",
        "a",
    ];
    let line = prop_oneof![
        4 => (indent(), key(), text_of(&["=", " = ", ": "]), text_of(&["", "x", "x ; c", "\"x\"", "[a]", "é"]))
            .prop_map(|(indent, key, equals, value)| format!("{indent}{key}{equals}{value}")),
        1 => (indent(), text_of(&["# c", ";d", "", "#[profile a]"])).prop_map(|(indent, text)| format!("{indent}{text}")),
    ];
    let header = (indent(), select(NAMES), text_of(&["", " # c"]))
        .prop_map(|(indent, name, end)| format!("{indent}[{name}]{end}"));
    (header, prop::collection::vec(line, 0..6)).prop_map(|(header, lines)| [vec![header], lines].concat().join("\n"))
}

fn indent() -> impl Strategy<Value = &'static str> {
    text_of(&["", "", "", " ", "  ", "\t   ", "\u{a0}"])
}

fn key() -> impl Strategy<Value = String> {
    let others = ["region", "output", "s3", "Endpoint_URL", "sso", "aws_keys", "rolearn", "x y"];
    let keys = CREDENTIAL_SETTINGS.iter().chain(&["sso_session", "sso_new", "ROLE_ARN"]).copied();
    prop_oneof![2 => select(others.to_vec()), 1 => select(keys.collect::<Vec<_>>())].prop_map(str::to_owned)
}

/// Generates a file that AWS's tools can read.
fn file() -> impl Strategy<Value = String> {
    let start = text_of(&["", "", "\u{feff}", "# c\n", "\n \n"]);
    let sections = prop::collection::vec(section(), 0..7);
    (start, sections, text_of(&["\n", "\r\n", "\r"]), any::<bool>()).prop_map(
        |(start, sections, line_end, is_ended)| {
            let end = if is_ended { "\n" } else { "" };
            let text = format!("{start}{}{end}", sections.join("\n"));
            text.replace('\n', line_end)
        },
    )
}

/// Generates the used profiles of a session.
fn used() -> impl Strategy<Value = Vec<String>> {
    subsequence(vec!["b", "a", DEFAULT, "missing"], 0..4)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

/// Checks that each line of the copy is a line of the file, and that they are in order. Only a header may lose its
/// indent.
fn is_part(copy: &str, text: &str) -> bool {
    let mut lines = text.split_inclusive(['\r', '\n']);
    copy.split_inclusive(['\r', '\n'])
        .all(|line| lines.any(|own| own == line || own.trim_start() == line && line.starts_with('[')))
}

proptest! {
    #![proptest_config(property_config(256))]

    #[test]
    fn a_copy_without_used_profiles_has_the_other_settings_and_lines(text in file()) {
        let copy = filtered(&text, None);
        prop_assert_eq!(read(&copy), without_credentials(read(&text)), "{:?} becomes {:?}", text, copy);
        prop_assert!(is_part(&copy, &text), "{:?} becomes {:?}", text, copy);
        prop_assert_eq!(&filtered(&copy, None), &copy);
    }

    #[test]
    fn a_copy_with_used_profiles_has_their_settings_and_those_of_the_others(
        text in file(),
        used in used(),
        (of_a, of_c) in (used(), used()),
        region in any::<bool>(),
    ) {
        let region = region.then(|| "r".to_owned()).filter(|_| {
            !merged(&read(&text), &of_a).iter().any(|(key, _)| key == "region")
        });
        let others =
            [OtherProfile { name: "a", used: of_a, region }, OtherProfile { name: "c", used: of_c, region: None }];
        for others in [&others[..0], &others[..1], &others] {
            let copy = String::from_utf8(filter(text.as_bytes(), (&used, None), others)).expect("text");
            prop_assert_eq!(read(&copy), expected(&text, &used, others), "{:?} becomes {:?}", text, copy);
            prop_assert_eq!(&filtered(&copy, None), &copy);
        }
    }
}

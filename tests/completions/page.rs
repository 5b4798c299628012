//! The content of the man page, and that it is valid roff.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::manual::{INSTEAD, flags_with_variables, page};
use crate::documents::{command_line, parses, read};
use std::fs;
use std::process::Command;
use xassume::REMOVED;
use xassume::cli::{GROUPS, all_flags, command};
use xassume::outcome::{FAILED, NOT_FOUND, NOT_RUNNABLE};

/// The text of a section, without roff's markup for bold, dashes and the like.
#[track_caller]
fn section(name: &str) -> String {
    let page = plain(&page());
    let text = page.split(&format!("\n.SH {name}\n")).nth(1).unwrap_or_else(|| panic!("no section {name}"));
    text.split("\n.SH ").next().unwrap_or_default().to_owned()
}

fn plain(roff: &str) -> String {
    let marks = [("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\(ga", "`")];
    marks.into_iter().fold(roff.to_owned(), |text, (mark, meant)| text.replace(mark, meant))
}

/// The lines that are shown unchanged.
fn literal_lines(text: &str) -> Vec<&str> {
    let blocks = text.split(".nf\n").skip(1).map(|rest| rest.split(".fi\n").next().unwrap_or_default());
    blocks.flat_map(str::lines).collect()
}

#[test]
fn the_page_has_the_usual_sections() {
    let page = page();
    let found: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    #[rustfmt::skip]
    assert_eq!(found, [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SIGNALS", "ENVIRONMENT", "FILES", "SECURITY",
        "EXAMPLES", "SEE ALSO",
    ]);
    let options = section("OPTIONS");
    for (group, _) in GROUPS {
        assert!(options.contains(&format!("\n.SS {group}\n")), "{group}");
    }
    for flag in all_flags() {
        let default = if flag.default.is_empty() { String::new() } else { format!(" [default: {}]", flag.default) };
        let value = if flag.value.is_empty() { String::new() } else { format!(" {}", flag.value) };
        let head = format!("--{}{value}{default}", flag.long);
        let is_head = |line: &str| line == head || line.ends_with(&format!(", {head}"));
        assert!(options.lines().any(is_head), "--{}", flag.long);
    }
}

#[test]
fn each_form_of_a_run_is_in_the_synopsis() {
    let synopsis = section("SYNOPSIS");
    let usage = command().get_overridden_usage().map(ToString::to_string).unwrap_or_default();
    assert_eq!(synopsis.lines().nth(1), Some(usage.as_str()));
    for flag in GROUPS.iter().filter(|(group, _)| *group == INSTEAD).flat_map(|(_, flags)| *flags) {
        assert!(synopsis.contains(&format!("[OPTIONS] --{}", flag.long)), "--{}", flag.long);
    }
}

#[test]
fn every_variable_and_every_status_is_named() {
    let environment = section("ENVIRONMENT");
    for (flag, name) in flags_with_variables() {
        assert!(environment.contains(&format!("\n.B {name}\n.B --{}", flag.long)), "{name}");
    }
    let removed = environment.split(".SS Removed").nth(1).expect("what is removed");
    for name in REMOVED.iter() {
        assert!(removed.contains(&format!(".BR {name} ")), "{name}");
    }
    let flags = read("docs/flags.md");
    let table = flags.split("\n## Exit status\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let firsts = table.expect("a section").lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let statuses: Vec<u8> = firsts.filter_map(|first| first.parse().ok()).collect();
    assert_eq!(statuses, [FAILED, NOT_RUNNABLE, NOT_FOUND]);
    for status in statuses {
        assert!(section("EXIT STATUS").contains(&format!(".TP\n.B {status}\n")), "{status}");
    }
}

#[test]
fn examples_parse_and_fit_a_terminal() {
    let examples = section("EXAMPLES");
    let lines = literal_lines(&examples);
    let commands: Vec<_> = lines.iter().filter_map(|line| command_line(line)).collect();
    assert!(commands.len() >= 7, "{lines:#?}");
    for words in commands {
        parses(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
    let page = plain(&page());
    for line in literal_lines(&page) {
        assert!(line.len() + 11 <= 80, "{line}");
    }
}

#[test]
fn groff_and_mandoc_find_no_fault() {
    let path = tempfile::NamedTempFile::new().expect("a file");
    fs::write(path.path(), page()).expect("written");
    let groff = ["groff", "-man", "-ww", "-z", "-Tascii"];
    for tool in [&groff[..], &["mandoc", "-Tlint", "-Wwarning"]] {
        match Command::new(tool[0]).args(&tool[1..]).arg(path.path()).output() {
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                assert_eq!(String::from_utf8_lossy(&said), "", "{}", tool[0]);
            }
            Err(error) => println!("skipped: {}: {error}", tool[0]),
        }
    }
}

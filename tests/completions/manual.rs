//! Generates the man page from a template and the program's tables.
//!
//! The template is hand-written roff. `clap_mangen` writes the options, in the groups of `--help`. Variables, exit
//! statuses and the version are from the program's own tables.

use crate::profiles::variables_that_are_read;
use std::fmt::Write as _;
use xassume::REMOVED;
use xassume::cli::{Flag, GROUPS, Kind, command};
use xassume::outcome::{FAILED, NOT_FOUND, NOT_RUNNABLE};

/// The heading of the flags that replace a command, and so have no variable.
pub(super) const INSTEAD: &str = "Other modes";

/// The whole page. Its date is in the template: the day when its text was last changed.
pub(super) fn page() -> String {
    let about = command().get_about().map(ToString::to_string).unwrap_or_default();
    let about = about[..1].to_lowercase() + &about[1..];
    let mut page = include_str!("templates/xassume.1").to_owned();
    for (place, text) in [
        ("@VERSION@", env!("CARGO_PKG_VERSION").to_owned()),
        ("@NAME@", format!("xassume \\- {about}")),
        ("@OPTIONS@\n", options()),
        ("@VARIABLES@\n", variables()),
        ("@AWS@", listed(variables_that_are_read())),
        ("@REMOVED@", listed(REMOVED.iter().copied())),
        ("@FAILED@", FAILED.to_string()),
        ("@NOT_RUNNABLE@", NOT_RUNNABLE.to_string()),
        ("@NOT_FOUND@", NOT_FOUND.to_string()),
    ] {
        assert!(page.contains(place), "the template has no {place}");
        page = page.replace(place, &text);
    }
    ascii(&page)
}

/// Each group of options, with its own heading below OPTIONS.
fn options() -> String {
    // The page lists the variables in a section of their own.
    let command = command().mut_arg("command", |arg| arg.hide(true)).mut_args(|arg| arg.env(None));
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render_options_section(&mut text).expect("rendered into memory");
    let text = String::from_utf8(text).expect("roff in UTF-8");
    let mut options = String::new();
    // A blank line ends the paragraph above the possible values.
    let text = text.replace(".br\n\n.br\n", "\n");
    // The text before the first heading defines an apostrophe, which this page writes differently.
    for line in text.lines().skip_while(|line| !line.starts_with(".SH ")) {
        let line = line.replace("\\*(Aq", "\\(aq").replace('`', "\\(ga");
        let _ = match line.strip_prefix(".SH ") {
            Some(heading) => writeln!(options, ".SS {}", group(heading.trim_matches('"'))),
            None if line.is_empty() => writeln!(options, ".IP"),
            None if line.starts_with("\\- ") => writeln!(options, ".br\n{line}"),
            None if line.starts_with("\\fB\\-") => {
                writeln!(options, "{}", line.replace("\\fI<", "\\fI").replace(">\\fR", "\\fR"))
            }
            None => writeln!(options, "{line}"),
        };
    }
    options
}

/// The heading as in `--help`.
fn group(capitals: &str) -> &'static str {
    let mut groups = GROUPS.iter().map(|(group, _)| *group);
    groups.find(|group| group.to_uppercase() == capitals).unwrap_or_else(|| panic!("no group {capitals}"))
}

/// The flags that have a variable.
pub(super) fn flags_with_variables() -> impl Iterator<Item = (&'static Flag, String)> {
    let flags = GROUPS.iter().filter(|(group, _)| *group != INSTEAD).flat_map(|(_, flags)| *flags);
    flags.filter_map(|flag| Some((flag, flag.variable()?)))
}

fn variables() -> String {
    let mut text = String::new();
    for (flag, name) in flags_with_variables() {
        let again = if flag.kind == Kind::Many { ", one per line" } else { "" };
        let _ = writeln!(text, ".TP 34n\n.B {name}\n.B {}\\fR{again}", escaped(&format!("--{}", flag.long)));
    }
    text
}

/// Names in a paragraph.
fn listed(names: impl IntoIterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let (last, others) = names.split_last().expect("names");
    let others: Vec<_> = others.iter().map(|name| format!(".BR {name} ,\n")).collect();
    format!("{}.BR {last} .", others.concat())
}

fn escaped(text: &str) -> String {
    text.replace('-', "\\-")
}

/// The page in ASCII, so that it is the same in every locale.
fn ascii(text: &str) -> String {
    let page = text.replace('…', "...");
    let others: String = page.chars().filter(|c| !c.is_ascii()).collect();
    assert!(others.is_empty(), "define how the man page writes these: {others}");
    page
}

//! Statements about whole pages: the README is short and its old sections can still be found, the index is complete, and
//! comparisons and messages have sources.

use super::{documents, moved, read, root};
use std::collections::BTreeMap;
use std::fs;

#[test]
fn the_readme_is_short_and_its_lines_fit() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
    let tables_apart = readme.lines().filter(|line| !line.starts_with('|'));
    let long: Vec<_> = tables_apart.filter(|line| line.chars().count() > 120).collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The sections of the README that were moved. Links to them must lead on.
#[test]
fn the_sections_that_were_in_the_readme_are_linked_in_their_place() {
    let pages = [
        ("a-role-in-another-account-step-by-step", "docs/cross-account.md"),
        ("cache", "docs/cache.md"),
        ("commands-that-outlive-the-session", "docs/supervision.md"),
        ("exit-status", "docs/flags.md#exit-status"),
        ("figures", "docs/figures.md"),
        ("flags", "docs/flags.md"),
        ("security", "SECURITY.md"),
        ("self-refreshing-credentials", "docs/supervision.md#self-refreshing-credentials"),
        ("what-the-command-receives", "docs/concepts.md#what-the-command-receives"),
        ("where-the-role-comes-from", "docs/concepts.md#where-the-role-comes-from"),
        ("where-the-source-credentials-come-from", "docs/concepts.md#where-the-source-credentials-come-from"),
        ("without-a-command---print", "docs/flags.md#formats-of---print"),
    ];
    let readme = read("README.md");
    let expected = pages.map(|(anchor, page)| (anchor.to_owned(), page.to_owned()));
    assert_eq!(moved(&readme), BTreeMap::from(expected));
    for kept in ["## Install", "## Use", "## License"] {
        assert!(readme.lines().any(|line| line == kept), "{kept}");
    }
}

#[test]
fn the_index_lists_every_page() {
    let index = read("docs/README.md");
    for document in documents() {
        let name = document.path.strip_prefix("docs/").map_or(format!("../{}", document.path), str::to_owned);
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "docs/README.md lacks {name}");
    }
}

/// The cells of each row of the tables in a text, without the lines below the headers.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn each_cell_of_the_comparison_has_its_source() {
    let (readme, sources) = (read("README.md"), read("docs/comparison.md"));
    let why = readme.split("\n## Why\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let table: Vec<_> = why.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")).collect();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let tools = cells(table[0]);
    assert_eq!((tools.len(), table.len()), (6, 7), "six rows, for five tools: {tools:?}");
    for row in table[1..].iter().map(|line| cells(line)) {
        let section = sources.split("\n## ").find(|section| section.lines().next() == Some(&row[0]));
        let found = rows(section.unwrap_or_else(|| panic!("no section {}", row[0])));
        for (tool, claim) in tools.iter().zip(&row).skip(1) {
            let source = found.iter().find(|source| source[..2] == [tool, claim]);
            let source = source.unwrap_or_else(|| panic!("{}, {tool}: no source for: {claim}", row[0]))[2];
            let dated = source.split(|c: char| !(c.is_ascii_digit() || c == '-')).any(|word| word.len() == 10);
            assert!(if tool == "xassume" { source.contains("](") } else { dated }, "{}, {tool}: {source}", row[0]);
        }
    }
}

/// Whether a text contains these parts, in their order.
fn contains_in_order(text: &str, parts: &str) -> bool {
    let found = parts.split('…').try_fold(text, |rest, part| rest.split_once(part.trim()).map(|(_, rest)| rest));
    found.is_some()
}

#[test]
fn each_message_in_troubleshooting_is_one_of_the_program() {
    let directory = root().join("tests/errors/approved");
    let pages = fs::read_dir(directory).expect("the approved pages").map(|entry| entry.expect("an entry").path());
    let pages = pages.map(|page| fs::read_to_string(page).expect("a page")).collect::<Vec<_>>().join("\n");
    let errors: Vec<_> = pages.lines().filter(|line| line.starts_with("xassume: error: ")).collect();
    let warnings = read("docs/supervision.md");
    let text = read("docs/troubleshooting.md");
    let found = rows(&text);
    let messages: Vec<_> = found.iter().filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`')).collect();
    assert!(messages.len() > 35, "{}", messages.len());
    for message in messages {
        let known = errors.iter().any(|line| contains_in_order(line, message)) || warnings.contains(message);
        assert!(known, "no error has this message: {message}");
    }
    assert!(!contains_in_order("cannot run 'x': Permission denied", "cannot run '…': no such message"));
}

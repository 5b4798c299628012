//! The files in `completions/` are exactly what the flag table generates. `UPDATE=1 cargo test` writes them again.

mod generate;
mod in_bash;
mod listed;
mod manual;
mod page;
mod printed;

use clap_complete::Shell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

/// Each file's name and contents.
fn generated() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![
        ("xassume.bash", generate::bash().into_bytes()),
        ("_xassume", generate::zsh().into_bytes()),
        ("xassume.fish", generate::fish().into_bytes()),
    ];
    for (name, shell) in [("xassume.elv", Shell::Elvish), ("_xassume.ps1", Shell::PowerShell)] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut xassume::cli::command(), "xassume", &mut text);
        files.push((name, text));
    }
    files.push(("xassume.1", manual::page().into_bytes()));
    files
}

#[test]
fn completions_and_man_page_match_the_flags() {
    for (name, text) in generated() {
        let path = directory().join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(directory()).expect("the directory");
            std::fs::write(&path, &text).expect("written");
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == text, "completions/{name} is out of date: run UPDATE=1 cargo test completions");
    }
}

#[test]
fn the_table_of_flags_has_every_flag_and_no_other() {
    let page = crate::documents::read("docs/flags.md");
    let table: String = page.lines().filter(|line| line.starts_with("| `-")).collect::<Vec<_>>().join("\n");
    let words = table.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let named: BTreeSet<&str> =
        words.filter_map(|word| word.strip_prefix("--")).filter(|word| !word.is_empty()).collect();
    for flag in xassume::cli::all_flags() {
        assert!(named.contains(flag.long), "docs/flags.md lacks --{}", flag.long);
    }
    for long in named {
        let known = xassume::cli::all_flags().any(|flag| flag.long == long) || ["help", "version"].contains(&long);
        assert!(known, "docs/flags.md has --{long}, which does not exist");
    }
}

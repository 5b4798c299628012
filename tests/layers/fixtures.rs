//! The checks fail where they must: small crates that are wrong in one way each.

use super::{Table, Tree, circular, upward};
use std::path::PathBuf;

/// The upward imports and the cycles of a crate, with its directory as `…`.
fn faults(name: &str) -> (Vec<String>, Vec<String>) {
    let root = PathBuf::from("tests/layers/fixtures").join(name);
    let (tree, table) = (Tree::read(&root), Table::read(&root));
    let short = |texts: Vec<String>| {
        let root = format!("{}/", root.display());
        texts.into_iter().map(|text| text.replace(&root, "")).collect()
    };
    (short(upward(&tree, &table)), short(circular(&tree)))
}

#[test]
fn an_upward_import_through_a_re_export_is_found() {
    let (upward, circular) = faults("upward");
    let found = [
        "cache.rs:2 uses crate::commands::Plan of commands/plan.rs",
        "sts.rs:2 uses crate::cache::Order of commands/plan.rs",
    ];
    assert_eq!(upward, found);
    assert!(circular.is_empty(), "{circular:?}");
}

#[test]
fn a_cycle_of_a_file_and_its_part_is_found() {
    let (upward, circular) = faults("files");
    let found = "a cycle among files:\n    rules/mod.rs:7 uses part::apply of rules/part.rs\n    rules/part.rs:2 uses super::Rule of rules/mod.rs";
    assert_eq!(circular, [found]);
    assert!(upward.is_empty(), "{upward:?}");
}

#[test]
fn a_cycle_of_directories_is_found() {
    let (upward, circular) = faults("directories");
    let found = "a cycle among top-level modules:\n    cache/entry.rs:4 uses super::super::session::time::now of session/time.rs\n    session/keys.rs:2 uses crate::cache::lock::Lock of cache/lock.rs";
    assert_eq!(circular, [found]);
    assert!(upward.is_empty(), "{upward:?}");
}

//! The architecture: imports point down the table of layers, and each kind of power has its home.
//!
//! All paths of the product's code are resolved, re-exports included, to the files that define what they name. Two kinds
//! of import between files do not count in cycles: a module's re-export of an item of its own part, which only names it, and
//! the use of a module by its part that has methods of the module's type, as `supervise/machine/starting.rs` has.

mod cycles;
mod fixtures;
mod module;
mod size;
mod source;
mod table;
mod tree;

use cycles::cycles;
use module::Module;
use std::path::Path;
use std::sync::LazyLock;
use table::Table;
use tree::{Import, Target, Tree};

/// What only the modules named may use, by its full path.
const HOMES: &[(&str, &[&str])] = &[
    ("aws_sdk_sts", &["sts"]),
    ("aws_config", &["sts"]),
    ("eprint!", &[]),
    ("eprintln!", &[]),
    ("print!", &[]),
    ("println!", &[]),
    ("std::time::SystemTime::now", &["sys::clock"]),
    ("std::time::Instant::now", &["sts", "sys"]),
    ("tokio::time::Instant::now", &["sts", "sys"]),
    ("std::env", &["main"]),
    ("tokio::process", &[]),
    ("tokio::signal", &[]),
    ("std::process::Command", &[]),
    ("unsafe", &["sys"]),
];

/// Modules without effects, and what they may not use.
const PURE: &[&str] = &[
    "settings",
    "cli",
    "profile",
    "print",
    "event",
    "error",
    "role",
    "session",
    "process",
    "moment",
    "vars",
    "flags",
    "conflicts",
    "origin",
    "region",
    "log_options",
    "terminal",
    "deliver::config_copy",
    "deliver::environment",
    "mfa::mode",
    "supervise::forwarding",
    "supervise::machine",
    "supervise::policy",
    "supervise::schedule",
];
const EFFECTS: &[&str] = &["std::fs", "std::net", "std::thread", "tokio", "nix"];

/// The tests run in the package's directory.
const ROOT: &str = "src";

static PRODUCT: LazyLock<Tree> = LazyLock::new(|| Tree::read(Path::new(ROOT)));

/// Whether a module is this one or below it.
fn within(module: &[String], name: &str) -> bool {
    let names: Vec<&str> = name.split("::").collect();
    module.len() >= names.len() && module.iter().zip(&names).all(|(one, other)| one == other)
}

/// The top-level module of a module.
fn top(module: &Module) -> &str {
    module.path.first().map_or("lib", String::as_str)
}

/// The imports from a row of the table to one above it.
fn upward(tree: &Tree, table: &Table) -> Vec<String> {
    let mut imports = tree.imports();
    imports.retain(|import| table.row(top(import.to)) < table.row(top(import.from)));
    // One for each pair of files is enough.
    imports.sort_by(|one, other| one.files().cmp(&other.files()));
    imports.dedup_by(|one, other| one.files() == other.files());
    imports.iter().map(Import::place).collect()
}

/// The cycles among files, then those among the modules below one module.
fn circular(tree: &Tree) -> Vec<String> {
    let message = |kind: &str, places: Vec<&str>| format!("a cycle among {kind}:\n    {}", places.join("\n    "));
    let files = tree.files();
    let mut found: Vec<String> = cycles(&files).into_iter().map(|places| message("files", places)).collect();
    for (parent, graph) in tree.siblings() {
        let kind = if parent.is_empty() {
            "top-level modules".into()
        } else {
            format!("the modules of {}", parent.join("::"))
        };
        found.extend(cycles(&graph).into_iter().map(|places| message(&kind, places)));
    }
    found
}

/// The uses of a path of another crate, a macro or `unsafe` outside these modules.
fn strays(tree: &Tree, path: &str, at_home: impl Fn(&[String]) -> bool) -> Vec<String> {
    let names: Vec<String> = path.split("::").map(str::to_owned).collect();
    let mut found = Vec::new();
    for module in tree.modules().filter(|module| !at_home(&module.path)) {
        for mention in &module.mentions {
            let targets = tree.targets(module, &mention.path);
            if targets.iter().any(|target| matches!(target, Target::Outside(full) if full.starts_with(&names))) {
                found.push(format!("{}:{} uses {path}", module.file, mention.line));
            }
        }
    }
    found
}

#[test]
fn imports_point_down() {
    let wrong = upward(&PRODUCT, &Table::read(Path::new(ROOT)));
    assert!(wrong.is_empty(), "{} imports point up:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_files_or_modules_import_each_other() {
    let wrong = circular(&PRODUCT);
    assert!(wrong.is_empty(), "{} cycles:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_each_module_once() {
    let table = Table::read(Path::new(ROOT));
    let mut modules: Vec<&str> = PRODUCT.modules().map(top).collect();
    modules.sort_unstable();
    modules.dedup();
    let mut known: Vec<&str> = table.modules().collect();
    known.sort_unstable();
    assert_eq!(modules, known, "the modules of src, and those of src/layers.md");
}

#[test]
fn each_power_has_its_home() {
    let mut wrong = Vec::new();
    for (path, homes) in HOMES {
        let at_home = |module: &[String]| homes.iter().any(|home| within(module, home));
        wrong.extend(strays(&PRODUCT, path, at_home));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_modules_use_no_effect() {
    let is_pure = |module: &[String]| PURE.iter().any(|name| within(module, name));
    for name in PURE {
        assert!(PRODUCT.modules().any(|module| within(&module.path, name)), "{name} is not a module");
    }
    let wrong: Vec<String> =
        EFFECTS.iter().flat_map(|effect| strays(&PRODUCT, effect, |module| !is_pure(module))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    for module in PRODUCT.modules() {
        assert!(module.documented, "{} does not begin with a doc comment", module.file);
    }
}

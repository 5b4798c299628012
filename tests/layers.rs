//! The architecture, held by a test: imports point down, and each kind of power has its home.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom up; a module may use its own layer and those below.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &["role", "session", "vars", "word", "outcome", "error", "supervise::signal", "supervise::process"]),
    (
        "decisions",
        &[
            "cli",
            "settings",
            "profile",
            "explain",
            "print",
            "check::facts",
            "check::findings",
            "check::outlook",
            "check::page",
            "check::shadows",
            "check::steps",
            "waiting",
            "deliver::environment",
            "deliver::config_copy",
            "deliver::document",
            "mfa::way",
            "supervise::machine",
            "supervise::schedule",
            "supervise::relay",
            "supervise::policy",
            "supervise::happening",
        ],
    ),
    ("effects", &["report", "files", "sys", "cache", "mfa", "sts", "deliver"]),
    ("conduct", &["run", "list", "launch", "obtain", "refresh", "attend", "check", "panics", "supervise"]),
    ("entry", &["main", "lib"]),
];

/// Words that only their home may say, and where that is.
const HOMES: &[(&str, &[&str])] = &[
    ("aws_sdk_sts", &["sts"]),
    ("aws_config", &["sts"]),
    ("unsafe", &["sys"]),
    ("eprintln!", &[]),
    ("println!", &[]),
    ("SystemTime::now", &["sys::clock"]),
    ("Instant::now", &["sts", "sys"]),
    ("std::env::", &["main"]),
    ("tokio::process", &[]),
    ("tokio::signal", &[]),
    ("std::process::Command", &[]),
];

/// A source file without its tests, comments and strings' lines are kept.
struct Source {
    module: String,
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_tests(&path) {
                let module = path.strip_prefix(&root).expect("below src").with_extension("");
                let module = module.to_string_lossy().replace('/', "::");
                let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
                let text = fs::read_to_string(&path).expect("a source");
                files.push(Source { module, path, text: without_tests(&text) });
            }
        }
    }
    files.sort_by(|one, other| one.module.cmp(&other.module));
    files
}

/// The code above `#[cfg(test)]`, which stands last in a file, without comments.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The layer of a module: that of its longest listed ancestor.
fn layer(module: &str) -> usize {
    let mut best: Option<(usize, usize)> = None;
    for (height, (_, modules)) in LAYERS.iter().enumerate() {
        for known in *modules {
            let within = module == *known || module.starts_with(&format!("{known}::"));
            if within && best.is_none_or(|(length, _)| known.len() > length) {
                best = Some((known.len(), height));
            }
        }
    }
    best.unwrap_or_else(|| panic!("{module} stands in no layer: add it to the table")).1
}

/// The modules that a file names after `crate::`, cut back to modules that exist.
fn imports(source: &Source, modules: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.text.match_indices("crate::") {
        let rest = &source.text[at + "crate::".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches(':');
        // `use crate::a::{b, c}` names a::b and a::c where those are modules.
        let mut candidates = vec![path.to_owned()];
        if rest[end..].starts_with('{') {
            let group = rest[end + 1..].split('}').next().unwrap_or_default();
            candidates.extend(group.split(',').map(|word| format!("{path}::{}", word.trim())));
        }
        for mut candidate in candidates {
            while !modules.contains(&candidate) {
                match candidate.rsplit_once("::") {
                    Some((parent, _)) => candidate.truncate(parent.len()),
                    None => break,
                }
            }
            if modules.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    found
}

#[test]
fn imports_point_down() {
    let sources = sources();
    let modules: Vec<String> = sources.iter().map(|source| source.module.clone()).collect();
    let mut wrong = Vec::new();
    for source in &sources {
        for import in imports(source, &modules) {
            if layer(&import) > layer(&source.module) {
                wrong.push(format!("{} uses {import}, which stands above it", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_power_has_its_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (word, homes) in HOMES {
            let at_home =
                homes.iter().any(|home| source.module == *home || source.module.starts_with(&format!("{home}::")));
            if !at_home && says(&source.text, word) {
                wrong.push(format!("{} says `{word}`, which belongs to {homes:?}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the word stands in the text, not as a part of a longer one.
fn says(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joins(text[..at].chars().next_back()) && !joins(text[at + word.len()..].chars().next())
    })
}

#[test]
fn the_pure_layers_name_no_effect() {
    let effects = ["std::fs", "std::net", "std::thread", "tokio", "nix"];
    let mut wrong: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in sources().into_iter().filter(|source| layer(&source.module) <= 1) {
        for effect in effects {
            if says(&source.text, effect.trim_end_matches("::")) {
                wrong.entry(source.module.clone()).or_default().push(effect);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    for source in sources() {
        let text = fs::read_to_string(&source.path).expect("a source");
        assert!(text.starts_with("//! "), "{} has no head", source.path.display());
    }
}

/// Whether a file holds nothing but tests.
fn is_tests(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| ["tests", "histories", "hostile"].iter().any(|name| stem == *name))
        || path.parent().is_some_and(|folder| folder.ends_with("tests"))
}

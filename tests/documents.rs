//! The statements of the README and `docs/` are true: commands parse, links have targets, diagrams match the code.
//!
//! `tests/clients` runs the commands, because it has the clients that they need.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

mod pages;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A document, and its path from the root.
struct Document {
    path: String,
    text: String,
}

fn documents() -> Vec<Document> {
    let names = |directory: &str| -> Vec<String> {
        let entries = fs::read_dir(root().join(directory)).expect("a directory of documents");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let documents = names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
        documents.map(|name| if directory.is_empty() { name } else { format!("{directory}/{name}") }).collect()
    };
    let mut paths = [names(""), names("docs")].concat();
    paths.sort();
    assert!(paths.len() >= 5 && paths.contains(&"README.md".to_owned()), "{paths:?}");
    paths.into_iter().map(|path| Document { text: read(&path), path }).collect()
}

/// The code in a document, by line number.
#[derive(Default)]
struct Code {
    /// Lines of code blocks. Continued lines are joined.
    blocks: Vec<(usize, String)>,
    /// Text between backticks in prose.
    spans: Vec<(usize, String)>,
}

fn code(text: &str) -> Code {
    let mut code = Code::default();
    let (mut fenced, mut continued) = (false, String::new());
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            match line.trim().strip_suffix('\\') {
                Some(begun) => continued.push_str(begun),
                None => code.blocks.push((number, std::mem::take(&mut continued) + line.trim())),
            }
        } else {
            code.spans.extend(line.split('`').skip(1).step_by(2).map(|span| (number, span.to_owned())));
        }
    }
    assert!(!fenced, "a code block has no end");
    code
}

/// The arguments after `xassume` in a line of shell, cron, systemd, YAML or a Dockerfile; `None` if the line does not
/// run it.
pub(crate) fn command_line(line: &str) -> Option<Vec<String>> {
    let listed = line.contains("[xassume,") || line.contains("[\"xassume\",");
    let line = if listed { line.replace(['[', ']', ','], " ") } else { line.replace("\\|", "|") };
    let words = shlex::split(&line)?;
    let runs = |word: &String| word.rsplit(['/', '=', '(']).next() == Some("xassume");
    let at = words.iter().position(runs)?;
    let mut mine = Vec::new();
    for word in &words[at + 1..] {
        // The end of this command, or of a substitution.
        if ["|", "&&", ";", ">"].contains(&word.as_str()) {
            break;
        }
        mine.push(word.trim_end_matches(')').to_owned());
        if word.ends_with(')') {
            break;
        }
    }
    Some(mine)
}

/// Whether the program accepts these arguments; if not, its error.
pub(crate) fn parses(words: &[String]) -> Result<(), String> {
    let line = std::iter::once("xassume".into()).chain(words.iter().map(OsString::from));
    match xassume::cli::command().try_get_matches_from(line) {
        // clap returns `--help` and `--version` as errors, but they are valid.
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn is_known(long: &str) -> bool {
    xassume::cli::all_flags().any(|flag| flag.long == long) || ["help", "version"].contains(&long)
}

#[test]
fn every_command_line_parses() {
    let (mut found, mut wrong) = (0, Vec::new());
    for document in documents() {
        let Code { blocks, spans } = code(&document.text);
        for (number, line) in blocks.into_iter().chain(spans) {
            // In these lines, the words after the path of xassume are Docker's.
            let of_docker = ["COPY ", "docker "].iter().any(|start| line.starts_with(start));
            let Some(words) = command_line(&line).filter(|_| !of_docker) else { continue };
            found += 1;
            if let Err(error) = parses(&words) {
                wrong.push(format!("{}:{number}: {line}\n{error}", document.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 40, "only {found} command lines were found");
    // The test detects an invalid line.
    for line in ["xassume --on-expire restart -- x", "ExecStart=/bin/xassume --nope", "a <(xassume --oops env) b"] {
        assert!(parses(&command_line(line).expect("a command line")).is_err(), "{line}");
    }
}

#[test]
fn every_flag_and_variable_that_is_named_is_known() {
    let variables: BTreeSet<_> = xassume::cli::all_flags().filter_map(xassume::cli::Flag::variable).collect();
    let mut wrong = Vec::new();
    for document in documents() {
        let spans = code(&document.text).spans;
        // Spans that begin with another program's name contain that program's flags.
        for (number, span) in spans.iter().filter(|(_, span)| span.starts_with('-')) {
            let flags = span.split([' ', '=', '|', ',', '\\']).filter_map(|word| word.strip_prefix("--"));
            let unknown = flags.filter(|flag| !flag.is_empty() && !is_known(flag));
            wrong.extend(unknown.map(|flag| format!("{}:{number}: --{flag}", document.path)));
        }
        for rest in document.text.split("XASSUME_").skip(1) {
            let name = rest.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).next().unwrap_or_default();
            let known = variables.contains(&format!("XASSUME_{name}"))
                || ["", "SESSION", "LABEL", "DEPTH", "REFRESH", "REFRESH_NAME"].contains(&name);
            wrong.extend((!known).then(|| format!("{}: XASSUME_{name}", document.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_documented_flags_without_a_variable_are_right() {
    let flags = xassume::cli::all_flags().filter(|flag| flag.variable().is_none()).map(|flag| flag.long);
    let expected: BTreeSet<_> = flags.chain(["help", "version"]).map(str::to_owned).collect();
    let said = |text: &str| -> BTreeSet<String> {
        let text = text.split_once("Every option except ").expect("a sentence about variables").1;
        let list = text.split_once("can be set as").expect("its end").0;
        let words = list.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        words.filter_map(|word| word.strip_prefix("--")).map(str::to_owned).collect()
    };
    assert_eq!(said(&read("docs/flags.md")), expected);
    assert_eq!(said(&xassume::cli::command().render_long_help().to_string()), expected);
}

/// The anchor that Markdown renderers give to a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let headings = text.lines().filter_map(|line| {
        fenced ^= line.trim_start().starts_with("```");
        (!fenced && line.starts_with('#')).then(|| anchor(line.trim_start_matches('#')))
    });
    headings.chain(moved(text).into_keys()).collect()
}

/// The anchors of sections that have moved to another page, and the target of the next link.
fn moved(text: &str) -> BTreeMap<String, String> {
    let anchors = text.split("<a id=\"").skip(1).filter_map(|rest| rest.split_once("\"></a>"));
    let link =
        |rest: &str| rest.split_once("](").and_then(|(_, rest)| rest.split_once(')')).map(|(target, _)| target.into());
    anchors.map(|(id, rest)| (id.into(), link(rest).unwrap_or_default())).collect()
}

/// Paths that a published package lacks because of `exclude` in the manifest, though documents link to them.
fn excluded() -> Vec<PathBuf> {
    let manifest = read("Cargo.toml");
    let list = manifest.split_once("\nexclude = [").and_then(|(_, rest)| rest.split_once(']')).expect("a list").0;
    list.split(',')
        .map(|path| root().join(path.trim().trim_matches(['"', '/'])))
        .filter(|path| !path.exists())
        .collect()
}

#[test]
fn every_link_has_a_target() {
    let (mut found, mut wrong) = (0, Vec::new());
    let missing = excluded();
    for document in documents() {
        let directory = root().join(&document.path).parent().expect("a directory").to_owned();
        // Link texts may contain code spans, so read whole lines.
        let lines = document.text.lines().enumerate().filter(|(_, line)| !line.starts_with("    "));
        for (number, target) in lines.flat_map(|(at, line)| line.split("](").skip(1).map(move |rest| (at + 1, rest))) {
            let target = target.split(')').next().unwrap_or_default();
            if target.starts_with("https://") {
                continue;
            }
            found += 1;
            let (path, section) = target.split_once('#').map_or((target, None), |(path, to)| (path, Some(to)));
            let file = if path.is_empty() { root().join(&document.path) } else { directory.join(path) };
            let file = normal(&file);
            if missing.iter().any(|directory| file.starts_with(directory)) {
                continue;
            }
            let there = match section {
                Some(section) => fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(section)),
                None => file.exists(),
            };
            if !there {
                wrong.push(format!("{}:{number}: {target}", document.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 20, "only {found} links were found");
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            std::path::Component::ParentDir => drop(whole.pop()),
            _ => whole.push(part),
        }
        whole
    })
}

/// The arrows of a state diagram, with their labels; `--` separates concurrent state machines.
fn arrows(diagram: &str) -> Vec<BTreeMap<(String, String), String>> {
    let machine = |lines: &str| {
        let arrows = lines.lines().filter_map(|line| line.split_once(" --> "));
        let arrows = arrows.map(|(from, rest)| (from, rest.split_once(':').unwrap_or((rest, ""))));
        arrows.map(|(from, (to, why))| ((from.trim().into(), to.trim().into()), why.trim().into())).collect()
    };
    diagram.split("\n    --\n").map(machine).collect()
}

fn mermaid(document: &str, kind: &str) -> String {
    let blocks: Vec<_> = document.split("```mermaid\n").skip(1).filter(|block| block.starts_with(kind)).collect();
    assert_eq!(blocks.len(), 1, "one {kind}");
    blocks[0].split("```").next().unwrap_or_default().replace("\n        ", "\n    ")
}

/// A unit test of the state machine compares the diagram in `supervise` with all states and transitions.
#[test]
fn the_state_diagrams_match_the_code() {
    let picture = read("src/supervise/states.md");
    let picture = picture.split("```").nth(1).expect("a picture").replace("\n        ", "\n    ");
    let machines = arrows(&picture);
    assert_eq!(
        machines.iter().map(BTreeMap::len).collect::<Vec<_>>(),
        [14, 12, 9],
        "the command's, the other process's and the session's"
    );
    assert_eq!(arrows(&mermaid(&read("docs/supervision.md"), "stateDiagram-v2")), machines);
}

/// `cargo run --example record -- --check` checks that it matches the demo's output.
#[test]
fn the_recording_is_small_and_shows_commands_that_parse() {
    let picture = read("docs/demo.svg");
    assert!(picture.len() < 60_000, "{} bytes", picture.len());
    assert!(picture.contains("prefers-color-scheme: dark"));
    let typed = picture.lines().filter_map(|line| line.split_once(r#"class="typed">xassume "#));
    let typed: Vec<_> = typed.map(|(_, rest)| format!("xassume {}", rest.replace("</tspan></text>", ""))).collect();
    assert_eq!(typed.len(), 3, "{typed:?}");
    for line in typed {
        parses(&command_line(&line).expect("a command line")).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

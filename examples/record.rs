//! Records the demo as a picture: `cargo run --example record` runs the demo on a terminal and writes `docs/demo.svg`.
//!
//! `cargo run --example record -- --check FILE` compares the picture with FILE, the output of the demo: the lines must
//! be the same, except for times.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, reason = "a developer's tool stops with a panic")]

use nix::pty::{Winsize, openpty};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The width of the terminal, and of the picture. The demo's own terminal has the same width.
const COLUMNS: u16 = 100;

/// In pixels. A character of the usual monospaced fonts is at most 0.605 of the font size wide.
const FONT: f32 = 14.0;
const COLUMN: f32 = FONT * 0.605;
const ROW: f32 = 20.0;
const MARGIN: f32 = 20.0;
/// The space above a command, which is not on the terminal.
const GAP: f32 = 10.0;

/// How a part of a row looks: a class in the picture's style sheet.
type Look = &'static str;
const PLAIN: Look = "";
const PROMPT: Look = "prompt";
const TYPED: Look = "typed";

/// A character and its look.
type Cell = (char, Look);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo.svg");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            std::fs::write(&picture, draw(&rows(&record()))).expect("the picture can be written");
            println!("wrote {}", picture.display());
        }
        ["--check", printed] => {
            let printed = std::fs::read_to_string(printed).expect("the output of the demo can be read");
            check(&std::fs::read_to_string(&picture).expect("the picture can be read"), &printed);
        }
        _ => panic!("usage: record [--check FILE]"),
    }
}

/// Runs the demo on a terminal with colors. Returns what the terminal received.
fn record() -> String {
    let size = Winsize { ws_row: 60, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).expect("a pseudoterminal can be opened");
    let stream = || Stdio::from(terminal.slave.try_clone().expect("a descriptor can be duplicated"));
    let mut command = Command::new(demo());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("TERM", "xterm").env_remove("NO_COLOR");
    command.stdin(stream()).stdout(stream()).stderr(stream());
    let mut child = command.spawn().expect("the demo runs");
    // If this process kept the terminal open, reading would never end.
    drop(command);
    drop(terminal.slave);

    // Reading fails when the demo has closed the terminal: this is the end of its output.
    let (mut received, mut buffer, mut master) = (Vec::new(), [0; 4096], File::from(terminal.master));
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        received.extend_from_slice(&buffer[..count]);
    }
    let received = String::from_utf8(received).expect("the output is text");
    println!("{received}");
    assert!(child.wait().expect("the demo ends").success(), "the demo must succeed");
    assert!(!received.contains("no AWS CLI"), "the picture must show the AWS CLI");
    received
}

/// Builds the demo, which cargo puts next to this program.
fn demo() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--example", "demo"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the demo must build");
    std::env::current_exe().expect("this program has a path").with_file_name("demo")
}

/// The rows of the terminal, from the first prompt to the last. The last prompt has no command, so it is not shown.
fn rows(received: &str) -> Vec<Vec<Cell>> {
    let received = received.trim_end_matches(['\r', '\n', ' ', '$']);
    let begin = if received.starts_with("$ ") { 0 } else { received.find("\n$ ").expect("a prompt") + 1 };
    let mut rows = Vec::new();
    for line in received[begin..].lines() {
        let cells = cells(line);
        rows.extend(if cells.is_empty() {
            vec![cells]
        } else {
            cells.chunks(COLUMNS.into()).map(<[_]>::to_vec).collect()
        });
    }
    rows
}

/// The characters of a line, after its control sequences were carried out.
fn cells(line: &str) -> Vec<Cell> {
    let (mut cells, mut look) = (Vec::new(), PLAIN);
    // The text before this was erased: it showed how long xassume was waiting.
    let mut rest = line.rsplit("\r\x1b[K").next().unwrap_or_default().trim_end_matches('\r');
    while let Some(next) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\x1b[") {
            let (parameters, after) = sequence.split_once('m').expect("only colors are known");
            look = look_of(parameters);
            rest = after;
        } else {
            assert!(!next.is_control(), "only plain lines can be drawn: {line:?}");
            cells.push((next, look));
            rest = &rest[next.len_utf8()..];
        }
    }
    mark_prompt(&mut cells);
    cells
}

/// Changes the look of a prompt (the label of the role, if there is one, and a dollar) and of the command after it.
fn mark_prompt(cells: &mut [Cell]) {
    let text: String = cells.iter().map(|(c, _)| c).collect();
    let label = text.starts_with('[').then(|| text.find("] ")).flatten().map_or(0, |end| end + 2);
    if text[label..].starts_with("$ ") {
        for (at, (_, look)) in cells.iter_mut().enumerate() {
            *look = if at < label + 2 { PROMPT } else { TYPED };
        }
    }
}

/// xassume's colors.
fn look_of(parameters: &str) -> Look {
    match parameters {
        "0" => PLAIN,
        "1;31" => "error",
        "1;33" => "warning",
        "36" => "hint",
        other => panic!("no look for the color {other}"),
    }
}

fn draw(rows: &[Vec<Cell>]) -> String {
    let width = f32::from(COLUMNS) * COLUMN + 2.0 * MARGIN;
    let (mut lines, mut top) = (String::new(), MARGIN);
    for (number, row) in rows.iter().enumerate() {
        if number > 0 && row.starts_with(&[('$', PROMPT)]) {
            top += GAP;
        }
        let y = top + FONT;
        let _ = write!(lines, "<text x=\"{MARGIN}\" y=\"{y}\">");
        for part in row.chunk_by(|(_, one), (_, next)| one == next) {
            let text = escape(&part.iter().map(|(c, _)| c).collect::<String>());
            let _ = match part[0].1 {
                PLAIN => write!(lines, "{text}"),
                look => write!(lines, "<tspan class=\"{look}\">{text}</tspan>"),
            };
        }
        lines.push_str("</text>\n");
        top += ROW;
    }
    let height = top + MARGIN;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}"
 width="{width:.0}" height="{height:.0}" role="img" xml:space="preserve">
<title>A terminal: a shell with a role, a denied role, a worker that is restarted</title>
<style>
text {{
font: {FONT}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
fill: #1f2328;
white-space: pre;
}}
.typed {{ fill: #0550ae; font-weight: 600 }}
.prompt {{ fill: #59636e }}
.error {{ fill: #cf222e; font-weight: 600 }}
.warning {{ fill: #9a6700; font-weight: 600 }}
.hint {{ fill: #1b7c83 }}
rect {{ fill: #f6f8fa; stroke: #d1d9e0 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.typed {{ fill: #79c0ff }}
.prompt {{ fill: #9198a1 }}
.error {{ fill: #ff7b72 }}
.warning {{ fill: #d29922 }}
.hint {{ fill: #56d4dd }}
rect {{ fill: #0d1117; stroke: #3d444d }}
}}
</style>
<rect x="0.5" y="0.5" width="{inner_width:.0}" height="{inner_height:.0}" rx="8"/>
{lines}</svg>
"#,
        inner_width = width.round() - 1.0,
        inner_height = height.round() - 1.0,
    )
}

const ESCAPES: [(&str, &str); 3] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")];

fn escape(text: &str) -> String {
    ESCAPES.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))
}

/// The text of a row in the picture.
fn text_of(row: &str) -> Option<String> {
    let inner = row.strip_prefix("<text ")?.strip_suffix("</text>")?.split_once('>')?.1;
    let parts = inner.split('<').enumerate().map(|(at, part)| match part.split_once('>') {
        Some((_, text)) if at > 0 => text,
        _ => part,
    });
    let text = parts.collect::<String>();
    Some(ESCAPES.iter().rev().fold(text, |text, (plain, escaped)| text.replace(escaped, plain)))
}

fn check(picture: &str, printed: &str) {
    let shown: Vec<_> = picture.lines().filter_map(text_of).collect();
    let printed = rows(printed).iter().map(|row| row.iter().map(|(c, _)| c).collect::<String>()).collect::<Vec<_>>();
    assert_eq!(stable(&shown), stable(&printed), "the demo has changed: run cargo run --example record");
    println!("the picture shows the {} rows of the demo", printed.len());
}

/// The words, without the times, which differ from run to run and can make a line break elsewhere.
fn stable(rows: &[String]) -> Vec<&str> {
    let is_time = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_digit() || ":-TZhms,;.)".contains(c))
    };
    let words = rows.iter().flat_map(|row| row.split_whitespace()).map(|word| word.trim_start_matches('('));
    let mut words: Vec<_> = words.map(|word| if is_time(word) { "TIME" } else { word }).collect();
    words.dedup_by(|one, next| *one == "TIME" && *next == "TIME");
    words
}

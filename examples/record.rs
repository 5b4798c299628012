//! Records the demo as an animated picture: `cargo run --example record` runs the demo on a terminal and writes
//! `docs/demo.svg`.
//!
//! `cargo run --example record -- --check FILE` compares the picture with FILE, the output of the demo: the lines must
//! be the same, except for ports, process IDs and times. The picture shows the real output with the real pauses.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, reason = "a developer's tool stops with a panic")]

use nix::pty::{Winsize, openpty};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The picture's first line: the command that shows the same.
const TYPED: &str = "$ cargo run --example demo";

/// In pixels. A character of the usual monospaced fonts is at most 0.605 of the font size wide.
const FONT: f32 = 14.0;
const COLUMN: f32 = FONT * 0.605;
const ROW: f32 = 20.0;
const MARGIN: f32 = 20.0;

/// How long the first line is shown before the output of the demo, and the whole picture before the animation restarts.
const BEFORE: Duration = Duration::from_millis(800);
const AFTER: Duration = Duration::from_secs(5);

/// A line of the terminal, and when it appeared.
struct Line {
    text: String,
    at: Duration,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo.svg");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            std::fs::write(&picture, draw(&record())).expect("the picture can be written");
            println!("wrote {}", picture.display());
        }
        ["--check", printed] => {
            let printed = std::fs::read_to_string(printed).expect("the output of the demo can be read");
            check(&std::fs::read_to_string(&picture).expect("the picture can be read"), &printed);
        }
        _ => panic!("usage: record [--check FILE]"),
    }
}

/// Runs the demo on a terminal. The time starts with its first line, after the build.
fn record() -> Vec<Line> {
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(&size, None).expect("a pseudoterminal can be opened");
    let stream = || Stdio::from(terminal.slave.try_clone().expect("a descriptor can be duplicated"));
    let mut command = Command::new(demo());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(stream()).stdout(stream()).stderr(stream());
    let mut child = command.spawn().expect("the demo runs");
    // If this process kept the terminal open, reading would never end.
    drop(command);
    drop(terminal.slave);

    let mut lines = vec![Line { text: TYPED.to_owned(), at: Duration::ZERO }];
    let mut began = None;
    // Reading fails when the demo has closed the terminal: this is the end of its output.
    for line in BufReader::new(File::from(terminal.master)).lines().map_while(Result::ok) {
        let text = line.trim_end_matches('\r').to_owned();
        assert!(!text.contains(char::is_control), "only plain lines can be drawn: {text:?}");
        let at = BEFORE + began.get_or_insert_with(Instant::now).elapsed();
        println!("{text}");
        lines.push(Line { text, at });
    }
    assert!(child.wait().expect("the demo ends").success(), "the demo must succeed");
    lines
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

/// The picture. Each line appears at its time. Without animation (not supported, or not wanted), all lines are shown.
#[allow(clippy::cast_precision_loss, reason = "rows and columns are few")]
fn draw(lines: &[Line]) -> String {
    let columns = lines.iter().map(|line| line.text.chars().count()).max().unwrap_or_default();
    let (width, height) = (columns as f32 * COLUMN + 2.0 * MARGIN, lines.len() as f32 * ROW + 2.0 * MARGIN);
    let whole = lines.last().map(|line| line.at).unwrap_or_default() + AFTER;
    let (mut moments, mut rows) = (String::new(), String::new());
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.text.is_empty()) {
        let share = 100.0 * line.at.as_secs_f32() / whole.as_secs_f32();
        if !line.at.is_zero() {
            let _ = writeln!(moments, "@keyframes m{number} {{ 0% {{ opacity: 0 }} {share:.2}% {{ opacity: 1 }} }}");
            let _ = writeln!(moments, "#l{number} {{ animation-name: m{number} }}");
        }
        let class = if line.text.starts_with('$') { " class=\"typed\"" } else { "" };
        let y = MARGIN + number as f32 * ROW + FONT;
        let _ = writeln!(rows, "<text id=\"l{number}\"{class} x=\"{MARGIN}\" y=\"{y}\">{}</text>", escape(&line.text));
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}"
 width="{width:.0}" height="{height:.0}" role="img" xml:space="preserve">
<title>Demo: a command with a role, a worker that is restarted, a daemon that is signaled</title>
<style>
text {{
font: {FONT}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
fill: #1f2328;
white-space: pre;
}}
.typed {{ fill: #0550ae; font-weight: 600 }}
rect {{ fill: #f6f8fa; stroke: #d1d9e0 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.typed {{ fill: #79c0ff }}
rect {{ fill: #0d1117; stroke: #3d444d }}
}}
@media (prefers-reduced-motion: no-preference) {{
text {{ animation: {seconds:.2}s step-end infinite }}
{moments}}}
</style>
<rect x="0.5" y="0.5" width="{inner_width:.0}" height="{inner_height:.0}" rx="8"/>
{rows}</svg>
"#,
        seconds = whole.as_secs_f32(),
        inner_width = width.round() - 1.0,
        inner_height = height.round() - 1.0,
    )
}

const ESCAPES: [(&str, &str); 3] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")];

fn escape(text: &str) -> String {
    ESCAPES.iter().fold(text.to_owned(), |text, (plain, escaped)| text.replace(plain, escaped))
}

fn unescape(text: &str) -> String {
    ESCAPES.iter().rev().fold(text.to_owned(), |text, (plain, escaped)| text.replace(escaped, plain))
}

fn check(picture: &str, printed: &str) {
    let rows = picture.lines().filter_map(|line| line.strip_prefix("<text ")?.strip_suffix("</text>")?.split_once('>'));
    let shown: Vec<_> = rows.map(|(_, text)| stable(&unescape(text))).collect();
    let lines = std::iter::once(TYPED).chain(printed.lines().filter(|line| !line.is_empty()));
    let said: Vec<_> = lines.map(stable).collect();
    assert_eq!(shown, said, "the demo has changed: run cargo run --example record");
    println!("the picture shows the {} lines of the demo", said.len());
}

/// A line without the ports, process IDs and times, which differ from run to run.
fn stable(line: &str) -> String {
    let word = |word: &str| {
        let of_digits = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
        match word.rsplit_once(':') {
            Some((address, port)) if address.ends_with("127.0.0.1") && of_digits(port) => format!("{address}:PORT"),
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() => "NUMBER".to_owned(),
            _ if of_digits(word) && word.contains('T') && word.ends_with('Z') => "TIME".to_owned(),
            _ => word.to_owned(),
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

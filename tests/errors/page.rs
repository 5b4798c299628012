//! A page: a broken situation, and the approved output of the real program in it.

use crate::support::{Answer, FakeSts, Finished, Terminal, Xassume, binary, in_words_of_glibc};
use serde_json::Value;
use std::any::Any;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(super) const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

/// Variables that every invocation sets. They are not shown on pages.
const ALWAYS_SET: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_ENDPOINT_URL_STS",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "HOME",
    "PATH",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];

/// A closed standard output, in shell syntax.
pub(super) const CLOSED: &str = "&-";

/// A name, and a function that creates the situation.
pub(super) struct Page {
    pub(super) name: &'static str,
    make: Box<dyn Fn() -> Scene>,
}

pub(super) fn page(name: &'static str, make: impl Fn() -> Scene + 'static) -> Page {
    Page { name, make: Box::new(make) }
}

/// One page for each line of flags, followed by `-- true`. STS is not called.
pub(super) fn lines(rows: &'static [(&'static str, &'static [&'static str])]) -> Vec<Page> {
    rows.iter()
        .map(|(name, args)| page(name, || Scene::new(user_without_sts().args(*args).args(["--", "true"]))))
        .collect()
}

pub(super) fn user_without_sts() -> Xassume {
    Xassume::without_sts()
}

/// An invocation, and the services that must exist while it runs.
pub(super) struct Scene {
    xassume: Xassume,
    alive: Vec<Box<dyn Any>>,
    status: i32,
    /// On a terminal: the text to wait for, and the keys to type then.
    typed: Option<Vec<(&'static str, &'static str)>>,
    /// The file that is standard output.
    output: Option<&'static str>,
}

impl Scene {
    pub(super) fn new(xassume: Xassume) -> Self {
        Self { xassume, alive: Vec::new(), status: 125, typed: None, output: None }
    }

    /// `-r ROLE -- true` with an STS that gives these answers; the last one is repeated.
    pub(super) fn answered(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::answered_to(answers, &["-r", ROLE, "--", "true"])
    }

    pub(super) fn answered_to(answers: impl IntoIterator<Item = Answer>, args: &[&str]) -> Self {
        let sts = FakeSts::start();
        sts.script_forever(answers);
        Self::new(Xassume::new(&sts).args(args)).with(sts)
    }

    pub(super) fn with(mut self, alive: impl Any) -> Self {
        self.alive.push(Box::new(alive));
        self
    }

    pub(super) fn status(self, status: i32) -> Self {
        Self { status, ..self }
    }

    pub(super) fn typing(self, keys: &[(&'static str, &'static str)]) -> Self {
        Self { typed: Some(keys.to_vec()), ..self }
    }

    pub(super) fn writing_to(self, output: &'static str) -> Self {
        Self { output: Some(output), ..self }
    }

    fn run(&self) -> Finished {
        if self.output == Some(CLOSED) {
            let command = self.xassume.command();
            let script = format!("exec \"$0\" \"$@\" >{CLOSED}");
            let shell = self.xassume.clone().without_args().program("/bin/sh").args(["-c", &script]);
            return shell.arg(binary()).args(command.get_args()).run();
        }
        if let Some(output) = self.output {
            let file = File::options().write(true).open(output).expect("it can be written to");
            return self.xassume.clone().descriptor(1, file).run();
        }
        let Some(typed) = &self.typed else { return self.xassume.run() };
        let terminal = Terminal::run(&self.xassume);
        for (text, keys) in typed {
            terminal.through(text);
            terminal.keys(keys);
        }
        terminal.wait()
    }
}

impl Page {
    /// The page as the program prints it now.
    pub(super) fn written(&self) -> String {
        let scene = (self.make)();
        let finished = scene.run().exited(scene.status);
        let said = if scene.typed.is_some() {
            finished.stdout_text().replace('\r', "")
        } else {
            assert_eq!(finished.stdout_text(), "", "{}: standard output is the command's", self.name);
            finished.stderr.clone()
        };
        let page = format!("{}{said}status {}\n", situation(&scene), scene.status);
        stable(&in_words_of_glibc(&page), &scene.xassume)
    }

    /// The reason in the last line of the log as JSON, or `-` if the log is not JSON.
    pub(super) fn reason(&self) -> String {
        let mut scene = (self.make)();
        scene.xassume = scene.xassume.env("XASSUME_LOG_FORMAT", "json");
        let finished = scene.run().exited(scene.status);
        let said = if scene.typed.is_some() { finished.stdout_text() } else { finished.stderr };
        let failed = said.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let Some(failed) = failed else { return "-".to_owned() };
        assert_eq!((&failed["event"], &failed["level"]), (&"failed".into(), &"error".into()), "{}", self.name);
        assert_eq!(failed["status"], scene.status, "{}", self.name);
        failed["reason"].as_str().expect("a reason").to_owned()
    }

    pub(super) fn approved(&self) -> PathBuf {
        directory().join(self.name).with_extension("txt")
    }
}

pub(super) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/approved")
}

/// The command line in shell syntax, and the config file if there is one.
fn situation(scene: &Scene) -> String {
    let xassume = &scene.xassume;
    let command = xassume.command();
    let mut text = String::from("$");
    for (name, value) in command.get_envs() {
        let (name, value) = (name.to_string_lossy(), value.unwrap_or_default());
        if !ALWAYS_SET.contains(&name.as_ref()) {
            let _ = write!(text, " {name}={}", quoted(value));
        }
    }
    text += " xassume";
    for word in command.get_args() {
        let _ = write!(text, " {}", quoted(word));
    }
    if let Some(output) = scene.output {
        let _ = write!(text, " >{output}");
    }
    text.push('\n');
    for file in [".aws/config", ".aws/credentials"] {
        let Ok(bytes) = fs::read(xassume.home().join(file)) else { continue };
        let _ = writeln!(text, "# ~/{file}:");
        for line in String::from_utf8_lossy(&bytes).lines() {
            let _ = writeln!(text, "#   {line}");
        }
    }
    text
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    let short: String = word.chars().take(100).collect();
    let more = if short.len() < word.len() { "…" } else { "" };
    let short = short.replace('\'', "'\\''");
    if !word.is_empty() && word.chars().all(plain) { short + more } else { format!("'{short}{more}'") }
}

/// The text without the parts that differ between runs and machines.
fn stable(text: &str, xassume: &Xassume) -> String {
    let sandbox = xassume.sandbox();
    let places = [
        (sandbox.home(), "/home/alice"),
        (sandbox.tmp(), "/tmp"),
        (sandbox.runtime(), "/run/user/1000"),
        (sandbox.work(), "/work"),
        (binary(), "xassume"),
    ];
    let mut text = text.to_owned();
    for (path, name) in places {
        text = text.replace(path.to_str().expect("a path in UTF-8"), name);
    }
    for host in ["127.0.0.1:", "localhost:"] {
        let mut parts = text.split(host);
        let mut without_ports = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            without_ports += host;
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            // No process listens on port 1.
            without_ports += if rest.len() + 1 < part.len() { "PORT" } else { &part[..part.len() - rest.len()] };
            without_ports += rest;
        }
        text = without_ports;
    }
    text
}

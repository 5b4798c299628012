//! The size of the binary, the number of crates, and the time of a clean build.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::measure::Effort;
use crate::report::Report;
use crate::subject::Subject;

pub(crate) fn sizes(subject: &Subject, _: Effort, report: &mut Report) {
    let bytes = fs::metadata(&subject.program).expect("the program exists").len();
    #[allow(clippy::cast_precision_loss, reason = "megabytes")]
    let megabytes = bytes as f64 / 1e6;
    report.figure("size", "binary", "MB", megabytes, "stripped");
    report.target("binary", megabytes, 8.0, "MB");
    match crates() {
        Some(count) => report.figure("size", "crates", "", count, "other than xassume; normal dependencies"),
        None => report.skip("number of crates", "cargo tree failed"),
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

#[allow(clippy::cast_precision_loss, reason = "a small number")]
fn crates() -> Option<f64> {
    let words = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = cargo().args(words).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: BTreeSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Some(names.len().saturating_sub(1) as f64)
}

pub(crate) fn clean_build(report: &mut Report) {
    let directory = tempfile::tempdir().expect("the temporary directory is writable");
    let begun = Instant::now();
    let built = cargo()
        .args(["build", "--release", "--locked", "--quiet", "--bin", "xassume", "--target-dir"])
        .arg(directory.path())
        .status();
    if built.is_ok_and(|status| status.success()) {
        report.figure("size", "clean build", "s", begun.elapsed().as_secs_f64(), "release, crates downloaded before");
    } else {
        report.skip("clean build", "the build failed");
    }
}

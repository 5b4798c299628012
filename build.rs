//! Finds out what `xassume --version` says about the build: the commit, the target and the C library.
//!
//! A debug build has no commit, because otherwise each commit would cause a new build.

use std::env;
use std::path::Path;
use std::process::Command;

/// `git archive` replaces this text, so a source archive contains its commit. See .gitattributes.
const ARCHIVED: &str = "$Format:%H %cs$";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=BUILD_TARGET={}", var("TARGET"));
    let name = match var("CARGO_CFG_TARGET_ENV").as_str() {
        "gnu" => "glibc".to_owned(),
        other => other.to_owned(),
    };
    println!("cargo:rustc-env=BUILD_LIBC={name}, {}", if is_static() { "static" } else { "dynamic" });
    let commit = (var("PROFILE") == "release").then(commit).flatten();
    println!("cargo:rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

/// Returns the value of a variable that cargo sets.
fn var(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Asks the compiler whether the C library is linked statically. `CARGO_CFG_TARGET_FEATURE` does not contain the defaults
/// of a target, and static linking is the default for musl.
fn is_static() -> bool {
    let flags = var("CARGO_ENCODED_RUSTFLAGS");
    let mut rustc = Command::new(var("RUSTC"));
    rustc
        .args(["--print", "cfg", "--target", &var("TARGET")])
        .args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    let printed = rustc.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&printed).contains("target_feature=\"crt-static\"")
}

/// Returns the commit and its date, or `None` if this directory is neither the root of a git repository nor a source
/// archive. The directory of a source package may be inside another repository.
fn commit() -> Option<String> {
    let line = if Path::new(".git").exists() { checked_out()? } else { ARCHIVED.to_owned() };
    let (hash, date) = line.split_once(' ').filter(|(hash, _)| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    // The length of git's own short form depends on the number of objects in the repository.
    Some(format!("{} {date}", hash.get(..12)?))
}

fn checked_out() -> Option<String> {
    // These files change with each commit. The branch has no file if git has packed it.
    let branch = git(&["rev-parse", "--symbolic-full-name", "HEAD"])?;
    for file in ["HEAD", "logs/HEAD", "packed-refs", &branch] {
        let path = git(&["rev-parse", "--git-path", file])?;
        // Without this check, cargo would run this program in each build.
        if Path::new(&path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["log", "-1", "--no-show-signature", "--no-color", "--format=%H %cs"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // Hooks of git run with variables that select a repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
        command.env_remove(name);
    }
    let output = command.args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

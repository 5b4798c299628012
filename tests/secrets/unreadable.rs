//! The same user, or a reader of a core file, cannot read xassume's memory.

use super::search::Secrets;
use super::{user, xassume};
use crate::support::github::FakeGitHub;
use crate::support::{FakeSts, Running, Xassume, binary, probe, skipped, skipped_without_root};
use std::fs;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A user without any other files or processes.
const NOBODY: u32 = 61_234;

/// Reads as that user.
fn read_as_other_user(path: &str) -> Output {
    let mut cat = Command::new("cat");
    cat.arg(path).stdin(Stdio::null()).uid(NOBODY).gid(NOBODY).current_dir("/").output().expect("cat runs")
}

/// The program as started by that user; `None`, with a message, where that is not possible.
fn run_by_other_user(sts: &FakeSts) -> Option<Xassume> {
    let may = |program: PathBuf| {
        let mut test = Command::new("test");
        test.arg("-x").arg(program).uid(NOBODY).gid(NOBODY).current_dir("/");
        test.status().is_ok_and(|status| status.success())
    };
    let this = std::env::current_exe().expect("a running program has a path");
    if !nix::unistd::geteuid().is_root() || !may(binary()) || !may(this) {
        skipped_without_root("the program cannot be run as another user here");
        return None;
    }
    let args = ["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--clear-groups"].map(str::to_owned);
    let world = xassume(sts);
    let flags: Vec<_> = world.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let world = world.without_args().program("setpriv").args(args).arg(binary()).args(flags);
    Some(world.env("HOME", "/proc/none").env_remove("XDG_RUNTIME_DIR").env("TMPDIR", "/tmp").cwd("/"))
}

#[test]
fn the_same_user_can_read_neither_memory_nor_environment() {
    let sts = FakeSts::start();
    let Some(world) = run_by_other_user(&sts) else { return };
    let running =
        world.args(["--on-expiry", "restart", "--"]).args(probe()).args(["state", "then", "print-signals"]).spawn();
    let state: serde_json::Value = serde_json::from_str(&running.line("\"pid\"")).expect("JSON");
    running.line("ready");
    for name in ["environ", "mem", "maps", "auxv"] {
        let read = read_as_other_user(&format!("/proc/{}/{name}", running.pid()));
        let complaint = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(!read.status.success() && read.stdout.is_empty(), "{name} can be read");
        assert!(complaint.contains("ermission denied"), "{name}: {complaint}");
    }
    // The command itself is as readable as without xassume, so its debuggers work.
    let command = read_as_other_user(&format!("/proc/{}/environ", state["pid"]));
    assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    assert!(String::from_utf8_lossy(&command.stdout).contains("AWS_SESSION_TOKEN="));
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

/// Whether a program that dumps core leaves a file in its working directory here.
fn cores_are_files() -> bool {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let files = !pattern.trim().is_empty() && !pattern.starts_with(['|', '@']) && !pattern.contains('/');
    if !files {
        skipped("core files are not written to the working directory here");
        return false;
    }
    let allowed = Command::new("sh").args(["-c", "ulimit -c unlimited"]).stderr(Stdio::null()).status();
    let allowed = allowed.is_ok_and(|status| status.success());
    if !allowed {
        skipped("core files are not allowed here");
    }
    allowed
}

/// With core files enabled.
fn with_core_files(world: Xassume) -> Xassume {
    let flags: Vec<_> = world.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let words = "ulimit -c unlimited\nexec \"$0\" \"$@\"";
    world.without_args().program("sh").args(["-c", words]).arg(binary()).args(flags)
}

fn cores(world: &Xassume) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.sandbox().work()).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn it_leaves_no_core_file_whatever_it_dies_of() {
    if !cores_are_files() {
        return;
    }
    for signal in [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS, libc::SIGQUIT] {
        let sts = FakeSts::start();
        let world =
            with_core_files(xassume(&sts).args(["--on-expiry", "restart", "--"]).args(probe()).arg("print-signals"));
        let running: Running = world.spawn();
        running.line("ready");
        running.signal(signal);
        if signal == libc::SIGQUIT {
            // The signal is forwarded, and the probe only prints it.
            running.line("QUIT");
            running.signal(libc::SIGKILL);
        }
        // Rust's runtime handles the first SEGV or BUS, and the next one has its default action.
        while !running.ends_within(Duration::from_millis(100)) {
            running.signal(signal);
        }
        let status = running.wait().status;
        assert!(!status.core_dumped() && cores(&world).is_empty(), "{signal}: {:?}", cores(&world));
    }
}

#[test]
fn only_the_command_leaves_a_core_file() {
    if !cores_are_files() {
        return;
    }
    for flags in [&[][..], &["--via", "file"], &["--via", "endpoint"]] {
        let sts = FakeSts::start();
        let world = with_core_files(xassume(&sts).args(flags).args(["--", "sh", "-c", "kill -SEGV $$"]));
        let finished = world.run();
        if finished.code() == Some(99) {
            return skipped("the limit of core files cannot be raised");
        }
        finished.killed_by(libc::SIGSEGV);
        let [core] = <[PathBuf; 1]>::try_from(cores(&world)).expect("one core file: the command's");
        let core = fs::read(core).expect("a file");
        let mut secrets = Secrets::default();
        secrets.add_identity(&user());
        if !flags.is_empty() {
            secrets.add_issued(&sts);
        }
        assert_eq!(secrets.found_in(&core), None, "{flags:?}");
    }
}

#[test]
fn the_core_file_of_the_command_has_no_web_identity_token() {
    if !cores_are_files() {
        return;
    }
    let token = "sentinel.of-the_token.service";
    let github = FakeGitHub::of(None, move |_, _| token.into());
    for flags in [&[][..], &["--via", "file"], &["--via", "endpoint"]] {
        let sts = FakeSts::start();
        let world = || xassume(&sts).without_keys().args(flags);
        let by_command = world().file("printed", token).args(["--web-identity-token-command", "cat $HOME/printed"]);
        let by_github = github.job(world()).args(["--web-identity-provider", "github"]);
        for source in [by_command, by_github] {
            let world = with_core_files(source.args(["--", "sh", "-c", "kill -SEGV $$"]));
            let finished = world.run();
            if finished.code() == Some(99) {
                return skipped("the limit of core files cannot be raised");
            }
            finished.killed_by(libc::SIGSEGV);
            let [core] = <[PathBuf; 1]>::try_from(cores(&world)).expect("one core file: the command's");
            let mut secrets = Secrets::default();
            secrets.add("the OIDC token", token);
            assert_eq!(secrets.found_in(&fs::read(core).expect("a file")), None, "{flags:?}");
            assert_eq!(sts.requests()[0].param("WebIdentityToken"), Some(token));
        }
    }
}

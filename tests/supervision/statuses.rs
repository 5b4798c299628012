//! How a supervised run ends: with the command's status, or with a message that says why there is none.

use super::{ROLE, denied, probing, restarting, restarting_after, scripted, started_after};
use crate::support::sys::RTMIN;
use crate::support::{FakeSts, RefusedPort, Xassume, probe, skipped};
use std::os::unix::process::ExitStatusExt as _;

#[test]
fn the_status_is_that_of_the_command() {
    let sts = FakeSts::start();
    let codes = [0, 1, 2, 32, 64, 125, 126, 127, 254, 255];
    let running = codes.map(|code| probing(restarting(&sts), &["exit", &code.to_string()]).spawn());
    for (code, running) in codes.into_iter().zip(running) {
        assert_eq!(running.wait().exited(code).stderr, "");
    }
}

#[test]
fn a_signal_that_kills_the_command_kills_xassume_too() {
    let sts = FakeSts::start();
    let deaths =
        [("TERM", 15), ("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("RTMIN+0", RTMIN), ("RTMIN+3", RTMIN + 3)];
    let running = deaths.map(|(name, _)| probing(restarting(&sts), &["die", name]).spawn());
    for ((_, number), running) in deaths.into_iter().zip(running) {
        running.wait().killed_by(number);
    }
}

#[test]
fn a_crash_leaves_one_core_at_most() {
    let (sts, unlimited, crash) = (FakeSts::start(), "ulimit -c unlimited", "kill -SEGV $$");
    let alone = started_after(unlimited, &sts).args(["sh", "-c", crash]).run().killed_by(libc::SIGSEGV);
    if !alone.status.core_dumped() {
        skipped("no program can dump core here");
        return;
    }
    let crashed = scripted(restarting_after(unlimited, &sts), crash).run().killed_by(libc::SIGSEGV);
    assert!(!crashed.status.core_dumped(), "a second core is dumped, of a process that held a session");
}

#[test]
fn a_command_that_cannot_run_is_reported_before_sts_is_called() {
    let sts = FakeSts::start();
    let xassume = restarting(&sts).file("data", "x").arg("--");
    let data = xassume.home().join("data");
    for (word, code, complaint) in [
        ("no-such-command-anywhere", 127, "command not found"),
        ("/no/such/file", 127, "command not found"),
        ("/", 126, "it is a directory"),
        (data.to_str().expect("text"), 126, "ermission denied"),
    ] {
        let finished = xassume.clone().arg(word).run().exited(code);
        assert!(finished.stderr.contains(complaint), "{word}: {}", finished.stderr);
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_program_that_the_kernel_rejects_is_status_126() {
    let sts = FakeSts::start();
    let xassume = restarting(&sts).script("script", "#!/no/such/interpreter\n");
    let script = xassume.home().join("script");
    let finished = xassume.arg("--").arg(&script).run().exited(126);
    assert!(
        finished.stderr.contains("the interpreter (#! line) or dynamic linker does not exist"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_script_without_a_shebang_runs_as_in_a_shell() {
    let sts = FakeSts::start();
    let xassume = restarting(&sts).script("script", "echo \"$0 $# $1\"\nexit 3\n");
    let script = xassume.home().join("script");
    let finished = xassume.arg("--").arg(&script).args(["a b", "c"]).run().exited(3);
    assert_eq!(finished.stdout_text(), format!("{} 2 a b\n", script.display()));
}

#[test]
fn without_a_first_session_the_command_never_runs() {
    let sts = FakeSts::builder().script_forever([denied()]).start();
    let nobody = RefusedPort::reserve();
    let unreachable = Xassume::at(&nobody.url()).args(["-r", ROLE, "--on-expiry", "restart", "--sts-timeout", "1s"]);
    for (xassume, complaint) in [(restarting(&sts), "AccessDenied"), (unreachable, "cannot assume")] {
        let finished = probing(xassume, &["say", "ran"]).run().exited(125);
        assert_eq!(finished.stdout_text(), "");
        assert!(finished.stderr.contains(complaint), "{}", finished.stderr);
    }
}

#[test]
fn the_status_survives_a_parent_that_ignored_sigchld() {
    let sts = FakeSts::start();
    let finished = probing(restarting(&sts).ignoring(&[libc::SIGCHLD]), &["state", "then", "exit", "3"]).run();
    assert_eq!(finished.exited(3).stdout_json()["SigIgn"], serde_json::json!(["CHLD"]));
}

#[test]
fn an_inherited_child_is_not_mistaken_for_the_command() {
    let sts = FakeSts::start();
    let stranger = "mkfifo go\n(read go <go; exit 9) &\nexport STRANGER=$!";
    let script = "echo >go; while [ -e /proc/$STRANGER ]; do :; done; exit 3";
    scripted(restarting_after(stranger, &sts), script).run().exited(3);
}

#[test]
fn the_status_survives_a_broken_stderr() {
    let sts = FakeSts::start();
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    let finished =
        probing(restarting(&sts).arg("-vv").descriptor(2, writer), &["say", "ran", "then", "exit", "3"]).run();
    assert_eq!(finished.exited(3).stdout_text(), "ran\n");
}

#[test]
fn standard_input_and_output_belong_to_the_command() {
    let sts = FakeSts::start();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let finished = probing(restarting(&sts).stdin(bytes.clone()), &["cat"]).run().exited(0);
    assert!(finished.stdout == bytes);
    let warning = "after a restart, standard input that was already read is lost";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
}

#[test]
fn a_standard_stream_that_was_closed_stays_closed() {
    let sts = FakeSts::start();
    let closed = "exec <&-";
    let alone = started_after(closed, &sts).args(probe()).arg("state").run().exited(0).stdout_json();
    let state = probing(restarting_after(closed, &sts), &["state"]).run().exited(0).stdout_json();
    let numbers = |state: &serde_json::Value| -> Vec<String> {
        state["fds"].as_object().expect("a table").keys().cloned().collect()
    };
    assert_eq!(numbers(&alone), ["1", "2"]);
    assert_eq!(numbers(&state), numbers(&alone));
}

//! Exec mode, in which xassume replaces itself with the command: arguments, statuses, descriptors and signals are
//! unchanged.

use crate::support::processes::{eventually, wait_until_stopped};
use crate::support::{Answer, FakeSts, Xassume, probe};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant, SystemTime};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn xassume(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE])
}

#[test]
fn arguments_are_passed_on_byte_for_byte() {
    let sts = FakeSts::start();
    let odd: [&OsStr; 6] = [
        "--".as_ref(),
        "-v".as_ref(),
        "".as_ref(),
        "a b*$HOME".as_ref(),
        OsStr::from_bytes(b"\xff\xfe"),
        "\n".as_ref(),
    ];
    let finished = xassume(&sts).arg("--").args(probe()).arg("argv").args(odd).run().exited(0);
    let words = finished.stdout_fields();
    assert_eq!(&words[3..], odd.map(|word| word.as_bytes().to_vec()));
    let finished = xassume(&sts).args(probe()).arg("argv").args(["--role-arn", "--"]).run().exited(0);
    assert_eq!(&finished.stdout_fields()[3..], ["--role-arn", "--"].map(|word| word.as_bytes().to_vec()));
}

#[test]
fn the_status_is_that_of_the_command() {
    let sts = FakeSts::start();
    for code in [0, 1, 2, 32, 64, 125, 126, 127, 254, 255] {
        xassume(&sts).arg("--").args(probe()).args(["exit", &code.to_string()]).run().exited(code);
    }
    for (name, number) in [("TERM", 15), ("HUP", 1), ("KILL", 9), ("SEGV", 11)] {
        xassume(&sts).arg("--").args(probe()).args(["die", name]).run().killed_by(number);
    }
}

#[test]
fn the_process_id_stays_the_same() {
    let sts = FakeSts::start();
    let running = xassume(&sts).arg("--").args(probe()).arg("state").spawn();
    let pid = running.pid();
    let state = running.wait().exited(0).stdout_json();
    assert_eq!(state["pid"], pid);
    assert_eq!(state["pgid"], pid);
    let descriptors: Vec<_> = state["fds"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(descriptors, ["0", "1", "2"], "no descriptor of xassume is inherited");
    assert_eq!(state["pdeathsig"], serde_json::Value::Null);
}

#[test]
fn signal_dispositions_and_mask_are_inherited() {
    let sts = FakeSts::start();
    let plain = xassume(&sts).arg("--").args(probe()).arg("state").run().exited(0).stdout_json();
    assert_eq!(plain["SigIgn"], serde_json::json!([]), "SIGPIPE is not left ignored");
    assert_eq!(plain["SigBlk"], serde_json::json!([]));
    let odd = xassume(&sts)
        .ignoring(&[libc::SIGHUP, libc::SIGPIPE, libc::SIGTTOU])
        .blocking(&[libc::SIGUSR1])
        .arg("--")
        .args(probe())
        .arg("state")
        .run()
        .exited(0)
        .stdout_json();
    assert_eq!(odd["SigIgn"], serde_json::json!(["HUP", "PIPE", "TTOU"]));
    assert_eq!(odd["SigBlk"], serde_json::json!(["USR1"]));
}

#[test]
fn descriptors_are_inherited() {
    let sts = FakeSts::start();
    let file = std::fs::File::open("/dev/null").expect("/dev/null");
    let state = xassume(&sts).descriptor(9, file).arg("--").args(probe()).arg("state").run().exited(0).stdout_json();
    assert!(state["fds"]["9"].is_string(), "{state}");
}

#[test]
fn standard_input_and_output_belong_to_the_command() {
    let sts = FakeSts::start();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let finished = xassume(&sts).stdin(bytes.clone()).arg("--").args(probe()).arg("cat").run().exited(0);
    assert!(finished.stdout == bytes);
    assert_eq!(finished.stderr, "");
}

#[test]
fn a_script_without_a_shebang_runs_as_in_a_shell() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).script("script", "echo \"$0 $# $1\"\n");
    let script = xassume.home().join("script");
    let finished = xassume.arg("--").arg(&script).args(["a b", "c"]).run().exited(0);
    assert_eq!(finished.stdout_text(), format!("{} 2 a b\n", script.display()));
}

#[test]
fn a_command_that_cannot_run_is_reported_before_sts_is_called() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).file("data", "x").arg("--");
    let data = xassume.home().join("data");
    for (word, code, complaint) in [
        ("no-such-command-anywhere", 127, "cannot run 'no-such-command-anywhere': command not found"),
        ("/no/such/file", 127, "command not found"),
        ("ls -l", 127, "hint: no shell is involved"),
        ("/", 126, "it is a directory"),
        (data.to_str().expect("text"), 126, "ermission denied"),
    ] {
        let finished = xassume.clone().arg(word).run().exited(code);
        assert!(finished.stderr.contains(complaint), "{word}: {}", finished.stderr);
        assert!(finished.stderr.contains("\nhint: "), "{word}: {}", finished.stderr);
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_missing_interpreter_is_status_126() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).script("script", "#!/no/such/interpreter\n");
    let script = xassume.home().join("script");
    let finished = xassume.arg("--").arg(&script).run().exited(126);
    assert!(
        finished.stderr.contains("the interpreter (#! line) or dynamic linker does not exist"),
        "{}",
        finished.stderr
    );
}

#[test]
fn the_command_is_found_in_the_inherited_path() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).script("bin/tool", "#!/bin/sh\necho found\n");
    let directory = xassume.home().join("bin");
    let finished = xassume.env("PATH", &directory).args(["--", "tool"]).run().exited(0);
    assert_eq!(finished.stdout_text(), "found\n");
}

#[test]
fn a_signal_during_a_call_to_sts_ends_xassume_at_once() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let sts = FakeSts::start();
        sts.script([Answer::Hang]);
        let running = xassume(&sts).arg("--").args(probe()).args(["say", "ran"]).spawn();
        sts.wait_for_requests(1);
        let sent = Instant::now();
        running.signal(signal);
        let finished = running.wait().killed_by(signal);
        assert!(sent.elapsed() < Duration::from_secs(5), "at once, not when STS's time is up");
        assert_eq!(finished.stdout_text(), "");
    }
}

#[test]
fn a_session_that_expires_before_the_start_starts_nothing() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(1)).script([Answer::Held]).start();
    let running = xassume(&sts).arg("--").args(probe()).args(["say", "ran"]).spawn();
    sts.wait_for_requests(1);
    running.signal(libc::SIGSTOP);
    wait_until_stopped(&[running.pid()]);
    sts.release();
    // `Date` in the answer has no fraction, so it is up to a second old.
    let over = || SystemTime::now() - Duration::from_secs(1);
    eventually("STS has answered, and the session is over", || {
        sts.issued().first().is_some_and(|issued| issued.expiration <= over())
    });
    running.signal(libc::SIGCONT);
    let finished = running.wait().exited(125);
    assert!(finished.stderr.contains(" timed out after "), "{}", finished.stderr);
    assert_eq!(finished.stdout_text(), "");
}

#[test]
fn usage_errors_are_125_with_the_usage_line() {
    let sts = FakeSts::start();
    for (args, complaint) in [
        (&["--no-such-flag", "--", "true"][..], "unexpected argument '--no-such-flag'"),
        (&["--role-arm", "x", "--", "true"][..], "--role-arn"),
        (&["-r"][..], "a value is required for '--role-arn <ARN>'"),
        (&["-r", ROLE][..], "no command given"),
    ] {
        let finished = Xassume::new(&sts).args(args).run().exited(125);
        assert!(finished.stderr.starts_with("xassume: error: "), "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(complaint), "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("\nhint: ") && finished.stderr.contains("\nusage: "), "{}", finished.stderr);
        assert_eq!(finished.stdout_text(), "");
    }
    let both = Xassume::new(&sts).args(["-q", "-v", "-r", ROLE, "--", "true"]).run().exited(125);
    assert_eq!(both.stderr, "xassume: error: --verbose cannot be used with --quiet\nhint: remove one of them\n");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn without_a_command_the_error_shows_how_to_start_a_shell() {
    let sts = FakeSts::start();
    let failed = xassume(&sts).run().exited(125);
    let selected = format!("xassume -r {ROLE} --");
    let hint = format!("hint: for example: {selected} aws s3 ls; for a shell: {selected} $SHELL\n");
    let usage = "usage: xassume [OPTIONS] [--] COMMAND [ARGUMENT]...\n";
    assert_eq!(failed.stderr, format!("xassume: error: no command given\n{hint}{usage}"));
    assert_eq!((failed.stdout_text().as_str(), sts.requests().len()), ("", 0));
}

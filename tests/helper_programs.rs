//! Programs that xassume runs: a `credential_process` and an `--mfa-command`. They may prompt on the terminal before
//! the command starts, and they end with the launch.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use crate::support::log::PATIENCE;
use crate::support::processes::{children, eventually, has_ended, pid_namespace, wait_until_stopped};
use crate::support::pty::PROMPT;
use crate::support::sys::{self, wait_gone};
use crate::support::{Answer, FakeSts, Identity, Running, Terminal, Xassume, binary, probe};
use std::fs;
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
/// Signals that a terminal sends to end a program.
const ENDING: [i32; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];
/// A helper that does not end by itself, but waits for a process that it started.
const HANGS: &str = "sleep 600 & echo helper=$! >&2; wait";
/// The same, but both processes ignore SIGTERM.
const STUBBORN: &str = "trap '' TERM; sleep 600 & echo helper=$! >&2; while :; do wait; done";
/// Returns the keys if the right word is typed. Echo is off meanwhile, and a process that it started waits for input
/// too.
const ASKS: &str = "exec 3<>/dev/tty; stty -echo <&3; sleep 600 & echo helper=$! asker=$$ >&3; printf 'the word: ' >&3; \
                    read word <&3; kill $!; stty echo <&3; test \"$word\" = sesame && cat $HOME/answer";

/// A user whose keys come from this `credential_process`.
fn with_credential_process(sts: &FakeSts, script: &str) -> Xassume {
    let Identity { access_key_id, secret_access_key, .. } = Identity::user();
    let answer = format!(r#"{{"Version":1,"AccessKeyId":"{access_key_id}","SecretAccessKey":"{secret_access_key}"}}"#);
    Xassume::new(sts)
        .without_keys()
        .file("answer", answer)
        .script("process", script)
        .file(".aws/config", "[default]\ncredential_process = exec sh $HOME/process\n")
        .args(["-r", ROLE, "--no-cache"])
}

/// With the probe as the command.
fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

fn number_in(line: &str) -> i32 {
    line.rsplit('=').next().and_then(|number| number.trim().parse().ok()).expect("a number")
}

/// The process that the helper has started.
#[track_caller]
fn started_by_helper(running: &Running) -> i32 {
    number_in(&running.error_line("helper="))
}

#[test]
fn a_signal_to_xassume_ends_them_and_their_children() {
    let sts = FakeSts::start();
    let mfa = Xassume::new(&sts).args(["-r", ROLE, "--mfa-serial", "device-01", "--no-cache", "--mfa-command", HANGS]);
    let worlds = [
        ("exec", probing(with_credential_process(&sts, HANGS), &["say", "ran"])),
        ("supervise", probing(with_credential_process(&sts, HANGS).args(["--via", "file"]), &["say", "ran"])),
        ("print", with_credential_process(&sts, HANGS).args(["--print", "json"])),
        ("check", with_credential_process(&sts, HANGS).arg("--check")),
        ("mfa", probing(mfa, &["say", "ran"])),
    ];
    for (name, world) in worlds {
        for signal in ENDING {
            let running = world.spawn();
            let process = started_by_helper(&running);
            let sent = Instant::now();
            running.signal(signal);
            // xassume sees its end only when no process has its standard error open.
            let finished = running.wait().killed_by(signal);
            assert!(!finished.stdout_text().contains("ran"), "{name}");
            assert!(wait_gone(process, PATIENCE), "{name}");
            assert!(sent.elapsed() < Duration::from_secs(20), "{name}: not when its time is up");
            finished.left_no_process();
        }
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn those_that_ignore_the_signal_are_killed() {
    let sts = FakeSts::start();
    for flags in [&[][..], &["--via", "file"]] {
        let running = probing(with_credential_process(&sts, STUBBORN).args(flags), &["say", "ran"]).spawn();
        let process = started_by_helper(&running);
        running.signal(libc::SIGTERM);
        running.wait().killed_by(libc::SIGTERM).left_no_process();
        assert!(wait_gone(process, PATIENCE));
    }
}

#[test]
fn they_get_a_signal_when_xassume_is_killed() {
    let sts = FakeSts::start();
    let running = probing(with_credential_process(&sts, "echo helper=$$ >&2; exec sleep 600"), &["say", "ran"]).spawn();
    let process = started_by_helper(&running);
    running.signal(libc::SIGKILL);
    running.wait().killed_by(libc::SIGKILL);
    assert!(wait_gone(process, PATIENCE));
}

#[test]
fn they_and_the_command_inherit_ignored_and_blocked_signals() {
    let sts = FakeSts::start();
    let waits =
        "grep -E 'Sig(Ign|Blk)' /proc/self/status >&2; while ! test -e $HOME/go; do sleep 0.05; done; cat $HOME/answer";
    let world =
        with_credential_process(&sts, waits).ignoring(&[libc::SIGHUP]).blocking(&[libc::SIGUSR1, libc::SIGQUIT]);
    let running = probing(world, &["state"]).spawn();
    let ignored = running.error_line("SigIgn:");
    let ignored = u64::from_str_radix(ignored.trim_start_matches("SigIgn:").trim(), 16).expect("a mask");
    // Only standard signals: the C library reserves others.
    assert_eq!(ignored & 0x7fff_ffff, 1 << (libc::SIGHUP - 1));
    running.signal(libc::SIGHUP);
    fs::write(running.sandbox().home().join("go"), "").expect("the home is ours");
    let state = running.wait().exited(0).stdout_json();
    assert_eq!(state["SigIgn"], serde_json::json!(["HUP"]));
    assert_eq!(state["SigBlk"], serde_json::json!(["QUIT", "USR1"]));
}

#[test]
fn they_do_not_get_the_settings_of_the_launch() {
    let sts = FakeSts::start();
    let world = with_credential_process(&sts, "env >$HOME/seen; cat $HOME/answer");
    let of_launch = [
        ("ROLE_ARN", "arn:aws:iam::222222222222:role/Other"),
        ("DURATION", "1h"),
        ("EXPECT_ACCOUNT", "111111111111"),
        ("SIGNAL_PID_FILE", "pid"),
        ("RESTART_ORDER", "start-first"),
        ("READY", "1s"),
        ("READY_TIMEOUT", "1m"),
        ("CREDENTIALS_FILE", "credentials"),
    ];
    let world = of_launch.iter().fold(world, |world, (name, value)| world.env(format!("XASSUME_{name}"), value));
    let world = probing(world.env("XASSUME_STS_TIMEOUT", "1m"), &["environ"]);
    let finished = world.clone().run().exited(0);
    for seen in [fs::read_to_string(world.home().join("seen")).expect("the helper has run"), finished.stdout_text()] {
        assert!(seen.contains("XASSUME_DEPTH") && seen.contains("XASSUME_STS_TIMEOUT"), "{seen}");
        for (name, _) in of_launch {
            assert!(!seen.contains(&format!("XASSUME_{name}")), "{name}: {seen}");
        }
    }
}

#[test]
fn after_a_helper_a_signal_ends_the_launch_as_before() {
    let sts = FakeSts::start();
    sts.script([Answer::Hang]);
    let running = probing(with_credential_process(&sts, "cat $HOME/answer"), &["say", "ran"]).spawn();
    sts.wait_for_requests(1);
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait().killed_by(libc::SIGTERM).stdout_text(), "");
}

#[test]
fn as_pid_1_the_status_reports_the_signal() {
    let Some(namespace) = pid_namespace() else {
        println!("skipped: no pid namespace can be created here");
        return;
    };
    let sts = FakeSts::start();
    let world = with_credential_process(&sts, HANGS).without_args().program("unshare").args(namespace);
    let unshare = probing(world.arg(binary()).args(["-r", ROLE, "--no-cache"]), &["say", "ran"]).spawn();
    started_by_helper(&unshare);
    let mut inside = Vec::new();
    eventually("xassume runs", || {
        inside = children(unshare.pid());
        !inside.is_empty()
    });
    sys::send_signal(inside[0], libc::SIGTERM);
    assert_eq!(unshare.wait().exited(143).stdout_text(), "");
}

#[test]
fn they_may_prompt_on_a_terminal() {
    let sts = FakeSts::builder().mfa_codes(&["123456"]).start();
    let command = "printf 'the code: ' >/dev/tty; read code </dev/tty; echo $code";
    let mfa =
        Xassume::new(&sts).args(["-r", ROLE, "--no-cache", "--mfa-serial", "device-01", "--mfa-command", command]);
    for (world, question, answer) in [
        (with_credential_process(&sts, ASKS), "the word: ", "sesame\n"),
        (with_credential_process(&sts, ASKS).args(["--via", "file"]), "the word: ", "sesame\n"),
        (mfa, "the code: ", "123456\n"),
    ] {
        let terminal = Terminal::run(&probing(world, &["say", "it ran"]));
        terminal.through(question);
        terminal.keys(answer);
        terminal.line("it ran");
        terminal.wait().exited(0);
    }
}

#[test]
fn a_shell_stops_and_continues_their_prompt() {
    let sts = FakeSts::start();
    let bash = Terminal::bash(&with_credential_process(&sts, ASKS).without_args());
    bash.keys(&format!("$BIN --no-cache -r {ROLE} -- echo it ran\n"));
    let asker = number_in(&bash.line("asker="));
    bash.through("the word: ");
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through(PROMPT);
    // The shell checks only whether xassume has stopped.
    wait_until_stopped(&[asker]);
    bash.keys("fg\n");
    bash.through("echo it ran");
    bash.keys("sesame\n");
    bash.line("it ran");
}

#[test]
fn an_interrupt_ends_their_prompt_and_restores_the_terminal() {
    let sts = FakeSts::start();
    // `stty` is not restored by the shell here: if echo is on again, xassume restored it.
    for flags in ["", "--via file"] {
        for signal in [None, Some(libc::SIGTERM), Some(libc::SIGINT)] {
            let terminal = Terminal::run(&probing(
                with_credential_process(&sts, ASKS).args(flags.split_whitespace()),
                &["say", "ran"],
            ));
            let asker = number_in(&terminal.line("asker="));
            let process = children(asker)[0];
            terminal.through("the word: ");
            assert!(!terminal.is_cooked());
            match signal {
                None => terminal.keys("\x03"),
                Some(signal) => terminal.signal(signal),
            }
            eventually("what it has started is gone", || has_ended(process));
            eventually("echo is on again", || terminal.is_cooked());
            terminal.wait().killed_by(signal.unwrap_or(libc::SIGINT));
        }
    }
    assert_eq!(sts.requests().len(), 0);
}

/// Returns the keys once. The second time it tries to read the terminal.
const ASKS_LATER: &str =
    "test -e $HOME/asked && { echo helper=$$ >&2; : </dev/tty || sleep 60; }; touch $HOME/asked; cat $HOME/answer";

#[test]
fn at_a_refresh_they_cannot_take_the_terminal_from_the_command() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start();
    let world = with_credential_process(&sts, ASKS_LATER).args(["--via", "file"]);
    let terminal = Terminal::run(&probing(world, &["say", "it ran", "then", "read-tty"]));
    terminal.line("it ran");
    let process = number_in(&terminal.line("helper="));
    terminal.line("cannot open /dev/tty");
    terminal.keys("hello\n");
    terminal.line("read hello");
    terminal.wait().exited(0);
    assert!(wait_gone(process, PATIENCE));
}

//! When the hook runs, and for which session.

use super::{MODES, hooked, last_number, probing};
use crate::supervision::{SHORT, count, next_start, one_refresh};
use crate::support::processes::{eventually, state_of};
use crate::support::seccomp::DeniedCall;
use crate::support::{Answer, FakeSts, by_another_user, in_words_of_glibc, sys};
use humantime::format_rfc3339_seconds;
use nix::unistd::geteuid;
use std::fs;

/// Prints the number, the account and the ARN of the session.
const PRINTS: &str =
    "echo hook $XASSUME_REFRESH $AWS_ACCOUNT_ID $XASSUME_SESSION; echo until $AWS_CREDENTIAL_EXPIRATION";

#[test]
fn the_hook_runs_after_each_session_in_each_mode() {
    let all = MODES.map(|flags| {
        let sts = one_refresh();
        let xassume = hooked(&sts, &[flags, &["--role-session-name", "me"]].concat(), PRINTS);
        (probing(xassume, &["print-keys", "survive", "HUP"]).spawn(), sts, flags)
    });
    for (xassume, sts, flags) in all {
        for number in 0..2 {
            let line = xassume.error_line("hook ");
            assert_eq!(line.trim(), format!("hook {number} 111111111111 arn:aws:sts::111111111111:assumed-role/R/me"));
            let until = xassume.error_line("until ");
            let expected = format_rfc3339_seconds(sts.issued()[number].expiration);
            assert_eq!(until.trim(), format!("until {expected}"), "{flags:?}");
        }
        xassume.signal(libc::SIGTERM);
        let finished = xassume.wait();
        // TERM may reach a command that was just started again, before it handles signals.
        let was_starting = flags.contains(&"restart") && finished.signal() == Some(libc::SIGTERM);
        assert!(was_starting || finished.code() == Some(0), "{}", finished.describe());
        assert_eq!(count(&finished.stderr, "hook "), 2, "{}", finished.stderr);
    }
}

#[test]
fn with_an_environment_the_new_process_has_started_before() {
    let sts = one_refresh();
    let hook = "echo hook $AWS_ACCESS_KEY_ID after $(wc -l <\"$HOME/starts\")";
    let script = "echo >>\"$HOME/starts\"; exec $PROBE print-keys";
    let xassume = hooked(&sts, &["--on-expiry", "restart"], hook).file("starts", "");
    let xassume = xassume.args(["--", "sh", "-c", script]).spawn();
    for number in 0..2 {
        let key = next_start(&xassume).key;
        // The hook and the command begin at the same time, and the first line of the script may take longer.
        let line = xassume.error_line("hook ");
        assert!(line.starts_with(&format!("hook {key} after ")), "{line}");
        assert!([number, number + 1].contains(&last_number(&line)), "{line}");
    }
}

#[test]
fn with_start_first_the_new_process_is_ready_before() {
    let sts = one_refresh();
    let flags = ["-v", "--on-expiry", "restart", "--restart-order", "start-first", "--ready", "notify"];
    let script = "exec $PROBE print-keys exit-on USR1 then notify READY=1 then print-signals";
    let xassume = hooked(&sts, &flags, "echo hook $AWS_ACCESS_KEY_ID").args(["--", "sh", "-c", script]).spawn();
    for number in 0..2 {
        let start = next_start(&xassume);
        xassume.error_line("started the command");
        assert_eq!(count(&xassume.stderr.so_far(), "hook ASIA"), number);
        sys::send_signal(start.pid, libc::SIGUSR1);
        assert_eq!(xassume.error_line("hook ASIA").trim(), format!("hook {}", start.key));
    }
}

#[test]
fn with_a_file_the_session_is_in_the_file() {
    let sts = one_refresh();
    let hook = "echo hook $(sed -n 's/^aws_access_key_id *= *//p' \"$AWS_SHARED_CREDENTIALS_FILE\")";
    let xassume = probing(hooked(&sts, &["--via", "file"], hook), &["print-signals"]).spawn();
    for number in 0..2 {
        let line = xassume.error_line("hook ");
        assert_eq!(line.trim(), format!("hook {}", sts.issued()[number].access_key_id));
    }
}

#[test]
fn refreshes_during_a_run_are_joined_into_one_run() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let hook =
        "echo hook $XASSUME_REFRESH; [ $XASSUME_REFRESH != 0 ] || until [ -e \"$HOME/go\" ]; do sleep 0.05; done";
    let xassume = probing(hooked(&sts, &["-v", "--via", "file"], hook), &["print-signals"]).spawn();
    assert_eq!(last_number(&xassume.error_line("hook 0")), 0);
    for _ in 0..3 {
        xassume.error_line("session refreshed");
    }
    fs::write(xassume.sandbox().home().join("go"), "").expect("the home is writable");
    let line = loop {
        let line = xassume.error_line("hook");
        if line.starts_with("hook ") {
            break line;
        }
    };
    assert!(last_number(&line) >= 3, "{line}");
    let so_far = xassume.stderr.so_far();
    assert!(!so_far.contains("hook 1\n") && !so_far.contains("hook 2\n"), "{so_far}");
}

#[test]
fn a_hook_does_not_delay_the_command_its_refreshes_or_its_signals() {
    let sts = one_refresh();
    let hook = "echo hook; exec sleep 300";
    let xassume = probing(hooked(&sts, &["-v", "--on-expiry", "signal"], hook), &["print-keys"]).spawn();
    next_start(&xassume);
    xassume.error_line("hook");
    xassume.line("HUP code=");
    xassume.signal(libc::SIGUSR2);
    xassume.line("USR2 code=");
    xassume.signal(libc::SIGTERM);
    let said = xassume.wait().exited(0).stderr;
    assert!(said.contains("stopping the refresh hook, pid ") && !said.contains("warning"), "{said}");
}

#[test]
fn a_failure_is_one_warning_and_the_next_session_runs_the_hook_again() {
    let sts = one_refresh();
    let hook = "[ $XASSUME_REFRESH = 1 ] || exit 3; kill -KILL $$";
    let xassume = probing(hooked(&sts, &["--via", "file"], hook), &["print-signals", "then", "exit", "5"]).spawn();
    xassume.error_line("warning: the refresh hook exited with status 3");
    xassume.error_line("warning: the refresh hook was killed by SIGKILL");
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(5);
    assert_eq!(finished.stderr.lines().count(), 2, "{}", finished.stderr);
}

#[test]
fn no_hook_runs_if_the_command_cannot_be_started() {
    let sts = FakeSts::start();
    let xassume = hooked(&sts, &["--via", "file"], "echo hook").script("bad", "#!/no/such/program");
    let bad = xassume.home().join("bad");
    let finished = xassume.arg("--").arg(bad).run();
    assert_eq!(finished.code(), Some(126), "{}", finished.describe());
    assert!(!finished.stderr.contains("hook"), "{}", finished.stderr);
}

#[test]
fn without_a_session_no_hook_runs() {
    let denied = Answer::access_denied("arn:aws:iam::222222222222:user/alice", super::ROLE);
    let sts = FakeSts::builder().script([denied]).start();
    let finished = probing(hooked(&sts, &["--via", "file"], "echo hook"), &["say", "ran"]).run().exited(125);
    assert!(!finished.stderr.contains("hook"), "{}", finished.stderr);
}

#[test]
fn a_system_without_pidfds_runs_hooks_too() {
    let sts = one_refresh();
    let xassume = hooked(&sts, &["--via", "file"], PRINTS).denying(&[
        DeniedCall::Call(libc::SYS_pidfd_open, libc::ENOSYS),
        DeniedCall::Call(libc::SYS_close_range, libc::ENOSYS),
    ]);
    let xassume = probing(xassume, &["print-signals"]).spawn();
    xassume.error_line("hook 0 ");
    xassume.error_line("hook 1 ");
}

#[test]
fn what_a_hook_leaves_behind_keeps_running_and_delays_nothing() {
    let sts = one_refresh();
    // It keeps the standard error of xassume open.
    let hook = "sleep 300 & echo left $!";
    let xassume = probing(hooked(&sts, &["-v", "--on-expiry", "restart"], hook), &["print-keys"]).spawn();
    let mut left = Vec::new();
    for _ in 0..2 {
        next_start(&xassume);
        left.push(last_number(&xassume.error_line("left ")));
        xassume.error_line("the refresh hook has finished");
    }
    xassume.signal(libc::SIGTERM);
    assert!(xassume.ends_within(crate::support::log::PATIENCE));
    for pid in left {
        assert!(state_of(pid).is_some(), "it keeps running");
        sys::send_signal(pid, libc::SIGKILL);
    }
    xassume.wait().exited(0);
}

#[test]
fn a_hook_that_cannot_be_forked_is_one_warning_and_the_next_session_runs_it_again() {
    let sts = FakeSts::builder().script([SHORT, SHORT].map(Answer::Lifetime)).start();
    // The first hook sets the limit before the second one is started, and the command ends it.
    let hook = "echo hook $XASSUME_REFRESH; [ $XASSUME_REFRESH = 0 ] || exit 0; \
                until [ -e \"$HOME/refreshed\" ]; do sleep 0.05; done; exec prlimit --pid $PPID --nproc=0:";
    let script = "until [ -e \"$HOME/failed\" ]; do sleep 0.05; done; prlimit --pid $PPID --nproc=500:; \
                  exec $PROBE print-signals";
    let xassume = hooked(&sts, &["-v", "--via", "file"], hook);
    // The limit does not apply to root.
    let xassume = if geteuid().is_root() { by_another_user(&xassume) } else { Some(xassume) };
    let Some(xassume) = xassume else { return };
    let xassume = xassume.args(["--", "sh", "-c", script]).spawn();
    let create = |name| fs::write(xassume.sandbox().home().join(name), "").expect("the test may write there");
    xassume.error_line("session refreshed");
    create("refreshed");
    let warning = in_words_of_glibc(&xassume.error_line("the refresh hook: "));
    assert_eq!(warning.trim(), "xassume: warning: cannot start the refresh hook: Resource temporarily unavailable");
    create("failed");
    xassume.line("ready");
    xassume.error_line("hook 2");
    xassume.signal(libc::SIGTERM);
    let stderr = xassume.wait().exited(0).stderr;
    assert_eq!(count(&stderr, "the refresh hook: "), 1, "{stderr}");
}

#[test]
fn a_hook_that_closes_its_descriptors_is_waited_for() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let hook = "exec <&- >&- 2>&-; if mkdir \"$HOME/running\"; then sleep 0.2; rmdir \"$HOME/running\"; \
                else touch \"$HOME/two\"; fi; touch \"$HOME/hook-$XASSUME_REFRESH\"";
    let xassume = probing(hooked(&sts, &["--via", "file"], hook), &["print-signals"]).spawn();
    let home = xassume.sandbox().home();
    eventually("three hooks have ended", || (0..3).all(|number| home.join(format!("hook-{number}")).exists()));
    assert!(!home.join("two").exists(), "one at a time");
    xassume.signal(libc::SIGTERM);
    assert_eq!(xassume.wait().exited(0).stderr, "");
}

//! Hooks with xassume as PID 1 of a container.

use super::{LIMITED, both_are_reported, hooked, last_number};
use crate::supervision::{count, one_refresh};
use crate::support::processes::{children, eventually, pid_namespace};
use crate::support::{Running, binary, probe, skipped, sys};

/// Starts xassume as PID 1 of a namespace with this hook. Returns its process ID outside the namespace, too.
fn as_pid_1(sts: &crate::support::FakeSts, flags: &[&str], hook: &str) -> Option<(Running, i32)> {
    let Some(namespace) = pid_namespace() else {
        skipped("no pid namespace can be created here");
        return None;
    };
    let world = hooked(sts, &[], hook).without_args().program("unshare").args(namespace).arg(binary());
    let world = world.args(["-r", super::ROLE, "--refresh-hook", hook]).args(flags).arg("--").args(probe());
    let unshare = world.args(["print-signals", "then", "exit", "3"]).spawn();
    let mut found = Vec::new();
    eventually("unshare has started xassume", || {
        found = children(unshare.pid());
        !found.is_empty()
    });
    Some((unshare, found[0]))
}

/// Waits until nothing of the hooks is left, and ends the run.
fn ends_without_hooks(unshare: Running, xassume: i32) {
    eventually("the command is the only child", || children(xassume).len() == 1);
    sys::send_signal(xassume, libc::SIGTERM);
    unshare.wait().exited(3);
}

#[test]
fn hooks_and_what_they_leave_behind_are_reaped() {
    let sts = one_refresh();
    // Two processes of each hook lose their parent, one of them after the hook has ended.
    let hook = "(sleep 0.3 &) ; (true &) ; echo hook $XASSUME_REFRESH; exit 4";
    let Some((unshare, xassume)) = as_pid_1(&sts, &["--via", "file"], hook) else { return };
    unshare.line("ready");
    for _ in 0..2 {
        unshare.error_line("the refresh hook exited with status 4");
    }
    ends_without_hooks(unshare, xassume);
}

#[test]
fn hooks_that_are_ended_at_their_limit_are_reaped() {
    let sts = one_refresh();
    let hook = "trap '' TERM; sleep 300 & echo pid $$; wait; sleep 300";
    let Some((unshare, xassume)) = as_pid_1(&sts, &LIMITED, hook) else { return };
    unshare.line("ready");
    for _ in 0..2 {
        assert!(last_number(&unshare.error_line("pid ")) > 1);
    }
    both_are_reported(&unshare);
    ends_without_hooks(unshare, xassume);
}

#[test]
fn term_ends_a_hook_and_the_status_is_the_commands() {
    let sts = one_refresh();
    let hook = "trap '' TERM; echo leader $$; sleep 300 & wait; sleep 300";
    let Some((unshare, xassume)) = as_pid_1(&sts, &["-v", "--on-expiry", "restart"], hook) else { return };
    unshare.line("ready");
    unshare.error_line("leader ");
    sys::send_signal(xassume, libc::SIGTERM);
    let finished = unshare.wait().exited(3);
    assert_eq!(count(&finished.stderr, "stopping the refresh hook"), 1, "{}", finished.stderr);
}

//! A handover with xassume as PID 1 of a container.

use super::{count, generations, handing_over, one_refresh};
use crate::support::processes::{children, eventually, pid_namespace};
use crate::support::{Xassume, binary, skipped, sys};

/// The same command line, with xassume as PID 1.
fn as_pid_1(world: Xassume, namespace: &[&str]) -> Xassume {
    world.program("unshare").args(namespace).arg(binary())
}

#[test]
fn orphans_of_both_processes_are_reaped_and_get_the_stop_timeout() {
    let Some(namespace) = pid_namespace() else { return skipped("no pid namespace can be created here") };
    // Each has orphans in its own group, or in a group of their own.
    for group in ["", "own-group then"] {
        let sts = one_refresh();
        let base = handing_over(&sts, &[]).without_args();
        let flags =
            ["-r", super::ROLE, "--on-expiry", "restart", "--restart-order", "start-first", "--ready", "notify"];
        let world = as_pid_1(base, &namespace).args(flags);
        let orphans = format!("$PROBE {group} end-slowly 300 & ");
        let first = format!("{orphans} exec $PROBE orphans 20 then exit 3");
        let later = format!("{orphans} exec $PROBE orphans 20");
        let xassume = generations(world, &first, &later).spawn();
        let mut inside = None;
        eventually("xassume has started", || {
            inside = children(xassume.pid()).first().copied();
            inside.is_some()
        });
        let inside = inside.expect("it has started");
        for _ in 0..4 {
            xassume.line("ready");
        }
        eventually("the two processes are the only children", || children(inside).len() == 2);
        sys::send_signal(inside, libc::SIGTERM);
        let finished = xassume.wait().exited(3);
        assert!(!finished.stderr.contains("ignores the stop signal"), "{}", finished.stderr);
        let said = finished.stdout_text();
        assert_eq!((count(&said, "draining"), count(&said, "drained")), (2, 2), "{said}");
    }
}

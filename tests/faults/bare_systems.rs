//! Systems without /proc, without /dev/tty, or without any writable directory.

use super::{mount_namespace, with_mounts, xassume};
use crate::support::{FakeSts, Xassume, skipped};

/// The command of these tests is a shell, because the probe itself reads /proc.
fn shell(xassume: Xassume) -> Xassume {
    xassume.args(["--", "sh", "-c", "test -n \"$XASSUME_SESSION\" && echo ran"])
}

const NO_PROC: &str = "mount -t tmpfs none /proc";
const NO_DEV: &str = "mount -t tmpfs none /mnt && cp -a /dev/null /mnt && mount --move /mnt /dev";
const READ_ONLY: &str = "for directory in /dev/shm /tmp /var/tmp \"$TMPDIR\" \"$HOME\" \"$XDG_RUNTIME_DIR\"; do \
                         mount --bind \"$directory\" \"$directory\" 2>/dev/null && mount -o remount,bind,ro \"$directory\"; \
                         done; ! touch \"$HOME/x\" 2>/dev/null";

#[test]
fn exec_and_supervision_work_in_all_of_them() {
    let Some(namespace) = mount_namespace() else { return };
    for (place, mounts, flag_sets) in [
        ("no /proc", NO_PROC, &[&[][..], &["--on-expiry", "restart"], &["--via", "file"], &["--via", "endpoint"]][..]),
        ("no /dev", NO_DEV, &[&[], &["--on-expiry", "restart"], &["--via", "file"], &["--via", "endpoint"]]),
        ("nothing to write to", READ_ONLY, &[&[], &["--on-expiry", "restart"]]),
    ] {
        for flags in flag_sets {
            let sts = FakeSts::start();
            let world = xassume(&sts).env_remove("XASSUME_NO_CACHE").args(*flags);
            let finished = with_mounts(namespace, mounts, &shell(world)).run();
            if finished.code() == Some(99) {
                skipped(&format!("{place}: {}", finished.stderr));
                break;
            }
            assert_eq!(finished.exited(0).stdout_text(), "ran\n", "{place} {flags:?}");
            assert_eq!(sts.requests().len(), 1, "{place} {flags:?}");
        }
    }
}

#[test]
fn a_delivery_that_needs_the_missing_part_says_so() {
    let Some(namespace) = mount_namespace() else { return };
    for (mounts, via, complaint) in [
        (NO_PROC, "process", "cannot find the executable of xassume: "),
        (
            READ_ONLY,
            "file",
            "cannot create a private directory in XDG_RUNTIME_DIR, /dev/shm or TMPDIR: Read-only file system",
        ),
        (READ_ONLY, "endpoint", "cannot create a private directory in XDG_RUNTIME_DIR, /dev/shm or TMPDIR: Read-only"),
    ] {
        let sts = FakeSts::start();
        let finished = with_mounts(namespace, mounts, &shell(xassume(&sts).args(["--via", via]))).run();
        if finished.code() == Some(99) {
            skipped(&finished.stderr);
            continue;
        }
        let said = super::error_before_start(finished);
        assert!(said.contains(complaint), "{via}: {said}");
        assert_eq!(sts.requests().len(), 0, "the error comes before any call of STS");
    }
}

//! The boot clock, and what identifies this boot and this machine.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Time since the boot, suspend included (`CLOCK_BOOTTIME`, `clock_gettime(2)`). Comparable only within one boot.
pub(crate) fn boottime() -> Duration {
    // Fails only for an unknown clock; Linux has this one since 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// The ID of this boot (random(4)); the same in all containers of a machine. `None` without /proc.
pub(crate) fn boot_id() -> Option<String> {
    first_line("/proc/sys/kernel/random/boot_id")
}

/// machine-id(5), or D-Bus's older file; `None` in most containers.
pub(crate) fn machine_id() -> Option<String> {
    first_line("/etc/machine-id").or_else(|| first_line("/var/lib/dbus/machine-id"))
}

fn first_line(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_has_one_id_and_its_clock_does_not_go_back() {
        let (id, then) = (boot_id(), boottime());
        assert_eq!(id.as_ref().map(String::len), Some(36));
        assert_eq!(boot_id(), id);
        assert!(then > Duration::ZERO && boottime() >= then);
    }
}

//! The boot clock, the ID of this boot and the ID of this machine.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Returns the time since the boot, including suspend (`CLOCK_BOOTTIME`, see `clock_gettime(2)`). Two such times can be
/// compared only if they are from the same boot.
pub(crate) fn boottime() -> Duration {
    // This call fails only for an unknown clock. Linux has had `CLOCK_BOOTTIME` since 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// Returns the time since the boot without suspend (`CLOCK_MONOTONIC`), which systemd expects in `MONOTONIC_USEC=`.
pub(crate) fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

/// Returns the ID of this boot (see random(4)). All containers on a machine get the same ID. Returns `None` if `/proc`
/// is not mounted.
pub(crate) fn boot_id() -> Option<String> {
    first_line("/proc/sys/kernel/random/boot_id")
}

/// Returns the machine ID from machine-id(5), or from the older file that D-Bus uses. Returns `None` if neither file
/// exists, as in most containers.
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

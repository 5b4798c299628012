//! A host name that resolves at some times only, in a mount namespace with its own name service.

use super::{ROLE, at, mount_namespace, probing, still_runs, with_mounts};
use crate::support::{Answer, FakeGitHub, FakeSts, Xassume, skipped};
use std::fs;
use std::time::{Duration, Instant};

const NAME: &str = "sts.xassume-test.invalid";

#[test]
fn the_command_survives_a_name_that_temporarily_does_not_resolve() {
    let Some(namespace) = mount_namespace() else { return };
    if !fs::exists("/etc/hosts").unwrap_or(false) || !fs::exists("/etc/resolv.conf").unwrap_or(false) {
        return skipped("there is no /etc/hosts to mount another file over");
    }
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start();
    let world = at(&format!("http://{NAME}:{}", sts.port())).args(["--on-expiry", "signal"]);
    let known = format!("127.0.0.1 localhost {NAME}\n");
    // Use the hosts file only: a name that is not in it does not exist.
    let world = world.file("hosts", &known).file("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n");
    let hosts = world.home().join("hosts");
    let mounts = "mount --bind \"$HOME/hosts\" /etc/hosts && mount --bind \"$HOME/resolv.conf\" /etc/resolv.conf";
    let running = with_mounts(namespace, mounts, &probing(world, &["print-keys"])).spawn();
    running.line("ready");
    fs::write(&hosts, "127.0.0.1 localhost\n").expect("the home is ours");
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains(&format!("cannot resolve the host name of http://{NAME}")), "{line}");
    fs::write(&hosts, known).expect("the home is ours");
    running.error_line("session refreshed after ");
    running.line("HUP");
    still_runs(running);
}

/// The name service reads a FIFO to which nobody writes.
#[test]
fn a_name_service_that_hangs_does_not_outlast_the_time_limit() {
    let Some(namespace) = mount_namespace() else { return };
    if !fs::exists("/etc/hosts").unwrap_or(false) {
        return skipped("there is no /etc/hosts to mount a FIFO over");
    }
    let world = FakeGitHub::job_at("http://github.xassume-test.invalid", Xassume::new(&FakeSts::start()));
    let world = world.args(["--web-identity-provider", "github", "--sts-timeout", "1s", "-r", ROLE, "--", "true"]);
    let mounts = "mkfifo \"$HOME/fifo\" && mount --bind \"$HOME/fifo\" /etc/hosts";
    let begun = Instant::now();
    let error = with_mounts(namespace, mounts, &world).run().exited(125).stderr;
    assert!(error.contains("http://github.xassume-test.invalid timed out after 1s"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
}

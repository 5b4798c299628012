//! Other properties of a whole run: xassume is killed, secrets stay hidden, variables of systemd, sources that expire.

use super::{denied, next_start, one_refresh, probing, restarting, restarting_after, scripted, signaling, xassume};
use crate::support::{Answer, FakeSts, Identity, Xassume};
use std::fs;
use std::time::Duration;

#[test]
fn a_killed_xassume_ends_its_command() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["print-signals", "then", "say", "drained"]).spawn();
    xassume.line("ready");
    xassume.signal(libc::SIGKILL);
    xassume.line("TERM code=");
    xassume.line("drained");
    xassume.wait().killed_by(libc::SIGKILL).left_no_process();
}

#[test]
fn a_killed_xassume_ends_a_restarted_command_too() {
    let sts = one_refresh();
    let xassume = probing(restarting(&sts), &["print-keys", "then", "say", "drained"]).spawn();
    next_start(&xassume);
    next_start(&xassume);
    xassume.signal(libc::SIGKILL);
    xassume.line("TERM code=");
    xassume.wait().killed_by(libc::SIGKILL).left_no_process();
}

#[test]
fn no_secret_is_logged_or_readable() {
    let formats = ["text", "json"].map(|format| {
        let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(1)), denied()]).start();
        let xassume = restarting(&sts).args(["-vv", "--log-format", format]);
        (probing(xassume, &["print-keys"]).spawn(), sts)
    });
    for (xassume, sts) in formats {
        let (first, second) = (next_start(&xassume), next_start(&xassume));
        assert_ne!(first, second);
        let seen = |name: &str| {
            // Not readable at all is even better.
            let bytes = fs::read(format!("/proc/{}/{name}", xassume.pid())).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let shown = [seen("cmdline"), seen("environ")].concat();
        xassume.signal(libc::SIGTERM);
        let finished = xassume.wait().exited(0);
        let own = Identity::user().secret_access_key;
        assert!(!finished.stderr.contains(&own), "{}", finished.stderr);
        for issued in sts.issued() {
            for secret in [issued.secret_access_key, issued.session_token] {
                assert!(!finished.stderr.contains(&secret) && !shown.contains(&secret), "{}", finished.stderr);
            }
        }
        assert!(finished.stderr.lines().count() > 8, "it does say what it does: {}", finished.stderr);
    }
}

#[test]
fn systemds_variables_that_name_xassume_name_each_start_of_the_command() {
    let sts = one_refresh();
    let words = "export WATCHDOG_PID=$$ SYSTEMD_EXEC_PID=$$ WATCHDOG_USEC=30000000";
    let names = "WATCHDOG_PID SYSTEMD_EXEC_PID WATCHDOG_USEC";
    let steps = |names: &str| format!("exec $PROBE print-start-time then env {names} then print-signals");
    let xassume = scripted(restarting_after(words, &sts), &steps(names)).spawn();
    let mut pids = Vec::new();
    for _ in 0..2 {
        let line = xassume.line("begun ");
        let pid = line.rsplit(' ').next().expect("a pid").to_owned();
        xassume.line(&format!("WATCHDOG_PID={pid}"));
        xassume.line(&format!("SYSTEMD_EXEC_PID={pid}"));
        xassume.line("WATCHDOG_USEC=30000000");
        pids.push(pid);
    }
    assert_ne!(pids[0], pids[1]);
}

#[test]
fn systemds_variables_that_name_another_process_stay() {
    let sts = FakeSts::start();
    let names = ["WATCHDOG_PID", "SYSTEMD_EXEC_PID", "WATCHDOG_USEC", "NOTIFY_SOCKET"];
    let systemd = |xassume: Xassume| names.iter().fold(xassume, |xassume, name| xassume.env(name, "1"));
    for xassume in [restarting(&sts), xassume(&sts)] {
        let finished = probing(systemd(xassume), &["environ"]).run().exited(0);
        assert_eq!(finished.stderr, "");
        assert_eq!(names.map(|name| finished.variable(name)), [(); 4].map(|()| Some("1".to_owned())));
    }
}

#[test]
fn a_source_that_expires_before_a_refresh_is_warned_about() {
    let (sts, task) = (FakeSts::start(), Identity::task());
    let keyed = |xassume: Xassume| probing(xassume.with_keys_of(&task), &["exit", "0"]);
    let warning = "the source credentials are temporary";
    let finished = keyed(restarting(&sts)).run().exited(0);
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
    let dated = keyed(signaling(&sts)).env("AWS_CREDENTIAL_EXPIRATION", "2031-01-01T00:00:00Z").run().exited(0);
    assert!(dated.stderr.contains("(expire at 2031-01-01T00:00:00Z)"), "{}", dated.stderr);
    let notice = keyed(signaling(&sts)).run().exited(0);
    assert!(notice.stderr.contains(warning), "{}", notice.stderr);
    assert_eq!(keyed(xassume(&sts)).run().exited(0).stderr, "", "nothing is to be refreshed");
    assert_eq!(probing(restarting(&sts), &["exit", "0"]).run().exited(0).stderr, "", "long-term keys last");
}

#[test]
fn no_process_of_xassume_is_left_behind() {
    let sts = FakeSts::start();
    scripted(restarting(&sts), "$PROBE fork-worker; exit 3").run().exited(3);
    probing(restarting(&sts), &["exit", "3"]).run().exited(3).left_no_process();
}

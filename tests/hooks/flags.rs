//! Flags about the hook that have no effect or a wrong value, and its place in `--check`.

use super::{ROLE, hooked, probing};
use crate::support::{FakeSts, Xassume, probe};

#[test]
fn flags_without_effect_and_wrong_values_are_rejected_before_sts_is_called() {
    let sts = FakeSts::start();
    let cases: &[(&[&str], &str)] = &[
        (&["--refresh-hook", "true"], "--refresh-hook has no effect without supervision"),
        (&["--refresh-hook-timeout", "5s"], "--refresh-hook-timeout requires --refresh-hook"),
        (&["--via", "file", "--refresh-hook-timeout", "5s"], "--refresh-hook-timeout requires --refresh-hook"),
        (&["--via", "file", "--refresh-hook", ""], "invalid value '' for '--refresh-hook'"),
        (&["--print", "json", "--refresh-hook", "true"], "--refresh-hook cannot be used with --print"),
        (&["--print", "json", "--refresh-hook-timeout", "5s"], "--refresh-hook-timeout cannot be used with --print"),
    ];
    for (flags, complaint) in cases {
        let finished = Xassume::new(&sts).args(["-r", ROLE]).args(*flags);
        let finished = if flags[0] == "--print" { finished.run() } else { finished.args(["--", "true"]).run() };
        let finished = finished.exited(125);
        assert!(finished.stderr.contains(complaint), "{complaint}: {}", finished.stderr);
    }
    for time in ["0s", "61m", "soon", ""] {
        let flags = ["--via", "file", "--refresh-hook-timeout", time];
        let said = hooked(&sts, &flags, "true").args(["--", "true"]).run().exited(125).stderr;
        assert!(said.contains(&format!("invalid value '{time}' for '--refresh-hook-timeout'")), "{said}");
    }
    assert!(sts.issued().is_empty());
}

#[test]
fn variables_set_the_hook_and_are_ignored_without_supervision() {
    let sts = FakeSts::start();
    let with_variables = || {
        Xassume::new(&sts).env("XASSUME_REFRESH_HOOK", "echo hook; sleep 300").env("XASSUME_REFRESH_HOOK_TIMEOUT", "1s")
    };
    let names = ["XASSUME_REFRESH_HOOK", "XASSUME_REFRESH_HOOK_TIMEOUT"];
    for flags in [&[][..], &["--via", "file"]] {
        let world = with_variables().args(["-r", ROLE]).args(flags).arg("--").args(probe()).arg("env").args(names);
        let unset: String = names.map(|name| format!("{name} is unset\n")).concat();
        assert_eq!(world.run().exited(0).stdout_text(), unset);
    }
    let xassume = probing(with_variables().args(["-r", ROLE, "--via", "file"]), &["print-signals"]).spawn();
    xassume.error_line("hook");
    xassume.error_line("the refresh hook timed out after 1s");
    let printed = with_variables().args(["-r", ROLE, "--print", "json"]).run().exited(0);
    assert_eq!(printed.stderr, "");
}

#[test]
fn the_check_reports_the_hook_and_does_not_run_it() {
    let sts = FakeSts::start();
    let check = |flags: &[&str]| {
        let world = Xassume::new(&sts).args(["-r", ROLE, "--check", "--refresh-hook", "touch \"$HOME/ran\""]);
        let finished = world.clone().args(flags).run().exited(0);
        assert!(!world.home().join("ran").exists());
        finished
    };
    let text = check(&["--via", "file", "--refresh-hook-timeout", "5s"]).stdout_text();
    assert!(text.contains("a refresh hook runs after each new session, for at most 5s"), "{text}");
    let document = check(&["--on-expiry", "restart", "--log-format", "json"]).stdout_json();
    let steps = document["steps"].as_array().expect("steps");
    let delivery = steps.iter().find(|step| step["refresh_hook_timeout_seconds"] == 60);
    assert!(delivery.is_some(), "{document}");
}

//! Refreshes: each session has its own.

use super::*;
use crate::support::processes::eventually;
use crate::support::sys::pidfd;
use crate::support::{Answer, FakeManager, RoleRules, skipped};
use std::time::{Duration, Instant, SystemTime};

/// xassume with two roles, whose sessions last a few seconds.
fn two(sts: &FakeSts, flags: &[&str]) -> Xassume {
    let xassume = Xassume::new(sts).args(["-v", "--no-cache", "-r", ROLE, "--also", &format!("prod={PROD}")]);
    xassume.args(flags)
}

#[test]
fn each_session_is_refreshed_three_times_while_the_command_runs() {
    for via in ["process", "file"] {
        let sts = FakeSts::builder().lifetime(Duration::from_secs(4)).start();
        let running = showing_files(two(&sts, &["--via", via])).spawn();
        let files = Files::of(&running);
        for (profile, role) in [("default", ROLE), ("prod", PROD)] {
            let count = || sts.issued().iter().filter(|issued| issued.role_arn == role).count();
            eventually("three refreshes", || count() > 3);
            // The newest session is delivered.
            eventually("the newest session", || files.key(profile) == newest(&sts, role));
        }
        running.error_line("prod: session refreshed: expires at ");
        running.signal(libc::SIGTERM);
        running.wait().exited(0).left_no_process();
    }
}

#[test]
fn a_failed_refresh_of_one_session_does_not_affect_the_others() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(4)).start();
    let running = showing_files(two(&sts, &[])).spawn();
    let files = Files::of(&running);
    sts.set_role(PROD, RoleRules { allowed: false, ..RoleRules::default() });
    running.error_line("prod: refresh failed (session expires in ");
    running.error_line("prod: the session has expired and the command is still running");
    let count = || sts.issued().iter().filter(|issued| issued.role_arn == ROLE).count();
    let before = count();
    eventually("the other session is refreshed", || count() > before);
    eventually("the other session is delivered", || files.key("default") == newest(&sts, ROLE));
    sts.set_role(PROD, RoleRules::default());
    running.error_line("prod: session refreshed after ");
    eventually("the session is delivered", || files.key("prod") == newest(&sts, PROD));
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn the_command_is_stopped_when_a_session_cannot_be_refreshed_if_the_user_wants_it() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(3)).start();
    let running = showing_files(two(&sts, &["--on-refresh-failure", "stop"])).spawn();
    Files::of(&running);
    sts.set_role(PROD, RoleRules { allowed: false, ..RoleRules::default() });
    running.error_line("prod: stopping the command: the session has expired and could not be refreshed");
    running.wait().exited(125).left_no_process();
}

#[test]
fn one_signal_follows_sessions_that_are_replaced_within_a_second() {
    // The margin is fixed, so both refreshes are due at nearly the same time.
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let flags = ["--on-expiry", "signal", "--refresh-margin", "4s"];
    let running = showing_files(two(&sts, &flags)).spawn();
    let files = Files::of(&running);
    for round in 1..=2 {
        running.line("HUP ");
        let issued = sts.issued();
        let count = |role: &str| issued.iter().filter(|issued| issued.role_arn == role).count();
        assert_eq!([count(ROLE), count(PROD)], [round + 1; 2], "the signal comes after both sessions");
        assert_eq!([files.key("default"), files.key("prod")], [newest(&sts, ROLE), newest(&sts, PROD)]);
    }
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0);
    assert_eq!(finished.stdout_text().lines().filter(|line| line.starts_with("HUP ")).count(), 2);
}

#[test]
fn the_hook_runs_for_each_session_with_its_name_and_number() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(6)).start();
    let variables = "$XASSUME_REFRESH_NAME $XASSUME_REFRESH $AWS_ACCOUNT_ID ${XASSUME_SESSION##*:} $XASSUME_LABEL \
                     ${AWS_CREDENTIAL_EXPIRATION:+expires}";
    let hook = format!("echo \"{variables}\" >>hooks");
    let xassume = two(&sts, &["--role-session-name", "me", "--refresh-hook", &hook]);
    let hooks = xassume.sandbox().work().join("hooks");
    let running = showing_files(xassume).spawn();
    Files::of(&running);
    let line = |name: &str, number: u32| match name {
        "default" => format!("default {number} 111111111111 assumed-role/R/me 111111111111:R expires"),
        _ => format!("{name} {number} 222222222222 assumed-role/P/me 222222222222:P expires"),
    };
    let expected: Vec<_> =
        [0, 1, 2].iter().flat_map(|number| ["default", "prod"].map(|name| line(name, *number))).collect();
    eventually("all runs of the hook", || {
        let text = fs::read_to_string(&hooks).unwrap_or_default();
        expected.iter().all(|line| text.lines().any(|found| found == line))
    });
    running.error_line("prod: started the refresh hook for session 0");
    running.signal(libc::SIGTERM);
    running.wait().exited(0).left_no_process();
}

#[test]
fn runs_of_the_hook_are_joined_for_each_session() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(4)).start();
    let hook = "echo \"$XASSUME_REFRESH_NAME $XASSUME_REFRESH\" >>hooks; while [ ! -e go ]; do sleep 0.1; done";
    let xassume = two(&sts, &["--refresh-hook", hook]);
    let work = xassume.sandbox().work();
    let running = showing_files(xassume).spawn();
    Files::of(&running);
    let count = |role: &str| sts.issued().iter().filter(|issued| issued.role_arn == role).count();
    eventually("two refreshes of each session", || count(ROLE) > 2 && count(PROD) > 2);
    for name in ["", "prod: "] {
        running.error_line(&format!("{name}session refreshed: "));
    }
    fs::write(work.join("go"), "").expect("written");
    eventually("a run for each session", || {
        fs::read_to_string(work.join("hooks")).unwrap_or_default().lines().count() > 2
    });
    let text = fs::read_to_string(work.join("hooks")).expect("it has run");
    let first: Vec<_> = text.lines().take(3).map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert!(first[0] == "default" && first[1..].contains(&"prod") && first[1..].contains(&"default"), "{text}");
    assert!(text.starts_with("default 0\n") && !text.contains("prod 0\n"), "the newest session of each: {text}");
    running.signal(libc::SIGTERM);
    running.wait().exited(0).left_no_process();
}

#[test]
fn the_status_shows_the_session_that_ends_first() {
    let sts = FakeSts::start();
    sts.set_role(PROD, RoleRules { max_session: Duration::from_hours(1), ..RoleRules::default() });
    let manager = FakeManager::at_path();
    let xassume = two(&sts, &["--duration", "2h"]).env("NOTIFY_SOCKET", manager.address());
    let config =
        format!("[profile short]\nrole_arn = {AUDIT}\ncredential_source = Environment\nduration_seconds = 900\n");
    sts.set_role(PROD, RoleRules::default());
    let xassume = xassume.file(".aws/config", config).args(["--also", "short"]);
    let running = showing_files(xassume).spawn();
    Files::of(&running);
    let issued = sts.issued();
    let short = issued.iter().find(|issued| issued.role_arn == AUDIT).expect("a session");
    let end = humantime::format_rfc3339_seconds(short.expiration).to_string();
    let status = format!("STATUS=session until {},", &end[11..16]);
    let mut statuses =
        std::iter::from_fn(|| manager.next().text.lines().find(|line| line.starts_with("STATUS=")).map(str::to_owned));
    let line = statuses.next().expect("a status");
    assert!(line.starts_with(&status), "{line} {status}");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn a_keeper_keeps_all_sessions_and_a_hang_up_refreshes_all() {
    for via in ["process", "file"] {
        let sts = FakeSts::start();
        let xassume = two(&sts, &["--serve", "--via", via]);
        let variables = xassume.sandbox().work().join("variables");
        let running = xassume.arg("--env-file").arg(&variables).spawn();
        running.error_line("serving credentials: ");
        let text = fs::read_to_string(&variables).expect("it is there");
        let value = |name: &str| {
            let prefix = format!("{name}=");
            text.lines().find_map(|line| line.strip_prefix(&prefix)).expect("it is set").to_owned()
        };
        let [credentials, config] = ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"].map(value);
        let files = Files { credentials, config };
        assert_eq!([files.key("default"), files.key("prod")], [newest(&sts, ROLE), newest(&sts, PROD)]);
        running.signal(libc::SIGHUP);
        sts.wait_for_requests(4);
        for (profile, role) in [("default", ROLE), ("prod", PROD)] {
            eventually("the newest session", || files.key(profile) == newest(&sts, role));
        }
        running.signal(libc::SIGTERM);
        running.wait().exited(0).left_no_process();
    }
}

#[test]
fn the_process_of_a_pid_file_is_signaled_once_for_both_sessions() {
    if pidfd(std::process::id().cast_signed()).is_err() {
        return skipped("--signal-pid-file requires Linux 5.3");
    }
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let named = Xassume::without_sts().program("/bin/sh");
    let named =
        named.without_args().args(["-c", "trap 'echo got HUP' HUP; echo up; while :; do sleep 0.1; done"]).spawn();
    named.line("up");
    let flags = ["--on-expiry", "signal", "--refresh-margin", "4s", "--signal-pid-file", "pid"];
    let xassume = two(&sts, &flags);
    fs::write(xassume.sandbox().work().join("pid"), format!("{}\n", named.pid())).expect("written");
    let running = showing_files(xassume).spawn();
    let files = Files::of(&running);
    named.line("got HUP");
    assert_eq!([files.key("default"), files.key("prod")], [newest(&sts, ROLE), newest(&sts, PROD)]);
    assert_eq!(sts.issued().len(), 4);
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    named.signal(libc::SIGKILL);
    named.wait().killed_by(libc::SIGKILL);
}

#[test]
fn the_time_for_later_sessions_counts_for_the_first_one() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).script([Answer::Ok, Answer::Held]).start();
    let running = showing_files(two(&sts, &[])).spawn();
    sts.wait_for_requests(2);
    let left = || sts.issued()[0].expiration.duration_since(SystemTime::now()).unwrap_or_default();
    eventually("half of the first session has passed", || left() < Duration::from_secs(4));
    let end = Instant::now() + left();
    sts.release();
    Files::of(&running);
    let refresh = || sts.requests_since(2).into_iter().find(|request| request.param("RoleArn") == Some(ROLE));
    eventually("a refresh of the first session", || refresh().is_some());
    assert!(refresh().is_some_and(|refresh| refresh.arrived < end), "it comes before the expiry");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

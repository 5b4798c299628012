//! The line that an interactive shell gets, and the shell that `--on-expiry restart` would end.

use crate::support::{FakeSts, Terminal, Xassume};
use std::time::Duration;

const CONFIG: &str = "[profile production]\nrole_arn = arn:aws:iam::222222222222:role/team/Deploy\n\
    credential_source = Environment\n\
    [profile keys]\naws_access_key_id = AKIAKEYS\naws_secret_access_key = secret\n";
const BASH: [&str; 5] = ["--", "bash", "--norc", "--noediting", "-i"];
/// What the line of a role begins with.
const ROLE: &str = "xassume: role Deploy in account 222222222222 until ";
const HINT: &str = "; for a shell whose credentials are refreshed, use --via endpoint";

fn world(sts: &FakeSts) -> Xassume {
    let world = Xassume::new(sts).file(".aws/config", CONFIG).env("TERM", "dumb").env("PS1", "ready> ");
    world.args(["-p", "production"])
}

/// Runs the command on a terminal until it ends. Returns what the terminal showed, with lines that end with `\n`.
fn shown(xassume: &Xassume, status: i32) -> String {
    let terminal = Terminal::of_columns(xassume, 300);
    terminal.keys("exit\n");
    terminal.wait().exited(status).stdout_text().replace('\r', "")
}

fn shell(xassume: &Xassume) -> String {
    shown(&xassume.clone().args(BASH), 0)
}

#[test]
fn an_interactive_shell_gets_one_line_about_its_session() {
    let sts = FakeSts::start();
    let world = world(&sts);
    for run in 0..2 {
        let text = shell(&world);
        let lines: Vec<_> = text.lines().filter(|line| line.contains(ROLE)).collect();
        let [line] = lines[..] else { panic!("{text}") };
        let (until, rest) = line.trim_start_matches(ROLE).split_once(" (").expect("a duration");
        assert!(humantime::parse_rfc3339(until).is_ok(), "{line}");
        let (left, hint) = rest.split_once(" left)").expect("a duration");
        let left = humantime::parse_duration(left).expect("a duration");
        assert!(left > Duration::from_mins(55) && left <= Duration::from_hours(1), "{line}");
        assert_eq!(left.as_secs() % 60, 0, "{line}");
        assert_eq!(hint, HINT);
        assert_eq!(text.matches("xassume:").count(), 1, "run {run}: {text}");
    }
    for via in ["endpoint", "file", "process"] {
        let text = shell(&world.clone().args(["--via", via]));
        assert_eq!(text.matches(ROLE).count(), 1, "{text}");
        assert!(
            text.contains(" left); xassume refreshes the credentials before that\n") && !text.contains(HINT),
            "{text}"
        );
    }
}

#[test]
fn quiet_runs_and_other_commands_get_no_line() {
    let sts = FakeSts::start();
    let world = world(&sts);
    let silent = [world.clone().arg("-q"), world.clone().env("XASSUME_QUIET", "true")];
    for xassume in silent {
        let text = shell(&xassume);
        assert!(!text.contains("xassume:"), "{text}");
    }
    for command in [&["--", "bash", "-c", "echo ran"][..], &["--", "sh", "-ec", "echo ran"], &["--", "echo", "ran"]] {
        let text = shown(&world.clone().args(command), 0);
        assert!(text.contains("ran\n") && !text.contains("xassume:"), "{text}");
    }
    // Without a terminal, the shell reads its commands from standard input.
    let piped = world.args(["--", "bash", "--norc"]).stdin("echo ran\n").run().exited(0);
    assert_eq!((piped.stdout_text().as_str(), piped.stderr.as_str()), ("ran\n", ""));
}

/// The log of CI jobs and of verbose runs has a line about the first session anyway.
#[test]
fn a_session_that_the_log_shows_is_not_shown_again() {
    let sts = FakeSts::start();
    let world = world(&sts);
    for xassume in [
        world.clone().arg("-v"),
        world.clone().env("CI", "true"),
        world.clone().env("JENKINS_URL", "https://jenkins.example.com/"),
    ] {
        let text = shell(&xassume);
        assert!(text.contains("arn:aws:iam::222222222222:role/team/Deploy") && !text.contains(ROLE), "{text}");
    }
    assert!(shell(&world.env("CI", "false")).contains(ROLE));
}

#[test]
fn a_shell_without_a_role_or_an_expiry_gets_a_line_too() {
    let sts = FakeSts::start();
    let text = shell(&world(&sts).without_args().args(["-p", "keys"]));
    assert!(text.contains("xassume: profile keys\n"), "{text}");
}

#[test]
fn the_line_is_an_event() {
    let sts = FakeSts::start();
    let text = shell(&world(&sts).args(["--log-format", "json"]));
    let line = text.lines().find(|line| line.contains("\"event\":\"shell\"")).unwrap_or_else(|| panic!("{text}"));
    let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(
        [&event["level"], &event["label"], &event["account"], &event["role_name"]],
        ["notice", "production", "222222222222", "Deploy"]
    );
    assert!(event["expiration"].is_string() && event["left"].as_f64().is_some_and(|left| left > 0.0), "{line}");
}

#[test]
fn a_shell_on_a_terminal_is_not_restarted() {
    let sts = FakeSts::start();
    let world = world(&sts);
    for (xassume, named) in [
        (world.clone().args(["--on-expiry", "restart"]), "--on-expiry restart"),
        (world.clone().env("XASSUME_ON_EXPIRY", "restart"), "XASSUME_ON_EXPIRY=restart"),
    ] {
        for command in [&BASH[..], &["--", "env", "A=1", "sh"], &["--", "bash", "-l"]] {
            let text = shown(&xassume.clone().args(command), 125);
            let error = format!(
                "xassume: error: {named} cannot be used with an interactive shell, because each restart would end it\n\
                 hint: use --via endpoint instead; the shell then gets new credentials without a restart\n"
            );
            assert!(text.contains(&error), "{command:?}: {text}");
        }
    }
    assert_eq!(sts.requests().len(), 0);
    // A flag takes precedence over the variable, so the hint works.
    let text = shell(&world.clone().env("XASSUME_ON_EXPIRY", "restart").args(["--via", "endpoint"]));
    assert!(text.contains(ROLE), "{text}");
    // A shell that is not interactive may be restarted.
    let restarted = world.args(["--on-expiry", "restart", "--", "bash", "--norc"]).stdin("echo ran\n");
    assert_eq!(restarted.run().exited(0).stdout_text(), "ran\n");
}

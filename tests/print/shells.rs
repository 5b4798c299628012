//! Shells evaluate the printed text: each value arrives unchanged, and no other credentials remain.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::{ME, REMOVED, ROLE, last, world};
use crate::support::{FakeSts, Terminal, Xassume, binary, probe};
use std::process::Command;

/// Other credentials in each variable that could select them, and a profile with malicious settings.
pub(super) fn other_credentials(sts: &FakeSts) -> Xassume {
    let world = Xassume::new(sts).file(
        ".aws/config",
        format!(
            "[profile hostile]\nrole_arn = {ROLE}\ncredential_source = Environment\nrole_session_name = me\n\
             sdk_ua_app_id = {}\ndata_path = {}\ncli_pager =\nservices = s\n\
             [services s]\ns3 =\n  endpoint_url = http://$(touch owned)`touch owned`\na;touch owned =\n  endpoint_url = x\n",
            HOSTILE[0],
            HOSTILE[1].replace('\n', "\n    "),
        ),
    );
    let stale = REMOVED.split_whitespace().filter(|name| !name.starts_with("XASSUME_"));
    let stale = stale.filter(|name| !["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].contains(name));
    stale.chain(["AWS_ACCOUNT_ID"]).fold(world, |world, name| world.env(name, "stale")).args(["-p", "hostile"])
}

const HOSTILE: [&str; 2] = [
    "it's \"quoted\" $HOME $(touch owned) `touch owned` \\n\\' ‘’‚‛“” ü😀 % %s !! !x ~ * {a,b}",
    "'first'\nsecond' \\\n\"third",
];

/// Runs a script that evaluates the printed text and then executes the probe. Asserts that its environment has these
/// variables.
fn evaluated(shell: &[&str], format: &str, script: &str) {
    let (program, options) = shell.split_first().expect("a program");
    if Command::new(program).args(["-c", "exit 0"]).output().is_err() {
        println!("skipped: {program} is not installed");
        return;
    }
    let sts = FakeSts::start();
    let [this, mark] = probe();
    let world = other_credentials(&sts).without_args().program(program).args(options).arg("-c").arg(script);
    let world = world.env("X", binary()).env("PROBE", this).env("MARK", mark).env("FORMAT", format);
    let shown = world.run().exited(0);
    let (session, expiration) = last(&sts);
    assert_eq!(shown.stderr, "", "{shell:?}");
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", session.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &session.secret_access_key),
        ("AWS_SESSION_TOKEN", &session.session_token),
        ("AWS_CREDENTIAL_EXPIRATION", &expiration),
        ("AWS_ACCOUNT_ID", "111111111111"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("XASSUME_SESSION", ME),
        ("XASSUME_LABEL", "hostile"),
        ("AWS_SDK_UA_APP_ID", HOSTILE[0]),
        ("AWS_DATA_PATH", HOSTILE[1]),
        ("AWS_ENDPOINT_URL_S3", "http://$(touch owned)`touch owned`"),
    ] {
        assert_eq!(shown.variable(name).as_deref(), Some(value), "{shell:?}: {name}");
    }
    // PowerShell below 7.5 has no empty variables.
    let pager = shown.variable("AWS_PAGER");
    assert!(pager.as_deref() == Some("") || format == "powershell" && pager.is_none(), "{shell:?}: {pager:?}");
    for name in REMOVED.split_whitespace() {
        assert_eq!(shown.variable(name), None, "{shell:?}: {name}");
    }
    assert_eq!(shown.variable("XASSUME_DEPTH"), None, "the evaluating shell is not nested");
    assert!(!world.sandbox().work().join("owned").exists() && !world.home().join("owned").exists(), "{shell:?}");
}

#[test]
fn shells_get_every_value_unchanged_and_no_other_credentials() {
    let posix = format!("{}; exec \"$PROBE\" \"$MARK\" environ", command_in_help("export"));
    for shell in
        [&["sh", "-eu"][..], &["dash"], &["bash", "--norc"], &["bash", "--posix"], &["busybox", "sh"], &["zsh", "-f"]]
    {
        evaluated(shell, "export", &posix);
    }
    let fish = format!("{}; exec $PROBE $MARK environ", command_in_help("fish"));
    evaluated(&["fish", "--no-config"], "fish", &fish);
    let powershell = "& $Env:X -p hostile --print $Env:FORMAT | Invoke-Expression; & $Env:PROBE $Env:MARK environ";
    evaluated(&["pwsh", "-NoProfile"], "powershell", powershell);
}

/// The shell command that `--help` gives for the format, with the profile of these tests.
fn command_in_help(format: &str) -> String {
    let help = xassume::cli::command().get_after_long_help().expect("examples").to_string();
    let begun = format!("xassume --print {format} …");
    let command = help.lines().find(|line| line.contains(&begun)).expect("a command in the help").trim();
    command.replace(&begun, &format!("\"$X\" -p hostile --print {format}"))
}

#[test]
fn a_script_from_the_help_does_not_continue_with_old_credentials() {
    let sts = FakeSts::start();
    let run = |shell: &[&str], script: &str| {
        if Command::new(shell[0]).arg("--version").output().is_err() {
            println!("skipped: {} is not installed", shell[0]);
            return;
        }
        // This profile does not exist here.
        let world = world(&sts).without_args().program(shell[0]).args(&shell[1..]).args(["-c", script]);
        let finished = world.env("X", binary()).run();
        assert!(!finished.status.success(), "{shell:?}");
        assert_eq!(finished.stdout_text(), "", "{shell:?}");
        assert!(finished.stderr.starts_with("xassume: error: profile 'hostile"), "{}", finished.stderr);
    };
    let posix = format!("{}; echo went on", command_in_help("export"));
    for shell in [&["sh"][..], &["sh", "-e"], &["bash", "--norc"], &["bash", "--norc", "-e"], &["zsh", "-f", "-e"]] {
        run(shell, &posix);
    }
    let fish = format!("{}; echo went on", command_in_help("fish"));
    run(&["fish", "--no-config"], &fish);
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_interactive_shell_gets_every_value_unchanged() {
    let sts = FakeSts::start();
    let terminal = Terminal::bash(&other_credentials(&sts).without_args());
    terminal.command("eval \"$($BIN -p hostile --print export)\"");
    let shown = terminal.command("printf '<%s>\\n' \"$AWS_SDK_UA_APP_ID\" \"${AWS_SECURITY_TOKEN-gone}\"");
    assert!(shown.contains(&format!("<{}>", HOSTILE[0])) && shown.contains("<gone>"), "{shown}");
}

#[test]
fn a_universal_variable_of_fish_is_reported_and_kept() {
    let sts = FakeSts::start();
    let script = "set -Ux AWS_CREDENTIAL_SCOPE mine; $X --print fish | source; or exit 9; set -q name; or echo $AWS_CREDENTIAL_SCOPE";
    let world = world(&sts).without_args().program("fish").args(["-c", script]);
    if Command::new("fish").arg("--version").output().is_err() {
        println!("skipped: fish is not installed");
        return;
    }
    let finished = world.env("X", binary()).env("XASSUME_ROLE_ARN", ROLE).run().exited(0);
    assert_eq!(finished.stdout_text(), "mine\n");
    let expected = "xassume: warning: AWS_CREDENTIAL_SCOPE is still set: it is a universal variable, which `set -eU AWS_CREDENTIAL_SCOPE` erases\n";
    assert_eq!(finished.stderr, expected);
}

#[test]
fn a_second_evaluation_in_one_shell_is_no_deeper_than_the_first() {
    let sts = FakeSts::start();
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10; do text=$(\"$X\" -r {ROLE} --print export) || exit; eval \"$text\"; done"
    );
    Xassume::new(&sts).env("X", binary()).program("sh").args(["-c", &script]).run().exited(0);
    assert_eq!(sts.issued().len(), 10, "each with the previous session");
}

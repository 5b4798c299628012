//! What users of other tools type first. The error shows the command line of xassume, and the status stays the same.

use crate::support::{FakeSts, Xassume, probe};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const CONFIG: &str = "[profile production]\n[profile \"my team\"]\n[profile it's]\n[profile 1111/Admin]\n[profile sh]\n\
                      [profile \u{1b}[2J]\n[profile help]\n[profile -x]\n";

/// A user with these profiles and no STS, who runs xassume with these arguments.
fn user(args: &[&str]) -> Xassume {
    Xassume::without_sts().file(".aws/config", CONFIG).args(args)
}

/// The hint of the error for a command that was not found.
#[track_caller]
fn hint(xassume: &Xassume) -> String {
    let error = xassume.run().exited(127).stderr;
    let (message, hint) = error.split_once("\nhint: ").expect("a hint");
    assert!(message.ends_with(": command not found"), "{message}");
    hint.trim_end().to_owned()
}

#[track_caller]
fn meant(args: &[&str]) -> String {
    let hint = hint(&user(args));
    hint.strip_prefix("did you mean: ").unwrap_or_else(|| panic!("{args:?}: {hint}")).to_owned()
}

#[test]
fn a_profile_in_the_place_of_the_command_is_recognized() {
    for (args, line) in [
        (&["production", "--", "aws", "s3", "ls"][..], "xassume -p production -- aws …"),
        (&["production", "aws", "s3", "ls"], "xassume -p production -- aws …"),
        (&["--", "production", "--", "aws"], "xassume -p production -- aws"),
        (&["production"], "xassume -p production -- $SHELL"),
        (&["production", "--"], "xassume -p production -- $SHELL"),
        (&["my team", "echo", "a b", "", "$x"], "xassume -p 'my team' -- echo …"),
        (&["it's", "true"], r"xassume -p 'it'\''s' -- true"),
        (&["1111/Admin", "true"], "xassume -p 1111/Admin -- true"),
        (&["production", "aws", "--", "x"], "xassume -p production -- aws …"),
        (&["prodution", "--", "aws"], "xassume -p production -- aws"),
        (&["-v", "prodution", "--", "aws"], "xassume … -p production -- aws"),
        (&["-v", "production", "aws"], "xassume … -p production -- aws"),
        (&["-r", ROLE, "production", "aws"], "xassume … -p production -- aws"),
        (&["production", "--no-session", "--", "aws"], "xassume … -p production -- aws"),
        (&["help"], "xassume -p help -- $SHELL"),
        (&["--", "-x", "true"], "xassume --profile=-x -- true"),
        (&["exec", "--profile=-x", "true"], "xassume --profile=-x -- true"),
        (&["--on-expiry", "restart", "production", "--", "./worker"], "xassume … -p production -- ./worker"),
    ] {
        assert_eq!(meant(args), line, "{args:?}");
    }
}

#[test]
fn the_subcommands_of_other_tools_are_recognized() {
    for (args, line) in [
        (&["exec", "production", "--", "aws", "s3", "ls"][..], "xassume -p production -- aws …"),
        (&["exec", "-p", "production", "--", "aws"], "xassume -p production -- aws"),
        (&["exec", "-a", "production", "--", "aws"], "xassume -p production -- aws"),
        (&["exec", "--profile=production", "aws"], "xassume -p production -- aws"),
        (&["exec", "--duration", "8h", "production", "--", "aws"], "xassume … -p production -- aws"),
        (&["exec", "production"], "xassume -p production -- $SHELL"),
        (&["assume", "production"], "xassume -p production -- $SHELL"),
        (&["assume", ROLE, "true"], "xassume -r arn:aws:iam::111111111111:role/R -- true"),
        (&["exec", "production", "--server"], "xassume … -p production -- $SHELL"),
        (&["export", "production"], "xassume -p production --print export"),
        (&["export", "--format=json", "production"], "xassume … -p production --print export"),
        (&["exec", "aws", "--profile", "production"], "xassume -p PROFILE -- COMMAND"),
        (&["exec", "prodution", "--", "aws"], "xassume -p production -- aws"),
        (&["exec", "staging", "--", "aws"], "xassume -p PROFILE -- COMMAND"),
        (&["-p", "production", "exec", "--", "aws"], "xassume -p production -- aws"),
        (&["-p", "my team", "exec", "aws", "s3"], "xassume -p 'my team' -- aws …"),
        (&["-p", "production", "-v", "exec"], "xassume … -p production -- $SHELL"),
        (&["-p", "production", "export"], "xassume -p production --print export"),
        (&["-r", ROLE, "exec", "aws"], "xassume -r arn:aws:iam::111111111111:role/R -- aws"),
        (&["-r", ROLE, "-r", ROLE, "exec", "aws"], "xassume -p PROFILE -- COMMAND"),
        (&["status"], "xassume --check"),
        (&["exec"], "xassume -p PROFILE -- COMMAND"),
        (&["export"], "xassume -p PROFILE --print export"),
        (&["version"], "xassume --version"),
        (&["list"], "xassume --list-sessions"),
        (&["completion", "zsh"], "xassume --completions SHELL"),
    ] {
        assert_eq!(meant(args), line, "{args:?}");
    }
    let without_files = Xassume::without_sts().arg("help");
    assert_eq!(hint(&without_files), "did you mean: xassume --help");
}

#[test]
fn a_subcommand_that_is_also_a_program_is_recognized_if_there_is_no_role() {
    let program = "#!/bin/sh\necho ran\n";
    let world =
        |args: &[&str]| user(args).file("bin/login", program).file("bin/clear", program).file("bin/aws", program);
    let hint = |args: &[&str]| {
        let xassume = world(args);
        for name in ["login", "clear", "aws"] {
            let path = xassume.home().join("bin").join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it exists");
        }
        let path = xassume.home().join("bin");
        let error = xassume.env("PATH", path).run().exited(125).stderr;
        let hint = error.strip_prefix("xassume: error: no role specified\nhint: ").unwrap_or_else(|| panic!("{error}"));
        hint.trim_end().to_owned()
    };
    assert_eq!(hint(&["clear"]), "did you mean: xassume --clear-cache");
    assert_eq!(hint(&["login", "production"]), "did you mean: xassume -p production -- $SHELL");
    assert!(hint(&["aws"]).starts_with("pass --role-arn"));
}

#[test]
fn a_command_line_without_a_command_is_repeated() {
    for (args, start) in [
        (&["-p", "dev"][..], "xassume -p dev --"),
        (&["-r", "111111111111:R"], "xassume -r 111111111111:R --"),
        (&["-r", ROLE, "-p", "my team", "-v"], "xassume -p 'my team' -r arn:aws:iam::111111111111:role/R --"),
        (&["-v"], "xassume -p production --"),
        (&["-p", "\u{1b}[2J"], "xassume -p production --"),
    ] {
        let error = user(args).run().exited(125).stderr;
        let hint = format!("\nhint: for example: {start} aws s3 ls; for a shell: {start} $SHELL\n");
        assert!(error.contains(&hint), "{args:?}: {error}");
    }
}

#[test]
fn a_role_in_the_place_of_the_command_is_recognized() {
    assert_eq!(meant(&["111111111111:R", "--", "aws"]), "xassume -r 111111111111:R -- aws");
    assert_eq!(meant(&["-r", ROLE, "222222222222:T", "aws"]), "xassume … -r 222222222222:T -- aws");
}

#[test]
fn arguments_and_programs_that_may_be_secret_are_left_out() {
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.c2ln";
    for command in [
        &["curl", "-u", "user:hunter2"][..],
        &["env", "DB_PASS=hunter2", "./x"],
        &["docker", "login", "-p", "hunter2"],
        &["mysql", "-phunter2"],
        &["vault", "login", "hunter2"],
        &["echo", "\u{1b}[2J"],
        &["curl", "-H", token],
    ] {
        let line = meant(&[&["production"][..], command].concat());
        assert_eq!(line, format!("xassume -p production -- {} …", command[0]));
    }
    let (key, github) = ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", format!("ghp_{}", "a".repeat(36)));
    for program in [token, key, &github, "DB_PASS=hunter2", "postgres://u:hunter2@host/db", "\u{1b}[2J"] {
        for rest in [&[][..], &["x"]] {
            let line = meant(&[&["production", program][..], rest].concat());
            assert_eq!(line, "xassume -p production -- …", "{program}");
        }
        let refused = user(&["--check", program]).run().exited(125).stderr;
        assert!(!refused.contains(program), "{refused}");
    }
    let line = meant(&[&["production"][..], &vec!["word"; 10_000]].concat());
    assert_eq!(line, "xassume -p production -- word …");
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let xassume = user(&["production", "echo"]).arg(odd);
    assert_eq!(hint(&xassume), "did you mean: xassume -p production -- echo …");
    let code = user(&["--mfa-token", "123456", "--mfa-serial", "GAHT12345678", "production", "true"]);
    assert_eq!(hint(&code), "did you mean: xassume … -p production -- true");
    // The name would not be shown as it is.
    assert!(hint(&user(&["\u{1b}[2J"])).starts_with("check the spelling"));
}

#[test]
fn an_existing_program_is_run_even_if_it_is_also_a_profile() {
    let sts = FakeSts::start();
    let run = |args: &[&str]| Xassume::new(&sts).file(".aws/config", CONFIG).args(["-r", ROLE]).args(args).run();
    assert_eq!(run(&["sh", "-c", "echo ran"]).exited(0).stdout_text(), "ran\n");
    let error = run(&["/tmp"]).exited(126).stderr;
    assert!(error.contains("it is a directory") && !error.contains("did you mean"), "{error}");
}

#[test]
fn files_that_cannot_be_read_leave_the_usual_hint() {
    for config in ["[profile", "[profile production]\nno value"] {
        let xassume = user(&["production", "aws"]).file(".aws/config", config);
        assert!(hint(&xassume).starts_with("check the spelling and PATH"), "{config}");
    }
    let endless = user(&["production", "aws"]).env("AWS_CONFIG_FILE", "/dev/zero");
    assert!(hint(&endless).starts_with("check the spelling and PATH"));
    let usual = [
        &["staging", "aws"][..],
        &["staging", "--", "aws"],
        &["prodution", "aws"],
        &["-p", "production", "production", "aws"],
        &["-r", ROLE, "no-such"],
    ];
    for args in usual {
        assert!(hint(&user(args)).starts_with("check the spelling and PATH"), "{args:?}");
    }
}

#[test]
fn an_unknown_flag_is_never_to_be_passed_as_a_value() {
    for (args, meant) in [
        (&["--role", ROLE, "--", "true"][..], "did you mean --role-arn ARN? flags of the command go after --"),
        (&["--role=x"], "did you mean --role-arn ARN? flags of the command go after --"),
        (&["--rolearn", ROLE, "true"], "did you mean --role-arn? flags of the command go after --"),
        (&["-d", "1h", "-r", ROLE, "true"], "did you mean --duration TIME? flags of the command go after --"),
        (&["--duration-seconds", "3600"], "did you mean --duration TIME? flags of the command go after --"),
        (&["--serial-number", "x"], "did you mean --mfa-serial SERIAL? flags of the command go after --"),
        (&["--ecs-server", "true"], "did you mean --via endpoint? flags of the command go after --"),
        (&["--assume-role-ttl=1h"], "did you mean --duration TIME? flags of the command go after --"),
        (&["--exec", "aws s3 ls"], "did you mean -- COMMAND? flags of the command go after --"),
        (&["--restart", "true"], "did you mean --on-expiry restart? flags of the command go after --"),
        (&["--arn", ROLE], "did you mean --role-arn ARN? flags of the command go after --"),
        (&["--list"], "for cached sessions: xassume --list-sessions; for profiles: aws configure list-profiles"),
        (
            &["--list=profiles"],
            "for cached sessions: xassume --list-sessions; for profiles: aws configure list-profiles",
        ),
        (&["--login"], "xassume -p NAME -- COMMAND asks to sign in if needed; or run: aws sso login"),
        (&["--sso-login"], "xassume -p NAME -- COMMAND asks to sign in if needed; or run: aws sso login"),
        (&["--logout"], "run: aws sso logout"),
        (&["--console"], "xassume does not log in to the console; aws-vault login does"),
        (&["--completions"], "for example: source <(xassume --completions bash)"),
        (&["--print"], "for example: text=$(xassume -p production --print export) && eval \"$text\""),
        (&["-p"], "for example: xassume -p production -- aws s3 ls"),
        (&["-r"], "for example: xassume -r 521111111144:DeployMaster -- aws s3 ls"),
        (&["--duration"], "see xassume --help"),
        (&["--no-session", "true"], "remove the flag: xassume calls GetSessionToken only for MFA"),
        (&["-vd", "true"], "did you mean --duration TIME? flags of the command go after --"),
        (&["-vx", "true"], "see xassume --help; flags of the command go after --"),
        (&["-r", ROLE, "--follow", "tail", "-f"], "see xassume --help; flags of the command go after --"),
        (&["-q=1", "true"], "see xassume --help; flags of the command go after --"),
        (&["--quiet=", "true"], "see xassume --help; flags of the command go after --"),
        (&["--\u{1b}[2J", "true"], "see xassume --help; flags of the command go after --"),
        (&["-\u{e9}", "true"], "see xassume --help; flags of the command go after --"),
        (&["---", "true"], "see xassume --help; flags of the command go after --"),
    ] {
        let error = user(args).run().exited(125).stderr;
        assert!(!error.contains("as a value") && !error.contains('\u{1b}'), "{error:?}");
        assert!(error.contains(&format!("\nhint: {meant}\nusage: ")), "{args:?}: {error}");
    }
    let odd = std::ffi::OsStr::from_bytes(b"--\xff");
    let error = user(&[]).arg(odd).run().exited(125).stderr;
    assert!(error.contains("\nhint: see xassume --help; "), "{error}");
}

#[test]
fn misspelled_variables_are_warnings() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE]).env("XASSUME_PROFLE", "dev").env("XASSUME_PRINT", "json");
    // The command gets such variables from an outer xassume, or they belong to another program.
    let xassume = ["LABEL", "REFRESH", "REFRESH_NAME", "SESSION", "DEPTH", "HELD", "BIN"]
        .iter()
        .fold(xassume, |xassume, name| xassume.env(format!("XASSUME_{name}"), "1"));
    let run =
        |flags: &[&str]| xassume.clone().args(flags).arg("--").args(probe()).args(["exit", "0"]).run().exited(0).stderr;
    let expected = "xassume: warning: ignoring XASSUME_PRINT (--print has no variable)\n\
                    xassume: warning: ignoring XASSUME_PROFLE (did you mean XASSUME_PROFILE?)\n";
    assert_eq!(run(&[]), expected);
    assert_eq!(run(&["--on-expiry", "restart"]), expected);
    assert_eq!(run(&["-q"]), "");
    let json = run(&["--log-format", "json"]);
    assert!(json.lines().count() == 2 && json.contains(r#""event":"warning""#), "{json}");
    let checked = xassume.clone().args(["--check"]).run().exited(0).stderr;
    assert_eq!(checked, expected);
    // The variable may be the cause of an error.
    for (args, error) in [
        (&["--", "true"][..], "no role specified"),
        (&["-v"], "no command given"),
        (&["-r", "no-role", "--", "true"], "invalid value 'no-role' for '--role-arn'"),
        (&["-p", "missing", "--", "true"], "profile 'missing' not found"),
    ] {
        let said = xassume.clone().without_args().args(args).run().exited(125).stderr;
        assert!(said.starts_with(&format!("{expected}xassume: error: {error}")), "{args:?}: {said}");
    }
    let cleared = xassume.clone().without_args().arg("--clear-cache").run().exited(0).stderr;
    assert!(cleared.starts_with(expected), "{cleared}");
    let script = xassume.without_args().args(["--completions", "bash"]).run().exited(0);
    assert_eq!(script.stderr, "");
}

#[test]
fn usage_errors_are_objects_with_a_hint() {
    let none = || Xassume::without_sts();
    let by_flag = ["--log-format", "json"];
    for xassume in [
        none().args(by_flag).args(["--no-such-flag", "--", "true"]),
        none().args(["--no-such-flag", "--log-format=json", "--", "true"]),
        none().args(["--no-such-flag", "--", "true"]).env("XASSUME_LOG_FORMAT", "json"),
        none().args(["--duration"]).args(by_flag),
        none().args(["-v", "-q"]).args(by_flag).args(["--", "true"]),
        none().args(by_flag).env("XASSUME_VERBOSE", "loud"),
        none().args(by_flag),
        none().args(["--print", "yaml"]).args(by_flag),
        none().env("XASSUME_LOG_FORMAT", "json"),
    ] {
        let finished = xassume.run().exited(125);
        let object: serde_json::Value =
            serde_json::from_str(&finished.stderr).unwrap_or_else(|_| panic!("{}", finished.describe()));
        assert_eq!((&object["event"], &object["reason"]), (&"failed".into(), &"usage".into()), "{object}");
        assert!(object["hint"].is_string() && object["message"].is_string(), "{object}");
    }
    for xassume in [
        none().args(["--no-such-flag", "--"]).args(by_flag),
        none().arg("-r").env("XASSUME_LOG_FORMAT", "xml"),
        none().args(["--no-such-flag", "--log-format", "text"]).env("XASSUME_LOG_FORMAT", "json"),
        none().args(["--log-format", "xml"]),
    ] {
        let shown = xassume.run().exited(125).stderr;
        assert!(shown.starts_with("xassume: error: ") && shown.contains("\nhint: "), "{shown}");
    }
}

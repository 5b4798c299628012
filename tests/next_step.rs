//! What users of other tools type first. The error shows the command line of xassume, and the status stays the same.

use crate::support::{FakeSts, Xassume, probe};
use std::os::unix::ffi::OsStrExt as _;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
/// A user without STS, who runs xassume with these arguments.
fn user(args: &[&str]) -> Xassume {
    Xassume::at("http://127.0.0.1:1").args(args)
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
    let checked = xassume.args(["--check"]).run().exited(0).stderr;
    assert_eq!(checked, expected);
}

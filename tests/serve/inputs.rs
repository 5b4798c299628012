//! Command lines that `--serve` refuses, and variables that it ignores.

use super::*;
use crate::support::Identity;

fn message(args: &[&str]) -> String {
    let refused = Xassume::without_sts().args(["-r", ROLE]).args(args).run().exited(125);
    assert!(refused.stdout.is_empty());
    refused.stderr
}

#[test]
fn each_bad_command_line_has_one_clear_line_and_a_hint() {
    let usage = "usage: xassume [OPTIONS] [--] COMMAND [ARGUMENT]...\n";
    for (args, expected) in [
        (
            &["--serve"][..],
            "--serve with --via endpoint requires --env-file, or --endpoint-address with --endpoint-token-file",
        ),
        (&["--serve", "--via", "file"], "--serve with --via file requires --credentials-file or --env-file"),
        (&["--serve", "--via", "process"], "--serve with --via process requires --env-file"),
    ] {
        let hint = "without it, no other program could find the credentials";
        assert_eq!(message(args), format!("xassume: error: {expected}\nhint: {hint}\n{usage}"));
    }
    for (args, expected) in [
        (&["--serve", "--env-file", "e", "--", "true"][..], "--serve does not run a command\n"),
        (&["--serve", "--env-file", "e", "--print", "env"], "--print cannot be used with --serve\n"),
        (&["--serve", "--completions", "bash"], "--completions cannot be used with --serve\n"),
        (&["--serve", "--env-file", "e", "--list-sessions"], "--list-sessions cannot be used with --serve\n"),
        (
            &["--serve", "--env-file", "e", "--via", "env"],
            "--via env cannot be used with --serve, which runs no command\n",
        ),
        (
            &["--serve", "--env-file", "e", "--on-refresh-failure", "stop"],
            "--on-refresh-failure stop cannot be used with ",
        ),
        (&["--serve", "--env-file", "e", "--isolate"], "--isolate cannot be used with --serve, "),
        (&["--serve", "--env-file", "e", "--keep-env", "A"], "--keep-env cannot be used with --serve, "),
        (&["--serve", "--env-file", "e", "--process-group", "new"], "--process-group cannot be used with --serve, "),
        (&["--serve", "--env-file", "e", "--stop-signal", "INT"], "--stop-signal cannot be used with --serve, "),
        (&["--serve", "--env-file", "e", "--stop-timeout", "1s"], "--stop-timeout cannot be used with --serve, "),
        (&["--serve", "--env-file", "e", "--listen", "80"], "--listen cannot be used with --serve, "),
        (
            &["--serve", "--env-file", "e", "--on-expiry", "restart"],
            "--on-expiry restart cannot be used with --serve, ",
        ),
        (
            &["--serve", "--env-file", "e", "--via", "file", "--endpoint-address", "127.0.0.1:1"],
            "--endpoint-address cannot be used with --via file",
        ),
        (&["--print", "env", "--env-file", "e"], "--env-file cannot be used with --print, which runs no command\n"),
        (&["--env-file", "e", "--", "true"], "--env-file requires --via endpoint or --serve\n"),
        (
            &["--via", "file", "--env-file", "e", "--", "true"],
            "--env-file cannot be used with --via file, only with --via endpoint or --serve\n",
        ),
        (&["--endpoint-address", "127.0.0.1:1", "--", "true"], "--endpoint-address requires --via endpoint\n"),
        (
            &["--serve", "--endpoint-address", "10.0.0.1:80"],
            "invalid value '10.0.0.1:80' for '--endpoint-address': AWS SDKs accept only ",
        ),
        (
            &["--serve", "--endpoint-address", "localhost:80"],
            "invalid value 'localhost:80' for '--endpoint-address': not an IP address and a port\n",
        ),
        (&["--serve", "--env-file", ""], "invalid value '' for '--env-file': must not be empty\n"),
    ] {
        let message = message(args);
        assert!(message.starts_with(&format!("xassume: error: {expected}")), "{args:?}: {message}");
        assert!(message.contains("\nhint: "), "{message}");
    }
}

#[test]
fn variables_for_commands_are_ignored() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let variables = [
        ("XASSUME_ON_EXPIRY", "restart"),
        ("XASSUME_VIA", "env"),
        ("XASSUME_STOP_TIMEOUT", "1m"),
        ("XASSUME_ISOLATE", "1"),
        ("XASSUME_KEEP_ENV", "A"),
        ("XASSUME_LISTEN", "1"),
        ("XASSUME_ON_REFRESH_FAILURE", "stop"),
    ];
    let xassume = variables.into_iter().fold(xassume, |xassume, (name, value)| xassume.env(name, value));
    // The variables of the flags of a keeper count.
    let xassume = xassume.env("XASSUME_ENDPOINT_ADDRESS", place.address.to_string());
    let xassume = xassume.env("XASSUME_ENDPOINT_TOKEN_FILE", &place.token).env("XASSUME_ENV_FILE", &place.variables);
    let running = xassume.spawn();
    for (name, _) in [variables[0], variables[2], variables[3], variables[5], variables[6], variables[4], variables[1]]
    {
        running.error_line(&format!("ignoring {name} (conflicts with --serve)"));
    }
    running.error_line(SERVING);
    assert_eq!(place.has_files(), [true; 2]);
    stop(running);
}

#[test]
fn the_variables_of_its_flags_do_not_reach_commands() {
    let sts = FakeSts::start();
    let names = ["XASSUME_ENDPOINT_ADDRESS", "XASSUME_ENDPOINT_TOKEN_FILE", "XASSUME_ENV_FILE"];
    let xassume = names.into_iter().fold(Xassume::new(&sts).args(["-r", ROLE]), |xassume, name| xassume.env(name, "x"));
    let shown = xassume.args(["--", "env"]).run().exited(0).stdout_text();
    assert!(!names.iter().any(|name| shown.contains(name)), "{shown}");
}

#[test]
fn keys_that_do_not_expire_are_refused() {
    let sts = FakeSts::start();
    let user = Identity::user();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}", user.access_key_id, user.secret_access_key);
    let profile = Xassume::new(&sts).without_keys().file(".aws/config", format!("[profile dev]\n{keys}\n"));
    let refused = profile.args(["-p", "dev", "--serve", "--env-file", "e"]).run().exited(125);
    assert!(refused.stderr.contains("--serve"), "{}", refused.stderr);
}

#[test]
fn a_first_session_that_cannot_be_had_is_an_error_and_leaves_nothing() {
    let sts = FakeSts::builder().script([crate::support::Answer::error(403, "AccessDenied", "no")]).start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let refused = place.given_to(xassume).run().exited(125);
    assert!(refused.stderr.contains("xassume: error: "), "{}", refused.stderr);
    assert_eq!(place.has_files(), [false; 2]);
}

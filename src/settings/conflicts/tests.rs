use super::super::tests::values;
use super::*;
use crate::conflicts::settle;

/// Applies the rules to a command line and to variables. Returns the notes about ignored variables, or the error.
fn settled(line: &str, vars: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let mut notes = Vec::new();
    let mut values = values(line, vars);
    for rules in [MESSAGES, RULES] {
        settle(&mut values, rules, &mut notes).map_err(|error| error.to_string())?;
    }
    Ok(notes.iter().map(ToString::to_string).collect())
}

#[test]
fn two_flags_are_an_error_that_shows_the_values() {
    for (line, shown) in [
        ("-q -v", "--verbose cannot be used with --quiet"),
        ("--no-cache --min-ttl 5m", "--min-ttl cannot be used with --no-cache, "),
        ("--via env --file-mode 0640", "--file-mode cannot be used with --via env, "),
        ("--via process --on-expiry restart", "--on-expiry restart cannot be used with --via process, "),
        ("--via file --keep-env A --keep-env AWS_CONFIG_FILE", "--keep-env AWS_CONFIG_FILE cannot be used with --"),
        ("--isolate --keep-env AWS_CONFIG_FILE", "--keep-env AWS_CONFIG_FILE cannot be used with --isolate, "),
        ("--print credential-process --no-login", "--no-login cannot be used with --print credential-process, "),
        ("--web-identity-token-file f --web-identity-provider github", "--web-identity-provider cannot be used with "),
        ("--web-identity-token-command c --web-identity-token-file f", "--web-identity-token-command cannot be used"),
        ("--web-identity-token-command c --web-identity-provider github", "--web-identity-provider cannot be used"),
        ("--on-expiry signal --restart-order start-first", "--restart-order cannot be used with --on-expiry signal"),
        ("--restart-order stop-first --ready-timeout 5s", "--ready-timeout cannot be used with --restart-order stop"),
        ("--restart-order start-first --process-group same", "--process-group same cannot be used with --restart"),
        ("--print json --ready 5s", "--ready cannot be used with --print, "),
        ("--print json --keep-env A", "--keep-env cannot be used with --print json, "),
        ("--print json --restart-order start-first", "--restart-order start-first cannot be used with --print, "),
        ("--print export --also a", "--also cannot be used with --print export, "),
        ("--also a --on-expiry restart", "--on-expiry restart cannot be used with --also, "),
        ("--via file --env-file e", "--env-file cannot be used with --via file, only with --via endpoint or --serve"),
        ("--serve --on-refresh-failure stop", "--on-refresh-failure stop cannot be used with --serve, "),
        ("--serve --via env", "--via env cannot be used with --serve, "),
    ] {
        let error = settled(line, &[]).expect_err(line);
        assert!(error.starts_with(shown), "{error}");
    }
}

#[test]
fn flags_that_can_be_combined_are_kept() {
    for line in [
        "--via file --file-mode 0640 --on-expiry restart",
        "--via env --isolate --keep-env AWS_PROFILE",
        "--isolate --keep-env AWS_ACCESS_KEY_ID",
        "--print export --keep-env AWS_PROFILE --via env --on-expiry none",
        "--min-ttl 30m --duration 15m",
        "--tag a=b --transitive-tag c",
        "--print json --also a --restart-order stop-first",
        "--serve --via file --env-file e --on-refresh-failure keep",
    ] {
        assert_eq!(settled(line, &[]), Ok(Vec::new()), "{line}");
    }
}

#[test]
fn a_flag_takes_precedence_over_a_variable() {
    for (line, name, value, counts) in [
        ("--force-refresh", "XASSUME_NO_CACHE", "1", "--force-refresh"),
        ("--no-cache", "XASSUME_CACHE_DIR", "x", "--no-cache"),
        ("--on-expiry signal", "XASSUME_VIA", "process", "--on-expiry signal"),
        ("--min-ttl 30m", "XASSUME_DURATION", "30m", "--min-ttl"),
        ("--tag a=b", "XASSUME_TRANSITIVE_TAG", "c", "--tag"),
    ] {
        let note = format!("ignoring {name} (conflicts with {counts})");
        assert_eq!(settled(line, &[(name, value)]), Ok(vec![note]), "{line}");
    }
    for (line, name, value) in [
        ("--min-ttl 30m", "XASSUME_DURATION", "1h"),
        ("--min-ttl x", "XASSUME_DURATION", "15m"),
        ("--duration 15m", "XASSUME_MIN_TTL", "30m"),
        ("--tag a=b", "XASSUME_TRANSITIVE_TAG", "a"),
        ("--transitive-tag c", "XASSUME_TAG", "a=b"),
    ] {
        assert_eq!(settled(line, &[(name, value)]), Ok(Vec::new()), "{line}");
    }
}

#[test]
fn of_two_variables_the_first_counts_or_both_are_an_error() {
    let vars = [("XASSUME_VIA", "endpoint"), ("XASSUME_CREDENTIALS_FILE", "x")];
    let note = "ignoring XASSUME_CREDENTIALS_FILE (conflicts with XASSUME_VIA=endpoint)";
    assert_eq!(settled("", &vars), Ok(vec![note.to_owned()]));
    let error = settled("", &[("XASSUME_VIA", "endpoint"), ("XASSUME_ON_EXPIRY", "restart")]).expect_err("both");
    assert!(error.starts_with("XASSUME_ON_EXPIRY=restart cannot be used with XASSUME_VIA=endpoint, "), "{error}");
    // A variable that is ignored in favor of a flag causes no other variable to be ignored.
    let note = "ignoring XASSUME_VIA (conflicts with --on-expiry signal)";
    assert_eq!(settled("--on-expiry signal", &vars), Ok(vec![note.to_owned()]));
}

//! Conflicts: two conflicting flags are an error. Between a flag and a variable, the flag takes precedence.
//!
//! Conflicts of flags without variables are tested with their features: `--print` in `print`, `--mfa-token` in `mfa`.

use crate::support::{FakeSts, Finished, Xassume};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const CHAIN: &str = "arn:aws:iam::111111111111:role/Hub,arn:aws:iam::111111111111:role/R";
const TOKEN: &str = "token.of.pod";

/// What happens to two conflicting variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    /// The first one takes precedence.
    First,
    /// An error names both.
    Error,
}
use Variables::{Error, First};

/// A flag and its value, which is empty for a switch. `TOKEN FILE` means the path of a token.
type FlagAndValue = (&'static str, &'static str);

#[rustfmt::skip]
const CONFLICTS: &[(FlagAndValue, FlagAndValue, Variables)] = &[
    (("quiet", ""), ("verbose", ""), First),
    (("no-cache", ""), ("force-refresh", ""), First),
    (("no-cache", ""), ("min-ttl", "5m"), First),
    (("no-cache", ""), ("cache-dir", "cache"), First),
    (("on-expiry", "none"), ("signal", "HUP"), First),
    (("on-expiry", "restart"), ("signal", "HUP"), First),
    (("on-expiry", "none"), ("signal-pid-file", "pid"), First),
    (("on-expiry", "restart"), ("signal-pid-file", "pid"), First),
    (("on-expiry", "none"), ("restart-order", "start-first"), First),
    (("on-expiry", "signal"), ("restart-order", "start-first"), First),
    (("via", "env"), ("credentials-file", "credentials"), First),
    (("via", "endpoint"), ("credentials-file", "credentials"), First),
    (("via", "process"), ("credentials-file", "credentials"), First),
    (("via", "env"), ("file-mode", "0640"), First),
    (("via", "endpoint"), ("file-mode", "0640"), First),
    (("via", "process"), ("file-mode", "0640"), First),
    (("via", "env"), ("signal-pid-file", "pid"), First),
    (("via", "endpoint"), ("signal-pid-file", "pid"), First),
    (("via", "process"), ("signal-pid-file", "pid"), First),
    (("via", "env"), ("endpoint-token-file", "token"), First),
    (("via", "file"), ("endpoint-token-file", "token"), First),
    (("via", "process"), ("endpoint-token-file", "token"), First),
    (("via", "endpoint"), ("on-expiry", "restart"), Error),
    (("via", "endpoint"), ("on-expiry", "signal"), Error),
    (("via", "process"), ("on-expiry", "restart"), Error),
    (("via", "process"), ("on-expiry", "signal"), Error),
    (("via", "file"), ("keep-env", "AWS_CONFIG_FILE"), Error),
    (("via", "endpoint"), ("keep-env", "BOTO_CONFIG"), Error),
    (("via", "process"), ("keep-env", "AWS_SDK_LOAD_CONFIG"), Error),
    (("isolate", ""), ("keep-env", "AWS_CONFIG_FILE"), Error),
    (("duration", "2h"), ("role-arn", CHAIN), Error),
    (("duration", "max"), ("mfa-serial", "GAHT12345678"), Error),
    (("duration", "15m"), ("min-ttl", "30m"), Error),
    (("web-identity-token-file", "TOKEN FILE"), ("external-id", "word"), Error),
    (("web-identity-token-file", "TOKEN FILE"), ("tag", "team=payments"), Error),
    (("web-identity-token-file", "TOKEN FILE"), ("source-identity", "alice"), Error),
    (("web-identity-token-file", "TOKEN FILE"), ("mfa-serial", "GAHT12345678"), Error),
];

/// Flags that need another flag. When the variable of that other flag is dropped, they have no effect.
const NEED_ANOTHER_FLAG: &[(&str, &str)] = &[
    ("signal", "--signal requires --on-expiry signal"),
    ("signal-pid-file", "--signal-pid-file requires --on-expiry signal"),
    ("restart-order", "--restart-order requires --on-expiry restart"),
    ("file-mode", "--file-mode requires --via file"),
    ("endpoint-token-file", "--endpoint-token-file requires --via endpoint"),
];

fn variable((flag, _): FlagAndValue) -> String {
    format!("XASSUME_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// A user with a token file and an MFA command.
struct World {
    sts: FakeSts,
    xassume: Xassume,
    token: String,
}

impl World {
    fn new() -> Self {
        let sts = FakeSts::builder().web_identity_tokens(&[TOKEN]).mfa_codes(&["314159"]).start();
        let xassume = Xassume::new(&sts).file("token", TOKEN).env("XASSUME_MFA_COMMAND", "echo 314159");
        let token = xassume.home().join("token").display().to_string();
        Self { sts, xassume: xassume.env("XASSUME_ROLE_ARN", ROLE), token }
    }

    fn value(&self, (_, value): FlagAndValue) -> &str {
        if value == "TOKEN FILE" { &self.token } else { value }
    }

    fn with_flag(&self, xassume: Xassume, said: FlagAndValue) -> Xassume {
        let flag = format!("--{}", said.0);
        match self.value(said) {
            "" => xassume.arg(flag),
            value => value.split(',').fold(xassume, |xassume, value| xassume.args([&flag, value])),
        }
    }

    fn with_variable(&self, xassume: Xassume, said: FlagAndValue) -> Xassume {
        let value = self.value(said);
        xassume.env(variable(said), if value.is_empty() { "1" } else { value })
    }
}

fn first_line(finished: &Finished) -> &str {
    finished.stderr.lines().next().unwrap_or_default()
}

#[test]
fn two_conflicting_flags_are_an_error_that_names_both() {
    let world = World::new();
    for &(one, other, _) in CONFLICTS {
        let xassume = world.with_flag(world.with_flag(world.xassume.clone(), one), other);
        let finished = xassume.args(["--", "true"]).run().exited(125);
        let error = first_line(&finished);
        for (flag, _) in [one, other] {
            assert!(finished.stderr.contains(&format!("--{flag}")), "{one:?} {other:?}: {}", finished.stderr);
        }
        assert!(!error.contains("XASSUME_"), "{one:?} {other:?}: {error}");
        assert!(finished.stderr.contains("\nhint: "), "{one:?} {other:?}: {}", finished.stderr);
    }
    assert_eq!(world.sts.requests().len(), 0);
}

#[test]
fn a_variable_that_conflicts_with_a_flag_is_dropped_and_logged() {
    let world = World::new();
    for &(one, other, _) in CONFLICTS {
        for (typed, set) in [(one, other), (other, one)] {
            // Whether anything is logged depends on the flag, verbose or quiet.
            let silent = typed.0 == "quiet";
            let xassume = world.with_variable(world.with_flag(world.xassume.clone(), typed), set);
            let xassume = if silent || typed.0 == "verbose" { xassume } else { xassume.arg("-v") };
            let finished = xassume.args(["--", "true"]).run();
            let need = NEED_ANOTHER_FLAG.iter().find(|(flag, _)| *flag == typed.0);
            if let Some((_, needs)) = need {
                assert!(first_line(&finished).contains(needs), "{typed:?} {set:?}: {}", finished.stderr);
                finished.exited(125);
                continue;
            }
            let name = variable(set);
            // Without the roles of the variable there would be no role, or another one.
            if set.0 == "role-arn" {
                let error = first_line(&finished);
                assert!(error.contains(&format!("--{}", typed.0)) && error.contains(&name), "{error}");
                finished.exited(125);
                continue;
            }
            let finished = finished.exited(0);
            // `ignoring XASSUME_MIN_TTL=30m` contains the value.
            let reported = finished.stderr.lines().any(|line| {
                line.strip_prefix("xassume: ignoring ")
                    .and_then(|line| line.strip_prefix(&name))
                    .is_some_and(|rest| rest.contains(" (") && !rest.contains("XASSUME_"))
            });
            assert!(reported != silent, "{typed:?} {set:?}: {}", finished.stderr);
            let untyped = format!("--{}", set.0);
            assert!(!finished.stderr.contains(&untyped), "{typed:?} {set:?}: {}", finished.stderr);
        }
    }
}

#[test]
fn of_two_conflicting_variables_the_first_wins_or_both_are_named() {
    let world = World::new();
    for &(one, other, variables) in CONFLICTS {
        // `quiet` hides its own message.
        if one.0 == "quiet" {
            continue;
        }
        let xassume = world.with_variable(world.with_variable(world.xassume.clone(), one), other);
        let finished = xassume.args(["-v", "--", "true"]).run();
        let (first, second) = (variable(one), variable(other));
        match variables {
            First => {
                let expected = format!("xassume: ignoring {second} (conflicts with {first}");
                assert!(finished.stderr.contains(&expected), "{one:?} {other:?}: {}", finished.stderr);
                finished.exited(0);
            }
            Error => {
                let error: Vec<_> = finished.stderr.lines().filter(|line| line.contains("XASSUME_")).collect();
                let error = error.join("\n");
                assert!(error.contains(&first) && error.contains(&second), "{one:?} {other:?}: {}", finished.stderr);
                let typed = [one, other].iter().any(|(flag, _)| error.contains(&format!("--{flag} ")));
                assert!(!typed, "{one:?} {other:?}: {}", finished.stderr);
                finished.exited(125);
            }
        }
    }
    assert!(world.sts.requests().iter().all(|request| request.action == "AssumeRole"));
}

#[test]
fn dropped_values_reach_neither_sts_nor_the_command() {
    let world = World::new();
    let run = |xassume: Xassume| {
        xassume.args(["--no-cache", "--", "true"]).run().exited(0);
        world.sts.requests().pop().expect("a request")
    };
    let plain = || world.xassume.clone().env_remove("XASSUME_ROLE_ARN");
    let chained = run(plain().env("XASSUME_DURATION", "2h").args(["-r", "222222222222:Hub", "-r", ROLE]));
    assert_eq!((chained.param("RoleArn"), chained.param("DurationSeconds")), (Some(ROLE), None));
    let by_token = plain().env("XASSUME_EXTERNAL_ID", "word").env("XASSUME_TAG", "a=b").args(["-r", ROLE]);
    let by_token = run(by_token.args(["--web-identity-token-file", &world.token]));
    assert_eq!((&*by_token.action, by_token.param("ExternalId")), ("AssumeRoleWithWebIdentity", None));
    let signed =
        plain().env("XASSUME_WEB_IDENTITY_TOKEN_FILE", &world.token).args(["-r", ROLE, "--external-id", "word"]);
    let signed = run(signed);
    assert_eq!((&*signed.action, signed.param("ExternalId")), ("AssumeRole", Some("word")));
    // A default for long sessions does not prevent role chaining.
    let long = plain().env("XASSUME_DURATION", "4h").env("XASSUME_MIN_TTL", "2h");
    let long = long.args(["-v", "-r", "222222222222:Hub", "-r", ROLE, "--", "true"]).run().exited(0).stderr;
    assert!(long.contains("ignoring XASSUME_MIN_TTL=2h (the session lasts only 1h)\n"), "{long}");
}

#[test]
fn a_typed_cache_flag_enables_the_cache_again() {
    let world = World::new();
    let off = world.xassume.clone().env("XASSUME_NO_CACHE", "1");
    let asks = |xassume: Xassume| {
        let before = world.sts.requests().len();
        xassume.args(["--", "true"]).run().exited(0);
        world.sts.requests().len() - before
    };
    assert_eq!(asks(off.clone()), 1);
    assert_eq!(asks(off.clone().arg("--force-refresh")), 1);
    assert_eq!(asks(world.xassume.clone()), 0, "the new session is cached");
    assert_eq!(asks(off.clone().args(["--min-ttl", "5m"])), 0);
    let stderr = off.args(["-v", "--", "true"]).run().exited(0).stderr;
    assert!(stderr.contains("xassume: cache: disabled: XASSUME_NO_CACHE\n"), "{stderr}");
}

#[test]
fn keys_of_tags_that_were_replaced_are_dropped() {
    let world = World::new();
    let tags = world.xassume.clone().env("XASSUME_TAG", "team=a").env("XASSUME_TRANSITIVE_TAG", "team");
    let stderr = tags.clone().args(["-v", "--tag", "job=7", "--", "true"]).run().exited(0).stderr;
    assert!(stderr.contains("xassume: ignoring XASSUME_TRANSITIVE_TAG (conflicts with --tag)\n"), "{stderr}");
    let replaced = world.sts.requests().pop().expect("a request");
    assert_eq!(
        (replaced.param("Tags.member.1.Key"), replaced.param("TransitiveTagKeys.member.1")),
        (Some("job"), None)
    );
    tags.args(["--tag", "team=b", "--", "true"]).run().exited(0);
    let same = world.sts.requests().pop().expect("a request");
    assert_eq!(same.param("TransitiveTagKeys.member.1"), Some("team"));
    let typed = world.xassume.clone().env("XASSUME_TAG", "job=7").args(["--transitive-tag", "team", "--", "true"]);
    let error = typed.run().exited(125).stderr;
    assert!(error.starts_with("xassume: error: --transitive-tag: no --tag with the key 'team'\n"), "{error}");
}

#[test]
fn flags_drop_variables_before_variables_drop_each_other() {
    let world = World::new();
    let xassume = world.xassume.clone().env("XASSUME_VIA", "endpoint").env("XASSUME_CREDENTIALS_FILE", "credentials");
    // XASSUME_CREDENTIALS_FILE conflicts with XASSUME_VIA=endpoint. But the flag drops XASSUME_VIA first, so the file
    // is used.
    let finished = xassume.args(["-v", "--on-expiry", "signal", "--", "cat", "credentials"]).run().exited(0);
    assert!(finished.stdout_text().contains("aws_session_token"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("ignoring XASSUME_CREDENTIALS_FILE"), "{}", finished.stderr);
}

#[test]
fn an_invalid_name_to_keep_is_reported_with_its_flag_or_variable() {
    let world = World::new();
    let error =
        world.xassume.clone().env("XASSUME_KEEP_ENV", "AWS_REGION").args(["--", "true"]).run().exited(125).stderr;
    assert!(
        error.starts_with(
            "xassume: error: invalid value 'AWS_REGION' for 'XASSUME_KEEP_ENV': xassume sets this variable"
        ),
        "{error}"
    );
}

#[test]
fn a_region_in_upper_case_is_rejected_wherever_it_is_set() {
    let world = World::new();
    let hint = ": not a region name\nhint: did you mean us-east-1?\n";
    for (place, xassume) in [
        ("--region", world.xassume.clone().args(["--region", "US-EAST-1"])),
        ("XASSUME_REGION", world.xassume.clone().env("XASSUME_REGION", "US-EAST-1")),
        ("AWS_REGION", world.xassume.clone().env("AWS_REGION", "US-EAST-1")),
        ("AWS_DEFAULT_REGION", world.xassume.clone().env_remove("AWS_REGION").env("AWS_DEFAULT_REGION", "US-EAST-1")),
    ] {
        let error = xassume.args(["--", "true"]).run().exited(125).stderr;
        assert_eq!(error, format!("xassume: error: invalid value 'US-EAST-1' for '{place}'{hint}"));
    }
    let profile = world.xassume.clone().env_remove("AWS_REGION").file(".aws/config", "[default]\nregion = US-EAST-1\n");
    let error = profile.args(["--", "true"]).run().exited(125).stderr;
    assert!(error.contains("config: not a region name\nhint: did you mean "), "{error}");
    assert_eq!(world.sts.requests().len(), 0);
}

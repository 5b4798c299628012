//! A cached session is used only for an equal request: if anything differs, STS is called.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::{ran, xassume};
use crate::support::{FakeImds, FakeSts, Identity, Xassume, probe};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// Runs each invocation twice: STS is called the first time only. At the end the session of the first invocation is
/// still cached.
fn assert_separate_sessions(sts: &FakeSts, worlds: &[(&str, Xassume)]) {
    for (name, xassume) in worlds {
        let before = sts.issued().len();
        ran(xassume);
        assert!(sts.issued().len() > before, "`{name}` must not get the session of another request");
        let once = sts.issued().len();
        ran(xassume);
        assert_eq!(sts.issued().len(), once, "`{name}` does not find its own");
    }
    let all = sts.issued().len();
    ran(&worlds[0].1);
    assert_eq!(sts.issued().len(), all);
}

#[test]
fn every_option_and_the_route_to_sts() {
    let sts = FakeSts::start();
    let base = xassume(&sts);
    let with = |args: &[&str]| base.clone().args(args);
    let endpoint = format!("http://localhost:{}", sts.port());
    let other = Identity::long_term("AKIAOTHER00000000001", "othersecret", "user/other");
    sts.add_identity(other.clone());
    let config = "[profile roled]\nrole_arn = arn:aws:iam::111111111111:role/R\ncredential_source = Environment\n\
                  external_id = of-profile\n";
    let profile = base.clone().file(".aws/config", config);
    assert_separate_sessions(
        &sts,
        &[
            ("nothing", base.clone()),
            ("another role", with(&["-r", "111111111111:Next"])),
            ("session name", with(&["--role-session-name", "other"])),
            ("external id", with(&["--external-id", "other"])),
            ("duration", with(&["--duration", "1h"])),
            ("longer duration", with(&["--duration", "2h"])),
            ("longest duration", with(&["--duration", "max"])),
            ("policy", with(&["--policy", POLICY])),
            ("policy ARN", with(&["--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"])),
            ("tag", with(&["--tag", "a=b"])),
            ("tag's value", with(&["--tag", "a=c"])),
            ("transitive tag", with(&["--tag", "a=b", "--transitive-tag", "a"])),
            ("source identity", with(&["--source-identity", "alice"])),
            ("region", with(&["--region", "eu-west-1"])),
            ("no region", base.clone().env_remove("AWS_REGION")),
            ("endpoint", with(&["--sts-endpoint", &endpoint])),
            ("other keys", base.clone().with_keys_of(&other)),
            ("default session name", base.clone().env("USER", "another")),
            ("build", base.clone().env("JOB_NAME", "job").env("BUILD_NUMBER", "1")),
            ("next build", base.clone().env("JOB_NAME", "job").env("BUILD_NUMBER", "2")),
            ("profile", profile.args(["-p", "roled"])),
        ],
    );
}

#[test]
fn what_does_not_change_the_session_shares_it() {
    let sts = FakeSts::start();
    let base = xassume(&sts).args(["--role-session-name", "name"]);
    ran(&base);
    let user = Identity::user();
    let keys = format!(
        "[p]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        user.access_key_id, user.secret_access_key
    );
    for same in [
        base.clone().env("USER", "another"),
        base.clone().env("AWS_DEFAULT_REGION", "eu-west-1"),
        base.clone().args(["--keep-env", "X", "--sts-timeout", "1m", "-q", "--isolate"]),
        base.clone().args(["--expect-account", "111111111111"]),
        base.without_keys().file(".aws/credentials", keys).args(["-p", "p"]),
    ] {
        ran(&same);
    }
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn each_web_identity_token_has_its_own_session() {
    let sts = FakeSts::start();
    let base = xassume(&sts).without_keys().file("token", "first").file("token2", "first");
    let of = |name: &str| {
        let token = base.home().join(name);
        base.clone().arg("--web-identity-token-file").arg(token)
    };
    assert_separate_sessions(&sts, &[("one file", of("token")), ("another file", of("token2"))]);
    // Another job of a build server has another token at the same path.
    std::fs::write(base.home().join("token"), "second").expect("written");
    let before = sts.requests().len();
    ran(&of("token"));
    ran(&of("token"));
    assert_eq!(sts.requests().len(), before + 1);
    std::fs::remove_file(base.home().join("token")).expect("removed");
    let error = super::failed(&of("token"));
    assert!(error.contains("web identity token file"), "{error}");
}

#[test]
fn a_session_of_a_token_command_is_for_one_job() {
    let sts = FakeSts::start();
    // The subject of the token is the job's.
    let command = "echo >>$HOME/runs; echo token.of.$JOB_TOKEN";
    let base = xassume(&sts).without_keys().args(["--role-session-name", "name"]);
    let with = |command| base.clone().args(["--web-identity-token-command", command]);
    let job = |id: &str| with(command).env("CI", "true").env("JOB_TOKEN", format!("job{id}")).env("CI_JOB_ID", id);
    let github = |attempt| {
        let run = with(command).env("CI", "true").env("GITHUB_RUN_ID", "7").env("GITHUB_JOB", "build");
        run.env("GITHUB_RUN_ATTEMPT", attempt)
    };
    assert_separate_sessions(
        &sts,
        &[
            ("no job", with(command)),
            ("another command", with("echo another.token")),
            ("one job", job("1")),
            ("another job", job("2")),
            ("a workflow", github("1")),
            ("a workflow that is run again", github("2")),
        ],
    );
    let tokens = sts.requests();
    let token_of = |id| format!("token.of.job{id}");
    for id in ["1", "2"] {
        assert_eq!(tokens.iter().filter(|request| request.param("WebIdentityToken") == Some(&token_of(id))).count(), 1);
    }
    // Without a variable that names the job, another job could get the session.
    let unnamed = with(command).env("CI", "true").arg("-v");
    let before = sts.requests().len();
    let shown = [ran(&unnamed), ran(&unnamed)];
    assert_eq!(sts.requests().len(), before + 2);
    assert!(shown[1].stderr.contains("CI is set, but no known variable names the job"), "{}", shown[1].stderr);
}

#[test]
fn another_host_does_not_get_an_instances_session() {
    let (sts, imds, other) = (FakeSts::start(), FakeImds::start(), FakeImds::start());
    let base = xassume(&sts).args(["--role-session-name", "name"]).without_keys();
    let one = base.clone().with_metadata_at(&imds.url());
    assert_separate_sessions(
        &sts,
        &[("one endpoint", one.clone()), ("another endpoint", base.with_metadata_at(&other.url()))],
    );
    // Changing the host name needs a namespace, which not every machine allows.
    let program = crate::support::binary();
    let script = r#"hostname elsewhere || exit 99; exec "$@""#;
    let words = ["--uts", "sh", "-c", script, "sh"].map(std::ffi::OsString::from).into_iter();
    let words = words.chain([program.into()]).chain(["-r", super::ROLE, "--role-session-name", "name"].map(Into::into));
    let finished = one.without_args().program("unshare").args(words).arg("--").args(probe()).arg("environ").run();
    if finished.code() != Some(0) {
        println!("skipped: no UTS namespace can be created here: {}", finished.stderr);
        return;
    }
    assert_eq!(sts.requests().len(), 3);
}

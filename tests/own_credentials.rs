//! A profile without a role: the command gets the profile's own credentials.

mod cached;
mod checks;
mod refreshes;
mod refused;

pub(crate) use checks::document_of_login;

use crate::support::{
    FakeContainer, FakeImds, FakeSso, FakeSts, Finished, Identity, LOGIN_SESSION, Login, Xassume, probe, write_login,
    write_sign_in,
};
use std::fs;
use std::time::{Duration, SystemTime};

const ACCOUNT: &str = "222222222222";
const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";
const HOUR: Duration = Duration::from_hours(1);

/// A user without keys in the environment, who has this config file and selects the profile `dev`.
fn profile(sts: &FakeSts, config: &str) -> Xassume {
    Xassume::new(sts).without_keys().file(".aws/config", config).args(["-p", "dev"])
}

/// With a login to IAM Identity Center.
fn logged_in(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let xassume = profile(sts, SSO).env("AWS_ENDPOINT_URL_SSO", sso.url());
    write_login(&xassume.home(), "corp", Login::Valid);
    xassume
}

/// A profile with these keys.
fn keys_of(identity: &Identity) -> String {
    let Identity { access_key_id, secret_access_key, session_token, .. } = identity;
    let token = session_token.as_ref().map(|token| format!("aws_session_token = {token}\n")).unwrap_or_default();
    format!("[profile dev]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n{token}")
}

/// A profile with a `credential_process` that prints `$HOME/answer`, and notes that it has run.
const PROCESS: &str = "[profile dev]\ncredential_process = echo ran >>$HOME/runs; cat $HOME/answer\n";

fn answer_of(identity: &Identity, lasts: Option<Duration>) -> String {
    let end = lasts.map(|lasts| humantime::format_rfc3339_seconds(SystemTime::now() + lasts).to_string());
    let mut answer = serde_json::json!({
        "Version": 1,
        "AccessKeyId": identity.access_key_id,
        "SecretAccessKey": identity.secret_access_key,
        "SessionToken": identity.session_token,
    });
    answer.as_object_mut().expect("an object").extend(end.map(|end| ("Expiration".to_owned(), end.into())));
    answer.to_string()
}

/// Runs a command that prints its environment, and asserts that it ran.
#[track_caller]
fn ran(xassume: &Xassume) -> Finished {
    xassume.clone().arg("--").args(probe()).arg("environ").run().exited(0)
}

#[track_caller]
fn failed(xassume: &Xassume) -> String {
    let finished = xassume.clone().arg("--").args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

/// Asserts that the command has exactly these credentials, and that its environment is clean.
#[track_caller]
fn has(finished: &Finished, identity: &Identity, lasts: Option<Duration>) {
    assert_eq!(finished.variable("AWS_ACCESS_KEY_ID").as_ref(), Some(&identity.access_key_id));
    assert_eq!(finished.variable("AWS_SECRET_ACCESS_KEY").as_ref(), Some(&identity.secret_access_key));
    assert_eq!(finished.variable("AWS_SESSION_TOKEN"), identity.session_token);
    for name in ["AWS_PROFILE", "XASSUME_PROFILE", "XASSUME_SESSION", "AWS_SECURITY_TOKEN", "AWS_ROLE_SESSION_NAME"] {
        assert_eq!(finished.variable(name), None, "{name}");
    }
    let end = finished.variable("AWS_CREDENTIAL_EXPIRATION").map(|end| humantime::parse_rfc3339(&end).expect("a time"));
    match (end, lasts) {
        (None, None) => {}
        (Some(end), Some(lasts)) => {
            let left = end.duration_since(SystemTime::now()).expect("in the future");
            assert!(left <= lasts && left + Duration::from_mins(1) > lasts, "{left:?} of {lasts:?}");
        }
        (end, lasts) => panic!("{end:?} instead of {lasts:?}"),
    }
}

/// With variables that must not reach the command.
fn with_leftovers(xassume: Xassume) -> Xassume {
    let xassume = xassume.env("AWS_SESSION_TOKEN", "stale").env("AWS_SECURITY_TOKEN", "stale");
    let xassume = xassume.env("XASSUME_SESSION", "arn:aws:sts::111111111111:assumed-role/Outer/me");
    xassume.env("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z").env("AWS_ROLE_SESSION_NAME", "stale")
}

#[test]
fn iam_identity_center() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    has(&ran(&with_leftovers(logged_in(&sts, &sso))), &Identity::sso(), Some(8 * HOUR));
    assert_eq!((sso.requests().len(), sts.requests().len()), (1, 0));
}

#[test]
fn a_login_to_the_console() {
    let sts = FakeSts::start();
    let config = format!("[profile dev]\nlogin_session = {LOGIN_SESSION}\n");
    let xassume = profile(&sts, &config);
    write_sign_in(&xassume.home(), LOGIN_SESSION, Duration::from_mins(10));
    has(&ran(&with_leftovers(xassume)), &Identity::login(), Some(Duration::from_mins(10)));
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_credential_process_with_and_without_an_expiry() {
    let sts = FakeSts::start();
    for (identity, lasts) in [(Identity::task(), Some(HOUR)), (Identity::task(), None), (Identity::user(), None)] {
        let xassume = profile(&sts, PROCESS).file("answer", answer_of(&identity, lasts));
        has(&ran(&with_leftovers(xassume)), &identity, lasts);
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn access_keys_in_either_file() {
    let sts = FakeSts::start();
    for identity in [Identity::user(), Identity::task()] {
        has(&ran(&with_leftovers(profile(&sts, &keys_of(&identity)))), &identity, None);
        let credentials = keys_of(&identity).replace("[profile dev]", "[dev]");
        let xassume = profile(&sts, "").file(".aws/credentials", credentials);
        has(&ran(&with_leftovers(xassume)), &identity, None);
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_container_and_an_instance_that_the_profile_names() {
    let (sts, container, imds) = (FakeSts::start(), FakeContainer::start(), FakeImds::start());
    let xassume = profile(&sts, "[profile dev]\ncredential_source = EcsContainer\n")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token());
    has(&ran(&with_leftovers(xassume)), &Identity::task(), Some(6 * HOUR));
    let xassume = profile(&sts, "[profile dev]\ncredential_source = Ec2InstanceMetadata\n");
    let xassume = xassume.env_remove("AWS_REGION").with_metadata_at(&imds.url());
    let finished = ran(&with_leftovers(xassume));
    has(&finished, &Identity::instance(), Some(6 * HOUR));
    assert_eq!(finished.variable("AWS_REGION").as_deref(), Some("eu-west-1"), "the instance's own");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn own_keys_are_used_despite_an_included_source() {
    let (sts, sso, user) = (FakeSts::start(), FakeSso::start(), Identity::user());
    let keys = keys_of(&user);
    let sources = [&SSO["[profile dev]\n".len()..], &PROCESS["[profile dev]\n".len()..]];
    for included in sources {
        let included = format!("[profile common]\nregion = eu-north-1\n{included}");
        let include = "include_profile = common\n";
        let in_config = logged_in(&sts, &sso).file(".aws/config", keys.clone() + include + &included);
        let config = format!("[profile dev]\n{include}{included}");
        let beside = logged_in(&sts, &sso).file(".aws/config", config);
        let beside = beside.file(".aws/credentials", keys.replace("profile ", ""));
        for xassume in [in_config, beside] {
            let finished = ran(&xassume.env_remove("AWS_REGION"));
            has(&finished, &user, None);
            assert_eq!(finished.variable("AWS_REGION").as_deref(), Some("eu-north-1"), "not a source");
        }
    }
    assert_eq!(sso.requests().len(), 0);
}

#[test]
fn keys_in_the_environment_are_used_only_if_the_profile_names_them() {
    let (sts, user) = (FakeSts::start(), Identity::user());
    let named = profile(&sts, "[profile dev]\ncredential_source = Environment\n").with_keys_of(&user);
    has(&ran(&named.env("XASSUME_SESSION", "stale")), &user, None);
    let other = Identity::long_term("AKIAPROFILE000000001", "file/secret", "user/bob");
    for variable in ["AWS_PROFILE", "XASSUME_PROFILE"] {
        let xassume = Xassume::new(&sts).file(".aws/config", keys_of(&other)).env(variable, "dev");
        has(&ran(&xassume), &other, None);
    }
}

#[test]
fn the_settings_of_the_profile_are_exported() {
    let sts = FakeSts::start();
    let config = keys_of(&Identity::user()) + "region = eu-north-1\nretry_mode = adaptive\n";
    let xassume = profile(&sts, &config).env_remove("AWS_REGION");
    let finished = ran(&xassume);
    let region = Some("eu-north-1".to_owned());
    assert_eq!((finished.variable("AWS_REGION"), finished.variable("AWS_DEFAULT_REGION")), (region.clone(), region));
    assert_eq!(finished.variable("AWS_RETRY_MODE").as_deref(), Some("adaptive"));
    let isolated = ran(&xassume.clone().arg("--isolate"));
    let copy = fs::read_to_string(isolated.variable("AWS_CONFIG_FILE").expect("a copy")).expect("it is there");
    assert!(!copy.contains("aws_secret_access_key"), "{copy}");
    assert_eq!(isolated.variable("AWS_SHARED_CREDENTIALS_FILE").as_deref(), Some("/dev/null"));
}

#[test]
fn plain_keys_with_a_device_give_an_mfa_session() {
    let sts = FakeSts::builder().mfa_codes(&["314159", "271828"]).start();
    let config = keys_of(&Identity::user()) + "mfa_serial = arn:aws:iam::222222222222:mfa/alice\n";
    let xassume = profile(&sts, &config);
    let finished = ran(&xassume.clone().args(["--mfa-token", "314159", "--mfa-session-duration", "2h"]));
    let issued = &sts.issued()[0];
    assert_eq!(finished.variable("AWS_ACCESS_KEY_ID").as_ref(), Some(&issued.access_key_id));
    assert_eq!(finished.variable("AWS_SESSION_TOKEN").as_ref(), Some(&issued.session_token));
    assert_eq!(finished.variable("XASSUME_SESSION"), None);
    let end = humantime::format_rfc3339_seconds(issued.expiration).to_string();
    assert_eq!(finished.variable("AWS_CREDENTIAL_EXPIRATION"), Some(end));
    let requests = sts.requests();
    assert_eq!((requests.len(), requests[0].action.as_str()), (1, "GetSessionToken"));
    assert_eq!(requests[0].param("SerialNumber"), Some("arn:aws:iam::222222222222:mfa/alice"));
    assert_eq!(requests[0].param("DurationSeconds"), Some("7200"));
    ran(&xassume.args(["--mfa-serial", "GAHT12345678", "--mfa-token", "271828"]));
    assert_eq!(sts.requests()[1].param("SerialNumber"), Some("GAHT12345678"));
}

#[test]
fn no_message_contains_a_secret() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let process = profile(&sts, PROCESS).file("answer", answer_of(&Identity::task(), Some(HOUR)));
    for (xassume, identity) in [
        (logged_in(&sts, &sso), Identity::sso()),
        (process, Identity::task()),
        (profile(&sts, &keys_of(&Identity::user())), Identity::user()),
    ] {
        let xassume = xassume.arg("--no-cache");
        for args in [&["-vv"][..], &["-vv", "--log-format", "json"], &["-vv", "--check"]] {
            let command: &[&str] = if args.contains(&"--check") { &[] } else { &["--", "true"] };
            let finished = xassume.clone().args(args).args(command).run().exited(0);
            let shown = finished.stdout_text() + &finished.stderr;
            assert!(shown.contains(&identity.access_key_id), "{shown}");
            for secret in [Some(&identity.secret_access_key), identity.session_token.as_ref()].into_iter().flatten() {
                assert!(!shown.contains(secret.as_str()), "{shown}");
            }
        }
    }
}

#[test]
fn each_format_of_print_has_the_credentials() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let (expiring, endless) = (logged_in(&sts, &sso), profile(&sts, &keys_of(&Identity::user())));
    let json =
        |xassume: &Xassume, format: &str| xassume.clone().args(["--print", format]).run().exited(0).stdout_json();
    let identity = Identity::sso();
    for format in ["json", "credential-process"] {
        let document = json(&expiring, format);
        assert_eq!(document["AccessKeyId"], identity.access_key_id.as_str());
        assert_eq!(document["SessionToken"].as_str(), identity.session_token.as_deref());
        assert_eq!(document["AccountId"], ACCOUNT);
        assert!(document["Expiration"].is_string() && document["AssumedRoleArn"].is_null(), "{document}");
        let document = json(&endless, format);
        assert_eq!(document["SecretAccessKey"], Identity::user().secret_access_key.as_str());
        for member in ["SessionToken", "Expiration", "AccountId", "AssumedRoleArn"] {
            assert!(document.get(member).is_none(), "{document}");
        }
    }
    let text =
        |xassume: &Xassume, format: &str| xassume.clone().args(["--print", format]).run().exited(0).stdout_text();
    let shell = text(&endless, "export");
    let unset = shell.lines().next().expect("a line");
    for name in ["AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE", "XASSUME_SESSION"] {
        assert!(unset.split(' ').any(|word| word == name), "{name}: {shell}");
    }
    assert!(shell.contains(&format!("export AWS_ACCESS_KEY_ID='{}'\n", Identity::user().access_key_id)), "{shell}");
    assert!(text(&expiring, "env").contains("\nAWS_CREDENTIAL_EXPIRATION=20"));
}

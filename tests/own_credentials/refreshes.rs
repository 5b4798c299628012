//! A supervised command: its credentials are refreshed if they expire.

use super::{HOUR, PROCESS, answer_of, keys_of, logged_in, profile};
use crate::support::http::get;
use crate::support::{FakeContainer, FakeImds, FakeSso, FakeSts, Identity, Running, Xassume, probe};
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Long enough for a command to start, even on a busy machine.
const SHORT: Duration = Duration::from_secs(6);

fn spawned(xassume: Xassume, verbs: &[&str]) -> Running {
    xassume.arg("--").args(probe()).args(verbs).spawn()
}

/// The access key ID with which the command has started.
#[track_caller]
fn next_key(running: &Running) -> String {
    let line = running.line("ready pid=");
    line.rsplit_once("key=").expect("a key").1.to_owned()
}

fn second() -> Identity {
    Identity::temporary("ASIASECOND0000000001", "Second/session")
}

#[track_caller]
fn ended(running: Running) -> String {
    running.signal(libc::SIGTERM);
    running.wait().exited(0).stderr
}

#[test]
fn iam_identity_center_with_a_restart() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_lifetime(SHORT);
    let running = spawned(logged_in(&sts, &sso).args(["--on-expiry", "restart"]), &["print-keys"]);
    assert_eq!(next_key(&running), Identity::sso().access_key_id);
    sso.set_identity(second());
    sso.set_lifetime(8 * HOUR);
    assert_eq!(next_key(&running), second().access_key_id);
    ended(running);
    assert_eq!((sso.requests().len(), sts.requests().len()), (2, 0));
}

#[test]
fn a_credential_process_with_a_signal() {
    let sts = FakeSts::start();
    let xassume = profile(&sts, PROCESS).file("answer", answer_of(&Identity::task(), Some(SHORT)));
    let answer = xassume.home().join("answer");
    let running = spawned(xassume.args(["--on-expiry", "signal"]), &["print-keys"]);
    assert_eq!(next_key(&running), Identity::task().access_key_id);
    fs::write(answer, answer_of(&second(), Some(HOUR))).expect("the home is ours");
    running.line("HUP");
    assert_eq!(running.line("key="), format!("key={}", second().access_key_id));
    ended(running);
}

/// Instance metadata has new credentials only minutes before the old ones expire.
#[test]
fn a_command_is_not_restarted_for_the_same_credentials() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let end = SystemTime::now() + 2 * SHORT;
    imds.set_end(&humantime::format_rfc3339_seconds(end).to_string());
    let xassume = profile(&sts, "[profile dev]\ncredential_source = Ec2InstanceMetadata\n");
    let xassume = xassume.with_metadata_at(&imds.url()).args(["-v", "--on-expiry", "restart"]);
    let running = spawned(xassume, &["print-keys"]);
    assert_eq!(next_key(&running), Identity::instance().access_key_id);
    running.error_line("the source has no new credentials yet; retrying in ");
    imds.set_identity(Some(second()));
    imds.set_end(&humantime::format_rfc3339_seconds(SystemTime::now() + HOUR).to_string());
    assert_eq!(next_key(&running), second().access_key_id);
    let stderr = ended(running);
    assert!(!stderr.contains("warning: "), "{stderr}");
}

#[test]
fn an_answer_without_new_credentials_ends_the_failures() {
    let sts = FakeSts::start();
    let config = "[profile dev]\ncredential_process = cd $HOME; \
                  test -e ran -a ! -e failed && touch failed && exit 1; touch ran; cat answer\n";
    let xassume = profile(&sts, config).file("answer", answer_of(&Identity::task(), Some(2 * SHORT)));
    let running = spawned(xassume.args(["--via", "endpoint"]), &["print-signals"]);
    let failing = running.error_line("refresh failed (session ");
    assert!(failing.contains(" exited with status 1; retrying in "), "{failing}");
    let said = "xassume: warning: the source works again after 1 failed attempt, but has no new credentials yet";
    assert_eq!(running.error_line("works again"), said);
    let expired = running.error_line("the session has expired and the command is still running");
    assert!(!expired.contains("status 1"), "{expired}");
    running.signal(libc::SIGTERM);
    running.wait();
}

#[test]
fn the_endpoint_serves_the_credentials_of_a_container() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let xassume = profile(&sts, "[profile dev]\ncredential_source = EcsContainer\n")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token())
        .args(["--via", "endpoint"]);
    let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let running = spawned(xassume, &["env", names[0], names[1], "then", "print-signals"]);
    let [url, token] = names.map(|name| running.line(name)[name.len() + 1..].to_owned());
    assert_ne!((&url, &token), (&container.full_uri(), &container.token()));
    let document = get(&url, &[("Authorization", &token)]).expect("answered").json();
    assert_eq!(document["AccessKeyId"], Identity::task().access_key_id);
    assert_eq!(document["Token"].as_str(), Identity::task().session_token.as_deref());
    assert!(document["Expiration"].is_string(), "{document}");
    running.line("ready");
    ended(running);
}

#[test]
fn keys_that_do_not_expire_are_delivered_once() {
    let (sts, user) = (FakeSts::start(), Identity::user());
    let xassume = || profile(&sts, &keys_of(&user)).arg("-v");
    let name = "AWS_SHARED_CREDENTIALS_FILE";
    let file_of = |running: &Running| running.line(name)[name.len() + 1..].to_owned();

    let running = spawned(xassume().args(["--via", "file"]), &["env", name, "then", "print-signals"]);
    let text = fs::read_to_string(file_of(&running)).expect("the file is there");
    let (id, secret) = (&user.access_key_id, &user.secret_access_key);
    assert_eq!(text, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
    running.line("ready");
    let stderr = ended(running);
    assert!(stderr.matches("refresh").count() == 1 && stderr.contains(", no refresh\n"), "{stderr}");

    let running = spawned(xassume().args(["--via", "process"]), &["env", name, "then", "print-signals"]);
    let text = fs::read_to_string(file_of(&running)).expect("the file is there");
    let line = text.strip_prefix("[default]\ncredential_process = ").expect("nothing else is in it");
    let output = Command::new("/bin/sh").args(["-c", line]).env_clear().output().expect("sh runs");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document, serde_json::json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret }));
    running.line("ready");
    ended(running);
}

/// A file from an earlier run is replaced, and so is one without a token.
#[test]
fn a_chosen_file_with_keys_is_replaced_and_removed() {
    let (sts, user) = (FakeSts::start(), Identity::user());
    let xassume = profile(&sts, &keys_of(&user));
    let file = xassume.home().join("credentials");
    let flags = ["--via", "file", "--credentials-file"];
    let (id, secret) = (&user.access_key_id, &user.secret_access_key);
    let left = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    fs::write(&file, left).expect("the home is ours");
    // The file may be the user's own, because it contains long-term keys.
    let error = super::failed(&xassume.clone().args(flags).arg(&file));
    assert!(error.contains("credentials"), "{error}");
    fs::remove_file(&file).expect("it is there");
    let running = spawned(xassume.args(flags).arg(&file), &["print-keys"]);
    assert_eq!(next_key(&running), *id);
    ended(running);
    assert!(!file.exists());
}

#[test]
fn a_source_that_stops_naming_an_expiry_is_a_failed_refresh() {
    let sts = FakeSts::start();
    let xassume = profile(&sts, PROCESS).file("answer", answer_of(&Identity::task(), Some(SHORT)));
    let answer = xassume.home().join("answer");
    let running = spawned(xassume.args(["--via", "file"]), &["print-keys"]);
    next_key(&running);
    fs::write(answer, answer_of(&Identity::user(), None)).expect("the home is ours");
    running.error_line("the source no longer says when its credentials expire");
    ended(running);
}

#[test]
fn an_mfa_session_with_a_command_that_prints_codes() {
    let sts = FakeSts::builder().lifetime(SHORT).mfa_codes(&["111111", "222222"]).start();
    let config = keys_of(&Identity::user()) + "mfa_serial = GAHT12345678\n";
    let command = "if test -e $HOME/asked; then echo 222222; else touch $HOME/asked; echo 111111; fi";
    let xassume = profile(&sts, &config).args(["--on-expiry", "restart", "--mfa-command", command]);
    let running = spawned(xassume, &["print-keys"]);
    let keys = [next_key(&running), next_key(&running)];
    let issued = sts.issued();
    assert_eq!(keys, [0, 1].map(|place| issued[place].access_key_id.clone()));
    ended(running);
}

//! Source credentials, each from a fake of the service that provides them.

mod container;
mod credential_process;
mod files;
mod github;
mod instance;
mod logins;
mod programs;
mod timeouts;
mod times;
mod token_command;
mod token_retries;
mod web_identity;

use crate::support::{Answer, FakeSts, Finished, Identity, Xassume, probe};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// Runs a command in the given environment, and asserts that it ran.
fn ran(xassume: Xassume) -> Finished {
    xassume.args(["-r", ROLE, "--"]).args(probe()).arg("environ").run().exited(0)
}

fn failed(xassume: Xassume) -> String {
    let finished = xassume.args(["-r", ROLE, "--"]).args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

fn signer(sts: &FakeSts) -> String {
    sts.requests()[0].access_key_id.clone().expect("a signed request")
}

#[test]
fn temporary_keys_in_the_environment() {
    let (sts, task) = (FakeSts::start(), Identity::task());
    ran(Xassume::new(&sts).with_keys_of(&task));
    assert_eq!(signer(&sts), task.access_key_id);
    assert_eq!(sts.requests()[0].session_token, task.session_token);
}

#[test]
fn the_credentials_file_and_the_config_file() {
    let user = Identity::user();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", user.access_key_id, user.secret_access_key);
    for (file, section, args) in [
        (".aws/credentials", "default", &[][..]),
        (".aws/credentials", "work", &["-p", "work"][..]),
        (".aws/config", "profile work", &["-p", "work"][..]),
    ] {
        let sts = FakeSts::start();
        ran(Xassume::new(&sts).without_keys().file(file, format!("[{section}]\n{keys}")).args(args));
        assert_eq!(signer(&sts), user.access_key_id, "{file} [{section}]");
    }
}

#[test]
fn without_any_source_the_searched_places_are_listed() {
    let sts = FakeSts::start();
    let error = failed(Xassume::new(&sts).without_keys());
    assert!(error.contains("no AWS credentials found"), "{error}");
}

#[test]
fn expired_source_credentials_are_reported() {
    let sts = FakeSts::start();
    sts.script([Answer::expired_token()]);
    let error = failed(Xassume::new(&sts));
    assert!(error.contains("ExpiredToken") && error.contains("log in again, or get new ones"), "{error}");
}

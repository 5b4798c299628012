//! Each refresh reads the source again, so rotated credentials are used.

use super::{ROLE, SHORT, key, next_start, number_in, one_refresh, probing, with_program_variables};
use crate::support::issuer::AUDIENCE;
use crate::support::log::PATIENCE;
use crate::support::processes::wait_until_stopped;
use crate::support::sys::wait_gone;
use crate::support::{Answer, FakeSso, FakeSts, Identity, Login, Running, Tokens, Xassume, write_login};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

fn section(identity: &Identity) -> String {
    let (key, secret) = (&identity.access_key_id, &identity.secret_access_key);
    format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
}

fn rotated() -> Identity {
    Identity::long_term("AKIAROTATED000000001", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYROTATEDKEY", "user/alice")
}

/// A restart, with a change between the two sessions. Returns the signers of the two requests.
fn signers(sts: &FakeSts, xassume: Xassume, between: impl FnOnce(&Running)) -> [Option<String>; 2] {
    let xassume =
        probing(with_program_variables(xassume).args(["-r", ROLE, "--on-expiry", "restart"]), &["print-keys"]).spawn();
    next_start(&xassume);
    between(&xassume);
    assert_eq!(next_start(&xassume).key, key(sts, 1));
    [0, 1].map(|place| sts.requests()[place].access_key_id.clone())
}

#[test]
fn rotated_keys_in_the_credentials_file() {
    let (sts, user, rotated) = (one_refresh(), Identity::user(), rotated());
    sts.add_identity(rotated.clone());
    let xassume = Xassume::new(&sts).without_keys().file(".aws/credentials", section(&user));
    let found = signers(&sts, xassume, |running| {
        sts.expire(&user.access_key_id);
        let file = running.sandbox().home().join(".aws/credentials");
        fs::write(file, section(&rotated)).expect("the home is ours");
    });
    assert_eq!(found, [user, rotated].map(|identity| Some(identity.access_key_id)));
}

#[test]
fn a_credential_process_is_run_again() {
    let (sts, user, rotated) = (one_refresh(), Identity::user(), rotated());
    sts.add_identity(rotated.clone());
    let answer = |identity: &Identity| {
        let (key, secret) = (&identity.access_key_id, &identity.secret_access_key);
        format!(r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{secret}"}}"#)
    };
    let xassume = Xassume::new(&sts).without_keys().file("answer", answer(&user));
    let config = "[default]\ncredential_process = cat $HOME/answer\n";
    let found = signers(&sts, xassume.file(".aws/config", config), |running| {
        fs::write(running.sandbox().home().join("answer"), answer(&rotated)).expect("the home is ours");
    });
    assert_eq!(found, [user, rotated].map(|identity| Some(identity.access_key_id)));
}

/// A `credential_process` that answers once, and then hangs until it is killed.
const ANSWERS_ONCE: &str =
    "test -e $HOME/asked && echo helper=$$ >&2 && trap '' TERM && exec sleep 60; touch $HOME/asked; cat $HOME/answer";

#[test]
fn a_credential_process_that_hangs_ends_with_the_run() {
    let sts = one_refresh();
    let user = Identity::user();
    let (key, secret) = (&user.access_key_id, &user.secret_access_key);
    let answer = format!(r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{secret}"}}"#);
    let world = || {
        let config = format!("[default]\ncredential_process = {ANSWERS_ONCE}\n");
        with_program_variables(Xassume::new(&sts)).without_keys().file("answer", &answer).file(".aws/config", config)
    };
    let flags = ["-r", ROLE, "--on-expiry", "restart"];
    let helper = |running: &Running| number_in(&running.error_line("helper="));

    let later = probing(world().args(flags), &["print-keys", "exit-on", "USR1", "then", "exit", "3"]).spawn();
    let early = probing(world().file("asked", "").args(flags), &["say", "ran"]).spawn();
    let process = helper(&early);
    early.signal(libc::SIGINT);
    early.wait().killed_by(libc::SIGINT);
    assert!(wait_gone(process, PATIENCE), "before there is a command");

    next_start(&later);
    let process = helper(&later);
    later.signal(libc::SIGUSR1);
    later.wait().exited(3);
    assert!(wait_gone(process, PATIENCE), "at a refresh");
}

/// At a refresh, the parent of the command is a child of xassume.
#[test]
fn a_token_command_that_stops_its_parent_ends_with_the_run() {
    let sts = one_refresh();
    let command = "test ! -e $HOME/asked && touch $HOME/asked && echo a.token || \
                   { sleep 60 & echo helper=$! >&2; echo parent=$PPID >&2; kill -STOP $PPID; wait; }";
    let xassume = with_program_variables(Xassume::new(&sts)).without_keys();
    let xassume = xassume.args(["--web-identity-token-command", command, "-r", ROLE, "--on-expiry", "restart"]);
    let running = probing(xassume, &["print-keys", "exit-on", "USR1", "then", "exit", "3"]).spawn();
    next_start(&running);
    let process = number_in(&running.error_line("helper="));
    wait_until_stopped(&[number_in(&running.error_line("parent="))]);
    running.signal(libc::SIGUSR1);
    running.wait().exited(3);
    assert!(wait_gone(process, PATIENCE), "the command runs on");
}

/// With a login of IAM Identity Center.
fn via_sso(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let config = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
                  [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";
    let xassume = Xassume::new(sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", config);
    write_login(&xassume.home(), "corp", Login::Valid);
    with_program_variables(xassume).args(["-p", "dev", "-r", ROLE, "--on-expiry", "restart"])
}

#[test]
fn a_source_that_hangs_is_a_failed_refresh_and_is_called_again() {
    let (sts, sso) = (one_refresh(), FakeSso::start());
    let xassume = probing(via_sso(&sts, &sso).args(["--sts-timeout", "2s"]), &["print-keys"]).spawn();
    next_start(&xassume);
    sso.hang();
    let failing = xassume.error_line("refresh failed (session ");
    let reason = "SSO of profile dev (Developer in account 222222222222) timed out after 2s";
    assert!(failing.contains(reason) && failing.contains("; retrying in "), "{failing}");
    xassume.error_line("hint: ");
    sso.recover();
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
}

#[test]
fn a_source_that_hangs_does_not_delay_the_stop_at_the_expiry() {
    let (sts, sso) = (one_refresh(), FakeSso::start());
    let stop = via_sso(&sts, &sso).args(["--sts-timeout", "10m", "--on-refresh-failure", "stop"]);
    let xassume = probing(stop, &["print-keys"]).spawn();
    next_start(&xassume);
    sso.hang();
    xassume.error_line("stopping the command: the session has expired and could not be refreshed");
    xassume.wait().exited(125).left_no_process();
}

#[test]
fn a_new_web_identity_token() {
    let sts = one_refresh();
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.before");
    let token = xassume.home().join("token");
    let xassume = xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", &token).env("AWS_ROLE_ARN", ROLE);
    let xassume = probing(with_program_variables(xassume).args(["--on-expiry", "restart"]), &["print-keys"]).spawn();
    next_start(&xassume);
    fs::write(&token, "token.of.after").expect("the home is ours");
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
    let tokens: Vec<_> =
        sts.requests().iter().map(|request| request.param("WebIdentityToken").map(str::to_owned)).collect();
    assert_eq!(tokens, ["token.of.before", "token.of.after"].map(|token| Some(token.to_owned())));
}

#[test]
fn restarts_with_tokens_that_live_for_two_seconds() {
    let tokens = Tokens::new().life(Duration::from_secs(2));
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).lifetime(Duration::from_secs(5)).start();
    let xassume = with_program_variables(Xassume::new(&sts)).without_keys();
    let command = tokens.command(&xassume.home().join("tokens"));
    let xassume = xassume.args(["-r", ROLE, "--on-expiry", "restart", "--web-identity-token-command", &command]);
    let xassume = probing(xassume, &["print-keys"]).spawn();
    let keys: Vec<String> = (0..6).map(|_| next_start(&xassume).key).collect();
    assert_eq!(keys, (0..6).map(|place| key(&sts, place)).collect::<Vec<_>>());
    let tokens = sts.web_identity_tokens();
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len(), "a token was sent twice");
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn every_hop_of_a_chain_is_assumed_again() {
    let sts = FakeSts::builder().script([Answer::Ok, Answer::Lifetime(SHORT)]).start();
    let (first, second) = ("arn:aws:iam::111111111111:role/First", "arn:aws:iam::111111111111:role/Second");
    let xassume =
        with_program_variables(Xassume::new(&sts)).args(["-r", first, "-r", second, "--on-expiry", "restart"]);
    let xassume = probing(xassume, &["print-keys"]).spawn();
    assert_eq!([next_start(&xassume).key, next_start(&xassume).key], [key(&sts, 1), key(&sts, 3)]);
    let roles: Vec<_> = sts.requests().iter().map(|request| request.param("RoleArn").map(str::to_owned)).collect();
    assert_eq!(roles, [first, second, first, second].map(|role| Some(role.to_owned())));
}

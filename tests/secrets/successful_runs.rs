//! Successful runs of every kind: searched during the call to STS, while the command runs, and afterwards.

use super::search::Secrets;
use super::{ROLE, user, xassume};
use crate::support::github::REQUEST_TOKEN;
use crate::support::{
    Answer, FakeContainer, FakeGitHub, FakeImds, FakeSignIn, FakeSso, FakeSts, Identity, LOGIN_SESSION, Login, Running,
    Xassume, probe, write_login, write_sign_in,
};
use std::path::PathBuf;
use std::time::Duration;

const FORMATS: [&str; 2] = ["text", "json"];

fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// Waits until STS gets the request with that index, searches all processes, and lets STS answer.
fn search_and_release(sts: &FakeSts, place: usize, running: &Running, secrets: &Secrets) {
    sts.wait_for_requests(place + 1);
    secrets.assert_absent_from_processes(running);
    sts.release();
}

/// A run in exec mode: searched during the call to STS, then its output and its files.
#[track_caller]
fn search_exec_run(sts: &FakeSts, world: &Xassume, mut secrets: Secrets, sources: &[&str]) {
    for format in FORMATS {
        sts.script([Answer::Held]);
        let world = world.clone().args(["--log-format", format]);
        let asked = sts.requests().len();
        let running = probing(world.clone(), &["env", "AWS_ACCESS_KEY_ID"]).spawn();
        // The environment contains the user's own source credentials.
        let mut argv = Secrets::default();
        argv.add("none", "a mark that is nowhere");
        search_and_release(sts, asked, &running, &argv);
        let finished = running.wait().exited(0);
        secrets.add_issued(sts);
        secrets.assert_absent("standard error", finished.stderr.as_bytes());
        secrets.assert_absent("standard output", &finished.stdout);
        assert!(finished.stderr.lines().count() > 2, "it logs its steps: {}", finished.stderr);
        let mut files = secrets.files_with_any(&world.home());
        files.retain(|file| !sources.iter().any(|source| file.ends_with(source)));
        assert_eq!(files, Vec::<PathBuf>::new());
        let kept = secrets.files_with_any(world.sandbox().runtime().as_path());
        assert!(kept.iter().all(|file| file.extension().is_some_and(|kind| kind == "session")), "{kept:?}");
        assert!(!kept.is_empty(), "the cache contains the session");
        let listed = world.clone().without_args().arg("--list-sessions").run().exited(0);
        secrets.assert_absent("the list of sessions", &listed.stdout);
        assert!(!listed.stdout.is_empty(), "there is a session");
        world.without_args().arg("--clear-cache").run().exited(0);
    }
}

#[test]
fn exec_run() {
    let sts = FakeSts::start();
    let mut secrets = Secrets::default();
    secrets.add_identity(&user());
    search_exec_run(&sts, &xassume(&sts), secrets.clone(), &[]);
    // Each role of a chain has its own session.
    search_exec_run(&sts, &xassume(&sts).args(["-r", "222222222222:Next", "-r", "333333333333:Last"]), secrets, &[]);
}

#[test]
fn sources_with_tokens() {
    let (sts, imds, container, sso) = (FakeSts::start(), FakeImds::start(), FakeContainer::start(), FakeSso::start());
    let world = || xassume(&sts).without_keys();
    let mut secrets = Secrets::default();
    secrets.add_identity(&Identity::instance());
    search_exec_run(&sts, &world().with_metadata_at(&imds.url()), secrets, &[]);

    container.set_token(Some("Bearer sentinel.of.the+container/endpoint"));
    let mut secrets = Secrets::default();
    secrets.add_identity(&Identity::task());
    secrets.add("the container's token", "sentinel.of.the+container/endpoint");
    let by_container = world()
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container.token_file());
    search_exec_run(&sts, &by_container, secrets, &[]);

    let mut secrets = Secrets::default();
    secrets.add("the OIDC token", "sentinel.of.the+identity/provider");
    let by_token = world().file("token", "sentinel.of.the+identity/provider\n");
    std::fs::set_permissions(by_token.home().join("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a mode");
    let token = by_token.home().join("token");
    search_exec_run(&sts, &by_token.env("AWS_WEB_IDENTITY_TOKEN_FILE", token), secrets, &["token"]);

    let mut secrets = Secrets::default();
    secrets.add("the command's OIDC token", "sentinel.of.the+token/command");
    let by_command = world().file("printed", "sentinel.of.the+token/command\n");
    std::fs::set_permissions(by_command.home().join("printed"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a mode");
    let command = ["--web-identity-token-command", "cat $HOME/printed"];
    search_exec_run(&sts, &by_command.args(command), secrets, &["printed"]);

    let mut secrets = Secrets::default();
    secrets.add("the OIDC token of GitHub Actions", "sentinel.of-the_token.service");
    secrets.add("the request token", REQUEST_TOKEN);
    let github = FakeGitHub::of(None, |_, _| "sentinel.of-the_token.service".into());
    let in_job = github.job(world()).args(["--web-identity-provider", "github"]);
    search_exec_run(&sts, &in_job, secrets, &[]);

    let mut secrets = Secrets::default();
    secrets.add_identity(&Identity::sso());
    secrets.add("the SSO token", "aoaAAAAAGVtSSOTOKEN0123456789");
    let config = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
                  [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";
    let by_login = world().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", config).args(["-p", "dev"]);
    let login = write_login(&by_login.home(), "corp", Login::Valid);
    std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    let name = login.file_name().and_then(std::ffi::OsStr::to_str).expect("a name");
    search_exec_run(&sts, &by_login, secrets, &[name]);

    let mut secrets = Secrets::default();
    secrets.add_identity(&Identity::login());
    secrets.add_identity(&Identity::login_refreshed());
    secrets.add("the refresh token", "REFRESHTOKEN0000001");
    let sign_in = FakeSignIn::start();
    let config = format!("[profile dev]\nlogin_session = {LOGIN_SESSION}\nregion = us-east-1\n");
    let by_sign_in = world().env("AWS_ENDPOINT_URL_SIGNIN", sign_in.url()).file(".aws/config", config);
    let login = write_sign_in(&by_sign_in.home(), LOGIN_SESSION, Duration::ZERO);
    std::fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    let name = login.file_name().and_then(std::ffi::OsStr::to_str).expect("a name");
    search_exec_run(&sts, &by_sign_in.args(["-p", "dev"]), secrets, &[name]);
}

#[test]
fn codes() {
    let world = |sts: &FakeSts| {
        sts.add_mfa_code("735196");
        sts.add_mfa_code("735196");
        xassume(sts).args(["--mfa-serial", "arn:aws:iam::222222222222:mfa/sentinel"])
    };
    let mut secrets = Secrets::default();
    secrets.add_identity(&user());
    secrets.add("the code", "735196");
    let sts = FakeSts::start();
    search_exec_run(&sts, &world(&sts).args(["--mfa-token", "735196"]), secrets.clone(), &[]);
    let sts = FakeSts::start();
    search_exec_run(&sts, &world(&sts).args(["--mfa-token", "-"]).stdin("735196\n"), secrets.clone(), &[]);
    let sts = FakeSts::start();
    let by_command = world(&sts).file("code", "735196").args(["--mfa-command", "cat $HOME/code"]);
    std::fs::set_permissions(by_command.home().join("code"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a mode");
    search_exec_run(&sts, &by_command, secrets, &["code"]);
}

/// A supervised run with a refresh. Its own processes must have no session in their arguments or environment.
#[test]
fn supervised_run() {
    let flag_sets = [
        &["--on-expiry", "restart"][..],
        &["--on-expiry", "signal"],
        &["--via", "file", "--credentials-file", "../home/credentials"],
        &["--via", "endpoint"],
        &["--via", "process"],
    ];
    let all = flag_sets.into_iter().flat_map(|flags| FORMATS.map(|format| (flags, format)));
    let running: Vec<_> = all
        .map(|(flags, format)| {
            let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2)), Answer::Held]).start();
            let world = xassume(&sts).args(flags).args(["--log-format", format]).env("XASSUME_NO_CACHE", "true");
            let verbs = ["env", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "then", "print-signals"];
            (flags, sts, probing(world.clone(), &verbs).spawn(), world)
        })
        .collect();
    for (flags, sts, running, world) in running {
        let mut secrets = Secrets::default();
        let token = running.line("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        if let Some((_, token)) = token.split_once('=') {
            secrets.add("the endpoint's token", token);
        }
        running.line("ready");
        secrets.add_issued(&sts);
        search_and_release(&sts, 1, &running, &secrets);
        running.error_line("refreshed: ");
        secrets.add_issued(&sts);
        secrets.assert_absent_from_processes(&running);
        secrets.add_identity(&user());
        let root = world.home().parent().expect("a sandbox").to_owned();
        let files = secrets.files_with_any(&root);
        let expected = usize::from(flags.contains(&"file") || flags.contains(&"signal"));
        assert_eq!(files.len(), expected, "{flags:?}: {files:?}");
        assert!(files.iter().all(|file| file.ends_with("credentials")), "{files:?}");
        running.signal(libc::SIGTERM);
        let finished = running.wait();
        secrets.assert_absent("standard error", finished.stderr.as_bytes());
        assert!(finished.stderr.lines().count() > 5, "{}", finished.stderr);
        assert_eq!(secrets.files_with_any(&root), Vec::<PathBuf>::new(), "{flags:?}: nothing stays");
    }
}

/// A supervised run whose refresh runs a command for a new token: the tokens are only in the files of the test.
#[test]
fn supervised_run_with_a_token_command() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2)), Answer::Held]).start();
    let (first, second) = ("first+sentinel/of.the.token.command", "second+sentinel/of.the.token.command");
    let world = xassume(&sts).without_keys().file("token.1", first).file("token.2", second).args(["--via", "endpoint"]);
    for token in ["token.1", "token.2"] {
        std::fs::set_permissions(world.home().join(token), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
    }
    let command = "echo >>$HOME/runs; cat $HOME/token.$(wc -l <$HOME/runs)";
    let world = world.args(["--web-identity-token-command", command]);
    let mut secrets = Secrets::default();
    secrets.add("the first token", first);
    secrets.add("the second token", second);
    let running = probing(world.clone(), &["print-signals"]).spawn();
    running.line("ready");
    search_and_release(&sts, 1, &running, &secrets);
    running.error_line("refreshed: ");
    secrets.assert_absent_from_processes(&running);
    let root = world.home().parent().expect("a sandbox").to_owned();
    let files = secrets.files_with_any(&root);
    assert!(files.iter().all(|file| file.ends_with("token.1") || file.ends_with("token.2")), "{files:?}");
    running.signal(libc::SIGTERM);
    secrets.assert_absent("standard error", running.wait().stderr.as_bytes());
    let tokens: Vec<_> = sts.requests().iter().map(|r| r.param("WebIdentityToken").map(str::to_owned)).collect();
    assert_eq!(tokens, [first, second].map(|token| Some(token.to_owned())));
}

/// The programs that xassume runs, and xassume itself while they run.
#[test]
fn helper_programs_get_no_secret_in_their_arguments() {
    let sts = FakeSts::start();
    let Identity { access_key_id, secret_access_key, .. } = user();
    let answer = format!(r#"{{"Version":1,"AccessKeyId":"{access_key_id}","SecretAccessKey":"{secret_access_key}"}}"#);
    let config =
        "[default]\ncredential_process = cat /proc/$PPID/cmdline /proc/$$/cmdline >$HOME/seen; cat $HOME/answer\n";
    let world = xassume(&sts).without_keys().file("answer", answer).file(".aws/config", config);
    probing(world.clone(), &["say", "ran"]).run().exited(0);
    let mut secrets = Secrets::default();
    secrets.add_identity(&user());
    secrets.add_issued(&sts);
    let seen = std::fs::read(world.home().join("seen")).expect("the helper wrote it");
    assert!(seen.windows(ROLE.len()).any(|words| words == ROLE.as_bytes()), "it did look");
    secrets.assert_absent("the command lines", &seen);
}

//! Files of a source: xassume reads at most a limited size, or reports the file in one line.

use super::logins::{SSO, logged_in, signed_in};
use super::{failed, ran};
use crate::support::service::Service;
use crate::support::{
    FakeContainer, FakeSignIn, FakeSso, FakeSts, LOGIN_SESSION, Login, Xassume, binary, skipped_without_root,
    write_login, write_sign_in,
};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

type Prepare = fn(&Path);

/// What can be at the path of a file, and the error for it.
const ODD: [(&str, Prepare); 4] = [
    ("it is a FIFO, not a regular file", |path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    }),
    ("it is a device, not a regular file", |path| symlink("/dev/zero", path).expect("a link")),
    ("it is a directory, not a regular file", |path| fs::create_dir(path).expect("a directory")),
    ("larger than ", |path| File::create(path).and_then(|file| file.set_len(1 << 30)).expect("a large file")),
];

/// Puts each of these at the path, and asserts that the error names the path and its origin.
fn errors_name_the_path(xassume: &Xassume, path: &Path, line: &str, named_by: &str) {
    for (reason, put) in ODD {
        let _ = fs::remove_file(path);
        put(path);
        let error = failed(xassume.clone()).replace("\n  ", " ");
        let path = path.display();
        let begins = format!("xassume: error: {line} {path} (from {named_by}): {reason}");
        assert!(error.starts_with(&begins), "{error}");
        let _ = fs::remove_file(path.to_string()).or_else(|_| fs::remove_dir(path.to_string()));
    }
}

#[test]
fn the_token_file_of_a_container() {
    const NAME: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let xassume = Xassume::new(&sts).without_keys().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
    let path = xassume.home().join("token");
    let xassume = xassume.env(NAME, &path);
    errors_name_the_path(&xassume, &path, "container token file", NAME);
    for (contents, reason) in [
        (None, "No such file or directory"),
        (Some(""), "the file is empty"),
        (Some("token\n"), "the file contains a line break or another character that is not allowed in an HTTP header"),
    ] {
        if let Some(contents) = contents {
            fs::write(&path, contents).expect("the home is writable");
        }
        let error = failed(xassume.clone()).replace("\n  ", " ");
        let path = path.display();
        let line = format!("xassume: error: container token file {path} (from {NAME}): {reason}\n");
        let hint = format!("hint: {NAME} must point to a readable file with only the token, without a line break\n");
        assert_eq!(error, line + &hint);
    }
    assert_eq!((container.requests().len(), sts.requests().len()), (0, 0));
}

#[test]
fn the_file_of_a_login_to_iam_identity_center() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    for (config, identifier) in [(SSO, "corp"), (WITHOUT_SESSION, "https://corp.awsapps.example/start")] {
        let xassume = Xassume::new(&sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url());
        let xassume = xassume.file(".aws/config", config).args(["-p", "dev"]);
        let path = write_login(&xassume.home(), identifier, Login::Valid);
        errors_name_the_path(&xassume, &path, "login file", "profile 'dev'");
        for (contents, reason) in [
            ("", "the file is not JSON"),
            ("[]", "the file is not JSON"),
            ("{}", "expiresAt is missing"),
            (r#"{"expiresAt":"soon"}"#, "expiresAt is not a valid RFC 3339 time"),
        ] {
            fs::write(&path, contents).expect("the home is writable");
            let error = failed(xassume.clone()).replace("\n  ", " ");
            let line = format!("login file {} (from profile 'dev'): {reason}\n", path.display());
            assert!(error.contains(&line), "{error}");
        }
    }
    assert_eq!((sso.requests().len(), sts.requests().len()), (0, 0));
}

const WITHOUT_SESSION: &str = "[profile dev]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n\
    sso_account_id = 222222222222\nsso_role_name = Developer\n";

#[test]
fn a_login_without_a_session_is_found_by_its_start_url() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = Xassume::new(&sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url());
    let xassume = xassume.file(".aws/config", WITHOUT_SESSION).args(["-p", "dev"]);
    write_login(&xassume.home(), "https://corp.awsapps.example/start", Login::Valid);
    ran(xassume);
    assert_eq!(sso.requests().len(), 1);
}

#[test]
fn the_file_of_a_login_to_the_console() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::from_mins(10));
    let path = write_sign_in(&xassume.home(), LOGIN_SESSION, Duration::from_mins(10));
    errors_name_the_path(&xassume, &path, "login file", "profile 'dev'");
    let elsewhere = xassume.home().join("elsewhere");
    fs::create_dir(&elsewhere).expect("the home is writable");
    write_sign_in(&xassume.home(), LOGIN_SESSION, Duration::from_mins(10));
    fs::rename(&path, elsewhere.join(path.file_name().expect("a name"))).expect("the home is writable");
    let error = failed(xassume.clone());
    assert!(error.contains("has expired or was never started"), "{error}");
    ran(xassume.env("AWS_LOGIN_CACHE_DIRECTORY", &elsewhere));
    assert_eq!(sign_in.requests().len(), 0);
}

/// The names of all files in the directory of a login.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.parent().expect("a directory")).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_refreshed_login_replaces_the_old_one_and_keeps_foreign_keys() {
    let (sts, sso, sign_in) = (FakeSts::start(), FakeSso::start(), FakeSignIn::start());
    let corp = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    let console = signed_in(&sts, &sign_in, Duration::ZERO);
    let logins = [
        (write_login(&corp.home(), "corp", Login::Refreshable), corp),
        (write_sign_in(&console.home(), LOGIN_SESSION, Duration::ZERO), console),
    ];
    for (path, xassume) in logins {
        let mut login: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a login")).expect("JSON");
        let before = login.clone();
        login["ofAnotherTool"] = "kept".into();
        let target = path.with_extension("target");
        fs::write(&target, login.to_string()).expect("the home is writable");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).expect("ours");
        fs::remove_file(&path).expect("the home is writable");
        symlink(&target, &path).expect("a link");
        ran(xassume.clone());
        let after: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a login")).expect("JSON");
        assert_eq!(after["ofAnotherTool"], "kept");
        assert_ne!(after["refreshToken"], before["refreshToken"]);
        assert!(fs::symlink_metadata(&path).expect("there").is_symlink(), "the target of the link is replaced");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(siblings(&path).len(), 2, "{:?}", siblings(&path));
    }
}

#[test]
fn a_refreshed_login_is_written_despite_a_killed_runs_temporary_file() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let corp = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    let path = write_login(&corp.home(), "corp", Login::Refreshable);
    let args: Vec<_> = corp.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    // xassume has the process ID of this shell.
    let script = ": >\"$LOGIN.$$\" && exec \"$0\" \"$@\"";
    let corp = corp.without_args().env("LOGIN", &path).program("sh").args(["-c", script]).arg(binary()).args(args);
    let shown = corp.clone().args(["-r", super::ROLE, "--", "true"]).run().exited(0);
    assert_eq!(shown.stderr, "");
    assert!(fs::read_to_string(&path).expect("a login").contains("another"), "it is kept");
}

/// A user without any other files or processes.
const OTHER: u32 = 61_234;

#[test]
fn a_login_that_root_refreshes_still_belongs_to_its_user() {
    if !nix::unistd::geteuid().is_root() {
        return skipped_without_root("only root can write another user's login");
    }
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let corp = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    let path = write_login(&corp.home(), "corp", Login::Refreshable);
    chown(&path, Some(OTHER), Some(OTHER)).expect("root gives it away");
    ran(corp.clone());
    let found = fs::metadata(&path).expect("there");
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (OTHER, OTHER, 0o600));
    assert!(fs::read_to_string(&path).expect("a login").contains("another"), "it is kept");
}

#[test]
fn concurrent_runs_refresh_a_login_once() {
    let (sts, sso, sign_in) = (FakeSts::start(), FakeSso::start(), FakeSignIn::start());
    let corp = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    write_login(&corp.home(), "corp", Login::Refreshable);
    let console = signed_in(&sts, &sign_in, Duration::ZERO);
    for (world, asked) in [(corp, &sso as &Service), (console, &sign_in)] {
        asked.delay(Duration::from_millis(500));
        let role = |number: usize| format!("arn:aws:iam::111111111111:role/R{number}");
        let start = |number| world.clone().args(["-r", &role(number), "--", "true"]).spawn();
        let runs: Vec<_> = (0..4).map(start).collect();
        for run in runs {
            run.wait().exited(0);
        }
        let refreshes = asked.requests().iter().filter(|request| request.method == "POST").count();
        assert_eq!(refreshes, 1);
    }
}

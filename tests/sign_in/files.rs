//! The files in the cache that the AWS CLI and the SDKs share.

use super::{CONFIG, agree, expired, never_signed_in, saying, signs_in};
use crate::support::{
    FakeSso, FakeSts, NEW_REFRESH_TOKEN, Terminal, Xassume, skipped, skipped_without_root, write_end,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// SHA-1 of `corp`.
const TOKEN_FILE: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
/// SHA-1 of `{"region": "us-east-1", "scopes": null, "session_name": "corp", "startUrl":
/// "https://corp.awsapps.example/start", "tool": "botocore"}`.
const REGISTRATION_FILE: &str = "0ab30f9b714078c1dd17ee345832ad2c1104a49d.json";

fn cache(xassume: &Xassume) -> PathBuf {
    xassume.home().join(".aws/sso/cache")
}

fn read(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The names of the files in the cache, and their modes.
fn modes(xassume: &Xassume) -> BTreeMap<String, u32> {
    let entries = fs::read_dir(cache(xassume)).expect("a directory").map(|entry| entry.expect("an entry"));
    let mode = |entry: &fs::DirEntry| entry.metadata().expect("its status").permissions().mode() & 0o777;
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), mode(&entry))).collect()
}

#[test]
fn the_token_has_the_form_of_the_aws_cli_and_is_private() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    signs_in(xassume.clone());
    let token = read(&cache(&xassume).join(TOKEN_FILE));
    let keys: Vec<&String> = token.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "accessToken",
            "clientId",
            "clientSecret",
            "expiresAt",
            "refreshToken",
            "region",
            "registrationExpiresAt",
            "startUrl"
        ]
    );
    assert_eq!(token["startUrl"], "https://corp.awsapps.example/start");
    assert_eq!((&token["region"], &token["refreshToken"]), (&json!("us-east-1"), &json!(NEW_REFRESH_TOKEN)));
    for key in ["expiresAt", "registrationExpiresAt"] {
        let time = token[key].as_str().expect("text");
        // The AWS CLI writes whole seconds and `Z`.
        assert!(time.len() == 20 && time.ends_with('Z'), "{key}: {time}");
    }
    let registration = read(&cache(&xassume).join(REGISTRATION_FILE));
    let stored = json!({
        "clientId": token["clientId"],
        "clientSecret": token["clientSecret"],
        "expiresAt": token["registrationExpiresAt"],
    });
    assert_eq!(registration, stored);
    let lock = TOKEN_FILE.replace(".json", ".lock");
    let expected = [TOKEN_FILE, REGISTRATION_FILE, &lock].map(|name| (name.to_owned(), 0o600));
    assert_eq!(modes(&xassume), BTreeMap::from(expected));
    for directory in [".aws/sso", ".aws/sso/cache"].map(|path| xassume.home().join(path)) {
        let mode = fs::metadata(&directory).expect("a directory").permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", directory.display());
    }
}

#[test]
fn keys_of_other_programs_and_a_link_are_kept_and_an_old_refresh_token_is_not() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let config = CONFIG.replace("[sso-session corp]", "[sso-session corp]\nsso_registration_scopes = other:scope");
    let xassume = expired(&sts, &sso).file(".aws/config", config);
    let (path, target) = (cache(&xassume).join(TOKEN_FILE), xassume.home().join("token"));
    let mut document = read(&path);
    document["future"] = json!({"a": [1, "b"]});
    document["refreshToken"] = "of another sign-in".into();
    fs::write(&target, document.to_string()).expect("the home is writable");
    fs::remove_file(&path).expect("the home is writable");
    symlink(&target, &path).expect("the home is writable");
    signs_in(xassume.clone());
    assert!(path.is_symlink());
    let token = read(&target);
    assert_eq!(token["future"], document["future"]);
    assert_eq!(token.get("refreshToken"), None, "the scopes do not include refreshes");
    assert_ne!(token["accessToken"], Value::Null);
    let asked: Value = serde_json::from_slice(&sso.requests()[0].body).expect("JSON");
    assert_eq!(asked, json!({"clientName": "xassume-corp", "clientType": "public", "scopes": ["other:scope"]}));
}

#[test]
fn a_registration_is_used_again_until_it_expires_soon_or_is_unknown() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    let registrations = || sso.paths().iter().filter(|path| *path == "/client/register").count();
    let sign_in_again = || {
        write_end(&cache(&xassume).join(TOKEN_FILE), &["expiresAt"], "2020-01-01T00:00:00Z");
        let token = cache(&xassume).join(TOKEN_FILE);
        let mut document = read(&token);
        document["refreshToken"] = Value::Null;
        fs::write(token, document.to_string()).expect("the home is writable");
        signs_in(xassume.clone().arg("--no-cache"));
    };
    signs_in(xassume.clone());
    sign_in_again();
    assert_eq!(registrations(), 1);

    let registration = cache(&xassume).join(REGISTRATION_FILE);
    // It expires in less than a quarter of an hour.
    sso.set_registered_for(Duration::from_mins(14));
    sso.forget_clients();
    sign_in_again();
    assert_eq!(registrations(), 2, "the service had forgotten it");
    sso.set_registered_for(Duration::from_hours(24));
    sign_in_again();
    assert_eq!(registrations(), 3, "it expires soon");
    sign_in_again();
    assert_eq!(registrations(), 3);

    for (key, value) in [("grantTypes", json!(["authorization_code", "refresh_token"])), ("clientSecret", json!(7))] {
        let mut document = read(&registration);
        document[key] = value;
        fs::write(&registration, document.to_string()).expect("the home is writable");
        let before = registrations();
        sign_in_again();
        assert_eq!(registrations(), before + 1, "{key}");
    }
    fs::write(&registration, "<html>").expect("the home is writable");
    sign_in_again();
    assert_eq!(read(&registration)["clientId"], read(&cache(&xassume).join(TOKEN_FILE))["clientId"]);
}

#[test]
fn a_refresh_of_the_new_token_uses_its_registration() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    signs_in(xassume.clone());
    write_end(&cache(&xassume).join(TOKEN_FILE), &["expiresAt"], "2020-01-01T00:00:00Z");
    saying(xassume.arg("--no-cache")).run();
    let refresh: Value = serde_json::from_slice(&sso.requests().last().expect("a request").body).expect("JSON");
    let expected = json!({
        "clientId": "client-1",
        "clientSecret": "secret-of-client-1",
        "grantType": "refresh_token",
        "refreshToken": NEW_REFRESH_TOKEN,
    });
    assert_eq!(refresh, expected);
}

/// As with `sudo -E`.
#[test]
fn new_files_in_the_home_of_another_user_belong_to_that_user() {
    const OTHER: u32 = 12_345;
    if !nix::unistd::geteuid().is_root() {
        return skipped_without_root("only root can sign another user in");
    }
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    chown(xassume.home().join(".aws"), Some(OTHER), Some(OTHER)).expect("root gives it away");
    signs_in(xassume.clone());
    let entries = fs::read_dir(cache(&xassume)).expect("a directory").map(|entry| entry.expect("an entry").path());
    let paths: Vec<PathBuf> = entries.chain([xassume.home().join(".aws/sso"), cache(&xassume)]).collect();
    assert_eq!(paths.len(), 5, "{paths:?}");
    for path in paths {
        let found = fs::metadata(&path).expect("its status");
        assert_eq!((found.uid(), found.gid()), (OTHER, OTHER), "{}", path.display());
    }
}

#[test]
fn a_file_of_root_that_is_linked_in_place_of_the_lock_is_not_given_away() {
    if !nix::unistd::geteuid().is_root() {
        return skipped_without_root("only root can sign another user in");
    }
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso).file("of-root", "");
    let file = xassume.home().join("of-root");
    fs::hard_link(&file, cache(&xassume).join(TOKEN_FILE.replace(".json", ".lock"))).expect("the home is writable");
    chown(cache(&xassume), Some(12_345), Some(12_345)).expect("root gives it away");
    signs_in(xassume.clone());
    assert_eq!(fs::metadata(file).expect("its status").uid(), 0);
}

#[test]
fn a_directory_that_cannot_be_written_is_reported_before_the_question() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso).file(".aws/sso", "a file");
    let shown = Terminal::of_columns(&saying(xassume), 400).wait().exited(125).stdout_text();
    let reason = "cannot sign in to IAM Identity Center (profile 'dev'): cannot write ";
    assert!(shown.contains(reason) && shown.contains("Not a directory"), "{shown}");
    assert!(!shown.contains("[Y/n]"), "{shown}");
}

#[test]
fn a_read_only_directory_with_a_lock_is_reported_before_the_question() {
    if nix::unistd::geteuid().is_root() {
        return skipped("root can write in each directory");
    }
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let lock = format!(".aws/sso/cache/{}", TOKEN_FILE.replace(".json", ".lock"));
    let xassume = expired(&sts, &sso).file(lock, "");
    fs::set_permissions(cache(&xassume), Permissions::from_mode(0o500)).expect("it is ours");
    let shown = Terminal::of_columns(&saying(xassume.clone()), 400).wait().exited(125).stdout_text();
    fs::set_permissions(cache(&xassume), Permissions::from_mode(0o700)).expect("it is ours");
    assert!(shown.contains("cannot write ") && shown.contains("Permission denied"), "{shown}");
    assert!(!shown.contains("[Y/n]"), "{shown}");
}

#[test]
fn temporary_files_of_killed_runs_are_removed() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso);
    let file = |extension: &str, age: u64| {
        let path = cache(&xassume).join(TOKEN_FILE).with_extension(extension);
        let made = fs::File::create(&path).expect("the home is writable");
        made.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("it is ours");
        path
    };
    let digits = "0123456789abcdef0123456789abcde";
    let old = file(&format!("json.{digits}f"), 90);
    let kept = [file(&format!("json.{digits}0"), 0), file(&format!("json.{digits}"), 90), file("json.bak", 90)];
    signs_in(xassume.clone());
    assert!(!old.exists());
    assert!(kept.iter().all(|path| path.exists()));
}

#[test]
fn a_fifo_in_place_of_the_lock_or_the_registration_does_not_block() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso);
    let fifo = |name: &str| {
        let path = cache(&xassume).join(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("the home is writable");
        path
    };
    fifo(REGISTRATION_FILE);
    let lock = fifo(&TOKEN_FILE.replace(".json", ".lock"));
    let shown = Terminal::of_columns(&saying(xassume.clone()), 400).wait().exited(125).stdout_text();
    assert!(shown.contains(&format!("cannot write {}: ", lock.display())) && !shown.contains("[Y/n]"), "{shown}");
    fs::remove_file(lock).expect("the home is writable");
    let terminal = Terminal::run(&saying(xassume.clone()));
    agree(&terminal);
    terminal.wait().exited(0);
    assert_eq!(read(&cache(&xassume).join(REGISTRATION_FILE))["clientId"], "client-1");
}

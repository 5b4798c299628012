//! `--list-sessions`, and the files of other versions of the format.

use super::{MINUTE, directory, key_id, ran, xassume};
use crate::support::{Answer, FakeSts, Finished, Identity, Xassume};
use std::fs::{self, FileTimes};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const CONFIG: &str = "[profile production]\nrole_arn = arn:aws:iam::222222222222:role/team/Deploy\n\
    role_session_name = build-7\ncredential_source = Environment\n";

fn list(xassume: &Xassume) -> Finished {
    xassume.clone().without_args().arg("--list-sessions").run().exited(0)
}

/// The rows of the table, without the head. The last cell is the time left.
fn rows(listed: &Finished) -> Vec<Vec<String>> {
    let text = listed.stdout_text();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().map(|head| head.split_whitespace().collect()),
        Some(vec!["LABEL", "ACCOUNT", "ROLE", "SESSION", "LEFT"])
    );
    lines
        .map(|line| line.split("  ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect())
        .collect()
}

#[test]
fn an_empty_cache_is_a_message_and_no_error() {
    let sts = FakeSts::start();
    let base = xassume(&sts);
    for base in [base.clone(), base.clone().env_remove("XDG_RUNTIME_DIR").env_remove("HOME"), base.env("HOME", "/proc")]
    {
        let listed = list(&base);
        assert_eq!(
            (listed.stdout_text().as_str(), listed.stderr.as_str()),
            ("", "xassume: there are no cached sessions\n")
        );
        assert_eq!(base.clone().without_args().args(["--list-sessions", "-q"]).run().exited(0).stderr, "");
        let json = base.clone().without_args().args(["--list-sessions", "--log-format", "json"]).run().exited(0);
        assert_eq!(json.stdout_text(), "{\"sessions\":[]}\n");
        let event: serde_json::Value = serde_json::from_str(&json.stderr).expect("JSON");
        assert_eq!([&event["event"], &event["level"]], ["cache_empty", "notice"]);
    }
}

#[test]
fn each_session_is_listed_once_sorted_and_without_a_secret() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let base = Xassume::new(&sts).file(".aws/config", CONFIG);
    let device = "arn:aws:iam::111111111111:mfa/alice";
    ran(&base.clone().args(["-p", "production"]));
    ran(&base.clone().args(["-r", "333333333333:Zed", "--role-session-name", "me"]));
    ran(&base.clone().args([
        "-r",
        super::ROLE,
        "--role-session-name",
        "one",
        "--mfa-serial",
        device,
        "--mfa-token",
        "314159",
    ]));
    let second = ran(&base.clone().args(["-r", super::ROLE, "--role-session-name", "two"]));
    let listed = list(&base);
    assert_eq!(listed.stderr, "");
    let expected = [
        ["111111111111:R", "111111111111", "R", "one"],
        ["111111111111:R", "111111111111", "R", "two"],
        ["333333333333:Zed", "333333333333", "Zed", "me"],
        ["mfa/alice", "111111111111", "-", "-"],
        ["production", "222222222222", "Deploy", "build-7"],
    ];
    let found = rows(&listed);
    assert_eq!(found.iter().map(|row| &row[..4]).collect::<Vec<_>>(), expected, "{}", listed.stdout_text());
    for row in found {
        let left = humantime::parse_duration(&row[4]).expect("a duration");
        assert!(left > 58 * MINUTE && left <= 12 * 60 * MINUTE, "{row:?}");
    }
    let document = base.clone().without_args().args(["--list-sessions", "--log-format", "json"]).run().exited(0);
    let sessions: serde_json::Value = serde_json::from_str(&document.stdout_text()).expect("JSON");
    let sessions = sessions["sessions"].as_array().expect("a list").clone();
    for (session, [label, account, role, name]) in sessions.iter().zip(expected) {
        let text = |key: &str| session[key].as_str().unwrap_or("-").to_owned();
        assert_eq!(
            [text("label"), text("account"), text("role_name"), text("session_name")],
            [label, account, role, name]
        );
        assert!(session["left"].as_u64().is_some_and(|left| left > 0));
        assert!(humantime::parse_rfc3339(&text("expiration")).is_ok(), "{session}");
    }
    assert_eq!(sessions.len(), expected.len());
    let user = Identity::user();
    for secret in sts
        .issued()
        .iter()
        .flat_map(|issued| [&issued.access_key_id, &issued.secret_access_key, &issued.session_token])
        .chain([&user.access_key_id])
    {
        assert!(!listed.stdout_text().contains(secret.as_str()) && !document.stdout_text().contains(secret.as_str()));
    }
    // Listing changes nothing.
    let again = base.args(["-r", super::ROLE, "--role-session-name", "two"]);
    assert_eq!(key_id(&ran(&again)), key_id(&second));
}

#[test]
fn both_default_directories_are_listed_or_only_the_one_that_is_set() {
    let sts = FakeSts::start();
    let base = xassume(&sts);
    let own = base.home().join("own");
    ran(&base);
    ran(&base.clone().env_remove("XDG_RUNTIME_DIR"));
    ran(&base.clone().env_remove("XDG_RUNTIME_DIR").args(["--external-id", "other"]));
    ran(&base.clone().args(["--external-id", "third", "--cache-dir"]).arg(&own));
    let count = |xassume: &Xassume| rows(&list(xassume)).len();
    assert_eq!(count(&base), 2, "the same session in two directories is listed once");
    assert_eq!(count(&base.clone().env("XASSUME_CACHE_DIR", &own)), 1);
    let listed = base.clone().without_args().arg("--list-sessions").arg("--cache-dir").arg(&own).run().exited(0);
    assert_eq!(rows(&listed).len(), 1);
    let none =
        base.clone().without_args().args(["--list-sessions", "--cache-dir", "/no/such/directory"]).run().exited(0);
    assert_eq!(none.stderr, "xassume: there are no cached sessions\n");
    ran(&base.env("XASSUME_LIST_SESSIONS", "true"));
}

#[test]
fn expired_and_unusable_files_are_left_out() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(1))]).start();
    let base = xassume(&sts);
    ran(&base);
    let session = |xassume: &Xassume| session_files(&directory(xassume)).remove(0);
    let expired = session(&base);
    crate::support::processes::eventually("the session has expired", || list(&base).stdout_text().is_empty());
    ran(&base.clone().args(["--external-id", "other"]));
    let place = directory(&base);
    for name in ["b", "c", "d", "e", "f"] {
        let file = place.join(format!("{}.session", name.repeat(64)));
        match name {
            "b" => fs::copy(&expired, file).map(drop).expect("copied"),
            "c" => nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).expect("a pipe"),
            "d" => symlink("/dev/zero", file).expect("a link"),
            "e" => fs::write(file, "\u{ff}\u{1b}[2J").expect("written"),
            _ => fs::create_dir(file).expect("a directory"),
        }
    }
    let listed = list(&base);
    assert_eq!((rows(&listed).len(), listed.stderr.as_str()), (1, ""));
}

#[test]
fn a_directory_that_cannot_be_trusted_is_one_error_and_the_others_are_listed() {
    let sts = FakeSts::start();
    let base = xassume(&sts);
    ran(&base.clone().env_remove("XDG_RUNTIME_DIR"));
    let place = directory(&base);
    fs::create_dir(&place).expect("a directory");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).expect("a mode");
    let listed = base.clone().without_args().arg("--list-sessions").run().exited(125);
    assert_eq!(rows(&listed).len(), 1);
    let path = place.display();
    let error = format!(
        "xassume: error: cannot list the cache in {path}: wrong mode 755 (expected 700)\nhint: chmod 700 {path}\n"
    );
    assert_eq!(listed.stderr, error);
    fs::remove_dir(&place).expect("removed");
    fs::write(&place, "").expect("a file");
    let listed = base.without_args().arg("--list-sessions").run().exited(125);
    let error = format!(
        "xassume: error: cannot list the cache in {path}: not a directory\nhint: use --cache-dir with a directory that \
         you own (mode 700)\n"
    );
    assert_eq!(listed.stderr, error);
}

fn session_files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).expect("a cache").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|end| end == "session")).collect()
}

/// A newer version still uses its files, so they stay until they expire. An older version's files are removed, because
/// after an update nothing reads them.
#[test]
fn files_of_other_versions_are_ignored_and_swept_unless_a_newer_version_needs_them() {
    let sts = FakeSts::start();
    let base = xassume(&sts);
    ran(&base);
    let place = directory(&base);
    let text = fs::read_to_string(&session_files(&place)[0]).expect("a session");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis();
    let hour = 3_600_000;
    let write = |name: &str, version: u32, expiration: u128| {
        let (_, rest) = text.split_once("\"expiration\":").expect("an expiration");
        let (_, rest) = rest.split_once(',').expect("another field");
        let form = format!("{{\"version\":{version},\"new\":{{}},\"expiration\":{expiration},{rest}");
        let file = place.join(format!("{}.session", name.repeat(64)));
        fs::write(&file, form).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let old = FileTimes::new().set_modified(SystemTime::now() - 60 * MINUTE);
        fs::File::open(&file).expect("there").set_times(old).expect("a time");
        file
    };
    let (older, newer, expired) = (write("a", 1, now + hour), write("b", 3, now + hour), write("c", 3, now - 1000));
    assert_eq!(rows(&list(&base)).len(), 1, "only the session of this version");
    // Storing a session removes old files.
    ran(&base.clone().arg("--force-refresh"));
    assert_eq!([&older, &newer, &expired].map(|file| file.exists()), [false, true, false]);
    let cleared = base.without_args().arg("--clear-cache").run().exited(0).stderr;
    assert!(cleared.contains("removed 2 cached sessions") && !newer.exists(), "{cleared}");
}

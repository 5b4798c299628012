//! `--via file`: the path of the file, its mode, and how it is replaced.

use super::processes::eventually;
use super::{key, next_start, one_refresh, probing, scripted, signaling, xassume};
use crate::support::sys::RTMIN;
use crate::support::{FakeSts, Sandbox, Xassume, skipped, skipped_without_root};
use nix::unistd::{AccessFlags, access, geteuid};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

pub(super) fn via_file(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--via", "file"])
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

pub(super) fn entries_of(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

/// The directory of the only run that has one.
pub(super) fn run_directory(sandbox: &Sandbox) -> PathBuf {
    let [directory] = entries_of(&sandbox.runtime()).try_into().expect("one directory");
    directory
}

#[test]
fn the_command_gets_a_private_file_and_no_keys() {
    let sts = FakeSts::start();
    let script =
        "echo file=$AWS_SHARED_CREDENTIALS_FILE; cat $AWS_SHARED_CREDENTIALS_FILE; $PROBE print-signals then environ";
    let xassume = scripted(via_file(&sts), script).spawn();
    let line = xassume.line("file=");
    let file = Path::new(line.trim_start_matches("file="));
    xassume.line("ready");
    let directory = run_directory(xassume.sandbox());
    assert_eq!(file.parent(), Some(directory.as_path()));
    assert_eq!((mode(&directory), mode(file)), (0o700, 0o600));
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().killed_by(libc::SIGTERM);
    let issued = &sts.issued()[0];
    let expected = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        issued.access_key_id, issued.secret_access_key, issued.session_token
    );
    assert!(finished.stdout_text().contains(&expected), "{}", finished.describe());
}

#[test]
fn the_environment_contains_only_the_path_of_the_file() {
    let sts = FakeSts::start();
    let finished = probing(via_file(&sts), &["environ"]).run().exited(0);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"] {
        assert_eq!(finished.variable(name), None, "{name} would win over the file");
    }
    assert_eq!(finished.variable("AWS_EC2_METADATA_DISABLED").as_deref(), Some("true"));
    let files = ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"].map(|name| finished.variable(name).expect("is set"));
    assert!(files.iter().all(|file| !Path::new(file).exists()), "they are removed with the run");
}

#[test]
fn without_a_runtime_directory_the_file_is_still_in_memory() {
    if access("/dev/shm", AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        skipped("/dev/shm is not writable");
        return;
    }
    let sts = FakeSts::start();
    let shown = |xassume: Xassume| {
        let finished = probing(xassume, &["environ"]).run().exited(0);
        finished.variable("AWS_SHARED_CREDENTIALS_FILE").expect("is set")
    };
    let missing = via_file(&sts).env("XDG_RUNTIME_DIR", "/no/such/directory");
    for xassume in [via_file(&sts).env_remove("XDG_RUNTIME_DIR"), missing] {
        let file = shown(xassume);
        assert!(file.starts_with("/dev/shm/xassume-"), "{file}");
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn a_refresh_replaces_the_file() {
    let sts = one_refresh();
    let xassume = probing(signaling(&sts), &["print-keys"]).spawn();
    assert_eq!(next_start(&xassume).key, key(&sts, 0));
    let file = run_directory(xassume.sandbox()).join("credentials");
    let mut old = File::open(&file).expect("it is there");
    xassume.line("HUP");
    assert_eq!(xassume.line("key="), format!("key={}", key(&sts, 1)), "the file exists before the signal");
    assert_ne!(fs::metadata(&file).expect("it is there").ino(), old.metadata().expect("it is open").ino());
    assert_eq!(mode(&file), 0o600);
    let mut text = String::new();
    old.read_to_string(&mut text).expect("it is open");
    assert!(text.contains(&key(&sts, 0)), "an open file still has the old contents");
    let directory = file.parent().expect("a directory");
    let names: Vec<_> = entries_of(directory).into_iter().filter(|path| path != &file).collect();
    assert!(names.iter().all(|path| path.ends_with("lock") || path.ends_with("config")), "{names:?}");
}

#[test]
fn a_command_without_a_refresh_signal_finds_a_new_file() {
    let sts = one_refresh();
    let xassume = probing(via_file(&sts), &["print-keys", "exit-on", "RTMIN+1"]).spawn();
    let first = next_start(&xassume);
    assert_eq!(first.key, key(&sts, 0));
    let file = run_directory(xassume.sandbox()).join("credentials");
    eventually("the file is fresh", || {
        let text = fs::read_to_string(&file).expect("there is a file at any time");
        sts.issued().get(1).is_some_and(|issued| text.contains(&issued.access_key_id))
    });
    xassume.signal(RTMIN + 1);
    assert_eq!(xassume.wait().exited(0).stdout_text().lines().count(), 2, "it was sent nothing else");
}

#[test]
fn restart_can_be_combined_with_via_file() {
    let sts = one_refresh();
    let xassume = via_file(&sts).args(["--on-expiry", "restart"]);
    let xassume = scripted(xassume, "echo file=$AWS_SHARED_CREDENTIALS_FILE; exec $PROBE print-keys").spawn();
    let first = (xassume.line("file="), next_start(&xassume).key);
    let second = (xassume.line("file="), next_start(&xassume).key);
    assert_eq!((first.1, second.1), (key(&sts, 0), key(&sts, 1)));
    assert_eq!(first.0, second.0, "at the same place");
}

#[test]
fn a_file_chosen_by_the_user_has_the_requested_mode() {
    let sts = one_refresh();
    let xassume = super::started_after("umask 077", &sts).arg(crate::support::binary());
    let shared = xassume.sandbox().work().join("shared");
    let arguments = ["-r", super::ROLE, "--on-expiry", "signal", "--file-mode", "0640", "--credentials-file", "shared"];
    let xassume = probing(xassume.args(arguments), &["print-keys"]).spawn();
    assert_eq!(next_start(&xassume).key, key(&sts, 0));
    assert_eq!(mode(&shared), 0o640, "the umask has no effect");
    xassume.line("HUP");
    assert_eq!(xassume.line("key="), format!("key={}", key(&sts, 1)));
    assert_eq!(mode(&shared), 0o640);
    xassume.signal(libc::SIGTERM);
    xassume.line("TERM");
    let work = xassume.sandbox().work();
    assert_eq!(xassume.wait().exited(0).stderr, "");
    assert!(!work.exists() || entries_of(&work).is_empty(), "neither the file nor a temporary one remains");
}

#[test]
fn a_file_that_other_users_could_replace_is_rejected() {
    let sts = FakeSts::start();
    let base = via_file(&sts);
    let work = base.sandbox().work();
    for directory in ["real", "directory/file", "others"] {
        fs::create_dir_all(work.join(directory)).expect("the directory is ours");
    }
    symlink(work.join("real"), work.join("link")).expect("the directory is ours");
    let foreign = geteuid().is_root() && chown(work.join("others"), Some(65534), None).is_ok();
    if !foreign {
        skipped_without_root("only root can give a directory away");
    }
    let cases = [
        ("link/credentials", "parent directory is a symlink", true),
        ("missing/credentials", "cannot read the parent directory: No such file", true),
        ("directory/file", "it is a directory", true),
        ("others/credentials", "belongs to another user", foreign),
    ];
    for (path, complaint, _) in cases.into_iter().filter(|(_, _, applies)| *applies) {
        let finished = probing(base.clone().args(["--credentials-file", path]), &["say", "ran"]).run().exited(125);
        assert!(finished.stderr.contains(complaint), "{path}: {}", finished.stderr);
        assert_eq!(finished.stdout_text(), "");
    }
    assert_eq!(sts.requests().len(), 0);
    assert!(entries_of(&work.join("real")).is_empty());
}

#[test]
fn a_file_that_cannot_be_replaced_is_a_failed_refresh() {
    let sts = FakeSts::builder().lifetime(std::time::Duration::from_secs(3)).start();
    let xassume = signaling(&sts).args(["--credentials-file", "volume/credentials"]);
    let (volume, away) = (xassume.sandbox().work().join("volume"), xassume.sandbox().work().join("away"));
    fs::create_dir(&volume).expect("the directory is ours");
    fs::set_permissions(&volume, fs::Permissions::from_mode(0o700)).expect("a mode");
    let xassume = probing(xassume, &["print-keys"]).spawn();
    next_start(&xassume);
    fs::rename(&volume, &away).expect("the directory is ours");
    let line = xassume.error_line("refresh failed (session ");
    assert!(line.contains("cannot replace") && line.contains("volume/credentials: No such file"), "{line}");
    fs::rename(&away, &volume).expect("the directory is ours");
    xassume.error_line("session refreshed after 1 failed attempt");
    xassume.line("HUP");
    let line = xassume.line("key=");
    assert_eq!(line, format!("key={}", key(&sts, sts.issued().len() - 1)), "the newest one");
}

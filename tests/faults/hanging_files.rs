//! Files and file systems that do not answer at a refresh. Each costs one failed refresh and blocks nothing else.

use super::{at, mount_namespace, probing, started_after, still_runs, with_mounts};
use crate::support::http::get;
use crate::support::log::PATIENCE;
use crate::support::processes::{children, eventually};
use crate::support::sys::{pidfd, send_signal, wait_gone};
use crate::support::tls::Authority;
use crate::support::{Answer, FakeSts, Identity, Running, Xassume, skipped, skipped_without_root};
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An STS whose first sessions have this lifetime in seconds. There are several, because the first refresh may be over
/// before a test blocks a file on a busy machine.
fn with_refreshes(lifetime: u64) -> FakeSts {
    FakeSts::builder().script(vec![Answer::Lifetime(Duration::from_secs(lifetime)); 8]).start()
}

/// xassume with keys, token and certificates in files of these names.
fn with_files_of_source(sts: &FakeSts) -> Vec<(&'static str, Xassume)> {
    let Identity { access_key_id, secret_access_key, .. } = Identity::user();
    let keys = format!("[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n");
    let world = || at(&sts.url()).args(["--on-expiry", "restart"]);
    let token = world().without_keys().file("token", "a.web.token");
    let path = token.home().join("token");
    let token = token.env("AWS_WEB_IDENTITY_TOKEN_FILE", path).env("AWS_ROLE_ARN", super::ROLE);
    let bundle = fs::read(Authority::new().ca_file()).expect("it is there");
    let bundle = world().file("bundle.pem", bundle);
    let path = bundle.home().join("bundle.pem");
    vec![
        (".aws/config", world().file(".aws/config", "[default]\n")),
        (".aws/credentials", world().without_keys().file(".aws/credentials", keys)),
        ("token", token),
        ("bundle.pem", bundle.arg("--ca-bundle").arg(path)),
    ]
}

#[test]
fn a_file_that_becomes_a_fifo_is_one_failed_refresh() {
    let servers: Vec<_> = (0..4).map(|_| with_refreshes(6)).collect();
    let runs: Vec<_> = servers
        .iter()
        .enumerate()
        .map(|(case, sts)| {
            let (name, world) = with_files_of_source(sts).swap_remove(case);
            (name, probing(world, &["print-keys"]).spawn())
        })
        .collect();
    for (name, running) in &runs {
        running.line("ready");
        let file = running.sandbox().home().join(name);
        fs::rename(&file, file.with_extension("away")).expect("the home is ours");
        mkfifo(&file, Mode::S_IRWXU).expect("the home is ours");
    }
    for (name, running) in runs {
        let file = running.sandbox().home().join(name);
        let line = running.error_line("refresh failed (session ");
        assert!(line.contains("it is a FIFO, not a regular file"), "{name}: {line}");
        fs::rename(file.with_extension("away"), &file).expect("the home is ours");
        running.error_line("session refreshed after ");
        running.line("ready");
        still_runs(running);
    }
}

/// Mounts a file system below the home directory whose server never answers.
const DEAD: &str = "mkdir $HOME/dead && exec 9<>/dev/fuse && \
                    mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 none $HOME/dead";

/// The arguments of `unshare` for a program that can mount such a file system.
fn namespace_with_dead_mount() -> Option<&'static [&'static str]> {
    let namespace = mount_namespace()?;
    let world = Xassume::at("http://127.0.0.1:9").arg("--version");
    if with_mounts(namespace, DEAD, &world).run().code() == Some(0) {
        return Some(namespace);
    }
    skipped("FUSE is not available here");
    None
}

/// Points the config file at a file that does not answer, or at one that does.
fn point_config_at(home: &Path, directory: &str) {
    let new = home.join("new");
    symlink(home.join(directory).join("config"), &new).expect("the home is ours");
    fs::rename(new, home.join("config")).expect("the home is ours");
}

/// The process of a refresh, as soon as there is one.
#[track_caller]
fn refresh_of(running: &Running, command: i32) -> i32 {
    let mut found = None;
    eventually("a refresh has begun", || {
        found = children(running.pid()).into_iter().find(|child| *child != command);
        found.is_some()
    });
    found.expect("it was found")
}

#[track_caller]
fn pid_in(line: &str) -> i32 {
    let pid = line.trim_start_matches("ready pid=").split(' ').next().and_then(|pid| pid.parse().ok());
    pid.unwrap_or_else(|| panic!("no pid in {line:?}"))
}

#[test]
fn a_hanging_config_file_blocks_neither_the_endpoint_nor_signals() {
    let Some(namespace) = namespace_with_dead_mount() else { return };
    let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let start = |sts: &FakeSts, lifetime: &str| {
        let flags = ["--via", "endpoint", "--sts-timeout", "1s", "--refresh-margin", lifetime];
        let world = at(&sts.url()).args(flags).file("alive/config", "[default]\n");
        point_config_at(&world.home(), "alive");
        let config = world.home().join("config");
        let verbs = [&["env"], &names[..], &["then", "print-keys"]].concat();
        let running = with_mounts(namespace, DEAD, &probing(world.env("AWS_CONFIG_FILE", config), &verbs)).spawn();
        let [url, token] = names.map(|name| running.line(name)[name.len() + 1..].to_owned());
        let command = pid_in(&running.line("ready"));
        point_config_at(&running.sandbox().home(), "dead");
        (running, command, url, token)
    };
    let servers = [with_refreshes(8), with_refreshes(40)];
    let (failing, ..) = start(&servers[0], "4s");
    let (ending, command, url, token) = start(&servers[1], "35s");

    let refresh = refresh_of(&ending, command);
    let answer = get(&url, &[("Authorization", &token)]).expect("answered");
    assert_eq!(answer.status, 200);
    still_runs(ending);
    assert!(wait_gone(refresh, PATIENCE), "it ends with xassume");

    let line = failing.error_line("refresh failed (session ");
    let reason = "the refresh timed out after 6s: a file or a lock that it needs is blocked";
    assert!(line.contains(reason), "{line}");
    point_config_at(&failing.sandbox().home(), "alive");
    failing.error_line("session refreshed after ");
    still_runs(failing);
}

#[test]
fn a_hanging_pid_file_is_one_warning_and_blocks_no_signal() {
    if pidfd(std::process::id().cast_signed()).is_err() {
        return skipped("--signal-pid-file requires Linux 5.3");
    }
    let Some(namespace) = namespace_with_dead_mount() else { return };
    let sts = with_refreshes(2);
    let world = at(&sts.url()).args(["--on-expiry", "signal", "--signal-pid-file"]);
    let file = world.home().join("dead/pid");
    let running = with_mounts(namespace, DEAD, &probing(world.arg(&file), &["print-keys", "survive", "HUP"])).spawn();
    running.line("ready");
    let line = running.error_line("cannot send SIGHUP: ");
    let expected = format!("the file system of {} did not answer within 10s; retrying in ", file.display());
    assert!(line.contains(&expected), "{line}");
    running.signal(libc::SIGUSR1);
    running.line("USR1");
    let finished = still_runs(running);
    assert_eq!(finished.stderr.matches("cannot send").count(), 1, "{}", finished.stderr);
    assert!(!finished.stdout_text().contains("HUP"), "{}", finished.describe());
}

/// The open files of a process.
fn open_in(pid: i32) -> Option<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    Some(entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect())
}

#[test]
fn the_refresh_process_has_no_open_files_and_ends_with_xassume() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2)), Answer::Hang]).start();
    let world = at(&sts.url()).args(["--via", "endpoint"]).file("inherited", "");
    let inherited = world.home().join("inherited");
    let world = world.descriptor(9, File::open(&inherited).expect("it is there"));
    let running = probing(world, &["print-keys"]).spawn();
    let command = pid_in(&running.line("ready"));
    sts.wait_for_requests(2);
    let refresh = refresh_of(&running, command);
    match (open_in(running.pid()), open_in(refresh)) {
        (Some(ours), Some(theirs)) if geteuid().is_root() => {
            assert!(ours.contains(&inherited), "{ours:?}");
            let shared = ours.intersection(&theirs).map(|path| path.to_string_lossy());
            let shared: Vec<_> = shared.filter(|path| path.starts_with('/') || path.starts_with("socket:")).collect();
            assert!(shared.iter().all(|path| path == "/dev/null"), "{shared:?}");
        }
        _ => skipped_without_root("only root sees what xassume has open"),
    }
    running.signal(libc::SIGKILL);
    running.wait().killed_by(libc::SIGKILL);
    assert!(wait_gone(refresh, PATIENCE));
}

#[test]
fn a_killed_refresh_process_is_one_failed_refresh() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2)), Answer::Hang]).start();
    let running = probing(at(&sts.url()).args(["--on-expiry", "restart"]), &["print-keys"]).spawn();
    let command = pid_in(&running.line("ready"));
    sts.wait_for_requests(2);
    send_signal(refresh_of(&running, command), libc::SIGKILL);
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("the refresh process failed: it was killed"), "{line}");
    running.error_line("hint: was it killed? the kernel kills processes when memory runs out");
    running.error_line("session refreshed after ");
    running.line("ready");
    eventually("it is reaped, and so is the one after it", || children(running.pid()).len() == 1);
    still_runs(running);
}

#[test]
fn the_refresh_process_ends_with_xassume_even_if_term_is_ignored() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2)), Answer::Hang]).start();
    let world = at(&sts.url()).args(["--on-expiry", "restart"]);
    let world = probing(world, &["print-keys", "exit-on", "USR1", "then", "exit", "3"]);
    let running = started_after("trap '' TERM", &world).spawn();
    let command = pid_in(&running.line("ready"));
    sts.wait_for_requests(2);
    let refresh = refresh_of(&running, command);
    running.signal(libc::SIGUSR1);
    running.wait().exited(3);
    // STS would allow it a longer wait.
    assert!(wait_gone(refresh, Duration::from_secs(5)));
}

/// A separate file system that can be frozen. It is thawed and unmounted in any case.
struct Freezer {
    directory: PathBuf,
    guard: Child,
    /// Not in the sandbox of a run: removing the sandbox would wait for the thaw.
    _base: tempfile::TempDir,
}

impl Freezer {
    fn new() -> Option<Self> {
        let base = tempfile::tempdir().expect("a directory");
        let (image, directory) = (base.path().join("image"), base.path().join("volume"));
        fs::create_dir(&directory).expect("the directory is ours");
        let (image, directory) = (image.to_str().expect("text"), directory.to_str().expect("text"));
        let words = "truncate -s 4M $0 && mkfs.ext4 -q $0 && mount -o loop $0 $1 && rmdir $1/lost+found && \
                     fsfreeze -f $1 && fsfreeze -u $1";
        let made = Command::new("sh").args(["-c", words, image, directory]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            let _ = Command::new("umount").arg(directory).stderr(Stdio::null()).status();
            skipped("no file system can be mounted and frozen here");
            return None;
        }
        // It waits for the end of its input, which comes even if this process is killed. It does not wait forever,
        // because this process may in turn wait for a blocked one.
        let words = "timeout 150 cat; fsfreeze -u $0; umount -l $0";
        let mut guard = Command::new("sh");
        guard.args(["-c", words, directory]).stdin(Stdio::piped()).stderr(Stdio::null());
        Some(Self { directory: directory.into(), guard: guard.spawn().expect("there is a shell"), _base: base })
    }

    fn set(&self, flag: &str) {
        let done = Command::new("fsfreeze").arg(flag).arg(&self.directory).status();
        assert!(done.is_ok_and(|status| status.success()), "fsfreeze {flag}");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_frozen_credentials_file_makes_a_refresh_fail_and_does_not_delay_the_end() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(6)).start();
    let world = at(&sts.url()).args(["--on-expiry", "signal"]);
    let Some(freezer) = Freezer::new() else { return };
    let file = freezer.directory.join("credentials");
    let running = probing(world.arg("--credentials-file").arg(&file), &["print-keys"]).spawn();
    let command = pid_in(&running.line("ready"));
    freezer.set("-f");
    let line = running.error_line("refresh failed (session ");
    let reason = format!("cannot replace {}: its file system did not answer within 10s", file.display());
    assert!(line.contains(&reason), "{line}");
    freezer.set("-u");
    running.error_line("session refreshed after ");
    running.line("HUP");

    let before = sts.issued().len();
    freezer.set("-f");
    eventually("there is a session that cannot be written", || sts.issued().len() > before);
    refresh_of(&running, command);
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0).left_no_process();
    assert!(finished.stdout_text().contains("TERM"), "{}", finished.describe());
    assert_ne!(files_in(&freezer.directory), Vec::<PathBuf>::new(), "it cannot be removed yet");
    freezer.set("-u");
    eventually("what was left behind removes it", || files_in(&freezer.directory).is_empty());
}

//! Another user of the machine occupies names, opens directories to others, or writes text. None of it changes the
//! credentials of the command or prevents it from running.

mod token_file;

use crate::support::http::get;
use crate::support::{Answer, FakeSts, Finished, OTHER, Xassume, binary, by_another_user, skipped_without_root};
use nix::unistd::geteuid;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn xassume(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE])
}

fn shell(xassume: Xassume, script: &str) -> Xassume {
    xassume.args(["--", "sh", "-c", script])
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

fn directory(parent: &Path, name: &str, mode: u32) -> PathBuf {
    let path = parent.join(name);
    fs::create_dir(&path).expect("the parent is ours");
    set_mode(&path, mode);
    path
}

const SHOW_FILES: &str = "echo $AWS_SHARED_CREDENTIALS_FILE; echo $AWS_CONFIG_FILE";

#[test]
fn a_runtime_directory_that_another_user_could_replace_is_skipped() {
    let sts = FakeSts::start();
    for via in ["file", "endpoint", "process"] {
        let base = xassume(&sts).args(["--via", via]);
        let parent = base.sandbox().directory().to_owned();
        let open = directory(&parent, "open", 0o777);
        let below = directory(&open, "below", 0o700);
        let group = directory(&parent, "group", 0o770);
        let mut cases = vec![(open, false), (below, false), (group, false)];
        cases.push((directory(&parent, "sticky", 0o1777), true));
        let foreign = directory(&parent, "foreign", 0o755);
        if geteuid().is_root() {
            chown(&foreign, Some(OTHER), None).expect("root gives it away");
            cases.push((foreign, false));
        } else {
            skipped_without_root("only root can give a directory away");
        }
        for (runtime, used) in cases {
            let shown = shell(base.clone().env("XDG_RUNTIME_DIR", &runtime), SHOW_FILES).run().exited(0);
            assert_eq!(shown.stderr, "");
            for file in shown.stdout_text().lines() {
                assert_eq!(Path::new(file).starts_with(&runtime), used, "{via} {}: {file}", runtime.display());
            }
        }
    }
}

/// In a user namespace that does not map root, `/` and `/tmp` belong to an unmapped user.
#[test]
fn in_a_user_namespace_directories_of_the_hosts_root_are_accepted() {
    let sts = FakeSts::start();
    let world = shell(xassume(&sts).args(["--via", "file", "--no-cache"]), SHOW_FILES);
    let Some(world) = by_another_user(&world) else { return };
    let args: Vec<_> = world.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let (user, rest) = args.split_at(5);
    let within = |program: &[&str]| world.clone().without_args().args(user).args(["unshare", "-U"]).args(program);
    if within(&["true"]).run().code() != Some(0) {
        return skipped_without_root("no user namespace can be created here");
    }
    let shown = within(&[]).args(rest).run().exited(0).stdout_text();
    assert!(shown.lines().all(|file| Path::new(file).starts_with(world.sandbox().runtime())), "{shown}");
}

/// In a user namespace, every other user of the machine is unmapped.
#[test]
fn in_a_user_namespace_another_users_directory_in_an_open_one_is_skipped() {
    let sts = FakeSts::start();
    let world = shell(xassume(&sts).args(["--via", "file", "--no-cache"]), SHOW_FILES);
    let Some(world) = by_another_user(&world) else { return };
    let open = directory(world.sandbox().directory(), "open", 0o1777);
    let foreign = directory(&open, "foreign", 0o1777);
    chown(&foreign, Some(OTHER + 1), Some(OTHER + 1)).expect("root gives it away");
    let world = world.env("XDG_RUNTIME_DIR", &foreign);
    let args: Vec<_> = world.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let (user, rest) = args.split_at(5);
    let within = |program: &[&str]| world.clone().without_args().args(user).args(["unshare", "-Ur"]).args(program);
    if within(&["true"]).run().code() != Some(0) {
        return skipped_without_root("no user namespace can be created here");
    }
    let shown = within(&[]).args(rest).run().exited(0).stdout_text();
    assert!(shown.lines().all(|file| !Path::new(file).starts_with(&foreign)), "{shown}");
}

#[test]
fn a_credentials_file_where_others_can_write_is_rejected_with_a_chmod_hint() {
    let sts = FakeSts::start();
    let base = xassume(&sts).args(["--via", "file"]);
    let work = base.sandbox().work();
    let open = directory(&work, "open", 0o757);
    let below = directory(&open, "below", 0o700);
    let group = directory(&work, "group", 0o2770);
    let launch = |path: &Path, mode: &str| {
        let args = ["--file-mode", mode, "--credentials-file"];
        shell(base.clone().args(args).arg(path.join("keys")), "cat $AWS_SHARED_CREDENTIALS_FILE").run()
    };
    for (path, mode, at, fault, change) in [
        (&open, "0600", &open, "all users can write to", "go-w"),
        (&open, "0640", &open, "all users can write to", "o-w"),
        (&below, "0600", &open, "all users can write to", "go-w"),
        (&group, "0600", &group, "its group can write to", "g-w"),
    ] {
        let refused = launch(path, mode).exited(125);
        let (keys, bits) = (path.join("keys"), if at == &open { "0757" } else { "2770" });
        let at = at.display();
        let said =
            format!("xassume: error: cannot write credentials to {}: {fault} {at} (mode {bits}) ", keys.display());
        assert_eq!(unfolded(&refused.stderr), format!("{said}hint: chmod {change} {at}"));
        assert_eq!(refused.stdout_text(), "");
    }
    assert_eq!(sts.requests().len(), 0, "the error comes before any call of STS");
    let shared = launch(&group, "0640").exited(0);
    assert!(
        shared.stdout_text().starts_with("[default]\n"),
        "a group that may read the file may write to its directory"
    );
    set_mode(&open, 0o755);
    assert!(launch(&below, "0600").exited(0).stdout_text().starts_with("[default]\n"), "the hint helps");
}

/// A page without its line breaks.
fn unfolded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_occupied_name_next_to_a_credentials_file_does_no_harm() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let args: Vec<_> = xassume.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    // xassume has the process ID of this shell.
    let script = "mkdir .keys.$$ .keys.$$.check && exec \"$0\" \"$@\"";
    let xassume = xassume.without_args().program("sh").args(["-c", script]).arg(binary()).args(args);
    let by_file = xassume.args(["--via", "file", "--credentials-file", "keys"]);
    let shown = shell(by_file, "cat $AWS_SHARED_CREDENTIALS_FILE").run().exited(0);
    assert!(shown.stdout_text().starts_with("[default]\n"), "{}", shown.describe());
}

/// The config files of isolated commands in each of these runs.
fn isolated(xassume: &Xassume) -> PathBuf {
    let shown = shell(xassume.clone().arg("--isolate"), "cat $AWS_CONFIG_FILE >/dev/null && echo $AWS_CONFIG_FILE");
    PathBuf::from(shown.run().exited(0).stdout_text().trim_end())
}

#[test]
fn isolated_commands_share_a_copy_and_the_next_run_removes_an_unused_one() {
    let sts = FakeSts::start();
    let world = xassume(&sts).file(".aws/config", "[default]\nregion = eu-west-1\n");
    let first = isolated(&world);
    assert!(first.starts_with(world.sandbox().runtime()), "{}", first.display());
    assert_eq!(isolated(&world), first, "the same settings");
    let age = || {
        let long_ago = SystemTime::now() - Duration::from_hours(24 * 5);
        let times = FileTimes::new().set_modified(long_ago).set_accessed(long_ago);
        File::open(&first).and_then(|file| file.set_times(times)).expect("it is ours");
    };
    // This process is the command: xassume has replaced itself.
    let running = shell(world.clone().arg("--isolate"), "echo ready; read end").stdin_open().spawn();
    running.line("ready");
    age();
    let other = world.clone().file(".aws/config", "[default]\nregion = eu-west-2\n");
    let second = isolated(&other);
    assert!(first.exists() && second != first, "a process uses it");
    running.signal(libc::SIGTERM);
    running.wait();
    isolated(&other);
    assert!(!first.exists() && second.exists(), "no process uses it");
}

#[test]
fn an_occupied_name_of_a_copy_does_no_harm() {
    if !geteuid().is_root() {
        return skipped_without_root("only root can make files of another user");
    }
    let sts = FakeSts::start();
    let world = xassume(&sts);
    let base = directory(world.sandbox().directory(), "sticky", 0o1777);
    let world = world.env("XDG_RUNTIME_DIR", &base).arg("--no-cache");
    let copy = isolated(&world);
    let taken = copy.parent().expect("a directory");
    for path in [&copy, taken] {
        chown(path, Some(OTHER), Some(OTHER)).expect("root gives it away");
    }
    fs::write(&copy, "[default]\ncredential_process = /bin/false\n").expect("root may");
    let next = isolated(&world);
    assert!(next != copy && next.starts_with(&base), "{}", next.display());
}

#[test]
fn a_umask_without_owner_permissions_works() {
    let sts = FakeSts::start();
    for flags in [&["--isolate"][..], &["--via", "file"], &["--isolate", "--on-expiry", "restart"]] {
        let script = "umask; cat $AWS_CONFIG_FILE && ls -ld ${AWS_CONFIG_FILE%/config}";
        let world = shell(xassume(&sts).arg("--no-cache").args(flags), script);
        // Root may enter any directory.
        let world = if geteuid().is_root() { by_another_user(&world) } else { Some(world) };
        let Some(world) = world else { return };
        let command = world.command();
        let words = [command.get_program()].into_iter().chain(command.get_args()).map(std::ffi::OsStr::to_owned);
        let world =
            world.clone().without_args().program("sh").args(["-c", "umask 0177; exec \"$@\"", "sh"]).args(words);
        for _ in 0..2 {
            let shown = world.run().exited(0).stdout_text();
            assert!(shown.starts_with("0177\n") && shown.contains("drwx------"), "{flags:?}: {shown}");
        }
    }
}

#[test]
fn bidirectional_and_invisible_characters_do_not_reach_the_terminal() {
    let text = "a\u{200b}\u{202e}b\u{2028}\u{2066}c\u{feff}\u{200f}d\u{e0041}e";
    let hidden = |shown: &str| shown.chars().find(|c| text.contains(*c) && !c.is_ascii());
    for (flags, status) in
        [(&["--", "true"][..], 125), (&["--log-format", "json", "--", "true"], 125), (&["--check"], 125)]
    {
        let sts = FakeSts::builder().script_forever([Answer::error(400, "Odd", text)]).start();
        let said = xassume(&sts).args(flags).run().exited(status);
        for shown in [&said.stderr, &said.stdout_text()] {
            assert_eq!(hidden(shown), None, "{flags:?}: {shown:?}");
        }
    }
    // The names of profiles, in messages, hints and shell completions.
    let config = format!("[profile {text}]\nregion = x\n[profile good]\nregion = x\n");
    let world = Xassume::new(&FakeSts::start()).file(".aws/config", config);
    let said = world.clone().args(["-v", "-p", text, "--", "true"]).run();
    assert!(hidden(&said.stderr).is_none() && said.stderr.contains("a  b  c  d e"), "{}", said.stderr);
    assert_eq!(world.args(["--list", "profiles"]).run().exited(0).stdout_text(), "good\n");
}

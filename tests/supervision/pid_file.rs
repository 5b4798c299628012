//! `--signal-pid-file`: which process gets the signal, which files are not accepted, and that no other process is signaled.

use super::processes::{eventually, has_ended, pid_namespace, state_of};
use super::{SHORT, key, one_refresh, probing, signaling, started_after};
use crate::support::sys::{self, Inheritance, wait_gone};
use crate::support::{
    Answer, FakeSts, OTHER, Running, Xassume, binary, by_another_user, probe, skipped, skipped_without_root,
};
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_hours(1);

/// The command of xassume, which must get no refresh signal.
const COMMAND: [&str; 3] = ["print-signals", "survive", "HUP"];

/// An STS with one short session, and then one whose lifetime allows only short pauses between attempts.
fn with_short_pauses() -> FakeSts {
    let lifetimes = [SHORT, Duration::from_secs(30), Duration::from_secs(30)];
    FakeSts::builder().script(lifetimes.map(Answer::Lifetime)).start()
}

fn with_pid_file(sts: &FakeSts) -> Xassume {
    signaling(sts).args(["--credentials-file", "credentials", "--signal-pid-file", "pid"])
}

/// A process that xassume has not started. It prints its signals, and the key in xassume's credentials file.
fn daemon(sts: &FakeSts, of: &Xassume) -> Running {
    let [program, mark] = probe();
    let daemon = Xassume::new(sts).program(program).arg(mark).args(["print-keys", "exit-on", "USR1"]).without_keys();
    let running = daemon.env("AWS_SHARED_CREDENTIALS_FILE", of.sandbox().work().join("credentials")).spawn();
    running.line("ready");
    running
}

fn write_pid(directory: &Path, pid: i32) {
    // As careful programs do it, so that a reader never finds half of it.
    fs::write(directory.join("new"), format!("{pid}\n")).expect("the directory is ours");
    fs::rename(directory.join("new"), directory.join("pid")).expect("the directory is ours");
}

/// Ends the run, and checks that its command got no refresh signal.
#[track_caller]
fn end(running: Running) -> String {
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0).left_no_process();
    assert!(!finished.stdout_text().contains("HUP"), "the command got it: {}", finished.describe());
    finished.stderr
}

/// A process of the test, which ends with this value.
struct Sleeper(Child);

impl Sleeper {
    fn start(command: &mut Command) -> Self {
        // The tests themselves may run with HUP ignored.
        sys::inherit(command, Inheritance::default());
        Self(command.arg("1000").stdin(Stdio::null()).spawn().expect("it starts"))
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().expect("a pid")
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sleep() -> Command {
    let mut sleep = Command::new("sleep");
    sleep.current_dir("/");
    sleep
}

#[test]
fn the_process_in_the_file_is_signaled_when_the_credentials_file_was_replaced() {
    let sts = one_refresh();
    let xassume = with_pid_file(&sts).arg("-v");
    let daemon = daemon(&sts, &xassume);
    write_pid(&xassume.sandbox().work(), daemon.pid());
    let running = probing(xassume, &COMMAND).spawn();
    daemon.line("HUP");
    assert_eq!(daemon.line("key="), format!("key={}", key(&sts, 1)));
    running.error_line(&format!("sent SIGHUP to the process in the pid file, pid {}", daemon.pid()));
    let stderr = end(running);
    assert!(!stderr.contains("warning"), "{stderr}");
    daemon.signal(libc::SIGUSR1);
    let finished = daemon.wait().exited(0);
    assert_eq!(super::count(&finished.stdout_text(), "HUP"), 1, "not for the first session: {}", finished.describe());
}

#[test]
fn a_keeper_signals_the_process_in_the_file() {
    let sts = one_refresh();
    let flags = ["--serve", "--credentials-file", "credentials", "--signal-pid-file", "pid", "--signal", "USR2"];
    let xassume = super::xassume(&sts).args(flags);
    let daemon = daemon(&sts, &xassume);
    write_pid(&xassume.sandbox().work(), daemon.pid());
    let running = xassume.spawn();
    daemon.line("USR2");
    assert_eq!(daemon.line("key="), format!("key={}", key(&sts, 1)));
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn a_file_that_comes_late_is_waited_for_and_a_new_process_in_it_is_signaled() {
    let sts = with_short_pauses();
    let xassume = with_pid_file(&sts).args(["--signal", "USR2"]);
    let daemons = [daemon(&sts, &xassume), daemon(&sts, &xassume)];
    let running = probing(xassume, &COMMAND).spawn();
    let work = running.sandbox().work();
    let line = running.error_line("cannot send");
    let expected = "xassume: warning: cannot send SIGUSR2: cannot read pid: No such file or directory; retrying in ";
    assert!(line.starts_with(expected), "{line}");
    let hint = running.error_line("hint: ");
    assert!(hint.contains("must write the file"), "{hint}");
    write_pid(&work, daemons[0].pid());
    let line = running.error_line("signal was sent");
    assert!(line.starts_with("xassume: warning: the refresh signal was sent after "), "{line}");
    daemons[0].line("USR2");
    // The daemon is restarted.
    write_pid(&work, daemons[1].pid());
    daemons[1].line("USR2");
    let stderr = end(running);
    assert_eq!(super::count(&stderr, "cannot send"), 1, "one warning for each change: {stderr}");
}

/// Creates the pid file of a case.
type Prepare = Box<dyn Fn(&Path)>;

#[test]
fn a_file_without_a_usable_process_id_is_one_warning() {
    let sleeper = Sleeper::start(&mut sleep());
    let mut ended = Command::new("true").spawn().expect("it starts");
    let zombie = i32::try_from(ended.id()).expect("a pid");
    eventually("it has exited", || state_of(zombie) == Some('Z'));
    let reaped = {
        let mut reaped = Command::new("true").spawn().expect("it starts");
        reaped.wait().expect("it exits");
        reaped.id()
    };
    let text = |text: String| move |path: &Path| fs::write(path, &text).expect("the directory is ours");
    let sleeping = sleeper.pid();
    let changed = move |path: &Path, change: fn(&Path, &File)| {
        fs::write(path, sleeping.to_string()).expect("the directory is ours");
        change(path, &File::options().write(true).open(path).expect("it is there"));
    };
    let cases: Vec<(Prepare, String)> = vec![
        (Box::new(|path| mkfifo(path, Mode::S_IRWXU).expect("ours")), "it is a FIFO, not a regular file".into()),
        (Box::new(|path| fs::create_dir(path).expect("ours")), "it is a directory, not a regular file".into()),
        (Box::new(|path| symlink("/proc/self/stat", path).expect("ours")), "it is a symbolic link, not a ".into()),
        (Box::new(text(format!("{sleeping}\n{}", " ".repeat(64)))), "larger than 64 bytes".into()),
        (Box::new(text(String::new())), "pid is empty".into()),
        (Box::new(text("x\n".into())), "pid does not contain a process ID in its first line".into()),
        (Box::new(text(format!("-{sleeping}\n"))), "pid does not contain a process ID in its first line".into()),
        (Box::new(text("1\n".into())), "pid contains 1, which is not signaled".into()),
        (Box::new(text(format!("{zombie}\n"))), format!("process {zombie} in pid is not running")),
        (Box::new(text(format!("{reaped}\n"))), format!("process {reaped} in pid is not running")),
        (
            Box::new(move |path| changed(path, |_, file| file.set_modified(SystemTime::now() - HOUR).expect("ours"))),
            format!("process {sleeping} was started after pid was written, so it is another process"),
        ),
        (
            Box::new(move |path| changed(path, |_, file| file.set_modified(SystemTime::now() + HOUR).expect("ours"))),
            "pid was modified in the future, so it may name another process".into(),
        ),
        (
            Box::new(move |path| {
                changed(path, |_, file| file.set_permissions(fs::Permissions::from_mode(0o666)).expect("ours"));
            }),
            "all users can write to pid (mode 0666)".into(),
        ),
        (
            Box::new(move |path| changed(path, |path, _| fs::hard_link(path, path.with_extension("b")).expect("ours"))),
            "pid has more than one hard link".into(),
        ),
    ];
    let servers: Vec<_> = cases.iter().map(|_| one_refresh()).collect();
    let runs: Vec<_> = cases
        .iter()
        .zip(&servers)
        .map(|((prepare, expected), sts)| {
            let xassume = with_pid_file(sts);
            prepare(&xassume.sandbox().work().join("pid"));
            (expected, probing(xassume, &COMMAND).spawn())
        })
        .collect();
    for (expected, running) in runs {
        let line = running.error_line("cannot send SIGHUP: ");
        assert!(line.contains(expected.as_str()), "{expected}: {line}");
        let stderr = end(running);
        assert_eq!(super::count(&stderr, "warning"), 1, "{stderr}");
    }
    assert!(!has_ended(sleeper.pid()), "HUP would have ended it");
    ended.wait().expect("it has exited");
}

#[test]
fn xassume_signals_neither_itself_nor_a_thread() {
    let sts = [one_refresh(), one_refresh()];
    let command = probe().map(|word| word.to_string_lossy().into_owned()).join(" ");
    let flags = ["-r", super::ROLE, "--on-expiry", "signal", "--signal-pid-file", "pid"];
    let itself = started_after("echo $$ >pid", &sts[0]).arg(binary()).args(flags);
    let itself = itself.args(["--", "sh", "-c", &format!("exec {command} {}", COMMAND.join(" "))]).spawn();
    let line = itself.error_line("cannot send SIGHUP: ");
    let expected = format!("pid contains the process ID of xassume itself, {}", itself.pid());
    assert!(line.contains(&expected), "{line}");
    end(itself);

    let (to_end, end_of_thread) = std::sync::mpsc::channel::<()>();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        sender.send(nix::unistd::gettid().as_raw()).expect("the test waits");
        let _ = end_of_thread.recv();
    });
    let thread_id = receiver.recv().expect("the thread runs");
    let xassume = with_pid_file(&sts[1]);
    write_pid(&xassume.sandbox().work(), thread_id);
    let running = probing(xassume, &COMMAND).spawn();
    let line = running.error_line("cannot send SIGHUP: ");
    assert!(line.contains(&format!("{thread_id} in pid is the ID of a thread, not of a process")), "{line}");
    end(running);
    drop(to_end);
    thread.join().expect("it ends");
}

#[test]
fn a_file_of_another_user_names_only_processes_of_that_user() {
    if !geteuid().is_root() {
        return skipped_without_root("only root can give a file away");
    }
    let theirs = Sleeper::start(sleep().uid(OTHER).gid(OTHER));
    let ours = Sleeper::start(&mut sleep());
    let start = |sts: &FakeSts, owner: u32, pid: i32| {
        let xassume = with_pid_file(sts).arg("-v");
        let work = xassume.sandbox().work();
        write_pid(&work, pid);
        chown(work.join("pid"), Some(owner), None).expect("root gives it away");
        probing(xassume, &COMMAND).spawn()
    };
    let servers = [one_refresh(), one_refresh(), one_refresh()];
    let refused = start(&servers[0], OTHER, ours.pid());
    let line = refused.error_line("cannot send SIGHUP: ");
    let expected = format!("pid belongs to another user (uid {OTHER}) than process {} (uid 0)", ours.pid());
    assert!(line.contains(&expected), "{line}");
    assert!(refused.error_line("hint: ").contains("the file must belong to root, to xassume's user or to the user of"));
    end(refused);
    assert!(!has_ended(ours.pid()), "HUP would have ended it");

    for (sts, owner) in servers[1..].iter().zip([OTHER, 0]) {
        let theirs = Sleeper::start(sleep().uid(OTHER).gid(OTHER));
        let running = start(sts, owner, theirs.pid());
        running.error_line(&format!("sent SIGHUP to the process in the pid file, pid {}", theirs.pid()));
        eventually("HUP has ended it", || state_of(theirs.pid()) == Some('Z'));
        end(running);
    }
    drop(theirs);
}

#[test]
fn a_process_of_another_user_that_xassume_may_not_signal_is_one_warning_and_a_check_finds_it() {
    let sts = one_refresh();
    let ours = Sleeper::start(&mut sleep());
    let Some(xassume) = by_another_user(&with_pid_file(&sts)) else { return };
    write_pid(&xassume.sandbox().work(), ours.pid());
    let running = probing(xassume.clone(), &COMMAND).spawn();
    let line = running.error_line("cannot send SIGHUP: ");
    let expected = format!("cannot signal process {} in pid: Operation not permitted", ours.pid());
    assert!(line.contains(&expected), "{line}");
    end(running);
    let page = crate::support::on_one_line(&xassume.arg("--check").run().exited(0).stdout_text());
    assert!(page.contains(&expected) && !page.contains("the process is now"), "{page}");
}

#[test]
fn a_check_names_the_process_and_sends_no_signal() {
    let sts = FakeSts::start();
    let xassume = with_pid_file(&sts);
    let sleeper = Sleeper::start(&mut sleep());
    let check = || {
        let finished = xassume.clone().arg("--check").run().exited(0);
        crate::support::on_one_line(&finished.stdout_text())
    };
    let page = check();
    let action = "the credentials file is replaced, then SIGHUP is sent to the process in pid";
    assert!(page.contains(action) && page.contains("cannot read pid: No such file or directory"), "{page}");
    write_pid(&xassume.sandbox().work(), sleeper.pid());
    let page = check();
    assert!(page.contains(&format!("the process is now {}", sleeper.pid())), "{page}");
    assert!(
        !wait_gone(sleeper.pid(), Duration::ZERO) && state_of(sleeper.pid()) != Some('Z'),
        "HUP would have ended it"
    );
}

/// The first process dies of the signal. Then another one gets its ID.
const REUSE_ID: &str = "
    sleep 1000 & first=$!
    echo $first >pid
    $BIN -r $ROLE --on-expiry signal --signal-pid-file pid -- $PROBE print-signals survive HUP &
    wait $first
    while [ \"$second\" != $first ]; do
        echo $((first - 1)) >/proc/sys/kernel/ns_last_pid || exit 99
        sleep 1000 & second=$!
        [ $second = $first ] || kill $second
    done
    echo reused
    read line
    kill -0 $second && echo alive
";

#[test]
fn a_later_process_with_the_same_id_is_not_signaled() {
    let Some(namespace) = pid_namespace() else { return skipped("no pid namespace can be created here") };
    if !geteuid().is_root() {
        return skipped_without_root("only root can choose the next process ID");
    }
    let lifetimes = [SHORT; 16].map(|short| Answer::Lifetime(3 * short));
    let sts = FakeSts::builder().script(lifetimes).start();
    let world = super::with_program_variables(Xassume::new(&sts)).env("ROLE", super::ROLE);
    let world = world.program("unshare").args(namespace).args(["sh", "-c", REUSE_ID]);
    let mut running = world.stdin_open().spawn();
    running.line("reused");
    let line = running.error_line("was started after pid was written, so it is another process");
    assert!(line.starts_with("xassume: warning: cannot send SIGHUP: process "), "{line}");
    running.close_stdin();
    running.line("alive");
    running.wait();
}

#[test]
fn without_its_own_proc_no_process_is_signaled() {
    if pid_namespace().is_none() || !geteuid().is_root() {
        return skipped_without_root("no pid namespace can be created here");
    }
    let sts = FakeSts::start();
    // Without --mount-proc, /proc has the IDs of another namespace.
    let unshare = Xassume::new(&sts).program("unshare").args(["--pid", "--fork", "--kill-child"]).arg(binary());
    let xassume = unshare.args(["-r", super::ROLE, "--on-expiry", "signal", "--signal-pid-file", "pid"]);
    let finished = probing(xassume, &["say", "ran"]).run().exited(125);
    let expected = "xassume: error: cannot signal a process by its pid file: /proc: No such file or directory\nhint: ";
    assert!(finished.stderr.starts_with(expected), "{}", finished.describe());
    assert_eq!(sts.requests().len(), 0);
}

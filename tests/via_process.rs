//! `--via process`: a `credential_process` that gets the session from the supervising xassume through a Unix socket.
#![allow(clippy::print_stdout, reason = "measurements and skipped tests are printed")]

use crate::support::{Answer, FakeSts, Running, Xassume, binary, probe, programs, skipped_without_root};
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn via_process(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["--via", "process", "-r", ROLE])
}

/// A running command with a `credential_process`.
struct Served {
    running: Running,
    directory: PathBuf,
    line: String,
}

impl Served {
    fn start(xassume: Xassume) -> Self {
        let name = "AWS_SHARED_CREDENTIALS_FILE";
        let running = xassume.arg("--").args(probe()).args(["env", name, "then", "print-signals"]).spawn();
        let file = PathBuf::from(&running.line(name)[name.len() + 1..]);
        running.line("ready");
        let text = fs::read_to_string(&file).expect("the file is there");
        let line = text.strip_prefix("[default]\ncredential_process = ").expect("nothing else is in it");
        Self { running, line: line.trim_end().to_owned(), directory: file.parent().expect("a directory").to_owned() }
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Runs the command line as an SDK does, in an environment that must have no effect.
    fn run_line(&self) -> Output {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &self.line]).env_clear().envs(hostile()).output().expect("sh runs")
    }

    fn end(self) {
        self.running.signal(libc::SIGTERM);
        self.running.wait().exited(0);
    }
}

/// Variables that are meant for other runs of xassume.
fn hostile() -> [(&'static str, &'static str); 6] {
    [
        ("XASSUME_VIA", "endpoint"),
        ("XASSUME_ON_EXPIRY", "restart"),
        ("XASSUME_LOG_FORMAT", "nonsense"),
        ("XASSUME_VERBOSE", "nonsense"),
        ("XASSUME_DEPTH", "99"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ]
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn document(output: &Output) -> serde_json::Value {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Asserts one line on standard error, status 125 and no output.
fn rejected(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0), "{output:?}");
    assert!(stderr.starts_with("xassume: error: cannot get credentials") && stderr.lines().count() == 1, "{stderr}");
    stderr
}

#[test]
fn the_credential_process_line_returns_the_session() {
    let sts = FakeSts::start();
    let served = Served::start(via_process(&sts));
    let issued = &sts.issued()[0];
    let expiration = humantime::format_rfc3339_seconds(issued.expiration).to_string();
    let expected = serde_json::json!({
        "Version": 1, "AccessKeyId": issued.access_key_id, "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token, "Expiration": expiration, "AccountId": "111111111111",
    });
    let begun = Instant::now();
    assert_eq!(document(&served.run_line()), expected);
    println!("the helper took {:?}", begun.elapsed());
    assert_eq!(sts.requests().len(), 1, "no request of a client is passed on");

    assert!(served.line.starts_with('/') && !served.line.contains(['"', '\'', '$', '\\']), "{}", served.line);
    assert_eq!(fs::read_link(served.directory.join("xassume")).ok(), binary().canonicalize().ok());
    assert!(fs::metadata(served.socket()).expect("it is there").file_type().is_socket());
    let modes = ["", "socket", "credentials", "config"].map(|name| mode(&served.directory.join(name)));
    assert_eq!(modes, [0o700, 0o600, 0o600, 0o600]);

    let (line, directory) = (served.line.clone(), served.directory.clone());
    served.end();
    assert!(!directory.exists(), "no file outlives the command");
    let gone = Command::new(binary()).args(line.split(' ').skip(1)).output().expect("it runs");
    rejected(&gone);
}

#[test]
fn each_refresh_is_visible_and_an_expired_session_is_not_returned() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(10)).start();
    let served = Served::start(via_process(&sts));
    assert_eq!(document(&served.run_line())["AccessKeyId"], *sts.issued()[0].access_key_id);
    sts.wait_for_requests(2);
    while document(&served.run_line())["AccessKeyId"] != *sts.issued()[1].access_key_id {}
    sts.script_forever([Answer::error(403, "AccessDenied", "not now")]);
    served.running.error_line("refresh failed (session ");
    document(&served.run_line());
    served.running.error_line("the session has expired");
    let refusal = rejected(&served.run_line());
    assert!(refusal.contains("the session has expired and was not refreshed yet"), "{refusal}");
    served.end();
}

#[test]
fn clients_that_do_not_read_do_not_delay_concurrent_clients() {
    let sts = FakeSts::start();
    let served = Served::start(via_process(&sts));
    let _hanging: Vec<UnixStream> =
        (0..300).map(|_| UnixStream::connect(served.socket()).expect("it listens")).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    document(&served.run_line());
                }
            });
        }
    });
    served.running.signal(libc::SIGUSR1);
    served.running.line("USR1");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    served.end();
}

#[test]
fn another_user_is_rejected() {
    if !nix::unistd::geteuid().is_root() {
        skipped_without_root("only root can become another user");
        return;
    }
    let sts = FakeSts::start();
    let served = Served::start(via_process(&sts));
    let as_nobody = || {
        let mut command = Command::new("/bin/sh");
        let line = served.line.replacen(&served.directory.join("xassume").display().to_string(), "/proc/self/fd/0", 1);
        // The directories above the binary may not be accessible for other users. A descriptor is.
        let program = fs::File::open(binary()).expect("the binary is there");
        command.args(["-c", &line]).stdin(program).uid(65534).gid(65534).current_dir("/").output().expect("sh runs")
    };
    assert!(!as_nobody().status.success(), "the directory is not accessible");
    // Even if the directories of the test and the socket are accessible.
    let sandbox = served.running.sandbox().directory();
    let (own, above): (Vec<_>, Vec<_>) =
        served.directory.ancestors().partition(|directory| directory.starts_with(sandbox));
    if let Some(closed) =
        above.iter().find(|directory| fs::metadata(directory).expect("it is there").mode() & 0o001 == 0)
    {
        skipped_without_root(&format!("{} is closed to others", closed.display()));
        return;
    }
    for directory in own {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o711)).expect("it is ours");
    }
    fs::set_permissions(served.socket(), fs::Permissions::from_mode(0o666)).expect("it is ours");
    let output = as_nobody();
    let refusal = rejected(&output);
    assert!(refusal.contains("the session belongs to another user"), "{refusal}");
    document(&served.run_line());
    served.end();
}

#[test]
fn a_runtime_directory_with_an_unusable_path_is_skipped() {
    let sts = FakeSts::start();
    let world = via_process(&sts);
    // A space would need quoting, and the other path is too long for a socket.
    for name in ["a b", &"long".repeat(20)] {
        let directory = world.sandbox().runtime().join(name);
        fs::create_dir(&directory).expect("a directory");
        let served = Served::start(world.clone().env("XDG_RUNTIME_DIR", &directory));
        assert!(!served.directory.starts_with(&directory), "{}", served.line);
        document(&served.run_line());
        served.end();
    }
}

#[test]
fn a_command_without_network_is_served() {
    let denied = ["unshare", "-rn"];
    if !Command::new(denied[0]).args([denied[1], "true"]).status().is_ok_and(|status| status.success()) {
        println!("skipped: network namespaces cannot be created here");
        return;
    }
    let sts = FakeSts::start();
    let script = "sed -n 's/^credential_process = //p' \"$AWS_SHARED_CREDENTIALS_FILE\" | sh";
    let shown = via_process(&sts).arg("--").args(denied).args(["sh", "-c", script]).run().exited(0);
    assert_eq!(shown.stdout_json()["AccessKeyId"], *sts.issued()[0].access_key_id);
}

#[test]
fn a_binary_in_a_path_with_a_space_works() {
    let sts = FakeSts::start();
    let world = via_process(&sts);
    let directory = world.sandbox().work().join("my programs");
    fs::create_dir(&directory).expect("a directory");
    let copy = directory.join("x");
    programs::copy_program(&binary(), &copy);
    let served = Served::start(world.program(copy));
    document(&served.run_line());
    served.end();
}

#[test]
fn the_helpers_flags_are_rejected_elsewhere() {
    let world = || Xassume::without_sts();
    world().args(["--from-socket", "/nowhere"]).run().exited(125);
    world().args(["--print", "credential-process", "--from-socket", "/nowhere", "--", "true"]).run().exited(125);
    let nowhere = world().args(["--print", "credential-process", "--from-socket", "/nowhere"]).run().exited(125);
    assert_eq!(nowhere.stderr, "xassume: error: cannot get credentials from xassume: No such file or directory\n");
    let help = world().arg("--help").run().exited(0).stdout_text();
    assert!(!help.contains("--from-socket"), "{help}");
}

/// The order of the AWS SDK: an inner xassume uses the profile's `credential_process` as its source.
#[test]
fn an_inner_xassume_gets_each_session_from_the_socket() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let hijack = "[default]\nrole_arn = arn:aws:iam::999999999999:role/Hijack\n";
    let outer = via_process(&sts)
        .args(["--refresh-margin", "4s"])
        .file(".aws/config", hijack)
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "127.0.0.1");
    crate::endpoint::nested(&sts, outer);
}

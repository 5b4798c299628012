//! A system with a real systemd as PID 1, in namespaces of its own: process IDs, mounts, cgroups, host name and IPC.
//!
//! systemd must change nothing on this machine, as it would with the units of the distribution: they empty `/tmp` and
//! set kernel parameters. So it finds no units but those of the test, and all file systems, `/proc/sys` and `/sys` are
//! read-only or new. Its cgroups are below one that is removed at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::support::processes::{becomes_true, children, state_of};

const SYSTEMD: &str = "/usr/lib/systemd/systemd";
/// The directory of the test within the system, which the units may use.
pub const SHARED: &str = "/run/xassume-test";

/// The first step, in a mount namespace: joins a new cgroup, which becomes the root of the new cgroup namespace.
const JOIN: &str = r#"
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$1"
echo $$ >"/sys/fs/cgroup/$1/cgroup.procs"
shift
exec unshare --pid --fork --mount --cgroup --uts --ipc --mount-proc --kill-child sh -c "$@"
"#;

/// Removes the cgroup `$1` and those in it, which have no processes.
const REMOVE: &str = r#"
mount --make-rprivate /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
"#;

/// The second step. `$1` is the directory with the units. `$2` is the directory with the programs: each file in it
/// contains the path of the program that gets the name of that file.
const BOOT: &str = r#"
set -e
umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p -m 755 /run/xassume-test/bin
chmod 1777 /run/xassume-test
for program in "$2"/*; do
    name=/run/xassume-test/bin/$(basename "$program")
    touch "$name"
    mount --bind "$(cat "$program")" "$name"
done
mount -t tmpfs tmpfs /etc/systemd/system
cp -r "$1"/. /etc/systemd/system
mount -t tmpfs -o mode=755 tmpfs /var
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -m 1777 /var/tmp
mount --bind /proc/sys /proc/sys
for directory in /proc/sys /sys /; do mount -o remount,bind,ro "$directory"; done
cd /
export container=other SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/nonexistent
exec /usr/lib/systemd/systemd --system --unit=xassume-test.target --default-standard-output=null
"#;

pub struct Machine {
    unshare: Child,
    /// systemd's process ID outside the namespaces.
    pid: i32,
    cgroup: String,
    _files: tempfile::TempDir,
}

const TARGETS: [&str; 6] = ["xassume-test", "sysinit", "basic", "shutdown", "network-online", "multi-user"];

/// A file for `/etc/systemd/system`.
pub struct UnitFile {
    pub path: String,
    pub text: String,
}

/// Why no such system can be started here.
pub fn refused() -> Option<String> {
    if !Path::new(SYSTEMD).exists() {
        return Some(format!("{SYSTEMD} does not exist"));
    }
    let (cgroup, check) = (cgroup("check"), "umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup");
    let tried = new_namespaces(&cgroup, check).output();
    remove(&cgroup);
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

/// The name of a new cgroup.
fn cgroup(name: &str) -> String {
    format!("xassume-test-{}-{name}", std::process::id())
}

/// A shell command line in new namespaces, with a new cgroup as the root of its cgroups.
fn new_namespaces(cgroup: &str, script: &str) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-c", JOIN, "join", cgroup, script, "boot"]).stdin(Stdio::null());
    unshare
}

fn remove(cgroup: &str) {
    let mut unshare = Command::new("unshare");
    let _ = unshare.args(["--mount", "sh", "-c", REMOVE, "remove", cgroup]).stdin(Stdio::null()).output();
}

/// The version of systemd.
pub fn version() -> u32 {
    let output = Command::new(SYSTEMD).arg("--version").output().expect("systemd is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a version")
}

impl Machine {
    /// Boots a system with these units and these programs, which are in [`SHARED`]`/bin` there.
    pub fn boot(units: &[UnitFile], programs: &[(&str, PathBuf)]) -> Self {
        let files = tempfile::tempdir().expect("the temporary directory is writable");
        let [unit_files, program_files] = ["units", "programs"].map(|name| files.path().join(name));
        // Those to which units refer, and that of the test.
        let targets = TARGETS.map(|name| {
            let text = format!("[Unit]\nDescription={name} of a test\nDefaultDependencies=no\n");
            UnitFile { path: format!("{name}.target"), text }
        });
        for unit in units.iter().chain(&targets) {
            let path = unit_files.join(&unit.path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("it is writable");
            fs::write(path, &unit.text).expect("it is writable");
        }
        fs::create_dir_all(&program_files).expect("it is writable");
        for (name, path) in programs {
            fs::write(program_files.join(name), path.to_str().expect("a plain path")).expect("it is writable");
        }
        let cgroup = cgroup("systemd");
        let unshare = new_namespaces(&cgroup, BOOT).args([unit_files, program_files]).spawn().expect("unshare runs");
        let mut machine = Self { unshare, pid: 0, cgroup, _files: files };
        let outside = i32::try_from(machine.unshare.id()).expect("a pid is positive");
        let boots = becomes_true(|| {
            machine.pid = children(outside).first().copied().unwrap_or_default();
            machine.pid != 0 && machine.systemctl(&["is-active", "xassume-test.target"]).status.success()
        });
        assert!(boots, "systemd does not boot");
        machine
    }

    pub fn systemctl(&self, words: &[&str]) -> Output {
        let mut nsenter = Command::new("nsenter");
        nsenter.args([
            "--target",
            &self.pid.to_string(),
            "--mount",
            "--pid",
            "systemctl",
            "--no-pager",
            "--no-ask-password",
        ]);
        nsenter.args(words).stdin(Stdio::null()).output().expect("nsenter runs")
    }

    /// Runs `systemctl`, which must succeed.
    #[track_caller]
    pub fn command(&self, words: &[&str]) {
        let output = self.systemctl(words);
        assert!(output.status.success(), "systemctl {words:?}: {}\n{}", said(&output), self.describe(words));
    }

    /// The value of a property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let output = self.systemctl(&["show", "--value", "--property", name, unit]);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits until a property of the unit has a value that contains the text.
    #[track_caller]
    pub fn until(&self, unit: &str, name: &str, text: &str) {
        let is_so = becomes_true(|| self.property(unit, name).contains(text));
        assert!(is_so, "{name} does not contain {text:?}: {}", self.describe(&[unit]));
    }

    /// Waits until the log of the unit contains the text this many times.
    #[track_caller]
    pub fn until_logged(&self, unit: &str, count: usize, text: &str) {
        let is_so = becomes_true(|| self.log(unit).matches(text).count() >= count);
        assert!(is_so, "{text:?} is not logged {count} times: {}", self.describe(&[unit]));
    }

    /// Output of the unit. Its drop-in must append both streams to this file.
    pub fn log(&self, unit: &str) -> String {
        fs::read_to_string(self.path(&format!("{unit}.log"))).unwrap_or_default()
    }

    /// The path, outside the system, of a file in [`SHARED`].
    pub fn path(&self, name: &str) -> PathBuf {
        format!("/proc/{}/root{SHARED}/{name}", self.pid).into()
    }

    fn describe(&self, units: &[&str]) -> String {
        let described = units.iter().filter(|unit| unit.contains('.')).map(|unit| {
            format!("{}\n--- log:\n{}", said(&self.systemctl(&["status", "--full", unit])), self.log(unit))
        });
        described.collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // With PID 1, the kernel kills all processes of its namespace.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        becomes_true(|| state_of(self.pid).is_none());
        remove(&self.cgroup);
    }
}

pub fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

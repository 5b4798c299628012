//! Runs the units of `examples/systemd` with a real systemd, in namespaces: takes seconds and changes nothing on this
//! machine. Needs root; where namespaces are refused, it prints `skipped:` and the reason.
//!
//!     cargo test --locked --test systemd
//!
//! The units are as in the examples, but for the paths of the programs. Drop-ins add the user, the fake STS and shorter
//! times.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the harness prints its results, and panics on errors"
)]
#![allow(missing_docs, unreachable_pub, reason = "this is not a public interface")]

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod machine;

use machine::{Machine, SHARED, UnitFile, refused, said, version};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{FakeSts, Identity, binary};

/// The first systemd with `Type=notify-reload`.
const NOTIFY_RELOAD: u32 = 253;
/// The highest exposure of a unit that `systemd-analyze security` may report, in tenths.
const MOST_EXPOSED: u32 = 60;
/// A session is refreshed after half of this time.
const LIFETIME: Duration = Duration::from_secs(3);

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

/// The server and the worker of the units. `$PROBE` is the probe of the tests.
const SERVER: &str = r#"#!/bin/sh
reloads=0
reload() {
    reloads=$((reloads + 1))
    $PROBE notify RELOADING=1 MONOTONIC_USEC=now
    $PROBE notify READY=1 "STATUS=reloaded $reloads"
}
trap reload HUP
trap 'echo stopped; exit 0' TERM
$PROBE notify READY=1 STATUS=serving "MAINPID=$$"
echo "serves with $AWS_ACCESS_KEY_ID"
while [ ! -e /run/xassume-test/hang ]; do
    $PROBE notify WATCHDOG=1
    sleep 0.2
done
echo hangs
while :; do sleep 1; done
"#;

fn main() {
    if let Some(why) = refused() {
        println!("skipped: systemd cannot be started in namespaces here: {why}");
        return;
    }
    let begun = Instant::now();
    let sts = FakeSts::builder().lifetime(LIFETIME).start();
    let units = Units::new(&sts);
    units.check();
    let machine = Machine::boot(&units.files, &units.programs);
    println!("systemd {} runs after {:.1} s", version(), begun.elapsed().as_secs_f64());
    for (name, test) in TESTS {
        test(&machine);
        println!("ok: {name} ({:.1} s)", begun.elapsed().as_secs_f64());
    }
}

type Test = (&'static str, fn(&Machine));

const TESTS: [Test; 7] = [
    ("a notify unit stays active over restarts, and stops", notify),
    ("a notify unit with NotifyAccess=all", notify_access_all),
    ("a reload", reload),
    ("an instance of the template, and a worker with Type=exec", template_and_worker),
    ("the watchdog ends a server that hangs", watchdog),
    ("a socket starts its service, and refuses no connection during restarts", activation::supervised),
    ("a socket starts a server that replaces xassume", activation::replaced),
];

fn notify(machine: &Machine) {
    let unit = "xassume-notify.service";
    machine.command(&["start", unit]);
    let main = machine.property(unit, "MainPID");
    machine.until(unit, "StatusText", "serving; session until ");
    machine.until(unit, "StatusText", ", next refresh ");
    machine.until_logged(unit, 4, "serves with ASIA");
    assert_eq!(machine.property(unit, "ActiveState"), "active");
    assert_eq!(machine.property(unit, "NRestarts"), "0");
    assert_eq!(machine.property(unit, "MainPID"), main, "xassume is the main process all the time");
    let keys: Vec<String> =
        machine.log(unit).lines().filter(|line| line.contains("serves")).map(str::to_owned).collect();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "each start has a new session: {keys:?}");
    let log = machine.log(unit);
    assert!(log.contains("cache: miss") && !log.contains("cannot store"), "the unit's cache can be written: {log}");
    stop(machine, unit);
}

fn notify_access_all(machine: &Machine) {
    let unit = "xassume-all.service";
    machine.command(&["start", unit]);
    machine.until_logged(unit, 2, "serves with ASIA");
    assert_eq!(machine.property(unit, "ActiveState"), "active");
    stop(machine, unit);
}

fn reload(machine: &Machine) {
    let unit = "xassume-reload.service";
    machine.command(&["start", unit]);
    // With notify-reload, systemctl fails if a reload is not completed. Each one comes after the server has begun to
    // handle HUP, and before the next restart.
    for starts in 1..=3 {
        machine.until_logged(unit, starts, "serves with ASIA");
        machine.command(&["reload", unit]);
        machine.until(unit, "StatusText", "reloaded 1; session until ");
        machine.until(unit, "ActiveState", "active");
    }
    stop(machine, unit);
}

fn template_and_worker(machine: &Machine) {
    for unit in ["xassume@reports.service", "xassume-worker.service"] {
        machine.command(&["start", unit]);
        machine.until_logged(unit, 2, "NOTIFY_SOCKET is unset");
        assert_eq!(machine.property(unit, "NRestarts"), "0");
        stop(machine, unit);
    }
}

/// Without restarts: xassume would send the messages of a generation that hangs from its start, for over a minute.
fn watchdog(machine: &Machine) {
    let unit = "xassume-hang.service";
    machine.command(&["start", unit]);
    machine.until_logged(unit, 1, "serves with");
    fs::write(machine.path("hang"), "").expect("it is writable");
    machine.until(unit, "Result", "watchdog");
    machine.until(unit, "ActiveState", "failed");
    assert!(machine.log(unit).contains("hangs"));
}

/// Stops a unit: its command gets the stop signal, and all of its processes end.
#[track_caller]
fn stop(machine: &Machine, unit: &str) {
    machine.command(&["stop", unit]);
    assert_eq!(machine.property(unit, "Result"), "success", "{}", machine.log(unit));
    assert_eq!(machine.property(unit, "ActiveState"), "inactive");
}

/// The units with their drop-ins, and the programs that they need.
struct Units {
    files: Vec<UnitFile>,
    programs: Vec<(&'static str, PathBuf)>,
    scripts: tempfile::TempDir,
}

impl Units {
    fn new(sts: &FakeSts) -> Self {
        let scripts = tempfile::tempdir().expect("the temporary directory is writable");
        let mut units = Self { files: Vec::new(), programs: Vec::new(), scripts };
        units.programs.push(("xassume", binary()));
        units.programs.push(("probe", std::env::current_exe().expect("a running program has a path")));
        units.script("server", SERVER);
        for name in ["worker", "reports"] {
            units.script(name, "#!/bin/sh\nexec $PROBE env NOTIFY_SOCKET then print-signals\n");
        }
        units.script("web-server", "#!/bin/sh\nexec $PROBE sockets then serve\n");
        let user = Identity::user();
        let profile = format!("[profile reports]\nrole_arn = {ROLE}\ncredential_source = Environment\n");
        units.files.push(UnitFile { path: "xassume-test-config".into(), text: profile });
        let common = format!(
            "Environment=AWS_ENDPOINT_URL_STS={} AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true\n\
             Environment=AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n\
             Environment=\"PROBE={SHARED}/bin/probe xassume-probe\"\n\
             StandardOutput=append:{SHARED}/%n.log\nStandardError=append:{SHARED}/%n.log\nRestart=no\n",
            sts.url(),
            user.access_key_id,
            user.secret_access_key
        );
        let nobody = "User=nobody\n";
        let config = "Environment=AWS_CONFIG_FILE=/etc/systemd/system/xassume-test-config\n";
        // Before systemd 253, a reload is a command that sends HUP.
        let reload = if version() < NOTIFY_RELOAD { "Type=notify\nExecReload=kill -HUP $MAINPID\n" } else { "" };
        let hang = "WatchdogSec=2\nEnvironment=XASSUME_ON_EXPIRY= XASSUME_VIA=file\n";
        for (example, name, more) in [
            ("xassume-notify.service", "xassume-notify.service", [nobody, "WatchdogSec=3\n"]),
            ("xassume-notify.service", "xassume-all.service", [nobody, "NotifyAccess=all\n"]),
            ("xassume-notify.service", "xassume-hang.service", [nobody, hang]),
            ("xassume-reload.service", "xassume-reload.service", [nobody, reload]),
            ("xassume-worker.service", "xassume-worker.service", [nobody, "Environment=XASSUME_NO_CACHE=true\n"]),
            ("xassume@.service", "xassume@.service", [config, ""]),
            ("xassume-web.service", "xassume-web.service", [nobody, ""]),
            ("xassume-web.service", "xassume-direct.service", [nobody, "Environment=XASSUME_ON_EXPIRY=\n"]),
        ] {
            let text = example_unit(example).replace("xassume-web.socket", &name.replace(".service", ".socket"));
            let text = text.replace("/usr/bin/", &format!("{SHARED}/bin/"));
            let text = text.replace("/usr/local/bin/", &format!("{SHARED}/bin/"));
            units.files.push(UnitFile { path: name.into(), text });
            let text = format!("[Service]\n{common}{}", more.concat());
            units.files.push(UnitFile { path: format!("{name}.d/test.conf"), text });
        }
        units.files.extend(["web", "direct"].into_iter().flat_map(activation::socket_files));
        units
    }

    fn script(&mut self, name: &'static str, text: &str) {
        let path = self.scripts.path().join(name);
        support::programs::write_script(&path, text);
        self.programs.push((name, path));
    }

    /// Checks the units with `systemd-analyze`: their syntax, and the exposure of the services.
    fn check(&self) {
        let directory = tempfile::tempdir().expect("the temporary directory is writable");
        let is_unit = |file: &&UnitFile| file.path.ends_with(".service") || file.path.ends_with(".socket");
        for UnitFile { path, text } in self.files.iter().filter(is_unit) {
            // The programs do not exist here.
            let text = text.replace(&format!("{SHARED}/bin/xassume"), binary().to_str().expect("a plain path"));
            fs::write(directory.path().join(path), text).expect("it is writable");
        }
        for UnitFile { path, .. } in self.files.iter().filter(is_unit) {
            let file = directory.path().join(path);
            let analyze = |words: &[&str]| {
                let mut command = Command::new("systemd-analyze");
                command.args(words).arg(&file).stdin(Stdio::null()).output().expect("systemd-analyze runs")
            };
            let verified = analyze(&["verify", "--man=no", "--recursive-errors=no"]);
            let is_known = !path.contains("reload") || version() >= NOTIFY_RELOAD;
            assert!(
                !is_known || verified.status.success() && said(&verified).is_empty(),
                "{path}: {}",
                said(&verified)
            );
            if path.ends_with(".socket") {
                continue;
            }
            let exposure = analyze(&["security", "--offline=yes", &format!("--threshold={MOST_EXPOSED}")]);
            let text = said(&exposure);
            assert!(exposure.status.success(), "{path}: {text}");
            println!("{}", text.lines().last().unwrap_or_default());
        }
    }
}

fn example_unit(name: &str) -> String {
    fs::read_to_string(PathBuf::from("examples/systemd").join(name)).expect("an example")
}

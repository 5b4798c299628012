//! What the hook gets: its environment, its descriptors, its session and its signal state.

use super::{MODES, hooked, probing};
use crate::support::processes::eventually;
use crate::support::sys::RTMIN;
use crate::support::{FakeSts, Xassume};
use humantime::format_rfc3339_seconds;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};

type Environment = BTreeMap<String, String>;

fn parsed(bytes: &[u8]) -> Environment {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let pairs = text.split_terminator('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The environments of the command and of its hook.
fn environments(xassume: Xassume) -> [Environment; 2] {
    let script = "$PROBE environ >\"$HOME/command\"; exec $PROBE print-signals";
    let xassume = xassume.args(["--", "sh", "-c", script]).spawn();
    let [of_command, of_hook] = ["command", "hook"].map(|name| xassume.sandbox().home().join(name));
    xassume.line("ready");
    eventually("the hook has ended", || of_hook.exists());
    let read = |path| parsed(&fs::read(path).expect("it was written"));
    [read(of_command), read(of_hook)]
}

#[test]
fn the_hook_has_the_commands_environment_and_facts_about_the_session() {
    for flags in MODES {
        let sts = FakeSts::start();
        let hook = "$PROBE environ >\"$HOME/new\"; mv \"$HOME/new\" \"$HOME/hook\"";
        let flags = [flags, &["--listen", "0"]].concat();
        let xassume = hooked(&sts, &flags, hook).env("XASSUME_REFRESH_HOOK_TIMEOUT", "30s").env("OTHER", "stays");
        let xassume = xassume.env("WATCHDOG_USEC", "30000000").env("NOTIFY_SOCKET", "@xassume-test-of-hooks");
        let [of_command, of_hook] = environments(xassume);
        let issued = sts.issued();
        let expiration = format_rfc3339_seconds(issued[0].expiration).to_string();
        let added = [
            ("AWS_ACCOUNT_ID", "111111111111"),
            ("AWS_CREDENTIAL_EXPIRATION", expiration.as_str()),
            ("XASSUME_REFRESH", "0"),
        ];
        let added = added.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut expected = of_command.clone();
        expected.retain(|name, _| !["LISTEN_", "NOTIFY_", "WATCHDOG_"].iter().any(|prefix| name.starts_with(prefix)));
        expected.extend(added);
        assert_eq!(of_hook, expected, "{flags:?}");
        assert!(of_command.contains_key("LISTEN_FDS") && of_command.contains_key("WATCHDOG_USEC"), "{of_command:?}");
        assert!(!of_hook.contains_key("XASSUME_REFRESH_HOOK_TIMEOUT"), "{of_hook:?}");
        assert_eq!(of_hook["OTHER"], "stays");
    }
}

#[test]
fn the_command_never_has_the_number_of_an_outer_hook() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).env("XASSUME_REFRESH", "7").env("XASSUME_REFRESH_NAME", "outer");
    for flags in [&[][..], &["--via", "file"]] {
        let finished = probing(xassume.clone().args(["-r", super::ROLE]).args(flags), &["environ"]).run().exited(0);
        assert!(["XASSUME_REFRESH", "XASSUME_REFRESH_NAME"].iter().all(|name| finished.variable(name).is_none()));
    }
}

#[test]
fn the_hook_has_no_descriptor_above_2_and_leads_a_session() {
    let sts = FakeSts::start();
    let file = || File::open("/dev/zero").expect("there is a /dev/zero");
    let flags = ["--on-expiry", "restart", "--listen", "0"];
    let xassume = hooked(&sts, &flags, "exec $PROBE state").descriptor(9, file()).descriptor(77, file());
    let xassume = xassume.ignoring(&[libc::SIGPIPE, RTMIN + 5]).blocking(&[libc::SIGUSR1]);
    let xassume = probing(xassume, &["print-signals"]).spawn();
    let state: Value = serde_json::from_str(&xassume.error_line("\"SigIgn\"")).expect("the probe's state is JSON");
    let descriptors = state["fds"].as_object().expect("a table");
    assert_eq!(descriptors.keys().collect::<Vec<_>>(), ["0", "1", "2"], "{state}");
    assert!(descriptors["0"].to_string().contains("/dev/null"), "{state}");
    assert_eq!(descriptors["1"], descriptors["2"]);
    assert_eq!([&state["sid"], &state["pgid"]], [&state["pid"]; 2]);
    assert_eq!(state["ppid"], json!(xassume.pid()));
    assert_eq!([&state["SigIgn"], &state["SigBlk"]], [&json!(["PIPE", "RTMIN+5"]), &json!(["USR1"])]);
    assert_eq!(state["pdeathsig"], json!("TERM"));
}

#[test]
fn a_hook_has_a_standard_error_even_if_xassume_has_none() {
    let sts = FakeSts::start();
    let xassume = hooked(&sts, &["--via", "file"], "$PROBE state >\"$HOME/new\"; mv \"$HOME/new\" \"$HOME/state\"");
    let xassume = probing(xassume, &["print-signals"]);
    let arguments = xassume.command();
    let shell = xassume.clone().without_args().program("sh").args(["-c", "exec \"$0\" \"$@\" 2>&-"]);
    let shell = shell.arg(arguments.get_program()).args(arguments.get_args()).spawn();
    let path = shell.sandbox().home().join("state");
    eventually("the hook has ended", || path.exists());
    let state: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    assert!(state["fds"]["2"].to_string().contains("/dev/null"), "{state}");
}

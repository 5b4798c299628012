//! Before the command starts a message may block, but a signal still ends xassume.

use super::super::processes::{becomes_true, children, eventually, pid_namespace};
use super::super::{ROLE, probing};
use super::{Pipe, SOON};
use crate::support::{Answer, FakeSts, Identity, binary, skipped};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use std::fs;
use std::time::Duration;

#[test]
fn a_signal_ends_it_while_a_message_waits() {
    let user = Identity::user();
    let keys = format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}"#,
        user.access_key_id, user.secret_access_key
    );
    let script = format!("#!/bin/sh\n: >$HOME/asked; read line <$HOME/gate; echo '{keys}'\n");
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let (sts, pipe) = (FakeSts::builder().script_forever([Answer::Hang]).start(), Pipe::new());
        let xassume = pipe.xassume(&sts, &["-vv", "--via", "file"]).without_keys().script("keys", &script);
        let xassume = xassume.file(".aws/config", "[default]\ncredential_process = $HOME/keys\n");
        let [asked, gate] = ["asked", "gate"].map(|name| xassume.home().join(name));
        mkfifo(&gate, Mode::S_IRWXU).expect("the home is writable");
        let running = probing(xassume, &["say", "ran"]).spawn();
        eventually("the keys are asked for", || asked.exists());
        pipe.fill();
        // The next message contains the access key.
        fs::write(gate, "\n").expect("the script reads");
        sts.wait_for_requests(1);
        running.signal(signal);
        assert!(running.ends_within(SOON), "signal {signal} has no effect");
        assert_eq!(running.wait().killed_by(signal).stdout_text(), "");
    }
}

#[test]
fn a_signal_ends_it_as_pid_1_while_its_first_message_waits() {
    let Some(namespace) = pid_namespace() else { return skipped("no pid namespace can be created here") };
    for flags in [&["--via", "file"][..], &["--on-expiry", "restart"], &[]] {
        let (sts, pipe) = (FakeSts::start(), Pipe::new());
        pipe.fill();
        let unshare = pipe.xassume(&sts, &[]).without_args().program("unshare").args(&namespace).arg(binary());
        let running = probing(unshare.args(["-r", ROLE, "-v"]).args(flags), &["say", "ran"]).spawn();
        let mut inside = Vec::new();
        eventually("unshare has started something", || {
            inside = children(running.pid());
            !inside.is_empty()
        });
        // Repeat it: at first xassume does not handle signals yet, and as PID 1 it does not die of them.
        let ended = becomes_true(|| {
            let _ = kill(Pid::from_raw(inside[0]), Signal::SIGTERM);
            running.ends_within(Duration::from_millis(100))
        });
        assert!(ended, "TERM has no effect with {flags:?}");
        assert_eq!(running.wait().exited(128 + libc::SIGTERM).stdout_text(), "");
    }
}

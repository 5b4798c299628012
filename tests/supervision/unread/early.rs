//! Before the command starts a message may wait; a signal ends xassume all the same.

use super::super::probing;
use super::super::processes::eventually;
use super::{Pipe, SOON};
use crate::support::{Answer, FakeSts, Identity};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;

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
        // What follows is a message with the name of the key.
        fs::write(gate, "\n").expect("the script reads");
        sts.wait_for_requests(1);
        running.signal(signal);
        assert!(running.ends_within(SOON), "signal {signal} has no effect");
        assert_eq!(running.wait().killed_by(signal).stdout_text(), "");
    }
}

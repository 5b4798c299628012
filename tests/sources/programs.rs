//! `--sts-timeout`, if set, also limits the programs that a session needs.

use super::credential_process::with_credential_process;
use super::{ROLE, failed};
use crate::support::{Answer, FakeSts, Xassume};
use std::time::{Duration, Instant};

#[test]
fn a_credential_process_gets_no_longer_than_the_timeout() {
    let sts = FakeSts::start();
    let world = with_credential_process(&sts, "sleep 300");
    for (world, origin) in [
        (world.clone().args(["--sts-timeout", "900ms"]), "--sts-timeout"),
        (world.env("XASSUME_STS_TIMEOUT", "900ms"), "XASSUME_STS_TIMEOUT"),
    ] {
        let begun = Instant::now();
        let error = failed(world);
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        let line = "xassume: error: credential_process of profile 'helper' timed out after 900ms\n";
        let hint = format!("hint: {origin} sets the limit for credential_process, whose default is 60s");
        assert_eq!(error, format!("{line}{hint}\n"));
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_credential_process_and_sts_share_the_timeout() {
    let sts = FakeSts::builder().script([Answer::Hang]).start();
    let command = r#"sleep 4; echo '{"Version":1,"AccessKeyId":"ASIA","SecretAccessKey":"s","SessionToken":"t"}'"#;
    let begun = Instant::now();
    let error = failed(with_credential_process(&sts, command).args(["--sts-timeout", "6s"]));
    let took = begun.elapsed();
    assert!(error.contains("timed out after ") && error.contains("cannot assume"), "{error}");
    assert!(took >= Duration::from_secs(6) && took < Duration::from_millis(9500), "6s for both, not 10s: {took:?}");
}

#[test]
fn an_mfa_command_gets_no_longer_than_the_timeout() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).args(["--mfa-serial", "arn:aws:iam::111111111111:mfa/alice", "-r", ROLE]);
    let begun = Instant::now();
    let finished =
        xassume.args(["--mfa-command", "sleep 300", "--sts-timeout", "900ms", "--", "true"]).run().exited(125);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(finished.stderr.contains("timed out after 900ms"), "{}", finished.stderr);
    assert_eq!(sts.requests().len(), 0);
}

//! xassume as a `credential_process` in `~/.aws/config`: one session for many processes, and no recursion.

use super::{ROLE, failed, world};
use crate::support::{Answer, FakeSts, Identity, StsRequest, Xassume, binary, probe};

#[test]
fn concurrent_credential_processes_are_one_call() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let world = world(&sts).args(["--sts-timeout", "2m", "--print", "credential-process"]);
    let crowd: Vec<_> = (0..20).map(|_| world.spawn()).collect();
    sts.wait_for_requests(1);
    sts.release();
    let mut ids = Vec::new();
    for one in crowd {
        ids.push(one.wait().exited(0).stdout_json()["AccessKeyId"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one session for all: {ids:?}");
    // Retries are not additional calls.
    let first = |request: &&StsRequest| request.attempt.as_deref().is_none_or(|tries| tries.starts_with("attempt=1;"));
    assert_eq!(sts.requests().iter().filter(first).count(), 1);
}

/// A profile whose `credential_process` is xassume with these arguments.
fn process_profile(sts: &FakeSts, words: &str) -> Xassume {
    let line = format!("{} --print credential-process {words} -r {ROLE}", binary().display());
    Xassume::new(sts).without_keys().file(
        ".aws/config",
        format!(
            "[profile served]\ncredential_process = {line}\n\
             [profile base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            Identity::user().access_key_id,
            Identity::user().secret_access_key,
        ),
    )
}

#[test]
fn a_profile_with_xassume_returns_its_session() {
    let sts = FakeSts::start();
    let inner = "arn:aws:iam::222222222222:role/Inner";
    // As the profile of the whole environment, and named on the command line.
    for flags in [&["AWS_PROFILE"][..], &["-p", "served"]] {
        let world = process_profile(&sts, "--profile base").args(["-r", inner, "--no-cache"]);
        let world = if flags.len() == 1 { world.env(flags[0], "served") } else { world.args(flags) };
        let shown = world.arg("--").args(probe()).arg("environ").run().exited(0);
        assert_eq!(shown.stderr, "");
        let requests = sts.requests();
        assert_eq!(requests.last().and_then(|request| request.param("RoleArn")), Some(inner));
        let served = sts.issued().into_iter().rev().nth(1).expect("the profile's session");
        assert_eq!(
            (served.role_arn.as_str(), requests.last().map(|request| request.access_key_id.clone())),
            (ROLE, Some(Some(served.access_key_id)))
        );
    }
}

#[test]
fn a_profile_that_is_its_own_source_is_detected() {
    let sts = FakeSts::start();
    let complaint = "xassume was started to get the session that it needs itself";
    for words in ["", "--profile served", "--no-cache"] {
        let world = process_profile(&sts, words).env("AWS_PROFILE", "served");
        let stderr = failed(&world.args(["-r", ROLE, "--print", "json"]));
        assert!(stderr.contains(complaint) && stderr.contains("\nhint: "), "{words}: {stderr}");
    }
    assert_eq!(sts.requests().len(), 0);
}

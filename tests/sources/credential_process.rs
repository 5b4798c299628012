//! A `credential_process`.

use super::{ROLE, failed, signer};
use crate::support::{FakeSts, Identity, Xassume, probe};

pub(super) fn with_credential_process(sts: &FakeSts, command: &str) -> Xassume {
    let config = format!("[profile helper]\ncredential_process = {command}\n");
    Xassume::new(sts).without_keys().file(".aws/config", config).args(["-p", "helper"])
}

#[test]
fn a_credential_process_is_run_by_a_shell() {
    let sts = FakeSts::start();
    let user = Identity::user();
    let answer = format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}"#,
        user.access_key_id, user.secret_access_key
    );
    let shown = with_credential_process(&sts, &format!("echo '{answer}' && echo a word from the helper >&2"))
        .args(["-r", ROLE, "--"])
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    assert_eq!(signer(&sts), user.access_key_id);
    assert_eq!(shown.stderr, "a word from the helper\n", "its stderr is shown");
}

#[test]
fn a_failing_credential_process_is_reported_without_its_output() {
    let sts = FakeSts::start();
    let expired =
        r#"{"Version":1,"AccessKeyId":"AKIDTOLD","SecretAccessKey":"SECRETWORD","Expiration":"2020-01-01T00:00:00Z"}"#;
    for (command, complaint) in [
        ("exit 3".to_owned(), "credential_process of profile 'helper' exited with status 3"),
        ("/no/such/helper".to_owned(), "credential_process of profile 'helper'"),
        ("echo SECRETWORD".to_owned(), "not the expected JSON"),
        (r#"echo '{"Version":"SECRETWORD"}'"#.to_owned(), "not the expected JSON"),
        (r#"echo '{"Version":2,"AccessKeyId":"AKIDTOLD","SecretAccessKey":"SECRETWORD"}'"#.to_owned(), "version 2"),
        (format!("echo '{expired}'"), "expired at 2020-01-01T00:00:00Z"),
        ("yes SECRETWORD".to_owned(), "printed more than 64000 bytes"),
    ] {
        let error = failed(with_credential_process(&sts, &command));
        assert!(error.contains(complaint), "{command}: {error}");
        assert!(!error.contains("SECRETWORD"), "{command}: {error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

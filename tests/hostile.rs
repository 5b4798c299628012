//! Malicious input: the result is always one error line, a hint, status 125, and no command.
//!
//! A fuzz target found each of these cases, or one like it. The properties themselves are in `src/hostile.rs`.

use crate::support::{Answer, FakeSts, Xassume, probe};

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

/// The message and the hint of a run that fails. Asserts that neither contains a line break or a control character.
fn rejected(xassume: Xassume) -> (String, String) {
    let finished = xassume.arg("--").args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    let lines: Vec<&str> = finished.stderr.split('\n').collect();
    let [message, hint, ""] = lines[..] else { panic!("{:?}", finished.stderr) };
    assert!(message.starts_with("xassume: error: ") && hint.starts_with("hint: "), "{:?}", finished.stderr);
    assert!(!finished.stderr.chars().any(|c| c.is_control() && c != '\n'), "{:?}", finished.stderr);
    (message.to_owned(), hint.to_owned())
}

#[test]
fn a_message_of_sts_cannot_add_a_line_or_move_the_cursor() {
    let sts = FakeSts::start();
    let message = "no&#10;xassume: assumed everything&#27;[2J&#155;2J&#13;&#10;hint: trust me";
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Code>MalformedPolicyDocument</Code>\
         <Message>{message}</Message></Error></ErrorResponse>"
    );
    sts.script([Answer::body(400, "text/xml", body)]);
    let (message, _) = rejected(Xassume::new(&sts).args(["-r", ROLE]));
    let expected = format!("cannot assume {ROLE}: MalformedPolicyDocument: no xassume: assumed everything");
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn a_role_cannot_add_a_line() {
    let sts = FakeSts::start();
    let (message, _) = rejected(Xassume::new(&sts).args(["-r", "arn:aws\nxassume: all is well:iam::1:role/x"]));
    assert!(message.contains("contains an invalid character: '\\n'"), "{message}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_expiry_in_the_year_1_has_passed() {
    let sts = FakeSts::start();
    let output = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"0001-01-01T00:00:00Z"}"#;
    let config = format!("[profile p]\ncredential_process = echo '{output}'\n");
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config).args(["-p", "p", "-r", ROLE]);
    let (message, _) = rejected(xassume);
    assert!(message.contains("printed credentials that expired at 1970-01-01T00:00:00Z"), "{message}");
}

#[test]
fn endless_files_are_not_read_to_the_end() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts);
    let large = world.sandbox().work().join("large");
    let made = std::fs::File::create(&large).and_then(|file| file.set_len((16 << 20) + 1));
    made.expect("a file without blocks");
    let large = large.to_str().expect("text");
    for (path, reason) in [(large, "larger than "), ("/dev/zero", "it is a device, not a regular file")] {
        let (message, _) = rejected(world.clone().env("AWS_CONFIG_FILE", path).args(["-r", ROLE]));
        assert!(message.contains(&format!("{path}: {reason}")), "{message}");
        for flag in ["--ca-bundle", "--web-identity-token-file"] {
            let (message, _) = rejected(world.clone().args([flag, path, "-r", ROLE]));
            assert!(message.contains(reason), "{message}");
        }
    }
    let (message, _) = rejected(Xassume::new(&sts).args(["--policy", "file:///dev/zero", "-r", ROLE]));
    assert!(message.contains("larger than"), "{message}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_value_of_a_hundred_thousand_lines_is_parsed_quickly() {
    // Copying the rest for each line would copy 35 GB, which is more than the time limit of a test allows.
    let sts = FakeSts::start();
    let config = format!("[default]\nof_nobody = x\n{}", "  more\n".repeat(100_000));
    let xassume = Xassume::new(&sts).file(".aws/config", config).args(["-r", ROLE]);
    let finished = xassume.arg("--").args(probe()).args(["say", "ran"]).run().exited(0);
    assert_eq!(finished.stdout_text(), "ran\n");
}

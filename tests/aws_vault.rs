//! The keys that aws-vault adds to a profile. `profiles` has a row for each key. Here is what the rows do not show.

use crate::support::{FakeSts, Finished, RoleRules, Xassume, probe};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";

fn with_profile(sts: &FakeSts, settings: &str) -> Xassume {
    let config = format!("[profile p]\nrole_arn = {ROLE}\ncredential_source = Environment\n{settings}\n");
    Xassume::new(sts).file(".aws/config", config).args(["-p", "p"])
}

fn environ(xassume: Xassume) -> Finished {
    xassume.arg("--").args(probe()).arg("environ").run().exited(0)
}

#[test]
fn each_key_is_a_part_of_the_cache_key() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let xassume = with_profile(&sts, "");
    let settings = [
        "",
        "session_tags = a=1",
        "session_tags = a=2",
        "session_tags = a=2\ntransitive_session_tags = a",
        "source_identity = alice",
        "source_identity = bob",
        "include_profile = q\n[profile q]\nexternal_id = word",
        "include_profile = q\n[profile q]\nexternal_id = other",
    ];
    let config =
        |settings: &str| format!("[profile p]\nrole_arn = {ROLE}\ncredential_source = Environment\n{settings}\n");
    for settings in settings.iter().chain(&settings) {
        environ(xassume.clone().file(".aws/config", config(settings)));
    }
    assert_eq!(sts.requests().len(), settings.len(), "one call for each, and none for the second time");
    // With `mfa_process`, the second run needs another session of the role, but no other MFA session.
    let device = format!("mfa_serial = {DEVICE}\nmfa_process = ");
    environ(xassume.clone().file(".aws/config", config(&format!("{device}echo 314159"))));
    environ(xassume.file(".aws/config", config(&format!("{device}exit 1"))));
    assert_eq!(sts.requests().len(), settings.len() + 3);
}

#[test]
fn the_command_gets_included_settings_but_none_of_the_keys() {
    let sts = FakeSts::start();
    let settings = "session_tags = a=1\nsource_identity = alice\ninclude_profile = base\noutput = json\n\
                    [profile base]\noutput = text\nretry_mode = adaptive\nmfa_process = exit 1\ntransitive_session_tags = a";
    let shown = environ(with_profile(&sts, settings));
    assert_eq!(shown.variable("AWS_DEFAULT_OUTPUT").as_deref(), Some("json"));
    assert_eq!(shown.variable("AWS_RETRY_MODE").as_deref(), Some("adaptive"));
    for flag in [["--via", "file"], ["--via", "endpoint"], ["--via", "process"], ["--isolate", "-q"]] {
        let xassume = with_profile(&sts, settings).args(flag).args(["--", "sh", "-c", "cat \"$AWS_CONFIG_FILE\""]);
        let copy = xassume.run().exited(0).stdout_text();
        let expected = "[profile p]\noutput = json\n[profile base]\noutput = text\nretry_mode = adaptive\n\
                        [default]\noutput = json\nretry_mode = adaptive\n";
        assert_eq!(copy, expected, "{flag:?}");
    }
}

#[test]
fn mfa_process_gives_codes_to_refreshes_too() {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).mfa_codes(&["314159", "271828"]).start();
    // Above an hour, each session of the role needs a code, so a prompt would be an error.
    let settings = format!("mfa_serial = {DEVICE}\nduration_seconds = 7200\nmfa_process = echo 314159");
    let xassume = with_profile(&sts, &settings).args(["--via", "file", "-v", "--", "true"]);
    let said = xassume.run().exited(0).stderr;
    assert!(said.contains(&format!("  MFA: device {DEVICE}, code from mfa_process\n")), "{said}");
    let settings = format!("mfa_serial = {DEVICE}\nmfa_process = echo 271828");
    let page = with_profile(&sts, &settings).arg("--check").run().exited(0).stdout_text();
    assert!(page.contains("MFA session obtained (code from mfa_process)"), "{page}");
}

#[test]
fn a_profile_that_is_not_used_may_have_a_broken_include() {
    let sts = FakeSts::start();
    let settings = "[profile q]\ninclude_profile = q\n[profile r]\ninclude_profile = gone";
    environ(with_profile(&sts, settings));
    let source = "source_profile = r\n[profile r]\ninclude_profile = gone";
    let config = format!("[profile p]\nrole_arn = {ROLE}\n{source}\n");
    let finished = Xassume::new(&sts).file(".aws/config", config).args(["-p", "p", "--", "true"]).run().exited(125);
    assert!(finished.stderr.contains("profile 'gone' not found (include_profile of 'r' in "), "{}", finished.stderr);
}

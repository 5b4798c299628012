//! The document of `--check --log-format json` matches its documentation.

use super::{DEVICE, HUB, ROLE, check, role};
use crate::documents::read;
use crate::support::{FakeSts, RoleRules, Tokens};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Keys that any step may have.
const COMMON: [&str; 7] = ["step", "state", "message", "details", "hint", "error", "reason"];

type Keys = BTreeMap<String, BTreeSet<String>>;

/// The text between backticks.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn section() -> String {
    let page = read("docs/configuration.md");
    let (_, section) = page.split_once("\n## JSON output of --check\n").expect("the section");
    section.split("\n## ").next().unwrap_or_default().to_owned()
}

/// The rows of the table: each step's name and its keys, without nested keys.
fn documented(section: &str) -> Keys {
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
        let [step, _, keys] = cells[..] else { panic!("{line}") };
        // After the colon of a key, or in the description of a list's elements, the words are values.
        let keys = keys.split(';').map(|key| key.split(':').next().unwrap_or_default());
        let keys = keys.flat_map(|key| words(key.split(", each with").next().unwrap_or_default()));
        Some((step.trim_matches('`').to_owned(), keys.map(str::to_owned).collect()))
    };
    section.lines().filter_map(row).collect()
}

#[test]
fn each_step_has_the_documented_keys() {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).mfa_codes(&["314159"]).start();
    let older = FakeSts::builder().older().start();
    let config = format!("[profile p]\nrole_arn = {HUB}\nsource_profile = s\n[profile s]\naws_access_key_id = A\n");
    let json = ["--log-format", "json"];
    let documents = [
        role(&sts).args(["--mfa-serial", DEVICE, "--mfa-token", "314159", "--tag", "a=b"]).args(json).run().exited(0),
        role(&sts).args(["--mfa-serial", DEVICE, "--mfa-command", "exit 3"]).args(json).run().exited(125),
        check(&sts)
            .args(["-r", HUB, "--expect-account", "222222222222", "--on-expiry", "signal", "--via", "env"])
            .args(["--keep-env", "AWS_PROFILE", "-q"])
            .env("AWS_PROFILE", "p")
            .file(".aws/config", "[profile p]\n")
            .args(json)
            .run()
            .exited(0),
        check(&sts)
            .args(["-r", HUB, "--on-expiry", "signal", "--credentials-file", "credentials", "--refresh-hook", "true"])
            .args(["--signal-pid-file", "../home/pid"])
            .file("pid", std::process::id().to_string())
            .args(json)
            .run()
            .exited(0),
        check(&sts).args(["-p", "p"]).file(".aws/config", config).args(json).run().exited(125),
        role(&older).args(["--tag", "a=b"]).args(json).run().exited(0),
        role(&sts)
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .args(["--sts-timeout", "300ms"])
            .args(json)
            .run()
            .exited(125),
        super::tokens::presented(&sts, &Tokens::new().mint()).args(json).run().exited(0),
    ];
    let section = section();
    let (mut seen, mut states) = (Keys::new(), BTreeSet::new());
    let documents = documents.iter().map(|finished| finished.stdout_json());
    let with_logins = [crate::sign_in::document_of_check(), crate::own_credentials::document_of_login()];
    for document in documents.chain(with_logins) {
        let keys: Vec<_> = document.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["check", "status", "steps", "verdict"]);
        for step in document["steps"].as_array().expect("steps") {
            let step = step.as_object().expect("an object");
            let text = |key: &str| step.get(key).and_then(Value::as_str).expect(key).to_owned();
            states.insert(text("state"));
            let own = step.keys().filter(|key| !COMMON.contains(&key.as_str())).cloned();
            seen.entry(text("step")).or_default().extend(own);
        }
    }
    assert_eq!(seen, documented(&section));
    let (before, _) = section.split_once("\n|").expect("a table");
    let named: BTreeSet<&str> = words(before).collect();
    for word in states.iter().map(String::as_str).chain(COMMON) {
        assert!(named.contains(word), "{word} is not explained");
    }
    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["failed", "not_reached", "note", "ok", "warning"]);
}

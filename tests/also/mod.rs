//! `--also`: sessions of other roles as profiles of the command.

mod delivered;
mod inputs;
mod refreshed;

use crate::support::{FakeSts, Xassume, probe};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const PROD: &str = "arn:aws:iam::222222222222:role/P";
const AUDIT: &str = "arn:aws:iam::333333333333:role/A";

/// xassume with three roles: the default one, and those of the profiles `prod` and `audit`.
fn three(sts: &FakeSts) -> Xassume {
    let [prod, audit] = [format!("prod={PROD}"), format!("audit={AUDIT}")];
    Xassume::new(sts).args(["-v", "-r", ROLE, "--also", &prod, "--also", &audit])
}

/// With a command that prints the paths of its shared files, and then waits for TERM.
fn showing_files(xassume: Xassume) -> Xassume {
    let verbs = ["env", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "then", "print-signals"];
    xassume.arg("--").args(probe()).args(verbs)
}

/// The shared files of a running command.
struct Files {
    credentials: String,
    config: String,
}

impl Files {
    fn of(running: &crate::support::Running) -> Self {
        let path = |name: &str| running.line(name)[name.len() + 1..].to_owned();
        let [credentials, config] = ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"].map(path);
        running.line("ready");
        Self { credentials, config }
    }

    /// The settings of a profile in the credentials file.
    fn profile(&self, name: &str) -> Vec<(String, String)> {
        section(Path::new(&self.credentials), &format!("[{name}]"))
    }

    /// The access key ID of a profile, from the credentials file or its `credential_process`.
    fn key(&self, name: &str) -> String {
        let settings = self.profile(name);
        let (key, value) = settings.first().expect("a setting").clone();
        if key == "aws_access_key_id" {
            return value;
        }
        assert_eq!((key.as_str(), settings.len()), ("credential_process", 1));
        let output = Command::new("/bin/sh").args(["-c", &value]).output().expect("sh runs");
        key_of(&output)
    }
}

fn key_of(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["AccessKeyId"].as_str().expect("text").to_owned()
}

/// The settings of a section, without nested ones.
fn section(path: &Path, header: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).expect("it is there");
    let lines = text.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once(" = ")).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The access key ID of the newest session of a role.
#[track_caller]
fn newest(sts: &FakeSts, role: &str) -> String {
    let issued = sts.issued().into_iter().rev().find(|issued| issued.role_arn == role);
    issued.expect("a session of the role").access_key_id
}

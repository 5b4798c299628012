//! What the command of a supervised run, or a client, has.

use std::fs;
use std::process::Command;

use crate::scenario::{OTHER, ROLE, Scenario, World};
use crate::support::Running;
use crate::support::http::get;

/// Whether the command, or a client, has a session that is not the first one.
pub fn is_refreshed(world: &World, running: &Running) -> bool {
    let issued = world.sts.issued();
    let later = |role: &str, key: Option<String>| {
        let mut of_role = issued.iter().filter(|one| one.role_arn == role).skip(1);
        key.is_some_and(|key| of_role.any(|one| one.access_key_id == key))
    };
    // A client is only asked when there is a second session, because its connections are calls of xassume.
    if issued.iter().filter(|one| one.role_arn == ROLE).count() < 2 {
        return false;
    }
    let said = running.stdout.so_far();
    let shared = || fs::read_to_string(value(&said, "AWS_SHARED_CREDENTIALS_FILE")?).ok();
    match world.scenario {
        Scenario::Restart | Scenario::Handover | Scenario::Pid1 => later(ROLE, value(&said, "AWS_ACCESS_KEY_ID")),
        Scenario::Signal => {
            let line = said.lines().rev().find(|line| line.contains("key="));
            later(ROLE, line.and_then(|line| Some(line.rsplit_once("key=")?.1.to_owned())))
        }
        Scenario::File => {
            let text = shared().unwrap_or_default();
            let key = text.lines().find_map(|line| line.strip_prefix("aws_access_key_id = "));
            later(ROLE, key.map(str::to_owned))
        }
        Scenario::Endpoint => later(ROLE, answered(&said)),
        Scenario::Serve => later(ROLE, answered(&fs::read_to_string(world.variables()).unwrap_or_default())),
        Scenario::Process => later(ROLE, shared().and_then(|text| printed_key(&text, "[default]"))),
        Scenario::Several => {
            let text = shared().unwrap_or_default();
            later(ROLE, printed_key(&text, "[default]")) && later(OTHER, printed_key(&text, "[other]"))
        }
        Scenario::Cold | Scenario::Cached | Scenario::Print | Scenario::Check | Scenario::SignIn => true,
    }
}

/// The last value of a variable in the command's output, or in a file.
pub fn value(text: &str, name: &str) -> Option<String> {
    text.lines().rev().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim_end().to_owned()))
}

/// The access key ID from the endpoint that these variables name.
fn answered(variables: &str) -> Option<String> {
    let url = value(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI")?;
    let token = value(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN")?;
    let answer = get(&url, &[("Authorization", &token)]).ok().filter(|answer| answer.status == 200)?;
    answer.json()["AccessKeyId"].as_str().map(str::to_owned)
}

/// The access key ID from the `credential_process` of a section.
fn printed_key(text: &str, section: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| *line != section);
    let command = lines.find_map(|line| line.strip_prefix("credential_process = "))?;
    let output = Command::new("/bin/sh").args(["-c", command]).output().ok()?;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    document["AccessKeyId"].as_str().map(str::to_owned)
}

/// The process IDs of all starts of the command.
pub fn starts(said: &str) -> Vec<i32> {
    let ready = said.lines().filter_map(|line| line.strip_prefix("ready pid=").or(line.strip_prefix("serving pid=")));
    ready.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

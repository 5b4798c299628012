//! Commands that are missing or cannot be executed: 126 and 127, before STS is called.

use super::page::{Page, ROLE, Scene, page, user_without_sts};
use crate::support::{FakeSts, Xassume};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn running(words: &'static [&'static str]) -> Scene {
    Scene::new(user_without_sts().args(["-r", ROLE, "--"]).args(words))
}

/// A file with that mode in the working directory.
fn with_file(xassume: Xassume, name: &str, mode: u32, contents: &str) -> Xassume {
    let path = xassume.sandbox().work().join(name);
    fs::write(&path, contents).expect("the directory is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    xassume
}

fn script_without_interpreter(name: &'static str, args: &'static [&'static str]) -> Page {
    page(name, move || {
        let sts = FakeSts::start();
        let xassume = with_file(Xassume::new(&sts), "deploy", 0o755, "#!/no/such/interpreter\n");
        Scene::new(xassume.args(["-r", ROLE]).args(args).args(["--", "./deploy"])).with(sts).status(126)
    })
}

/// A command line in the form of another tool, by a user with a profile `production`.
fn of_another_tool(name: &'static str, args: &'static [&'static str]) -> Page {
    page(name, move || {
        Scene::new(user_without_sts().args(args).file(".aws/config", "[profile production]\n[profile \"my team\"]\n"))
            .status(127)
    })
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        of_another_tool("command-is-a-profile", &["production", "--", "aws", "s3", "ls"]),
        of_another_tool("command-is-a-profile-alone", &["production"]),
        of_another_tool("command-is-a-profile-after-flags", &["-v", "my team", "sh", "-c", "aws s3 ls"]),
        of_another_tool("command-is-a-role", &["521111111144:DeployMaster", "--", "aws", "s3", "ls"]),
        of_another_tool("command-is-a-subcommand", &["exec", "production", "--", "aws", "s3", "ls"]),
        of_another_tool("command-is-a-subcommand-without-profile", &["exec", "staging", "--", "aws", "s3", "ls"]),
        of_another_tool("command-is-help", &["help"]),
        page("command-not-found", || running(&["no-such-command", "-v"]).status(127)),
        page("command-is-a-flag", || running(&["--via", "endpoint", "sleep", "0"]).status(127)),
        page("command-not-found-by-path", || running(&["./no/such/command"]).status(127)),
        page("command-line-in-one-argument", || running(&["aws s3 ls"]).status(127)),
        page("command-empty", || running(&[""]).status(127)),
        page("command-is-a-directory", || running(&["/tmp"]).status(126)),
        page("command-is-not-a-file", || running(&["/dev/null"]).status(126)),
        page("command-not-executable", || {
            let xassume = with_file(user_without_sts(), "deploy", 0o644, "#!/bin/sh\n");
            Scene::new(xassume.args(["-r", ROLE, "--", "./deploy"])).status(126)
        }),
        script_without_interpreter("command-without-interpreter", &[]),
        script_without_interpreter("command-without-interpreter-supervised", &["--on-expiry", "restart"]),
    ]
}

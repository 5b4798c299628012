//! Sessions that cannot be delivered, and sessions that have expired.

use super::page::{CLOSED, Page, ROLE, Scene, page, user_without_sts};
use crate::support::{Answer, DeniedCall, FakeSts, Xassume};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const BY_FILE: [&str; 4] = ["-r", ROLE, "--via", "file"];

/// A profile with a setting that some formats of `--print` cannot represent.
fn with_data_path(path: &str, format: &str) -> Scene {
    let sts = FakeSts::start();
    let config = format!("[profile deploy]\nrole_arn = {ROLE}\ncredential_source = Environment\ndata_path = {path}\n");
    Scene::new(Xassume::new(&sts).file(".aws/config", config).args(["-p", "deploy", "--print", format])).with(sts)
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("delivery-value-not-for-env", || with_data_path("/opt/data\\models", "env")),
        page("delivery-value-not-for-dotenv", || with_data_path("/opt/${stage}", "dotenv")),
        page("delivery-print-to-a-full-device", || {
            Scene::answered_to([Answer::Ok], &["-r", ROLE, "--print", "json"]).writing_to("/dev/full")
        }),
        page("delivery-print-to-no-output", || {
            Scene::new(user_without_sts().args(["-r", ROLE, "--print", "json"])).writing_to(CLOSED)
        }),
        page("delivery-check-to-no-output", || {
            Scene::new(user_without_sts().args(["-r", ROLE, "--check"])).writing_to(CLOSED)
        }),
        page("delivery-help-to-a-full-device", || Scene::new(user_without_sts().arg("--help")).writing_to("/dev/full")),
        page("delivery-cache-cannot-be-cleared", || {
            // A directory with the name of a session's file.
            let session = format!("cache/{}.session/x", "0".repeat(64));
            let xassume = user_without_sts().file(&session, "");
            let cache = xassume.home().join("cache");
            Scene::new(xassume.args(["--clear-cache", "--cache-dir"]).arg(cache))
        }),
        page("delivery-cache-cannot-be-listed", || {
            let xassume = user_without_sts();
            let cache = xassume.home().join("cache");
            std::fs::create_dir(&cache).expect("a directory");
            std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).expect("a mode");
            Scene::new(xassume.args(["--list-sessions", "--cache-dir"]).arg(cache))
        }),
        page("delivery-check-to-a-full-device", || {
            Scene::answered_to([Answer::Ok], &["-r", ROLE, "--check"]).writing_to("/dev/full")
        }),
        page("delivery-file-in-no-directory", || {
            Scene::new(user_without_sts().args(BY_FILE).args([
                "--credentials-file",
                "/no/such/directory/keys",
                "--",
                "true",
            ]))
        }),
        page("delivery-file-is-a-directory", || {
            let xassume = user_without_sts().file("keys/x", "");
            let file = xassume.home().join("keys");
            Scene::new(xassume.args(BY_FILE).arg("--credentials-file").arg(file).args(["--", "true"]))
        }),
        page("delivery-file-with-other-contents", || {
            let xassume = user_without_sts().file("keys", "[me]\naws_access_key_id = AKIAME\n");
            let file = xassume.home().join("keys");
            Scene::new(xassume.args(BY_FILE).arg("--credentials-file").arg(file).args(["--", "true"]))
        }),
        page("delivery-file-in-a-linked-directory", || {
            let xassume = user_without_sts();
            let link = xassume.home().join("link");
            std::os::unix::fs::symlink("/tmp", &link).expect("the home is writable");
            let file = link.join("keys");
            Scene::new(xassume.args(BY_FILE).arg("--credentials-file").arg(file).args(["--", "true"]))
        }),
        page("delivery-file-where-all-can-write", || {
            let xassume = user_without_sts().file("open/x", "");
            let open = xassume.home().join("open");
            std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("the home is ours");
            Scene::new(xassume.args(BY_FILE).arg("--credentials-file").arg(open.join("keys")).args(["--", "true"]))
        }),
        page("delivery-token-in-no-directory", || {
            let args = ["-r", ROLE, "--via", "endpoint", "--endpoint-token-file", "/no/such/directory/token"];
            Scene::new(user_without_sts().args(args).args(["--", "true"]))
        }),
        page("delivery-file-cannot-be-written", || {
            let sts = FakeSts::start();
            let xassume = Xassume::new(&sts);
            // A directory of root in which no user can create a file.
            let args = ["--credentials-file", "/proc/credentials", "--", "true"];
            Scene::new(xassume.args(BY_FILE).args(args)).with(sts)
        }),
        page("delivery-socket-blocked", || {
            let denied = user_without_sts().denying(&[DeniedCall::Call(libc::SYS_bind, libc::EPERM)]);
            Scene::new(denied.args(["-r", ROLE, "--via", "process", "--", "true"]))
        }),
        page("delivery-session-lapsed", || {
            let sts = FakeSts::start();
            let refusal = Answer::error(403, "ExpiredToken", "The security token included in the request is expired");
            sts.script_forever([Answer::Lifetime(Duration::from_secs(2)), refusal]);
            let xassume = Xassume::new(&sts).args(BY_FILE).args(["-q", "--on-refresh-failure", "stop"]);
            Scene::new(xassume.args(["--", "sleep", "60"])).with(sts)
        }),
    ]
}

//! The files of a keeper: their contents, and whose file is at a path.

use super::*;
use crate::support::{Answer, Sandbox, on_one_line, skipped_without_root};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

/// A keeper without an address.
fn with_variables(sts: &FakeSts, args: &[&str]) -> (Xassume, PathBuf) {
    let xassume = keeper(sts);
    let variables = xassume.sandbox().work().join("variables");
    (xassume.args(args).arg("--env-file").arg(&variables), variables)
}

fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}=");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn files_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_variables_of_an_endpoint_reach_it() {
    let sts = FakeSts::start();
    let (xassume, path) = with_variables(&sts, &[]);
    let running = serving(&xassume);
    let text = fs::read_to_string(&path).expect("it is there");
    let (url, token) =
        (value(&text, "AWS_CONTAINER_CREDENTIALS_FULL_URI"), value(&text, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    assert_eq!(
        text,
        format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI={url}\nAWS_CONTAINER_AUTHORIZATION_TOKEN={token}\n\
             AWS_REGION=us-east-1\nAWS_DEFAULT_REGION=us-east-1\nAWS_EC2_METADATA_DISABLED=true\n"
        )
    );
    assert_eq!(get(url, &[("Authorization", token)]).expect("answered").status, 200);
    assert!(xassume.sandbox().run_directories().is_empty(), "there is no command that needs files");
    stop(running);
    assert!(files_in(&xassume.sandbox().work()).is_empty());
}

#[test]
fn the_variables_of_files_lead_to_the_session() {
    let sts = FakeSts::start();
    for via in ["file", "process"] {
        let (xassume, path) = with_variables(&sts, &["--via", via]);
        let running = serving(&xassume);
        let text = fs::read_to_string(&path).expect("it is there");
        let (credentials, config) = (value(&text, "AWS_SHARED_CREDENTIALS_FILE"), value(&text, "AWS_CONFIG_FILE"));
        assert_eq!(
            text,
            format!(
                "AWS_SHARED_CREDENTIALS_FILE={credentials}\nAWS_CONFIG_FILE={config}\n\
                 AWS_REGION=us-east-1\nAWS_DEFAULT_REGION=us-east-1\nAWS_EC2_METADATA_DISABLED=true\n"
            )
        );
        assert!(Path::new(config).exists());
        let contents = fs::read_to_string(credentials).expect("it is there");
        let key = if via == "file" {
            contents.lines().find_map(|line| line.strip_prefix("aws_access_key_id = ")).expect("a key").to_owned()
        } else {
            let command = contents.lines().find_map(|line| line.strip_prefix("credential_process = "));
            let words: Vec<_> = command.expect("a command").split(' ').collect();
            let client = xassume.clone().without_args().program(words[0]).args(&words[1..]).run().exited(0);
            client.stdout_json()["AccessKeyId"].as_str().expect("text").to_owned()
        };
        assert_eq!(key, sts.issued().last().expect("issued").access_key_id);
        let (credentials, config) = (PathBuf::from(credentials), PathBuf::from(config));
        stop(running);
        assert!(!credentials.exists() && !config.exists() && !path.exists());
    }
}

#[test]
fn a_shared_credentials_file_is_enough() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let file = xassume.sandbox().work().join("credentials");
    let running = serving(&xassume.args(["--via", "file", "--file-mode", "0640", "--credentials-file"]).arg(&file));
    let first = fs::read_to_string(&file).expect("it is there");
    running.signal(libc::SIGHUP);
    running.error_line("session refreshed: ");
    assert_ne!(fs::read_to_string(&file).expect("it is there"), first);
    stop(running);
    assert!(!file.exists());
}

#[test]
fn a_file_that_another_program_has_put_there_stays() {
    let (running, place) = started(&FakeSts::start());
    for path in [&place.token, &place.variables] {
        let new = path.with_extension("new");
        fs::write(&new, "mine").expect("writable");
        fs::rename(&new, path).expect("replaced");
    }
    let _sandbox = running.shared_sandbox();
    stop(running);
    for path in [&place.token, &place.variables] {
        assert_eq!(fs::read_to_string(path).expect("it stays"), "mine");
    }
}

#[test]
fn the_files_of_a_killed_keeper_are_replaced() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let keeper = place.given_to(xassume);
    let killed = serving(&keeper);
    killed.signal(libc::SIGKILL);
    killed.wait().killed_by(libc::SIGKILL);
    assert_eq!(place.has_files(), [true; 2]);
    let running = serving(&keeper);
    assert!(place.key().starts_with("ASIA"));
    stop(running);
    assert!(files_in(&keeper.sandbox().work()).is_empty());
}

#[test]
fn the_files_of_a_killed_keeper_are_gone_until_the_next_one_has_a_session() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts).arg("--no-cache");
    let place = Place::of(&xassume);
    let keeper = place.given_to(xassume);
    let killed = serving(&keeper);
    // A check changes nothing, even if the keeper no longer runs.
    killed.signal(libc::SIGKILL);
    killed.wait().killed_by(libc::SIGKILL);
    keeper.clone().arg("--check").run().exited(0);
    assert_eq!(place.has_files(), [true; 2]);
    let before = sts.requests().len();
    sts.script([Answer::Hang]);
    let running = keeper.spawn();
    sts.wait_for_requests(before + 1);
    assert_eq!(place.has_files(), [false; 2], "there is no session");
    running.signal(libc::SIGTERM);
    running.wait().killed_by(libc::SIGTERM);
}

#[test]
fn a_file_that_could_not_be_finished_is_not_left() {
    let sts = FakeSts::start();
    let (xassume, path) = with_variables(&sts, &["--no-cache"]);
    let args: Vec<_> = xassume.command().get_args().map(ToOwned::to_owned).collect();
    // The first byte of a file kills the process that writes it.
    let limited = xassume.clone().without_args().program("/bin/sh").args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]);
    let refused = limited.arg(crate::support::binary()).args(args).run().exited(125);
    let expected = format!("error: cannot deliver the session: cannot replace {}: ", path.display());
    assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    assert!(files_in(&xassume.sandbox().work()).is_empty());
}

#[test]
fn a_file_that_another_user_has_created_in_a_sticky_directory_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        skipped_without_root("only root can give a file away");
        return;
    }
    let sts = FakeSts::start();
    let (xassume, path) = with_variables(&sts, &[]);
    let open = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(xassume.sandbox().work(), open).expect("a mode");
    fs::write(&path, "").expect("writable");
    chown(&path, Some(65534), None).expect("root can do this");
    let message = refused(&sts, &xassume);
    let expected =
        format!("cannot write the variables to {}: the file belongs to another user (uid 65534)", path.display());
    assert!(message.starts_with(&expected), "{message}");
    assert!(path.exists());
}

#[test]
fn a_keeper_that_takes_over_leaves_its_files_to_the_new_one() {
    let sts = FakeSts::start();
    let (xassume, path) = with_variables(&sts, &[]);
    let old = serving(&xassume);
    let new = serving(&xassume);
    stop(old);
    let text = fs::read_to_string(&path).expect("that of the new one");
    let token = value(&text, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let url = value(&text, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    assert_eq!(get(url, &[("Authorization", token)]).expect("answered").status, 200);
    stop(new);
    assert!(!path.exists());
}

/// Runs a keeper that must fail before it calls STS, and returns the error and the hint.
fn refused(sts: &FakeSts, xassume: &Xassume) -> String {
    let refused = xassume.run().exited(125);
    assert!(sts.requests().is_empty(), "{}", refused.describe());
    let message = refused.stderr.split_once("xassume: error: ").map(|(_, message)| message.trim_end().to_owned());
    let message = message.unwrap_or_else(|| panic!("{}", refused.describe()));
    assert_eq!(message.lines().count(), 2, "{message}");
    message
}

#[test]
fn a_path_that_cannot_be_used_is_an_error_before_sts_is_called() {
    let sts = FakeSts::start();
    let sandbox = Sandbox::new();
    let base = sandbox.directory();
    let open = base.join("open");
    fs::create_dir(&open).expect("a directory");
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&open, all).expect("a mode");
    nix::unistd::mkfifo(&base.join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    fs::write(base.join("mine"), "AWS_REGION=eu-west-1\n").expect("a file");
    for (path, reason) in [
        ("open/file", "all users can write to "),
        ("pipe", "it is not a regular file"),
        ("mine", "the file exists and does not contain "),
        ("missing/file", "cannot read the parent directory: No such file or directory"),
        ("open", "it is a directory"),
    ] {
        for (flag, what) in [("--env-file", "the variables"), ("--endpoint-token-file", "the endpoint's token")] {
            let path = base.join(path);
            let xassume = keeper(&sts).args(["--endpoint-address", &free_address().to_string()]);
            let other = xassume.sandbox().work().join("other");
            let flags =
                ["--env-file", "--endpoint-token-file"].map(|name| (name, if name == flag { &path } else { &other }));
            let xassume = flags.into_iter().fold(xassume, |xassume, (name, path)| xassume.arg(name).arg(path));
            let message = refused(&sts, &xassume);
            assert!(message.starts_with(&format!("cannot write {what} to {}: {reason}", path.display())), "{message}");
            assert!(!other.exists());
        }
    }
    assert_eq!(fs::read_to_string(base.join("mine")).expect("unchanged"), "AWS_REGION=eu-west-1\n");
}

#[test]
fn two_flags_cannot_have_one_file() {
    for (via, flag) in [("endpoint", "--endpoint-token-file"), ("file", "--credentials-file")] {
        let sts = FakeSts::start();
        let (keeper, path) = with_variables(&sts, &["--via", via]);
        let keeper = keeper.arg(flag).arg(&path);
        let expected = format!("--env-file and {flag} cannot name the same file ({})", path.display());
        let message = refused(&sts, &keeper);
        assert!(message.starts_with(&expected), "{message}");
        let page = on_one_line(&keeper.clone().arg("--check").run().exited(125).stdout_text());
        assert!(page.contains(&expected), "{page}");
        assert!(files_in(&keeper.sandbox().work()).is_empty());
    }
}

#[test]
fn a_path_that_readers_of_variables_would_take_differently_is_an_error() {
    let sts = FakeSts::start();
    for check in [false, true] {
        let xassume = keeper(&sts);
        let place = Place::of(&xassume);
        let directory = xassume.sandbox().work().join("a b");
        fs::create_dir(&directory).expect("a directory");
        let place = Place { token: directory.join("token"), ..place };
        if check {
            let page = place.given_to(xassume).arg("--check").run().exited(125).stdout_text();
            assert!(page.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "{page}");
        } else {
            let message = refused(&sts, &place.given_to(xassume));
            let expected =
                "the value of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE contains characters other than letters, digits";
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(place.has_files(), [false; 2]);
    }
}

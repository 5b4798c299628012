//! The file with the endpoint's token.

use super::*;

const SHOW_TOKEN: &str = "env | grep -a ^AWS_CONTAINER_AUTHORIZATION; f=$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; \
                          [ -z \"$f\" ] || { stat -c %a $f; printf '%s|' \"$(cat $f)\"; wc -c <$f; }";

fn via_endpoint(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--via", "endpoint"])
}

/// The token that the command got, and the path of the file if there is one.
fn tokens(finished: &Finished) -> (String, Option<String>) {
    let text = finished.stdout_text();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).map(str::to_owned);
    let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN").expect("it is always set");
    let file = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if file.is_some() {
        assert!(text.contains(&format!("\n600\n{token}|64\n")), "mode, token, and no line end: {text}");
    }
    (token, file)
}

#[test]
fn except_for_root_the_endpoints_token_is_also_a_private_file() {
    let sts = FakeSts::start();
    let world = shell(via_endpoint(&sts), SHOW_TOKEN);
    let (_, file) = tokens(&world.run().exited(0));
    assert_eq!(file.is_none(), geteuid().is_root());
    let Some(world) = by_another_user(&world) else { return };
    let (_, file) = tokens(&world.run().exited(0));
    let file = PathBuf::from(file.expect("another user than root has one"));
    assert!(file.starts_with(world.sandbox().runtime()) && !file.exists(), "it goes with the run: {}", file.display());
}

#[test]
fn a_token_file_chosen_by_the_user_has_mode_0600_and_is_removed_at_the_end() {
    let sts = FakeSts::builder().script([Answer::Hang]).start();
    let world = via_endpoint(&sts).args(["--endpoint-token-file", "token"]);
    let path = world.sandbox().work().join("token");
    let waiting = shell(world.clone(), "true").spawn();
    sts.wait_for_requests(1);
    assert!(!path.exists(), "it appears with the first session");
    waiting.signal(libc::SIGTERM);
    waiting.wait().killed_by(libc::SIGTERM);

    let shown =
        shell(world.clone().env("XASSUME_ENDPOINT_TOKEN_FILE", "other"), &format!("{SHOW_TOKEN}; env")).run().exited(0);
    let (_, file) = tokens(&shown);
    assert_eq!(file.map(PathBuf::from), Some(path.canonicalize().unwrap_or(path.clone())));
    assert!(!shown.stdout_text().contains("XASSUME_ENDPOINT_TOKEN_FILE"), "it is only for this run");
    assert_eq!(fs::read_dir(world.sandbox().work()).expect("there").count(), 0, "nothing remains");

    // A file that another program has created there since is not removed.
    let replaced = shell(world.clone(), "echo mine >new && mv new token");
    replaced.run().exited(0);
    assert_eq!(fs::read_to_string(&path).expect("still there"), "mine\n");
    let refused = shell(world.clone(), "true").run().exited(125);
    assert!(
        refused.stderr.contains("the file exists and does not contain a token, so it will not be overwritten"),
        "{}",
        refused.stderr
    );
    fs::remove_file(&path).expect("ours");
    set_mode(&world.sandbox().work(), 0o777);
    for check in [false, true] {
        let launch = if check { world.clone().arg("--check") } else { shell(world.clone(), "true") };
        let refused = launch.run().exited(125);
        let said = if check { refused.stdout_text() } else { refused.stderr };
        assert!(unfolded(&said).contains(&format!("hint: chmod go-w {}", world.sandbox().work().display())), "{said}");
    }
    set_mode(&world.sandbox().work(), 0o700);
    let check = world.arg("--check").run().exited(0).stdout_text();
    assert!(unfolded(&check).contains("local credentials endpoint, token also in token"), "{check}");
    assert!(!path.exists(), "a check leaves nothing");
}

#[test]
fn a_command_that_drops_root_still_has_its_token() {
    if !geteuid().is_root() {
        return skipped_without_root("only root can change its user");
    }
    let sts = FakeSts::start();
    let show = "echo uid=$(id -u) url=$AWS_CONTAINER_CREDENTIALS_FULL_URI token=$AWS_CONTAINER_AUTHORIZATION_TOKEN \
                file=$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.; read end";
    let words = ["--", "setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups", "sh", "-c", show];
    let stale = via_endpoint(&sts).env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/root/stale");
    let mut running = stale.args(words).stdin_open().spawn();
    let line = running.line("uid=");
    let value = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)).expect(name).to_owned();
    assert_eq!((value("uid="), value("file=")), ("61234".into(), ".".into()), "no file that it cannot read");
    let received = get(&value("url="), &[("Authorization", &value("token="))]).expect("answered");
    assert_eq!(received.status, 200);
    running.close_stdin();
    running.wait();
}

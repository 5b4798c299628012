//! Runs xassume without an AWS account: `cargo run --example demo`.
//!
//! Starts a local fake STS, runs the real program against it, and shows what its command received.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a demo prints, and stops at the first error")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Duration;
use support::{FakeSts, Running, StsRequest, Xassume};

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

fn main() {
    build_the_program();
    launch();
    restart();
    signal();
}

/// Cargo does not build the package's program for an example.
fn build_the_program() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let release = if cfg!(debug_assertions) { None } else { Some("--release") };
    let built = std::process::Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--bin", "xassume"])
        .args(release)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the program must build");
}

/// The main use: one command with the role.
fn launch() {
    let sts = FakeSts::start();
    let script = r#"echo "  identity    $XASSUME_SESSION"
echo "  access key  $AWS_ACCESS_KEY_ID"
echo "  expires     $AWS_CREDENTIAL_EXPIRATION""#;
    println!("Local fake STS at {}.\n", sts.url());
    println!("$ xassume -r 521111111144:DeployMaster --role-session-name demo -- sh -c '…'");
    let role = ["-r", "521111111144:DeployMaster", "--role-session-name", "demo"];
    let finished = Xassume::new(&sts).args(role).args(["--", "sh", "-c", script]).run().exited(0);
    print!("{}", finished.stdout_text());
    let (issued, requests) = (sts.issued(), sts.requests());
    let (call, key) = (&requests[0], &issued[0].access_key_id);
    println!("  STS log     {} by {}, issued {key}", call.action, signer(call));
    let shown = format!("  access key  {key}");
    assert_eq!(finished.stdout_text().lines().nth(1), Some(shown.as_str()), "the command has the session of STS");
}

fn signer(request: &StsRequest) -> &str {
    request.access_key_id.as_deref().unwrap_or("anonymous")
}

/// A worker that is restarted with a new session before the old one expires.
fn restart() {
    let sts = short_sessions();
    println!("\n$ xassume --on-expiry restart -- ./worker        # sessions of 3 seconds");
    let worker = "echo \"  worker $$ starts with $AWS_ACCESS_KEY_ID\"; exec sleep 60";
    let running = supervise(&sts, &["--on-expiry", "restart"], worker);
    show(&running, "starts with", &sts, 3);
    running.signal(libc::SIGTERM);
    println!("  sent TERM to xassume: worker stopped, not restarted ({})", running.wait().status);
}

/// A daemon that reads its credentials file again at each signal.
fn signal() {
    let sts = short_sessions();
    println!("\n$ xassume --on-expiry signal --signal HUP -- ./daemon");
    let daemon = r#"read_file() { echo "  daemon $$ reads $(grep -o 'ASIA[0-9A-Z]*' "$AWS_SHARED_CREDENTIALS_FILE")"; }
trap read_file HUP
read_file
while :; do sleep 60 & wait; kill $!; done"#;
    let running = supervise(&sts, &["--on-expiry", "signal", "--signal", "HUP"], daemon);
    show(&running, "reads", &sts, 3);
    running.signal(libc::SIGTERM);
    println!("  sent TERM to xassume: daemon stopped ({})", running.wait().status);
}

fn short_sessions() -> FakeSts {
    FakeSts::builder().lifetime(Duration::from_secs(3)).start()
}

fn supervise(sts: &FakeSts, flags: &[&str], script: &str) -> Running {
    Xassume::new(sts).args(["--role-arn", ROLE]).args(flags).args(["--", "sh", "-c", script]).spawn()
}

/// Shows the command's lines as they arrive, and checks that each has the session that STS issued for it.
fn show(running: &Running, word: &str, sts: &FakeSts, lines: usize) {
    for at in 0..lines {
        let line = running.line(word);
        println!("{line}");
        assert!(line.ends_with(&sts.issued()[at].access_key_id), "line {at}: {line}");
    }
}

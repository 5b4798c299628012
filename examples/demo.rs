//! xassume at work on a machine without an AWS account: `cargo run --example demo`.
//!
//! Starts an STS of its own on loopback, runs the real program against it, and shows what its command received.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a demonstration shows, and stops where it cannot go on")]

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

/// An example does not build the package's program by itself.
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

/// The main job: one command under the role.
fn launch() {
    let sts = FakeSts::start();
    let script = r#"echo "  I am      $XASSUME_SESSION"
echo "  with key  $AWS_ACCESS_KEY_ID"
echo "  until     $AWS_CREDENTIAL_EXPIRATION""#;
    println!("An STS of our own answers at {}.\n", sts.url());
    println!("$ xassume -r 521111111144:DeployMaster --role-session-name demo -- sh -c '…'");
    let role = ["-r", "521111111144:DeployMaster", "--role-session-name", "demo"];
    let finished = Xassume::new(&sts).args(role).args(["--", "sh", "-c", script]).run().exited(0);
    print!("{}", finished.stdout_text());
    let (issued, requests) = (sts.issued(), sts.requests());
    println!("  STS says: {} by {}; I issued {}.", requests[0].action, signer(&requests[0]), issued[0].access_key_id);
    let shown = format!("  with key  {}", issued[0].access_key_id);
    assert_eq!(finished.stdout_text().lines().nth(1), Some(shown.as_str()), "the session is STS's");
}

fn signer(request: &StsRequest) -> &str {
    request.access_key_id.as_deref().unwrap_or("nobody")
}

/// A worker that is started again with a new session before the old one expires.
fn restart() {
    let sts = short_sessions();
    println!("\n$ xassume --on-expiry restart -- ./worker        # sessions of 3 seconds");
    let worker = "echo \"  worker $$ starts with $AWS_ACCESS_KEY_ID\"; exec sleep 60";
    let running = stay(&sts, &["--on-expiry", "restart"], worker);
    show(&running, "starts with", &sts, 3);
    running.signal(libc::SIGTERM);
    println!("  TERM to xassume ends the worker, and no other is started: {}", running.wait().status);
}

/// A daemon that reads its credentials file again when it is told to.
fn signal() {
    let sts = short_sessions();
    println!("\n$ xassume --on-expiry signal --signal HUP -- ./daemon");
    let daemon = r#"read_file() { echo "  daemon $$ reads $(grep -o 'ASIA[0-9A-Z]*' "$AWS_SHARED_CREDENTIALS_FILE")"; }
trap read_file HUP
read_file
while :; do sleep 60 & wait; kill $!; done"#;
    let running = stay(&sts, &["--on-expiry", "signal", "--signal", "HUP"], daemon);
    show(&running, "reads", &sts, 3);
    running.signal(libc::SIGTERM);
    println!("  TERM to xassume ends the daemon: {}", running.wait().status);
}

fn short_sessions() -> FakeSts {
    FakeSts::builder().lifetime(Duration::from_secs(3)).start()
}

fn stay(sts: &FakeSts, flags: &[&str], script: &str) -> Running {
    Xassume::new(sts).args(["--role-arn", ROLE]).args(flags).args(["--", "sh", "-c", script]).spawn()
}

/// Shows the command's lines as they come, and holds each against what STS issued.
fn show(running: &Running, word: &str, sts: &FakeSts, lines: usize) {
    for at in 0..lines {
        let line = running.line(word);
        println!("{line}");
        assert!(line.ends_with(&sts.issued()[at].access_key_id), "each generation in its turn");
    }
}

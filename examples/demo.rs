//! xassume at work on a machine without an AWS account: `cargo run --example demo`.
//!
//! Starts an STS of its own on loopback, runs the real program against it, and shows what its command received.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a demonstration shows, and stops where it cannot go on")]

#[path = "../tests/support/mod.rs"]
mod support;

use support::{FakeSts, Xassume};

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

fn main() {
    build_the_program();
    let sts = FakeSts::start();
    println!("An STS of our own answers at {}.\n", sts.url());
    launch(&sts);
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
fn launch(sts: &FakeSts) {
    let script = r#"echo "  I am      $XASSUME_SESSION"
echo "  with key  $AWS_ACCESS_KEY_ID"
echo "  until     $AWS_CREDENTIAL_EXPIRATION""#;
    println!("$ xassume --role-arn {ROLE} -- sh -c '…'");
    let finished = Xassume::new(sts).args(["--role-arn", ROLE, "--", "sh", "-c", script]).run().exited(0);
    print!("{}", finished.stdout_text());
    let (issued, request) = (sts.issued(), sts.requests());
    println!(
        "  STS says: {} was asked of me by {}; I issued {}.",
        request[0].action,
        name(&request[0]),
        issued[0].access_key_id
    );
    assert_eq!(
        finished.stdout_text().lines().nth(1),
        Some(format!("  with key  {}", issued[0].access_key_id).as_str())
    );
}

fn name(request: &support::StsRequest) -> &str {
    request.access_key_id.as_deref().unwrap_or("nobody")
}

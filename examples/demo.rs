//! Shows xassume without an AWS account: `cargo run --example demo`.
//!
//! Types commands into a real shell on a terminal, against a local fake STS, and prints what the terminal shows.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a demo prints, and stops at the first error")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;
use support::{FakeSts, RoleRules, Terminal, Wording, Xassume, binary};

/// A long line wraps there. GitHub shows a picture of this width without making the letters smaller.
const COLUMNS: u16 = 100;
/// The lifetime of the worker's sessions. It is short, so that the demo shows a restart.
const SHORT: Duration = Duration::from_secs(8);

const PROFILES: &str = "
[profile production]
role_arn = arn:aws:iam::521111111144:role/DeployMaster
role_session_name = alice
credential_source = Environment

[profile audit]
role_arn = arn:aws:iam::222222222222:role/Auditor
credential_source = Environment

[profile worker]
role_arn = arn:aws:iam::521111111144:role/Worker
role_session_name = worker
credential_source = Environment
";

/// The prompt of `docs/prompt.md`, without line editing, whose control sequences would disturb the output.
const STARTUP: &str = "
PS1='${XASSUME_LABEL:+[$XASSUME_LABEL] }$ '
set +o emacs 2>/dev/null
";

/// The end of each prompt. It occurs nowhere else.
const PROMPT: &str = "$ ";

const WORKER: &str = r#"#!/bin/sh
trap 'trap "" TERM; sleep 0.3; echo "worker: TERM, finished the current job"; exit' TERM
echo "worker: started with $AWS_ACCESS_KEY_ID, valid until $AWS_CREDENTIAL_EXPIRATION"
sleep 60 & wait
"#;

fn main() {
    build_the_program();
    // The caller's own policy does not allow this role, and STS says so within an account.
    let denied = RoleRules { allowed: false, wording: Wording::WithPolicy, ..RoleRules::default() };
    let sts = FakeSts::builder().role("arn:aws:iam::222222222222:role/Auditor", denied).start();
    let terminal = Terminal::of_columns(&user(&sts), COLUMNS);
    show(&terminal, PROMPT);

    show_command(&terminal, "xassume -p production -- $SHELL", PROMPT);
    show_command(&terminal, "aws sts get-caller-identity --query Arn --output text", PROMPT);
    let identity = terminal.stdout.so_far();
    let of_the_role = "arn:aws:sts::521111111144:assumed-role/DeployMaster/alice";
    assert!(identity.contains(of_the_role), "the command has the role: {identity}");
    show_command(&terminal, "exit", PROMPT);

    show_command(&terminal, "xassume -p audit -- aws s3 ls", PROMPT);

    sts.set_lifetime(SHORT);
    let started = "worker: started with ";
    show_command(&terminal, "xassume -p worker --on-expiry restart -- ./worker </dev/null", started);
    show(&terminal, started);
    let second = sts.issued().last().expect("the session of the second start").access_key_id.clone();
    show(&terminal, &second);
    // Ctrl-C
    terminal.keys("\x03");
    show(&terminal, PROMPT);
    println!();
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

/// An IAM user who starts a shell. `aws` is the AWS CLI of this system.
fn user(sts: &FakeSts) -> Xassume {
    let shells = ["/bin/bash", "/usr/bin/bash", "/bin/sh"].map(PathBuf::from);
    let shell = shells.into_iter().find(|shell| shell.exists()).expect("a shell");
    // Colors and progress are shown as on the terminal of the reader.
    let term = std::env::var("TERM").ok().filter(|_| std::io::stdout().is_terminal());
    let user = Xassume::new(sts)
        .env("TERM", term.unwrap_or_else(|| "dumb".into()))
        .env("NO_COLOR", std::env::var_os("NO_COLOR").unwrap_or_default())
        .env("SHELL", &shell)
        .file(".aws/config", PROFILES)
        // bash reads `.bashrc`; other shells read the file in `$ENV`.
        .file(".bashrc", STARTUP)
        // Otherwise the bash of Ubuntu explains sudo.
        .file(".hushlogin", "")
        .script("worker", WORKER);
    let user = with_aws(user, &sts.url()).program(shell).arg("-i");
    let home = user.home();
    let bin = home.join("bin");
    symlink(binary(), bin.join("xassume")).expect("the home is writable");
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&system)));
    user.env("PATH", path.expect("they were joined before")).env("ENV", home.join(".bashrc")).cwd(home)
}

/// Adds a program `aws` that runs the AWS CLI of this system with `--endpoint-url`, because old versions do not read
/// `AWS_ENDPOINT_URL_STS`.
fn with_aws(user: Xassume, url: &str) -> Xassume {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|directory| directory.join("aws"));
    let runs = |aws: &PathBuf| aws.exists() && user.clone().program(aws).arg("--version").run().code() == Some(0);
    let script = if let Some(aws) = places.find(runs) {
        format!("#!/bin/sh\nexec '{}' --endpoint-url {url} \"$@\"\n", aws.display())
    } else {
        println!("There is no AWS CLI here: `aws` only prints $XASSUME_SESSION.\n");
        "#!/bin/sh\necho \"$XASSUME_SESSION\"\n".to_owned()
    };
    user.script("bin/aws", &script)
}

/// Types a command, and prints what the terminal shows up to and including `until`.
fn show_command(terminal: &Terminal, command: &str, until: &str) {
    terminal.keys(&format!("{command}\n"));
    show(terminal, &format!("{command}\r\n"));
    show(terminal, until);
}

fn show(terminal: &Terminal, until: &str) {
    print!("{}", terminal.through(until).replace("\r\n", "\n"));
    std::io::stdout().flush().expect("the output can be written");
}

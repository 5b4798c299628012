//! The cost of a launch, alone and in a crowd, compared with other tools.
//!
//! The floor is `env A=1 /bin/true`: an execve(2) with one more variable. Every command here is `/bin/true`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use crate::measure::{Contender, Effort, Samples, crowds_in_turn, in_turn};
use crate::report::Report;
use crate::subject::{ROLE, Sessions, Subject, TlsSts, on_path};
use crate::support::{FakeSts, Identity, Xassume};

const GROUP: &str = "launch";
const FLOOR: &str = "floor: `env A=1 /bin/true`";
const CACHED: &str = "from the cache";
const TLS: &str = "cold, STS over TLS";
const CURL: &str = "`curl` of the same POST over TLS";
/// Concurrent launches.
const CROWD: usize = 200;

pub(crate) fn launches(subject: &Subject, effort: Effort, report: &mut Report) {
    let http = FakeSts::start();
    let tls = TlsSts::start();
    let plain = |xassume: Xassume| xassume.args(["--", "/bin/true"]);
    let cold = plain(subject.xassume(&http, Sessions::Cold));
    let cached = plain(subject.xassume(&http, Sessions::Cached));
    let secure = plain(subject.xassume(&tls.sts, Sessions::Cold).env("SSL_CERT_FILE", tls.bundle()));
    let three = ["111111111111:Hub", "222222222222:Target"].map(|role| ["-r", role]).concat();
    let chain = plain(subject.xassume(&http, Sessions::Cold).args(&three));
    let secure_chain = subject.xassume(&tls.sts, Sessions::Cold).env("SSL_CERT_FILE", tls.bundle()).args(&three);
    let secure_chain = plain(secure_chain);
    let supervised = plain(subject.xassume(&http, Sessions::Cold).args(["--on-expiry", "restart"]));

    let curl_path = on_path("curl");
    let mut contenders = vec![Contender::new(FLOOR, || floor(&cold))];
    if subject.has_cache() {
        contenders.push(Contender::new(CACHED, || cached.command()));
    } else {
        report.skip("launch from the cache", "this build has no cache");
    }
    contenders.extend([
        Contender::new("cold, STS over HTTP", || cold.command()),
        Contender::new(TLS, || secure.command()),
        Contender::new("a chain of 3, over HTTP", || chain.command()),
        Contender::new("a chain of 3, over TLS", || secure_chain.command()),
        Contender::new("supervised, over HTTP", || supervised.command()),
    ]);
    match &curl_path {
        Some(path) => contenders.push(Contender::new(CURL, || curl(path, &secure, &tls))),
        None => report.skip("curl", "not on PATH"),
    }
    let samples = in_turn(&contenders, effort.choose(100, 5));
    let median = |name: &str| {
        let at = contenders.iter().position(|contender| contender.name == name)?;
        Some(samples[at].median())
    };
    for (contender, samples) in contenders.iter().zip(&samples) {
        report.samples(GROUP, &contender.name, "ms", samples, "");
    }
    if let (Some(floor), Some(cached)) = (median(FLOOR), median(CACHED)) {
        report.target("launch from the cache, above the floor", cached - floor, 1.0, "ms");
    }
    if let (Some(curl), Some(secure)) = (median(CURL), median(TLS)) {
        report.target("cold launch over TLS, against curl", secure / curl, 0.6, "×");
    }
    if subject.has_cache() {
        match system_calls(&cached) {
            Ok(calls) => {
                report.figure(GROUP, "from the cache, system calls up to the command's execve", "", calls, "strace");
                report.target("system calls of a launch from the cache", calls, 119.0, "");
            }
            Err(reason) => report.skip("system calls of a launch from the cache", reason),
        }
    }
    peers(&http, effort, report);
}

/// The number of system calls of all threads, from the start of the program to the execve(2) of its command
/// (strace(1)).
#[allow(clippy::cast_precision_loss, reason = "a small number")]
fn system_calls(world: &Xassume) -> Result<f64, &'static str> {
    let strace = on_path("strace").ok_or("strace is not on PATH")?;
    let launch = world.command();
    let output = NamedTempFile::new().expect("the temporary directory is writable");
    let mut traced = world.clone().program(strace).command_with(["-f", "-o"]);
    traced.arg(output.path()).arg(launch.get_program()).args(launch.get_args());
    let status = traced.stderr(Stdio::null()).status().map_err(|_| "strace does not start")?;
    let trace = fs::read_to_string(output.path()).unwrap_or_default();
    let last = trace.lines().position(|line| line.contains("execve(\"/bin/true\""));
    last.filter(|_| status.success()).map(|last| last as f64).ok_or("strace may not trace")
}

/// The floor, with the same environment as xassume.
fn floor(world: &Xassume) -> Command {
    world.clone().program("/usr/bin/env").command_with(["A=1", "/bin/true"])
}

fn curl(program: &Path, world: &Xassume, tls: &TlsSts) -> Command {
    let body = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={ROLE}&RoleSessionName=curl");
    let user = Identity::user();
    let mut command = world.clone().program(program).command_with(["-s", "-S", "--fail", "-o", "/dev/null"]);
    command.args(["--aws-sigv4", "aws:amz:us-east-1:sts", "--user"]);
    command.arg(format!("{}:{}", user.access_key_id, user.secret_access_key));
    command.arg("--cacert").arg(tls.bundle()).args(["--data", &body]).arg(tls.sts.url());
    command
}

/// Other tools with the same role and the same STS. A tool that does not reach it with these arguments is skipped.
fn peers(sts: &FakeSts, effort: Effort, report: &mut Report) {
    let known: [(&str, &str, &[&str]); 4] = [
        (
            "aws",
            "`aws sts assume-role`, no command run",
            &["sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "peer"],
        ),
        ("assume-role-arn", "`assume-role-arn -r ROLE /bin/true`", &["-r", ROLE, "/bin/true"]),
        ("aws-runas", "`aws-runas ROLE /bin/true`", &[ROLE, "/bin/true"]),
        ("aws-vault", "`aws-vault exec peer -- /bin/true`", &["exec", "peer", "--", "/bin/true"]),
    ];
    for (program, name, words) in known {
        let Some(path) = on_path(program) else {
            report.skip(program, "not on PATH");
            continue;
        };
        let profile =
            format!("[profile peer]\nrole_arn = {ROLE}\ncredential_source = Environment\nregion = us-east-1\n");
        let world = Xassume::new(sts).file(".aws/config", profile).env("AWS_VAULT_BACKEND", "file");
        let world = world
            .env("AWS_VAULT_FILE_PASSPHRASE", "peer")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .program(path)
            .args(words);
        let before = sts.requests().len();
        let finished = world.run();
        if finished.code() == Some(0) && sts.requests().len() > before {
            let samples = in_turn(&[Contender::new(name, || world.command())], effort.choose(20, 2));
            report.samples(GROUP, name, "ms", &samples[0], "peer");
        } else {
            let reason = finished.stderr.trim().lines().last().unwrap_or("it called another STS");
            report.skip(program, &format!("it does not work against this STS: {reason}"));
        }
    }
}

pub(crate) fn crowds(subject: &Subject, effort: Effort, report: &mut Report) {
    let sts = FakeSts::start();
    let cold = subject.xassume(&sts, Sessions::Cold).args(["--", "/bin/true"]);
    let cached = subject.xassume(&sts, Sessions::Cached).args(["--", "/bin/true"]);
    let mut contenders = vec![
        Contender::new(format!("{CROWD} floors at once"), || floor(&cold)),
        Contender::new(format!("{CROWD} cold launches at once"), || cold.command()),
    ];
    if subject.has_cache() {
        contenders.push(Contender::new(format!("{CROWD} launches from the cache at once"), || cached.command()));
    }
    let samples: Vec<Samples> = crowds_in_turn(&contenders, effort.choose(15, 1), CROWD);
    for (contender, samples) in contenders.iter().zip(&samples) {
        report.samples("crowd", &contender.name, "ms", samples, "");
    }
    if let [floor, _, cached] = &samples[..] {
        let ratio = cached.median() / floor.median();
        report.target("200 launches from the cache, against 200 floors", ratio, 1.5, "×");
    }
}

//! Kernels and containers that deny a system call. xassume works without the optional ones and reports the others.

use super::{at, error_before_start, probing, rejected, still_runs, xassume};
use crate::support::{Answer, DeniedCall, FakeSts, Identity, Xassume};
use std::time::Duration;

fn sts_with_one_short_session() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start()
}

/// Credentials come from a `credential_process`, which xassume runs.
fn with_credential_process(xassume: Xassume) -> Xassume {
    let Identity { access_key_id, secret_access_key, .. } = Identity::user();
    let answer = format!(r#"{{"Version":1,"AccessKeyId":"{access_key_id}","SecretAccessKey":"{secret_access_key}"}}"#);
    let config = "[default]\ncredential_process = cat $HOME/answer\n";
    xassume.without_keys().file("answer", answer).file(".aws/config", config)
}

/// The calls of Linux 3.14 and later. The numbers rise with each version, and this call is the first of 3.14.
const NEWER: DeniedCall = DeniedCall::Since(libc::SYS_sched_setattr);

#[test]
fn everything_works_without_pidfd_timerfd_close_range_getrandom_or_any_newer_call() {
    for call in [
        NEWER,
        DeniedCall::Call(libc::SYS_getrandom, libc::ENOSYS),
        DeniedCall::Call(libc::SYS_pidfd_open, libc::EPERM),
        DeniedCall::Call(libc::SYS_timerfd_create, libc::ENOSYS),
        DeniedCall::Call(libc::SYS_close_range, libc::ENOSYS),
    ] {
        let sts = sts_with_one_short_session();
        let world = with_credential_process(xassume(&sts)).args(["--on-expiry", "restart"]);
        let running = probing(world, &["print-keys"]).denying(&[call]).spawn();
        let (first, second) = (running.line("ready"), running.line("ready"));
        assert_ne!(first, second, "it was restarted");
        assert_eq!(still_runs(running).stderr_besides_restarts(), "");
    }
}

#[test]
fn every_delivery_works_without_any_newer_call() {
    for via in ["file", "endpoint", "process"] {
        let sts = FakeSts::start();
        let world = with_credential_process(xassume(&sts)).args(["--via", via, "--listen", "127.0.0.1:0"]);
        let finished = probing(world.denying(&[NEWER]), &["say", "ran"]).run();
        assert_eq!((finished.stdout.as_slice(), finished.stderr.as_str()), (b"ran\n".as_slice(), ""), "{via}");
    }
}

#[test]
fn without_signalfd_there_is_no_supervision() {
    let sts = FakeSts::start();
    let world = || xassume(&sts).denying(&[DeniedCall::Call(libc::SYS_signalfd4, libc::ENOSYS)]);
    let said = rejected(world().args(["--on-expiry", "restart"]));
    assert!(said.contains("cannot receive signals: "), "{said}");
    probing(world(), &["say", "ran"]).run().exited(0);
}

#[test]
fn without_pidfds_no_process_is_signaled_by_its_pid_file() {
    for (call, named) in [
        (DeniedCall::Call(libc::SYS_pidfd_open, libc::ENOSYS), "pidfd_open: Function not implemented"),
        (DeniedCall::Call(libc::SYS_pidfd_open, libc::EPERM), "pidfd_open: Operation not permitted"),
        (DeniedCall::Call(libc::SYS_pidfd_send_signal, libc::ENOSYS), "pidfd_send_signal: Function not implemented"),
    ] {
        let sts = FakeSts::start();
        let world = || xassume(&sts).denying(&[call]).args(["--on-expiry", "signal", "--signal-pid-file", "pid"]);
        let said = rejected(world());
        assert!(
            said.starts_with(&format!("xassume: error: cannot signal a process by its pid file: {named}\n")),
            "{said}"
        );
        assert!(said.contains("hint: --signal-pid-file requires Linux 5.3, "), "{said}");
        assert_eq!(sts.requests().len(), 0);
        let page = world().arg("--check").run().exited(125).stdout_text();
        assert!(page.contains("cannot signal a process by its pid file"), "{page}");
    }
}

#[test]
fn without_new_processes_the_reason_is_reported() {
    for errno in [libc::EAGAIN, libc::ENOMEM] {
        let refusal = [DeniedCall::Processes(errno)];
        for via in ["env", "file", "endpoint", "process"] {
            let sts = FakeSts::start();
            let on_expiry = if via == "env" { "restart" } else { "none" };
            let said = rejected(xassume(&sts).denying(&refusal).args(["--via", via, "--on-expiry", on_expiry]));
            assert!(
                said.starts_with("xassume: error: cannot start the command: ") && said.contains("\nhint: "),
                "{said}"
            );
        }
        let sts = FakeSts::start();
        let said = rejected(with_credential_process(xassume(&sts)).denying(&refusal));
        assert!(said.contains("credential_process of profile 'default' could not be started"), "{said}");
        assert_eq!(sts.requests().len(), 0);
        // In exec mode xassume needs no other process.
        probing(xassume(&sts).denying(&refusal), &["say", "ran"]).run().exited(0);
    }
}

#[test]
fn without_new_threads_addresses_work_and_names_do_not() {
    let refusal = [DeniedCall::Threads(libc::EAGAIN)];
    let sts = FakeSts::start();
    let by_name = format!("http://localhost:{}", sts.port());
    let flag_sets = [&[][..], &["--on-expiry", "restart"], &["--via", "endpoint"]];
    // xassume tries again, because the error may be temporary.
    let running = flag_sets.map(|flags| probing(at(&by_name).denying(&refusal).args(flags), &["say", "ran"]).spawn());
    for running in running {
        let said = error_before_start(running.wait());
        assert!(said.contains("no thread to resolve the host name"), "{said}");
    }
    for flags in flag_sets {
        probing(xassume(&sts).denying(&refusal).args(flags), &["say", "ran"]).run().exited(0);
    }
}

#[test]
fn any_single_denied_call_has_no_effect_or_one_error_line() {
    // Calls that the C library, the runtime and the hash maps make. A container's allowlist may lack any of them.
    let calls = [
        ("getrandom", libc::SYS_getrandom),
        ("prctl", libc::SYS_prctl),
        ("flock", libc::SYS_flock),
        ("statx", libc::SYS_statx),
        ("epoll_create1", libc::SYS_epoll_create1),
        ("eventfd2", libc::SYS_eventfd2),
        ("socket", libc::SYS_socket),
        ("setsockopt", libc::SYS_setsockopt),
        ("prlimit64", libc::SYS_prlimit64),
        ("renameat", libc::SYS_renameat),
        ("fsync", libc::SYS_fsync),
        ("fchmod", libc::SYS_fchmod),
        #[cfg(target_arch = "x86_64")]
        ("chmod", libc::SYS_chmod),
    ];
    let running: Vec<_> = calls
        .into_iter()
        .flat_map(|(name, call)| {
            [&[][..], &["--via", "file"], &["--via", "endpoint"]].map(|args| {
                let sts = FakeSts::start();
                let world = xassume(&sts).args(args).args(["--sts-timeout", "2s"]);
                let world = probing(world.denying(&[DeniedCall::Call(call, libc::EPERM)]), &["say", "ran"]);
                (name, args, world.spawn(), sts)
            })
        })
        .collect();
    for (name, args, running, _sts) in running {
        let sandbox = running.shared_sandbox();
        let finished = running.wait();
        let described = format!("{name} {args:?}: {}", finished.describe());
        assert_eq!(sandbox.run_directories(), Vec::<std::path::PathBuf>::new(), "{described}");
        assert!(!finished.stderr.contains("internal error"), "{described}");
        match finished.code() {
            Some(0) => assert_eq!(finished.stdout_text(), "ran\n", "{described}"),
            Some(125) => assert!(finished.stderr.starts_with("xassume: error: cannot "), "{described}"),
            _ => panic!("{described}"),
        }
    }
}

//! The flags of the cache, and their variables.

use super::{MINUTE, directory, failed, key_id, ran, xassume};
use crate::support::{FakeSts, Xassume};

#[test]
fn no_cache_neither_reads_nor_writes_sessions() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let off = xassume.clone().arg("--no-cache");
    ran(&off);
    assert!(!directory(&xassume).exists());
    ran(&xassume);
    ran(&xassume.env("XASSUME_NO_CACHE", "1"));
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn force_refresh_calls_sts_and_caches_the_session() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let first = key_id(&ran(&xassume));
    let forced = key_id(&ran(&xassume.clone().arg("--force-refresh")));
    assert_ne!(first, forced);
    assert_eq!(key_id(&ran(&xassume)), forced);
    assert_ne!(key_id(&ran(&xassume.clone().env("XASSUME_FORCE_REFRESH", "true"))), forced);
    assert_eq!(sts.requests().len(), 3);
    sts.stop();
    let error = failed(&xassume.args(["--force-refresh", "--sts-timeout", "1s"]));
    assert!(error.contains("cannot assume"), "an old session is not what was asked for: {error}");
}

#[test]
fn min_ttl_is_the_required_remaining_lifetime() {
    let sts = FakeSts::builder().lifetime(30 * MINUTE).start();
    let xassume = xassume(&sts);
    let asks = |xassume: &Xassume| {
        let before = sts.requests().len();
        ran(xassume);
        sts.requests().len() - before
    };
    assert_eq!(asks(&xassume), 1);
    assert_eq!(asks(&xassume.clone().args(["--min-ttl", "29m"])), 0);
    assert_eq!(asks(&xassume.clone().args(["--min-ttl", "40m"])), 1);
    assert_eq!(asks(&xassume.clone().env("XASSUME_MIN_TTL", "40m")), 1);
    assert_eq!(asks(&xassume.clone().env("XASSUME_MIN_TTL", "40m").args(["--min-ttl", "1s"])), 0);
}

#[test]
fn min_ttl_must_be_below_the_duration() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    for (args, longest) in [
        (&["--min-ttl", "1h"][..], "1h"),
        (&["--min-ttl", "30m", "--duration", "15m"], "15m"),
        (&["--min-ttl", "12h", "--duration", "max"], "12h"),
        (&["--min-ttl", "1h", "--duration", "max", "-r", "222222222222:Second"], "1h"),
    ] {
        let error = failed(&xassume.clone().args(args));
        let complaint = format!(
            "invalid value '{}' for '--min-ttl': must be shorter than the session duration ({longest})\nhint: ",
            args[1]
        );
        assert!(error.contains(&complaint), "{args:?}: {error}");
    }
    assert!(failed(&xassume.clone().env("XASSUME_MIN_TTL", "2h")).contains("invalid value '2h' for 'XASSUME_MIN_TTL'"));
    assert!(failed(&xassume.clone().args(["--min-ttl", "soon"])).contains("not a duration"));
    assert_eq!(sts.requests().len(), 0);
    // A flag takes precedence over a variable.
    let stderr = ran(&xassume.clone().env("XASSUME_MIN_TTL", "2h").args(["-v", "--duration", "1h"])).stderr;
    assert!(stderr.contains("ignoring XASSUME_MIN_TTL=2h (the session lasts only 1h)"), "{stderr}");
    ran(&xassume.args(["--min-ttl", "1h", "--duration", "2h"]));
}

#[test]
fn clear_cache_removes_every_session_and_runs_nothing() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let elsewhere = xassume.clone().env_remove("XDG_RUNTIME_DIR");
    let clear = |xassume: &Xassume| xassume.clone().without_args().arg("--clear-cache").run().exited(0);
    assert_eq!(clear(&xassume).stderr, "xassume: there is no cache to clear\n");
    ran(&xassume);
    ran(&xassume.clone().args(["--external-id", "other"]));
    ran(&elsewhere);
    let cleared = clear(&xassume);
    assert_eq!(cleared.stdout_text(), "");
    let lines = |[in_runtime, in_home, total]: [&str; 3]| {
        let (runtime, home) = (directory(&xassume), xassume.home().join(".cache/xassume"));
        format!(
            "xassume: removed {in_runtime} from {}\nxassume: removed {in_home} from {}\nxassume: removed {total} in total\n",
            runtime.display(),
            home.display()
        )
    };
    assert_eq!(cleared.stderr, lines(["2 cached sessions", "1 cached session", "3 cached sessions"]));
    assert_eq!(clear(&xassume).stderr, lines(["0 cached sessions"; 3]));
    assert_eq!(xassume.clone().without_args().args(["-q", "--clear-cache"]).run().exited(0).stderr, "");
    assert_eq!(std::fs::read_dir(directory(&xassume)).expect("a directory").count(), 0);
    ran(&xassume);
    assert_eq!(sts.requests().len(), 4);
    ran(&xassume.clone().env("XASSUME_CLEAR_CACHE", "true"));
    assert_eq!(sts.requests().len(), 4, "it has no variable");
    assert!(failed(&xassume.arg("--clear-cache")).contains("--clear-cache does not run a command"));
}

#[test]
fn what_cannot_be_cleared_is_an_error_and_the_rest_is_cleared() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    ran(&xassume);
    ran(&xassume.clone().env_remove("XDG_RUNTIME_DIR"));
    let (place, other) = (directory(&xassume), xassume.home().join(".cache/xassume"));
    let stuck = place.join(format!("{}.session", "0".repeat(64)));
    std::fs::create_dir(&stuck).expect("a directory");
    let clear = xassume.clone().without_args().arg("--clear-cache");
    let (first, second) = (place.display(), other.display());
    assert_eq!(
        clear.clone().run().exited(125).stderr,
        format!(
            "xassume: removed 1 cached session from {first}\nxassume: removed 1 cached session from {second}\n\
             xassume: removed 2 cached sessions in total\n\
             xassume: error: cannot clear the cache in {first}: cannot remove {}.session: Is a directory\n\
             hint: remove the directory manually: {first}\n",
            "0".repeat(64)
        )
    );
    ran(&xassume);
    std::fs::remove_dir(&stuck).expect("removed");
    let json = clear.clone().args(["--log-format", "json"]).run().exited(0).stderr;
    let events = json.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let counted: Vec<_> =
        events.map(|event: serde_json::Value| (event["event"].clone(), event["sessions"].clone())).collect();
    let expected = [("cache_cleared", 1), ("cache_cleared", 0), ("cache_cleared_in_total", 1)];
    assert_eq!(counted, expected.map(|(event, sessions)| (event.into(), sessions.into())));
}

#[test]
fn a_cache_that_cannot_be_opened_is_not_reported_as_cleared() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let (moved, place) = (xassume.home().join("moved"), directory(&xassume));
    ran(&xassume);
    std::fs::rename(&place, &moved).expect("moved");
    let refused = |kind: &str| {
        let xassume = xassume.clone().without_args();
        for xassume in [xassume.clone(), xassume.arg("--cache-dir").arg(&place)] {
            let error = xassume.arg("--clear-cache").run().exited(125).stderr;
            let path = place.display();
            let expected = format!(
                "xassume: error: cannot clear the cache in {path}: not a directory\n\
                 hint: use --cache-dir with a directory that you own (mode 700)\n"
            );
            assert_eq!(error, expected, "{kind}");
        }
        std::fs::remove_file(&place).expect("removed");
    };
    std::os::unix::fs::symlink(&moved, &place).expect("a link");
    refused("a link to the directory");
    std::fs::write(&place, "").expect("a file");
    refused("a file");
    nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    refused("a FIFO");
    assert!(moved.read_dir().expect("the cache").count() > 0);
}

#[test]
fn the_cache_is_in_the_requested_directory() {
    let sts = FakeSts::start();
    let world = xassume(&sts);
    let (asked, cache, home) =
        (world.home().join("a/b"), world.home().join("cache"), world.home().join(".cache/xassume"));
    let by_flag = world.clone().arg("--cache-dir").arg(&asked);
    let bare = world.clone().env_remove("XDG_RUNTIME_DIR");
    let by_xdg = bare.clone().env("XDG_CACHE_HOME", &cache);
    for (place, xassume) in
        [(directory(&world), world), (asked, by_flag), (cache.join("xassume"), by_xdg), (home, bare)]
    {
        let before = sts.requests().len();
        ran(&xassume);
        ran(&xassume);
        assert!(place.is_dir(), "{}", place.display());
        assert_eq!(sts.requests().len(), before + 1, "{}", place.display());
    }
}

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
    let clear = |xassume: &Xassume| xassume.clone().arg("--clear-cache").run().exited(0);
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
    assert_eq!(clear(&xassume.clone().arg("-q")).stderr, "");
    assert_eq!(std::fs::read_dir(directory(&xassume)).expect("a directory").count(), 0);
    ran(&xassume);
    assert_eq!(sts.requests().len(), 4);
    ran(&xassume.clone().env("XASSUME_CLEAR_CACHE", "true"));
    assert_eq!(sts.requests().len(), 4, "it has no variable");
    assert!(failed(&xassume.arg("--clear-cache")).contains("--clear-cache does not run a command"));
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

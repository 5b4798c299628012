//! xassume is killed at a random time: the command gets a signal, and the next start cleans up.

use super::{probing, xassume};
use crate::support::{FakeSts, Running, Xassume};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::Duration;

/// The seed, which a failure shows. `XASSUME_TEST_SEED` repeats the same times.
fn seed() -> u64 {
    let given = std::env::var("XASSUME_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| RandomState::new().build_hasher().finish())
}

/// The next number of a sequence (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn files(world: &Xassume) -> Vec<std::path::PathBuf> {
    world.sandbox().run_directories()
}

#[test]
fn the_command_gets_a_signal_and_the_next_start_removes_the_files() {
    let seed = seed();
    let mut state = seed;
    let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
    let flag_sets = [&["--via", "file"][..], &["--on-expiry", "signal"], &["--via", "endpoint"], &["--via", "process"]];
    let killed: Vec<(Xassume, Running, u64)> = (0..16)
        .map(|round| {
            let world = probing(xassume(&sts).args(flag_sets[round % flag_sets.len()]), &["print-signals"]);
            let running = world.spawn();
            (world, running, next(&mut state) % 150)
        })
        .collect();
    for (world, running, started_after) in killed {
        let case = format!("XASSUME_TEST_SEED={seed}, {started_after} ms");
        // The time itself is random here. The test does not wait for a condition.
        thread::sleep(Duration::from_millis(started_after));
        running.signal(libc::SIGKILL);
        let finished = running.wait().killed_by(libc::SIGKILL).left_no_process();
        assert!(finished.stderr.is_empty(), "{case}: {}", finished.stderr);
        if finished.stdout_text().contains("ready") {
            assert!(finished.stdout_text().contains("TERM"), "{case}: the command got no signal");
        }
        for directory in files(&world) {
            assert_eq!(directory.metadata().expect("it is there").mode() & 0o777, 0o700, "{case}");
            // A run that was killed between creating its directory and locking it leaves an empty directory. A later
            // run removes it after a minute; do it here at once.
            if directory.read_dir().expect("a directory").next().is_none() {
                std::fs::remove_dir(directory).expect("it is ours");
            }
        }
        world.clone().without_args().args(["-r", super::ROLE, "--via", "file", "--", "true"]).run().exited(0);
        assert!(files(&world).is_empty(), "{case}: {:?}", files(&world));
    }
}

#[test]
fn nothing_is_left_after_the_next_start() {
    let sts = FakeSts::start();
    let world = xassume(&sts).args(["--via", "file"]);
    for _ in 0..3 {
        let running = probing(world.clone(), &["print-signals"]).spawn();
        running.line("ready");
        running.signal(libc::SIGKILL);
        running.wait().killed_by(libc::SIGKILL).left_no_process();
    }
    assert_eq!(files(&world).len(), 1, "the last one's");
    world.clone().args(["--", "true"]).run().exited(0);
    assert_eq!(files(&world).len(), 0);
}

//! What a run leaves behind of its files: nothing, and of a killed one only until the next.

use super::file::{by_file, entries, folder_of_the_run};
use super::{denied, generation, probing};
use crate::support::{Answer, FakeSts, Running};

/// Every way to end takes the file along: the folder of the run, or the file at the place that the user chose.
#[test]
fn nothing_stays_however_it_ends() {
    let sts = FakeSts::start();
    let ends: [(&[&str], Option<i32>); 6] = [
        (&["generation", "then", "exit", "3"], Some(libc::SIGTERM)),
        (&["generation", "then", "die", "TERM"], Some(libc::SIGTERM)),
        (&["generation", "exit-on", "INT", "then", "die", "INT"], Some(libc::SIGINT)),
        (&["generation", "exit-on", "HUP", "then", "die", "HUP"], Some(libc::SIGHUP)),
        (&["generation", "exit-on", "USR1", "then", "die", "KILL"], Some(libc::SIGUSR1)),
        (&["exit", "0"], None),
    ];
    let running: Vec<_> = ends
        .iter()
        .flat_map(|(verbs, signal)| {
            let chosen = by_file(&sts).args(["--credentials-file", "chosen"]);
            [probing(by_file(&sts), verbs), probing(chosen, verbs)]
                .map(|xassume| (xassume.clone(), xassume.spawn(), *signal))
        })
        .collect();
    for (xassume, running, signal) in running {
        if let Some(signal) = signal {
            generation(&running);
            running.signal(signal);
        }
        running.wait();
        let sandbox = xassume.sandbox();
        assert!(entries(&sandbox.runtime()).is_empty() && entries(&sandbox.work()).is_empty(), "{signal:?}");
    }
}

#[test]
fn nothing_stays_of_a_run_that_never_got_a_session() {
    let hanging = FakeSts::builder().script([Answer::Hang]).start();
    let interrupted = probing(by_file(&hanging), &["say", "ran"]);
    let running = interrupted.spawn();
    hanging.wait_for_requests(1);
    running.signal(libc::SIGTERM);
    running.wait().killed_by(libc::SIGTERM);

    let refusing = FakeSts::builder().script_forever([denied()]).start();
    let refused = probing(by_file(&refusing), &["say", "ran"]);
    refused.run().exited(125);
    for xassume in [interrupted, refused] {
        assert!(entries(&xassume.sandbox().runtime()).is_empty());
    }
}

#[test]
fn the_folder_of_a_killed_run_goes_with_the_next_one() {
    let sts = FakeSts::start();
    let xassume = probing(by_file(&sts), &["generation"]);
    let killed: Running = xassume.spawn();
    generation(&killed);
    let stale = folder_of_the_run(xassume.sandbox());
    killed.signal(libc::SIGKILL);
    killed.line("TERM");
    killed.wait().killed_by(libc::SIGKILL);
    assert!(stale.join("credentials").exists(), "nobody was left to remove it");

    let next = xassume.spawn();
    generation(&next);
    assert!(!stale.exists());
    let living = folder_of_the_run(xassume.sandbox());
    let third = xassume.spawn();
    generation(&third);
    assert!(living.join("credentials").exists(), "a living run keeps its folder");
}

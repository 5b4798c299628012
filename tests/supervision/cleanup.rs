//! Files of a run are removed at its end. Those of a killed run are removed by the next run.

use super::file::{entries_of, run_directory, via_file};
use super::{denied, next_start, probing};
use crate::support::{Answer, FakeSts, Running};
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

/// However a run ends, its file is removed: in the directory of the run, or at the path that the user chose.
#[test]
fn nothing_stays_however_it_ends() {
    let sts = FakeSts::start();
    let ends: [(&[&str], Option<i32>); 6] = [
        (&["print-keys", "then", "exit", "3"], Some(libc::SIGTERM)),
        (&["print-keys", "then", "die", "TERM"], Some(libc::SIGTERM)),
        (&["print-keys", "exit-on", "INT", "then", "die", "INT"], Some(libc::SIGINT)),
        (&["print-keys", "exit-on", "HUP", "then", "die", "HUP"], Some(libc::SIGHUP)),
        (&["print-keys", "exit-on", "USR1", "then", "die", "KILL"], Some(libc::SIGUSR1)),
        (&["exit", "0"], None),
    ];
    let running: Vec<_> = ends
        .iter()
        .flat_map(|(verbs, signal)| {
            let chosen = via_file(&sts).args(["--credentials-file", "chosen"]);
            [probing(via_file(&sts), verbs), probing(chosen, verbs)]
                .map(|xassume| (xassume.clone(), xassume.spawn(), *signal))
        })
        .collect();
    for (xassume, running, signal) in running {
        if let Some(signal) = signal {
            next_start(&running);
            running.signal(signal);
        }
        running.wait();
        let sandbox = xassume.sandbox();
        assert!(entries_of(&sandbox.runtime()).is_empty() && entries_of(&sandbox.work()).is_empty(), "{signal:?}");
    }
}

#[test]
fn nothing_stays_of_a_run_that_never_got_a_session() {
    let hanging = FakeSts::builder().script([Answer::Hang]).start();
    let interrupted = probing(via_file(&hanging), &["say", "ran"]);
    let running = interrupted.spawn();
    hanging.wait_for_requests(1);
    running.signal(libc::SIGTERM);
    running.wait().killed_by(libc::SIGTERM);

    let refusing = FakeSts::builder().script_forever([denied()]).start();
    let refused = probing(via_file(&refusing), &["say", "ran"]);
    refused.run().exited(125);
    for xassume in [interrupted, refused] {
        assert!(entries_of(&xassume.sandbox().runtime()).is_empty());
    }
}

#[test]
fn a_foreign_file_is_neither_replaced_nor_removed() {
    let sts = FakeSts::start();
    let first = probing(via_file(&sts).args(["--credentials-file", "chosen"]), &["print-keys"]);
    let chosen = first.sandbox().work().join("chosen");
    fs::write(&chosen, "[default]\naws_access_key_id = AKIAMINE\n").expect("the directory is ours");
    let refused = first.clone().run().exited(125);
    assert!(refused.stderr.contains("the file exists and does not contain a session"), "{}", refused.stderr);
    assert_eq!(sts.requests().len(), 0);
    assert!(fs::read_to_string(&chosen).expect("still there").contains("AKIAMINE"));
    fs::remove_file(&chosen).expect("the directory is ours");

    // Another run takes over the same file, one fails, and the first one ends.
    let old = first.spawn();
    next_start(&old);
    let new = first.spawn();
    next_start(&new);
    sts.script([denied()]);
    first.clone().env("XASSUME_FORCE_REFRESH", "true").run().exited(125);
    let there = fs::read_to_string(&chosen).expect("there");
    old.signal(libc::SIGTERM);
    old.wait();
    assert_eq!(fs::read_to_string(&chosen).expect("still there"), there);
    new.signal(libc::SIGTERM);
    new.wait();
    assert!(!chosen.exists());
}

#[test]
fn the_directory_of_a_killed_run_is_removed_by_the_next_run() {
    let sts = FakeSts::start();
    let xassume = probing(via_file(&sts), &["print-keys"]);
    let killed: Running = xassume.spawn();
    next_start(&killed);
    let stale = run_directory(xassume.sandbox());
    killed.signal(libc::SIGKILL);
    killed.line("TERM");
    killed.wait().killed_by(libc::SIGKILL);
    assert!(stale.join("credentials").exists(), "a killed run removes nothing");

    let next = xassume.spawn();
    next_start(&next);
    assert!(!stale.exists());
    let living = run_directory(xassume.sandbox());
    let third = xassume.spawn();
    next_start(&third);
    assert!(living.join("credentials").exists(), "a living run keeps its directory");
}

/// A file that a killed run left next to the user's file is removed by the next run that uses that file.
#[test]
fn an_unfinished_file_of_a_killed_run_is_removed_by_the_next_and_no_other() {
    let sts = FakeSts::start();
    let xassume = via_file(&sts).args(["--credentials-file", "shared"]);
    let work = xassume.sandbox().work();
    let long_ago = FileTimes::new().set_modified(SystemTime::now() - Duration::from_mins(5));
    let make = |name: &str| {
        fs::write(work.join(name), "[default]\naws_secret_access_key = left").expect("ours");
        File::open(work.join(name)).and_then(|file| file.set_times(long_ago)).expect("an old file");
    };
    let [gone, young, link] = [1, 2, 3].map(|number| format!("{number:016x}"));
    for name in [&format!(".shared.{gone}"), &format!(".other.{gone}"), ".shared.mine", "elsewhere"] {
        make(name);
    }
    fs::write(work.join(format!(".shared.{young}")), "[default]").expect("ours");
    symlink("elsewhere", work.join(format!(".shared.{link}"))).expect("the directory is ours");
    let running = probing(xassume, &["print-keys", "then", "exit", "0"]).spawn();
    next_start(&running);
    let mut names: Vec<_> = entries_of(&work).iter().map(|path| path.file_name().map(OsStr::to_owned)).collect();
    names.sort();
    let mut kept = [format!(".shared.{young}"), format!(".shared.{link}"), format!(".other.{gone}")].to_vec();
    kept.extend([".shared.mine", "elsewhere", "shared"].map(str::to_owned));
    kept.sort();
    assert_eq!(names, kept.into_iter().map(|name| Some(name.into())).collect::<Vec<_>>());
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

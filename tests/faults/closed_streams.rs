//! Standard streams that were closed before the start.

use super::{started_after, xassume};
use crate::support::FakeSts;
use std::fs;

/// Each set of closed streams, as redirections of a shell.
fn sets() -> Vec<(Vec<u32>, String)> {
    let sets = (1..8_u32).map(|bits| (0..3).filter(|fd| bits >> fd & 1 == 1).collect::<Vec<_>>());
    let words = |fd: &u32| if *fd == 0 { "<&-".to_owned() } else { format!("{fd}>&-") };
    sets.map(|set| (set.clone(), format!("exec {}", set.iter().map(words).collect::<Vec<_>>().join(" ")))).collect()
}

#[test]
fn every_set_of_closed_streams_reaches_the_command_as_it_was() {
    for flags in [&[][..], &["-vv", "--on-expiry", "restart"], &["--via", "endpoint"], &["--via", "process"]] {
        for (set, words) in sets() {
            let sts = FakeSts::start();
            // The shell opens descriptors for this after it has listed its own.
            let command = "for fd in 0 1 2 3 4 5 6 7 8 9; do \
                           if [ -e /proc/$$/fd/$fd ]; then open=\"$open $fd\"; fi; done; echo $open >$HOME/open; exit 7";
            let world = xassume(&sts).args(flags).args(["--", "sh", "-c", command]);
            let home = world.home();
            started_after(&words, &world).run().exited(7).left_no_process();
            let open =
                fs::read_to_string(home.join("open")).unwrap_or_else(|error| panic!("{words} {flags:?}: {error}"));
            let expected: Vec<_> = (0..3_u32).filter(|fd| !set.contains(fd)).map(|fd| fd.to_string()).collect();
            assert_eq!(open.trim(), expected.join(" "), "{words} {flags:?}");
        }
    }
}

use super::*;
use crate::process::ChildChange;
use std::time::{Duration, Instant};

fn eventually(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns a shell that has exited, whose group contains another process that is still running.
fn ended() -> Child {
    shell("sleep 600 & exit 0")
}

fn shell(line: &str) -> Child {
    reap::adopt_orphans();
    let child = Child::start("/bin/sh", &["sh", "-c", line]).unwrap();
    eventually(|| matches!(child.change(), Some(ChildChange::Ended(_))));
    child
}

#[test]
fn living_members_of_the_group_remain_and_zombies_do_not() {
    let (family, child) = (Family::default(), ended());
    let member = family.remaining(&child).in_group.expect("the shell has ended, what it started has not");
    eventually(|| family.remaining(&child).in_group.is_some_and(|member| member.name == "sleep"));
    child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
    eventually(|| family.remaining(&child).in_group.is_none());
    assert!(processes::of(member.pid).is_some_and(|process| !process.is_alive), "it is not reaped");
    child.reap();
}

#[test]
fn a_process_that_loses_its_parent_during_a_check_is_found() {
    // What it has started is outside the groups of the others.
    let stray = ended();
    for _ in 0..30 {
        let child = shell("(sleep 0.05; sleep 600 & exit 0) & exit 0");
        let (family, begun) = (Family::default(), Instant::now());
        while begun.elapsed() < Duration::from_millis(100) {
            assert!(family.remaining(&child).in_group.is_some());
        }
        child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
        child.reap();
    }
    stray.signal(ProcessGroup::Own, Signal::KILL).unwrap();
    stray.reap();
}

#[test]
fn descendants_are_included_up_to_a_depth() {
    // A chain of shells. The last process leaves the group, so that only its ancestors count.
    let line = "f() { if [ $1 = 0 ]; then exec setsid sleep 600; fi; (f $(($1 - 1)); true); }; f $0";
    for (depth, is_included) in [(MAX_DEPTH / 2, true), (MAX_DEPTH + 5, false)] {
        reap::adopt_orphans();
        let child = Child::start("/bin/sh", &["sh", "-c", line, &depth.to_string()]).unwrap();
        let leaf = || {
            let all = processes::all();
            let family = processes::descendants(&all, vec![child.pid()]);
            all.into_iter().find(|process| process.session == process.pid && family.contains(&process.pid))
        };
        eventually(|| leaf().is_some());
        let leaf = leaf().unwrap();
        let family = Family::default();
        assert_eq!(family.includes(child.pid(), leaf.pid), is_included, "{depth}");
        assert!(family.includes(child.pid(), child.pid()) && !family.includes(child.pid(), 0));
        child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
        leaf.signal(Signal::KILL).unwrap();
        child.reap();
    }
}

#[test]
fn descendants_from_before_the_first_start_are_not_of_the_family() {
    let child = ended();
    let of_the_group = |family: &Family| {
        let mut members = family.living(&child);
        members.retain(|process| process.group == child.pid());
        members.len()
    };
    let mut family = Family::default();
    assert_eq!(of_the_group(&family), 1);
    family.begin();
    assert_eq!(of_the_group(&family), 0);
    child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
    child.reap();
}

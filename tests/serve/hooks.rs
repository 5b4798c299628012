//! The refresh hook of a keeper.

use super::*;

#[test]
fn a_hook_runs_after_each_session_and_can_use_it() {
    let sts = FakeSts::start();
    for (via, variable) in [
        ("endpoint", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ("file", "AWS_SHARED_CREDENTIALS_FILE"),
        ("process", "AWS_SHARED_CREDENTIALS_FILE"),
    ] {
        let xassume = keeper(&sts);
        let work = xassume.sandbox().work().clone();
        let hook = format!("echo \"$XASSUME_REFRESH ${variable} ${{AWS_ACCESS_KEY_ID-none}}\" >>hooks");
        let xassume = xassume.args(["--no-cache", "--via", via, "--refresh-hook", &hook]);
        let running = serving(&xassume.clone().arg("--env-file").arg(work.join("variables")));
        running.error_line("the refresh hook has finished");
        let variables = fs::read_to_string(work.join("variables")).expect("it is there");
        let prefix = format!("{variable}=");
        let value = variables.lines().find_map(|line| line.strip_prefix(&prefix)).expect("it is set").to_owned();
        running.signal(libc::SIGHUP);
        running.error_line("the refresh hook has finished");
        stop(running);
        let hooks = fs::read_to_string(work.join("hooks")).expect("the hook has run");
        assert_eq!(hooks, format!("0 {value} none\n1 {value} none\n"), "{via}");
        assert!(xassume.sandbox().run_directories().is_empty());
    }
}

#[test]
fn a_hook_that_ignores_term_is_killed_at_the_end_of_a_keeper() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let hook = "trap '' TERM; echo begun >begun; sleep 60";
    let xassume = place.given_to(xassume).args(["--refresh-hook", hook]);
    let running = serving(&xassume);
    while !xassume.sandbox().work().join("begun").exists() {
        assert!(!running.ends_within(std::time::Duration::from_millis(1)));
    }
    running.signal(libc::SIGTERM);
    running.wait().exited(0).left_no_process();
    assert_eq!(place.has_files(), [false; 2]);
}

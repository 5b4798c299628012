//! The session that the endpoint returns: a refresh replaces it, and an expired one is not returned.

use super::*;
use std::collections::BTreeSet;

#[test]
fn a_session_that_cannot_be_refreshed_is_returned_until_it_expires() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(10)).start();
    let served = Served::start(via_endpoint(&sts));
    sts.script_forever([Answer::error(403, "AccessDenied", "not now")]);
    served.running.error_line("refresh failed (session ");
    assert_eq!(generation(&served.get(), &sts.issued()), 1, "the old one is still returned");
    served.running.error_line("the session has expired and the command is still running");
    let refused = served.get();
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.json()["Message"].as_str().is_some_and(|message| message.contains("expired")));
    assert!(!refused.text().contains(&sts.issued()[0].access_key_id));
    sts.set_lifetime(Duration::from_hours(1));
    sts.script([]);
    served.running.error_line("session refreshed after ");
    assert_eq!(generation(&served.get(), &sts.issued()), 2);
    served.end();
}

#[test]
fn each_session_replaces_the_previous_one_while_clients_ask() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let served = Served::start(via_endpoint(&sts).args(["--refresh-margin", "4s"]));
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut newest = 0;
                while newest < 3 && !enough.load(Ordering::Relaxed) {
                    // Read the list of issued sessions after the answer: the answer may contain the newest session.
                    let received = served.get();
                    let generation = generation(&received, &sts.issued());
                    assert!(generation >= newest, "generation {generation} after {newest}");
                    newest = generation;
                }
                assert!(newest >= 3, "generation {newest} is the newest that was seen");
            });
        }
        sts.wait_for_requests(4);
        enough.store(true, Ordering::Relaxed);
    });
    served.end();
    // A changed session name would be another principal, which Kafka refuses.
    let requests = sts.requests();
    let names: BTreeSet<_> = requests.iter().map(|request| request.param("RoleSessionName").expect("a name")).collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_command_is_served_until_it_has_ended() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let served = Served::start_with(via_endpoint(&sts), &["print-signals", "survive", "TERM", "exit-on", "USR1"]);
    served.running.signal(libc::SIGTERM);
    served.running.line("TERM");
    assert_eq!(served.get().status, 200);
    sts.wait_for_requests(2);
    while generation(&served.get(), &sts.issued()) < 2 {
        std::thread::yield_now();
    }
    served.running.signal(libc::SIGUSR1);
    served.running.wait().exited(0);
}

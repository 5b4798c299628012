//! Every HTTP status with which STS, or a proxy before it, may answer.

use super::{error_before_start, probing, xassume};
use crate::support::{Answer, FakeSts};

/// All registered statuses and some others. The interim ones (1xx) are in `broken_answers`.
fn statuses() -> Vec<u16> {
    let ranges = [201..=208, 226..=226, 300..=308, 400..=418, 421..=431, 451..=451, 500..=511, 520..=530, 599..=599];
    ranges.into_iter().flatten().collect()
}

#[test]
fn each_status_without_a_session_is_reported_and_starts_nothing() {
    let running: Vec<_> = statuses()
        .into_iter()
        .map(|status| {
            let sts = FakeSts::builder().script_forever([Answer::body(status, "text/html", "<p>no</p>")]).start();
            let xassume = probing(xassume(&sts).args(["--sts-timeout", "20s"]), &["say", "ran"]);
            (status, xassume.spawn(), sts)
        })
        .collect();
    for (status, running, sts) in running {
        let said = error_before_start(running.wait());
        assert!(said.contains("cannot assume arn:aws:iam::111111111111:role/R: "), "{status}: {said}");
        assert!(!said.contains("<p>"), "{status}: {said}");
        // The AWS SDKs treat these as temporary, except 429, which they recognize only by STS's error codes.
        let passing = [429, 500, 502, 503, 504].contains(&status);
        assert_eq!(sts.requests().len() > 1, passing, "{status}: {said}");
        if status == 429 || (500..600).contains(&status) {
            assert!(said.contains(&format!(": HTTP {status}: no reason was given")), "{said}");
        } else {
            assert!(said.contains("unexpected response: ") || said.contains("cannot be reached"), "{said}");
        }
    }
}

#[test]
fn each_status_with_an_error_code_reports_the_code() {
    let running: Vec<_> = [400, 401, 403, 404, 409, 413, 418, 429, 451]
        .into_iter()
        .map(|status| {
            let sts = FakeSts::builder().script_forever([Answer::error(status, "OddCode", "of its own")]).start();
            let xassume = probing(xassume(&sts).args(["--sts-timeout", "20s"]), &["say", "ran"]);
            (status, xassume.spawn(), sts)
        })
        .collect();
    for (status, running, _sts) in running {
        let said = error_before_start(running.wait());
        assert!(said.contains("OddCode: of its own"), "{status}: {said}");
    }
}

//! Every HTTP status that STS, or whatever stands before it, may answer with.

use super::{probing, told, xassume};
use crate::support::{Answer, FakeSts};

/// All that are registered, and some that are not. The interim ones are in `wire`.
fn statuses() -> Vec<u16> {
    let ranges = [201..=208, 226..=226, 300..=308, 400..=418, 421..=431, 451..=451, 500..=511, 520..=530, 599..=599];
    ranges.into_iter().flatten().collect()
}

#[test]
fn each_without_a_session_is_told_and_starts_nothing() {
    let running: Vec<_> = statuses()
        .into_iter()
        .map(|status| {
            let sts = FakeSts::builder().script_forever([Answer::body(status, "text/html", "<p>no</p>")]).start();
            let xassume = probing(xassume(&sts).args(["--sts-timeout", "20s"]), &["say", "ran"]);
            (status, xassume.spawn(), sts)
        })
        .collect();
    for (status, running, sts) in running {
        let said = told(running.wait());
        assert!(said.contains("cannot assume arn:aws:iam::111111111111:role/R: "), "{status}: {said}");
        assert!(!said.contains("<p>"), "{status}: {said}");
        // The AWS SDKs agree on these as passing, but for 429, which they know by STS's codes alone.
        let passing = [429, 500, 502, 503, 504].contains(&status);
        assert_eq!(sts.requests().len() > 1, passing, "{status}: {said}");
        if status == 429 || (500..600).contains(&status) {
            assert!(said.contains(&format!(": HTTP status {status}: no reason was given")), "{said}");
        } else {
            assert!(said.contains("STS's answer cannot be understood") || said.contains("cannot be reached"), "{said}");
        }
    }
}

#[test]
fn each_with_an_error_code_says_the_code() {
    let running: Vec<_> = [400, 401, 403, 404, 409, 413, 418, 429, 451]
        .into_iter()
        .map(|status| {
            let sts = FakeSts::builder().script_forever([Answer::error(status, "OddCode", "of its own")]).start();
            let xassume = probing(xassume(&sts).args(["--sts-timeout", "20s"]), &["say", "ran"]);
            (status, xassume.spawn(), sts)
        })
        .collect();
    for (status, running, _sts) in running {
        let said = told(running.wait());
        assert!(said.contains("OddCode: of its own"), "{status}: {said}");
    }
}

//! Answers of STS that are cut off, arrive slowly, never end, or have the wrong content.

use super::{error_before_start, probing, rejected, xassume};
use crate::support::http::Response;
use crate::support::{Answer, FakeSts};
use std::time::{Duration, Instant};

/// Longer than a normal answer. A reset after its end does not matter.
const LONGER: usize = 1800;

#[test]
fn a_reset_anywhere_in_the_answer_starts_nothing() {
    // Each position in the status line, and then steps that hit each header and each element.
    let places = (0..18).chain((18..LONGER).step_by(31));
    let running: Vec<_> = places
        .map(|place| {
            let sts = FakeSts::builder().script_forever([Answer::ResetAfter(place)]).start();
            let xassume = probing(xassume(&sts).args(["--sts-timeout", "1s"]), &["say", "ran"]);
            (place, xassume.spawn(), sts)
        })
        .collect();
    let mut whole = None;
    for (place, running, sts) in running {
        let finished = running.wait();
        assert!(!sts.requests().is_empty());
        if finished.code() == Some(0) {
            whole.get_or_insert(place);
            continue;
        }
        let said = error_before_start(finished);
        let reasons = ["cannot be reached", "unexpected response", "timed out after"];
        assert!(reasons.iter().any(|reason| said.contains(reason)), "{place}: {said}");
    }
    // A reset discards what the client has not read yet, so even a complete answer may be lost.
    assert!(whole.is_none_or(|place| place > 1000), "a session out of {whole:?} bytes");
}

#[test]
fn occasional_resets_are_retried() {
    for place in [0, 9, 120, 700] {
        let sts = FakeSts::builder().script([Answer::ResetAfter(place)]).start();
        let finished = probing(xassume(&sts), &["say", "ran"]).run().exited(0);
        assert_eq!((finished.stdout_text().as_str(), finished.stderr.as_str()), ("ran\n", ""), "{place}");
    }
}

#[test]
fn a_slow_answer_is_awaited_until_the_timeout() {
    let slow = FakeSts::builder().script_forever([Answer::Drip(Duration::from_millis(20))]).start();
    let begun = Instant::now();
    let said = rejected(xassume(&slow).args(["--sts-timeout", "2s"]));
    assert!(said.contains("timed out after 2s"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    let in_time = FakeSts::builder().script([Answer::Drip(Duration::from_micros(50))]).start();
    probing(xassume(&in_time), &["say", "ran"]).run().exited(0);
    assert_eq!(in_time.requests().len(), 1);
}

#[test]
fn a_gigabyte_is_cut_off_and_not_read_into_memory() {
    let sts = FakeSts::builder().script_forever([Answer::Flood(1 << 30)]).start();
    // Enough address space for the program and some megabytes, but not for a tenth of the answer.
    let said = rejected(super::started_after("ulimit -v 262144", &xassume(&sts)));
    assert!(said.contains("the response is larger than 1048576 bytes"), "{said}");
}

#[test]
fn a_session_with_another_content_type_is_accepted() {
    // The SDKs ignore the content type. Only the body has to be STS's.
    let sts = FakeSts::start();
    let known = probing(xassume(&sts), &["env", "AWS_ACCESS_KEY_ID"]).run().exited(0).stdout_text();
    let [issued] = sts.issued().try_into().expect("one session");
    assert_eq!(known, format!("AWS_ACCESS_KEY_ID={}\n", issued.access_key_id));
    for content_type in ["text/html", "application/json", "application/octet-stream", "nonsense"] {
        let body = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials>\
             <AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
            issued.arn
        );
        sts.script([Answer::body(200, content_type, body)]);
        let finished = probing(xassume(&sts), &["env", "AWS_ACCESS_KEY_ID"]).run().exited(0);
        assert_eq!(finished.stdout_text(), "AWS_ACCESS_KEY_ID=ASIAOTHER\n", "{content_type}");
    }
}

#[test]
fn bytes_that_are_not_http_are_reported() {
    let lengths = Response::text(200, "x").header("Content-Length", "7").to_bytes();
    for bytes in [
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n".to_vec(),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_vec(),
        b"HTTP/9.9 200 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 99999 OK\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n".to_vec(),
        [b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(2000)].concat(),
        vec![0; 4096],
        lengths,
    ] {
        let sts = FakeSts::builder().script_forever([Answer::Raw(bytes.clone())]).start();
        let said = rejected(xassume(&sts).args(["--sts-timeout", "1s"]));
        assert!(said.contains("cannot assume"), "{said}");
    }
}

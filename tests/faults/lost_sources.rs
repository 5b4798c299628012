//! Sources that work at the start and fail at a refresh: the command keeps running.

use super::{probing, still_runs, xassume};
use crate::support::{Answer, FakeContainer, FakeImds, FakeSts, Identity};
use std::time::Duration;

fn sts_with_one_short_session() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start()
}

#[test]
fn failing_instance_metadata_is_called_until_it_answers() {
    let (sts, imds) = (sts_with_one_short_session(), FakeImds::start());
    let world = xassume(&sts).without_keys().with_metadata_at(&imds.url()).args(["--on-expiry", "signal"]);
    let running = probing(world, &["print-keys"]).spawn();
    running.line("ready");
    imds.fail(500);
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("instance metadata") && line.contains("; retrying in "), "{line}");
    imds.recover();
    running.error_line("session refreshed after ");
    running.line("HUP");
    still_runs(running);
}

#[test]
fn the_command_survives_lost_instance_metadata() {
    let (sts, imds) = (sts_with_one_short_session(), FakeImds::start());
    let world = xassume(&sts).without_keys().with_metadata_at(&imds.url()).args(["--via", "file"]);
    let running = probing(world, &["print-keys"]).spawn();
    running.line("ready");
    imds.die();
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("instance metadata (cannot reach"), "{line}");
    running.error_line("the session has expired and the command is still running");
    still_runs(running);
}

#[test]
fn the_command_survives_a_container_endpoint_that_denies_later() {
    let (sts, container) = (sts_with_one_short_session(), FakeContainer::start());
    let world = xassume(&sts)
        .without_keys()
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container.token_file())
        .args(["--on-expiry", "restart"]);
    let running = probing(world, &["print-keys"]).spawn();
    running.line("ready");
    container.fail(403);
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("container credentials endpoint: "), "{line}");
    container.recover();
    running.error_line("session refreshed after ");
    running.line("ready");
    still_runs(running);
}

#[test]
fn keys_that_have_expired_at_a_refresh_are_reported_with_a_hint() {
    let sts = sts_with_one_short_session();
    let task = Identity::task();
    let running = probing(xassume(&sts).with_keys_of(&task).args(["--on-expiry", "restart"]), &["print-keys"]).spawn();
    running.line("ready");
    sts.expire(&task.access_key_id);
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("ExpiredToken"), "{line}");
    let hint = running.error_line("hint: ");
    assert!(hint.contains("log in again, or get new ones"), "{hint}");
    running.error_line("the session has expired and the command is still running");
    still_runs(running);
}

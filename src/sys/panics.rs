//! What becomes of a panic: one line in xassume's own form, and status 125.
//!
//! A panic is a defect, of ours or of a library. While it unwinds, the command is description to end and files are removed. One
//! that a library meets while it asks for a session is contained: it fails that attempt, and no command is lost for it.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::task::Poll;

/// That there was a panic. It has been description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Where a panic happened, and its message if that is a literal: a formatted one may quote a secret.
#[derive(Debug)]
pub(crate) struct PanicFacts<'a> {
    pub(crate) place: Option<&'a Location<'a>>,
    pub(crate) message: Option<&'static str>,
}

/// Has all later panics reported by this function.
pub(crate) fn report_with(report: impl Fn(&PanicFacts<'_>) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        report(&PanicFacts { place: info.location(), message: literal(info.payload()) });
    }));
}

/// Does the work; a panic in it goes no further.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// The same for work that waits.
pub(crate) async fn contained<T>(mut work: Pin<Box<impl Future<Output = T>>>) -> Result<T, Panicked> {
    poll_fn(|context| match caught(|| work.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

fn literal(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Keys, Secret};

    fn payload(work: impl FnOnce()) -> Box<dyn Any + Send> {
        panic::catch_unwind(AssertUnwindSafe(work)).expect_err("a panic")
    }

    #[test]
    fn only_a_literal_is_told() {
        assert_eq!(literal(&*payload(|| panic!("out of luck"))), Some("out of luck"));
        let quoted = String::from("hidden");
        assert_eq!(literal(&*payload(|| panic!("{quoted} is no number"))), None);
        let failed = || Err::<(), String>(quoted.clone());
        assert_eq!(literal(&*payload(|| failed().expect("a number"))), None);
    }

    #[test]
    fn a_panic_with_a_secret_in_it_does_not_hold_it() {
        let keys = Keys { access_key_id: "ASIA".into(), secret_access_key: Secret::new("hidden"), session_token: None };
        let payload = payload(|| panic!("{keys:?}"));
        let text = payload.downcast_ref::<String>().expect("a message");
        assert!(text.contains("ASIA") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn work_that_panics_while_it_waits_is_contained() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let panics = async {
            tokio::task::yield_now().await;
            panic!("in the middle");
        };
        assert_eq!(runtime.block_on(contained(Box::pin(panics))), Err::<(), _>(Panicked));
        assert_eq!(runtime.block_on(contained(Box::pin(async { 7 }))), Ok(7));
    }
}

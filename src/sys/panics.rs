//! Panics: reported in one line, status 125.
//!
//! A panic is a bug in xassume or in a library. Unwinding stops the command and removes files. A panic of a library
//! during a call for a session is contained: only that attempt fails.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe, Location};
use std::pin::Pin;
use std::task::Poll;

/// There was a panic, which is reported already.
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

/// Does the work, and catches a panic in it.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// The same for a future.
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
    fn only_a_literal_message_is_reported() {
        assert_eq!(literal(&*payload(|| panic!("out of luck"))), Some("out of luck"));
        let quoted = String::from("hidden");
        assert_eq!(literal(&*payload(|| panic!("{quoted} is not a number"))), None);
        let failed = || Err::<(), String>(quoted.clone());
        assert_eq!(literal(&*payload(|| failed().expect("a number"))), None);
    }

    #[test]
    fn a_panic_does_not_contain_a_secret() {
        let keys = Keys { access_key_id: "ASIA".into(), secret_access_key: Secret::new("hidden"), session_token: None };
        let payload = payload(|| panic!("{keys:?}"));
        let text = payload.downcast_ref::<String>().expect("a message");
        assert!(text.contains("ASIA") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_panic_in_a_future_is_contained() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let panics = async {
            tokio::task::yield_now().await;
            panic!("in the middle");
        };
        assert_eq!(runtime.block_on(contained(Box::pin(panics))), Err::<(), _>(Panicked));
        assert_eq!(runtime.block_on(contained(Box::pin(async { 7 }))), Ok(7));
    }
}

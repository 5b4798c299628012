//! Reports a panic in one line, and makes xassume exit with status 125.
//!
//! A panic is a bug in xassume or in a library. While the panic unwinds, destructors send the command SIGTERM and
//! remove xassume's files. A refresh runs in a separate process, so a panic there only makes that refresh fail, and the
//! command continues.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, Location};

/// Installs a function that reports all later panics. It gets the place of a panic, and the message if that is a string
/// literal. A formatted message is omitted, because it may contain a secret.
pub(crate) fn report_with(report: impl Fn(Option<&Location<'_>>, Option<&'static str>) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| report(info.location(), literal(info.payload()))));
}

/// Runs `work` and returns its result. Returns `None` if `work` panicked; that panic has been reported already.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
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
}

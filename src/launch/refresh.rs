//! Refreshes in a separate process. If a file, a lock or a program blocks, the supervisor stops waiting at a time
//! limit, and only this refresh fails.
//!
//! The process does everything that a refresh needs: it reads the config files, uses the cache and its lock, gets the
//! source credentials and calls STS. It answers with the session, or with the reason why there is none, and with the
//! state that later refreshes need.

mod message;

use crate::error::{CHECK_LIMITS, Error, Reason, reason_of};
use crate::event::Problem;
use crate::launch::{Launch, block_on};
use crate::session::Session;
use crate::supervise::ports::CacheUse;
use crate::sys::boot::boottime;
use crate::sys::offload::{Life, Offload};
use message::Message;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// The time limit of a refresh is longer than `--sts-timeout` by this reserve. The reserve is for work that
/// `--sts-timeout` does not limit: starting the process on a busy system, and reading files.
const RESERVE: Duration = Duration::from_secs(5);

/// Returns a session for a refresh. If the future is dropped, the process that does the refresh is ended, and so are
/// the programs that it runs.
///
/// # Errors
/// There is no new session. The problem says why.
pub(crate) async fn next_session(launch: &Launch<'_>, offload: &Offload, cache: CacheUse) -> Result<Session, Problem> {
    let limit = limit(launch);
    let failed = |reason: String| {
        let problem = Problem::new(Reason::System, format!("the refresh process failed: {reason}"));
        problem.with_hint("was it killed? the kernel kills processes when memory runs out")
    };
    let blocked = |_| {
        let limit = humantime::format_duration(limit);
        let text = format!("the refresh timed out after {limit}: a file or a lock that it needs is blocked");
        Problem::new(Reason::Timeout, text).with_hint("is a file system frozen, or its server unreachable?")
    };
    let job = offload.start(Life::Bound, message::MOST_BYTES, |answer| fetch(launch, cache, answer));
    let what = "start a process for the refresh";
    let mut job = job.map_err(|error| Problem::from(&Error::cannot(what, &error, CHECK_LIMITS)))?;
    let answer = tokio::time::timeout(limit, job.answered()).await.map_err(blocked)?;
    let answer = answer.map_err(|error| failed(reason_of(&error)))?;
    let message = Message::decode(answer, boottime()).ok_or_else(|| failed("it was killed".into()))?;
    launch.context.mfa_sessions.replace(message.mfa_session);
    launch.context.cache_warned.store(message.cache_warned, Ordering::Relaxed);
    if let Some(code) = message.used {
        launch.context.codes.note_used(code);
    }
    message.result
}

/// Returns the time limit for the whole refresh. The time of the helper programs is added twice: another xassume may run
/// them first while this refresh waits for its session.
fn limit(launch: &Launch<'_>) -> Duration {
    let Launch { context, planned, .. } = launch;
    context.settings.sts.timeout + RESERVE + 2 * context.program_time(&planned.plan)
}

/// Does the work of the child process in a new thread. The work needs its own Tokio runtime, and Tokio still counts the
/// first thread as a part of the parent's runtime.
fn fetch(launch: &Launch<'_>, cache: CacheUse, answer: &mut File) {
    let result = thread::scope(|scope| {
        let begun = thread::Builder::new().spawn_scoped(scope, || block_on(launch.next_session(cache))?);
        let cannot = |error| Error::Cannot { what: "start a thread", reason: reason_of(&error), hint: None };
        begun.map_err(cannot).map(thread::ScopedJoinHandle::join)
    });
    let result = match result {
        Ok(Ok(result)) => result.map_err(|error| Problem::of_refresh(&error)),
        // The thread has panicked, and the panic hook has already reported this.
        Ok(Err(_panicked)) => Err(Problem::new(Reason::System, "internal error (see above)")),
        Err(error) => Err(Problem::from(&error)),
    };
    let (mfa_session, used) = (launch.context.mfa_sessions.stored(), launch.context.codes.used());
    let cache_warned = launch.context.cache_warned.load(Ordering::Relaxed);
    if let Some(bytes) = (Message { result, mfa_session, used, cache_warned, sent: boottime() }).encode() {
        // Writing fails if the parent process has ended. It then needs no answer.
        let _ = answer.write_all(&bytes);
    }
}

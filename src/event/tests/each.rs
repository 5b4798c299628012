//! One event of each variant.

use crate::claims::Claims;
use crate::error::Reason;
use crate::event::{self, *};
use crate::process::signal::Signal;
use crate::process::{End, Member};
use crate::session::KeyKind;
use std::time::{Duration, SystemTime};

const TIME: SystemTime = SystemTime::UNIX_EPOCH;
const SPAN: Duration = Duration::from_millis(1500);

/// Returns one event of each variant. In each of the following functions, the `match` fails to compile if an enum gets
/// a new variant, as a reminder to add it to the events too.
pub(super) fn all() -> Vec<Event> {
    let mut events = run();
    events.extend(cache());
    events.extend(session());
    events.extend(refresh());
    events.extend(named());
    events.extend(command());
    events.extend(hook());
    events
}

fn problem() -> Problem {
    Problem::new(Reason::Denied, "no")
}

fn run() -> Vec<Event> {
    use RunEvent::{Failed, MessagesDropped, NoWriterThread, Panicked, Serving, SettingIgnored, Warning};
    let events = [
        Failed { problem: problem(), status: 125 },
        Panicked { text: "no".into() },
        Warning { text: "no".into(), hint: None },
        Serving { at: "/x".into() },
        SettingIgnored(Ignored::new("a", "b")),
        MessagesDropped { messages: 2 },
        NoWriterThread { error: "no".into() },
    ];
    for event in &events {
        match event {
            Failed { .. }
            | Panicked { .. }
            | Warning { .. }
            | Serving { .. }
            | SettingIgnored(_)
            | MessagesDropped { .. }
            | NoWriterThread { .. } => {}
        }
    }
    events.map(Event::from).into()
}

fn cache() -> Vec<Event> {
    use CacheEvent::{
        Cleared, ClearedInTotal, DirectorySkipped, Disabled, Hit, Miss, MissTooShort, MissUnusable, NotStored,
        NothingToClear, NothingToList, Skipped,
    };
    let (reason, error) = (|| "no".to_owned(), || "no".to_owned());
    let events = [
        Hit { left: SPAN, lifetime: SPAN, waited: false },
        MissTooShort { left: SPAN, needed: SPAN },
        MissUnusable { reason: reason() },
        Miss,
        Disabled { reason: reason() },
        Skipped { reason: reason() },
        DirectorySkipped { path: "/d".into(), reason: reason() },
        NotStored { what: "session", error: error() },
        Cleared { path: "/d".into(), sessions: 2 },
        ClearedInTotal { sessions: 3 },
        NothingToClear,
        NothingToList,
    ];
    for event in &events {
        match event {
            Hit { .. }
            | Miss
            | MissTooShort { .. }
            | MissUnusable { .. }
            | Disabled { .. }
            | Skipped { .. }
            | DirectorySkipped { .. }
            | NotStored { .. }
            | Cleared { .. }
            | ClearedInTotal { .. }
            | NothingToClear
            | NothingToList => {}
        }
    }
    events.map(Event::from).into()
}

fn session() -> Vec<Event> {
    use crate::session::{Share, Title, TokenSize, Validity};
    use SessionEvent::{
        Assumed, InstanceRegion, MfaSession, Obtained, Plan, RoleAssumed, SessionToken, Shell, SignInNotOffered,
        SignedIn, SourceCredentials, WebIdentityToken,
    };
    let validity = Validity { expiration: TIME, left: SPAN, lifetime: SPAN, skew_secs: 0 };
    let first = || FirstSession { source: "s".into(), is_cached: false, validity: Some(validity.clone()) };
    let token = TokenSize { bytes: 330, share: None };
    let (issuer, subject) = (Some("i".into()), Some("s".into()));
    let claims = Claims { issuer, audiences: vec!["a".into()], subject, expiration: Some(TIME), ..Claims::default() };
    let title = Title { label: "p".into(), account: Some("1".into()), role: Some("R".into()) };
    let role = AssumedRole { arn: "r".into(), account: None, expiration: TIME, lifetime: SPAN, token };
    let events = [
        Plan { lines: vec!["l".into()] },
        SignedIn { session: "corp".into(), expiration: TIME },
        SignInNotOffered { reason: "CI is set" },
        SourceCredentials { access_key_id: "AKIA".into(), keys: KeyKind::LongTerm },
        WebIdentityToken { claims: Some(claims), left_secs: Some(-9) },
        WebIdentityToken { claims: None, left_secs: None },
        MfaSession { access_key_id: "ASIA".into(), expiration: TIME, from: MfaSessionFrom::Code },
        RoleAssumed { number: 1, role },
        SessionToken { number: 1, token },
        SessionToken { number: 1, token: TokenSize { share: Some(Share::Token(8)), ..token } },
        SessionToken { number: 1, token: TokenSize { share: Some(Share::PackedPolicy(6)), ..token } },
        InstanceRegion { region: "r".into() },
        Assumed { role: "r".into(), session: "s".into(), first: first() },
        Obtained { account: Some("1".into()), first: first() },
        Shell { title, until: Some((TIME, SPAN)), is_refreshed: false },
    ];
    for event in &events {
        match event {
            Plan { .. }
            | SignedIn { .. }
            | SignInNotOffered { .. }
            | SourceCredentials { .. }
            | WebIdentityToken { .. }
            | MfaSession { .. }
            | RoleAssumed { .. }
            | SessionToken { .. }
            | InstanceRegion { .. }
            | Assumed { .. }
            | Obtained { .. }
            | Shell { .. } => {}
        }
    }
    events.map(Event::from).into()
}

fn refresh() -> Vec<Event> {
    use RefreshEvent::{
        Answered, CannotSignal, DiedOfRefreshSignal, Due, Expired, ExpiresSoon, Failing, Lapsed, Limited, NoticeOnly,
        Recovered, Refreshed, Requested, Retrying, Signaled, Unchanged,
    };
    let signal = Signal::HUP;
    let events = [
        Limited { within: SPAN },
        Requested { signal },
        Due { at: TIME, within: SPAN },
        Refreshed { expiration: TIME, left: SPAN },
        Unchanged { retry_in: SPAN },
        Failing { problem: problem(), failures: 1, expires_in: SPAN, retry_in: SPAN },
        Retrying { problem: problem(), failures: 2, retry_in: SPAN },
        ExpiresSoon { problem: Some(problem()), within: SPAN },
        Expired { problem: Some(problem()), has_command: true },
        Recovered { failures: 2 },
        Answered { failures: 1 },
        Lapsed { problem: Some(problem()) },
        Signaled { signal, pid: 7 },
        CannotSignal { signal, problem: problem() },
        DiedOfRefreshSignal { signal },
        NoticeOnly { signal },
    ];
    for event in &events {
        match event {
            Limited { .. }
            | Requested { .. }
            | Due { .. }
            | Refreshed { .. }
            | Unchanged { .. }
            | Failing { .. }
            | Retrying { .. }
            | ExpiresSoon { .. }
            | Expired { .. }
            | Recovered { .. }
            | Answered { .. }
            | Lapsed { .. }
            | Signaled { .. }
            | CannotSignal { .. }
            | DiedOfRefreshSignal { .. }
            | NoticeOnly { .. } => {}
        }
    }
    events.map(Event::from).into()
}

fn named() -> Vec<Event> {
    use NamedEvent::{Failed, Recovered, Signaled};
    let signal = Signal::HUP;
    let events = [
        Signaled { signal, pid: 7 },
        Failed { signal, problem: problem(), failures: 1, retry_in: SPAN, is_new: true },
        Failed { signal, problem: problem(), failures: 2, retry_in: SPAN, is_new: false },
        Recovered { failures: 2 },
    ];
    for event in &events {
        match event {
            Signaled { .. } | Failed { .. } | Recovered { .. } => {}
        }
    }
    events.map(Event::from).into()
}

fn command() -> Vec<Event> {
    use CommandEvent::{
        Exited, Forwarded, GroupWarning, HandoverFailed, HandoverStarted, LapsedInHandover, Listening, NotKilled,
        Ready, Restarting, RestartsCancelled, StartRetry, Started, StdinWarning, StillStopping, StopIgnored, Stopped,
        StoppingAnnounced,
    };
    let (signal, member) = (Signal::HUP, || Member { pid: 7, name: "worker".into() });
    let events = [
        Listening { address: "127.0.0.1:80".into(), descriptor: 3 },
        Started { pid: 7 },
        StartRetry { problem: problem(), retry_in: SPAN },
        HandoverStarted { pid: 7, expiration: TIME, left: SPAN },
        Ready { pid: 7 },
        HandoverFailed { problem: problem(), retry_in: SPAN },
        LapsedInHandover,
        Restarting { expiration: TIME, left: SPAN },
        RestartsCancelled { signal },
        StoppingAnnounced,
        Exited { end: End::Exited(0) },
        Exited { end: End::Killed(signal) },
        Stopped { who: event::Stopped::Command, pid: 7, how: Stop::Asked, end: End::Exited(0) },
        Stopped { who: event::Stopped::NewProcess, pid: 7, how: Stop::Killed, end: End::Killed(signal) },
        StillStopping { member: member() },
        StopIgnored { member: member() },
        NotKilled { pid: 7 },
        Forwarded { signal },
        GroupWarning,
        StdinWarning { stdin: Stdin::Stream },
    ];
    for event in &events {
        match event {
            Listening { .. }
            | Started { .. }
            | StartRetry { .. }
            | HandoverStarted { .. }
            | Ready { .. }
            | HandoverFailed { .. }
            | LapsedInHandover
            | Restarting { .. }
            | Exited { .. }
            | RestartsCancelled { .. }
            | StoppingAnnounced
            | Stopped { .. }
            | StillStopping { .. }
            | StopIgnored { .. }
            | NotKilled { .. }
            | Forwarded { .. }
            | GroupWarning
            | StdinWarning { .. } => {}
        }
    }
    events.map(Event::from).into()
}

fn hook() -> Vec<Event> {
    use HookEvent::{Failed, Finished, Started, Stopped};
    let events = [Started { pid: 7, session: 0 }, Finished, Failed { problem: problem() }, Stopped { pid: 7 }];
    for event in &events {
        match event {
            Started { .. } | Finished | Failed { .. } | Stopped { .. } => {}
        }
    }
    events.map(Event::from).into()
}

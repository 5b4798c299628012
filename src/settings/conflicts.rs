//! The rules for flags that conflict. Rules that depend on the profiles are in `profile::conflicts`.

use super::mode::via;
use crate::conflicts::Otherwise::{Error, FirstCounts, Later};
use crate::conflicts::{Given, Rule, Side};
use crate::deliver::isolation_sets;
use crate::flags::{
    ALSO, CACHE_DIR, CREDENTIALS_FILE, DURATION, ENDPOINT_ADDRESS, ENDPOINT_TOKEN_FILE, ENV_FILE, FILE_MODE,
    FORCE_REFRESH, ISOLATE, KEEP_ENV, LISTEN, MFA_COMMAND, MFA_TOKEN, MIN_TTL, NO_CACHE, NO_LOGIN, ON_EXPIRY,
    ON_REFRESH_FAILURE, PRINT, PROCESS_GROUP, QUIET, READY, READY_TIMEOUT, REFRESH_HOOK, REFRESH_HOOK_TIMEOUT,
    REFRESH_MARGIN, RESTART_ORDER, SERVE, SIGNAL, SIGNAL_PID_FILE, STOP_SIGNAL, STOP_TIMEOUT, TAG, TRANSITIVE_TAG,
    VERBOSE, VIA, WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE,
};
use crate::print::Format;
use crate::role::{SessionDuration, Tag, TagKey, check_tags, parse_duration};
use crate::settings::values::FlagValues;
use crate::supervise::policy::OnExpiry;
use std::time::Duration;

/// The rules for the flags about messages, which are read before all other flags.
pub(super) const MESSAGES: &[Rule<FlagValues>] =
    &[Rule { one: |flags| flags.given(&QUIET), others: &[|flags| flags.given(&VERBOSE)], otherwise: FirstCounts("") }];

pub(super) const RULES: &[Rule<FlagValues>] = &[
    Rule {
        one: |flags| flags.given(&NO_CACHE),
        others: &[|flags| flags.given(&FORCE_REFRESH), |flags| flags.given(&MIN_TTL), |flags| flags.given(&CACHE_DIR)],
        otherwise: FirstCounts("which disables the cache"),
    },
    Rule {
        one: |flags| flags.given(&MFA_TOKEN),
        others: &[|flags| flags.given(&MFA_COMMAND)],
        otherwise: FirstCounts(""),
    },
    // Of two variables, neither is ignored, because each selects an identity. A flag takes precedence over a variable.
    Rule {
        one: |flags| flags.given(&WEB_IDENTITY_TOKEN_FILE),
        others: &[|flags| flags.given(&WEB_IDENTITY_TOKEN_COMMAND), |flags| flags.given(&WEB_IDENTITY_PROVIDER)],
        otherwise: Error(""),
    },
    Rule {
        one: |flags| flags.given(&WEB_IDENTITY_TOKEN_COMMAND),
        others: &[|flags| flags.given(&WEB_IDENTITY_PROVIDER)],
        otherwise: Error(""),
    },
    Rule {
        one: |flags| flags.given_as(&ON_EXPIRY, |text| ["none", "restart"].contains(&text)),
        others: &[|flags| flags.given(&SIGNAL), |flags| flags.given(&SIGNAL_PID_FILE)],
        otherwise: FirstCounts("which sends no signal"),
    },
    Rule {
        one: |flags| flags.given_as(&VIA, |text| ["env", "endpoint", "process"].contains(&text)),
        others: &[|of| of.given(&CREDENTIALS_FILE), |of| of.given(&FILE_MODE), |of| of.given(&SIGNAL_PID_FILE)],
        otherwise: FirstCounts("only with --via file"),
    },
    Rule {
        one: without_endpoint,
        others: &[|flags| flags.given(&ENDPOINT_ADDRESS), |flags| flags.given(&ENDPOINT_TOKEN_FILE)],
        otherwise: FirstCounts("only with --via endpoint"),
    },
    Rule {
        one: |flags| without_endpoint(flags).filter(|_| !flags.is_typed(&SERVE)),
        others: &[|flags| flags.given(&ENV_FILE)],
        otherwise: FirstCounts("only with --via endpoint or --serve"),
    },
    Rule {
        one: |flags| flags.given_as(&ON_EXPIRY, |text| text != "restart"),
        others: &[|flags| flags.given(&RESTART_ORDER)],
        otherwise: FirstCounts("which restarts nothing"),
    },
    Rule {
        one: |flags| flags.given_as(&RESTART_ORDER, |text| text == "stop-first"),
        others: &[|flags| flags.given(&READY_TIMEOUT)],
        otherwise: FirstCounts("which waits for no new process"),
    },
    Rule {
        one: |flags| flags.given_as(&RESTART_ORDER, |text| text == "start-first"),
        others: &[|flags| flags.given_as(&PROCESS_GROUP, |text| text == "same")],
        otherwise: Error("because the two processes need a group each"),
    },
    Rule {
        one: fetching,
        others: &[|flags| flags.given_as(&ON_EXPIRY, |text| text == "restart")],
        otherwise: Error("because the command fetches each new session itself and does not need to be restarted"),
    },
    Rule {
        one: fetching,
        others: &[|flags| flags.given_as(&ON_EXPIRY, |text| text == "signal")],
        otherwise: Error("because the command fetches each new session itself and does not need a signal"),
    },
    Rule {
        one: |flags| flags.given_as(&VIA, |text| ["env", "endpoint"].contains(&text)),
        others: &[|flags| flags.given(&ALSO)],
        otherwise: Error("because only files can contain several profiles (use --via process or file)"),
    },
    Rule {
        one: |flags| flags.given(&ALSO),
        others: &[|flags| flags.given_as(&ON_EXPIRY, |text| text == "restart")],
        otherwise: Error("because the command finds each new session itself and does not need to be restarted"),
    },
    Rule {
        one: |flags| flags.given_as(&PRINT, |text| text != "json"),
        others: &[|flags| flags.given(&ALSO)],
        otherwise: Error("because only --print json can print several sessions"),
    },
    Rule {
        one: |flags| flags.given_as(&VIA, |text| text != "env"),
        others: &[|flags| {
            let via = via(flags, OnExpiry::None).ok()?;
            flags.given_as(&KEEP_ENV, |name| via.sets(name))
        }],
        otherwise: Error(SETS_IT),
    },
    Rule {
        one: |flags| flags.given(&ISOLATE),
        others: &[|flags| flags.given_as(&KEEP_ENV, isolation_sets)],
        otherwise: Error(SETS_IT),
    },
    Rule { one: |flags| flags.given(&PRINT), others: ABOUT_A_COMMAND, otherwise: FirstCounts("which runs no command") },
    Rule { one: |flags| flags.given(&PRINT), others: ABOUT_DELIVERY, otherwise: FirstCounts("which runs no command") },
    Rule { one: |flags| flags.given(&SERVE), others: ABOUT_A_COMMAND, otherwise: FirstCounts("which runs no command") },
    Rule {
        one: |flags| flags.given(&SERVE),
        others: &[
            |flags| flags.given_as(&ON_REFRESH_FAILURE, |text| text == "stop"),
            |flags| flags.given(&KEEP_ENV),
            |flags| flags.given_as(&VIA, |text| text == "env"),
        ],
        otherwise: FirstCounts("which runs no command"),
    },
    Rule {
        one: |flags| flags.given_as(&PRINT, |text| Format::parse(text).is_ok_and(|format| !format.removes())),
        others: &[|flags| flags.given(&KEEP_ENV)],
        otherwise: FirstCounts("which removes no variable (export, fish and powershell do)"),
    },
    Rule {
        one: |flags| flags.given_as(&PRINT, |text| text == "credential-process"),
        others: &[|flags| flags.given(&NO_LOGIN)],
        otherwise: FirstCounts("which never asks the user"),
    },
    Rule { one: too_much_for_the_duration, others: &[|flags| flags.given(&DURATION)], otherwise: Later(None) },
    Rule { one: |flags| flags.given(&TAG), others: &[transitive_without_its_tag], otherwise: Later(None) },
];

/// The values that conflict with `--print`, because they are about refreshes or the delivery, except default values.
const ABOUT_DELIVERY: &[Side<FlagValues>] = &[
    |flags| flags.given(&REFRESH_MARGIN),
    |flags| flags.given(&REFRESH_HOOK),
    |flags| flags.given(&REFRESH_HOOK_TIMEOUT),
    |flags| flags.given(&ON_REFRESH_FAILURE),
    |flags| flags.given_as(&VIA, |text| text != "env"),
    |flags| flags.given(&CREDENTIALS_FILE),
    |flags| flags.given(&FILE_MODE),
    |flags| flags.given(&SIGNAL_PID_FILE),
    |flags| flags.given(&ENDPOINT_ADDRESS),
    |flags| flags.given(&ENDPOINT_TOKEN_FILE),
    |flags| flags.given(&ENV_FILE),
];

/// The values that conflict with `--print` and `--serve`, because they are about a command, except default values.
const ABOUT_A_COMMAND: &[Side<FlagValues>] = &[
    |flags| flags.given_as(&ON_EXPIRY, |text| text != "none"),
    // With `--serve`, the signal is for the process of the pid file.
    |flags| flags.given(&SIGNAL).filter(|_| flags.given(&SERVE).and(flags.given(&SIGNAL_PID_FILE)).is_none()),
    |flags| flags.given(&STOP_SIGNAL),
    |flags| flags.given(&STOP_TIMEOUT),
    |flags| flags.given(&PROCESS_GROUP),
    |flags| flags.given(&ISOLATE),
    |flags| flags.given(&LISTEN),
    |flags| flags.given_as(&RESTART_ORDER, |text| text != "stop-first"),
    |flags| flags.given(&READY),
    |flags| flags.given(&READY_TIMEOUT),
];

const SETS_IT: &str = "which sets that variable itself";

fn fetching(flags: &FlagValues) -> Option<Given> {
    flags.given_as(&VIA, |via| ["endpoint", "process"].contains(&via))
}

fn without_endpoint(flags: &FlagValues) -> Option<Given> {
    flags.given_as(&VIA, |via| ["env", "file", "process"].contains(&via))
}

/// Returns `--min-ttl` if it is on the command line and a session with the duration of `XASSUME_DURATION` cannot have
/// that much time left. Returns `None` if `--min-ttl` is invalid, which is reported later. The variable
/// `XASSUME_MIN_TTL` is checked by `cache::settings`, which knows how long sessions of the plan last.
fn too_much_for_the_duration(flags: &FlagValues) -> Option<Given> {
    let given = flags.given(&MIN_TTL).filter(|given| given.origin.is_typed())?;
    let least = flags.parsed(&MIN_TTL, parse_duration).ok()??;
    (!leaves_room(flags, least)).then_some(given)
}

/// Checks whether a session with the requested duration (`--duration` or its variable) can have more than `least` left.
/// Returns false if no valid duration is requested. Always returns true for `--duration` on the command line. If that
/// duration is too short, another check reports it as an error of `--min-ttl`.
pub(super) fn leaves_room(flags: &FlagValues, least: Duration) -> bool {
    flags.is_typed(&DURATION)
        || match flags.parsed(&DURATION, SessionDuration::parse) {
            Ok(Some(SessionDuration::Exactly(duration))) => duration > least,
            Ok(Some(SessionDuration::Max)) => true,
            Ok(None) | Err(_) => false,
        }
}

/// Returns `XASSUME_TRANSITIVE_TAG` if it contains a key that none of the tags has, although the tags themselves are
/// valid. If the tags come from `--tag`, the variable was probably meant for the tags of `XASSUME_TAG`.
fn transitive_without_its_tag(flags: &FlagValues) -> Option<Given> {
    let given = flags.given(&TRANSITIVE_TAG).filter(|given| !given.origin.is_typed())?;
    let tags = flags.many(&TAG).iter().map(|given| given.parse(Tag::parse)).collect::<Result<Vec<_>, _>>().ok()?;
    let keys = flags.many(&TRANSITIVE_TAG).iter().map(|given| given.parse(TagKey::parse));
    let keys = keys.collect::<Result<Vec<_>, _>>().ok()?;
    (check_tags(&tags, &keys).is_err() && check_tags(&tags, &[]).is_ok()).then_some(given)
}

#[cfg(test)]
mod tests;

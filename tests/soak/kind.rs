//! The kinds of supervisors, and the flags with which each is started.

use std::fmt;
use std::time::Duration;

/// What a command that ignores TERM adds to the time of a restart.
const STOP_TIMEOUT: &str = "300ms";
/// The same for a server. It is longer than a server is ever stopped with SIGSTOP, so KILL interrupts no answer.
const STOP_TIMEOUT_OF_SERVER: &str = "500ms";

/// In turn it succeeds, fails, leaves orphans behind, and ignores TERM until it is killed.
const HOOK: &str = "case $((XASSUME_REFRESH % 4)) in 0) ;; 1) exit 3 ;; 2) (sleep 0.2 &) ; (true &) ;; \
                    3) trap '' TERM; sleep 300 & wait; sleep 300 ;; esac";
/// The flags of a supervisor with a hook.
const WITH_HOOK: [&str; 4] = ["--refresh-hook", HOOK, "--refresh-hook-timeout", "300ms"];

/// How a supervisor delivers sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Restart,
    Signal,
    Endpoint,
    /// As PID 1.
    Init,
    /// With `--restart-order start-first`.
    Handover,
    /// `--serve`.
    Keeper,
    /// `--serve --via file`, with `--signal-pid-file`.
    Files,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Restart, Self::Signal, Self::Endpoint, Self::Init, Self::Handover, Self::Keeper, Self::Files];

    /// The flags with which it is started, without those that contain a path.
    pub fn flags(self) -> Vec<&'static str> {
        // A hanging STS delays the clients of the endpoint by at most this.
        let sts = if self == Self::Endpoint { "400ms" } else { "700ms" };
        let how: &[&str] = match self {
            Self::Restart | Self::Init => &["--on-expiry", "restart"],
            Self::Signal => &["--on-expiry", "signal"],
            Self::Endpoint => &["--via", "endpoint"],
            Self::Handover => &["--on-expiry", "restart", "--restart-order", "start-first", "--listen", "0"],
            Self::Keeper => &["--serve"],
            Self::Files => &["--serve", "--via", "file"],
        };
        let more: &[&str] = match self {
            Self::Handover => &["--ready", "notify", "--ready-timeout", "800ms"],
            Self::Init | Self::Keeper | Self::Files => &WITH_HOOK,
            Self::Restart | Self::Signal | Self::Endpoint => &[],
        };
        let stop: &[&str] = match self {
            Self::Keeper | Self::Files => &[],
            Self::Handover => &["--stop-timeout", STOP_TIMEOUT_OF_SERVER],
            Self::Restart | Self::Signal | Self::Endpoint | Self::Init => &["--stop-timeout", STOP_TIMEOUT],
        };
        [how, more, &["--sts-timeout", sts], stop].concat()
    }

    /// Whether it has no command. A keeper can be killed and started again.
    pub fn is_keeper(self) -> bool {
        matches!(self, Self::Keeper | Self::Files)
    }

    /// The lifetime of its sessions. An endpoint does not serve the last second of a session, so keepers get one more.
    pub fn lifetime(self, lifetime: Duration) -> Duration {
        if self.is_keeper() { lifetime + Duration::from_secs(1) } else { lifetime }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Restart => "restart",
            Self::Signal => "signal",
            Self::Endpoint => "endpoint",
            Self::Init => "init",
            Self::Handover => "handover",
            Self::Keeper => "keeper",
            Self::Files => "files",
        })
    }
}

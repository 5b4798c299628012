//! The flags about the command and the output: expiry, delivery, other modes and messages.

use super::{Flag, OUTPUT, count, many, one, switch};

const EXPIRY: &str = "Expiry";
const DELIVERY: &str = "Delivery";
const INSTEAD: &str = "Instead of a command";

pub(crate) const ON_EXPIRY: Flag = one(
    "on-expiry",
    "none|restart|signal",
    EXPIRY,
    "What to do before the session expires [default: none]\n\n\
     none: nothing; xassume becomes the command, unless --via keeps its credentials fresh. restart: obtain a new \
     session, stop the command, start it again. signal: renew the credentials file, then send --signal.",
);

pub(crate) const SIGNAL: Flag =
    one("signal", "SIGNAL", EXPIRY, "Signal of --on-expiry signal: HUP, SIGUSR1, 12, RTMIN+1 [default: HUP]");

pub(crate) const REFRESH_MARGIN: Flag = one(
    "refresh-margin",
    "TIME",
    EXPIRY,
    "How long before the expiry to refresh\n\n\
     Default: a tenth of the lifetime, at most 10 minutes, but time enough for the stop; less a random part, so \
     that hosts that start together do not refresh together. With --via file, endpoint or process alone: a third of \
     the lifetime. Never before half the lifetime is over.",
);

pub(crate) const STOP_SIGNAL: Flag =
    one("stop-signal", "SIGNAL", EXPIRY, "Signal that asks the command to stop for a restart [default: TERM]");

pub(crate) const STOP_TIMEOUT: Flag =
    one("stop-timeout", "TIME", EXPIRY, "Time it has to stop before it is killed [default: 10s]");

pub(crate) const ON_REFRESH_FAILURE: Flag = one(
    "on-refresh-failure",
    "keep|stop",
    EXPIRY,
    "What to do when the session expires and cannot be refreshed [default: keep]\n\n\
     keep: let the command run on, and go on trying. stop: stop it and exit with 125.",
);

pub(crate) const PROCESS_GROUP: Flag = one(
    "process-group",
    "auto|same|new",
    EXPIRY,
    "Process group of the command when xassume stays [default: auto]\n\n\
     auto: on a terminal xassume's own, so that job control works; elsewhere a new one, so that whatever the \
     command started is signalled and stopped with it.",
);

pub(crate) const VIA: Flag = one(
    "via",
    "env|file|endpoint|process",
    DELIVERY,
    "How the command gets the session [default: env; file with --on-expiry signal]\n\n\
     env: in its environment, which cannot change while it runs. For the others xassume stays, and renews the \
     session before it expires. file: in a private credentials file. endpoint: at an address on the loopback \
     interface, which AWS's SDKs ask by themselves whenever they need fresh credentials. process: the same by a \
     credential_process, where the loopback interface is barred.",
);

pub(crate) const CREDENTIALS_FILE: Flag = one(
    "credentials-file",
    "PATH",
    DELIVERY,
    "Path of the file of --via file [default: a private folder]\n\n\
     It is xassume's own: replaced at each refresh, removed at the end. A file with anything but a session in it is \
     refused.",
)
.path()
.removed();

pub(crate) const FILE_MODE: Flag =
    one("file-mode", "MODE", DELIVERY, "Mode of that file, for a volume that is shared [default: 0600]");

pub(crate) const ENDPOINT_TOKEN_FILE: Flag = one(
    "endpoint-token-file",
    "PATH",
    DELIVERY,
    "Path of a further file with the token of --via endpoint [default: a private one]\n\n\
     Some programs read the endpoint's token from a file only. As root xassume makes none by default: a command that \
     changes its user could not read it, and would fail where it could have used the token in its environment. The \
     file has mode 0600, appears with the first session, and is removed at the end.",
)
.path()
.removed();

pub(crate) const KEEP_ENV: Flag = many(
    "keep-env",
    "NAME",
    DELIVERY,
    "Variable that would be removed from the command's environment, but is kept; repeatable",
);

pub(crate) const ISOLATE: Flag = switch(
    "isolate",
    DELIVERY,
    "Give the command a copy of ~/.aws/config without other identities\n\n\
     The copy keeps all settings and drops what could lead to other credentials; the shared credentials file is \
     hidden. Without it the command still sees ~/.aws, and a command with its own --profile uses that profile.",
);

pub(crate) const PRINT: Flag = one("print", "env|export|fish|powershell|dotenv|json|credential-process",
    INSTEAD,
    "Print a session in this format\n\n\
     env: NAME=value as it is, for docker's --env-file and systemd's EnvironmentFile. export: for sh, bash and zsh, \
     evaluated by `session=$(xassume --print export …) && eval \"$session\" || exit`. fish: for fish, by `set session \
     (xassume --print fish … | string collect); and eval $session; or exit`. At a prompt leave the exit out; in a \
     script it is needed, with `set -e` as well. powershell: for PowerShell, by `xassume --print powershell … | \
     Invoke-Expression`. These three also unset what leads to other identities, but for --keep-env. dotenv: quoted, for the libraries of that name. json: one object. \
     credential-process: for `credential_process` in ~/.aws/config.",
)
.without_variable();

pub(crate) const CHECK: Flag = switch(
    "check",
    INSTEAD,
    "Walk the way to the session and say what is missing\n\n\
     One line a step on standard output: the config files, the source credentials and whose they are, STS, the clock, \
     each role, and what the command would get. At the first step that fails it tells the reason and what to do. \
     STS is asked for each role, whatever the cache holds; of the cache only an MFA session is used. With --log-format json it is one JSON document. The status is 0 or 125.",
)
.without_variable();

pub(crate) const CLEAR_CACHE: Flag =
    switch("clear-cache", INSTEAD, "Remove this user's cached sessions").without_variable();

pub(crate) const LOG_FORMAT: Flag =
    one("log-format", "text|json", OUTPUT, "Form of messages; json is one object a line [default: text]");

pub(crate) const VERBOSE: Flag = count("verbose", OUTPUT, "Say what is done, on stderr; twice for more").short('v');

pub(crate) const QUIET: Flag = switch("quiet", OUTPUT, "Say nothing but errors").short('q');

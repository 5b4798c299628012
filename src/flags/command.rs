//! The flags about the command and the output: expiry, delivery of the credentials, other modes, and messages.

use super::flag::{Flag, count, many, one, switch};
use clap::ValueHint;

pub(crate) const ON_EXPIRY: Flag = one("on-expiry", "ACTION", "What to do before the session expires")
    .values(&[
        ("none", "nothing. xassume replaces itself with the command (exec), unless --via keeps its credentials fresh"),
        ("restart", "get a new session, stop the command, start it again"),
        ("signal", "replace the credentials file, then send --signal"),
    ])
    .default("none");

pub(crate) const SIGNAL: Flag = one("signal", "SIGNAL", "Signal to send with --on-expiry signal").default("HUP");

pub(crate) const SIGNAL_PID_FILE: Flag = one(
    "signal-pid-file",
    "PATH",
    "Send --signal to the process that this file names, not to the command\n\n\
     For a process that xassume does not run. The file is read after each refresh, when the credentials file was replaced. \
     It contains the process ID, and must belong to root, to xassume's user or to the user of the process. If the process \
     does not exist, the signal is tried again. Requires Linux 5.3.",
)
.hint(ValueHint::FilePath)
.removed();

pub(crate) const REFRESH_MARGIN: Flag = one(
    "refresh-margin",
    "TIME",
    "Refresh this long before the expiry\n\n\
     Default: a tenth of the lifetime, at most 10 minutes, but long enough for the stop; minus random jitter. With --via \
     file, endpoint or process alone: a third of the lifetime. A refresh is never before half the lifetime.",
);

pub(crate) const STOP_SIGNAL: Flag =
    one("stop-signal", "SIGNAL", "Signal that stops the command for a restart").default("TERM");

pub(crate) const STOP_TIMEOUT: Flag =
    one("stop-timeout", "TIME", "Kill the command if it has not stopped after this time").default("10s");

pub(crate) const ON_REFRESH_FAILURE: Flag =
    one("on-refresh-failure", "ACTION", "What to do when the session expires and cannot be refreshed")
        .values(&[("keep", "keep the command running, and retry"), ("stop", "stop the command and exit with 125")])
        .default("keep");

pub(crate) const PROCESS_GROUP: Flag = one("process-group", "GROUP", "Process group of a supervised command")
    .values(&[
        ("auto", "same on a terminal, new elsewhere"),
        ("same", "xassume's own, which job control in a shell needs"),
        ("new", "a new one, so that signals and stops reach all processes that the command started"),
    ])
    .default("auto");

pub(crate) const LISTEN: Flag = many(
    "listen",
    "ADDRESS",
    "Listen on this address and pass the socket to the command; repeatable\n\n\
     PORT (on 127.0.0.1), ADDRESS:PORT, [IPV6-ADDRESS]:PORT, *:PORT (on all addresses) or unix:/PATH. The command gets the \
     sockets in the same way as systemd passes them: descriptors from 3 on, LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES. They \
     stay open during a restart, so connections wait instead of being refused.",
)
.removed();

pub(crate) const RESTART_ORDER: Flag = one(
    "restart-order",
    "ORDER",
    "Order of a restart with --on-expiry restart\n\n\
     With start-first, both processes need memory at the same time, and a server must take its port from --listen. If the new \
     process does not become ready, the old one keeps running.",
)
.values(&[
    ("stop-first", "stop the command, then start it again"),
    ("start-first", "start a new process, wait until it is ready (--ready), then stop the old one"),
])
.default("stop-first")
.removed();

pub(crate) const READY: Flag = one(
    "ready",
    "notify|fd:N|TIME",
    "How a new process shows that it is ready\n\n\
     With notify, it sends READY=1 to the socket in NOTIFY_SOCKET, as sd_notify(3) does; it gets such a socket in any case. \
     With fd:N, it writes a newline to descriptor N (3 to 1023), which is a new pipe for each start. With a time, it has run \
     for this time. With fd:N or a time, xassume sends READY=1 itself if it has a NOTIFY_SOCKET.",
)
.default("5s")
.removed();

pub(crate) const READY_TIMEOUT: Flag = one(
    "ready-timeout",
    "TIME",
    "Stop a new process that is not ready after this time\n\n\
     The old process keeps running, and a new one is tried again later. The first start has no limit.",
)
.default("60s")
.removed();

pub(crate) const REFRESH_HOOK: Flag = one(
    "refresh-hook",
    "COMMAND",
    "Shell command to run after each new session, the first included\n\n\
     It runs beside the command, in a session without a terminal, once the command has got the AWS session. It has the \
     command's environment, and AWS_CREDENTIAL_EXPIRATION, AWS_ACCOUNT_ID and XASSUME_REFRESH (0 for the first session, \
     then counted). Its stdin is /dev/null, its output goes to stderr. If it fails, a warning is shown and the command keeps \
     running. When the command ends, a hook that is running is stopped.",
)
.removed();

pub(crate) const REFRESH_HOOK_TIMEOUT: Flag =
    one("refresh-hook-timeout", "TIME", "Stop the refresh hook if it runs for longer (TERM, a second later KILL)")
        .default("60s")
        .removed();

pub(crate) const VIA: Flag = one(
    "via",
    "DELIVERY",
    "How to pass the credentials to the command\n\n\
     With file, endpoint and process, xassume keeps running and refreshes the session before it expires. With \
     --on-expiry signal, the default is file. With --serve, it is endpoint.",
)
.values(&[
    ("env", "in environment variables, which cannot change while the command runs"),
    ("file", "in a private credentials file"),
    ("endpoint", "through a local credentials endpoint, which AWS SDKs ask for new credentials"),
    ("process", "through a credential_process, if 127.0.0.1 is not reachable"),
])
.default("env");

pub(crate) const CREDENTIALS_FILE: Flag = one(
    "credentials-file",
    "PATH",
    "Credentials file for --via file\n\n\
     Default: a private one. Replaced at each refresh and removed at exit. Existing files with other contents are not overwritten.",
)
.hint(ValueHint::FilePath)
.removed();

pub(crate) const FILE_MODE: Flag =
    one("file-mode", "MODE", "Mode of the credentials file, for shared volumes").default("0600");

pub(crate) const ENDPOINT_ADDRESS: Flag = one(
    "endpoint-address",
    "ADDRESS:PORT",
    "Address of --via endpoint, for example 127.0.0.1:9911\n\n\
     Must be a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23], because AWS SDKs accept no other. The URL \
     is http://ADDRESS:PORT/credentials. Default: a free port of 127.0.0.1 and a random path.",
)
.removed();

pub(crate) const ENDPOINT_TOKEN_FILE: Flag = one(
    "endpoint-token-file",
    "PATH",
    "File to write the token of --via endpoint to\n\n\
     Default: a private one. Some programs read the endpoint's token from a file only. The file has mode 0600, appears \
     with the first session and is removed at exit. As root there is none by default: a command that changes its user \
     could not read it.",
)
.hint(ValueHint::FilePath)
.removed();

pub(crate) const ENV_FILE: Flag = one(
    "env-file",
    "PATH",
    "File to write the variables for other programs to\n\n\
     Requires --via endpoint or --serve. Contains unquoted NAME=value lines, for docker's --env-file and systemd's \
     EnvironmentFile: the region, and the URL and token of the endpoint. With --endpoint-token-file, it contains the path of \
     that file instead of the token. With --serve and --via file or process, it contains the paths of the credentials and \
     config files instead of the endpoint. The file has mode 0600, appears with the first session and is removed at exit.",
)
.hint(ValueHint::FilePath)
.removed();

pub(crate) const KEEP_ENV: Flag =
    many("keep-env", "NAME", "Do not remove this variable from the command's environment; repeatable");

pub(crate) const ISOLATE: Flag = switch(
    "isolate",
    "Hide the credentials in ~/.aws from the command\n\n\
     The command gets a copy of ~/.aws/config without the settings that select credentials, and no shared credentials \
     file. Without this flag a command with its own --profile uses that profile. Variables with which a job of GitHub \
     Actions gets OIDC tokens (ACTIONS_ID_TOKEN_*) are removed.",
);

pub(crate) const PRINT: Flag = one(
    "print",
    "FORMAT",
    "Print credentials instead of running a command\n\n\
     export, fish and powershell also unset variables that would select other credentials, except those of --keep-env. The \
     examples below show how to evaluate them.",
)
.values(&[
    ("env", "NAME=value, unquoted, for docker's --env-file and systemd's EnvironmentFile"),
    ("export", "for sh, bash and zsh"),
    ("fish", "for fish"),
    ("powershell", "for PowerShell"),
    ("dotenv", "NAME=value, quoted, for dotenv libraries"),
    ("json", "one object"),
    ("credential-process", "for credential_process in ~/.aws/config"),
])
.without_variable();

pub(crate) const SERVE: Flag = switch(
    "serve",
    "Keep credentials fresh for other programs, without a command\n\n\
     Passes the credentials through --via endpoint (the default), file or process. Requires --env-file, except with \
     --credentials-file, or with both --endpoint-address and --endpoint-token-file. These files appear with the first \
     session. TERM, INT and QUIT end xassume with status 0. HUP refreshes the session now.",
)
.without_variable();

pub(crate) const CHECK: Flag = switch(
    "check",
    "Diagnose the setup without running a command\n\n\
     Prints one line per step: the config files, the source credentials and their identity, STS, the clock, each role, and \
     what the command would get. The first step that fails shows the reason and what to do. The check always calls STS; \
     only MFA sessions are taken from the cache. With --log-format json it prints one JSON document. The exit status is 0 \
     or 125.",
)
.without_variable();

pub(crate) const LIST_SESSIONS: Flag = switch(
    "list-sessions",
    "List this user's cached sessions\n\n\
     Prints the label, the account, the role, the session name and the time left of each session that has not expired, \
     but no credentials. With --log-format json it prints one JSON document.",
)
.without_variable();

pub(crate) const CLEAR_CACHE: Flag = switch("clear-cache", "Remove this user's cached sessions").without_variable();

pub(crate) const COMPLETIONS: Flag = one(
    "completions",
    "SHELL",
    "Print the completion script of a shell\n\n\
     For bash, in ~/.bashrc: source <(xassume --completions bash). In bash, zsh and fish, the script completes your \
     profiles and roles.",
)
.values(&[
    ("bash", "bash 5"),
    ("zsh", "zsh: source <(xassume --completions zsh), after compinit"),
    ("fish", "fish: xassume --completions fish | source"),
    ("elvish", "Elvish: eval (xassume --completions elvish | slurp)"),
    ("powershell", "PowerShell: xassume --completions powershell | Out-String | Invoke-Expression"),
])
.without_variable();

pub(crate) const LOG_FORMAT: Flag = one("log-format", "FORMAT", "Log format")
    .values(&[("text", "for people"), ("json", "one object per line")])
    .default("text");

pub(crate) const VERBOSE: Flag = count("verbose", "Verbose output; repeat for more").short('v');

pub(crate) const QUIET: Flag = switch("quiet", "Only print errors").short('q');

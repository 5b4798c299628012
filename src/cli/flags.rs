//! Every flag, in the order of `--help`.

use super::{Flag, Kind, flag, switch};

const ROLE: &str = "Role";
const MFA: &str = "MFA";
const STS: &str = "STS";
const EXPIRY: &str = "Expiry";
const CACHE: &str = "Cache";
const DELIVERY: &str = "Delivery";
const INSTEAD: &str = "Instead of a command";
pub(super) const OUTPUT: &str = "Output";

/// Every flag, in the order of `--help`.
pub const FLAGS: &[Flag] = &[
    flag(
        "role-arn",
        Kind::Many,
        "ARN",
        ROLE,
        "Role to assume; repeat it for a chain\n\n\
         An ARN, or ACCOUNT:ROLE-NAME for arn:aws:iam::ACCOUNT:role/ROLE-NAME. Each role of a chain is assumed with \
         the session before; at most 10. Without this flag the role comes from XASSUME_ROLE_ARN, from the profile's \
         role_arn, or from AWS_ROLE_ARN.",
    )
    .short('r'),
    flag(
        "profile",
        Kind::One,
        "NAME",
        ROLE,
        "Profile of ~/.aws/config that holds the role, or the source credentials\n\n\
         Beside --role-arn it names the source. On the command line it beats keys in the environment; AWS_PROFILE \
         does not.",
    )
    .short('p'),
    flag(
        "role-session-name",
        Kind::One,
        "NAME",
        ROLE,
        "Session name, as CloudTrail will show it\n\n\
         2 to 64 letters, digits and +=,.@_-. Default: AWS_ROLE_SESSION_NAME; under Jenkins the job's name and build \
         number; else xassume-USER@HOST.",
    ),
    flag("external-id", Kind::One, "ID", ROLE, "External id that the (last) role's trust policy asks for"),
    flag(
        "duration",
        Kind::One,
        "TIME",
        ROLE,
        "Lifetime to ask for: 15m to 12h, or `max`\n\n\
         Nothing is asked for by default: STS grants an hour. `max` asks for 12, 8, 4, 2 and 1 hours until STS agrees. \
         A role that is assumed from another role's session gets an hour at the most.",
    ),
    flag("policy", Kind::One, "JSON|file://PATH", ROLE, "Session policy, which narrows what the session may do"),
    flag("policy-arn", Kind::Many, "ARN", ROLE, "Managed policy that narrows the session; repeatable, at most 10"),
    flag("tag", Kind::Many, "KEY=VALUE", ROLE, "Session tag; repeatable, at most 50"),
    flag("transitive-tag", Kind::Many, "KEY", ROLE, "Tag key that later sessions of a chain inherit; repeatable"),
    flag("source-identity", Kind::One, "NAME", ROLE, "Source identity, kept by STS through the whole chain"),
    flag(
        "web-identity-token-file",
        Kind::One,
        "PATH",
        ROLE,
        "File with the OIDC token that assumes the first role\n\n\
         As in AWS_WEB_IDENTITY_TOKEN_FILE. It is read again at each refresh.",
    )
    .path(),
    flag(
        "expect-account",
        Kind::One,
        "ID",
        ROLE,
        "Fail unless the session is in this account, before the command starts",
    ),
    flag(
        "mfa-serial",
        Kind::One,
        "SERIAL",
        MFA,
        "MFA device, by ARN or serial number\n\n\
         In place of the profile's mfa_serial. With a user's keys the code buys one session (GetSessionToken) from \
         which the roles are assumed, so that refreshes need no further code; with temporary keys, or for a --duration \
         above an hour, the code goes with the first role.",
    ),
    flag(
        "mfa-token",
        Kind::One,
        "CODE",
        MFA,
        "Code that the device shows, or `-` to read it from stdin\n\n\
         One line of stdin is read; what follows is left to the command. Without this flag and --mfa-command the code \
         is asked for on the terminal. A code on the command line can be seen by other users of the machine.",
    )
    .without_variable(),
    flag(
        "mfa-command",
        Kind::One,
        "COMMAND",
        MFA,
        "Shell command that prints a code\n\n\
         It has 60 seconds, its stderr is shown, its stdin is /dev/null. It is run whenever a code is needed, so \
         refreshes need nobody.",
    ),
    flag(
        "mfa-session-duration",
        Kind::One,
        "TIME",
        MFA,
        "Lifetime of the session that a code buys: 15m to 36h [default: 12h]",
    ),
    flag(
        "region",
        Kind::One,
        "REGION",
        STS,
        "Region of STS, also given to the command\n\n\
         Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's. With none of them STS is asked in the \
         partition's main region and the command gets no region.",
    ),
    flag("sts-endpoint", Kind::One, "URL", STS, "Endpoint of STS, in place of the region's own").url(),
    flag("ca-bundle", Kind::One, "PATH", STS, "PEM file of further certificates to trust, as AWS_CA_BUNDLE").path(),
    flag(
        "sts-timeout",
        Kind::One,
        "TIME",
        STS,
        "Time limit for all calls to STS and their retries [default: 30s]\n\n\
         The wait for another xassume that asks for the same session counts as well, and so does the source of the \
         credentials. When the limit is given, a credential_process and --mfa-command count as well; without it each has \
         a minute, which does not count in the 30s.",
    ),
    switch(
        "no-cache",
        CACHE,
        "Neither use nor keep a cached session\n\n\
         Otherwise sessions are kept in $XDG_RUNTIME_DIR/xassume, else in $XDG_CACHE_HOME/xassume or \
         ~/.cache/xassume, readable for this user alone, and used by all runs that would ask STS for the same.",
    ),
    flag("cache-dir", Kind::One, "PATH", CACHE, "Folder for cached sessions, of this user's alone; made when missing")
        .directory(),
    flag(
        "min-ttl",
        Kind::One,
        "TIME",
        CACHE,
        "Least time that a cached session must have left [default: three quarters of its lifetime]",
    ),
    switch("force-refresh", CACHE, "Ask STS, even when a cached session would do, and keep the new session"),
    flag(
        "on-expiry",
        Kind::One,
        "none|restart|signal",
        EXPIRY,
        "What to do before the session expires [default: none]\n\n\
         none: nothing; xassume becomes the command, unless --via keeps its credentials fresh. restart: obtain a new \
         session, stop the command, start it again. signal: renew the credentials file, then send --signal.",
    ),
    flag(
        "signal",
        Kind::One,
        "SIGNAL",
        EXPIRY,
        "Signal of --on-expiry signal: HUP, SIGUSR1, 12, RTMIN+1 [default: HUP]",
    ),
    flag(
        "refresh-margin",
        Kind::One,
        "TIME",
        EXPIRY,
        "How long before the expiry to refresh\n\n\
         Default: a tenth of the lifetime, at most 10 minutes, but time enough for the stop; less a random part, so \
         that hosts that start together do not refresh together. With --via file, endpoint or process alone: a third of \
         the lifetime. Never before half the lifetime is over.",
    ),
    flag(
        "stop-signal",
        Kind::One,
        "SIGNAL",
        EXPIRY,
        "Signal that asks the command to stop for a restart [default: TERM]",
    ),
    flag("stop-timeout", Kind::One, "TIME", EXPIRY, "Time it has to stop before it is killed [default: 10s]"),
    flag(
        "on-refresh-failure",
        Kind::One,
        "keep|stop",
        EXPIRY,
        "What to do when the session expires and cannot be refreshed [default: keep]\n\n\
         keep: let the command run on, and go on trying. stop: stop it and exit with 125.",
    ),
    flag(
        "process-group",
        Kind::One,
        "auto|same|new",
        EXPIRY,
        "Process group of the command when xassume stays [default: auto]\n\n\
         auto: on a terminal xassume's own, so that job control works; elsewhere a new one, so that whatever the \
         command started is signalled and stopped with it.",
    ),
    flag(
        "via",
        Kind::One,
        "env|file|endpoint|process",
        DELIVERY,
        "How the command gets the session [default: env; file with --on-expiry signal]\n\n\
         env: in its environment, which cannot change while it runs. For the others xassume stays, and renews the \
         session before it expires. file: in a private credentials file. endpoint: at an address on the loopback \
         interface, which AWS's SDKs ask by themselves whenever they need fresh credentials. process: the same by a \
         credential_process, where the loopback interface is barred.",
    ),
    flag(
        "credentials-file",
        Kind::One,
        "PATH",
        DELIVERY,
        "Path of the file of --via file [default: a private folder]\n\n\
         It is xassume's own: replaced at each refresh, removed at the end. A file with anything but a session in it is \
         refused.",
    )
    .path(),
    flag("file-mode", Kind::One, "MODE", DELIVERY, "Mode of that file, for a volume that is shared [default: 0600]"),
    flag(
        "endpoint-token-file",
        Kind::One,
        "PATH",
        DELIVERY,
        "Path of a further file with the token of --via endpoint [default: a private one]\n\n\
         Some programs read the endpoint's token from a file only. As root xassume makes none by default: a command that \
         changes its user could not read it, and would fail where it could have used the token in its environment. The \
         file has mode 0600, appears with the first session, and is removed at the end.",
    )
    .path(),
    flag(
        "keep-env",
        Kind::Many,
        "NAME",
        DELIVERY,
        "Variable that would be removed from the command's environment, but is kept; repeatable",
    ),
    switch(
        "isolate",
        DELIVERY,
        "Give the command a copy of ~/.aws/config without other identities\n\n\
         The copy keeps all settings and drops what could lead to other credentials; the shared credentials file is \
         hidden. Without it the command still sees ~/.aws, and a command with its own --profile uses that profile.",
    ),
    flag(
        "print",
        Kind::One,
        "env|export|fish|powershell|dotenv|json|credential-process",
        INSTEAD,
        "Print a session in this format\n\n\
         env: NAME=value as it is, for docker's --env-file and systemd's EnvironmentFile. export: for sh, bash and zsh, \
         evaluated by `session=$(xassume --print export …) && eval \"$session\" || exit`. fish: for fish, by `set session \
         (xassume --print fish … | string collect); and eval $session; or exit`. At a prompt leave the exit out; in a \
         script it is needed, with `set -e` as well. powershell: for PowerShell, by `xassume --print powershell … | \
         Invoke-Expression`. These three also unset what leads to other identities, but for --keep-env. dotenv: quoted, for the libraries of that name. json: one object. \
         credential-process: for `credential_process` in ~/.aws/config.",
    )
    .without_variable(),
    switch(
        "check",
        INSTEAD,
        "Walk the way to the session and say what is missing\n\n\
         One line a step on standard output: the config files, the source credentials and whose they are, STS, the clock, \
         each role, and what the command would get. At the first step that fails it tells the reason and what to do. \
         STS is asked for each role, whatever the cache holds; of the cache only an MFA session is used. With --log-format json it is one JSON document. The status is 0 or 125.",
    )
    .without_variable(),
    switch("clear-cache", INSTEAD, "Remove this user's cached sessions").without_variable(),
    flag("log-format", Kind::One, "text|json", OUTPUT, "Form of messages; json is one object a line [default: text]"),
    flag("verbose", Kind::Count, "", OUTPUT, "Say what is done, on stderr; twice for more").short('v'),
    switch("quiet", OUTPUT, "Say nothing but errors").short('q'),
];

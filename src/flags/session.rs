//! The flags about the session: roles, MFA, STS and the cache.

use super::{Flag, many, one, switch};

const ROLE: &str = "Role";
const MFA: &str = "MFA";
const STS: &str = "STS";
const CACHE: &str = "Cache";

pub(crate) const ROLE_ARN: Flag = many(
    "role-arn",
    "ARN",
    ROLE,
    "Role to assume; repeat it for a chain\n\n\
     An ARN, or ACCOUNT:ROLE-NAME for arn:aws:iam::ACCOUNT:role/ROLE-NAME. Each role of a chain is assumed with \
     the session before; at most 10. Without this flag the role comes from XASSUME_ROLE_ARN, from the profile's \
     role_arn, or from AWS_ROLE_ARN.",
)
.short('r')
.removed();

pub(crate) const PROFILE: Flag = one(
    "profile",
    "NAME",
    ROLE,
    "Profile of ~/.aws/config that holds the role, or the source credentials\n\n\
     Beside --role-arn it names the source. On the command line it beats keys in the environment; AWS_PROFILE \
     does not.",
)
.short('p')
.removed();

pub(crate) const ROLE_SESSION_NAME: Flag = one(
    "role-session-name",
    "NAME",
    ROLE,
    "Session name, as CloudTrail will show it\n\n\
     2 to 64 letters, digits and +=,.@_-. Default: AWS_ROLE_SESSION_NAME; under Jenkins the job's name and build \
     number; else xassume-USER@HOST.",
)
.removed();

pub(crate) const EXTERNAL_ID: Flag =
    one("external-id", "ID", ROLE, "External id that the (last) role's trust policy asks for").removed();

pub(crate) const DURATION: Flag = one(
    "duration",
    "TIME",
    ROLE,
    "Lifetime to ask for: 15m to 12h, or `max`\n\n\
     Nothing is asked for by default: STS grants an hour. `max` asks for 12, 8, 4, 2 and 1 hours until STS agrees. \
     A role that is assumed from another role's session gets an hour at the most.",
)
.removed();

pub(crate) const POLICY: Flag =
    one("policy", "JSON|file://PATH", ROLE, "Session policy, which narrows what the session may do").removed();

pub(crate) const POLICY_ARN: Flag =
    many("policy-arn", "ARN", ROLE, "Managed policy that narrows the session; repeatable, at most 10").removed();

pub(crate) const TAG: Flag = many("tag", "KEY=VALUE", ROLE, "Session tag; repeatable, at most 50").removed();

pub(crate) const TRANSITIVE_TAG: Flag =
    many("transitive-tag", "KEY", ROLE, "Tag key that later sessions of a chain inherit; repeatable").removed();

pub(crate) const SOURCE_IDENTITY: Flag =
    one("source-identity", "NAME", ROLE, "Source identity, kept by STS through the whole chain").removed();

pub(crate) const WEB_IDENTITY_TOKEN_FILE: Flag = one(
    "web-identity-token-file",
    "PATH",
    ROLE,
    "File with the OIDC token that assumes the first role\n\n\
     As in AWS_WEB_IDENTITY_TOKEN_FILE. It is read again at each refresh.",
)
.path()
.removed();

pub(crate) const EXPECT_ACCOUNT: Flag =
    one("expect-account", "ID", ROLE, "Fail unless the session is in this account, before the command starts")
        .removed();

pub(crate) const MFA_SERIAL: Flag = one(
    "mfa-serial",
    "SERIAL",
    MFA,
    "MFA device, by ARN or serial number\n\n\
     In place of the profile's mfa_serial. With a user's keys the code buys one session (GetSessionToken) from \
     which the roles are assumed, so that refreshes need no further code; with temporary keys, or for a --duration \
     above an hour, the code goes with the first role.",
)
.removed();

pub(crate) const MFA_TOKEN: Flag = one(
    "mfa-token",
    "CODE",
    MFA,
    "Code that the device shows, or `-` to read it from stdin\n\n\
     One line of stdin is read; what follows is left to the command. Without this flag and --mfa-command the code \
     is asked for on the terminal. A code on the command line can be seen by other users of the machine.",
)
.without_variable()
.removed();

pub(crate) const MFA_COMMAND: Flag = one(
    "mfa-command",
    "COMMAND",
    MFA,
    "Shell command that prints a code\n\n\
     It has 60 seconds, its stderr is shown, its stdin is /dev/null. It is run whenever a code is needed, so \
     refreshes need nobody.",
)
.removed();

pub(crate) const MFA_SESSION_DURATION: Flag =
    one("mfa-session-duration", "TIME", MFA, "Lifetime of the session that a code buys: 15m to 36h [default: 12h]")
        .removed();

pub(crate) const REGION: Flag = one(
    "region",
    "REGION",
    STS,
    "Region of STS, also given to the command\n\n\
     Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's. With none of them STS is asked in the \
     partition's main region and the command gets no region.",
);

pub(crate) const STS_ENDPOINT: Flag =
    one("sts-endpoint", "URL", STS, "Endpoint of STS, in place of the region's own").url();

pub(crate) const CA_BUNDLE: Flag =
    one("ca-bundle", "PATH", STS, "PEM file of further certificates to trust, as AWS_CA_BUNDLE").path();

pub(crate) const STS_TIMEOUT: Flag = one(
    "sts-timeout",
    "TIME",
    STS,
    "Time limit for all calls to STS and their retries [default: 30s]\n\n\
     The wait for another xassume that asks for the same session counts as well, and so does the source of the \
     credentials. When the limit is given, a credential_process and --mfa-command count as well; without it each has \
     a minute, which does not count in the 30s.",
);

pub(crate) const NO_CACHE: Flag = switch(
    "no-cache",
    CACHE,
    "Neither use nor keep a cached session\n\n\
     Otherwise sessions are kept in $XDG_RUNTIME_DIR/xassume, else in $XDG_CACHE_HOME/xassume or \
     ~/.cache/xassume, readable for this user alone, and used by all runs that would ask STS for the same.",
);

pub(crate) const CACHE_DIR: Flag =
    one("cache-dir", "PATH", CACHE, "Folder for cached sessions, of this user's alone; made when missing").directory();

pub(crate) const MIN_TTL: Flag = one(
    "min-ttl",
    "TIME",
    CACHE,
    "Least time that a cached session must have left [default: three quarters of its lifetime]",
);

pub(crate) const FORCE_REFRESH: Flag =
    switch("force-refresh", CACHE, "Ask STS, even when a cached session would do, and keep the new session");

//! The flags about the session: roles, MFA, STS and the cache.

use super::flag::{Flag, many, one, switch};
use clap::ValueHint;

pub(crate) const ROLE_ARN: Flag = many(
    "role-arn",
    "ARN",
    "Role to assume; repeat it for a chain\n\n\
     An ARN, or ACCOUNT:ROLE-NAME for arn:aws:iam::ACCOUNT:role/ROLE-NAME. Repeat it to build a chain of up to 10 roles, \
     each assumed with the previous session. Without this flag the role comes from the role_arn of --profile, from \
     XASSUME_ROLE_ARN, from the role_arn of the profile in XASSUME_PROFILE, AWS_PROFILE or [default], or from AWS_ROLE_ARN.",
)
.short('r')
.removed();

pub(crate) const PROFILE: Flag = one(
    "profile",
    "NAME",
    "AWS profile to use\n\n\
     The profile in ~/.aws/config provides the role. If nothing specifies a role, the command gets the profile's own \
     credentials, for example those of IAM Identity Center. With --role-arn, the profile provides the source credentials. \
     This flag takes precedence over AWS_ACCESS_KEY_ID. AWS_PROFILE does not, except if nothing names a role: then the \
     profile's own credentials are used even if AWS_ACCESS_KEY_ID is set, unlike in the AWS CLI.",
)
.short('p')
.removed();

pub(crate) const ROLE_SESSION_NAME: Flag = one(
    "role-session-name",
    "NAME",
    "Session name, shown in CloudTrail\n\n\
     2 to 64 letters, digits and +=,.@_-. Default: AWS_ROLE_SESSION_NAME; in GitHub Actions github-RUN_ID-ATTEMPT; under \
     Jenkins the job's name and build number; else xassume-USER@HOST.",
)
.removed();

pub(crate) const EXTERNAL_ID: Flag =
    one("external-id", "ID", "External ID required by the trust policy of the (last) role").removed();

pub(crate) const DURATION: Flag = one(
    "duration",
    "TIME",
    "Session lifetime: 15m to 12h, or `max`\n\n\
     `max` is the longest of 12, 8, 4, 2 and 1 hours that the role allows. Role chaining is limited to one hour. Without \
     this flag the lifetime is the profile's duration_seconds, else the default of STS.",
)
.default("1h")
.removed();

pub(crate) const POLICY: Flag =
    one("policy", "JSON|file://PATH", "Session policy that restricts the session").removed();

pub(crate) const POLICY_ARN: Flag =
    many("policy-arn", "ARN", "Managed policy that restricts the session; repeatable, up to 10").removed();

pub(crate) const TAG: Flag = many(
    "tag",
    "KEY=VALUE",
    "Session tag; repeatable, up to 50\n\nOverrides session_tags and transitive_session_tags of the profile.",
)
.removed();

pub(crate) const TRANSITIVE_TAG: Flag =
    many("transitive-tag", "KEY", "Key of a tag to pass on to later roles of a chain; repeatable").removed();

pub(crate) const SOURCE_IDENTITY: Flag = one(
    "source-identity",
    "NAME",
    "Source identity; persists through role chaining\n\nOverrides source_identity of the profile.",
)
.removed();

pub(crate) const WEB_IDENTITY_TOKEN_FILE: Flag = one(
    "web-identity-token-file",
    "PATH",
    "File with the OIDC token for the first role\n\n\
     Takes precedence over AWS_WEB_IDENTITY_TOKEN_FILE. The file is read again for each request to STS.",
)
.hint(ValueHint::FilePath)
.removed();

pub(crate) const WEB_IDENTITY_TOKEN_COMMAND: Flag = one(
    "web-identity-token-command",
    "COMMAND",
    "Shell command that prints an OIDC token for the first role\n\n\
     Runs for each request to STS, with a limit of 60 seconds, so sessions can be refreshed after the first token has \
     expired. Its stderr is shown, its stdin is /dev/null. The key web_identity_token_process of a profile has the same \
     meaning.",
)
.removed();

pub(crate) const WEB_IDENTITY_PROVIDER: Flag = one(
    "web-identity-provider",
    "PROVIDER",
    "Provider of an OIDC token for the first role\n\n\
     A new token is requested for each request to STS, so sessions can be refreshed while the job runs.",
)
.values(&[("github", "GitHub Actions. The job needs `permissions: id-token: write`")])
.removed();

pub(crate) const WEB_IDENTITY_AUDIENCE: Flag =
    one("web-identity-audience", "AUDIENCE", "Audience of the token from --web-identity-provider")
        .default("sts.amazonaws.com")
        .removed();

pub(crate) const ALSO: Flag = many(
    "also",
    "NAME[=ROLE]",
    "Give the command the session of another role as profile NAME; repeatable\n\n\
     ROLE is an ARN or ACCOUNT:ROLE-NAME. It is assumed with the source credentials of the first role, with the same session \
     name and --duration. Without ROLE, the role and the options of profile NAME in ~/.aws/config are used. xassume keeps \
     running and refreshes each session. Requires --via process, which is then the default, or --via file.",
)
.removed();

pub(crate) const EXPECT_ACCOUNT: Flag = many(
    "expect-account",
    "[NAME=]ID",
    "Fail if the session is not in this account\n\n\
     Checked before the command starts. With NAME, it is the account of profile NAME of --also; repeatable.",
)
.removed();

pub(crate) const NO_LOGIN: Flag = switch(
    "no-login",
    "Do not offer to sign in to IAM Identity Center\n\n\
     If the profile's session has expired, xassume asks on the terminal whether to sign in, and then does what `aws sso \
     login` does. It does not ask, but fails, with this flag, with -q or --print credential-process, if CI or JENKINS_URL is set, and in \
     the background.",
);

pub(crate) const MFA_SERIAL: Flag = one(
    "mfa-serial",
    "SERIAL",
    "ARN or serial number of the MFA device\n\n\
     Overrides mfa_serial of the profile. With a user's long-term keys, one code yields an MFA session (GetSessionToken). \
     The roles are assumed with it, so refreshes need no further code. With temporary keys, or with a --duration above an \
     hour, the code is part of the request for the first role.",
)
.removed();

pub(crate) const MFA_TOKEN: Flag = one(
    "mfa-token",
    "CODE",
    "MFA code, or `-` to read it from stdin\n\n\
     One line of stdin is read; what follows is left to the command. Without this flag, --mfa-command and mfa_process of \
     the profile, xassume prompts for the code on the terminal. A code on the command line can be seen by other users of \
     the host.",
)
.without_variable()
.removed();

pub(crate) const MFA_COMMAND: Flag = one(
    "mfa-command",
    "COMMAND",
    "Shell command that prints an MFA code\n\n\
     Runs whenever a code is needed, with a limit of 60 seconds, so refreshes work unattended. Its stderr is shown, its \
     stdin is /dev/null. Overrides mfa_process of the profile.",
)
.removed();

pub(crate) const MFA_SESSION_DURATION: Flag =
    one("mfa-session-duration", "TIME", "Lifetime of the MFA session: 15m to 36h").default("12h").removed();

pub(crate) const REGION: Flag = one(
    "region",
    "REGION",
    "AWS Region, for STS and the command\n\n\
     Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's. If none is set, STS is called in the \
     partition's default Region and the command gets none.",
);

pub(crate) const STS_ENDPOINT: Flag = one("sts-endpoint", "URL", "Custom STS endpoint").hint(ValueHint::Url);

pub(crate) const CA_BUNDLE: Flag =
    one("ca-bundle", "PATH", "File of additional CA certificates, in PEM form\n\nTakes precedence over AWS_CA_BUNDLE.")
        .hint(ValueHint::FilePath);

pub(crate) const STS_TIMEOUT: Flag = one(
    "sts-timeout",
    "TIME",
    "Time limit for getting credentials\n\n\
     Includes retries, the wait for a concurrent xassume that gets the same session, and the source of the credentials. A \
     limit that is set also includes credential_process, --mfa-command and --web-identity-token-command. The default does \
     not: each of them has a minute.",
)
.default("30s");

pub(crate) const NO_CACHE: Flag = switch(
    "no-cache",
    "Do not use the session cache\n\n\
     Sessions are cached in $XDG_RUNTIME_DIR/xassume, else in $XDG_CACHE_HOME/xassume or ~/.cache/xassume. Only this user \
     can read them. All runs with the same request to STS share them.",
);

pub(crate) const CACHE_DIR: Flag =
    one("cache-dir", "PATH", "Cache directory, yours alone (mode 700); created if missing").hint(ValueHint::DirPath);

pub(crate) const MIN_TTL: Flag = one(
    "min-ttl",
    "TIME",
    "Minimum remaining lifetime of a cached session\n\nDefault: three quarters of the session's lifetime.",
);

pub(crate) const FORCE_REFRESH: Flag = switch("force-refresh", "Ignore the cached session, get a new one and cache it");

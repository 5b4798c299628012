#!/bin/sh
# Writes the credentials file of a block, and the script that it names. The script runs xassume with the settings of the
# block and with the source credentials from outside the block. Neither file contains a secret.
set -eu
xassume=$(command -v xassume) || {
    echo 'withXassume: error: xassume is not in PATH on this agent' >&2
    exit 127
}
if [ -n "${AWS_ACCESS_KEY_ID:-}${AWS_ACCESS_KEY:-}" ]; then
    echo 'withXassume: error: access keys in the environment would take precedence over the role in the block' >&2
    echo "hint: use sh 'xassume -r ROLE -- COMMAND' with these keys, or a profile on the agent" >&2
    exit 1
fi
umask 077
mkdir -p "$WITHXASSUME_DIRECTORY"

quoted() { printf '%s' "$1" | sed -e "s/'/'\\\\''/g" -e "1s/^/'/" -e "\$s/\$/'/"; }

{
    for name in \
        AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_PROFILE AWS_DEFAULT_PROFILE \
        AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME \
        XASSUME_ROLE_ARN XASSUME_PROFILE XASSUME_REGION XASSUME_DURATION XASSUME_EXPECT_ACCOUNT XASSUME_EXTERNAL_ID \
        XASSUME_POLICY XASSUME_POLICY_ARN XASSUME_ROLE_SESSION_NAME \
        XASSUME_WEB_IDENTITY_TOKEN_FILE XASSUME_WEB_IDENTITY_TOKEN_COMMAND XASSUME_WEB_IDENTITY_PROVIDER; do
        value=$(eval "printf '%s' \"\${$name-}\"")
        if [ -n "$value" ]; then
            printf 'export %s=%s\n' "$name" "$(quoted "$value")"
        else
            printf 'unset %s\n' "$name"
        fi
    done
    printf 'exec %s' "$(quoted "$xassume")"
    number=1
    while flag=$(eval "printf '%s' \"\${WITHXASSUME_FLAG_$number-}\"") && [ -n "$flag" ]; do
        printf ' %s' "$(quoted "$flag")"
        number=$((number + 1))
    done
    # shellcheck disable=SC2016 # expanded when the script runs
    printf ' "$@" --print credential-process\n'
} >"$WITHXASSUME_DIRECTORY/xassume.sh"
# SDKs split this line at spaces or pass it to a shell; both know double quotes.
printf '[default]\ncredential_process = sh "%s/xassume.sh" -q\n' "$WITHXASSUME_DIRECTORY" \
    >"$WITHXASSUME_DIRECTORY/credentials"
: >"$WITHXASSUME_DIRECTORY/config"

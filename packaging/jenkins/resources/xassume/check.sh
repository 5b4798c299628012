#!/bin/sh
# Gets the first session, in the environment of the block, so that an error is shown before the block runs.
set -eu
if [ -n "${AWS_ACCESS_KEY_ID:-}${AWS_ACCESS_KEY:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then
    echo 'withXassume: error: credentials in the environment take precedence over the role in the block' >&2
    echo 'hint: the environment of this agent or container sets AWS_ACCESS_KEY_ID or AWS_WEB_IDENTITY_TOKEN_FILE' >&2
    exit 1
fi
# Jenkins removes these variables from the block only if the job sets them. A command in the block would use them.
for name in XASSUME_ROLE_ARN XASSUME_PROFILE XASSUME_WEB_IDENTITY_TOKEN_FILE XASSUME_WEB_IDENTITY_TOKEN_COMMAND \
    XASSUME_WEB_IDENTITY_PROVIDER XASSUME_POLICY XASSUME_POLICY_ARN; do
    if [ -n "$(eval "printf '%s' \"\${$name-}\"")" ]; then
        echo "withXassume: error: the environment of this agent or container sets $name" >&2
        echo 'hint: remove it there, and set it in the job or use a setting of withXassume' >&2
        exit 1
    fi
done
sh "${AWS_SHARED_CREDENTIALS_FILE%/*}/xassume.sh" >/dev/null

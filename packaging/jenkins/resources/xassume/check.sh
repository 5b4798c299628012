#!/bin/sh
# Gets the first session, in the environment of the block, so that an error is shown before the block runs.
set -eu
if [ -n "${AWS_ACCESS_KEY_ID:-}${AWS_ACCESS_KEY:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-}" ]; then
    echo 'withXassume: error: credentials in the environment take precedence over the role in the block' >&2
    echo 'hint: the environment of this agent or container sets AWS_ACCESS_KEY_ID or AWS_WEB_IDENTITY_TOKEN_FILE' >&2
    exit 1
fi
sh "${AWS_SHARED_CREDENTIALS_FILE%/*}/xassume.sh" >/dev/null

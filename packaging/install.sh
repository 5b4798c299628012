#!/bin/sh
# Installs xassume from a release: downloads it, verifies the signature and the sum, and puts the files below a prefix.
# Runs with any POSIX shell; `sh install.sh --help` shows the options.
#
# If the download of this script is cut off, it must do nothing. So all commands are in functions, and only the last
# line calls one.

# Set in a release. They are empty in a checkout: --from and --key are then required.
version=''
address=''
key=''

say() { printf 'install.sh: %s\n' "$*"; }

# fail MESSAGE [HINT]
fail() {
    printf 'install.sh: error: %s\n' "$1" >&2
    if [ -n "${2:-}" ]; then printf 'hint: %s\n' "$2" >&2; fi
    exit 1
}

usage() {
    cat <<'TEXT'
Installs xassume: the program, its man page, and its completions for bash, zsh and fish.

Usage: sh install.sh [OPTION...]

  --prefix DIR    install below DIR [default: /usr/local as root, otherwise ~/.local]
  --version V     install this version; fail if the release has another one
  --from URL      the directory of the release: an https:// URL, an http:// URL of this host, or a path.
                  {version} is replaced by the version.
  --key FILE      the public key of the release (PEM)
  --uninstall     remove the files that this script installs below the prefix
  --help          show this text

Needs curl or wget, tar, gzip and openssl. curl and wget use the proxy in https_proxy.
TEXT
}

# Prints the error in a program's messages: the first line in the usual form, or the last one. The messages are in a
# variable, because the disk may be full.
# shellcheck disable=SC2016 # the $ is sed's
cause() { printf '%s\n' "$messages" | sed -n -e '/^[a-z]*: /{p;q;}' -e '/./h' -e '${x;p;}'; }

# Calls a function for each file with its name in the archive, its path below the prefix and its mode.
each_file() {
    "$1" xassume.1 share/man/man1/xassume.1 644
    "$1" completions/xassume.bash share/bash-completion/completions/xassume 644
    "$1" completions/_xassume share/zsh/site-functions/_xassume 644
    "$1" completions/xassume.fish share/fish/vendor_completions.d/xassume.fish 644
    # The last one: if another file cannot be replaced, the old program remains.
    "$1" xassume bin/xassume 755
}

find_prefix() {
    if [ -z "$prefix" ]; then
        if [ "$(id -u)" = 0 ]; then
            prefix=/usr/local
        elif [ -n "${HOME:-}" ]; then
            prefix=$HOME/.local
        else
            fail 'HOME is not set' 'use --prefix DIR'
        fi
    fi
    case $prefix in
        '~'*) fail "the shell did not expand ~ in --prefix '$prefix'" "use --prefix \"\$HOME/…\" or the whole path" ;;
        /*) ;;
        *) prefix=$PWD/$prefix ;;
    esac
    while [ "${prefix%/}" != "$prefix" ]; do prefix=${prefix%/}; done
}

# The binary is static, so the C library and the word size of other programs do not matter.
find_target() {
    system=$(uname -s)
    [ "$system" = Linux ] || fail "xassume runs on Linux only, and this system is $system"
    machine=$(uname -m)
    case $machine in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
        *) fail "no release of xassume for the processor '$machine', only for x86_64 and aarch64" \
            'build xassume from its source: cargo install --path . --locked' ;;
    esac
    target=$machine-unknown-linux-musl
}

check_address() {
    [ -n "$from" ] || fail 'this script does not contain the address of a release' 'use --from URL'
    while :; do
        case $from in *'{version}'*) ;; *) break ;; esac
        [ -n "$version" ] || fail "the address '$from' needs a version" 'use --version V'
        from=${from%%'{version}'*}$version${from#*'{version}'}
    done
    protocol=''
    case $from in
        https://?*) protocol=https from=${from%/} ;;
        http://*)
            from=${from%/}
            # Others can read and change such requests on their way, unless they stay on this host.
            host=${from#http://}
            host=${host%%/*}
            case ${host%%:*} in localhost | 127.0.0.1) protocol=http ;; esac
            case $host in *:*[!0-9]*) protocol='' ;; esac
            [ -n "$protocol" ] || fail "the address '$from' is not https" 'http is allowed for localhost and 127.0.0.1 only'
            ;;
        file:///*) from=${from#file://} ;;
        *://*) fail "the address '$from' has an unknown protocol" 'use an https:// URL or the path of a directory' ;;
    esac
    if [ -z "$protocol" ]; then
        [ -d "$from" ] || fail "the directory '$from' does not exist" 'use an https:// URL or the path of a directory'
        from=$(cd -- "$from" && pwd) || fail "cannot open the directory '$from'"
    fi
}

find_programs() {
    openssl version >/dev/null 2>&1 || fail 'openssl is not installed, and without it the signature cannot be verified' \
        'install the package openssl with apt-get, dnf, yum or apk'
    for program in tar gzip; do
        command -v "$program" >/dev/null || fail "$program is not installed" "install the package $program"
    done
    # That of BusyBox before 1.30 has other arguments.
    if timeout 5 cat </dev/null >/dev/null 2>&1; then limit=600; fi
    [ -n "$protocol" ] || return 0
    if command -v curl >/dev/null; then
        downloader=curl
    elif command -v wget >/dev/null; then
        downloader=wget
        # BusyBox has neither option.
        case $(wget --version 2>/dev/null) in 'GNU Wget'*) downloader=gnu_wget ;; esac
    else
        fail 'neither curl nor wget is installed' 'install the package curl, or download the release and use --from DIR'
    fi
}

# download NAME [HINT]: gets a file of the release into the work directory. The program runs in the background, because a
# shell acts on a signal only between programs in the foreground.
download() {
    (
        exec </dev/null >messages 2>&1
        # 64 MiB in blocks of 512 bytes (of 1 KiB in bash): a wrong server must not fill the disk.
        ulimit -f 131072 2>/dev/null
        trap '' XFSZ
        # These requests stay on this host.
        if [ "$protocol" = http ]; then unset http_proxy HTTP_PROXY all_proxy ALL_PROXY; fi
        name=$1
        set --
        if [ -n "$limit" ]; then set -- timeout "$limit"; fi
        case $protocol:${downloader:-} in
            :*) exec "$@" cat "$from/$name" >"$name" ;;
            # Only requests to https may be redirected, and only to https.
            https:curl) set -- "$@" curl --location --proto =https --retry 2 ;;
            http:curl) set -- "$@" curl --proto =http ;;
            *:wget) exec "$@" wget -O "$name" "$from/$name" ;;
            *:gnu_wget) exec "$@" wget --tries=3 --timeout=60 -O "$name" "$from/$name" ;;
        esac
        exec "$@" -fsS --globoff --connect-timeout 20 --speed-time 60 --speed-limit 1000 -o "$name" "$from/$name"
    ) &
    child=$!
    # Some shells say that it was ended by a signal.
    wait "$child" 2>/dev/null
    status=$?
    child=''
    [ "$status" != 0 ] || return 0
    case $status:$limit in 124:600 | 143:600) fail "cannot get $from/$1: it takes more than 10 minutes" ;; esac
    messages=$(cat messages)
    # If the disk is full, the file has no text, and writing to it has the error.
    [ -n "$messages" ] || messages=$({ head -c 4096 /dev/zero >messages; } 2>&1)
    case $messages in
        *'No space'* | *'too large'* | *[Ww]rit*) fail "cannot get $from/$1: $(cause)" ;;
    esac
    fail "cannot get $from/$1: $(cause)" "${2:-check the address, and https_proxy if you need a proxy}"
}

# The archive may be read only after its sum was compared with the signed one.
verify() {
    printf '%s\n' "$key" >key.pem || fail "cannot write to $work"
    openssl pkey -pubin -in key.pem -noout >/dev/null 2>&1 ||
        fail "the key is not a public key in PEM format: ${key_file:-in this script}" 'use the file xassume.pub of the release'
    download SHA256SUMS
    case $(head -c 512 SHA256SUMS | tr -d '\0') in
        [0-9a-f][0-9a-f][0-9a-f][0-9a-f]*' '*) ;;
        *) fail "$from/SHA256SUMS is not a list of SHA-256 sums" 'check the address: the server may show a page for people' ;;
    esac
    download SHA256SUMS.sig 'a release without a signature cannot be installed with this script'
    openssl dgst -sha256 -verify key.pem -signature SHA256SUMS.sig SHA256SUMS >/dev/null 2>&1 ||
        fail "the signature of $from/SHA256SUMS is not valid for the key" \
            'do not use this release, unless you know that it was signed with another key: then use --key FILE'
    find_archive
    download "$archive"
    found=$(openssl dgst -sha256 -r <"$archive") || fail "cannot read $work/$archive"
    [ "${found%% *}" = "$sum" ] ||
        fail "$from/$archive does not have the signed sum" 'the download may be incomplete: try again'
}

# Finds the archive for this processor in the signed list, and its version if none was requested.
find_archive() {
    archive='' sum='' release='' others=''
    while read -r field name || [ -n "$field" ]; do
        name=${name#'*'}
        case $name in xassume-*"-$target.tar.gz") ;; *) continue ;; esac
        found=${name#xassume-}
        found=${found%"-$target.tar.gz"}
        if [ -z "$version" ] || [ "$found" = "$version" ]; then
            [ "$found" = "${release:-$found}" ] || fail "$from/SHA256SUMS lists several versions" 'use --version V'
            archive=$name sum=$field release=$found
        else
            others="$others $found"
        fi
    done <SHA256SUMS
    [ -n "$archive" ] ||
        fail "$from has no xassume ${version:+$version }for $machine${others:+, but version$others}" 'check --version and --from'
    check_version "$release"
}

# The version becomes part of file names and addresses.
check_version() {
    case $1 in
        '' | [!0-9]* | *[!0-9A-Za-z.+-]* | *..*) fail "'$1' is not a version" 'a version looks like 0.1.0' ;;
    esac
}

# Reads a file of the archive to standard output, so that no name or link in the archive can lead to another place.
extract() {
    messages=$({ tar -xzOf - "xassume-$release-$target/$1" <"$archive" >"${1##*/}"; } 2>&1) &&
        [ -s "${1##*/}" ] || fail "cannot extract $1 from $archive: $(cause)"
}

# make_directory PATH: as mkdir -p. If the installation fails, `clean` removes the directory.
make_directory() {
    [ ! -d "${1:-/}" ] || return 0
    make_directory "${1%/*}"
    if messages=$(mkdir -- "$1" 2>&1); then
        created="$1
$created"
    else
        # Another installation may have created it.
        [ -d "$1" ] || fail "cannot create $1: $(cause)" 'use --prefix with a directory that you can write to'
    fi
}

# In the directory of the program, so that replacing it is one step, and no other user can change the files.
make_work_directory() {
    make_directory "$prefix/bin"
    found=$(mktemp -d "$prefix/bin/.xassume-install.XXXXXX" 2>&1) ||
        fail "cannot write to $prefix/bin: $found" 'use --prefix with a directory that you can write to'
    work=$found
    # shellcheck disable=SC3067 # each shell has -O
    cd "$work" && [ -O . ] || fail "another user has changed $prefix/bin"
}

# Finds what can fail before the first file is replaced.
stage() {
    [ ! -d "$prefix/$2" ] || fail "$prefix/$2 is a directory" 'remove it, or use another --prefix'
    make_directory "$prefix/${2%/*}"
    [ -w "$prefix/${2%/*}" ] || fail "cannot write to $prefix/${2%/*}" 'use --prefix with a directory that you can write to'
    chmod "$3" "${1##*/}" || fail "cannot change the mode of $work/${1##*/}"
}

# A running xassume keeps its old file.
replace() {
    messages=$(mv -f -- "${1##*/}" "$prefix/$2" 2>&1) || fail "cannot replace $prefix/$2: $(cause)" 'run this script again'
}

remove() {
    [ -e "$prefix/$2" ] || [ -L "$prefix/$2" ] || return 0
    if messages=$(rm -f -- "$prefix/$2" 2>&1); then
        say "removed $prefix/$2"
        removed=1
    else
        remaining="$prefix/$2: $(cause)"
    fi
}

uninstall() {
    removed='' remaining=''
    each_file remove
    [ -z "$remaining" ] || fail "cannot remove $remaining"
    [ -n "$removed" ] || fail "xassume is not installed below ${prefix:-/}" 'use --prefix DIR'
}

# Shows where the program is and whether the shell finds it.
report() {
    say "installed xassume $release: $prefix/bin/xassume"
    case :${PATH:-}: in
        *:"$prefix/bin":*)
            found=$(command -v xassume) || found=
            [ "$found" = "$prefix/bin/xassume" ] || say "PATH has another xassume first: $found"
            ;;
        *) say "PATH does not contain it. Add this line to the startup file of your shell: export PATH=\"$prefix/bin:\$PATH\"" ;;
    esac
}

clean() {
    if [ -n "$child" ]; then kill "$child"; wait "$child"; fi 2>/dev/null
    if [ -n "$work" ]; then rm -rf -- "$work"; fi
    # Those that are not empty remain.
    printf '%s' "$created" | while IFS= read -r directory; do rmdir -- "$directory" 2>/dev/null; done
}

# In mksh, the status of a trap for EXIT after a signal would be 0.
stop() {
    trap - EXIT
    clean
    exit "$1"
}

main() {
    set -u
    umask 022
    # Messages of programs in English; no options for tar, gzip and openssl from the environment.
    LC_ALL=C
    export LC_ALL
    unset TAR_OPTIONS GZIP OPENSSL_CONF CDPATH
    prefix='' from=$address key_file='' action=install limit='' child='' work='' created=''
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix=* | --version=* | --from=* | --key=*)
                name=${1%%=*} value=${1#*=}
                shift
                ;;
            --prefix | --version | --from | --key)
                [ $# -ge 2 ] || fail "$1 needs a value" 'sh install.sh --help shows the options'
                name=$1 value=$2
                shift 2
                ;;
            --uninstall)
                action=uninstall
                shift
                continue
                ;;
            --help | -h)
                usage
                exit
                ;;
            *) fail "unknown option '$1'" 'sh install.sh --help shows the options' ;;
        esac
        [ -n "$value" ] || fail "$name is empty" 'if the value is a shell variable, is it set?'
        case $name in
            --prefix) prefix=$value ;;
            --version)
                version=${value#v}
                check_version "$version"
                ;;
            --from) from=$value ;;
            --key) key_file=$value ;;
        esac
    done
    find_prefix
    if [ "$action" = uninstall ]; then
        uninstall
        exit
    fi
    find_target
    check_address
    if [ -n "$key_file" ]; then
        [ -f "$key_file" ] || fail "cannot read the key: '$key_file' is not a file"
        key=$(head -c 65536 -- "$key_file" 2>&1) || fail "cannot read the key: $key"
    fi
    [ -n "$key" ] || fail 'this script does not contain the key of a release' 'use --key FILE with its xassume.pub'
    find_programs
    trap clean EXIT
    trap 'stop 129' HUP
    trap 'stop 130' INT
    trap 'stop 131' QUIT
    trap 'stop 141' PIPE
    trap 'stop 143' TERM
    make_work_directory
    verify
    say "verified $archive"
    each_file extract
    each_file stage
    found=$(./xassume -V 2>&1) && [ "$found" = "xassume $release" ] ||
        fail "xassume $release does not run on this system: $found"
    trap '' HUP INT QUIT PIPE TERM
    each_file replace
    # The installation is complete, even if the report cannot be written.
    report || :
}

{ main "$@"; }

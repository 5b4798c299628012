# bash completion for xassume                              -*- shell-script -*-
#
# Generated from the table of flags. With the package bash-completion, the command after the flags has the completions
# of that package; without it, those of the shell.

# `words` has the words as xassume will see them, the last one up to the cursor. Bash also splits words at = and :. For
# each word, `first` has the number of the bash word with which it begins, and `begin` its position in the line.
_xassume_words()
{
    local line=${COMP_LINE:0:COMP_POINT} blank piece i
    words=() first=() begin=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blank=${line%%[![:space:]]*}
        line=${line#"$blank"}
        if [[ $i == 0 || -n $blank ]]; then
            words+=("")
            first+=("$i")
            begin+=("$((COMP_POINT - ${#line}))")
        fi
        piece=${COMP_WORDS[i]}
        # The cursor may be inside the last word.
        [[ $line == "$piece"* ]] || piece=$line
        line=${line#"$piece"}
        words[-1]+=$piece
    done
}

# Offers the lines of standard input that begin with the typed part of a value. `$1` is the text before the value.
_xassume_offer()
{
    local before=$1 value=${cur#"$1"} breaks=${COMP_WORDBREAKS//[!:=]/}
    local replaced='' quoted='' line word
    case $value in
        [\'\"]*)
            # Inside quotes, readline replaces everything after the quote and closes the quote.
            quoted=${value:0:1} value=${value:1} before=''
            ;;
        *)
            # Otherwise it replaces the text after the last of its word breaks.
            [[ -z $breaks ]] || replaced=${cur%"${cur##*["$breaks"]}"}
            ;;
    esac
    while IFS= read -r line; do
        word=$line
        # What the shell would change or run inside the quotes is not offered.
        case $quoted:$line in
            \':*\'* | \":*[\"\\\$\`!]*)
                continue
                ;;
        esac
        if [[ -z $quoted && $line == *[!A-Za-z0-9_.,:=+@%/-]* ]]; then
            printf -v word %q "$line"
        fi
        if [[ $line == "$value"* || $word == "$value"* ]]; then
            word=$before$word
            COMPREPLY+=("${word#"$replaced"}")
        fi
    done
}

# Completes the command, which begins at the word `$1`, as if the line began with it.
_xassume_command()
{
    local offset=${first[$1]} spec function
    COMP_LINE=${COMP_LINE:begin[$1]}
    COMP_POINT=$((COMP_POINT - begin[$1]))
    COMP_WORDS=("${COMP_WORDS[@]:offset}")
    COMP_CWORD=$((COMP_CWORD - offset))
    for function in _comp_command_offset _command_offset; do
        if declare -F "$function" >/dev/null; then
            "$function" 0
            return
        fi
    done
    if ((COMP_CWORD == 0)); then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -c -- "$cur" | sort -u)
        return
    fi
    # A command without a completion is completed with the default of bash.
    spec=$(complete -p -- "${COMP_WORDS[0]}" 2>/dev/null) || return 0
    if [[ $spec =~ ' -F '([^ ]+) ]]; then
        function=${BASH_REMATCH[1]}
        "$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        while [[ $spec == *' -o '* ]]; do
            spec=${spec#*' -o '}
            compopt -o "${spec%% *}" 2>/dev/null
        done
    else
        spec=${spec#complete}
        mapfile -t COMPREPLY < <(eval "compgen ${spec% *} -- \"\$cur\"" 2>/dev/null)
    fi
}

# Completes the value of the flag `$1`. `$2` is the text before the value in the word at the cursor.
_xassume_value()
{
    # Without candidates bash would offer file names, but few values are file names.
    compopt +o default +o bashdefault 2>/dev/null
    case $1 in
        --role-arn)
            _xassume_offer "$2" < <("$program" --list roles 2>/dev/null)
            ;;
        --profile)
            _xassume_offer "$2" < <("$program" --list profiles 2>/dev/null)
            ;;
        --web-identity-token-file)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --web-identity-provider)
            _xassume_offer "$2" <<<$'github'
            ;;
        --also)
            _xassume_offer "$2" < <("$program" --list profiles 2>/dev/null)
            ;;
        --ca-bundle)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --cache-dir)
            compopt -o dirnames 2>/dev/null
            ;;
        --on-expiry)
            _xassume_offer "$2" <<<$'none\nrestart\nsignal'
            ;;
        --signal)
            _xassume_offer "$2" < <("$program" --list signals 2>/dev/null)
            ;;
        --signal-pid-file)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --stop-signal)
            _xassume_offer "$2" < <("$program" --list signals 2>/dev/null)
            ;;
        --on-refresh-failure)
            _xassume_offer "$2" <<<$'keep\nstop'
            ;;
        --process-group)
            _xassume_offer "$2" <<<$'auto\nsame\nnew'
            ;;
        --restart-order)
            _xassume_offer "$2" <<<$'stop-first\nstart-first'
            ;;
        --via)
            _xassume_offer "$2" <<<$'env\nfile\nendpoint\nprocess'
            ;;
        --credentials-file)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --endpoint-token-file)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --env-file)
            compopt -o default -o bashdefault 2>/dev/null
            ;;
        --keep-env)
            _xassume_offer "$2" < <(compgen -e)
            ;;
        --print)
            _xassume_offer "$2" <<<$'env\nexport\nfish\npowershell\ndotenv\njson\ncredential-process'
            ;;
        --completions)
            _xassume_offer "$2" <<<$'bash\nzsh\nfish\nelvish\npowershell'
            ;;
        --log-format)
            _xassume_offer "$2" <<<$'text\njson'
            ;;
    esac
}

_xassume()
{
    local flags='--role-arn --profile --role-session-name --external-id --duration --policy --policy-arn --tag --transitive-tag --source-identity --web-identity-token-file --web-identity-token-command --web-identity-provider --web-identity-audience --also --expect-account --no-login --mfa-serial --mfa-token --mfa-command --mfa-session-duration --region --sts-endpoint --ca-bundle --sts-timeout --no-cache --cache-dir --min-ttl --force-refresh --on-expiry --signal --signal-pid-file --refresh-margin --stop-signal --stop-timeout --on-refresh-failure --process-group --listen --restart-order --ready --ready-timeout --refresh-hook --refresh-hook-timeout --via --credentials-file --file-mode --endpoint-address --endpoint-token-file --env-file --keep-env --isolate --serve --print --check --list-sessions --clear-cache --completions --log-format --verbose --quiet --help --version'
    local valued=' --role-arn --profile --role-session-name --external-id --duration --policy --policy-arn --tag --transitive-tag --source-identity --web-identity-token-file --web-identity-token-command --web-identity-provider --web-identity-audience --also --expect-account --mfa-serial --mfa-token --mfa-command --mfa-session-duration --region --sts-endpoint --ca-bundle --sts-timeout --cache-dir --min-ttl --on-expiry --signal --signal-pid-file --refresh-margin --stop-signal --stop-timeout --on-refresh-failure --process-group --listen --restart-order --ready --ready-timeout --refresh-hook --refresh-hook-timeout --via --credentials-file --file-mode --endpoint-address --endpoint-token-file --env-file --keep-env --print --completions --log-format '
    local repeatable=' --role-arn --policy-arn --tag --transitive-tag --also --expect-account --listen --keep-env --verbose '
    local -A long=([r]=--role-arn [p]=--profile [v]=--verbose [q]=--quiet [h]=--help [V]=--version)
    local words first begin cur word flag letters given=' '
    # Run xassume as it was typed: it may not be in PATH.
    local program=${1/#\~\//$HOME/}
    COMPREPLY=()
    _xassume_words
    local at=1 last=$((${#words[@]} - 1))
    cur=${words[last]}

    # Loop over the flags and their values, up to the cursor or to the command.
    while ((at < last)); do
        word=${words[at]}
        flag=
        case $word in
            --)
                _xassume_command "$((at + 1))"
                return
                ;;
            --*=*)
                given+="${word%%=*} "
                ;;
            --*)
                flag=$word
                ;;
            -?*)
                # Letters. One that takes a value is the last.
                for ((letters = 1; letters < ${#word}; letters++)); do
                    flag=${long[${word:letters:1}]-}
                    given+="$flag "
                    if [[ $valued == *" $flag "* ]]; then
                        # The rest of the word is the value.
                        ((letters + 1 == ${#word})) || flag=
                        break
                    fi
                done
                ;;
            *)
                _xassume_command "$at"
                return
                ;;
        esac
        given+="$flag "
        ((at += 1))
        if [[ -n $flag && $valued == *" $flag "* ]]; then
            if ((at == last)); then
                _xassume_value "$flag" ""
                return
            fi
            ((at += 1))
        fi
    done

    case $cur in
        --*=*)
            _xassume_value "${cur%%=*}" "${cur%%=*}="
            ;;
        -*)
            for flag in $flags; do
                if [[ $flag == "$cur"* ]] && [[ $given != *" $flag "* || $repeatable == *" $flag "* ]]; then
                    COMPREPLY+=("$flag")
                fi
            done
            ;;
        *)
            _xassume_command "$last"
            ;;
    esac
}

complete -o bashdefault -o default -F _xassume xassume

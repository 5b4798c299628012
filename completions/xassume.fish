# fish completion for xassume. Generated from the table of flags.

# Prints the command after the flags, up to the cursor; fails while there are only flags.
function __fish_xassume_command
    set -l words (commandline -opc) (commandline -ct)
    set -l flags r/role-arn= p/profile= role-session-name= external-id= duration= policy= policy-arn= tag= transitive-tag= source-identity= web-identity-token-file= web-identity-token-command= web-identity-provider= web-identity-audience= also= expect-account= no-login mfa-serial= mfa-token= mfa-command= mfa-session-duration= region= sts-endpoint= ca-bundle= sts-timeout= no-cache cache-dir= min-ttl= force-refresh on-expiry= signal= signal-pid-file= refresh-margin= stop-signal= stop-timeout= on-refresh-failure= process-group= listen= restart-order= ready= ready-timeout= refresh-hook= refresh-hook-timeout= via= credentials-file= file-mode= endpoint-address= endpoint-token-file= env-file= keep-env= isolate serve print= check list-sessions clear-cache completions= log-format= v/verbose q/quiet h/help V/version
    argparse -s $flags -- $words[2..-1] 2>/dev/null
    and set -q argv[1]
    and not string match -q -- '-*' $argv[1]
    or return 1
    string join0 -- $argv
    return 0
end

# Whether a flag can be offered here: neither its name nor its letter was given before.
function __fish_xassume_wants
    __fish_xassume_command >/dev/null
    and return 1
    set -l words (commandline -opc)
    set -e words[1]
    # If no flag is being typed, the word before the cursor may be this flag, and its value is completed.
    string match -q -- '-*' (commandline -ct)
    or set -e words[-1]
    string match -qr -- "^--$argv[1](=|\$)" $words
    and return 1
    set -q argv[2]
    and string match -qr -- "^-[a-zA-Z]*$argv[2]" $words
    and return 1
    return 0
end

# Prints what the program lists: profiles with their roles, roles or signals.
function __fish_xassume_list
    # Run xassume as it was typed: it may not be in PATH.
    set -l words (string replace -r '^~/' "$HOME/" -- (commandline -opc))
    $words[1] --list $argv[1] 2>/dev/null
end

function __fish_xassume_subcommand
    set -l words (__fish_xassume_command | string split0)
    test (count $words) -gt 0
    and __fish_complete_subcommand --commandline $words
end

complete -c xassume -n 'not __fish_xassume_command >/dev/null' -s r -l role-arn -x -a '(__fish_xassume_list roles)' -d 'Role to assume; repeat it for a chain'
complete -c xassume -n '__fish_xassume_wants profile p' -s p -l profile -x -a '(__fish_xassume_list described-profiles)' -d 'AWS profile to use'
complete -c xassume -n '__fish_xassume_wants role-session-name' -l role-session-name -x -d 'Session name, shown in CloudTrail'
complete -c xassume -n '__fish_xassume_wants external-id' -l external-id -x -d 'External ID required by the trust policy of the (last) role'
complete -c xassume -n '__fish_xassume_wants duration' -l duration -x -d 'Session lifetime: 15m to 12h, or `max` [default: 1h]'
complete -c xassume -n '__fish_xassume_wants policy' -l policy -x -d 'Session policy that restricts the session'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l policy-arn -x -d 'Managed policy that restricts the session; repeatable, up to 10'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l tag -x -d 'Session tag; repeatable, up to 50'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l transitive-tag -x -d 'Key of a tag to pass on to later roles of a chain; repeatable'
complete -c xassume -n '__fish_xassume_wants source-identity' -l source-identity -x -d 'Source identity; persists through role chaining'
complete -c xassume -n '__fish_xassume_wants web-identity-token-file' -l web-identity-token-file -r -F -d 'File with the OIDC token for the first role'
complete -c xassume -n '__fish_xassume_wants web-identity-token-command' -l web-identity-token-command -x -d 'Shell command that prints an OIDC token for the first role'
complete -c xassume -n '__fish_xassume_wants web-identity-provider' -l web-identity-provider -x -a 'github' -d 'Provider of an OIDC token for the first role'
complete -c xassume -n '__fish_xassume_wants web-identity-audience' -l web-identity-audience -x -d 'Audience of the token from --web-identity-provider [default: sts.amazonaws.com]'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l also -x -a '(__fish_xassume_list described-profiles)' -d 'Give the command the session of another role as profile NAME; repeatable'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l expect-account -x -d 'Fail if the session is not in this account'
complete -c xassume -n '__fish_xassume_wants no-login' -l no-login -d 'Do not offer to sign in to IAM Identity Center'
complete -c xassume -n '__fish_xassume_wants mfa-serial' -l mfa-serial -x -d 'ARN or serial number of the MFA device'
complete -c xassume -n '__fish_xassume_wants mfa-token' -l mfa-token -x -d 'MFA code, or `-` to read it from stdin'
complete -c xassume -n '__fish_xassume_wants mfa-command' -l mfa-command -x -d 'Shell command that prints an MFA code'
complete -c xassume -n '__fish_xassume_wants mfa-session-duration' -l mfa-session-duration -x -d 'Lifetime of the MFA session: 15m to 36h [default: 12h]'
complete -c xassume -n '__fish_xassume_wants region' -l region -x -d 'AWS Region, for STS and the command'
complete -c xassume -n '__fish_xassume_wants sts-endpoint' -l sts-endpoint -x -d 'Custom STS endpoint'
complete -c xassume -n '__fish_xassume_wants ca-bundle' -l ca-bundle -r -F -d 'File of additional CA certificates, in PEM form'
complete -c xassume -n '__fish_xassume_wants sts-timeout' -l sts-timeout -x -d 'Time limit for getting credentials [default: 30s]'
complete -c xassume -n '__fish_xassume_wants no-cache' -l no-cache -d 'Do not use the session cache'
complete -c xassume -n '__fish_xassume_wants cache-dir' -l cache-dir -x -a '(__fish_complete_directories (commandline -ct))' -d 'Cache directory, yours alone (mode 700); created if missing'
complete -c xassume -n '__fish_xassume_wants min-ttl' -l min-ttl -x -d 'Minimum remaining lifetime of a cached session'
complete -c xassume -n '__fish_xassume_wants force-refresh' -l force-refresh -d 'Ignore the cached session, get a new one and cache it'
complete -c xassume -n '__fish_xassume_wants on-expiry' -l on-expiry -x -a 'none restart signal' -d 'What to do before the session expires [default: none]'
complete -c xassume -n '__fish_xassume_wants signal' -l signal -x -a '(__fish_xassume_list signals)' -d 'Signal to send with --on-expiry signal [default: HUP]'
complete -c xassume -n '__fish_xassume_wants signal-pid-file' -l signal-pid-file -r -F -d 'Send --signal to the process that this file names, not to the command'
complete -c xassume -n '__fish_xassume_wants refresh-margin' -l refresh-margin -x -d 'Refresh this long before the expiry'
complete -c xassume -n '__fish_xassume_wants stop-signal' -l stop-signal -x -a '(__fish_xassume_list signals)' -d 'Signal that stops the command for a restart [default: TERM]'
complete -c xassume -n '__fish_xassume_wants stop-timeout' -l stop-timeout -x -d 'Kill the command if it has not stopped after this time [default: 10s]'
complete -c xassume -n '__fish_xassume_wants on-refresh-failure' -l on-refresh-failure -x -a 'keep stop' -d 'What to do when the session expires and cannot be refreshed [default: keep]'
complete -c xassume -n '__fish_xassume_wants process-group' -l process-group -x -a 'auto same new' -d 'Process group of a supervised command [default: auto]'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l listen -x -d 'Listen on this address and pass the socket to the command; repeatable'
complete -c xassume -n '__fish_xassume_wants restart-order' -l restart-order -x -a 'stop-first start-first' -d 'Order of a restart with --on-expiry restart [default: stop-first]'
complete -c xassume -n '__fish_xassume_wants ready' -l ready -x -d 'How a new process shows that it is ready [default: 5s]'
complete -c xassume -n '__fish_xassume_wants ready-timeout' -l ready-timeout -x -d 'Stop a new process that is not ready after this time [default: 60s]'
complete -c xassume -n '__fish_xassume_wants refresh-hook' -l refresh-hook -x -d 'Shell command to run after each new session, the first included'
complete -c xassume -n '__fish_xassume_wants refresh-hook-timeout' -l refresh-hook-timeout -x -d 'Stop the refresh hook if it runs for longer (TERM, a second later KILL) [default: 60s]'
complete -c xassume -n '__fish_xassume_wants via' -l via -x -a 'env file endpoint process' -d 'How to pass the credentials to the command [default: env]'
complete -c xassume -n '__fish_xassume_wants credentials-file' -l credentials-file -r -F -d 'Credentials file for --via file'
complete -c xassume -n '__fish_xassume_wants file-mode' -l file-mode -x -d 'Mode of the credentials file, for shared volumes [default: 0600]'
complete -c xassume -n '__fish_xassume_wants endpoint-address' -l endpoint-address -x -d 'Address of --via endpoint, for example 127.0.0.1:9911'
complete -c xassume -n '__fish_xassume_wants endpoint-token-file' -l endpoint-token-file -r -F -d 'File to write the token of --via endpoint to'
complete -c xassume -n '__fish_xassume_wants env-file' -l env-file -r -F -d 'File to write the variables for other programs to'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -l keep-env -x -a '(set -nx)' -d 'Do not remove this variable from the command'\''s environment; repeatable'
complete -c xassume -n '__fish_xassume_wants isolate' -l isolate -d 'Hide the credentials in ~/.aws from the command'
complete -c xassume -n '__fish_xassume_wants serve' -l serve -d 'Keep credentials fresh for other programs, without a command'
complete -c xassume -n '__fish_xassume_wants print' -l print -x -a 'env export fish powershell dotenv json credential-process' -d 'Print credentials instead of running a command'
complete -c xassume -n '__fish_xassume_wants check' -l check -d 'Diagnose the setup without running a command'
complete -c xassume -n '__fish_xassume_wants list-sessions' -l list-sessions -d 'List this user'\''s cached sessions'
complete -c xassume -n '__fish_xassume_wants clear-cache' -l clear-cache -d 'Remove this user'\''s cached sessions'
complete -c xassume -n '__fish_xassume_wants completions' -l completions -x -a 'bash zsh fish elvish powershell' -d 'Print the completion script of a shell'
complete -c xassume -n '__fish_xassume_wants log-format' -l log-format -x -a 'text json' -d 'Log format [default: text]'
complete -c xassume -n 'not __fish_xassume_command >/dev/null' -s v -l verbose -d 'Verbose output; repeat for more'
complete -c xassume -n '__fish_xassume_wants quiet q' -s q -l quiet -d 'Only print errors'
complete -c xassume -n '__fish_xassume_wants help h' -s h -l help -d 'Print help'
complete -c xassume -n '__fish_xassume_wants version V' -s V -l version -d 'Print version'
complete -c xassume -x -a '(__fish_xassume_subcommand)'

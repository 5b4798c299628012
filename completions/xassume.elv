
use builtin;
use str;

set edit:completion:arg-completer[xassume] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'xassume'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'xassume'= {
            cand -r 'Role to assume; repeat it for a chain'
            cand --role-arn 'Role to assume; repeat it for a chain'
            cand -p 'AWS profile to use'
            cand --profile 'AWS profile to use'
            cand --role-session-name 'Session name, shown in CloudTrail'
            cand --external-id 'External ID required by the trust policy of the (last) role'
            cand --duration 'Session lifetime: 15m to 12h, or `max`'
            cand --policy 'Session policy that restricts the session'
            cand --policy-arn 'Managed policy that restricts the session; repeatable, up to 10'
            cand --tag 'Session tag; repeatable, up to 50'
            cand --transitive-tag 'Key of a tag to pass on to later roles of a chain; repeatable'
            cand --source-identity 'Source identity; persists through role chaining'
            cand --web-identity-token-file 'File with the OIDC token for the first role'
            cand --web-identity-token-command 'Shell command that prints an OIDC token for the first role'
            cand --web-identity-provider 'Provider of an OIDC token for the first role'
            cand --web-identity-audience 'Audience of the token from --web-identity-provider'
            cand --also 'Give the command the session of another role as profile NAME; repeatable'
            cand --expect-account 'Fail if the session is not in this account'
            cand --mfa-serial 'ARN or serial number of the MFA device'
            cand --mfa-token 'MFA code, or `-` to read it from stdin'
            cand --mfa-command 'Shell command that prints an MFA code'
            cand --mfa-session-duration 'Lifetime of the MFA session: 15m to 36h'
            cand --region 'AWS Region, for STS and the command'
            cand --sts-endpoint 'Custom STS endpoint'
            cand --ca-bundle 'File of additional CA certificates, in PEM form'
            cand --sts-timeout 'Time limit for getting credentials'
            cand --cache-dir 'Cache directory, yours alone (mode 700); created if missing'
            cand --min-ttl 'Minimum remaining lifetime of a cached session'
            cand --on-expiry 'What to do before the session expires'
            cand --signal 'Signal to send with --on-expiry signal'
            cand --signal-pid-file 'Send --signal to the process that this file names, not to the command'
            cand --refresh-margin 'Refresh this long before the expiry'
            cand --stop-signal 'Signal that stops the command for a restart'
            cand --stop-timeout 'Kill the command if it has not stopped after this time'
            cand --on-refresh-failure 'What to do when the session expires and cannot be refreshed'
            cand --process-group 'Process group of a supervised command'
            cand --listen 'Listen on this address and pass the socket to the command; repeatable'
            cand --restart-order 'Order of a restart with --on-expiry restart'
            cand --ready 'How a new process shows that it is ready'
            cand --ready-timeout 'Stop a new process that is not ready after this time'
            cand --refresh-hook 'Shell command to run after each new session, the first included'
            cand --refresh-hook-timeout 'Stop the refresh hook if it runs for longer (TERM, a second later KILL)'
            cand --via 'How to pass the credentials to the command'
            cand --credentials-file 'Credentials file for --via file'
            cand --file-mode 'Mode of the credentials file, for shared volumes'
            cand --endpoint-address 'Address of --via endpoint, for example 127.0.0.1:9911'
            cand --endpoint-token-file 'File to write the token of --via endpoint to'
            cand --env-file 'File to write the variables for other programs to'
            cand --keep-env 'Do not remove this variable from the command''s environment; repeatable'
            cand --print 'Print credentials instead of running a command'
            cand --completions 'Print the completion script of a shell'
            cand --log-format 'Log format'
            cand --no-login 'Do not offer to sign in to IAM Identity Center'
            cand --no-cache 'Do not use the session cache'
            cand --force-refresh 'Ignore the cached session, get a new one and cache it'
            cand --isolate 'Hide the credentials in ~/.aws from the command'
            cand --serve 'Keep credentials fresh for other programs, without a command'
            cand --check 'Diagnose the setup without running a command'
            cand --list-sessions 'List this user''s cached sessions'
            cand --clear-cache 'Remove this user''s cached sessions'
            cand -v 'Verbose output; repeat for more'
            cand --verbose 'Verbose output; repeat for more'
            cand -q 'Only print errors'
            cand --quiet 'Only print errors'
            cand -h 'Print help; --help explains every option'
            cand --help 'Print help; --help explains every option'
            cand -V 'Print version; --version also prints the build'
            cand --version 'Print version; --version also prints the build'
        }
    ]
    $completions[$command]
}


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
            cand -p 'Profile of ~/.aws/config that holds the role, or the source credentials'
            cand --profile 'Profile of ~/.aws/config that holds the role, or the source credentials'
            cand --role-session-name 'Session name, as CloudTrail will show it'
            cand --external-id 'External id that the (last) role''s trust policy asks for'
            cand --duration 'Lifetime to ask for: 15m to 12h, or `max`'
            cand --policy 'Session policy, which narrows what the session may do'
            cand --policy-arn 'Managed policy that narrows the session; repeatable, at most 10'
            cand --tag 'Session tag; repeatable, at most 50'
            cand --transitive-tag 'Tag key that later sessions of a chain inherit; repeatable'
            cand --source-identity 'Source identity, kept by STS through the whole chain'
            cand --web-identity-token-file 'File with the OIDC token that assumes the first role'
            cand --expect-account 'Fail unless the session is in this account, before the command starts'
            cand --mfa-serial 'MFA device, by ARN or serial number'
            cand --mfa-token 'Code that the device shows, or `-` to read it from stdin'
            cand --mfa-command 'Shell command that prints a code'
            cand --mfa-session-duration 'Lifetime of the session that a code buys: 15m to 36h [default: 12h]'
            cand --region 'Region of STS, also given to the command'
            cand --sts-endpoint 'Endpoint of STS, in place of the region''s own'
            cand --ca-bundle 'PEM file of further certificates to trust, as AWS_CA_BUNDLE'
            cand --sts-timeout 'Time limit for all calls to STS and their retries [default: 30s]'
            cand --cache-dir 'Folder for cached sessions, of this user''s alone; made when missing'
            cand --min-ttl 'Least time that a cached session must have left [default: three quarters of its lifetime]'
            cand --on-expiry 'What to do before the session expires [default: none]'
            cand --signal 'Signal of --on-expiry signal: HUP, SIGUSR1, 12, RTMIN+1 [default: HUP]'
            cand --refresh-margin 'How long before the expiry to refresh'
            cand --stop-signal 'Signal that asks the command to stop for a restart [default: TERM]'
            cand --stop-timeout 'Time it has to stop before it is killed [default: 10s]'
            cand --on-refresh-failure 'What to do when the session expires and cannot be refreshed [default: keep]'
            cand --process-group 'Process group of the command when xassume stays [default: auto]'
            cand --via 'How the command gets the session [default: env; file with --on-expiry signal]'
            cand --credentials-file 'Path of the file of --via file [default: a private folder]'
            cand --file-mode 'Mode of that file, for a volume that is shared [default: 0600]'
            cand --endpoint-token-file 'Path of a further file with the token of --via endpoint [default: a private one]'
            cand --keep-env 'Variable that would be removed from the command''s environment, but is kept; repeatable'
            cand --print 'Print a session in this format'
            cand --log-format 'Form of messages; json is one object a line [default: text]'
            cand --no-cache 'Neither use nor keep a cached session'
            cand --force-refresh 'Ask STS, even when a cached session would do, and keep the new session'
            cand --isolate 'Give the command a copy of ~/.aws/config without other identities'
            cand --check 'Walk the way to the session and say what is missing'
            cand --clear-cache 'Remove this user''s cached sessions'
            cand -v 'Say what is done, on stderr; twice for more'
            cand --verbose 'Say what is done, on stderr; twice for more'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}

complete -c xassume -s r -l role-arn -d 'Role to assume; repeat it for a chain' -r -f
complete -c xassume -s p -l profile -d 'Profile of ~/.aws/config that holds the role, or the source credentials' -r -f
complete -c xassume -l role-session-name -d 'Session name, as CloudTrail will show it' -r -f
complete -c xassume -l external-id -d 'External id that the (last) role\'s trust policy asks for' -r -f
complete -c xassume -l duration -d 'Lifetime to ask for: 15m to 12h, or `max`' -r -f
complete -c xassume -l policy -d 'Session policy, which narrows what the session may do' -r -f
complete -c xassume -l policy-arn -d 'Managed policy that narrows the session; repeatable, at most 10' -r -f
complete -c xassume -l tag -d 'Session tag; repeatable, at most 50' -r -f
complete -c xassume -l transitive-tag -d 'Tag key that later sessions of a chain inherit; repeatable' -r -f
complete -c xassume -l source-identity -d 'Source identity, kept by STS through the whole chain' -r -f
complete -c xassume -l web-identity-token-file -d 'File with the OIDC token that assumes the first role' -r -F
complete -c xassume -l expect-account -d 'Fail unless the session is in this account, before the command starts' -r -f
complete -c xassume -l mfa-serial -d 'MFA device, by ARN or serial number' -r -f
complete -c xassume -l mfa-token -d 'Code that the device shows, or `-` to read it from stdin' -r -f
complete -c xassume -l mfa-command -d 'Shell command that prints a code' -r -f
complete -c xassume -l mfa-session-duration -d 'Lifetime of the session that a code buys: 15m to 36h [default: 12h]' -r -f
complete -c xassume -l region -d 'Region of STS, also given to the command' -r -f
complete -c xassume -l sts-endpoint -d 'Endpoint of STS, in place of the region\'s own' -r -f
complete -c xassume -l ca-bundle -d 'PEM file of further certificates to trust, as AWS_CA_BUNDLE' -r -F
complete -c xassume -l sts-timeout -d 'Time limit for all calls to STS and their retries [default: 30s]' -r -f
complete -c xassume -l cache-dir -d 'Folder for cached sessions, of this user\'s alone; made when missing' -r -F
complete -c xassume -l min-ttl -d 'Least time that a cached session must have left [default: three quarters of its lifetime]' -r -f
complete -c xassume -l on-expiry -d 'What to do before the session expires [default: none]' -r -f
complete -c xassume -l signal -d 'Signal of --on-expiry signal: HUP, SIGUSR1, 12, RTMIN+1 [default: HUP]' -r -f
complete -c xassume -l refresh-margin -d 'How long before the expiry to refresh' -r -f
complete -c xassume -l stop-signal -d 'Signal that asks the command to stop for a restart [default: TERM]' -r -f
complete -c xassume -l stop-timeout -d 'Time it has to stop before it is killed [default: 10s]' -r -f
complete -c xassume -l on-refresh-failure -d 'What to do when the session expires and cannot be refreshed [default: keep]' -r -f
complete -c xassume -l process-group -d 'Process group of the command when xassume stays [default: auto]' -r -f
complete -c xassume -l via -d 'How the command gets the session [default: env; file with --on-expiry signal]' -r -f
complete -c xassume -l credentials-file -d 'Path of the file of --via file [default: a private folder]' -r -F
complete -c xassume -l file-mode -d 'Mode of that file, for a volume that is shared [default: 0600]' -r -f
complete -c xassume -l keep-env -d 'Variable that would be removed from the command\'s environment, but is kept; repeatable' -r -f
complete -c xassume -l print -d 'Print a session in this format' -r -f
complete -c xassume -l log-format -d 'Form of messages; json is one object a line [default: text]' -r -f
complete -c xassume -l no-cache -d 'Neither use nor keep a cached session'
complete -c xassume -l force-refresh -d 'Ask STS, even when a cached session would do, and keep the new session'
complete -c xassume -l isolate -d 'Give the command a copy of ~/.aws/config without other identities'
complete -c xassume -l check -d 'Walk the way to the session and say what is missing'
complete -c xassume -l clear-cache -d 'Remove this user\'s cached sessions'
complete -c xassume -s v -l verbose -d 'Say what is done, on stderr; twice for more'
complete -c xassume -s q -l quiet -d 'Say nothing but errors'
complete -c xassume -s h -l help -d 'Print help'
complete -c xassume -s V -l version -d 'Print version'

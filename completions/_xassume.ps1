
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'xassume' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'xassume'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'xassume' {
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Role to assume; repeat it for a chain')
            [CompletionResult]::new('--role-arn', '--role-arn', [CompletionResultType]::ParameterName, 'Role to assume; repeat it for a chain')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Profile of ~/.aws/config that holds the role, or the source credentials')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of ~/.aws/config that holds the role, or the source credentials')
            [CompletionResult]::new('--role-session-name', '--role-session-name', [CompletionResultType]::ParameterName, 'Session name, as CloudTrail will show it')
            [CompletionResult]::new('--external-id', '--external-id', [CompletionResultType]::ParameterName, 'External id that the (last) role''s trust policy asks for')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Lifetime to ask for: 15m to 12h, or `max`')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Session policy, which narrows what the session may do')
            [CompletionResult]::new('--policy-arn', '--policy-arn', [CompletionResultType]::ParameterName, 'Managed policy that narrows the session; repeatable, at most 10')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Session tag; repeatable, at most 50')
            [CompletionResult]::new('--transitive-tag', '--transitive-tag', [CompletionResultType]::ParameterName, 'Tag key that later sessions of a chain inherit; repeatable')
            [CompletionResult]::new('--source-identity', '--source-identity', [CompletionResultType]::ParameterName, 'Source identity, kept by STS through the whole chain')
            [CompletionResult]::new('--web-identity-token-file', '--web-identity-token-file', [CompletionResultType]::ParameterName, 'File with the OIDC token that assumes the first role')
            [CompletionResult]::new('--expect-account', '--expect-account', [CompletionResultType]::ParameterName, 'Fail unless the session is in this account, before the command starts')
            [CompletionResult]::new('--mfa-serial', '--mfa-serial', [CompletionResultType]::ParameterName, 'MFA device, by ARN or serial number')
            [CompletionResult]::new('--mfa-token', '--mfa-token', [CompletionResultType]::ParameterName, 'Code that the device shows, or `-` to read it from stdin')
            [CompletionResult]::new('--mfa-command', '--mfa-command', [CompletionResultType]::ParameterName, 'Shell command that prints a code')
            [CompletionResult]::new('--mfa-session-duration', '--mfa-session-duration', [CompletionResultType]::ParameterName, 'Lifetime of the session that a code buys: 15m to 36h [default: 12h]')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Region of STS, also given to the command')
            [CompletionResult]::new('--sts-endpoint', '--sts-endpoint', [CompletionResultType]::ParameterName, 'Endpoint of STS, in place of the region''s own')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'PEM file of further certificates to trust, as AWS_CA_BUNDLE')
            [CompletionResult]::new('--sts-timeout', '--sts-timeout', [CompletionResultType]::ParameterName, 'Time limit for all calls to STS and their retries [default: 30s]')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Folder for cached sessions, of this user''s alone; made when missing')
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Least time that a cached session must have left [default: three quarters of its lifetime]')
            [CompletionResult]::new('--on-expiry', '--on-expiry', [CompletionResultType]::ParameterName, 'What to do before the session expires [default: none]')
            [CompletionResult]::new('--signal', '--signal', [CompletionResultType]::ParameterName, 'Signal of --on-expiry signal: HUP, SIGUSR1, 12, RTMIN+1 [default: HUP]')
            [CompletionResult]::new('--refresh-margin', '--refresh-margin', [CompletionResultType]::ParameterName, 'How long before the expiry to refresh')
            [CompletionResult]::new('--stop-signal', '--stop-signal', [CompletionResultType]::ParameterName, 'Signal that asks the command to stop for a restart [default: TERM]')
            [CompletionResult]::new('--stop-timeout', '--stop-timeout', [CompletionResultType]::ParameterName, 'Time it has to stop before it is killed [default: 10s]')
            [CompletionResult]::new('--on-refresh-failure', '--on-refresh-failure', [CompletionResultType]::ParameterName, 'What to do when the session expires and cannot be refreshed [default: keep]')
            [CompletionResult]::new('--process-group', '--process-group', [CompletionResultType]::ParameterName, 'Process group of the command when xassume stays [default: auto]')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'How the command gets the session [default: env; file with --on-expiry signal]')
            [CompletionResult]::new('--credentials-file', '--credentials-file', [CompletionResultType]::ParameterName, 'Path of the file of --via file [default: a private folder]')
            [CompletionResult]::new('--file-mode', '--file-mode', [CompletionResultType]::ParameterName, 'Mode of that file, for a volume that is shared [default: 0600]')
            [CompletionResult]::new('--endpoint-token-file', '--endpoint-token-file', [CompletionResultType]::ParameterName, 'Path of a further file with the token of --via endpoint [default: a private one]')
            [CompletionResult]::new('--keep-env', '--keep-env', [CompletionResultType]::ParameterName, 'Variable that would be removed from the command''s environment, but is kept; repeatable')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print a session in this format')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Form of messages; json is one object a line [default: text]')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Neither use nor keep a cached session')
            [CompletionResult]::new('--force-refresh', '--force-refresh', [CompletionResultType]::ParameterName, 'Ask STS, even when a cached session would do, and keep the new session')
            [CompletionResult]::new('--isolate', '--isolate', [CompletionResultType]::ParameterName, 'Give the command a copy of ~/.aws/config without other identities')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Walk the way to the session and say what is missing')
            [CompletionResult]::new('--clear-cache', '--clear-cache', [CompletionResultType]::ParameterName, 'Remove this user''s cached sessions')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done, on stderr; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done, on stderr; twice for more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}

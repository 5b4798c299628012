
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
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'AWS profile to use')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'AWS profile to use')
            [CompletionResult]::new('--role-session-name', '--role-session-name', [CompletionResultType]::ParameterName, 'Session name, shown in CloudTrail')
            [CompletionResult]::new('--external-id', '--external-id', [CompletionResultType]::ParameterName, 'External ID required by the trust policy of the (last) role')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Session lifetime: 15m to 12h, or `max`')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Session policy that restricts the session')
            [CompletionResult]::new('--policy-arn', '--policy-arn', [CompletionResultType]::ParameterName, 'Managed policy that restricts the session; repeatable, up to 10')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'Session tag; repeatable, up to 50')
            [CompletionResult]::new('--transitive-tag', '--transitive-tag', [CompletionResultType]::ParameterName, 'Key of a tag to pass on to later roles of a chain; repeatable')
            [CompletionResult]::new('--source-identity', '--source-identity', [CompletionResultType]::ParameterName, 'Source identity; persists through role chaining')
            [CompletionResult]::new('--web-identity-token-file', '--web-identity-token-file', [CompletionResultType]::ParameterName, 'File with the OIDC token for the first role')
            [CompletionResult]::new('--web-identity-token-command', '--web-identity-token-command', [CompletionResultType]::ParameterName, 'Shell command that prints an OIDC token for the first role')
            [CompletionResult]::new('--web-identity-provider', '--web-identity-provider', [CompletionResultType]::ParameterName, 'Provider of an OIDC token for the first role')
            [CompletionResult]::new('--web-identity-audience', '--web-identity-audience', [CompletionResultType]::ParameterName, 'Audience of the token from --web-identity-provider')
            [CompletionResult]::new('--also', '--also', [CompletionResultType]::ParameterName, 'Give the command the session of another role as profile NAME; repeatable')
            [CompletionResult]::new('--expect-account', '--expect-account', [CompletionResultType]::ParameterName, 'Fail if the session is not in this account')
            [CompletionResult]::new('--mfa-serial', '--mfa-serial', [CompletionResultType]::ParameterName, 'ARN or serial number of the MFA device')
            [CompletionResult]::new('--mfa-token', '--mfa-token', [CompletionResultType]::ParameterName, 'MFA code, or `-` to read it from stdin')
            [CompletionResult]::new('--mfa-command', '--mfa-command', [CompletionResultType]::ParameterName, 'Shell command that prints an MFA code')
            [CompletionResult]::new('--mfa-session-duration', '--mfa-session-duration', [CompletionResultType]::ParameterName, 'Lifetime of the MFA session: 15m to 36h')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'AWS Region, for STS and the command')
            [CompletionResult]::new('--sts-endpoint', '--sts-endpoint', [CompletionResultType]::ParameterName, 'Custom STS endpoint')
            [CompletionResult]::new('--ca-bundle', '--ca-bundle', [CompletionResultType]::ParameterName, 'File of additional CA certificates, in PEM form')
            [CompletionResult]::new('--sts-timeout', '--sts-timeout', [CompletionResultType]::ParameterName, 'Time limit for getting credentials')
            [CompletionResult]::new('--cache-dir', '--cache-dir', [CompletionResultType]::ParameterName, 'Cache directory, yours alone (mode 700); created if missing')
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Minimum remaining lifetime of a cached session')
            [CompletionResult]::new('--on-expiry', '--on-expiry', [CompletionResultType]::ParameterName, 'What to do before the session expires')
            [CompletionResult]::new('--signal', '--signal', [CompletionResultType]::ParameterName, 'Signal to send with --on-expiry signal')
            [CompletionResult]::new('--signal-pid-file', '--signal-pid-file', [CompletionResultType]::ParameterName, 'Send --signal to the process that this file names, not to the command')
            [CompletionResult]::new('--refresh-margin', '--refresh-margin', [CompletionResultType]::ParameterName, 'Refresh this long before the expiry')
            [CompletionResult]::new('--stop-signal', '--stop-signal', [CompletionResultType]::ParameterName, 'Signal that stops the command for a restart')
            [CompletionResult]::new('--stop-timeout', '--stop-timeout', [CompletionResultType]::ParameterName, 'Kill the command if it has not stopped after this time')
            [CompletionResult]::new('--on-refresh-failure', '--on-refresh-failure', [CompletionResultType]::ParameterName, 'What to do when the session expires and cannot be refreshed')
            [CompletionResult]::new('--process-group', '--process-group', [CompletionResultType]::ParameterName, 'Process group of a supervised command')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Listen on this address and pass the socket to the command; repeatable')
            [CompletionResult]::new('--restart-order', '--restart-order', [CompletionResultType]::ParameterName, 'Order of a restart with --on-expiry restart')
            [CompletionResult]::new('--ready', '--ready', [CompletionResultType]::ParameterName, 'How a new process shows that it is ready')
            [CompletionResult]::new('--ready-timeout', '--ready-timeout', [CompletionResultType]::ParameterName, 'Stop a new process that is not ready after this time')
            [CompletionResult]::new('--refresh-hook', '--refresh-hook', [CompletionResultType]::ParameterName, 'Shell command to run after each new session, the first included')
            [CompletionResult]::new('--refresh-hook-timeout', '--refresh-hook-timeout', [CompletionResultType]::ParameterName, 'Stop the refresh hook if it runs for longer (TERM, a second later KILL)')
            [CompletionResult]::new('--via', '--via', [CompletionResultType]::ParameterName, 'How to pass the credentials to the command')
            [CompletionResult]::new('--credentials-file', '--credentials-file', [CompletionResultType]::ParameterName, 'Credentials file for --via file')
            [CompletionResult]::new('--file-mode', '--file-mode', [CompletionResultType]::ParameterName, 'Mode of the credentials file, for shared volumes')
            [CompletionResult]::new('--endpoint-address', '--endpoint-address', [CompletionResultType]::ParameterName, 'Address of --via endpoint, for example 127.0.0.1:9911')
            [CompletionResult]::new('--endpoint-token-file', '--endpoint-token-file', [CompletionResultType]::ParameterName, 'File to write the token of --via endpoint to')
            [CompletionResult]::new('--env-file', '--env-file', [CompletionResultType]::ParameterName, 'File to write the variables for other programs to')
            [CompletionResult]::new('--keep-env', '--keep-env', [CompletionResultType]::ParameterName, 'Do not remove this variable from the command''s environment; repeatable')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print credentials instead of running a command')
            [CompletionResult]::new('--completions', '--completions', [CompletionResultType]::ParameterName, 'Print the completion script of a shell')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Log format')
            [CompletionResult]::new('--no-login', '--no-login', [CompletionResultType]::ParameterName, 'Do not offer to sign in to IAM Identity Center')
            [CompletionResult]::new('--no-cache', '--no-cache', [CompletionResultType]::ParameterName, 'Do not use the session cache')
            [CompletionResult]::new('--force-refresh', '--force-refresh', [CompletionResultType]::ParameterName, 'Ignore the cached session, get a new one and cache it')
            [CompletionResult]::new('--isolate', '--isolate', [CompletionResultType]::ParameterName, 'Hide the credentials in ~/.aws from the command')
            [CompletionResult]::new('--serve', '--serve', [CompletionResultType]::ParameterName, 'Keep credentials fresh for other programs, without a command')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Diagnose the setup without running a command')
            [CompletionResult]::new('--list-sessions', '--list-sessions', [CompletionResultType]::ParameterName, 'List this user''s cached sessions')
            [CompletionResult]::new('--clear-cache', '--clear-cache', [CompletionResultType]::ParameterName, 'Remove this user''s cached sessions')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Verbose output; repeat for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Verbose output; repeat for more')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Only print errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Only print errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help; --help explains every option')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help; --help explains every option')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version; --version also prints the build')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version; --version also prints the build')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}

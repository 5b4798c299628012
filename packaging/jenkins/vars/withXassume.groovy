// withXassume(role: '521111111144:DeployMaster') { sh 'aws s3 ls' }. The help is in withXassume.txt.
//
// No secret reaches the controller, where Jenkins would store it with the build: the block's environment contains only
// the path of a credentials file on the agent, with a credential_process. The SDKs run it and call it again before the
// session expires.

def call(Map settings = [:], Closure body) {
    Map flags = [
        role: 'role-arn', profile: 'profile', region: 'region', duration: 'duration', expectAccount: 'expect-account',
        externalId: 'external-id', policy: 'policy', policyArn: 'policy-arn', roleSessionName: 'role-session-name',
        webIdentityTokenFile: 'web-identity-token-file', webIdentityTokenCommand: 'web-identity-token-command'
    ]
    // Flags, because they take precedence over all variables of the job. prepare.sh reads WITHXASSUME_FLAG_1 and so on.
    List variables = []
    List keys = new ArrayList(settings.keySet())
    for (int i = 0; i < keys.size(); i++) {
        if (!flags.containsKey(keys[i])) {
            error("withXassume: '${keys[i]}' is not a setting [settings: ${flags.keySet().join(', ')}]")
        }
        def value = settings[keys[i]]
        if (!value) {
            error("withXassume: ${keys[i]} is empty")
        }
        List values = value instanceof List ? value : [value]
        for (int j = 0; j < values.size(); j++) {
            variables.add("WITHXASSUME_FLAG_${variables.size() + 1}=--${flags[keys[i]]}=${values[j]}".toString())
        }
    }
    String directory = pwd(tmp: true) + '/xassume-' + UUID.randomUUID()
    String place = "WITHXASSUME_DIRECTORY=${directory}"
    List block = [
        "AWS_SHARED_CREDENTIALS_FILE=${directory}/credentials", "AWS_CONFIG_FILE=${directory}/config",
        'AWS_PROFILE=default', 'AWS_DEFAULT_PROFILE=default', 'AWS_SDK_LOAD_CONFIG=1',
        // Not set in the block. Otherwise SDKs would use the first two, and xassume the others.
        'AWS_WEB_IDENTITY_TOKEN_FILE=', 'AWS_ROLE_ARN=', 'XASSUME_ROLE_ARN=', 'XASSUME_PROFILE=',
        'XASSUME_WEB_IDENTITY_TOKEN_FILE=', 'XASSUME_WEB_IDENTITY_TOKEN_COMMAND=', 'XASSUME_WEB_IDENTITY_PROVIDER=',
        'XASSUME_POLICY=', 'XASSUME_POLICY_ARN='
    ]
    if (settings.region) {
        block.addAll(["AWS_REGION=${settings.region}".toString(), "AWS_DEFAULT_REGION=${settings.region}".toString()])
    }
    try {
        withEnv(variables + [place]) {
            sh(label: 'withXassume: prepare', script: libraryResource('xassume/prepare.sh'))
        }
        return withEnv(block) {
            sh(label: 'withXassume: get a session', script: libraryResource('xassume/check.sh'))
            body()
        }
    } finally {
        withEnv([place]) {
            sh(label: 'withXassume: clean up', returnStatus: true, script: '#!/bin/sh\nrm -rf -- "$WITHXASSUME_DIRECTORY"')
        }
    }
}

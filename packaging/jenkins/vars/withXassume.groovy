// withXassume(role: '521111111144:DeployMaster') { sh 'aws s3 ls' }. The help is in withXassume.txt.
//
// No secret reaches the controller, where Jenkins would store it with the build: the block's environment contains only
// the path of a credentials file on the agent, with a credential_process. The SDKs run it and call it again before the
// session expires.

def call(Map settings = [:], Closure body) {
    // What each setting is in the environment of xassume.
    Map names = [
        role: 'XASSUME_ROLE_ARN', profile: 'XASSUME_PROFILE', region: 'XASSUME_REGION', duration: 'XASSUME_DURATION',
        expectAccount: 'XASSUME_EXPECT_ACCOUNT', externalId: 'XASSUME_EXTERNAL_ID', policy: 'XASSUME_POLICY',
        policyArn: 'XASSUME_POLICY_ARN', roleSessionName: 'XASSUME_ROLE_SESSION_NAME',
        webIdentityTokenFile: 'XASSUME_WEB_IDENTITY_TOKEN_FILE',
        webIdentityTokenCommand: 'XASSUME_WEB_IDENTITY_TOKEN_COMMAND'
    ]
    List variables = []
    List keys = new ArrayList(settings.keySet())
    for (int i = 0; i < keys.size(); i++) {
        if (!names.containsKey(keys[i])) {
            error("withXassume: '${keys[i]}' is not a setting [settings: ${names.keySet().join(', ')}]")
        }
        def value = settings[keys[i]]
        if (!value) {
            error("withXassume: ${keys[i]} is empty")
        }
        // Repeatable flags have one value per line.
        variables.add(names[keys[i]] + '=' + (value instanceof List ? value.join('\n') : value))
    }
    String directory = pwd(tmp: true) + '/xassume-' + UUID.randomUUID()
    String place = "WITHXASSUME_DIRECTORY=${directory}"
    List block = [
        "AWS_SHARED_CREDENTIALS_FILE=${directory}/credentials", "AWS_CONFIG_FILE=${directory}/config",
        'AWS_PROFILE=default', 'AWS_DEFAULT_PROFILE=default', 'AWS_SDK_LOAD_CONFIG=1',
        // Not set in the block. Otherwise SDKs would use the first two, and xassume the others.
        'AWS_WEB_IDENTITY_TOKEN_FILE=', 'AWS_ROLE_ARN=', 'XASSUME_ROLE_ARN=', 'XASSUME_PROFILE=',
        'XASSUME_WEB_IDENTITY_TOKEN_FILE=', 'XASSUME_WEB_IDENTITY_TOKEN_COMMAND='
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

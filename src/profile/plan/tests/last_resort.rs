//! Tests of the EC2 instance, which is the last resort, and of the hint if there is none.

use super::{planned, refuse};
use crate::profile::Metadata;

#[test]
fn instance_metadata_is_the_last_resort_unless_a_profile_names_it() {
    let role = "[profile a]\nrole_arn = @A\ncredential_source = Ec2InstanceMetadata";
    let own = "[profile a]\ncredential_source = Ec2InstanceMetadata";
    for (text, flags, expected) in [("", "-r A", true), (role, "-p a", false), (own, "-p a", false)] {
        let metadata = planned(text, "AWS_METADATA_SERVICE_TIMEOUT=5", flags).expect(flags).metadata;
        assert_eq!((metadata.timeout.as_secs(), metadata.last_resort.is_some()), (5, expected), "{text}");
    }
    let plan = planned("", "KEYS AWS_METADATA_SERVICE_TIMEOUT=soon", "-r A").expect("not needed for keys");
    assert_eq!(plan.metadata, Metadata::default());
}

#[test]
fn without_credentials_the_hint_says_why_no_web_identity_token_is_used() {
    for (variables, hint) in [
        (
            "XASSUME_WEB_IDENTITY_PROVIDER=",
            "XASSUME_WEB_IDENTITY_PROVIDER is empty, so it selects no web identity token",
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_URL=u", "in GitHub Actions, use --web-identity-provider github"),
        (
            "XASSUME_WEB_IDENTITY_AUDIENCE=a",
            "XASSUME_WEB_IDENTITY_AUDIENCE has no effect without --web-identity-provider",
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_URL= XASSUME_WEB_IDENTITY_AUDIENCE=", "use a profile with credentials"),
    ] {
        let variables = format!("AWS_EC2_METADATA_DISABLED=true {variables}");
        refuse(&[("", &variables, "-r A", "no AWS credentials found", hint)]);
    }
}

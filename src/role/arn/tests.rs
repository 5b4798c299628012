use super::*;

#[test]
fn accepts_every_partition_paths_and_long_names() {
    for (text, partition, account) in [
        ("arn:aws:iam::521111111144:role/DeployMaster", "aws", "521111111144"),
        ("arn:aws-cn:iam::123456789012:role/r", "aws-cn", "123456789012"),
        ("arn:aws-us-gov:iam::123456789012:role/a/b/c", "aws-us-gov", "123456789012"),
        ("arn:aws-iso-b:iam::123456789012:role/x+=,.@-_y", "aws-iso-b", "123456789012"),
        ("arn:aws-eusc:iam::123456789012:role/aws-service-role/x:y/Name", "aws-eusc", "123456789012"),
    ] {
        let role = RoleArn::parse(text).expect(text);
        assert_eq!((role.partition(), role.account()), (partition, account));
        assert_eq!(role.as_str(), text);
    }
    let longest = format!("arn:aws:iam::123456789012:role/{}", "n".repeat(64));
    assert!(RoleArn::parse(&longest).is_ok(), "64 characters");
}

#[test]
fn accepts_the_short_form() {
    let role = RoleArn::parse(" 521111111144:DeployMaster ").expect("short form");
    assert_eq!(role.as_str(), "arn:aws:iam::521111111144:role/DeployMaster");
}

#[test]
fn the_short_form_is_the_same_role_or_there_is_none() {
    let short = |text: &str| RoleArn::parse(text).expect(text).short();
    assert_eq!(short("arn:aws:iam::521111111144:role/Deploy,Master"), Some("521111111144:Deploy,Master".into()));
    for text in [
        "arn:aws-cn:iam::123456789012:role/r",
        "arn:aws:iam::123456789012:role/path/r",
        "arn:aws:iam::123456789012:role/x:y/r",
    ] {
        assert_eq!(short(text), None, "{text}");
    }
}

#[test]
fn explains_what_is_not_a_role() {
    for (text, reason, hint) in [
        ("DeployMaster", "not a role ARN", "123456789012:DeployMaster"),
        ("521111111144", "not a role ARN", "521111111144:NAME"),
        ("521111111144/Deploy", "not a role ARN", "did you mean 521111111144:Deploy?"),
        ("521111111144/role/Deploy", "not a role ARN", "did you mean 521111111144:Deploy?"),
        ("521111111144:role/Deploy", "'/'", "did you mean 521111111144:Deploy?"),
        ("521111111144:role/team/Deploy", "'/'", "did you mean arn:aws:iam::521111111144:role/team/Deploy?"),
        ("iam::521111111144:role/Deploy", "not a role ARN", "did you mean 521111111144:Deploy?"),
        ("arn:aws:iam:521111111144:role/Deploy", "not the ARN", "did you mean 521111111144:Deploy?"),
        ("arn:aws-cn:iam:521111111144:role/D", "not the ARN", "did you mean arn:aws-cn:iam::521111111144:role/D?"),
        ("arn:aws:lambda:us-east-1:521111111144:function:f", "not the ARN", "role ARN looks like"),
        ("521111111144:A,521111111144:B", "more than one role", "the flag: -r 521111111144:A -r 521111111144:B"),
        ("521111111144:A 521111111144:B", "more than one role", "the flag: -r 521111111144:A -r 521111111144:B"),
        ("521111111144:role/A,521111111144:role/B", "more than one", "flag: -r 521111111144:A -r 521111111144:B"),
        ("521111111144:A;521111111144:role/p/B", "more", "-r 521111111144:A -r arn:aws:iam::521111111144:role/p/B"),
        ("521111111144:A,521111111144:", "more than one role", "the flag: -r ROLE -r ROLE"),
        ("A,B", "more than one role", "the flag: -r 123456789012:A -r 123456789012:B"),
        ("A B", "not a role ARN", "role ARN looks like"),
        ("A,", "not a role ARN", "123456789012:A"),
        ("521111111144:role/", "the role name is missing", "role ARN looks like"),
        (
            "arn:aws:iam::521111111144:role/A,arn:aws:iam::521111111144:role/B",
            "more than one role",
            "-r arn:aws:iam::521111111144:role/A -r arn:aws:iam::521111111144:role/B",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice",
            "only IAM Identity Center",
            "aws configure sso",
        ),
        ("", "not a role ARN", "123456789012:NAME"),
        (
            "arn:aws:sts::123456789012:assumed-role/Admin/me",
            "a session, not a role",
            "arn:aws:iam::123456789012:role/Admin",
        ),
        ("arn:aws:iam::123456789012:user/alice", "a user, not a role", "arn:aws:iam::123456789012:role/NAME"),
        (
            "arn:aws-cn:iam::123456789012:instance-profile/p/Web",
            "instance profile",
            "arn:aws-cn:iam::123456789012:role/Web",
        ),
        ("arn:aws:iam::123456789012:policy/P", "a policy, not a role", "role ARN looks like"),
        ("arn:aws:iam::123456789012:root", "root user", "role ARN looks like"),
        ("arn:aws:s3:::bucket", "not the ARN of an IAM role", "role ARN looks like"),
        ("arn:aws:iam:us-east-1:123456789012:role/x", "not the ARN of an IAM role", "did you mean 123456789012:x?"),
        ("arn:azure:iam::123456789012:role/x", "is not an AWS partition", "aws-cn"),
        ("arn:aws-:iam::123456789012:role/x", "is not an AWS partition", "aws-cn"),
        ("arn:aws:iam::12345678901:role/x", "12 digits", "role ARN looks like"),
        ("arn:aws:iam::123456789012:role/", "the role name is missing", "role ARN looks like"),
        ("123456789012:", "the role name is missing", "role ARN looks like"),
        ("arn:aws:iam::123456789012:role/a b", "' '", "letters, digits"),
        ("123456789012:path/name", "'/'", "did you mean arn:aws:iam::123456789012:role/path/name?"),
        ("12345678901:name", "12 digits, not 11", "123456789012:NAME"),
        ("arn:aws:iam::123456789012:role/naïve", "'ï'", "letters, digits"),
        ("arn:aws:iam::123456789012:role/pa th/x", "role path", "512"),
    ] {
        let invalid = RoleArn::parse(text).expect_err(text);
        assert!(invalid.to_string().contains(reason), "{text}{invalid}");
        assert!(invalid.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {:?}", invalid.hint);
    }
    let long = format!("123456789012:{}", "n".repeat(65));
    assert!(RoleArn::parse(&long).expect_err("65").to_string().contains("not 65"));
}

#[test]
fn splits_a_list_only_before_a_role() {
    assert_eq!(
        split_list("arn:aws:iam::123456789012:role/a,b,arn:aws:iam::123456789012:role/c, 210987654321:d"),
        ["arn:aws:iam::123456789012:role/a,b", "arn:aws:iam::123456789012:role/c", "210987654321:d"]
    );
    assert_eq!(split_list("123456789012:a\n\n123456789012:b\n"), ["123456789012:a", "123456789012:b"]);
    assert_eq!(split_list(" "), Vec::<&str>::new());
}

//! The fake follows its own rules.

use super::super::http::{Received, send};
use super::super::identities::Identity;
use super::super::times::{basic, iso};
use super::*;
use std::time::SystemTime;

const ROLE: &str = "arn:aws:iam::521111111144:role/deploy/DeployMaster";

/// A request with the parts of a signature that the fake reads.
fn ask(sts: &FakeSts, key: &str, token: Option<&str>, body: &str) -> Received {
    let scope = format!("AWS4-HMAC-SHA256 Credential={key}/20261123/us-east-1/sts/aws4_request, Signature=0");
    let date = basic(SystemTime::now());
    let mut headers = vec![("Authorization", scope.as_str()), ("X-Amz-Date", date.as_str())];
    headers.extend(token.map(|token| ("X-Amz-Security-Token", token)));
    send("POST", &sts.url(), &headers, body.as_bytes()).expect("the fake answers")
}

fn assume(sts: &FakeSts, rest: &str) -> Received {
    let user = Identity::user();
    ask(sts, &user.access_key_id, None, &format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=me{rest}"))
}

/// `Code: Message` of an error.
#[track_caller]
fn refusal(received: &Received) -> String {
    let text = received.text();
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name}: {text}"));
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    format!("{} {}: {}", received.status, field("Code"), field("Message"))
}

#[test]
fn a_session_is_issued_logged_and_recognized() {
    let sts = FakeSts::start();
    let received = assume(&sts, "&DurationSeconds=900&Tags.member.1.Key=a");
    assert_eq!((received.status, received.header("content-type")), (200, Some("text/xml")));
    assert!(received.header("date").is_some() && received.header("x-amzn-requestid").is_some());
    let [issued] = &sts.issued()[..] else { panic!("one session") };
    assert_eq!(issued.access_key_id, "ASIA000000000001FAKE");
    assert_eq!(issued.arn, "arn:aws:sts::521111111144:assumed-role/DeployMaster/me");
    for expected in [&issued.secret_access_key, &iso(issued.expiration), &issued.arn, "<PackedPolicySize>"] {
        assert!(received.text().contains(expected), "{expected}");
    }
    let whoami = ask(&sts, &issued.access_key_id, Some(&issued.session_token), "Action=GetCallerIdentity");
    assert!(whoami.text().contains(&format!("<Arn>{}</Arn>", issued.arn)));

    let requests = sts.wait_for_requests(2);
    assert_eq!(requests[0].param("Tags.member.1.Key"), Some("a"));
    assert_eq!(requests[0].region.as_deref(), Some("us-east-1"));
    assert_eq!(requests[1].session_token.as_ref(), Some(&issued.session_token));
}

#[test]
fn unknown_expired_and_incomplete_keys_are_rejected() {
    let sts = FakeSts::start();
    assume(&sts, "");
    let issued = sts.issued().remove(0);
    let whoami = |key: &str, token| refusal(&ask(&sts, key, token, "Action=GetCallerIdentity"));
    let invalid = "403 InvalidClientTokenId: The security token included in the request is invalid.";
    assert_eq!(whoami("AKIASTRANGER00000001", None), invalid);
    assert_eq!(whoami(&issued.access_key_id, None), invalid);
    sts.expire(&issued.access_key_id);
    let expired = "403 ExpiredToken: The security token included in the request is expired";
    assert_eq!(whoami(&issued.access_key_id, Some(&issued.session_token)), expired);
    let unsigned = send("POST", &sts.url(), &[], b"Action=GetCallerIdentity").expect("the fake answers");
    assert_eq!(refusal(&unsigned), "403 MissingAuthenticationToken: Request is missing Authentication Token");
}

#[test]
fn a_role_is_as_strict_as_its_rules() {
    let rules = RoleRules {
        max_session: Duration::from_hours(2),
        external_id: Some("right".to_owned()),
        mfa_required: true,
        ..RoleRules::default()
    };
    let sts = FakeSts::builder().role(ROLE, rules).only_known_roles().mfa_codes(&["123456", "654321"]).start();
    let user = Identity::user().arn;
    let denied =
        format!("403 AccessDenied: User: {user} is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
    assert_eq!(refusal(&assume(&sts, "&ExternalId=right")), denied);
    let with_code = |code: &str, rest: &str| assume(&sts, &format!("&SerialNumber=mfa-1-2-3&TokenCode={code}{rest}"));
    assert_eq!(refusal(&with_code("123456", "&ExternalId=wrong")), denied);
    let again = refusal(&with_code("123456", "&ExternalId=right"));
    assert!(again.starts_with("403 AccessDenied: MultiFactorAuthentication failed with invalid MFA"), "{again}");
    let long = refusal(&with_code("654321", "&ExternalId=right&DurationSeconds=7201"));
    assert!(long.ends_with("exceeds the MaxSessionDuration set for this role."), "{long}");
    sts.add_mfa_code("111111");
    assert_eq!(with_code("111111", "&ExternalId=right&DurationSeconds=7200").status, 200);
}

#[test]
fn a_denial_names_the_action_and_optionally_the_policy() {
    let user = Identity::user().arn;
    let rules = |change: fn(&mut RoleRules)| {
        let mut rules = RoleRules { wording: Wording::WithPolicy, ..RoleRules::default() };
        change(&mut rules);
        FakeSts::builder().role(ROLE, rules).start()
    };
    for (sts, sent, action, why) in [
        (
            rules(|it| it.allowed = false),
            "",
            "AssumeRole",
            " because no identity-based policy allows the sts:AssumeRole action",
        ),
        (
            rules(|it| it.external_id = Some("right".to_owned())),
            "&ExternalId=wrong",
            "AssumeRole",
            " because no role trust policy allows the sts:AssumeRole action",
        ),
        (
            rules(|it| it.denied_in = Some("a session policy")),
            "",
            "AssumeRole",
            " with an explicit deny in a session policy",
        ),
        (rules(|it| it.without = &["sts:TagSession"]), "&Tags.member.1.Key=a", "TagSession", ""),
        (rules(|it| it.without = &["sts:SetSourceIdentity"]), "&SourceIdentity=me", "SetSourceIdentity", ""),
    ] {
        let expected = format!(
            "403 AccessDenied: User: {user} is not authorized to perform: sts:{action} on resource: {ROLE}{why}"
        );
        assert_eq!(refusal(&assume(&sts, sent)), expected);
    }
    let strict = rules(|it| it.without = &["sts:TagSession", "sts:SetSourceIdentity"]);
    assert_eq!(assume(&strict, "").status, 200);
}

#[test]
fn chaining_is_limited_to_an_hour_and_session_tokens_to_users() {
    let sts = FakeSts::start();
    assume(&sts, "");
    let issued = sts.issued().remove(0);
    let chain = |body: &str| ask(&sts, &issued.access_key_id, Some(&issued.session_token), body);
    let next = format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=me&DurationSeconds=");
    assert!(refusal(&chain(&(next.clone() + "3601"))).ends_with("for roles assumed by role chaining."));
    assert_eq!(chain(&(next + "3600")).status, 200);
    let message = "403 AccessDenied: Cannot call GetSessionToken with session credentials";
    assert_eq!(refusal(&chain("Action=GetSessionToken")), message);
    let instance = Identity::instance();
    let body = format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=me&DurationSeconds=7200");
    assert_eq!(ask(&sts, &instance.access_key_id, instance.session_token.as_deref(), &body).status, 200);
}

#[test]
fn parameter_errors_have_the_words_of_aws() {
    let sts = FakeSts::start();
    let prefix = "400 ValidationError: 1 validation error detected: Value";
    let failed = "failed to satisfy constraint: Member must";
    assert_eq!(
        refusal(&assume(&sts, "&DurationSeconds=43201")),
        format!("{prefix} '43201' at 'durationSeconds' {failed} have value less than or equal to 43200")
    );
    let user = Identity::user().access_key_id;
    let named = |role: &str, name: &str| {
        refusal(&ask(&sts, &user, None, &format!("Action=AssumeRole&RoleArn={role}&RoleSessionName={name}")))
    };
    assert_eq!(
        named(ROLE, "a b"),
        format!(r"{prefix} 'a b' at 'roleSessionName' {failed} satisfy regular expression pattern: [\w+=,.@-]*")
    );
    assert_eq!(named("arn:aws:iam::1:role/x", "me"), "400 ValidationError: arn:aws:iam::1:role/x is invalid");
}

#[test]
fn a_script_comes_before_the_rules_and_then_ends() {
    let sts = FakeSts::builder().script([Answer::throttling(), Answer::body(200, "text/xml", "<oops")]).start();
    assert_eq!(refusal(&assume(&sts, "")), "400 Throttling: Rate exceeded");
    assert_eq!(assume(&sts, "").text(), "<oops");
    assert_eq!(assume(&sts, "").status, 200);
    sts.script([Answer::Reset, Answer::Lifetime(Duration::from_secs(3))]);
    assert!(send("POST", &sts.url(), &[], b"").is_err());
    assume(&sts, "");
    assert_eq!(sts.issued().last().map(|issued| issued.lifetime), Some(Duration::from_secs(3)));
}

#[test]
fn the_script_of_a_role_is_for_its_requests_only() {
    let sts = FakeSts::builder().script([Answer::throttling()]).start();
    sts.script_role(ROLE, [Answer::unavailable()]);
    assert_eq!(assume(&sts, "").status, 503);
    assert_eq!(assume(&sts, "").status, 200);
    let other = "Action=AssumeRole&RoleArn=arn:aws:iam::521111111144:role/Other&RoleSessionName=me";
    assert_eq!(ask(&sts, &Identity::user().access_key_id, None, other).status, 400);
}

#[test]
fn a_held_request_waits_for_its_release() {
    let sts = FakeSts::builder().script([Answer::Held]).start();
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| assume(&sts, "").status);
        sts.wait_for_requests(1);
        assert!(sts.issued().is_empty());
        sts.release();
        assert_eq!(answer.join().expect("answered"), 200);
    });
}

#[test]
fn a_wrong_clock_affects_the_date_and_rejects_signatures() {
    let sts = FakeSts::builder().clock_offset(3600).check_signature_time().start();
    let late = refusal(&assume(&sts, ""));
    assert!(late.starts_with("403 SignatureDoesNotMatch: Signature expired: "), "{late}");
    assert!(late.ends_with(" - 15 min.)"), "{late}");
    sts.set_clock_offset(-3600);
    assert!(refusal(&assume(&sts, "")).contains("Signature not yet current"));
    sts.set_clock_offset(0);
    assert_eq!(assume(&sts, "").status, 200);
}

#[test]
fn web_identity_needs_no_signature_but_a_valid_token() {
    let sts = FakeSts::builder().web_identity_tokens(&["eyJ.good"]).start();
    let action = format!("Action=AssumeRoleWithWebIdentity&RoleArn={ROLE}&RoleSessionName=me&WebIdentityToken=");
    let present =
        |token: &str| send("POST", &sts.url(), &[], format!("{action}{token}").as_bytes()).expect("the fake answers");
    assert_eq!(present("eyJ.good").status, 200);
    assert!(refusal(&present("eyJ.bad")).starts_with("400 InvalidIdentityToken: "));
}

#[test]
fn a_web_identity_token_of_a_provider_is_checked_in_full() {
    let tokens = Tokens::new();
    let sts = FakeSts::builder().oidc_provider(&tokens, &["sts.amazonaws.com"]).start();
    let present = |token: &str| {
        let action = "Action=AssumeRoleWithWebIdentity&RoleSessionName=me";
        let body = format!("{action}&RoleArn={ROLE}&WebIdentityToken={token}");
        send("POST", &sts.url(), &[], body.as_bytes()).expect("the fake answers")
    };
    let good = tokens.mint();
    assert_eq!(present(&good).status, 200);
    for (token, expected) in [
        (good.clone(), "400 InvalidIdentityToken: The token has been used before"),
        ("AKIA".into(), "400 InvalidIdentityToken: The ID Token provided is not a valid JWT"),
        (Tokens::new().mint(), "400 InvalidIdentityToken: JWT signature verification failed"),
        (
            tokens.clone().claim("iss", "https://other.example").mint(),
            "400 InvalidIdentityToken: No OpenIDConnect provider found in your account for https://other.example",
        ),
        (tokens.clone().claim("aud", "other").mint(), "400 InvalidIdentityToken: Incorrect token audience"),
        (tokens.clone().claim("azp", "other").mint(), "400 InvalidIdentityToken: Incorrect token audience"),
        (tokens.clone().claim("aud", ()).mint(), "400 InvalidIdentityToken: Missing a required claim: aud"),
        (tokens.clone().life(Duration::ZERO).mint(), "400 ExpiredTokenException: Token expired: current date/time "),
    ] {
        let refusal = refusal(&present(&token));
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    sts.set_role(ROLE, RoleRules { subject: Some("somebody".into()), ..RoleRules::default() });
    let denied = refusal(&present(&tokens.mint()));
    assert_eq!(denied, "403 AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity");
    assert_eq!(present(&tokens.claim("sub", "somebody").mint()).status, 200);
}

#[test]
fn a_token_counts_as_used_even_if_its_request_failed() {
    let tokens = Tokens::new();
    let sts = FakeSts::builder().oidc_provider(&tokens, &["sts.amazonaws.com"]).start();
    let action = "Action=AssumeRoleWithWebIdentity&RoleSessionName=me";
    let body = format!("{action}&RoleArn={ROLE}&WebIdentityToken={}", tokens.mint());
    let present = || send("POST", &sts.url(), &[], body.as_bytes()).expect("the fake answers");
    sts.script([Answer::unavailable()]);
    assert_eq!(present().status, 503);
    assert_eq!(refusal(&present()), "400 InvalidIdentityToken: The token has been used before");
}

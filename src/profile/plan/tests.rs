//! Plans as tables: files, variables and flags on the left, source credentials and hops on the right.

use super::{Plan, plan};
use crate::error::ConfigError;
use crate::profile::network::{Region, RegionFrom};
use crate::profile::source::TokenFrom;
use crate::profile::{ProfileChoice, ProfileFrom, ProfileSet, Request, Source};
use crate::role::{
    ExternalId, Hop, HopOptions, MfaSerial, PolicyArn, RoleArn, RoleSessionName, SessionDuration, SessionPolicy,
    SourceIdentity, Tag, TagKey,
};
use crate::vars::Vars;
use std::path::Path;

const ACCOUNT: &str = "123456789012";

fn role(name: &str) -> RoleArn {
    RoleArn::parse(&format!("{ACCOUNT}:{name}")).expect(name)
}

/// `-p NAME`, `-P NAME` (`XASSUME_PROFILE`), `-r ROLE`, `-R ROLE` (`XASSUME_ROLE_ARN`), and the other flags.
fn request(flags: &str) -> Request {
    let mut request = Request {
        roles: Vec::new(),
        roles_variable: Vec::new(),
        profile: None,
        session_name: None,
        default_session_name: RoleSessionName::parse("me").expect("name"),
        options: HopOptions::default(),
        web_identity_token_file: None,
        region: None,
    };
    let mut words = flags.split_whitespace();
    while let (Some(flag), Some(value)) = (words.next(), words.next()) {
        let options = &mut request.options;
        match flag {
            "-p" => request.profile = Some(ProfileChoice { name: value.into(), from: ProfileFrom::Flag }),
            "-P" => request.profile = Some(ProfileChoice { name: value.into(), from: ProfileFrom::Variable }),
            "-r" => request.roles.push(role(value)),
            "-R" => request.roles_variable.push(role(value)),
            "--name" => request.session_name = Some(RoleSessionName::parse(value).expect(value)),
            "--token" => request.web_identity_token_file = Some(value.into()),
            "--region" => request.region = Some(value.into()),
            "--external-id" => options.external_id = Some(ExternalId::parse(value).expect(value)),
            "--duration" => options.duration = Some(SessionDuration::parse(value).expect(value)),
            "--mfa" => options.mfa_serial = Some(MfaSerial::parse(value).expect(value)),
            "--source-identity" => options.source_identity = Some(SourceIdentity::parse(value).expect(value)),
            "--tag" => options.tags.push(Tag::parse(value).expect(value)),
            "--transitive" => options.transitive_tags.push(TagKey::parse(value).expect(value)),
            "--policy" => options.policy = Some(SessionPolicy::parse(value).expect(value)),
            "--policy-arn" => options.policy_arns.push(PolicyArn::parse(value).expect(value)),
            other => panic!("{other}"),
        }
    }
    request
}

/// Variables as `NAME=value` words.
fn vars(words: &str) -> Vars {
    words.split_whitespace().map(|word| word.split_once('=').expect(word)).collect()
}

fn files(config: &str, credentials: &str) -> ProfileSet {
    let (config, credentials) = (config.as_bytes(), credentials.as_bytes());
    ProfileSet::parse((Path::new("config"), config), (Path::new("credentials"), credentials)).expect("parses")
}

/// The config file, and behind a line `---` the credentials file. `@NAME` is a role's ARN, `+ID` a pair of keys.
fn planned(text: &str, variables: &str, flags: &str) -> Result<Plan, ConfigError> {
    let lines = text.lines().map(str::trim).map(|line| match line.strip_prefix('+') {
        Some(id) => format!("aws_access_key_id = {id}\naws_secret_access_key = s"),
        None => line.replace('@', &format!("arn:aws:iam::{ACCOUNT}:role/")),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let (config, credentials) = text.split_once("---").unwrap_or((&text, ""));
    let variables = variables.replace("KEYS", "AWS_ACCESS_KEY_ID=AKENV AWS_SECRET_ACCESS_KEY=s");
    plan(&request(flags), &files(config, credentials), &vars(&variables.replace('@', &format!("{ACCOUNT}:"))))
}

fn shown_source(source: &Source) -> String {
    match source {
        Source::EnvironmentKeys(keys) => keys.access_key_id.clone(),
        Source::ProfileKeys { profile, keys } => format!("{profile}:{}", keys.access_key_id),
        Source::Process { profile, command } => format!("{profile}:process {command}"),
        Source::Sso { profile, session_name, start_url, region, account_id, role_name } => {
            let session = session_name.as_deref().unwrap_or("-");
            format!("{profile}:sso {session} {start_url} {region} {account_id} {role_name}")
        }
        Source::Login { profile, session_arn } => format!("{profile}:login {session_arn}"),
        Source::WebIdentity { token_file, from } => match from {
            TokenFrom::Flag => format!("token {}", token_file.display()),
            TokenFrom::Variable => format!("env:token {}", token_file.display()),
            TokenFrom::Profile(profile) => format!("{profile}:token {}", token_file.display()),
        },
        Source::Container => "container".into(),
        Source::InstanceMetadata => "instance".into(),
    }
}

/// A role's name, with what is asked for besides.
fn shown_hop(hop: &Hop) -> String {
    let o = &hop.options;
    let mut parts = vec![hop.role.as_str().rsplit('/').next().unwrap_or_default().to_owned()];
    let mut part = |label: &str, value: Option<String>| parts.extend(value.map(|value| format!("{label}={value}")));
    part("name", Some(hop.session_name.to_string()).filter(|name| name != "me"));
    part("ext", o.external_id.as_ref().map(ToString::to_string));
    part(
        "for",
        o.duration.map(|duration| match duration {
            SessionDuration::Exactly(time) => time.as_secs().to_string(),
            SessionDuration::Max => "max".into(),
        }),
    );
    part("mfa", o.mfa_serial.as_ref().map(ToString::to_string));
    part("who", o.source_identity.as_ref().map(|identity| identity.as_str().to_owned()));
    part("policy", o.policy.as_ref().map(|policy| policy.as_str().to_owned()));
    part("policies", Some(o.policy_arns.len().to_string()).filter(|n| n != "0"));
    part("tags", Some(o.tags.len().to_string()).filter(|n| n != "0"));
    part("transitive", Some(o.transitive_tags.len().to_string()).filter(|n| n != "0"));
    parts.join(",")
}

/// `source > hop > hop`, or the error with its hint behind `| `.
fn shown(text: &str, variables: &str, flags: &str) -> String {
    match planned(text, variables, flags) {
        Ok(plan) => {
            assert_eq!(plan.hops.first(), plan.hops.iter().next().expect("a hop"));
            assert_eq!(plan.hops.last(), plan.hops.iter().next_back().expect("a hop"));
            assert_eq!(plan.hops.len(), plan.hops.iter().count());
            let hops = plan.hops.iter().map(shown_hop);
            std::iter::once(shown_source(&plan.source)).chain(hops).collect::<Vec<_>>().join(" > ")
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 160 && !text.contains('\n'), "{text}");
            format!("! {text} | {}", error.hint().unwrap_or_default())
        }
    }
}

/// Rows of files, variables, flags and the plan.
fn check(rows: &[(&str, &str, &str, &str)]) {
    for (text, variables, flags, expected) in rows {
        assert_eq!(shown(text, variables, flags), *expected, "\n{text}\n{variables} / {flags}");
    }
}

/// Rows of files, variables, flags, and what the error and its hint contain.
fn refuse(rows: &[(&str, &str, &str, &str, &str)]) {
    for (text, variables, flags, message, hint) in rows {
        let found = shown(text, variables, flags);
        let (error, advice) = found.split_once(" | ").unwrap_or((&found, ""));
        assert!(error.starts_with("! ") && error.contains(message), "{found}\n{text}\n{variables} / {flags}");
        assert!(advice.contains(hint) && hint.is_empty() == advice.is_empty(), "{found}");
    }
}

const BASE: &str = "[profile base]\n+AKB\n";
const DEPLOY: &str = "[profile deploy]\nrole_arn = @D\nsource_profile = base\n[profile base]\n+AKB\n[default]\n+AKD";
const TOKEN: &str = "AWS_WEB_IDENTITY_TOKEN_FILE=/t";

#[test]
fn the_role_comes_from_the_first_place_that_names_one() {
    let default_role = "[default]\nrole_arn = @X\nsource_profile = base\n[profile base]\n+AKB";
    check(&[
        // 1. --role-arn, once or more often.
        (DEPLOY, "", "-r A", "default:AKD > A"),
        (DEPLOY, "", "-r A -r B -r A", "default:AKD > A > B > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-r A -R V", "default:AKD > A"),
        (DEPLOY, "", "-r A -p base", "base:AKB > A"),
        // A profile with a role is a chain before it; the same role twice is one hop.
        (DEPLOY, "", "-r A -p deploy", "base:AKB > D > A"),
        (DEPLOY, "AWS_PROFILE=deploy", "-r A", "base:AKB > D > A"),
        (DEPLOY, "", "-r D -r A -p deploy", "base:AKB > D > A"),
        (default_role, "", "-r A", "base:AKB > X > A"),
        // 2. --profile with a role.
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=base", "-p deploy -R V", "base:AKB > D"),
        // 3. XASSUME_ROLE_ARN.
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-R V -R W", "default:AKD > V > W"),
        (DEPLOY, "", "-R V -p base", "base:AKB > V"),
        (DEPLOY, "AWS_PROFILE=deploy", "-R V", "base:AKB > D > V"),
        // 4. AWS_PROFILE, or the default profile; XASSUME_PROFILE has the same rank.
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_DEFAULT_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_DEFAULT_PROFILE=base AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_PROFILE=base", "-P deploy", "base:AKB > D"),
        (DEPLOY, "", "-P deploy -R V", "base:AKB > D > V"),
        (default_role, "AWS_ROLE_ARN=@Z", "", "base:AKB > X"),
        // 5. AWS_ROLE_ARN, plain or by web identity.
        (DEPLOY, "AWS_ROLE_ARN=@Z", "", "default:AKD > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=base", "", "base:AKB > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z KEYS", "", "AKENV > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "env:token /t > Z"),
    ]);
    refuse(&[
        ("", "", "", "nothing names one", "--role-arn ARN"),
        ("", "KEYS", "", "nothing names one", "AWS_ROLE_ARN"),
        ("", TOKEN, "--token /x", "nothing names one", "AWS_ROLE_ARN"),
        (DEPLOY, "AWS_PROFILE=base", "", "profile base has no role_arn", "--role-arn"),
        (DEPLOY, "", "", "profile default has no role_arn", "--role-arn"),
        ("", "AWS_ROLE_ARN=nonsense KEYS", "", "AWS_ROLE_ARN `nonsense` is not a role ARN", "looks like"),
    ]);
}

#[test]
fn keys_in_the_environment_are_the_source_unless_the_flag_names_a_profile() {
    let web = "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w";
    check(&[
        (DEPLOY, "KEYS", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS", "-r A -P base", "AKENV > A"),
        (DEPLOY, "KEYS", "-r A -p base", "base:AKB > A"),
        (DEPLOY, "KEYS", "-p deploy", "base:AKB > D"),
        (DEPLOY, "AWS_ACCESS_KEY_ID=half", "-p deploy", "base:AKB > D"),
        // A profile's role stays; its source gives way, even when there is none.
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "", "AKENV > D"),
        ("[default]\nrole_arn = @X", "KEYS", "", "AKENV > X"),
        ("[default]\nrole_arn = @X\nsource_profile=b\n[profile b]\nrole_arn = @Y", "KEYS", "", "AKENV > Y > X"),
        // A role by web identity trusts the token and no keys.
        (web, "KEYS AWS_PROFILE=w", "", "w:token /w > W"),
        (web, "KEYS AWS_PROFILE=w", "-r A", "AKENV > A"),
        ("", "KEYS AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "env:token /t > Z"),
        // Empty is absent.
        (DEPLOY, "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_PROFILE= AWS_ROLE_ARN=", "-r A", "default:AKD > A"),
    ]);
    refuse(&[
        ("", "AWS_ACCESS_KEY_ID=a", "-r A", "AWS_SECRET_ACCESS_KEY is missing", "export AWS_SECRET_ACCESS_KEY"),
        ("", "AWS_SECRET_ACCESS_KEY=a", "-r A", "AWS_ACCESS_KEY_ID is missing", "export AWS_ACCESS_KEY_ID"),
    ]);
    let token = |variables| match planned("", &format!("KEYS {variables}"), "-r A").expect("plan").source {
        Source::EnvironmentKeys(keys) => keys.session_token.map(|token| token.reveal().to_owned()),
        other => panic!("{other}"),
    };
    assert_eq!(token("AWS_SECURITY_TOKEN=old AWS_SESSION_TOKEN=new").as_deref(), Some("new"));
    assert_eq!(token("AWS_SECURITY_TOKEN=old AWS_SESSION_TOKEN=").as_deref(), Some("old"));
    assert_eq!(token(""), None);
}

#[test]
fn web_identity_from_the_environment_and_from_the_flag() {
    check(&[
        ("", TOKEN, "-r A", "env:token /t > A"),
        ("", TOKEN, "-r A -r B", "env:token /t > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-r A -r B", "env:token /t > Z > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@A", "-r A -r B", "env:token /t > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@A", "-R A", "env:token /t > A"),
        // It stands behind a role of the profile, before the profile's own credentials, and --profile hides it.
        (DEPLOY, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, TOKEN, "-r A", "env:token /t > A"),
        (DEPLOY, TOKEN, "-r A -p base", "base:AKB > A"),
        (DEPLOY, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-p base", "base:AKB > Z"),
        // The flag stands before everything.
        (DEPLOY, "KEYS", "-r A --token /f", "token /f > A"),
        (DEPLOY, "KEYS", "-r A -p base --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-r A --token /f", "token /f > Z > A"),
        (DEPLOY, "AWS_ROLE_ARN=@A", "-r A --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/f", "-r A --token /f", "token /f > Z > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "-r A --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "--token /f", "token /f > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "--token /f", "token /f > Z"),
        // In place of a profile's source.
        (DEPLOY, "", "-p deploy --token /f", "token /f > D"),
        (DEPLOY, "", "-p deploy -r A --token /f", "token /f > D > A"),
        (DEPLOY, "AWS_PROFILE=deploy", "-r A --token /f", "token /f > A"),
        ("[default]\nrole_arn = @X", "", "--token /f", "token /f > X"),
    ]);
}

#[test]
fn a_profile_gives_credentials_in_botocores_order() {
    let sso = "sso_start_url = u\nsso_region = e\nsso_account_id = 1\nsso_role_name = R\n";
    let rest = "login_session = arn:l\ncredential_process = /p x\n";
    let text = |parts: &[&str]| format!("[default]\n{}", parts.concat());
    let web = "web_identity_token_file = /w\n";
    check(&[
        (&text(&[rest, "+AKC\n", sso, web, "---\n[default]\n+AKS"]), "", "-r A", "default:token /w > A"),
        (&text(&[rest, "+AKC\n", sso, "---\n[default]\n+AKS"]), "", "-r A", "default:sso - u e 1 R > A"),
        (&text(&[rest, "+AKC\n---\n[default]\n+AKS"]), "", "-r A", "default:AKS > A"),
        (&text(&[rest, "+AKC\n"]), "", "-r A", "default:login arn:l > A"),
        (&text(&["credential_process = /p x\n+AKC"]), "", "-r A", "default:process /p x > A"),
        (&text(&["+AKC"]), "", "-r A", "default:AKC > A"),
        ("---\n[only]\n+AKO", "", "-r A -p only", "only:AKO > A"),
        // The pair may be spread over both files.
        (
            "[default]\naws_secret_access_key = s\n---\n[default]\naws_access_key_id = AKX",
            "",
            "-r A",
            "default:AKX > A",
        ),
        // What the machine offers comes last, also behind --profile.
        ("[default]", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "-r A", "container > A"),
        ("", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-r A", "container > A"),
        ("[profile p]\nregion = e", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x KEYS", "-r A -p p", "container > A"),
        ("", "", "-r A", "instance > A"),
        ("", "AWS_EC2_METADATA_DISABLED=false", "-r A", "instance > A"),
    ]);
    let off = "AWS_EC2_METADATA_DISABLED=TRUE";
    refuse(&[
        (
            "",
            off,
            "-r A",
            "looked at AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile default (not there)",
            "keys",
        ),
        ("[profile p]", off, "-r A -p p", "looked at profile p, container variables, instance metadata", "keys"),
        (
            "[default]\naws_access_key_id = a",
            "",
            "-r A",
            "config has half a pair of keys: aws_secret_access_key",
            "add",
        ),
        (
            "---\n[p]\naws_secret_access_key = a",
            "",
            "-r A -p p",
            "credentials has half a pair of keys: aws_access_key_id",
            "add",
        ),
    ]);
}

#[test]
fn a_token_beside_keys_counts_only_from_the_file_of_their_id() {
    let token = |text: &str| match planned(text, "", "-r A").expect("plan").source {
        Source::ProfileKeys { keys, .. } => keys.session_token.map(|token| token.reveal().to_owned()),
        other => panic!("{other}"),
    };
    assert_eq!(token("[default]\n+AK\naws_session_token = t").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+AK\naws_security_token = t").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+AK\naws_session_token = t\naws_security_token = u").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+OLD\naws_session_token = t\n---\n[default]\n+AK"), None);
}

#[test]
fn profile_chains_of_any_depth_and_their_bases() {
    let deep = "[profile a]\nrole_arn = @A\nsource_profile = b\n[profile b]\nrole_arn = @B\nsource_profile = c\n\
                [profile c]\nrole_arn = @C\nsource_profile = d\n---\n[d]\n+AKD";
    let with = |source: &str| format!("[profile a]\nrole_arn = @A\nsource_profile = b\n[profile b]\n{source}");
    let named = |source: &str| format!("[profile a]\nrole_arn = @A\ncredential_source = {source}");
    check(&[
        (deep, "", "-p a", "d:AKD > C > B > A"),
        (deep, "", "-p a -r Z", "d:AKD > C > B > A > Z"),
        (&with("credential_process = /x"), "", "-p a", "b:process /x > A"),
        (&with("login_session = arn:l"), "", "-p a", "b:login arn:l > A"),
        (&with("role_arn = @B\nweb_identity_token_file = /w"), "", "-p a", "b:token /w > B > A"),
        (&with("role_arn = @B\nweb_identity_token_file = /w\n+AKB"), "", "-p a", "b:token /w > B > A"),
        // Static keys of a source win over its role, even with a source of its own.
        (&with("role_arn = @B\nsource_profile = nowhere\n+AKB"), "", "-p a", "b:AKB > A"),
        // Where the chain starts, the role wins over keys.
        ("[profile a]\nrole_arn = @A\nsource_profile = b\n+AKA\n[profile b]\n+AKB", "", "-p a", "b:AKB > A"),
        // A profile may name itself.
        ("[profile a]\nrole_arn = @A\nsource_profile = a\n+AKA", "", "-p a", "a:AKA > A"),
        ("[profile a]\nrole_arn = @A\nsource_profile = a\ncredential_process = /x", "", "-p a", "a:process /x > A"),
        ("[default]\nrole_arn = @A\nsource_profile = default\n---\n[default]\n+AKD", "", "", "default:AKD > A"),
        (&named("Environment"), "KEYS", "-p a", "AKENV > A"),
        (&named("ec2instancemetadata"), "KEYS", "-p a", "instance > A"),
        (&named("ECSCONTAINER"), "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-p a", "container > A"),
        ("[profile a]\nrole_arn = @A\nweb_identity_token_file = /w", "", "-p a", "a:token /w > A"),
        ("[profile a]\nrole_arn = @A\nweb_identity_token_file = /w\nsource_profile = x", "", "-p a", "a:token /w > A"),
        ("[profile a]\nweb_identity_token_file = /w", "", "-p a -r Z", "a:token /w > Z"),
        ("[profile a]\nrole_arn = @A\nsource_profile = b c\n[profile \"b c\"]\n+AKB", "", "-p a", "b c:AKB > A"),
    ]);
    refuse(&[
        (&with("role_arn = @B\nsource_profile = a"), "", "-p a", "source_profile: a → b → a", "profile b"),
        (
            "[profile x]\nrole_arn=@X\nsource_profile=a\n[profile a]\nrole_arn=@A\nsource_profile=b\n[profile b]\nrole_arn=@B\nsource_profile=a",
            "",
            "-p x",
            ": a → b → a",
            "profile b",
        ),
        (&with("region = e"), "", "-p a", "profile b, the source_profile of a, has no credentials", "--profile b"),
        (
            &with("web_identity_token_file = /w"),
            "",
            "-p a",
            "profile b has web_identity_token_file, but no role_arn",
            "role_arn",
        ),
        (&with("aws_access_key_id = x"), "", "-p a", "aws_secret_access_key is missing", "add aws_secret_access_key"),
        (&with("role_arn = @B"), "", "-p a", "profile b in config has role_arn, but no source", "credential_source"),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = a",
            "",
            "-p a",
            "profile a, the source_profile of a, has no",
            "a",
        ),
        (
            "[profile a]\nrole_arn = @A",
            "KEYS",
            "-p a",
            "profile a in config has role_arn, but no source",
            "source_profile",
        ),
        ("---\n[a]\nrole_arn = @A", "", "-p a", "profile a in credentials has role_arn", "source_profile"),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = b\ncredential_source = Environment",
            "KEYS",
            "-p a",
            "has both source_profile and credential_source",
            "remove source_profile or credential_source from profile a",
        ),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = bass\n[profile base]",
            "",
            "-p a",
            "there is no profile bass, the source_profile of a in config",
            "a, base",
        ),
        (&named("Moon"), "", "-p a", "unknown credential_source `Moon`", "Environment, Ec2InstanceMetadata"),
        (&named("environment"), "", "-p a", "credential_source = Environment, but there are no keys", "export"),
        (&named("EcsContainer"), "", "-p a", "no AWS_CONTAINER_CREDENTIALS", "another credential_source"),
        (
            &named("Ec2InstanceMetadata"),
            "AWS_EC2_METADATA_DISABLED=true",
            "-p a",
            "AWS_EC2_METADATA_DISABLED is",
            "another",
        ),
    ]);
}

#[test]
fn sso_in_both_forms() {
    let session = "[sso-session corp]\nsso_region = e\nsso_start_url = u\n";
    let profile = "[profile p]\nsso_account_id = 1\nsso_role_name = R\n";
    let sso = |more: &str| format!("{session}{profile}{more}");
    check(&[
        (&sso("sso_session = corp"), "", "-r A -p p", "p:sso corp u e 1 R > A"),
        (&sso("sso_session = corp\nsso_region = e"), "", "-r A -p p", "p:sso corp u e 1 R > A"),
        (&sso("sso_region = x\nsso_start_url = y"), "", "-r A -p p", "p:sso - y x 1 R > A"),
        // Without account and role it is for tokens only.
        ("[profile p]\nsso_session = corp\n+AKP", "", "-r A -p p", "p:AKP > A"),
        (
            &sso("sso_session = corp\n[profile a]\nrole_arn = @A\nsource_profile = p"),
            "",
            "-p a",
            "p:sso corp u e 1 R > A",
        ),
    ]);
    refuse(&[
        (profile, "", "-r A -p p", "lacks sso_start_url, sso_region", "aws configure sso --profile p"),
        (
            "[profile p]\nsso_role_name = R\nsso_region = e\nsso_start_url = u",
            "",
            "-r A -p p",
            "lacks sso_account_id",
            "p",
        ),
        (
            "[profile p]\nsso_account_id = R\nsso_region = e\nsso_start_url = u",
            "",
            "-r A -p p",
            "lacks sso_role_name",
            "p",
        ),
        (
            &format!("[sso-session corp]\nsso_region = e\n{profile}sso_session = corp"),
            "",
            "-r A -p p",
            "lacks sso_start_url",
            "add sso_start_url to [sso-session corp]",
        ),
        (
            &sso("sso_session = corp\nsso_region = z"),
            "",
            "-r A -p p",
            "[sso-session corp] disagree about sso_region",
            "remove",
        ),
        (&sso("sso_session = crop"), "", "-r A -p p", "there is no [sso-session crop], which profile p", "corp"),
        (&format!("{profile}sso_session = x"), "", "-r A -p p", "there is no [sso-session x]", "add a section"),
    ]);
}

#[test]
fn profiles_that_are_not_there() {
    refuse(&[
        (BASE, "", "-p bass", "there is no profile bass, which --profile names", "known profiles: base"),
        (BASE, "", "-P x", "there is no profile x, which XASSUME_PROFILE names", "base"),
        (BASE, "KEYS AWS_PROFILE=x", "-r A", "there is no profile x, which AWS_PROFILE names", "base"),
        (BASE, "AWS_DEFAULT_PROFILE=x", "-r A", "which AWS_DEFAULT_PROFILE names", "base"),
        (BASE, "AWS_PROFILE=default", "-r A", "there is no profile default", "base"),
        ("", "AWS_PROFILE=x", "-r A", "there is no profile x", "AWS_CONFIG_FILE"),
        ("[x]\n", "AWS_PROFILE=x", "-r A", "there is no profile x", "[x], but must be written [profile x]"),
        ("---\n[profile x]", "", "-p x", "there is no profile x", "[profile x], but must be written [x]"),
    ]);
    // Another profile's name is not looked at.
    check(&[(BASE, "AWS_PROFILE=x", "-r A -p base", "base:AKB > A")]);
}

#[test]
fn settings_of_a_profile_go_to_its_hop() {
    let text = "[profile a]\nrole_arn = @A\nsource_profile = b\nrole_session_name = na\nexternal_id = ext-a\n\
                duration_seconds = 900\nmfa_serial = serial-aa\n\
                [profile b]\nrole_arn = @B\nsource_profile = c\nrole_session_name = nb\nexternal_id = ext-b\n\
                duration_seconds = 7200\nmfa_serial = serial-bb\n[profile c]\n+AKC\n";
    let web = "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w\nrole_session_name = nw\n\
               duration_seconds = 43200\nexternal_id = ext\nmfa_serial = serial-ww";
    check(&[
        (text, "", "-p b", "c:AKC > B,name=nb,ext=ext-b,for=7200,mfa=serial-bb"),
        (
            text,
            "AWS_ROLE_SESSION_NAME=aws",
            "-p a",
            // One code, and it is the user's.
            "c:AKC > B,name=nb,ext=ext-b,for=7200,mfa=serial-bb > A,name=na,ext=ext-a,for=900",
        ),
        (text, "AWS_ROLE_SESSION_NAME=aws", "-p c -r X", "c:AKC > X,name=aws"),
        (
            text,
            "AWS_ROLE_SESSION_NAME=not/valid",
            "-p b --name nn",
            "c:AKC > B,name=nn,ext=ext-b,for=7200,mfa=serial-bb",
        ),
        // Web identity takes neither external id nor MFA.
        (web, "", "-p w", "w:token /w > W,name=nw,for=43200"),
    ]);
    let of =
        |key_and_value: &str| format!("[profile a]\nrole_arn = @A\n{key_and_value}\ncredential_source = Environment");
    refuse(&[
        ("[profile a]\nrole_arn = x", "", "-p a", "profile a in config: role_arn `x` is not a role ARN", "looks like"),
        (&of("role_session_name = a/b"), "KEYS", "-p a", "role_session_name `a/b` has '/' in it", "letters"),
        (&of("external_id = x y"), "KEYS", "-p a", "external_id `x y` has ' '", "letters"),
        (
            &of("duration_seconds = 1h"),
            "KEYS",
            "-p a",
            "duration_seconds `1h` is not a whole number of seconds",
            "3600",
        ),
        (&of("duration_seconds = 60"), "KEYS", "-p a", "duration_seconds `60` is outside", "hour"),
        (&of("mfa_serial = short"), "KEYS", "-p a", "mfa_serial `short` has 5 characters", "AWS allows"),
        ("", "KEYS AWS_ROLE_SESSION_NAME=x", "-r A", "AWS_ROLE_SESSION_NAME `x` has 1 character;", "AWS allows"),
        ("---\n[a]\nrole_arn = x", "", "-p a", "profile a in credentials: role_arn", "looks like"),
    ]);
}

#[test]
fn flags_go_to_the_hop_that_they_are_about() {
    let all = "--name nn --external-id ee --duration 1h --mfa serial-ff --source-identity who --tag a=b --transitive a \
               --policy {} --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess";
    let last = "ext=ee,for=3600";
    let rest = "policy={},policies=1,tags=1,transitive=1";
    let profile = "[profile p]\nrole_arn = @P\ncredential_source = Environment\nexternal_id = ext-p\nduration_seconds = 900\n\
                   mfa_serial = serial-pp";
    check(&[
        ("", "KEYS", &format!("-r A {all}"), &format!("AKENV > A,name=nn,{last},mfa=serial-ff,who=who,{rest}")),
        (
            "",
            "KEYS",
            &format!("-r A -r B -r C {all}"),
            &format!("AKENV > A,name=nn,mfa=serial-ff,who=who > B,name=nn > C,name=nn,{last},{rest}"),
        ),
        (profile, "KEYS", &format!("-p p {all}"), &format!("AKENV > P,name=nn,{last},mfa=serial-ff,who=who,{rest}")),
        (
            profile,
            "KEYS",
            "-p p -r A --external-id ee --duration max",
            "AKENV > P,ext=ext-p,for=900,mfa=serial-pp > A,ext=ee,for=max",
        ),
        // By web identity the caller's flags go one further.
        (
            "",
            TOKEN,
            &format!("-r A -r B {all}"),
            &format!("env:token /t > A,name=nn > B,name=nn,{last},mfa=serial-ff,who=who,{rest}"),
        ),
        ("", TOKEN, "-r A --duration 12h --policy {}", "env:token /t > A,for=43200,policy={}"),
        // The hour of role chaining.
        ("", "KEYS", "-r A --duration 12h", "AKENV > A,for=43200"),
        ("", "KEYS", "-r A -r B --duration 1h", "AKENV > A > B,for=3600"),
        ("", "KEYS", "-r A -r B --duration max", "AKENV > A > B,for=max"),
    ]);
    let long = "[profile a]\nrole_arn = @A\nsource_profile = b\nduration_seconds = 3601\n[profile b]\nrole_arn = @B\n\
                credential_source = Environment";
    let ten: String = " -r A".repeat(10);
    assert_eq!(planned("", "KEYS", &ten).expect("ten roles").hops.len(), 10);
    refuse(&[
        ("", TOKEN, "-r A --external-id ee", "--external-id cannot be used", "leave it out"),
        ("", TOKEN, "-r A --tag a=b", "--tag cannot be used", "leave it out"),
        ("", TOKEN, "-r A --transitive a", "--transitive-tag cannot be used", "leave it out"),
        ("", TOKEN, "-r A --source-identity me", "--source-identity cannot be used", "leave it out"),
        ("", TOKEN, "-r A --mfa serial-ff", "--mfa-serial cannot be used", "leave it out"),
        ("", "KEYS", "-r A -r B --duration 61m", "role/B (role 2 of 2)", "leave out --duration"),
        ("", "KEYS", "-r A --duration max --mfa serial-ff", "each try would take an MFA code", "name the duration"),
        ("", TOKEN, "-r A -r B --duration 61m", "role/B (role 2 of 2)", "leave out --duration"),
        (long, "KEYS", "-p a", "role/A (role 2 of 2)", "remove duration_seconds from profile a"),
        (long, "KEYS", "-p a -r Z", "role/A (role 2 of 3)", "remove duration_seconds from profile a"),
        (long, "KEYS", "-p a --duration 2h", "role/A (role 2 of 2)", "leave out --duration"),
        ("", "KEYS", &format!("{ten} -r B"), "has more than 10 roles", "nearer"),
    ]);
    check(&[(long, "KEYS", "-p a --duration 1h", "AKENV > B > A,for=3600")]);
}

#[test]
fn the_region_comes_from_the_flag_the_variables_and_the_used_profile() {
    let text = "[default]\nregion = default-1\n[profile p]\nregion = p-1\nrole_arn = @P\nsource_profile = q\n\
                [profile q]\nregion = q-1\n+AKQ\n[profile n]\nrole_arn = @N\nsource_profile = q";
    let region = |variables: &str, flags: &str| {
        planned(text, &format!("KEYS {variables}"), flags)
            .expect("plan")
            .region
            .map(|Region { name, from }| (name, from))
    };
    let some = |name: &str, from| Some((name.to_owned(), from));
    let both = "AWS_REGION=env-1 AWS_DEFAULT_REGION=env-2";
    assert_eq!(region(both, "-p p --region flag-1"), some("flag-1", RegionFrom::Flag));
    assert_eq!(region(both, "-p p"), some("env-1", RegionFrom::Variable("AWS_REGION")));
    assert_eq!(region("AWS_DEFAULT_REGION=env-2", "-p p"), some("env-2", RegionFrom::Variable("AWS_DEFAULT_REGION")));
    assert_eq!(region("", "-p p"), some("p-1", RegionFrom::Profile("p".into())));
    // Also where keys in the environment are the source; never the source profile's.
    assert_eq!(region("AWS_PROFILE=p", "-r A"), some("p-1", RegionFrom::Profile("p".into())));
    assert_eq!(region("", "-r A"), some("default-1", RegionFrom::Profile("default".into())));
    assert_eq!(region("", "-p n"), None);
    refuse(&[
        ("", "KEYS AWS_REGION=eu/west", "-r A", "AWS_REGION `eu/west` is not the name of a region", "eu-west-1"),
        ("", "KEYS", "-r A --region -x", "--region `-x` is not the name", "eu-west-1"),
        ("[default]\nregion = a b", "KEYS", "-r A", "profile default in config: region `a b` is not", "eu-west-1"),
    ]);
}

#[test]
fn the_network_comes_from_variables_before_the_used_profile() {
    let text = "[default]\nservices = s\nendpoint_url = http://profile\nca_bundle = /profile.pem\nuse_fips_endpoint = True\n\
                use_dualstack_endpoint = true\n[services s]\nsts =\n\u{20} endpoint_url = http://service\n\
                [profile e]\nendpoint_url = http://e\nservices = other\n[services other]\ns3 =\n\u{20} endpoint_url = x\n\
                [profile i]\nendpoint_url = http://i\nignore_configured_endpoint_urls = true\n[profile n]\nservices = none";
    // The rows are about nesting, so lines are not trimmed here.
    let set = files(text, "");
    let network = |variables: &str, flags: &str| {
        let variables = format!("AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=s {variables}");
        plan(&request(flags), &set, &vars(&variables)).map(|plan| plan.network)
    };
    let url = |variables: &str, flags: &str| network(variables, flags).expect("network").endpoint_url;
    let some = |url: &str| Some(url.to_owned());
    let (all, sts) = ("AWS_ENDPOINT_URL=http://all", "AWS_ENDPOINT_URL_STS=http://sts");
    assert_eq!(url(&format!("{all} {sts}"), "-r A"), some("http://sts"));
    assert_eq!(url(all, "-r A"), some("http://all"));
    assert_eq!(url("", "-r A"), some("http://service"));
    assert_eq!(url("AWS_PROFILE=e", "-r A"), some("http://e"));
    assert_eq!(url("AWS_PROFILE=i", "-r A"), None);
    assert_eq!(url(&format!("AWS_PROFILE=i {sts}"), "-r A"), None);
    assert_eq!(url("AWS_PROFILE=i AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "-r A"), some("http://i"));
    assert_eq!(url(&format!("{sts} AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"), "-r A"), None);
    assert_eq!(url(&format!("AWS_PROFILE=n {all}"), "-r A"), some("http://all"));
    let missing = network("AWS_PROFILE=n", "-r A").expect_err("no section");
    assert_eq!(missing.to_string(), "there is no [services none], which profile n names");

    let default = network("", "-r A").expect("network");
    assert_eq!(
        (default.ca_bundle.as_deref(), default.fips, default.dualstack),
        (Some(Path::new("/profile.pem")), true, true)
    );
    let off = "AWS_CA_BUNDLE=/env.pem AWS_USE_FIPS_ENDPOINT=false AWS_USE_DUALSTACK_ENDPOINT=no";
    let env = network(off, "-r A").expect("network");
    assert_eq!((env.ca_bundle.as_deref(), env.fips, env.dualstack), (Some(Path::new("/env.pem")), false, false));
    let on = network("AWS_PROFILE=e AWS_USE_FIPS_ENDPOINT=true", "-r A").expect("network");
    assert_eq!((on.ca_bundle, on.fips, on.dualstack), (None, true, false));
}

#[test]
fn notes_say_what_was_passed_over() {
    for (text, variables, flags, expected) in [
        (DEPLOY, "", "-r A", ""),
        (DEPLOY, "", "-r A -R V", "XASSUME_ROLE_ARN is not used: --role-arn comes first"),
        (DEPLOY, "", "-p deploy -R V", "XASSUME_ROLE_ARN is not used: the role of --profile comes first"),
        (
            DEPLOY,
            "AWS_PROFILE=deploy AWS_DEFAULT_PROFILE=base",
            "",
            "AWS_DEFAULT_PROFILE=base is not used: AWS_PROFILE=deploy",
        ),
        (DEPLOY, "AWS_PROFILE=base", "-P deploy", "AWS_PROFILE=base is not used: XASSUME_PROFILE=deploy comes first"),
        (
            DEPLOY,
            "KEYS AWS_PROFILE=deploy",
            "-r A",
            "profile deploy is not the source: there are keys in the environment",
        ),
        (
            DEPLOY,
            "KEYS AWS_PROFILE=deploy",
            "",
            "keys in the environment are used in place of the source of profile deploy",
        ),
        (DEPLOY, "AWS_PROFILE=base AWS_WEB_IDENTITY_TOKEN_FILE=/t", "-r A", "profile base is not the source: AWS_WEB"),
        (
            DEPLOY,
            "AWS_PROFILE=base",
            "-r A --token /f",
            "profile base is not the source: a web identity token file was",
        ),
        (
            "",
            "KEYS AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t",
            "",
            "keys in the environment are not used: AWS_ROLE_ARN",
        ),
        (
            "",
            "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t",
            "-r A --token /f",
            "AWS_ROLE_ARN is not used: it goes with",
        ),
        (
            "[profile b]\nrole_arn = @B\nmfa_serial = serial-bb\ncredential_source = Environment\n\
             [profile a]\nrole_arn = @A\nmfa_serial = serial-aa\nsource_profile = b",
            "KEYS",
            "-p a",
            "mfa_serial is not used for arn:aws:iam::123456789012:role/A: the one code goes with a role before it",
        ),
        ("[default]\nuse_fips_endpoint = yes", "KEYS", "-r A", "use_fips_endpoint = yes counts as false"),
        ("", "KEYS AWS_USE_FIPS_ENDPOINT=1", "-r A", "AWS_USE_FIPS_ENDPOINT = 1 counts as false"),
        ("[default]\nretry_mode = legacy", "KEYS", "-r A", "retry_mode of profile default is not used"),
        ("", "KEYS AWS_ACCESS_KEY=a", "-r A", "AWS_ACCESS_KEY is not used: keys are read from AWS_ACCESS_KEY_ID"),
        ("[default]\nsts_regional_endpoints = legacy", "KEYS", "-r A", "sts_regional_endpoints = legacy is ignored"),
        ("", "KEYS AWS_STS_REGIONAL_ENDPOINTS=legacy", "-r A", "sts_regional_endpoints = legacy is ignored"),
        ("[profile default]\n[default]", "KEYS", "-r A", "[default] is ignored: [profile default] stands beside it"),
        (
            "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w\nexternal_id = ext",
            "",
            "-p w",
            "external_id and mfa_serial are ignored for arn:aws:iam::123456789012:role/W",
        ),
    ] {
        let notes = planned(text, variables, flags).expect(text).notes.join("; ");
        assert!(notes.starts_with(expected) && !notes.contains("; "), "{notes} / {expected}");
        assert_eq!(notes.is_empty(), expected.is_empty(), "{notes}");
    }
}

#[test]
fn the_used_profile_is_told_and_sources_describe_themselves_without_secrets() {
    let used = |variables, flags| planned(DEPLOY, variables, flags).expect("plan").profile;
    assert_eq!(used("", "-p deploy").as_deref(), Some("deploy"));
    assert_eq!(used("KEYS AWS_PROFILE=base", "-r A").as_deref(), Some("base"));
    assert_eq!(used("", "-r A").as_deref(), Some("default"));
    assert_eq!(planned("", "KEYS", "-r A").expect("plan").profile, None);
    for (text, variables, flags, expected) in [
        ("", "KEYS", "-r A", "keys in the environment (AKENV)"),
        (BASE, "", "-r A -p base", "keys of profile base (AKB)"),
        (
            "[default]\ncredential_process = /bin/x --password hidden",
            "",
            "-r A",
            "credential_process of profile default (/bin/x)",
        ),
        ("[default]\nlogin_session = arn:l", "", "-r A", "`aws login` of profile default (arn:l)"),
        (
            "[default]\nsso_start_url=u\nsso_region=e\nsso_account_id=1\nsso_role_name=R",
            "",
            "-r A",
            "SSO of profile default (R in account 1)",
        ),
        ("", TOKEN, "-r A", "web identity token /t (AWS_WEB_IDENTITY_TOKEN_FILE)"),
        ("", "", "-r A --token /f", "web identity token /f"),
        ("[default]\nweb_identity_token_file = /w", "", "-r A", "web identity token /w of profile default"),
        ("", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-r A", "the container's credentials endpoint"),
        ("", "", "-r A", "the instance's role (EC2 metadata)"),
    ] {
        let plan = planned(text, variables, flags).expect(text);
        assert_eq!(plan.source.to_string(), expected);
        assert_eq!(plan.source.is_web_identity(), expected.starts_with("web"));
    }
}

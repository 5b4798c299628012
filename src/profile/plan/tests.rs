//! Tests of plans as tables. A row contains files, variables and flags, and the expected source credentials and hops.

mod also;
mod chain;
mod conflicts;
mod last_resort;
mod notes;
mod options;
mod own;
mod source;
mod title;

use super::{Plan, plan};
use crate::error::ConfigError;
use crate::flags::{
    DURATION, EXTERNAL_ID, MFA_SERIAL, POLICY, POLICY_ARN, PROFILE, ROLE_ARN, ROLE_SESSION_NAME, SOURCE_IDENTITY, TAG,
    TRANSITIVE_TAG, WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE,
};
use crate::origin::Origin;
use crate::profile::source::SsoSession;
use crate::profile::token::{Audience, TokenFrom, TokenSource};
use crate::profile::{AlsoRole, ProfileSet, Request, Source};
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

/// Parses flags in a short form: `-p NAME`, `-P NAME` (`XASSUME_PROFILE`), `-r ROLE`, `-R ROLE` (`XASSUME_ROLE_ARN`),
/// `--also NAME`, `--also-role ROLE`, and the other flags by name. A `$` before a flag stands for the flag's variable.
fn request(flags: &str) -> Request {
    let mut request = Request {
        roles: Vec::new(),
        profile: None,
        session_name: None,
        default_session_name: RoleSessionName::parse("me").expect("name"),
        options: HopOptions::default(),
        web_identity: None,
        also: None,
        region: None,
        origins: Vec::new(),
        needs_expiry: None,
    };
    let mut words = flags.split_whitespace();
    while let (Some(flag), Some(value)) = (words.next(), words.next()) {
        let options = &mut request.options;
        let (flag, by_variable) = flag.strip_prefix('$').map_or((flag, false), |flag| (flag, true));
        let of = match flag {
            "--name" => Some(&ROLE_SESSION_NAME),
            "--policy" => Some(&POLICY),
            "--policy-arn" => Some(&POLICY_ARN),
            "-p" | "-P" => Some(&PROFILE),
            "-r" | "-R" => Some(&ROLE_ARN),
            "--token" => Some(&WEB_IDENTITY_TOKEN_FILE),
            "--token-command" => Some(&WEB_IDENTITY_TOKEN_COMMAND),
            "--provider" => Some(&WEB_IDENTITY_PROVIDER),
            "--external-id" => Some(&EXTERNAL_ID),
            "--duration" => Some(&DURATION),
            "--mfa" => Some(&MFA_SERIAL),
            "--source-identity" => Some(&SOURCE_IDENTITY),
            "--tag" => Some(&TAG),
            "--transitive" => Some(&TRANSITIVE_TAG),
            _ => None,
        };
        let origin = if by_variable || ["-P", "-R"].contains(&flag) { Origin::Variable } else { Origin::Flag };
        request.origins.extend(of.map(origin));
        match flag {
            "-p" | "-P" => request.profile = Some(value.into()),
            "-r" | "-R" => request.roles.push(role(value)),
            "--name" => request.session_name = Some(RoleSessionName::parse(value).expect(value)),
            "--token" => {
                let token = TokenSource::File(value.into());
                request.web_identity = Some((token, origin(&WEB_IDENTITY_TOKEN_FILE)));
            }
            "--token-command" => {
                request.web_identity = Some((TokenSource::Command(value.into()), origin(&WEB_IDENTITY_TOKEN_COMMAND)));
            }
            "--provider" => {
                assert_eq!(value, "github");
                let token = TokenSource::GitHub { audience: Audience::default() };
                request.web_identity = Some((token, origin(&WEB_IDENTITY_PROVIDER)));
            }
            "--also" => (request.profile, request.also) = (Some(value.into()), Some(AlsoRole::OfProfile)),
            "--also-role" => request.also = Some(AlsoRole::Given(role(value))),
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

/// Parses variables of the form `NAME=value`, separated by spaces.
fn vars(words: &str) -> Vars {
    words.split_whitespace().map(|word| word.split_once('=').expect(word)).collect()
}

fn files(config: &str, credentials: &str) -> ProfileSet {
    let (config, credentials) = (config.as_bytes(), credentials.as_bytes());
    ProfileSet::parse((Path::new("config"), config), (Path::new("credentials"), credentials)).expect("parses")
}

/// Makes a plan. `text` is the config file and, after a line `---`, the credentials file. `@NAME` stands for a role's
/// ARN and `+ID` for an access key.
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
        Source::Sso { session, account_id, role_name } => {
            let SsoSession { profile, name, start_url, region, scopes } = session;
            let session = name.as_deref().unwrap_or("-");
            let scopes = scopes.as_ref().map(|scopes| format!(" {}", scopes.join("+"))).unwrap_or_default();
            format!("{profile}:sso {session} {start_url} {region} {account_id} {role_name}{scopes}")
        }
        Source::Login { profile, session_arn } => format!("{profile}:login {session_arn}"),
        Source::WebIdentity { token, from } => {
            let token = match token {
                TokenSource::File(path) => path.display().to_string(),
                TokenSource::Command(command) => format!("by {command}"),
                TokenSource::GitHub { audience } => format!("for {}", audience.as_str()),
            };
            match from {
                TokenFrom::Flag(_) => format!("token {token}"),
                TokenFrom::Variable => format!("env:token {token}"),
                TokenFrom::Profile { name, .. } => format!("{name}:token {token}"),
            }
        }
        Source::Container => "container".into(),
        Source::InstanceMetadata => "instance".into(),
    }
}

/// Shows a hop as the name of its role and the other parameters of the request.
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

/// Shows the plan as `source > hop > hop`, or the error as `! error | hint`.
fn shown(text: &str, variables: &str, flags: &str) -> String {
    match planned(text, variables, flags) {
        Ok(plan) => {
            let device = plan.device.iter().map(|serial| format!("mfa={serial}"));
            let hops = plan.hops.iter().map(shown_hop);
            std::iter::once(shown_source(&plan.source)).chain(device).chain(hops).collect::<Vec<_>>().join(" > ")
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 200 && !text.contains('\n'), "{text}");
            format!("! {text} | {}", error.hint().unwrap_or_default())
        }
    }
}

/// Checks rows that contain files, variables, flags, and the expected plan.
fn check(rows: &[(&str, &str, &str, &str)]) {
    for (text, variables, flags, expected) in rows {
        assert_eq!(shown(text, variables, flags), *expected, "\n{text}\n{variables} / {flags}");
    }
}

/// Checks rows that contain files, variables, flags, and parts of the expected error and its hint.
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

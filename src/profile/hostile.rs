//! Checks the plan with malicious shared config files and variables. See `crate::hostile`.
#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use super::text::{FileKind, Line, Section, scan};
use super::{Plan, ProfileSet, Request, exported_settings, plan};
use crate::deliver::config_copy::{self, OtherProfile, selects_credentials};
use crate::error::{ConfigError, Error};
use crate::hostile::{Bound, bounded, checked_page, redacted, seen};
use crate::role::{HopOptions, MAX_HOPS, RoleArn, RoleSessionName, SessionDuration};
use crate::vars::Vars;
use std::path::Path;

const BOUND: Bound = Bound { room: 256 << 10, per_byte: 512 };
/// Separates the parts of an input. The parts are the config file, the credentials file, and the variables and flags.
const CUT: &str = "%%\n";

/// The settings and variables whose values are secret. Their values in the input are replaced by [`SECRET`].
const IS_SECRET: [&str; 3] = ["aws_secret_access_key", "aws_session_token", "aws_security_token"];
const SECRET: &str = "kWq7/Zx+9vJ0bTn=";

/// Makes a plan. The input contains both shared files, and then one line for each variable (`NAME=VALUE`),
/// `--role-arn=…`, `--profile=…` or `--duration=…`.
pub fn config_plan(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, CUT);
    let [config, credentials, words] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let (vars, request) = surroundings(words);
    every_byte_is_kept(config);
    let (config, credentials) =
        (&with_secrets(FileKind::Config, config), &with_secrets(FileKind::Credentials, credentials));
    let read = || {
        let files = (Path::new("config"), config.as_bytes());
        let profiles = ProfileSet::parse(files, (Path::new("credentials"), credentials.as_bytes()))?;
        let plan = plan(&request, &profiles, &vars);
        Ok::<_, ConfigError>((profiles, plan))
    };
    let shown = match bounded(text.len(), BOUND, read) {
        Ok((profiles, Ok(plan))) => {
            keeps_the_limits(&plan);
            let used = plan.profile.as_deref();
            let included =
                used.map(|name| [vec![name.to_owned()], profiles.includes(name).unwrap_or_default()].concat());
            copy_has_no_identity(config, &included.unwrap_or_default());
            let exported = used.map(|used| exported_settings(&profiles, used)).unwrap_or_default();
            let hops: String = plan.hops.iter().map(ToString::to_string).collect();
            let hints = format!("{} {hops} {exported:?} {:?}", plan.source, plan.notes);
            seen(&profiles) + &seen(&plan) + &hints
        }
        Ok((profiles, Err(error))) => seen(&profiles) + &refusal(error),
        Err(error) => refusal(error),
    };
    redacted([SECRET].into_iter().filter(|secret| !text.contains(secret)), &shown);
}

fn refusal(error: ConfigError) -> String {
    let seen = seen(&error);
    seen + &checked_page(&Error::from(error))
}

fn surroundings(words: &str) -> (Vars, Request) {
    let mut request = Request {
        roles: Vec::new(),
        profile: None,
        session_name: None,
        default_session_name: RoleSessionName::parse("xassume").expect("a name"),
        options: HopOptions::default(),
        web_identity: None,
        also: None,
        region: None,
        origins: Vec::new(),
        needs_expiry: None,
    };
    let mut vars = Vec::new();
    for (name, value) in words.lines().filter_map(|line| line.split_once('=')) {
        match name {
            "--role-arn" => request.roles.extend(RoleArn::parse(value).ok()),
            "--profile" => request.profile = Some(value.into()),
            "--duration" => request.options.duration = SessionDuration::parse(value).ok(),
            name if IS_SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name)) => vars.push((name, SECRET)),
            _ => vars.push((name, value)),
        }
    }
    (vars.into_iter().collect(), request)
}

/// Returns the file with [`SECRET`] as the value of each secret key.
fn with_secrets(kind: FileKind, file: &str) -> String {
    let lines = scan(kind, file.as_bytes()).map(|scanned| {
        let mut raw = String::from_utf8_lossy(scanned.raw).into_owned();
        if let Line::Property { key, value } = &scanned.line
            && IS_SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(key))
            && let Some(at) = raw.rfind(value.reveal()).filter(|_| !value.reveal().is_empty())
        {
            raw.replace_range(at..at + value.reveal().len(), SECRET);
        }
        raw
    });
    lines.collect()
}

fn every_byte_is_kept(config: &str) {
    let scanned: Vec<_> = scan(FileKind::Config, config.as_bytes()).collect();
    assert_eq!(scanned.iter().map(|line| line.raw).collect::<Vec<_>>().concat(), config.as_bytes());
    assert!(scanned.iter().zip(1..).all(|(line, number)| line.number == number));
}

fn keeps_the_limits(plan: &Plan) {
    let hops: Vec<_> = plan.hops.iter().collect();
    assert!(hops.len() <= MAX_HOPS, "{} hops", hops.len());
    assert!(!hops.is_empty() || plan.profile.is_some(), "without a role, a profile is named");
    assert!(plan.device.is_none() || hops.is_empty(), "a device belongs to a role or to the user");
    for (at, hop) in hops.iter().enumerate() {
        assert_eq!(RoleArn::parse(hop.role.as_str()).as_ref(), Ok(&hop.role));
        assert_eq!(RoleSessionName::parse(hop.session_name.as_str()).as_ref(), Ok(&hop.session_name));
        if let Some(SessionDuration::Exactly(asked)) = hop.options.duration {
            assert!(at == 0 || asked <= SessionDuration::HOUR, "{asked:?} for role {at} of a chain");
            assert_eq!(SessionDuration::from_duration(asked), Ok(SessionDuration::Exactly(asked)));
        }
    }
    let devices = hops.iter().filter(|hop| hop.options.mfa_serial.is_some()).count();
    assert!(devices <= 1, "one code, {devices} devices");
}

/// Checks that the command's copy of the config file contains no credentials and no role, and that filtering the copy
/// again changes nothing.
fn copy_has_no_identity(config: &str, used: &[String]) {
    let others = [OtherProfile { name: "x", used: used.to_vec(), region: None }];
    let copy = bounded(config.len(), BOUND, || config_copy::filter(config.as_bytes(), (used, None), &others));
    for scanned in scan(FileKind::Config, &copy) {
        match scanned.line {
            Line::Property { key, .. } => assert!(!selects_credentials(&key), "{key} is in the copy"),
            Line::Section(section) => assert!(!matches!(section, Section::SsoSession(_)), "an SSO session in the copy"),
            _ => {}
        }
    }
    let again = config_copy::filter(&copy, (&[], None), &[]);
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&copy), "filtered twice");
    let parsed = ProfileSet::parse((Path::new("copy"), &copy), (Path::new(""), b""));
    assert!(parsed.is_ok(), "the copy of a file that can be read cannot: {parsed:?}");
}

//! Each kind of error has a page. The kinds are read from the source, and recognised by the words that it has for them.

use super::page::directory;
use crate::support::on_one_line;
use std::fs;
use std::path::Path;

/// Kinds that no page can show.
const WITHOUT: &[(&str, &str)] = &[
    ("MfaFailure::SameAgain", "only a refresh can show it, in a warning that the command runs on"),
    (
        "NetworkFailure::TooLate",
        "an answer must come in the moment in which time is up; a unit test of `sts::cuts` begins with none left",
    ),
    ("LastTry::Told", "chance decides how many tries there is time for: `tests/network.rs` waits for it"),
    ("ProcessFailure::CouldNotStart", "it is run by /bin/sh, which is always there"),
    (
        "StsCall::GetCallerIdentity",
        "a step of `--check`, told on standard output (`tests/check.rs`); its network failures have the pages of the others",
    ),
    ("Error::Exhausted", "`tests/faults` plays it, with limits of processes, memory and open files"),
    (
        "Error::System",
        "for the command's SDK (`tests/via_process.rs`), and where the kernel has no descriptors or signals to give",
    ),
];

/// Kinds that their error's own text does not tell apart: the words of a page that is about them.
const BY_HINT: &[(&str, &str)] = &[
    ("Refusal::AccessDenied", "the caller and the role must both allow it"),
    ("Refusal::RootUser", "no policy lets root users assume roles"),
    ("PolicyKind::Identity", "a Deny in the caller's identity policy"),
    ("PolicyKind::Trust", "the role's trust policy lacks a statement"),
    ("PolicyKind::ServiceControl", "a service control policy of the caller's organisation"),
    ("PolicyKind::ResourceControl", "a resource control policy of the role's organisation"),
    ("PolicyKind::Boundary", "the caller's permissions boundary must allow"),
    ("PolicyKind::Session", "was made with a session policy"),
    ("PolicyKind::VpcEndpoint", "the policy of the VPC endpoint that leads to STS"),
    ("Lack::NoAllow", "(missing)"),
    ("Lack::Deny", "outweighs every Allow"),
    ("Refusal::MfaRejected", "give the current code of"),
    ("Refusal::SourceExpired", "the credentials that assume the role have expired"),
    ("Refusal::SourceUnknown", "the access key is unknown in partition"),
    ("Refusal::Signature", "the secret access key does not belong to the access key id"),
    ("Refusal::DurationAboveRole", "or raise the role's MaxSessionDuration"),
    ("Refusal::DurationAboveChaining", "a role assumed from temporary credentials gets one hour"),
    ("Refusal::RegionDisabled", "activate STS in ap-east-1"),
    ("Refusal::BadPolicy", "check --policy"),
    ("Refusal::PackedPolicy", "use a smaller --policy"),
    ("Refusal::TokenRejected", "the role's trust policy must name the token's issuer"),
    ("Refusal::Throttled", "STS allows 600 requests a second"),
    ("Refusal::Unavailable", "STS has a failure of its own"),
    ("Refusal::Other", "SomethingNew: Nobody has seen this before."),
    ("Answer::None", "the container's credentials endpoint: Connection refused"),
    ("Answer::Refused", "the container's credentials endpoint: it answers with HTTP status 401"),
    ("MetadataFailure::Silent", "nothing answers at http://"),
    ("MetadataFailure::NoRole", "attach an instance profile"),
    ("MetadataFailure::Unusable", "its list of roles does not begin with the name of a role"),
    ("SourceError::File", "web identity token file"),
    ("StsCall::AssumeRole", "cannot assume"),
    ("StsCall::AssumeRoleWithWebIdentity", "\"Action\":\"sts:AssumeRoleWithWebIdentity\""),
    ("StsCall::GetSessionToken", "cannot get an MFA session for"),
    ("Cause::Refused", "AccessDenied: User:"),
    ("Cause::Network", "cannot be reached"),
    ("Cause::Garbage", "STS's answer cannot be understood"),
    ("CodeOrigin::Prompt", "what the terminal gave"),
    ("CodeOrigin::StandardInput", "standard input gave"),
    ("CodeOrigin::Command", "what --mfa-command gave"),
    // Their words are those of the error within.
    ("Error::Usage", "no command was given"),
    ("Error::Config", "there is no profile"),
    ("Error::Source", "no source credentials"),
    ("Error::Mfa", "no MFA code of"),
    ("Error::Assume", "cannot assume"),
    ("Error::Value", "--expect-account `production` is not an account id"),
    ("Error::Missing", "xassume is nested 8 deep"),
    ("ProcessFailure::Ended", "credential_process of profile dev: it exited with status 3"),
    ("ConfigError::Value", "duration_seconds `60` is outside"),
    ("DurationBy::Word", "as --duration does"),
    ("DurationBy::Profile", "remove duration_seconds from profile deploy"),
    ("ConfigError::Variable", "AWS_ROLE_ARN `DeployMaster` is not a role ARN"),
];

/// One enum of `src/error`: its kinds, and the text that it is told with.
struct Kinds {
    name: String,
    variants: Vec<String>,
    display: String,
}

/// The type whose text tells the enum's kinds.
fn told_by(name: &str) -> &str {
    match name {
        "MfaFailure" => "MfaError",
        "LastTry" => "Effort",
        other => other,
    }
}

/// The texts of a folder's sources, but of those that are tests.
fn sources(directory: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(directory).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.file_name() != Some("tests.rs".as_ref()) {
            texts.push(fs::read_to_string(path).expect("a source"));
        }
    }
    texts
}

fn kinds() -> Vec<Kinds> {
    let mut found = Vec::new();
    for text in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error")) {
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (at, _) in text.match_indices("pub(crate) enum ") {
            let rest = &text[at + "pub(crate) enum ".len()..];
            let (name, body) = rest.split_once(" {\n").expect("an enum has a body");
            let body = body.split("\n}\n").next().unwrap_or_default();
            let variants = body
                .lines()
                .filter_map(|line| line.strip_prefix("    "))
                .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
                .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect())
                .collect();
            let display = text
                .split_once(&format!("impl fmt::Display for {} {{\n", told_by(name)))
                .map(|(_, rest)| rest.split("\n}\n").next().unwrap_or_default().to_owned());
            found.push(Kinds { name: name.to_owned(), variants, display: display.unwrap_or_default() });
        }
    }
    found
}

/// The longest words that the enum's text has for this kind between the facts that it fills in.
fn words(kinds: &Kinds, variant: &str) -> Option<String> {
    let arm = ["Self", &kinds.name].iter().find_map(|owner| {
        let pattern = format!("{owner}::{variant}");
        let ends = kinds.display.match_indices(&pattern).map(|(at, found)| &kinds.display[at + found.len()..]);
        let mut whole = ends.filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
        whole.next()?.split(&format!("{owner}::")).next()
    })?;
    let texts = arm.split('"').skip(1).step_by(2);
    let pieces = texts.flat_map(|text| text.split(['{', '}']).step_by(2).map(str::trim));
    pieces.max_by_key(|piece| piece.len()).filter(|piece| piece.len() > 7).map(str::to_owned)
}

#[test]
fn each_kind_of_error_has_a_page_or_a_reason() {
    if super::updating() {
        return;
    }
    let pages: Vec<String> = fs::read_dir(directory())
        .expect("there are approved pages")
        .map(|entry| on_one_line(&fs::read_to_string(entry.expect("an entry").path()).expect("a page")))
        .collect();
    let kinds = kinds();
    assert!(kinds.len() > 5 && kinds.iter().all(|kinds| !kinds.variants.is_empty()), "the sources are understood");
    let mut wrong = Vec::new();
    let mut known = Vec::new();
    for kinds in &kinds {
        for variant in &kinds.variants {
            let name = format!("{}::{variant}", kinds.name);
            let listed = BY_HINT.iter().find(|(known, _)| *known == name).map(|(_, words)| (*words).to_owned());
            let words = listed.or_else(|| words(kinds, variant));
            let shown = words.as_ref().is_some_and(|words| pages.iter().any(|page| page.contains(words.as_str())));
            let excused = WITHOUT.iter().any(|(known, _)| *known == name);
            if shown == excused {
                wrong.push(format!("{name}: shown {shown}, excused {excused}, by {words:?}"));
            }
            known.push(name);
        }
    }
    for (name, _) in BY_HINT.iter().chain(WITHOUT) {
        if !known.iter().any(|known| known == name) {
            wrong.push(format!("{name} is no kind of error any more"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The copy of the user's config file that the command gets. It contains everything except the settings that select
//! credentials.
//!
//! The copy is a filter over the raw lines. Lines that the filter does not know are kept byte for byte, such as new AWS
//! settings, comments and text in other encodings.

use crate::profile::DEFAULT;
use crate::profile::text::{FileKind, Line, Section, scan};
use std::collections::BTreeMap;

/// The settings that select credentials, in addition to every setting that begins with `sso_`.
const CREDENTIAL_SETTINGS: &[&str] = &[
    "aws_access_key_id",
    "aws_account_id",
    "aws_secret_access_key",
    "aws_security_token",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "external_id",
    "include_profile",
    "login_session",
    "mfa_process",
    "mfa_serial",
    "role_arn",
    "role_session_name",
    "session_tags",
    "source_identity",
    "source_profile",
    "transitive_session_tags",
    "web_identity_token_file",
    "web_identity_token_process",
];

pub(crate) fn selects_credentials(key: &str) -> bool {
    CREDENTIAL_SETTINGS.contains(&key) || key.starts_with("sso_")
}

/// A profile of the command beside `[default]` (`--also`). Its section replaces the sections with its name.
pub(crate) struct OtherProfile<'a> {
    pub(crate) name: &'a str,
    /// The profile whose settings it gets, and the profiles that this profile includes.
    pub(crate) used: Vec<String>,
    /// The region, unless it is one of the settings.
    pub(crate) region: Option<String>,
}

/// A setting of a profile, with its lines.
struct ProfileSetting {
    profile: String,
    key: String,
    lines: Vec<u8>,
}

/// What the copy does with a section.
struct Treatment {
    /// Whether the section stays.
    kept: bool,
    /// The name of the section's profile if its settings become part of a new section.
    used: Option<String>,
}

fn treatment(section: &Section, used: &[String], others: &[OtherProfile<'_>]) -> Treatment {
    let name = match section {
        Section::SsoSession(_) => return Treatment { kept: false, used: None },
        Section::Services(_) | Section::Other(_) => return Treatment { kept: true, used: None },
        Section::Default => DEFAULT,
        Section::Profile(name) => name,
    };
    let kept = (used.is_empty() || name != DEFAULT) && others.iter().all(|other| other.name != name);
    let is_used = used.iter().chain(others.iter().flat_map(|other| &other.used)).any(|used| used == name);
    Treatment { kept, used: is_used.then(|| name.to_owned()) }
}

/// Copies a config file without the settings that select credentials (including their continuation lines), and without
/// the `sso-session` sections.
///
/// `used_profiles` are the profile that the session comes from and the profiles that it includes. Their other settings
/// become `[default]`, at the end of the copy. If several profiles have a key, the first one counts. The new section
/// replaces a `[default]` or `[profile default]` section of the file, because a profile inherits nothing from the
/// default profile. The used profiles also keep their own names, for a command that asks for such a name. If
/// `used_profiles` is empty or only the default profile, `[default]` stays where it is.
///
/// `region` is a region for `[default]` that is not one of these settings. The sections of `others` come last.
pub(crate) fn filter(
    text: &[u8],
    (used_profiles, region): (&[String], Option<String>),
    others: &[OtherProfile<'_>],
) -> Vec<u8> {
    let default = [DEFAULT.to_owned()];
    let used = match (used_profiles, &region) {
        ([], Some(_)) => &default[..],
        ([only], None) if only == DEFAULT => &[],
        _ => used_profiles,
    };
    let (mut copy, settings) = kept_lines(text, used, others);
    if !used.is_empty() {
        append("[default]", used, (&settings, region.as_deref()), &mut copy);
    }
    for OtherProfile { name, used, region } in others {
        append(&format!("[profile {name}]"), used, (&settings, region.as_deref()), &mut copy);
    }
    copy
}

/// Returns the lines that stay where they are, and the settings for the new sections.
fn kept_lines(text: &[u8], used: &[String], others: &[OtherProfile<'_>]) -> (Vec<u8>, Vec<ProfileSetting>) {
    let mut copy = Vec::with_capacity(text.len() * 2);
    let mut settings: Vec<ProfileSetting> = Vec::new();
    let mut section = Treatment { kept: true, used: None };
    let mut in_identity = false;
    // `[profile default]` replaces `[default]`.
    let prefixed = Line::Section(Section::Profile(DEFAULT.to_owned()));
    let is_replaced = scan(FileKind::Config, text).any(|scanned| scanned.line == prefixed);
    for scanned in scan(FileKind::Config, text) {
        let mut raw = scanned.raw;
        let dropped = match &scanned.line {
            Line::Section(next) => {
                // After a removed section, an indented header would continue the setting before that section.
                if !section.kept {
                    raw = unindented(raw);
                }
                section = treatment(next, used, others);
                if is_replaced && *next == Section::Default {
                    section.used = None;
                }
                in_identity = false;
                false
            }
            Line::Property { key, .. } => {
                in_identity = selects_credentials(key);
                in_identity
            }
            Line::Continuation(_) => in_identity,
            // In every SDK except Python's, an indented comment continues the setting above it. So the comment is left
            // out if that setting is left out.
            Line::Comment => in_identity && scanned.raw.first().is_some_and(u8::is_ascii_whitespace),
            Line::Blank | Line::Malformed(_) => false,
        };
        if dropped {
            continue;
        }
        if section.kept {
            copy.extend_from_slice(raw);
        }
        match (scanned.line, &section.used) {
            // The first property of a section may be indented. In the new section another property may come before it,
            // and an indented line would continue that property, so the indent is removed.
            (Line::Property { key, .. }, Some(profile)) => {
                let (profile, lines) = (profile.clone(), unindented(raw).to_owned());
                settings.push(ProfileSetting { profile, key, lines });
            }
            (Line::Continuation(_), Some(_)) => {
                if let Some(setting) = settings.last_mut() {
                    setting.lines.extend_from_slice(raw);
                }
            }
            _ => {}
        }
    }
    (copy, settings)
}

/// Returns a line without its indentation, which is the white space that [`scan`] counts.
fn unindented(raw: &[u8]) -> &[u8] {
    // The text before the first other character is valid, so its length is the same in both.
    let text = String::from_utf8_lossy(raw);
    raw.get(text.len() - text.trim_start().len()..).unwrap_or_default()
}

/// Appends a section with this region and the settings of the used profiles.
fn append(header: &str, used: &[String], (settings, region): (&[ProfileSetting], Option<&str>), copy: &mut Vec<u8>) {
    begin_line(copy);
    let region = region.map(|region| format!("region = {region}\n")).unwrap_or_default();
    copy.extend_from_slice(format!("{header}\n{region}").as_bytes());
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for profile in used {
        for ProfileSetting { key, lines, .. } in settings.iter().filter(|setting| setting.profile == *profile) {
            if *first.entry(key).or_insert(profile) == profile {
                begin_line(copy);
                copy.extend_from_slice(lines);
            }
        }
    }
}

/// Ends the last line, because the last line of a file may have no line break.
fn begin_line(copy: &mut Vec<u8>) {
    if copy.last().is_some_and(|&byte| byte != b'\n') {
        copy.push(b'\n');
    }
}

#[cfg(test)]
mod tests;

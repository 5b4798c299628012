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

fn selects_credentials(key: &str) -> bool {
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
    for scanned in scan(FileKind::Config, text) {
        let dropped = match &scanned.line {
            Line::Section(next) => {
                section = treatment(next, used, others);
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
            copy.extend_from_slice(scanned.raw);
        }
        match (scanned.line, &section.used) {
            // The first property of a section may be indented. In the new section another property may come before it,
            // and an indented line would continue that property, so the indent is removed.
            (Line::Property { key, .. }, Some(profile)) => {
                let (profile, lines) = (profile.clone(), scanned.raw.trim_ascii_start().to_owned());
                settings.push(ProfileSetting { profile, key, lines });
            }
            (Line::Continuation(_), Some(_)) => {
                if let Some(setting) = settings.last_mut() {
                    setting.lines.extend_from_slice(scanned.raw);
                }
            }
            _ => {}
        }
    }
    (copy, settings)
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
mod tests {
    use super::*;

    fn names(used: Option<&str>) -> Vec<String> {
        used.into_iter().map(str::to_owned).collect()
    }

    fn filtered(text: &str, used: Option<&str>) -> String {
        String::from_utf8(filter(text.as_bytes(), (&names(used), None), &[])).expect("text")
    }

    #[test]
    fn credential_settings_are_removed_with_their_continuation_lines() {
        let text = "\u{feff}# mine\r\n[default]\r\nregion = eu-west-1 ; home\r\nROLE_ARN = x\r\n  more\r\n\r\n# c\r\n  # d\r\n  again\r\ns3 =\r\n  role_arn = kept\r\n";
        let expected =
            "\u{feff}# mine\r\n[default]\r\nregion = eu-west-1 ; home\r\n\r\n# c\r\ns3 =\r\n  role_arn = kept\r\n";
        for used in [None, Some("default")] {
            assert_eq!(filtered(text, used), expected);
        }
    }

    #[test]
    fn each_credential_setting_is_removed_in_each_section() {
        let keys = CREDENTIAL_SETTINGS.iter().copied().chain(["sso_session", "sso_account_id", "sso_anything"]);
        for key in keys {
            for section in ["default", "profile default", "profile p", "other", "services s"] {
                let text = format!("[{section}]\n{key} = x\noutput = json\n {key}: x\n");
                let expected = format!("[{section}]\noutput = json\n {key}: x\n");
                assert_eq!(filtered(&text, None), expected, "{key}");
            }
            assert_eq!(filtered(&format!("[default]\n  {key} = x\n  a = b"), None), "[default]\n  a = b");
            assert_eq!(filtered(&format!("[default]\na = b\r{key}: x\r"), None), "[default]\na = b\r");
        }
    }

    #[test]
    fn included_profiles_fill_what_the_used_one_lacks() {
        let text = "[default]\nregion = a\nca_bundle = c\n[profile base]\noutput = text\nregion = b\ns3 =\n  x = 1\n[profile p]\n\
                    region = p\ninclude_profile = base";
        let used = ["p", "base", "default"].map(str::to_owned);
        let copy = String::from_utf8(filter(text.as_bytes(), (&used, None), &[])).expect("text");
        let expected = "[profile base]\noutput = text\nregion = b\ns3 =\n  x = 1\n[profile p]\nregion = p\n[default]\n\
                        region = p\noutput = text\ns3 =\n  x = 1\nca_bundle = c\n";
        assert_eq!(copy, expected);
    }

    #[test]
    fn sso_sessions_are_removed() {
        let text = "[profile a]\noutput = json\n[sso-session corp]\n# c\nsso_region = x\nfuture = y\n\n[services s]\nsts =\n  endpoint_url = u\n";
        assert_eq!(filtered(text, None), "[profile a]\noutput = json\n[services s]\nsts =\n  endpoint_url = u\n");
    }

    #[test]
    fn the_used_profile_becomes_the_default() {
        for (text, expected) in [
            (
                "[profile p]\nrole_arn = r\nregion = x\n# c\ns3 =\n  a = b\n[profile q]\noutput = json\n",
                "[profile p]\nregion = x\n# c\ns3 =\n  a = b\n[profile q]\noutput = json\n[default]\nregion = x\ns3 =\n  a = b\n",
            ),
            // The default profile is replaced, and its comments too, whichever of the two section names it has.
            (
                "# top\n[default]\n# its\nregion = y\n  z\nendpoint_url = http://old\n[profile p]\nregion = x",
                "# top\n[profile p]\nregion = x\n[default]\nregion = x",
            ),
            (
                "[profile default]\nregion = y\n[profile p]\nregion = x\n",
                "[profile p]\nregion = x\n[default]\nregion = x\n",
            ),
            (
                "[default]\na = 1\n[profile p]\nregion = x\n[profile default]\nb = 2\n",
                "[profile p]\nregion = x\n[default]\nregion = x\n",
            ),
            // Sections with the same name are merged.
            (
                "[profile p]\na = 1\n[profile q]\nb = 2\n[profile \"p\"]\nc = 3\n",
                "[profile p]\na = 1\n[profile q]\nb = 2\n[profile \"p\"]\nc = 3\n[default]\na = 1\nc = 3\n",
            ),
            (
                "[profile p]\na = 1\n[profile p]\n  b = 2\n  s3 =\n    c = 3\n",
                "[profile p]\na = 1\n[profile p]\n  b = 2\n  s3 =\n    c = 3\n[default]\na = 1\nb = 2\ns3 =\n    c = 3\n",
            ),
            // The used profile may exist only in the credentials file, or may contain only credentials.
            ("[default]\nregion = y\n", "[default]\n"),
            ("[profile p]\nrole_arn = r", "[profile p]\n[default]\n"),
            ("", "[default]\n"),
        ] {
            assert_eq!(filtered(text, Some("p")), expected, "{text}");
        }
    }

    #[test]
    fn the_section_of_another_profile_replaces_those_with_its_name() {
        let text = "[default]\nregion = d\n[profile a]\nregion = a\nrole_arn = r\n[profile b]\ninclude_profile = base\n\
                    role_arn = r\noutput = text\n[profile base]\nregion = x\n[profile \"a\"]\ns3 =\n  k = v";
        let used = ["b", "base"].map(str::to_owned).to_vec();
        let others = [
            OtherProfile { name: "a", used: Vec::new(), region: Some("e".into()) },
            OtherProfile { name: "b", used, region: None },
        ];
        let copy = |used: &[String]| String::from_utf8(filter(text.as_bytes(), (used, None), &others)).expect("text");
        let last = "[profile a]\nregion = e\n[profile b]\noutput = text\nregion = x\n";
        assert_eq!(copy(&[]), format!("[default]\nregion = d\n[profile base]\nregion = x\n{last}"));
        let default = "[default]\nregion = a\ns3 =\n  k = v";
        assert_eq!(copy(&names(Some("a"))), format!("[profile base]\nregion = x\n{default}\n{last}"));
        let of_instance = |text: &str, used: &[String]| filter(text.as_bytes(), (used, Some("i".into())), &[]);
        let text = "[default]\noutput = json\n";
        for used in [names(None), names(Some("default"))] {
            assert_eq!(of_instance(text, &used), b"[default]\nregion = i\noutput = json\n");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_kept() {
        let text = b"[default]\nname = \xff\xfe\nsso_\xff = x\nbroken line\n[open\n";
        assert_eq!(filter(text, (&[], None), &[]), b"[default]\nname = \xff\xfe\nbroken line\n[open\n");
    }
}

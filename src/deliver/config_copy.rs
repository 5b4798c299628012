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

/// What the copy does with a section.
#[derive(Clone, Copy)]
struct Treatment {
    /// Whether the section stays.
    kept: bool,
    /// The place of the section's profile among the used profiles, whose settings become the new `[default]` section.
    place: Option<usize>,
}

fn treatment(section: &Section, used: &[String]) -> Treatment {
    let name = match section {
        Section::SsoSession(_) => return Treatment { kept: false, place: None },
        Section::Services(_) | Section::Other(_) => return Treatment { kept: true, place: None },
        Section::Default => DEFAULT,
        Section::Profile(name) => name,
    };
    let kept = used.is_empty() || name != DEFAULT;
    Treatment { kept, place: used.iter().position(|used| used == name) }
}

/// A setting for the new `[default]` section, with its lines.
struct DefaultSetting {
    place: usize,
    key: String,
    lines: Vec<u8>,
}

/// Copies a config file without the settings that select credentials (including their continuation lines), and without
/// the `sso-session` sections.
///
/// `used_profiles` are the profile that the session comes from and the profiles that it includes. Their other settings
/// become `[default]`, at the end of the copy. If several profiles have a key, the first one counts. The new section
/// replaces a `[default]` or `[profile default]` section of the file, because a profile inherits nothing from the
/// default profile. The used profiles also keep their own names, for a command that asks for such a name. If
/// `used_profiles` is empty or only the default profile, `[default]` stays where it is.
pub(crate) fn filter(text: &[u8], used_profiles: &[String]) -> Vec<u8> {
    let used = if used_profiles == [DEFAULT] { &[] } else { used_profiles };
    let mut copy = Vec::with_capacity(text.len() * 2);
    let mut default: Vec<DefaultSetting> = Vec::new();
    let mut section = Treatment { kept: true, place: None };
    let mut in_identity = false;
    for scanned in scan(FileKind::Config, text) {
        let dropped = match &scanned.line {
            Line::Section(next) => {
                section = treatment(next, used);
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
        match (scanned.line, section.place) {
            // The first property of a section may be indented. In the new `[default]` another property may come before
            // it, and an indented line would continue that property, so the indent is removed.
            (Line::Property { key, .. }, Some(place)) => {
                default.push(DefaultSetting { place, key, lines: scanned.raw.trim_ascii_start().to_owned() });
            }
            (Line::Continuation(_), Some(_)) => {
                if let Some(setting) = default.last_mut() {
                    setting.lines.extend_from_slice(scanned.raw);
                }
            }
            _ => {}
        }
    }
    if !used.is_empty() {
        begin_line(&mut copy);
        copy.extend_from_slice(b"[default]\n");
        default.sort_by_key(|setting| setting.place);
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for DefaultSetting { place, key, lines } in &default {
            if *first.entry(key).or_insert(*place) == *place {
                begin_line(&mut copy);
                copy.extend_from_slice(lines);
            }
        }
    }
    copy
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
        String::from_utf8(filter(text.as_bytes(), &names(used))).expect("text")
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
        let copy = String::from_utf8(filter(text.as_bytes(), &used)).expect("text");
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
    fn bytes_that_are_not_text_are_kept() {
        let text = b"[default]\nname = \xff\xfe\nsso_\xff = x\nbroken line\n[open\n";
        assert_eq!(filter(text, &[]), b"[default]\nname = \xff\xfe\nbroken line\n[open\n");
    }
}

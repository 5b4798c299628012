//! `include_profile`, a key of aws-vault: a profile takes the settings that it lacks from another profile.
//!
//! Settings are shared and not copied, because many profiles may include one that is large.

use super::{ProfileSet, Setting, Settings};
use crate::error::ConfigError;
use std::collections::BTreeMap;
use std::sync::Arc;

const INCLUDE_PROFILE: &str = "include_profile";
/// The maximum number of profiles that one profile includes, directly and through others.
const MAX_INCLUDED: usize = 10;
/// The keys that are never taken from another profile. Access keys belong together, so a profile must not get one of
/// them from another profile.
const OWN: [&str; 5] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token", INCLUDE_PROFILE];

/// The keys that each select a source of credentials.
const SOURCES: [&str; 10] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "sso_account_id",
    "sso_role_name",
    "credential_process",
    "login_session",
    "web_identity_token_file",
    "web_identity_token_process",
    "credential_source",
    "source_profile",
];

/// Returns the kind of source to which a key belongs, or `None` if the key belongs to no source. The two access
/// keys have different kinds, which has no effect, because they are in [`OWN`].
fn kind_of_source(key: &str) -> Option<&str> {
    if key.starts_with("sso_") { Some("sso") } else { SOURCES.into_iter().find(|source| *source == key) }
}

/// Checks whether a profile that has one kind of source must not take the other kind from another profile.
/// `source_profile` may be taken if the profile has credentials itself, because only its role uses `source_profile`.
fn excludes(kind: &str, other: &str) -> bool {
    let of_role = ["credential_source", "web_identity_token_file", "web_identity_token_process"];
    let together = |a, b| a == "source_profile" && !of_role.contains(&b);
    kind != other && !together(kind, other) && !together(other, kind)
}

impl Settings {
    /// Returns the setting of a key: the profile's own one, or else that of the first included profile that has one.
    /// No setting is taken from a profile if it belongs to another kind of source than the profile itself has.
    pub(super) fn find(&self, key: &str) -> Option<&Setting> {
        let own = self.own.get(key);
        own.filter(|setting| !setting.is_empty()).or_else(|| self.find_included(key)).or(own)
    }

    fn find_included(&self, key: &str) -> Option<&Setting> {
        if OWN.contains(&key) {
            return None;
        }
        let at = self.included.iter().position(|map| map.get(key).is_some_and(|setting| !setting.is_empty()))?;
        if let Some(kind) = kind_of_source(key) {
            let selects = |map: &BTreeMap<String, Setting>, source: &str| {
                let found = map.get(source).is_some_and(|setting| !setting.is_empty());
                found && kind_of_source(source).is_some_and(|other| excludes(other, kind))
            };
            let nearer =
                |source: &&str| !OWN.contains(source) && self.included[..at].iter().any(|map| selects(map, source));
            if SOURCES.iter().any(|source| selects(&self.own, source) || nearer(source)) {
                return None;
            }
        }
        self.included.get(at)?.get(key)
    }

    /// Returns all keys that the profile or an included profile sets, sorted.
    pub(in crate::profile) fn keys(&self) -> impl Iterator<Item = &str> {
        let mut keys: Vec<&str> = self.own.keys().map(String::as_str).collect();
        let included = self.included.iter().flat_map(|map| map.keys().map(String::as_str));
        keys.extend(included.filter(|key| !OWN.contains(key)));
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
    }
}

impl Setting {
    /// Checks whether the setting has neither a value nor nested settings, so that it counts as unset.
    fn is_empty(&self) -> bool {
        self.value.reveal().is_empty() && self.nested.is_empty()
    }
}

impl ProfileSet {
    /// Gives each profile the settings of the profiles that it includes. A profile with an invalid `include_profile` gets
    /// none of them. If that profile is used, [`Self::includes`] returns the error.
    pub(super) fn include_profiles(&mut self) {
        let including: Vec<String> =
            self.profiles.keys().filter(|name| self.included_by(name).is_some()).cloned().collect();
        let maps: BTreeMap<String, Vec<Arc<_>>> = including
            .into_iter()
            .filter_map(|name| {
                let included = self.includes(&name).ok()?;
                let maps = included.iter().filter_map(|name| Some(Arc::clone(&self.profiles.get(name)?.own)));
                Some((name, maps.collect()))
            })
            .collect();
        for (name, included) in maps {
            self.profiles.entry(name).or_default().included = included;
        }
    }

    /// Returns the names of the profiles that a profile includes, directly and through others. If several of them have a
    /// setting, the first one counts.
    ///
    /// # Errors
    /// Fails if an included profile does not exist, if the profiles form a loop, or if there are too many of them.
    pub(crate) fn includes(&self, profile: &str) -> Result<Vec<String>, ConfigError> {
        let mut visited = vec![profile.to_owned()];
        while let Some(name) = visited.last().and_then(|last| self.included_by(last)) {
            let by = visited.last().cloned().unwrap_or_default();
            if self.profile(name).is_none() {
                let file = self.path_of(&by, INCLUDE_PROFILE).display();
                return Err(self.unknown(name, format!("{INCLUDE_PROFILE} of '{by}' in {file}")));
            }
            let first = visited.iter().position(|seen| seen == name);
            visited.push(name.to_owned());
            if let Some(first) = first {
                return Err(ConfigError::Loop { key: INCLUDE_PROFILE, profiles: visited.split_off(first) });
            }
            if visited.len() > 1 + MAX_INCLUDED {
                return Err(ConfigError::TooManyIncluded { profile: profile.to_owned(), most: MAX_INCLUDED });
            }
        }
        Ok(visited.split_off(1))
    }

    /// Returns the profile that a profile itself includes.
    fn included_by(&self, profile: &str) -> Option<&str> {
        let value = self.profiles.get(profile)?.own.get(INCLUDE_PROFILE)?.value.reveal();
        Some(value).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn set(text: &str) -> ProfileSet {
        ProfileSet::parse((Path::new("config"), text.as_bytes()), (Path::new("credentials"), b"")).expect("it parses")
    }

    #[test]
    fn a_profile_takes_only_what_it_lacks() {
        let set = set(
            "[profile a]\ninclude_profile = b\nregion = own\noutput =\n[profile b]\ninclude_profile = c\nregion = b\noutput = b\n\
             aws_access_key_id = b\n[profile c]\noutput = c\nmfa_serial = c\ns3 =\n  x = 1\n",
        );
        let settings = set.profile("a").expect("the profile");
        let found =
            ["region", "output", "mfa_serial", "aws_access_key_id", "include_profile"].map(|key| settings.get(key));
        assert_eq!(found, [Some("own"), Some("b"), Some("c"), None, Some("b")]);
        assert_eq!(settings.nested("s3"), [("x".to_owned(), "1".to_owned())]);
        assert_eq!(settings.all_nested().map(|(key, _)| key).collect::<Vec<_>>(), ["s3"]);
        assert_eq!(set.includes("a"), Ok(vec!["b".to_owned(), "c".to_owned()]));
        assert_eq!(set.profile("c").and_then(|c| c.get("region")), None, "an included profile gets nothing");
    }

    #[test]
    fn a_profile_with_a_source_takes_no_other_source() {
        let included = "[profile q]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\ncredential_process = c\n\
                        source_profile = o\nlogin_session = l\nmfa_serial = m\n";
        let found = |own: &str| {
            let set = set(&format!("[profile p]\ninclude_profile = q\n{own}\n{included}"));
            let settings = set.profile("p").expect("the profile");
            let keys = ["sso_session", "sso_role_name", "credential_process", "source_profile", "login_session"];
            assert_eq!(settings.get("mfa_serial"), Some("m"), "not a source");
            keys.map(|key| settings.get(key).unwrap_or_default()).join(",")
        };
        assert_eq!(found("credential_process ="), "s,r,c,o,l", "an empty value counts as unset");
        assert_eq!(found("aws_access_key_id = a"), ",,,o,");
        assert_eq!(found("aws_secret_access_key = a"), ",,,o,");
        assert_eq!(found("credential_process = own"), ",,own,o,");
        assert_eq!(found("sso_role_name = own"), "s,own,,o,");
        assert_eq!(found("sso_account_id = own"), "s,r,,o,");
        assert_eq!(found("sso_session = own"), "own,r,c,o,l", "this alone is no source");
        assert_eq!(found("credential_source = Environment"), ",,,,");
        assert_eq!(found("web_identity_token_file = t"), ",,,,");
        assert_eq!(found("web_identity_token_process = c"), ",,,,");
        let tokens = "[profile x]\ninclude_profile = y\nweb_identity_token_process = c\n[profile y]\n\
                      web_identity_token_file = t\n";
        let set_of_tokens = set(tokens);
        let settings = set_of_tokens.profile("x").expect("the profile");
        assert_eq!(settings.get("web_identity_token_file"), None, "the nearer token counts");
        assert_eq!(found("source_profile = p"), "s,r,c,p,l", "the profile can be its own source");
        let nearer = "[profile x]\ninclude_profile = y\n[profile y]\ninclude_profile = z\ncredential_process = y\n\
                      [profile z]\nsso_role_name = z\n";
        let set = set(nearer);
        let settings = set.profile("x").expect("the profile");
        assert_eq!((settings.get("credential_process"), settings.get("sso_role_name")), (Some("y"), None));
    }

    #[test]
    fn a_loop_a_missing_profile_and_too_many_are_errors_only_where_they_are_used() {
        let chain = |last: usize| {
            let line = |n| format!("[profile p{n}]\ninclude_profile = p{}\n", n + 1);
            (0..last).map(line).collect::<String>() + &format!("[profile p{last}]\nregion = x\n")
        };
        let text = chain(11)
            + "[profile self]\ninclude_profile = self\n[profile x]\ninclude_profile = y\n[profile y]\ninclude_profile = x\n\
               [profile typo]\ninclude_profile = p00\n[profile into]\ninclude_profile = x\n";
        let set = set(&text);
        let shown = |name: &str| set.includes(name).map_err(|error| error.to_string());
        assert_eq!(shown("self"), Err("circular include_profile: self → self".into()));
        assert_eq!(shown("into"), Err("circular include_profile: x → y → x".into()));
        assert_eq!(shown("p0"), Err("profile 'p0' includes more than 10 profiles".into()));
        assert_eq!(shown("typo"), Err("profile 'p00' not found (include_profile of 'typo' in config)".into()));
        assert_eq!(shown("p1").map(|names| names.len()), Ok(10));
        assert_eq!(set.profile("p1").and_then(|p1| p1.get("region")), Some("x"));
        assert_eq!(set.profile("x").and_then(|x| x.get("region")), None);
    }
}

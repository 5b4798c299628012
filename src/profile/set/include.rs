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

impl Settings {
    /// Returns the setting of a key: the profile's own one, or else that of the first included profile that has one.
    pub(super) fn find(&self, key: &str) -> Option<&Setting> {
        let own = self.own.get(key);
        let included = || {
            let maps = self.included.iter().filter(|_| !OWN.contains(&key));
            maps.filter_map(|map| map.get(key)).find(|setting| !setting.is_empty())
        };
        own.filter(|setting| !setting.is_empty()).or_else(included).or(own)
    }

    /// Returns all keys that the profile or an included profile sets, sorted.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
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

//! Merges the two shared config files into a set of profiles, SSO sessions and service endpoints, which are found by
//! their names.
//!
//! Merging follows the AWS SDKs. Sections with the same name are merged, and a later key replaces an earlier key. The
//! credentials file takes precedence over the config file, and `[profile default]` replaces `[default]`.

mod include;

use super::text::{FileKind, Line, Section, property, scan};
use crate::error::{ConfigError, Misplaced};
use crate::event::Ignored;
use crate::profile::quotes::one_word;
use crate::role::Invalid;
use crate::session::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the default profile.
pub(crate) const DEFAULT: &str = "default";

/// A setting, and the file that contains it.
#[derive(Clone)]
struct Setting {
    value: Secret,
    nested: Vec<(String, String)>,
    kind: FileKind,
}

/// The settings of a profile, an `sso-session` section or a `services` section.
///
/// A setting with an empty value counts as unset.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    own: Arc<BTreeMap<String, Setting>>,
    /// The settings of the profiles that this profile includes. They count if the profile itself does not set a key.
    included: Vec<Arc<BTreeMap<String, Setting>>>,
}

impl Settings {
    /// Returns the value of a key, or `None` if it is unset. `key` must be in lower case.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.find(key).map(|setting| setting.value.reveal()).filter(|value| !value.is_empty())
    }

    /// Returns the value of a key if it comes from this file. Returns `None` if the key is unset or comes from the
    /// other file.
    pub(crate) fn get_from(&self, kind: FileKind, key: &str) -> Option<&str> {
        self.get(key).filter(|_| self.file(key) == Some(kind))
    }

    /// Returns the file that sets a key, or `None` if no file does.
    pub(crate) fn file(&self, key: &str) -> Option<FileKind> {
        self.find(key).map(|setting| setting.kind)
    }

    /// Returns the settings nested below a key, such as the indented lines below `s3 =`. The keys of the nested
    /// settings are in lower case.
    pub(crate) fn nested(&self, key: &str) -> &[(String, String)] {
        self.find(key).map_or(&[], |setting| setting.nested.as_slice())
    }

    /// Returns each key that has nested settings, together with its nested settings.
    pub(crate) fn all_nested(&self) -> impl Iterator<Item = (&str, &[(String, String)])> {
        self.keys().map(|key| (key, self.nested(key))).filter(|(_, nested)| !nested.is_empty())
    }
}

impl fmt::Debug for Settings {
    /// Writes only the keys, because some values are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

/// The path of a shared file, and its contents.
pub(crate) type File<'a> = (&'a Path, &'a [u8]);

/// Both shared files, merged.
#[derive(Debug, Default)]
pub(crate) struct ProfileSet {
    config: PathBuf,
    credentials: PathBuf,
    /// The path of the config file, if there is no such file.
    pub(crate) absent: Option<PathBuf>,
    profiles: BTreeMap<String, Settings>,
    /// The `[sso-session NAME]` sections, by their names.
    pub(super) sso_sessions: BTreeMap<String, Settings>,
    /// The `[services NAME]` sections, by their names.
    pub(super) services: BTreeMap<String, Settings>,
    /// The sections that are ignored because their headers have the form for the other shared file (config or
    /// credentials). The key is the name of the profile that was probably meant.
    misplaced: BTreeMap<String, Misplaced>,
    /// The ignored settings, each with the reason.
    pub(crate) notes: Vec<Ignored>,
}

impl ProfileSet {
    /// Parses both files. If a file does not exist, its contents must be given as empty.
    ///
    /// # Errors
    /// Fails at the first line that AWS's tools cannot read.
    pub(crate) fn parse(config: File<'_>, credentials: File<'_>) -> Result<Self, ConfigError> {
        let mut set = Self { config: config.0.into(), credentials: credentials.0.into(), ..Self::default() };
        set.read(FileKind::Config, config)?;
        set.read(FileKind::Credentials, credentials)?;
        set.include_profiles();
        Ok(set)
    }

    fn read(&mut self, kind: FileKind, (path, text): File<'_>) -> Result<(), ConfigError> {
        let syntax = |line, reason| ConfigError::Syntax { file: path.into(), line, reason };
        let mut sections: Vec<(Section, Vec<(String, Setting)>)> = Vec::new();
        for scanned in scan(kind, text) {
            let settings = sections.last_mut().map(|(_, settings)| settings);
            match scanned.line {
                Line::Blank | Line::Comment => {}
                Line::Section(section) => sections.push((section, Vec::new())),
                Line::Property { key, value } => {
                    if let Some(settings) = settings {
                        settings.push((key, Setting { value, nested: Vec::new(), kind }));
                    }
                }
                Line::Continuation(more) => {
                    if let Some((_, setting)) = settings.and_then(|settings| settings.last_mut()) {
                        setting.extend(&more).map_err(|reason| syntax(scanned.number, reason))?;
                    }
                }
                Line::Malformed(reason) => return Err(syntax(scanned.number, reason)),
            }
        }
        self.merge(kind, sections);
        Ok(())
    }

    fn merge(&mut self, kind: FileKind, sections: Vec<(Section, Vec<(String, Setting)>)>) {
        let prefixed_default = sections.iter().any(|(section, _)| *section == Section::Profile(DEFAULT.into()));
        for (section, settings) in sections {
            let merged = match section {
                Section::Default if prefixed_default => {
                    self.notes.push(Ignored::new("[default]", "conflicts with [profile default]"));
                    continue;
                }
                Section::Default => self.profiles.entry(DEFAULT.into()),
                Section::Profile(name) => self.profiles.entry(name),
                Section::SsoSession(name) => self.sso_sessions.entry(name),
                Section::Services(name) => self.services.entry(name),
                Section::Other(written) => {
                    self.misplace(kind, &written);
                    continue;
                }
            };
            Arc::make_mut(&mut merged.or_default().own).extend(settings);
        }
    }

    /// Records a section that is ignored, probably because its header has the form for the other shared file (config or
    /// credentials).
    fn misplace(&mut self, kind: FileKind, written: &str) {
        let rest = written.strip_prefix("profile").map_or(written, str::trim);
        let name = one_word(rest).unwrap_or_else(|| rest.to_owned());
        let expected = match kind {
            FileKind::Credentials => format!("[{name}]"),
            FileKind::Config if name.contains(char::is_whitespace) => format!("[profile \"{name}\"]"),
            FileKind::Config => format!("[profile {name}]"),
        };
        self.misplaced.insert(name, Misplaced { written: format!("[{written}]"), expected });
    }

    /// Returns the settings of a profile, or `None` if the profile does not exist.
    pub(crate) fn profile(&self, name: &str) -> Option<&Settings> {
        self.profiles.get(name)
    }

    /// Returns the names of all profiles, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Returns the path of the file that sets a key of a profile, or of the config file if neither file does.
    pub(crate) fn path_of(&self, profile: &str, key: &str) -> &Path {
        match self.profile(profile).and_then(|settings| settings.file(key)) {
            Some(FileKind::Credentials) => &self.credentials,
            Some(FileKind::Config) | None => &self.config,
        }
    }

    /// Parses the value of a profile's key. Returns `None` if the key is unset.
    ///
    /// # Errors
    /// Returns the error of `parse`. Its message also names the key and its file.
    pub(super) fn parsed<T>(
        &self,
        profile: &str,
        key: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, ConfigError> {
        let value = self.profile(profile).and_then(|settings| settings.get(key));
        value.map(|value| parse(value).map_err(|invalid| self.invalid(profile, key, value, invalid))).transpose()
    }

    /// Returns the error for an invalid value of a profile's key.
    pub(super) fn invalid(&self, profile: &str, key: &'static str, value: &str, invalid: Invalid) -> ConfigError {
        let of = format!("{key} of profile '{profile}' in {}", self.path_of(profile, key).display());
        ConfigError::Value { of, value: value.to_owned(), invalid: invalid.into() }
    }

    /// Returns the error for a profile that does not exist. `named_by` is the setting that names the profile.
    pub(super) fn unknown(&self, name: &str, named_by: String) -> ConfigError {
        let (near, misplaced) = (near(name, self.profiles.keys()), self.misplaced(name).cloned().map(Box::new));
        let absent = self.absent.clone();
        ConfigError::UnknownProfile { name: name.to_owned(), named_by, absent, near, misplaced }
    }

    /// Returns the section that was probably meant as the profile with this name, but is ignored because its header has
    /// the form for the other shared file (config or credentials).
    pub(crate) fn misplaced(&self, name: &str) -> Option<&Misplaced> {
        self.misplaced.get(name)
    }
}

impl Setting {
    /// Adds a continuation line to this setting. If the setting has no value so far, the line is a nested setting.
    /// Otherwise, it is another line of the value.
    fn extend(&mut self, more: &str) -> Result<(), &'static str> {
        if self.value.reveal().is_empty() {
            let (key, value) = property(more)?;
            self.nested.push((key.to_lowercase(), value.to_owned()));
        } else {
            self.value.append("\n");
            self.value.append(more);
        }
        Ok(())
    }
}

/// The maximum number of names that are suggested.
const FEW: usize = 5;
/// A name is similar to another one that contains it, if it has at least this number of bytes.
const SHORTEST_PART: usize = 3;
/// A name of more than this number of bytes is not compared with other names, because the time of a comparison grows
/// with the product of the two lengths.
const LONGEST_NAME: usize = 256;

/// Returns the names that the user may have meant. If a name differs only in case, it is the only one. Otherwise, they are
/// those that are similar to `name`, the most similar first. If no name is similar and there are only a few names, these
/// are all of them.
pub(super) fn near<'a>(name: &str, known: impl ExactSizeIterator<Item = &'a String> + Clone) -> Vec<String> {
    let same: Vec<_> = known.clone().filter(|known| known.eq_ignore_ascii_case(name)).cloned().collect();
    if same.len() == 1 {
        return same;
    }
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    let is_comparable = |known: &&String| known.len().max(name.len()) <= LONGEST_NAME;
    let mut found: Vec<(usize, &String)> = known
        .clone()
        .filter(is_comparable)
        .filter_map(|known| {
            let candidate = known.to_lowercase();
            let distance = strsim::levenshtein(&wanted, &candidate);
            let is_long = wanted.len().min(candidate.len()) >= SHORTEST_PART;
            let part = is_long && (candidate.contains(&wanted) || wanted.contains(&candidate));
            (distance <= allowed || part).then_some((distance, known))
        })
        .collect();
    if found.is_empty() && known.len() <= FEW {
        return known.cloned().collect();
    }
    found.sort();
    found.into_iter().take(FEW).map(|(_, known)| known.clone()).collect()
}

#[cfg(test)]
mod tests;

//! The inherited environment as a value. It keeps the order of the variables and every byte of them. Only `main` reads
//! the environment of the process.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The AWS variables whose values must be valid UTF-8. They select the role, its source credentials or the connection
/// to STS, for xassume or for an SDK. Variables that contain paths are not included, because a path may consist of any
/// bytes.
const AWS_TEXTS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_IMDS_USE_IPV6",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
];

/// The variables that xassume sets for the command and for an xassume that it starts itself.
pub(crate) const OWN_VARIABLES: [&str; 6] =
    ["XASSUME_DEPTH", "XASSUME_HELD", "XASSUME_LABEL", "XASSUME_REFRESH", "XASSUME_REFRESH_NAME", "XASSUME_SESSION"];

/// systemd's variables that contain the ID of the process for which other variables are meant.
pub(crate) const PID_VARIABLES: [&str; 3] = ["LISTEN_PID", "SYSTEMD_EXEC_PID", "WATCHDOG_PID"];

/// systemd's variables that describe inherited sockets (see `sd_listen_fds(3)`).
const LISTEN_VARIABLES: [&str; 4] = ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "LISTEN_PIDFDID"];

/// Checks whether this is one of systemd's variables that describe inherited sockets.
pub(crate) fn describes_sockets(name: &OsStr) -> bool {
    LISTEN_VARIABLES.iter().any(|known| name == *known)
}

/// The variables in the order in which they were inherited, including duplicates and those that are not UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars(Vec<(OsString, OsString)>);

impl Vars {
    /// Returns the first value of a variable, as getenv(3) does, or `None` if the variable is unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known.as_bytes() == name.as_bytes()).map(|(_, value)| value.as_os_str())
    }

    /// Checks whether `LISTEN_FDS` is set and `LISTEN_PID` is this process ID in plain decimal, as systemd writes it.
    pub(crate) fn has_sockets_for(&self, pid: u32) -> bool {
        self.get("LISTEN_FDS").is_some_and(|count| !count.is_empty())
            && self.get("LISTEN_PID").is_some_and(|named| *named == *pid.to_string())
    }

    /// Returns the value of a variable, or `None` if the variable is unset or empty.
    #[must_use]
    pub(crate) fn nonempty(&self, name: &str) -> Option<&OsStr> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Returns the value of a variable, or `None` if the variable is unset, empty or not UTF-8. AWS SDKs and the AWS
    /// CLI also treat an empty variable as unset.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.nonempty(name).and_then(OsStr::to_str)
    }

    /// Returns the name of an AWS variable whose value must be UTF-8 but is not, or `None` if there is no such
    /// variable. The caller reports this as an error, because [`Vars::text`] would treat the variable as unset.
    #[must_use]
    pub(crate) fn not_text(&self) -> Option<&'static str> {
        AWS_TEXTS.iter().copied().find(|name| self.get(name).is_some_and(|value| value.to_str().is_none()))
    }

    /// Checks whether a boolean variable of AWS is `true`, in upper or lower case.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the variable that says that this is a CI job, or `None` if there is none.
    pub(crate) fn ci(&self) -> Option<&'static str> {
        ["CI", "JENKINS_URL"].into_iter().find(|name| self.nonempty(name).is_some_and(|value| value != "false"))
    }

    /// Returns the names and values in the order in which they were inherited.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Vars {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Converts each variable to a string `NAME=value`, which is the form that execve(2) takes. A variable with a NUL byte
/// would be skipped, but there is none, because the variables come from this process's environment, or from text
/// without NUL bytes.
pub(crate) fn c_strings(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<CString> {
    let joined = variables.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name.into_vec()
    });
    joined.filter_map(|variable| CString::new(variable).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use syn::visit::Visit;

    #[test]
    fn the_first_of_duplicates_counts_and_empty_is_unset() {
        let vars: Vars = [("A", "1"), ("A", "2"), ("EMPTY", ""), ("T", "True")].into_iter().collect();
        assert_eq!(vars.text("A"), Some("1"));
        assert_eq!(vars.text("EMPTY"), None);
        assert_eq!(vars.get("EMPTY"), Some(OsStr::new("")));
        assert!(vars.is_true("T") && !vars.is_true("A"));
        assert_eq!(vars.iter().count(), 4);
    }

    #[test]
    fn a_variable_that_is_not_utf_8_is_named_unless_it_is_a_path_or_without_effect() {
        let vars = |name: &str| -> Vars {
            [(OsString::from(name), OsStr::from_bytes(b"x\xff").to_owned())].into_iter().collect()
        };
        assert_eq!(vars("AWS_PROFILE").not_text(), Some("AWS_PROFILE"));
        for name in ["AWS_CONFIG_FILE", "AWS_ODD", "PROFILE"] {
            assert_eq!(vars(name).not_text(), None, "{name}");
        }
    }

    /// The names of AWS variables that occur as strings in the code of a file, but not in its tests.
    #[derive(Default)]
    struct Named(Vec<String>);

    impl<'ast> Visit<'ast> for Named {
        fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

        fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
            self.0.extend(Some(text.value()).filter(|text| text.starts_with("AWS_") && !text.contains(' ')));
        }
    }

    /// If a variable were missing from [`AWS_TEXTS`], a value that is not UTF-8 would be ignored without an error.
    #[test]
    fn each_variable_that_the_plan_reads_must_be_text_or_is_a_path() {
        // These files name variables that they do not read.
        let others = ["exported.rs", "ignored.rs"];
        let mut named = Named::default();
        for entry in fs::read_dir("src/profile").expect("the sources") {
            let path = entry.expect("an entry").path();
            if path.is_file() && !others.iter().any(|other| path.ends_with(other)) {
                let text = fs::read_to_string(&path).expect("a source");
                named.visit_file(&syn::parse_file(&text).expect("Rust"));
            }
        }
        for name in &named.0 {
            let path = name.ends_with("_FILE") || name.ends_with("_BUNDLE");
            assert_ne!(AWS_TEXTS.contains(&name.as_str()), path, "{name}");
        }
        assert!(named.0.len() > 20, "{:?}", named.0);
    }
}

//! Where the cache is stored, and what determines a source's credentials in addition to the plan.

use super::job;
use super::key::{Host, SourceScope};
use crate::cache::directory::{Make, Place};
use crate::files::read_at_most;
use crate::profile::{Source, TokenSource};
use crate::sys::boot;
use crate::vars::Vars;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name of xassume's directory within the directories of the XDG Base Directory Specification.
const NAME: &str = "xassume";
/// The maximum size of a token file in bytes. STS accepts a web identity token of at most 20,000 bytes, and the file
/// may have white space around the token.
const MAX_TOKEN_BYTES: usize = 40_000;

/// The environment variables that contain the address of a container's credentials (`CONTAINER`) or of the instance
/// metadata service (`METADATA`).
const CONTAINER: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];
const METADATA: &[&str] = &["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"];

/// Returns the directories in which sessions may be cached, in the order in which they are tried. If the user has set a
/// directory, it is the only one. Otherwise `$XDG_RUNTIME_DIR` comes first, because it is in memory and is removed at
/// logout, and the user's cache directory (`$XDG_CACHE_HOME` or `~/.cache`) comes second. As the XDG specification
/// requires, variables with a relative path are ignored.
pub(super) fn places(directory: Option<&Path>, vars: &Vars) -> Vec<Place> {
    if let Some(path) = directory {
        return vec![Place { path: path.to_owned(), make: Make::Path }];
    }
    let absolute = |variable| vars.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = absolute("XDG_RUNTIME_DIR").map(|base| Place { path: base.join(NAME), make: Make::Directory });
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let cache = cache.map(|base| Place { path: base.join(NAME), make: Make::OwnPath });
    runtime.into_iter().chain(cache).collect()
}

/// Returns everything in addition to the plan that determines which credentials the source returns. `configured`
/// contains the settings of the source's profile under the names of the equivalent environment variables.
///
/// # Errors
/// A file or a property of the host cannot be read, so the sessions of this source cannot be distinguished. The error
/// text says what cannot be read.
pub(crate) fn source_scope(
    source: &Source,
    vars: &Vars,
    configured: &[(String, String)],
) -> Result<SourceScope, String> {
    let inherited = |names: &[&'static str]| -> Vec<(&'static str, Option<OsString>)> {
        let value = |name: &str| vars.nonempty(name).map(OsString::from);
        let of_profile = |name: &str| configured.iter().find(|(known, _)| known == name).map(|(_, value)| value.into());
        names.iter().map(|name| (*name, value(name).or_else(|| of_profile(name)))).collect()
    };
    let (settings, token) = match source {
        Source::EnvironmentKeys(_)
        | Source::ProfileKeys { .. }
        | Source::Process { .. }
        | Source::Sso { .. }
        | Source::Login { .. } => return Ok(SourceScope::default()),
        Source::WebIdentity { token: TokenSource::File(token_file), .. } => {
            let token = read_at_most(token_file, MAX_TOKEN_BYTES);
            let token = token.map_err(|error| format!("{}: {error}", token_file.display()))?;
            (Vec::new(), Some(Zeroizing::new(token)))
        }
        Source::WebIdentity { token: TokenSource::Command(_), .. } => (job::any(vars)?, None),
        Source::WebIdentity { token: TokenSource::GitHub { .. }, .. } => (job::github(vars)?, None),
        Source::Container => (inherited(CONTAINER), None),
        Source::InstanceMetadata => (inherited(METADATA), None),
    };
    Ok(SourceScope { host: Some(host()?), settings, token })
}

fn host() -> Result<Host, String> {
    let boot_id = boot::boot_id().ok_or("cannot read the boot ID")?;
    let name = nix::unistd::gethostname().map_err(|error| format!("cannot read the host name: {error}"))?;
    Ok(Host { machine_id: boot::machine_id(), boot_id, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::TokenFrom;

    fn paths(directory: Option<&str>, vars: &[(&str, &str)]) -> Vec<String> {
        let places = places(directory.map(Path::new), &vars.iter().copied().collect());
        places.iter().map(|place| place.path.display().to_string()).collect()
    }

    #[test]
    fn a_directory_that_is_set_is_the_only_one() {
        assert_eq!(paths(Some("x"), &[("XDG_RUNTIME_DIR", "/r"), ("HOME", "/h")]), ["x"]);
    }

    #[test]
    fn the_runtime_directory_comes_before_the_cache_directory() {
        assert_eq!(paths(None, &[("XDG_RUNTIME_DIR", "/r"), ("HOME", "/h")]), ["/r/xassume", "/h/.cache/xassume"]);
        assert_eq!(paths(None, &[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), ["/c/xassume"]);
        assert_eq!(paths(None, &[("XDG_RUNTIME_DIR", ""), ("XDG_CACHE_HOME", "c"), ("HOME", "")]), [""; 0]);
    }

    #[test]
    fn the_metadata_endpoint_is_the_variables_or_the_profiles() {
        let name = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let configured = [(name.to_owned(), "http://profile".to_owned())];
        let endpoint = |vars: &[(&str, &str)]| {
            let scope = source_scope(&Source::InstanceMetadata, &vars.iter().copied().collect(), &configured);
            scope.expect("known").settings[0].1.clone()
        };
        assert_eq!(endpoint(&[(name, "http://variable")]), Some("http://variable".into()));
        assert_eq!(endpoint(&[]), Some("http://profile".into()));
    }

    #[test]
    fn a_token_that_cannot_be_read_is_an_error() {
        let source =
            Source::WebIdentity { token: TokenSource::File("/no/such/token".into()), from: TokenFrom::Variable };
        let reason = source_scope(&source, &Vars::default(), &[]).expect_err("no token");
        assert!(reason.starts_with("/no/such/token: "), "{reason}");
    }
}

//! `--list`: profiles, roles and signals, one per line, for the completions of shells. `described-profiles` adds each
//! profile's role, after a tab.
//!
//! This mode reads only the shared config files and calls no service. A file that is missing or invalid gives no
//! candidates. It gives no error message either, because the message would appear in the middle of the line that the
//! user is typing.

use crate::error::{Error, deceives};
use crate::files;
use crate::process::signal::Signal;
use crate::profile::ProfileSet;
use crate::report::output;
use crate::role::{Invalid, RoleArn};
use crate::vars::Vars;
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// Prints the candidates of this kind.
///
/// # Errors
/// There is no kind with this name.
pub(crate) fn print(kind: &OsStr, vars: &Vars) -> Result<(), Error> {
    let profiles = || files::profiles(vars).unwrap_or_default();
    let candidates = match kind.to_str() {
        Some("profiles") => names(&profiles()).map(str::to_owned).collect(),
        Some("described-profiles") => described(&profiles()),
        Some("roles") => roles(&profiles()),
        Some("signals") => signals(),
        _ => {
            return Err(Error::Value {
                origin: "--list".into(),
                value: Some(kind.to_string_lossy().into_owned()),
                invalid: Invalid::not_one_of(["profiles", "described-profiles", "roles", "signals"]),
            });
        }
    };
    let text: String = candidates.iter().flat_map(|candidate| [candidate.as_str(), "\n"]).collect();
    // Printing fails if the shell has stopped reading. The user then no longer waits for candidates, so the error is
    // ignored.
    let _ = output::print(text.as_bytes());
    Ok(())
}

/// Returns the names of all profiles, without those that contain characters that a terminal acts on, because a shell
/// prints the candidates, and without those that look like flags, which `-p` does not accept.
pub(super) fn names(profiles: &ProfileSet) -> impl Iterator<Item = &str> {
    profiles.names().filter(|name| !name.is_empty() && !name.starts_with('-') && !name.contains(deceives))
}

/// Returns the names of all profiles. The name of a profile that has a role is followed by a tab and the role.
fn described(profiles: &ProfileSet) -> Vec<String> {
    let describe = |name: &str| match role_of(profiles, name) {
        Some(role) => format!("{name}\t{role}"),
        None => name.to_owned(),
    };
    names(profiles).map(describe).collect()
}

/// Returns the role of a profile, in its short form if it has one. Returns `None` if the profile has no
/// valid role.
pub(super) fn role_of(profiles: &ProfileSet, name: &str) -> Option<String> {
    let profile = profiles.profile(name)?;
    if let Some(arn) = profile.get("role_arn") {
        return RoleArn::parse(arn).ok().map(|role| role.short().unwrap_or_else(|| role.as_str().to_owned()));
    }
    let (account, role) = (profile.get("sso_account_id")?, profile.get("sso_role_name")?);
    let role = format!("{account}:{role} (IAM Identity Center)");
    (!role.contains(deceives)).then_some(role)
}

/// Returns the ARNs of the roles of all profiles, sorted, followed by the short form of each role that has a short
/// form.
fn roles(profiles: &ProfileSet) -> Vec<String> {
    let arns = profiles.names().filter_map(|name| profiles.profile(name)?.get("role_arn"));
    let roles: BTreeSet<RoleArn> = arns.filter_map(|arn| RoleArn::parse(arn).ok()).collect();
    let long = roles.iter().map(|role| role.as_str().to_owned());
    long.chain(roles.iter().filter_map(RoleArn::short)).collect()
}

/// Returns the name of each signal without `SIG`, in the order of the signal numbers.
fn signals() -> Vec<String> {
    Signal::all().map(|signal| signal.to_string().trim_start_matches("SIG").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn each_role_is_listed_once_and_in_short_form_if_it_has_one() {
        let config = "[profile a]\nrole_arn = arn:aws:iam::521111111144:role/Deploy\n\
                      [profile b]\nrole_arn = arn:aws:iam::521111111144:role/Deploy\n\
                      [profile c]\nrole_arn = arn:aws:iam::222222222222:role/team/Reader\n\
                      [profile d]\nrole_arn = no role\n[profile e]\nregion = eu-west-1\n";
        let set = ProfileSet::parse((Path::new("config"), config.as_bytes()), (Path::new(""), b"")).expect("parses");
        assert_eq!(
            roles(&set),
            [
                "arn:aws:iam::222222222222:role/team/Reader",
                "arn:aws:iam::521111111144:role/Deploy",
                "521111111144:Deploy"
            ]
        );
    }

    #[test]
    fn every_signal_is_listed_by_a_name_that_can_be_typed() {
        let listed = signals();
        assert_eq!((listed[0].as_str(), listed[14].as_str()), ("HUP", "TERM"));
        let read: Vec<Signal> = listed.iter().map(|name| name.parse().expect("a signal")).collect();
        assert_eq!(read, Signal::all().collect::<Vec<_>>());
    }
}

//! Finds `XASSUME_…` variables that have no effect although the user probably expects one.

use crate::event::Ignored;
use crate::flags::{all_flags, equivalent};
use crate::vars::{OWN_VARIABLES, Vars};
use std::os::unix::ffi::OsStrExt as _;

/// The maximum number of variables whose names are compared with the known ones, which bounds the time and the number of
/// warnings.
const MOST_UNKNOWN: usize = 8;
/// A name of more bytes is not the misspelled name of a variable.
const LONGEST_NAME: usize = 48;

/// Returns a warning for each variable that has no effect because its flag has no variable, or because its name is
/// misspelled or that of another tool's flag. Other unknown names may belong to another version of xassume.
pub(crate) fn unknown_variables(vars: &Vars) -> impl Iterator<Item = String> {
    let set = vars.iter().filter(|(name, value)| name.as_bytes().starts_with(b"XASSUME_") && !value.is_empty());
    let names = set.filter_map(|(name, _)| name.to_str());
    let unknown = names.filter(|name| !OWN_VARIABLES.contains(name) && !all_flags().any(|flag| flag.is_set_by(name)));
    let reasons = unknown.take(MOST_UNKNOWN).map(|name| (name, no_effect(name)));
    reasons.filter_map(|(name, reason)| Some(Ignored::new(name, reason?).to_string()))
}

/// Returns why a variable has no effect, or `None` if its name does not show what the user meant.
fn no_effect(name: &str) -> Option<String> {
    let short = name.strip_prefix("XASSUME_").filter(|short| short.len() <= LONGEST_NAME)?;
    // In a short name, two changes would make another word of it.
    let most = (short.len() / 3).min(2);
    let near = all_flags().map(|flag| (strsim::osa_distance(name, &flag.variable_name()), flag));
    let near = near.min_by_key(|(distance, _)| *distance).filter(|(distance, _)| *distance <= most);
    match near {
        Some((_, flag)) if flag.has_variable => Some(format!("did you mean {}?", flag.variable_name())),
        Some((_, flag)) => Some(format!("--{} has no variable", flag.long)),
        None => {
            let (flag, _) = equivalent(&short.to_ascii_lowercase().replace('_', "-"))?;
            flag.variable().map(|name| format!("did you mean {name}?"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flag;

    #[test]
    fn a_misspelled_variable_is_found() {
        let warned = |vars: &[(&str, &str)]| unknown_variables(&vars.iter().copied().collect()).collect::<Vec<_>>();
        for (name, reason) in [
            ("XASSUME_PROFLE", "did you mean XASSUME_PROFILE?"),
            ("XASSUME_ROLEARN", "did you mean XASSUME_ROLE_ARN?"),
            ("XASSUME_ROLE_ANR", "did you mean XASSUME_ROLE_ARN?"),
            ("XASSUME_TAGS", "did you mean XASSUME_TAG?"),
            ("XASSUME_ROLE", "did you mean XASSUME_ROLE_ARN?"),
            ("XASSUME_DURATION_SECONDS", "did you mean XASSUME_DURATION?"),
            ("XASSUME_VAI", "did you mean XASSUME_VIA?"),
            ("XASSUME_QIUET", "did you mean XASSUME_QUIET?"),
            ("XASSUME_PRINT", "--print has no variable"),
            ("XASSUME_CHEK", "--check has no variable"),
            ("XASSUME_MFA_TOKEN", "--mfa-token has no variable"),
        ] {
            assert_eq!(warned(&[(name, "x")]), [format!("ignoring {name} ({reason})")]);
            assert!(warned(&[(name, "")]).is_empty(), "an empty variable counts as unset");
        }
        for name in OWN_VARIABLES.into_iter().chain(["XASSUME_BIN", "XASSUME_LOG", "XASSUME_", "XASSUME", "XASSUM_TAG"])
        {
            assert_eq!(warned(&[(name, "x")]), Vec::<String>::new(), "{name}");
        }
        for name in all_flags().filter_map(Flag::variable) {
            assert_eq!(warned(&[(&name, "x")]), Vec::<String>::new(), "{name}");
        }
        let many: Vec<String> = (0..100).map(|number| format!("XASSUME_PROFILE{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
        assert_eq!(warned(&many).len(), MOST_UNKNOWN);
        let long = format!("XASSUME_{}", "A".repeat(1 << 20));
        assert_eq!(warned(&[(&long, "x")]), Vec::<String>::new());
    }
}

//! The variables that name a job of a CI system. Web identity tokens of different jobs belong to different identities,
//! although all jobs on a build server may run as one user and use the same command.

use crate::vars::Vars;
use std::ffi::OsString;

/// The variable that contains the URL from which a job of GitHub Actions gets its tokens. The URL names the job.
const GITHUB: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The variables with which CI systems name a job. The variables of one system together name a job.
const JOBS: &[&[&str]] = &[
    &[GITHUB],
    &["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"],
    &["CI_JOB_ID"],
    &["BUILDKITE_JOB_ID"],
    &["CIRCLE_WORKFLOW_JOB_ID"],
    &["BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_UUID"],
    &["SYSTEM_JOBID"],
    &["BUILD_TAG"],
];

/// The variables that determine to which job a token belongs, each with its value, or `None` if it is not set.
type JobVariables = Vec<(&'static str, Option<OsString>)>;

/// Returns the variables that name the job of GitHub Actions.
///
/// # Errors
/// This is not a job that can get a token.
pub(super) fn github(vars: &Vars) -> Result<JobVariables, String> {
    match value(vars, GITHUB) {
        Some(url) => Ok(vec![(GITHUB, Some(url))]),
        None => Err(format!("{GITHUB} is not set")),
    }
}

/// Returns the variables that name the job of any CI system, for a token that a command prints.
///
/// # Errors
/// `CI` is set, but no variable names the job. Another job could have the same command, but another identity.
pub(super) fn any(vars: &Vars) -> Result<JobVariables, String> {
    let is_named = JOBS.iter().any(|names| names.iter().all(|name| value(vars, name).is_some()));
    if !is_named && value(vars, "CI").is_some() {
        return Err("CI is set, but no known variable names the job".into());
    }
    Ok(JOBS.iter().copied().flatten().map(|name| (*name, value(vars, name))).collect())
}

fn value(vars: &Vars, name: &str) -> Option<OsString> {
    vars.nonempty(name).map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        pairs.iter().copied().collect()
    }

    #[test]
    fn each_variable_of_a_job_distinguishes_its_sessions() {
        let job: Vec<(&str, &str)> = JOBS.iter().copied().flatten().map(|name| (*name, "1")).collect();
        for at in 0..job.len() {
            for other in ["2", ""] {
                let mut changed = job.clone();
                changed[at].1 = other;
                assert_ne!(any(&vars(&job)), any(&vars(&changed)), "{:?}", changed[at]);
            }
        }
        let urls = ["https://one", "https://two"].map(|url| github(&vars(&[(GITHUB, url)])));
        assert!(urls[0] != urls[1] && urls[0].is_ok());
        assert!(github(&vars(&[("GITHUB_RUN_ID", "1")])).is_err());
    }

    #[test]
    fn in_ci_a_job_must_be_named_by_all_variables_of_its_system() {
        for names in JOBS {
            let mut job: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).chain([("CI", "true")]).collect();
            assert!(any(&vars(&job)).is_ok(), "{names:?}");
            job.remove(0);
            assert!(any(&vars(&job)).is_err(), "{names:?}");
        }
        for pairs in [&[][..], &[("CI", "")], &[("GITHUB_JOB", "build")]] {
            assert!(any(&vars(pairs)).is_ok(), "{pairs:?}");
        }
        assert!(any(&vars(&[("CI", "1"), ("GITHUB_JOB", "build")])).is_err());
    }
}

//! Makes the default session name. The name tells readers of `CloudTrail` who uses the session, and has no random part.

use crate::role::RoleSessionName;
use crate::vars::Vars;

/// The user and the host, which are parts of the default session name.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) uid: u32,
    pub(crate) host: String,
}

const MOST: usize = 64;

/// Returns the default session name. In GitHub Actions, it consists of the run ID and the attempt, and in a Jenkins job of
/// the job name and the build number. Otherwise, it is `xassume-USER@HOST`. It has only characters that AWS allows, and
/// at most 64 of them.
///
/// If the environment does not contain the user name, for example in a container, the user ID replaces it.
pub(super) fn default_session_name(vars: &Vars, host: &Host) -> RoleSessionName {
    let name = if let Some((run, attempt)) = github_run(vars) {
        format!("github-{run}-{attempt}")
    } else if let (Some(job), Some(build)) = (vars.text("JOB_NAME"), vars.text("BUILD_NUMBER")) {
        let build = format!("-{}", sanitized(build));
        let job = sanitized(job);
        // If the job name and the number are too long together, only the job name is cut, because the number identifies
        // the build.
        let room = MOST.saturating_sub(build.len());
        format!("{}{build}", &job[..job.len().min(room)])
    } else {
        let user = vars.text("LOGNAME").or_else(|| vars.text("USER"));
        let user = user.map_or_else(|| format!("uid{}", host.uid), sanitized);
        format!("xassume-{user}@{}", sanitized(&host.host))
    };
    let cut = &name[..name.len().min(MOST)];
    RoleSessionName::parse(cut).unwrap_or_else(|_| RoleSessionName::fallback())
}

/// Returns the run ID and the attempt of a job of GitHub Actions. Returns `None` outside such a job, or if one of them is
/// not a number.
fn github_run(vars: &Vars) -> Option<(&str, &str)> {
    let number =
        |name| vars.text(name).filter(|text| text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()));
    let in_job = vars.is_true("GITHUB_ACTIONS");
    in_job.then_some((number("GITHUB_RUN_ID")?, number("GITHUB_RUN_ATTEMPT")?))
}

/// Replaces each character that AWS does not allow with `-`.
fn sanitized(text: &str) -> String {
    text.chars().map(|c| if RoleSessionName::allows(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(vars: &[(&str, &str)], host: &str) -> String {
        default_session_name(&vars.iter().copied().collect(), &Host { uid: 1000, host: host.to_owned() }).to_string()
    }

    #[test]
    fn names_the_user_and_the_host() {
        assert_eq!(name(&[("USER", "alice")], "build-1.example.com"), "xassume-alice@build-1.example.com");
        assert_eq!(name(&[("LOGNAME", "bob"), ("USER", "alice")], "h"), "xassume-bob@h");
        assert_eq!(name(&[], "h"), "xassume-uid1000@h");
        assert_eq!(name(&[("USER", "CORP\\jürgen müller")], "h"), "xassume-CORP-j-rgen-m-ller@h");
        assert_eq!(name(&[("USER", &"u".repeat(80))], "h").len(), 64);
    }

    #[test]
    fn names_the_run_of_github_actions() {
        let github = |job: &str, run: &str, attempt: &str| {
            let run = [("GITHUB_ACTIONS", job), ("GITHUB_RUN_ID", run), ("GITHUB_RUN_ATTEMPT", attempt)];
            // Workflows often set these variables themselves.
            name(&[&run[..], &[("JOB_NAME", "j"), ("BUILD_NUMBER", "1")]].concat(), "h")
        };
        assert_eq!(github("true", "16712348901", "2"), "github-16712348901-2");
        for (job, run, attempt) in
            [("", "1", "1"), ("false", "1", "1"), ("true", "", "1"), ("true", "1", "x"), ("true", &"1".repeat(21), "1")]
        {
            assert_eq!(github(job, run, attempt), "j-1", "{job} {run} {attempt}");
        }
    }

    #[test]
    fn names_the_jenkins_build_and_keeps_its_number() {
        let jenkins =
            |job: &str, build: &str| name(&[("JOB_NAME", job), ("BUILD_NUMBER", build), ("USER", "jenkins")], "h");
        assert_eq!(jenkins("team/deploy prod", "118"), "team-deploy-prod-118");
        let long = jenkins(&"j".repeat(100), "12345");
        assert_eq!((long.len(), &long[58..]), (64, "-12345"));
        assert_eq!(jenkins("j", &"9".repeat(100)).len(), 64);
    }
}

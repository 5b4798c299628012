//! The default session name: useful in `CloudTrail`, and the same from run to run.

use crate::role::RoleSessionName;
use crate::vars::Vars;

/// The user and the host, for the default session name.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) uid: u32,
    pub(crate) host: String,
}

const MOST: usize = 64;

/// Under Jenkins the job's name and the build's number, else `xassume-USER@HOST`; in AWS's character set and length.
///
/// The user ID replaces a user name that is not in the environment, for example in a container.
pub(super) fn default_session_name(vars: &Vars, host: &Host) -> RoleSessionName {
    let name = if let (Some(job), Some(build)) = (vars.text("JOB_NAME"), vars.text("BUILD_NUMBER")) {
        let build = format!("-{}", sanitized(build));
        let job = sanitized(job);
        // The number identifies the build, so a long name is cut.
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

/// The text with `-` for each character that AWS does not allow.
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
    fn names_the_jenkins_build_and_keeps_its_number() {
        let jenkins =
            |job: &str, build: &str| name(&[("JOB_NAME", job), ("BUILD_NUMBER", build), ("USER", "jenkins")], "h");
        assert_eq!(jenkins("team/deploy prod", "118"), "team-deploy-prod-118");
        let long = jenkins(&"j".repeat(100), "12345");
        assert_eq!((long.len(), &long[58..]), (64, "-12345"));
        assert_eq!(jenkins("j", &"9".repeat(100)).len(), 64);
    }
}

//! Finds probable mistakes: a command whose own arguments select a profile, and names in `--keep-env` that have no
//! effect.

use crate::deliver::environment::is_removed_by_default;
use crate::deliver::{DeliverySettings, Via};
use crate::event::Ignored;
use crate::process::listen_address::ListenAddress;
use crate::vars::Vars;
use std::ffi::OsString;

/// Programs whose flag `--profile` selects a profile in AWS's shared config files.
const PROGRAMS: &[&str] = &["aws", "sam", "cdk", "eb", "ecs-cli", "eksctl", "copilot", "s5cmd"];

/// Returns a warning if the command's own arguments select a profile, because the command then uses the credentials of
/// that profile instead of the session. There is no warning if the command gets a copy of the config file, because the
/// copy contains no credentials.
///
/// If the command is a shell or another wrapper, the program in its arguments is found, too.
pub(super) fn own_profile(command: &[OsString], delivery: &DeliverySettings) -> Option<String> {
    if delivery.isolate || delivery.via != Via::Env {
        return None;
    }
    let text = command.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let mut flags = text.split(|c: char| c.is_whitespace() || "'\";&|()".contains(c));
    let program = flags.by_ref().find_map(|argument| {
        let name = argument.rsplit('/').next().unwrap_or_default();
        PROGRAMS.iter().find(|known| **known == name)
    })?;
    flags.find(|argument| *argument == "--profile" || argument.starts_with("--profile="))?;
    Some(format!("the command uses {program} --profile and will ignore the assumed role; --isolate hides the profile"))
}

/// The shells that run a script with `-c`.
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash", "ksh", "zsh"];

/// Returns a warning if the command is a shell with a script of several commands, because `LISTEN_PID` then names the
/// shell, and a server that the shell starts as its child ignores the sockets. A script with `exec` is accepted.
pub(super) fn sockets_for_a_shell(command: &[OsString], listen: &[ListenAddress]) -> Option<String> {
    let words: Vec<_> = command.iter().map(|argument| argument.to_string_lossy()).collect();
    let shell = words.first()?.rsplit('/').next()?.to_owned();
    let script = words.iter().skip_while(|word| *word != "-c").nth(1)?;
    let is_list = script.trim().trim_end_matches(';').contains([';', '&', '|', '\n']);
    let executes = script.split(|c: char| c.is_whitespace() || ";&|()".contains(c)).any(|word| word == "exec");
    (SHELLS.contains(&shell.as_str()) && is_list && !executes && !listen.is_empty()).then(|| {
        format!(
            "the listening sockets are for {shell}, not for a program that it starts; use: {shell} -c '…; exec SERVER'"
        )
    })
}

/// Returns a note for each name in `--keep-env` that has no effect. Such a variable is neither set nor one of those
/// that xassume removes by default.
pub(super) fn kept_for_nothing(keep: &[OsString], vars: &Vars) -> impl Iterator<Item = Ignored> {
    let is_set = |name: &OsString| vars.iter().any(|(known, _)| known == name);
    let unknown = keep.iter().filter(move |name| !is_set(name) && !is_removed_by_default(name));
    unknown.map(|name| Ignored::new(format_args!("--keep-env {}", name.to_string_lossy()), "not set"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::KEEP_ENV;
    use crate::origin::Origin;

    #[test]
    fn a_server_that_a_shell_starts_beside_other_commands_gets_no_sockets() {
        let warned = |words: &[&str], addresses: &[&str]| {
            let words: Vec<_> = words.iter().map(OsString::from).collect();
            let addresses: Vec<_> = addresses.iter().map(|text| ListenAddress::parse(text).expect(text)).collect();
            sockets_for_a_shell(&words, &addresses).is_some()
        };
        for script in ["a; server", "a && server", "server | tee log", "a\nserver", "server &"] {
            assert!(warned(&["/bin/sh", "-c", script], &["80"]), "{script:?}");
            assert!(!warned(&["/bin/sh", "-c", script], &[]), "{script:?}");
            assert!(!warned(&["python3", "-c", script], &["80"]), "{script:?}");
        }
        for script in ["server", "server;", " server\n", "a; exec server", "a &&exec server", "exec server"] {
            assert!(!warned(&["bash", "-ec", "-c", script], &["80"]), "{script:?}");
        }
        assert!(!warned(&["bash", "run; it"], &["80"]));
        assert!(!warned(&[], &["80"]));
    }

    #[test]
    fn a_profile_in_the_commands_own_arguments_is_found() {
        let keep_by = Origin::Flag(&KEEP_ENV);
        let by = |via, isolate| DeliverySettings { via, isolate, keep: Vec::new(), keep_by };
        let said =
            |flags: &[&str], delivery| own_profile(&flags.iter().map(OsString::from).collect::<Vec<_>>(), &delivery);
        let sees = |flags: &[&str]| said(flags, by(Via::Env, false)).is_some();
        let flags = ["aws", "--profile", "x"];
        assert_eq!([by(Via::Env, true), by(Via::Process, false)].map(|delivery| said(&flags, delivery)), [None, None]);
        for flags in [
            &["aws", "--profile", "x", "s3", "ls"][..],
            &["/usr/bin/aws", "s3", "ls", "--profile=x"],
            &["sh", "-c", "cd /tmp && aws s3 ls --profile 'x'"],
            &["env", "A=1", "cdk", "deploy", "--profile", "x"],
        ] {
            assert!(sees(flags), "{flags:?}");
        }
        for flags in [
            &["aws", "s3", "ls"][..],
            &["cargo", "build", "--profile", "dev"],
            &["docker", "compose", "--profile", "dev", "up", "aws"],
            &["aws", "s3", "cp", "--profiles", "x"],
        ] {
            assert!(!sees(flags), "{flags:?}");
        }
    }
}

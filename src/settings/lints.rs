//! Finds probable mistakes: a command whose own arguments select a profile, and names in `--keep-env` that have no
//! effect.

use super::also::Named;
use crate::deliver::environment::is_removed_by_default;
use crate::deliver::{DeliverySettings, Via};
use crate::event::Ignored;
use crate::profile::DEFAULT;
use crate::vars::Vars;
use std::borrow::Cow;
use std::ffi::OsString;

/// Programs whose flag `--profile` selects a profile in AWS's shared config files.
const PROGRAMS: &[&str] = &["aws", "sam", "cdk", "eb", "ecs-cli", "eksctl", "copilot", "s5cmd"];

/// Returns a warning if the command's own arguments select a profile, because the command then uses the credentials of
/// that profile instead of the session. If the command gets a copy of the config file, there is a warning only if some
/// profiles in it have a session (`--also`), but this one has not.
///
/// If the command is a shell or another wrapper, the program in its arguments is found, too.
pub(super) fn own_profile(command: &[OsString], delivery: &DeliverySettings, also: &[Named]) -> Option<String> {
    let has_copy = delivery.isolate || delivery.via != Via::Env;
    if has_copy && also.is_empty() {
        return None;
    }
    let text = command.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let mut flags = text.split(|c: char| c.is_whitespace() || "'\";&|()".contains(c));
    let program = flags.by_ref().find_map(|argument| {
        let name = argument.rsplit('/').next().unwrap_or_default();
        PROGRAMS.iter().find(|known| **known == name)
    })?;
    let flag = flags.find(|argument| *argument == "--profile" || argument.starts_with("--profile="))?;
    if has_copy {
        let name = flag.strip_prefix("--profile=").or_else(|| flags.find(|word| !word.is_empty()))?;
        let is_known = name == DEFAULT || also.iter().any(|(known, _)| known == name);
        let text = format!("the command uses {program} --profile {name}, which has no session; add --also {name}");
        return (!is_known).then_some(text);
    }
    Some(format!("the command uses {program} --profile and will ignore the assumed role; --isolate hides the profile"))
}

/// The shells that run a script with `-c`.
const SHELLS: &[&str] = &["sh", "ash", "bash", "dash", "ksh", "zsh"];
/// The shells that stay even if their script is a single command. `sh` is one of them in Debian.
const STAYING_SHELLS: &[&str] = &["sh", "ash", "dash"];
/// Programs that replace themselves with the command in their arguments.
const REPLACED: &[&str] = &["env", "nice", "setpriv", "gosu", "busybox"];
/// The words that can precede a command in a list of commands.
const OPENERS: &[&str] = &["{", "then", "else", "do", "!"];

/// Returns a warning if the command is a shell with a script in which no command begins with `exec PROGRAM`.
/// `LISTEN_PID` then names the shell, and a server that the shell starts as its child ignores the sockets. There is no
/// warning if the script is a single command with which the shell replaces itself.
pub(super) fn sockets_for_a_shell(command: &[OsString]) -> Option<String> {
    let words: Vec<_> = command.iter().map(|argument| argument.to_string_lossy()).collect();
    let is_one_of = |word: &str, names: &[&str]| word.rsplit('/').next().is_some_and(|name| names.contains(&name));
    let is_replaced = is_one_of(words.first()?, REPLACED);
    let position = words.iter().position(|word| is_one_of(word, SHELLS)).filter(|at| *at == 0 || is_replaced)?;
    let shell = &words[position];
    let script = bare(script(&words[position + 1..])?);
    let list = script.replace("&&", ";").replace("||", ";").replace('\n', ";");
    let one = script.trim().trim_end_matches(';');
    let is_single = !one.contains([';', '&', '|', '<', '>', '\n']) && !one.starts_with(['(', '{']);
    let replaces_itself =
        is_single && !is_one_of(shell, STAYING_SHELLS) || list.split_inclusive([';', '|', '&']).any(executes);
    (!replaces_itself).then(|| {
        format!(
            "the listening sockets may be for {shell} only, not for a program that it starts; use: {shell} -c '…; exec \
             SERVER'"
        )
    })
}

/// Returns the script in the arguments of a shell: with the option `-c`, it is the first argument that is not an option.
fn script<'a>(arguments: &'a [Cow<'_, str>]) -> Option<&'a str> {
    // `pipefail` is the option that `-o` most often precedes.
    let options = arguments.iter().take_while(|argument| argument.starts_with(['-', '+']) || *argument == "pipefail");
    let has_script = options.clone().any(|option| !option.starts_with("--") && option.contains('c'));
    arguments.get(options.count()).filter(|_| has_script).map(AsRef::as_ref)
}

/// Replaces each character that has no meaning for the list of commands: what is quoted, what is in parentheses, and the
/// operators of redirections, except `<` and `>`.
fn bare(script: &str) -> String {
    let (mut quote, mut depth, mut is_escaped) = (None, 0_usize, false);
    let unquoted = script.chars().map(|c| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match (quote, c) {
            _ if was_escaped => return '_',
            (None | Some('"' | '`'), '\\') => is_escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => {
                depth += 1;
                return if depth == 1 { '(' } else { '_' };
            }
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 => return c,
            _ => {}
        }
        '_'
    });
    [">&", "<&", "&>", ">|"].iter().fold(unquoted.collect(), |text: String, operator| text.replace(operator, ">_"))
}

/// Checks whether the shell replaces itself when it comes to this command, which ends with the operator after it. In a
/// pipe or in the background, the shell does not.
fn executes(command: &str) -> bool {
    let mut words = command.trim_end_matches(';').split_whitespace();
    let first = words.find(|word| !OPENERS.contains(word) && !word.contains('='));
    let is_redirection = |word: &str| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>']);
    !command.ends_with(['|', '&']) && first == Some("exec") && words.next().is_some_and(|word| !is_redirection(word))
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
    use crate::profile::AlsoRole;

    #[test]
    fn a_server_that_is_not_the_process_of_the_shell_gets_no_sockets() {
        let warned = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(OsString::from).collect();
            sockets_for_a_shell(&words).is_some()
        };
        for script in [
            "a; server",
            "server | tee log",
            "a\nserver",
            "server &",
            "server 2>&1",
            "(cd /; exec server)",
            "exec server | tee log",
            "exec server & wait",
            "exec 2>/dev/null; server",
            "exec >log",
            "echo docker exec x; server",
            "echo '; exec server'; server",
            "trap 'exec x' EXIT; server",
        ] {
            assert!(warned(&["/bin/sh", "-c", script]), "{script:?}");
            assert!(warned(&["bash", "-lc", script]), "{script:?}");
            assert!(warned(&["env", "A=1", "-u", "B", "bash", "-eu", "-o", "pipefail", "-c", script]), "{script:?}");
            assert!(!warned(&["python3", "-c", script]), "{script:?}");
        }
        for script in [
            "a; exec server",
            "a &&exec server",
            "exec server",
            "sidecar & exec server",
            "exec server 2>&1",
            "exec server >log 2>&1;",
            "exec server &>log",
            "exec server --host $(hostname -i | head -1)",
            "A=1 exec \"$SERVER\" || exit 1",
            "if test -e a; then exec b; else exec c; fi",
            "{ a; exec 7z; }",
            "echo it\\'s; exec server",
            "(a); b $(c); exec server",
        ] {
            assert!(!warned(&["sh", "-ec", script]), "{script:?}");
            assert!(!warned(&["bash", "-c", script]), "{script:?}");
        }
        for script in
            ["server", "server;", " server\n", "A=1 server --url 'http://h/?a=1&b=2;'", "server ${PORT} $(hostname)"]
        {
            assert!(!warned(&["bash", "-ec", script]) && warned(&["dash", "-ec", script]), "{script:?}");
        }
        for words in [
            &["bash", "run; it"][..],
            &["sh", "run", "-c", "a; b"],
            &["sh", "-e", "a; b"],
            &["sh", "-c"],
            &["server", "sh", "-c", "a"],
            &[],
        ] {
            assert!(!warned(words), "{words:?}");
        }
    }

    #[test]
    fn a_profile_in_the_commands_own_arguments_is_found() {
        let keep_by = Origin::Flag(&KEEP_ENV);
        let by = |via, isolate| DeliverySettings { via, env_file: None, isolate, keep: Vec::new(), keep_by };
        let said = |flags: &[&str], delivery| {
            own_profile(&flags.iter().map(OsString::from).collect::<Vec<_>>(), &delivery, &[])
        };
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
        let also = [("prod".to_owned(), AlsoRole::OfProfile)];
        let warned = |name: &str| {
            let command = ["aws", "--profile", name, "s3", "ls"].map(OsString::from);
            own_profile(&command, &by(Via::Process, false), &also).is_some()
        };
        assert_eq!(["prod", "default", "dev"].map(warned), [false, false, true]);
    }

    #[test]
    fn a_kept_variable_that_is_neither_set_nor_removed_is_for_nothing() {
        let keep = ["A", "AWS_PROFILE", "B"].map(OsString::from);
        let notes: Vec<_> = kept_for_nothing(&keep, &[("A", "")].into_iter().collect()).collect();
        assert_eq!(notes, [Ignored::new("--keep-env B", "not set")]);
    }
}

//! Recognizes a command that is an interactive shell if it runs on a terminal.

use std::borrow::Cow;
use std::ffi::OsString;

/// The shells that read commands from the terminal.
const SHELLS: &[&str] = &[
    "sh", "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "mksh", "nu", "oksh", "osh", "pwsh", "rbash",
    "tcsh", "xonsh", "yash", "zsh",
];
/// The options whose value is the next argument.
const WITH_VALUE: &[&str] =
    &["-o", "+o", "-O", "+O", "--rcfile", "--init-file", "--init-command", "--config", "--env-config"];
/// The options with which a shell only prints something.
const PRINTING: &[&str] = &["--help", "--version"];

/// Checks whether the command is a shell without a script and without commands in its arguments. `env`, with variables
/// and without options, may precede the shell. An unknown option counts as one with which the shell is interactive,
/// except if it may begin a command or name a script.
pub(super) fn is_shell(command: &[OsString]) -> bool {
    let words: Vec<_> = command.iter().map(|argument| argument.to_string_lossy()).collect();
    let names = |word: &str, known: &[&str]| word.rsplit('/').next().is_some_and(|name| known.contains(&name));
    let after_env = words.iter().skip(1).position(|word| !word.contains('=')).map(|at| at + 1);
    let shell = if words.first().is_some_and(|first| names(first, &["env"])) { after_env } else { Some(0) };
    let Some((program, arguments)) = shell.and_then(|at| words.get(at..)?.split_first()) else { return false };
    names(program, SHELLS) && stays_interactive(arguments)
}

fn stays_interactive(arguments: &[Cow<'_, str>]) -> bool {
    let mut arguments = arguments.iter().map(AsRef::as_ref);
    while let Some(argument) = arguments.next() {
        match argument {
            // Bash and other shells read standard input with `-s`, also if there are further arguments.
            "-s" => return true,
            "--" | "-" => return arguments.next().is_none(),
            _ if WITH_VALUE.contains(&argument) => drop(arguments.next()),
            _ if PRINTING.contains(&argument) || !argument.starts_with(['-', '+']) => return false,
            _ if argument.starts_with("--") => {
                let long = argument.to_ascii_lowercase();
                if ["--command", "--execute", "--file", "--no-execute"].iter().any(|option| long.starts_with(option)) {
                    return false;
                }
            }
            // `-c`, or several letters with a `c`, such as `-lc`. PowerShell's `-File` and `-EncodedCommand` are whole
            // words.
            _ if argument.contains('c')
                || ["-command", "-file", "-f"].contains(&argument.to_ascii_lowercase().as_str()) =>
            {
                return false;
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_without_a_script_or_commands_is_interactive() {
        let is_shell = |line: &str| is_shell(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "bash",
            "/bin/zsh",
            "sh",
            "bash -l",
            "bash --login -i",
            "bash --norc --noprofile",
            "bash --rcfile /tmp/rc -i",
            "bash -o vi",
            "bash -O globstar +O extglob",
            "bash -s argument",
            "bash --",
            "zsh -l -o vi",
            "fish --private --init-command cd",
            "pwsh -NoLogo",
            "nu --config c.nu",
            "env X=1 bash",
            "/usr/bin/env A=1 B= fish -l",
        ] {
            assert!(is_shell(line), "{line}");
        }
        for line in [
            "bash script.sh",
            "bash -c true",
            "bash -lc true",
            "bash -ic true",
            "bash -i script.sh",
            "bash -- script.sh",
            "bash -o vi script.sh",
            "bash --version",
            "fish --command=ls",
            "fish --no-execute",
            "pwsh -Command ls",
            "pwsh -File x.ps1",
            "env -i bash",
            "env X=1 bash -c true",
            "env X=1",
            "env",
            "python3",
            "aws s3 ls",
            "bashful",
            "sudo bash",
        ] {
            assert!(!is_shell(line), "{line}");
        }
        assert!(!super::is_shell(&[]));
    }
}

//! Recognizes a command that is an interactive shell if it runs on a terminal.

use std::ffi::OsString;

/// The shells that read commands from the terminal.
const SHELLS: &[&str] = &[
    "sh", "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "mksh", "nu", "oksh", "osh", "pwsh", "rbash",
    "tcsh", "xonsh", "yash", "zsh",
];
/// The options whose value is the next argument. After the value, the shell is interactive.
const WITH_VALUE: &[&str] = &["--rcfile", "--init-file", "--init-command", "--config", "--env-config"];
/// The options with which a shell only prints something, checks something, or runs commands and ends.
const NOT_INTERACTIVE: &[&str] = &["--help", "--version", "--command", "--file", "--no-execute"];
/// The options of PowerShell, in lower case, that are followed by a script or by commands, or with which it prints
/// something.
const PWSH_NOT_INTERACTIVE: &[&str] = &[
    "-command",
    "-c",
    "-commandwithargs",
    "-cwa",
    "-encodedcommand",
    "-e",
    "-ec",
    "-file",
    "-f",
    "-version",
    "-v",
    "-help",
    "-h",
    "-?",
];
/// The options of PowerShell without a value, in lower case.
const PWSH_SWITCHES: &[&str] = &[
    "-interactive",
    "-i",
    "-login",
    "-l",
    "-mta",
    "-nologo",
    "-nol",
    "-noninteractive",
    "-noni",
    "-noprofile",
    "-nop",
    "-noprofileloadtime",
    "-sta",
];

/// Checks whether the command is a shell without a script and without commands in its arguments. `env` may precede the
/// shell. An unknown option counts as one with which the shell is interactive, except if it may begin a command or name
/// a script.
pub(super) fn is_shell(command: &[OsString]) -> bool {
    let words: Vec<_> = command.iter().map(|argument| argument.to_string_lossy()).collect();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.first().is_some_and(|first| name(first) == "env") {
        words = run_by_env(&words[1..]);
    }
    let Some((program, arguments)) = words.split_first() else { return false };
    match name(program).as_str() {
        "pwsh" => pwsh_stays_interactive(arguments),
        shell => SHELLS.contains(&shell) && stays_interactive(shell, arguments),
    }
}

/// Returns the command in the arguments of `env`, which follows the options and the variables.
fn run_by_env<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    // The next word is the last one.
    let mut rest: Vec<&str> = arguments.iter().rev().copied().collect();
    while let Some(word) = rest.pop() {
        let split = match word {
            "-S" | "--split-string" => rest.pop(),
            _ => word.strip_prefix("--split-string=").or_else(|| word.strip_prefix("-S")),
        };
        match (word, split) {
            (_, Some(split)) => rest.extend(split.split_whitespace().rev()),
            ("-u" | "--unset" | "-C" | "--chdir", _) => drop(rest.pop()),
            _ if word.starts_with('-') || word.contains('=') => {}
            _ => {
                rest.push(word);
                break;
            }
        }
    }
    rest.reverse();
    rest
}

fn stays_interactive(shell: &str, arguments: &[&str]) -> bool {
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        match (shell, argument) {
            // Bash and other shells read standard input with `-s`, also if there are further arguments.
            (_, "-s") => return true,
            (_, "--" | "-") => return arguments.next().is_none(),
            // These run commands first and are interactive afterwards.
            ("fish", "-C") | ("nu", "-e" | "--execute") => drop(arguments.next()),
            _ if WITH_VALUE.contains(&argument) => drop(arguments.next()),
            _ if !argument.starts_with(['-', '+']) => return false,
            _ if argument.starts_with("--") => {
                let long = argument.to_ascii_lowercase();
                if NOT_INTERACTIVE.iter().any(|option| long.starts_with(option)) {
                    return false;
                }
            }
            // `-c`, or several letters with a `c`, such as `-lc`.
            _ if argument.contains('c') => return false,
            // `-o`, or several letters of which the last one takes a value, such as `-euo pipefail`.
            _ if argument.ends_with(['o', 'O']) => drop(arguments.next()),
            _ => {}
        }
    }
    true
}

fn pwsh_stays_interactive(arguments: &[&str]) -> bool {
    let mut arguments = arguments.iter().map(|argument| argument.to_ascii_lowercase());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // It runs the commands first.
            "-noexit" | "-noe" => return true,
            option if PWSH_NOT_INTERACTIVE.contains(&option) || !option.starts_with('-') => return false,
            option if PWSH_SWITCHES.contains(&option) => {}
            _ => drop(arguments.next()),
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
            "env -i bash",
            "env -u X -C /tmp A=1 bash",
            "env -S bash -l",
            "env -S bash\t-l",
            "env -Szsh",
            "env --split-string=fish",
            "bash -f",
            "zsh -f",
            "sh -f",
            "bash -eo vi",
            "bash -euo pipefail",
            "fish -C cd",
            "nu -e ls",
            "nu --execute ls",
            "pwsh -NoExit -Command ls",
            "pwsh -ExecutionPolicy Bypass -NoProfile",
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
            "bash -- -run",
            "bash run",
            "bash -c",
            "bash -o vi script.sh",
            "bash --version",
            "fish --command=ls",
            "fish --no-execute",
            "pwsh -Command ls",
            "pwsh -File x.ps1",
            "env X=1 bash -c true",
            "env -i -u X bash -c true",
            "env -S bash -c true",
            "env -S",
            "env -u bash",
            "bash -euo pipefail script.sh",
            "bash -C script.sh",
            "nu -c ls",
            "pwsh -f x.ps1",
            "pwsh x.ps1",
            "pwsh -NoProfile x.ps1",
            "pwsh -NoProfile -EncodedCommand x",
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

//! Runs the bash script in bash, with the variables that readline sets. `tests/clients` tests it on a terminal, with
//! zsh and fish.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::generate;
use super::listed::user;
use crate::support::{Finished, Xassume, binary};
use std::process::Command;

const SCRIPT: &str = r#"
source "$1"
eval "$2"
COMP_LINE=$3 COMP_POINT=${#3} COMP_CWORD=$(($# - 4))
shift 3
COMP_WORDS=("$@")
_xassume "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
"#;

fn bash_is_here() -> bool {
    let here =
        Command::new("bash").args(["-c", "((BASH_VERSINFO[0] >= 5))"]).status().is_ok_and(|status| status.success());
    if !here {
        println!("skipped: bash 5 is not installed");
    }
    here
}

/// How bash splits a line without quotes: also at = and :, which become words.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for typed in line.split(' ') {
        let mut word = String::new();
        for c in typed.chars() {
            let breaks = |c: char| matches!(c, '=' | ':');
            if word.chars().next_back().is_some_and(|last| breaks(last) != breaks(c)) {
                words.push(std::mem::take(&mut word));
            }
            word.push(c);
        }
        words.push(word);
    }
    words
}

fn run(before: &str, line: &str) -> Finished {
    run_as(&user(), before, line)
}

fn run_as(user: &Xassume, before: &str, line: &str) -> Finished {
    let line = line.replacen("xassume", &binary().to_string_lossy(), 1);
    let user = user.clone().file("xassume.bash", generate::bash());
    let script = user.home().join("xassume.bash");
    let bash = user.program("/usr/bin/env").args(["bash", "--norc", "--noprofile", "-c", SCRIPT, "bash"]);
    bash.arg(script).args([before, &line]).args(words(&line)).run()
}

/// The candidates for the end of a line that begins with `xassume`, after running these commands.
#[track_caller]
fn offered_after(before: &str, line: &str) -> Vec<String> {
    let finished = run(before, line).exited(0);
    assert_eq!(finished.stderr, "", "{line}");
    finished.stdout_text().lines().map(str::to_owned).collect()
}

#[track_caller]
fn offered(line: &str) -> Vec<String> {
    offered_after("", line)
}

#[test]
fn values_are_what_the_program_lists() {
    if !bash_is_here() {
        return;
    }
    for line in ["xassume --profile ", "xassume -p ", "xassume -vp ", "xassume --profile="] {
        assert_eq!(offered(line), ["default", "deploy", "keys", "two\\ words"], "{line}");
    }
    assert_eq!(offered("xassume -v --profile de"), ["default", "deploy"]);
    assert_eq!(offered("xassume --signal US"), ["USR1", "USR2"]);
    assert_eq!(offered("xassume --stop-signal=TE"), ["TERM"]);
}

/// A profile may be named like code. The completed line must run none of it.
#[test]
fn inside_quotes_only_names_are_offered_that_are_no_code() {
    if !bash_is_here() {
        return;
    }
    let names = ["d$(id)", "d`id`", "d$x", "d\\", "d!x", "d\"d", "d'd", "\"d d\"", "d;id", "dev"];
    let config = names.map(|name| format!("[profile {name}]\n")).concat();
    let user = user().file(".aws/config", config).file(".aws/credentials", "");
    for (quote, expected) in [
        ("\"", &["d d", "d'd", "d;id", "dev"][..]),
        ("'", &["d d", "d!x", "d\"d", "d$(id)", "d$x", "d;id", "d\\", "d`id`", "dev"]),
    ] {
        for line in [format!("xassume -p {quote}d"), format!("xassume --profile={quote}d")] {
            let finished = run_as(&user, "", &line).exited(0);
            assert_eq!(finished.stdout_text().lines().collect::<Vec<_>>(), expected, "{line}");
        }
    }
}

#[test]
fn roles_are_completed_after_the_colons_at_which_bash_splits() {
    if !bash_is_here() {
        return;
    }
    let (reader, deploy) = ("222222222222:role/team/Reader", "521111111144:role/DeployMaster");
    assert_eq!(
        offered("xassume -r "),
        [&format!("arn:aws:iam::{reader}"), &format!("arn:aws:iam::{deploy}"), "521111111144:DeployMaster"]
    );
    assert_eq!(offered("xassume --role-arn arn:aws:iam:"), [format!(":{reader}"), format!(":{deploy}")]);
    assert_eq!(offered("xassume --role-arn arn:aws:iam::2"), ["222222222222:role/team/Reader"]);
    assert_eq!(offered("xassume --role-arn=arn:aws:iam::521111111144:r"), ["role/DeployMaster"]);
    assert_eq!(offered("xassume -r 521111111144:"), ["DeployMaster"]);
    let whole = offered_after("COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=]/}", "xassume -r 521111111144:");
    assert_eq!(whole, ["521111111144:DeployMaster"], "where bash does not split them");
}

#[test]
fn flags_with_fixed_values_complete_them() {
    if !bash_is_here() {
        return;
    }
    let mut flags = 0;
    for flag in xassume::cli::all_flags().filter(|flag| !flag.values.is_empty()) {
        let words: Vec<_> = flag.values.iter().map(|(word, _)| *word).collect();
        assert_eq!(offered(&format!("xassume --{} ", flag.long)), words, "--{}", flag.long);
        flags += 1;
    }
    assert!(flags >= 5, "{flags} flags have such words");
    assert_eq!(offered("xassume --region "), Vec::<String>::new());
}

#[test]
fn every_flag_is_offered_and_only_repeatable_flags_again() {
    if !bash_is_here() {
        return;
    }
    let every: Vec<_> = xassume::cli::all_flags().map(|flag| flag.long).chain(["help", "version"]).collect();
    assert_eq!(offered("xassume -"), every.iter().map(|long| format!("--{long}")).collect::<Vec<_>>());
    for (line, again) in [
        ("xassume --via env --vi", &[][..]),
        ("xassume --via=env --vi", &[]),
        ("xassume -vq --qui", &[]),
        ("xassume -p default --prof", &[]),
        ("xassume -pdefault --prof", &[]),
        ("xassume -r x --role-a", &["--role-arn"]),
        ("xassume -v --verb", &["--verbose"]),
        ("xassume --profile --via --vi", &["--via"]),
    ] {
        assert_eq!(offered(line), again, "{line}");
    }
}

#[test]
fn after_the_command_its_own_completion_is_used() {
    if !bash_is_here() {
        return;
    }
    let known = "_frob() { COMPREPLY=(\"$1|$2|$3|$COMP_LINE|$COMP_POINT|$COMP_CWORD|${COMP_WORDS[*]}\"); }
        complete -F _frob frob; complete -W 'up down' frobber";
    for line in ["xassume -- frob x ne", "xassume frob x ne", "xassume --role-arn a:b=c:d -p=x -v -- frob x ne"] {
        assert_eq!(offered_after(known, line), ["frob|ne|x|frob x ne|9|2|frob x ne"], "{line}");
    }
    let flags = "xassume -v -r arn:aws:x -- frob --profile ";
    assert_eq!(offered_after(known, flags), ["frob||--profile|frob --profile |15|2|frob --profile "]);
    assert_eq!(offered_after(known, "xassume frobber d"), ["down"]);
    assert_eq!(offered_after("frobnicate() { :; }", "xassume -r x -- frobni"), ["frobnicate"]);
    let package = "_command_offset() { COMPREPLY=(\"package: $1 ${COMP_WORDS[*]}\"); }";
    assert_eq!(offered_after(package, "xassume -r a:b -- frob x"), ["package: 0 frob x"]);
}

//! Reads the values with the programs for which they are quoted.
#![allow(clippy::print_stdout, reason = "a test that cannot be done here says why")]

use super::values;
use crate::print::{Syntax, set};
use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};

/// Prints the values of the variables `V0`, `V1`, … with python-dotenv.
const PYTHON_DOTENV: &str = "\
import io, sys
try:
    from dotenv import dotenv_values
except ImportError:
    sys.exit(9) # NO_LIBRARY
values = dotenv_values(stream=io.StringIO(sys.stdin.buffer.read().decode(), newline=''))
sys.stdout.buffer.write(''.join(values[f'V{at}'] + '\\0' for at in range(len(values))).encode())
";

/// The status of a program that is installed without a library that it needs.
const NO_LIBRARY: i32 = 9;

/// Runs a script with this program. Returns `None` if the program is not installed.
fn run(program: &[&str], locale: &str, script: &str) -> Option<Vec<u8>> {
    let (name, options) = program.split_first()?;
    // Shells read single bytes from a pipe, but blocks from a file.
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(script.as_bytes()).and_then(|()| file.rewind()).expect("a script");
    let Ok(output) =
        Command::new(name).args(options).env("LC_ALL", locale).stdin(file).stderr(Stdio::inherit()).output()
    else {
        println!("skipped: there is no {name}");
        return None;
    };
    if output.status.code() == Some(NO_LIBRARY) {
        println!("skipped: {name} lacks a library");
        return None;
    }
    assert!(output.status.success(), "{program:?}: {}", output.status);
    Some(output.stdout)
}

/// Returns the text that sets the variable, or `None` if the format cannot represent the value.
fn line(syntax: Syntax, name: &str, value: &str) -> Option<String> {
    let mut text = String::new();
    set(syntax, name.as_ref(), value.as_ref(), &mut text).ok().map(|()| text)
}

/// Fails with the first value that is not read as it was.
fn same(program: &[&str], read: &[u8], values: &[String]) {
    let mut read = read.split(|&byte| byte == 0);
    for value in values {
        let read = read.next().unwrap_or_default();
        assert!(read == value.as_bytes(), "{program:?} reads {value:?} as {:?}", String::from_utf8_lossy(read));
    }
    assert_eq!(read.collect::<Vec<_>>(), [b""], "{program:?}");
}

#[test]
fn every_value_is_read_as_it_was_by_the_shells_themselves() {
    let values = values();
    let printf = "printf '%s\\0' \"$V\"\n";
    for (shell, syntax, print) in [
        (&["sh"][..], Syntax::Export, printf),
        (&["dash"], Syntax::Export, printf),
        (&["bash", "--norc"], Syntax::Export, printf),
        (&["bash", "--posix"], Syntax::Export, printf),
        (&["zsh", "-f"], Syntax::Export, printf),
        (&["zsh", "-f", "-o", "rcquotes"], Syntax::Export, printf),
        (&["busybox", "sh"], Syntax::Export, printf),
        // Its printf is another program.
        (&["mksh"], Syntax::Export, "print -rn -- \"$V\"; print -n '\\0'\n"),
        (&["fish", "--no-config"], Syntax::Fish, printf),
    ] {
        let script: String = values.iter().map(|value| line(syntax, "V", value).expect("any value") + print).collect();
        for locale in ["C", "C.UTF-8"] {
            if let Some(read) = run(shell, locale, &script) {
                same(shell, &read, &values);
            }
        }
    }
}

#[test]
fn every_value_that_dotenv_accepts_is_read_as_it_was_by_python() {
    // Only a third of the values, because python-dotenv is slow. It has each of the listed pieces in some position.
    let mut values: Vec<_> = values().into_iter().step_by(3).collect();
    values.retain(|value| line(Syntax::Dotenv, "V", value).is_some());
    let file: String =
        values.iter().enumerate().filter_map(|(at, value)| line(Syntax::Dotenv, &format!("V{at}"), value)).collect();
    let program = ["python3", "-c", PYTHON_DOTENV];
    if let Some(read) = run(&program, "C.UTF-8", &file) {
        same(&program[..1], &read, &values);
    }
}

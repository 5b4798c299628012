//! Tests the whole text of each format, and the variables that no format accepts.

use super::*;
use crate::session::{Keys, Secret, Validity};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::{Duration, SystemTime};

fn session() -> Session {
    Session {
        keys: Keys {
            access_key_id: "ASIA1".into(),
            secret_access_key: Secret::new("s/+"),
            session_token: Some(Secret::new("t==")),
        },
        validity: Some(Validity {
            expiration: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
            left: Duration::from_hours(1),
            lifetime: Duration::from_hours(1),
            skew_secs: 0,
        }),
        assumed_role_arn: Some("arn:aws:sts::111111111111:assumed-role/R/me".into()),
        account_id: None,
        instance_region: None,
    }
}

fn printed(name: &str, set: &[(&str, &str)]) -> Result<String, Error> {
    let set = set.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let change = EnvironmentChange { removed: vec!["OLD", "STALE"], set };
    let format = Format::parse(name).expect("a format");
    let text = text(format, (&session(), &[]), Some("eu-west-1"), &change)?;
    Ok(String::from_utf8(text.to_vec()).expect("text"))
}

#[test]
fn each_format_is_whole() {
    const SET: &[(&str, &str)] = &[("KEY", "a/b=="), ("EMPTY", "")];
    for (format, expected) in [
        ("env", "KEY=a/b==\nEMPTY=\n"),
        ("dotenv", "KEY='a/b=='\nEMPTY=''\n"),
        ("export", "unset OLD STALE\nexport KEY='a/b=='\nexport EMPTY=''\n"),
        (
            "fish",
            "begin; set -l name; for name in OLD STALE; set -eg $name; set -qUx $name; and echo \"xassume: warning: $name is still \
             set: it is a universal variable, which `set -eU $name` erases\" >&2; end; true; end\nset -gx KEY 'a/b=='\n\
             set -gx EMPTY ''\n",
        ),
        (
            "powershell",
            "Remove-Item -ErrorAction Ignore -Path Env:OLD, Env:STALE\n$Env:KEY = 'a/b=='\n$Env:EMPTY = ''\n",
        ),
    ] {
        assert_eq!(printed(format, SET).expect(format), expected);
    }
    assert!(printed("json", SET).expect("json").contains("\"Region\":\"eu-west-1\""));
    assert!(printed("credential-process", SET).expect("a document").starts_with("{\"Version\":1,"));
}

#[test]
fn powershell_gets_one_line_for_each_variable() {
    // If the text comes through a pipe, PowerShell gets it line by line.
    assert_eq!(printed("powershell", &[("A", "1\n2\r3"), ("B", "‘")]).expect("text").lines().count(), 3);
}

#[test]
fn a_variable_that_a_format_cannot_represent_is_named_in_an_error() {
    for (format, value) in [("env", "two\nlines"), ("dotenv", "back\\slash")] {
        let error = printed(format, &[("GOOD", "x"), ("BAD", value)]).expect_err(format);
        assert!(
            error.to_string().starts_with(&format!("cannot print BAD in the {format} format: its value contains a ")),
            "{error}"
        );
        assert!(!error.to_string().contains(value) && error.hint().is_some());
        assert_eq!(error.status(), 125);
    }
}

#[test]
fn unusual_names_and_bytes_are_errors() {
    for (format, _) in Format::ALL.iter().filter(|(_, format)| matches!(format, Format::Variables(_))) {
        for name in ["A;id", "A B", "", "1A", "A=B", "Ä", "$(id)", "A-B"] {
            assert!(printed(format, &[(name, "x")]).is_err(), "{format}: {name}");
        }
        for byte in 0x80..=0xff {
            for bytes in [vec![byte], vec![b'a', byte], vec![byte, b'a'], vec![0xc3, 0xa4, byte, b'a']] {
                let set = vec![("A".into(), OsString::from_vec(bytes))];
                let change = EnvironmentChange { removed: Vec::new(), set };
                let format = Format::parse(format).expect("a format");
                assert!(text(format, (&session(), &[]), None, &change).is_err(), "{format:?} {byte}");
            }
        }
    }
}

#[test]
fn a_session_with_a_long_token_is_not_moved_as_it_is_written() {
    let token = "t".repeat(12 * 1024);
    let change = EnvironmentChange { removed: Vec::new(), set: vec![("AWS_SESSION_TOKEN".into(), token.into())] };
    for (_, format) in Format::ALL.iter().filter(|(_, format)| matches!(format, Format::Variables(_))) {
        assert_eq!(text(*format, (&session(), &[]), None, &change).expect("text").capacity(), ROOM);
    }
}

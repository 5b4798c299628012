use super::*;

fn lines(kind: FileKind, text: &str) -> Vec<Line> {
    scan(kind, text.as_bytes()).map(|scanned| scanned.line).collect()
}

fn property_line(key: &str, value: &str) -> Line {
    Line::Property { key: key.into(), value: Secret::new(value) }
}

#[test]
fn sections_of_the_config_file() {
    for (text, section) in [
        ("[default]", Section::Default),
        ("[ default ] ; comment", Section::Default),
        ("[profile default]", Section::Profile("default".into())),
        ("[profile foo]", Section::Profile("foo".into())),
        ("[profile \tfoo \t]", Section::Profile("foo".into())),
        ("[profile\tfoo]", Section::Profile("foo".into())),
        ("[   profile foo    ]", Section::Profile("foo".into())),
        ("  [profile foo]", Section::Profile("foo".into())),
        ("\u{feff}[profile foo]", Section::Profile("foo".into())),
        ("[profile foo];", Section::Profile("foo".into())),
        ("[profile foo]# pound [x]", Section::Profile("foo".into())),
        ("[profile \"a b\"]", Section::Profile("a b".into())),
        ("[profile 'a ] b'] # c", Section::Profile("a ] b".into())),
        ("[profile 'a ] # b'] text", Section::Profile("a ] # b".into())),
        ("[profile foo] text", Section::Profile("foo".into())),
        ("[profile foo] text [2]", Section::Profile("foo".into())),
        ("[profile foo]=", Section::Profile("foo".into())),
        ("[profile a]b]", Section::Profile("a]b".into())),
        (r"[profile my\ prof]", Section::Profile("my prof".into())),
        (r"[profile corp\\me]", Section::Profile(r"corp\me".into())),
        (r#"[profile "a \" b"]"#, Section::Profile(r#"a " b"#.into())),
        ("[profile 'a'b]", Section::Profile("ab".into())),
        (r"[sso-session my\ corp]", Section::SsoSession("my corp".into())),
        (r"[services my\ own]", Section::Services("my own".into())),
        ("[profile o'brien]", Section::Profile("o'brien".into())),
        (
            "[profile some-thing:long/the_one%only.foo@bar+]",
            Section::Profile("some-thing:long/the_one%only.foo@bar+".into()),
        ),
        ("[sso-session corp]", Section::SsoSession("corp".into())),
        ("[services local]", Section::Services("local".into())),
        ("[foo]", Section::Other("foo".into())),
        ("[default x]", Section::Other("default x".into())),
        ("[profilefoo]", Section::Other("profilefoo".into())),
        ("[sso-sesion foo]", Section::Other("sso-sesion foo".into())),
        ("[profile in valid]", Section::Other("profile in valid".into())),
        ("[profile]", Section::Other("profile".into())),
        ("[profile \"\"]", Section::Other("profile \"\"".into())),
    ] {
        assert_eq!(lines(FileKind::Config, text), [Line::Section(section)], "{text}");
    }
}

#[test]
fn sections_of_the_credentials_file() {
    for (text, section) in [
        ("[default]", Section::Profile("default".into())),
        ("[ foo ]", Section::Profile("foo".into())),
        ("[a b]", Section::Profile("a b".into())),
        ("[profile]", Section::Profile("profile".into())),
        ("[sso-sessionfoo]", Section::Profile("sso-sessionfoo".into())),
        ("[foo] text", Section::Profile("foo".into())),
        (r"[my\ prof]", Section::Profile(r"my\ prof".into())),
        ("[profile foo]", Section::Other("profile foo".into())),
        ("[sso-session foo]", Section::Other("sso-session foo".into())),
    ] {
        assert_eq!(lines(FileKind::Credentials, text), [Line::Section(section)], "{text}");
    }
}

#[test]
fn settings_with_their_white_space_case_and_comments() {
    for (text, key, value) in [
        ("name = value", "name", "value"),
        ("name=value", "name", "value"),
        ("Name \t=  \tvalue \t", "name", "value"),
        ("name = val=ue", "name", "val=ue"),
        ("name =", "name", ""),
        ("name = value # Comment with # sign", "name", "value"),
        ("name = value ; Comment", "name", "value"),
        ("name = value\t;", "name", "value"),
        ("name = value; Adjacent", "name", "value; Adjacent"),
        ("name = value# Adjacent", "name", "value# Adjacent"),
        ("name = # all comment", "name", ""),
        ("name = 'a # b' # c", "name", "'a # b'"),
        ("name = /x \"a # b\" ; c", "name", "/x \"a # b\""),
        ("name = /x --a='b ; c'", "name", "/x --a='b ; c'"),
        ("name = it's # a comment", "name", "it's"),
        ("name = an open \" # comment", "name", "an open \""),
        ("name: value", "name", "value"),
        ("region : eu-west-1", "region", "eu-west-1"),
        ("credential_process: /x --a=b", "credential_process", "/x --a=b"),
        ("name = 😂", "name", "😂"),
        ("in valid = value", "in valid", "value"),
        ("  name = value", "name", "value"),
    ] {
        for end in ["", "\n", "\r\n", "\r"] {
            let found = lines(FileKind::Config, &format!("[default]{}{text}{end}", "\n"));
            assert_eq!(found[1..], [property_line(key, value)], "{text}{end:?}");
        }
    }
}

#[test]
fn continuations_comments_and_blanks() {
    let text = "# c\n\t \n[default]\n; c\nname = value\n \t -more # kept \t\n\n  # c\n -again\ns3 =\n  a = b\nlast = 1";
    assert_eq!(
        lines(FileKind::Config, text),
        [
            Line::Comment,
            Line::Blank,
            Line::Section(Section::Default),
            Line::Comment,
            property_line("name", "value"),
            Line::Continuation("-more # kept".into()),
            Line::Blank,
            Line::Comment,
            Line::Continuation("-again".into()),
            property_line("s3", ""),
            Line::Continuation("a = b".into()),
            property_line("last", "1"),
        ]
    );
}

#[test]
fn an_indented_section_is_read_as_the_cli_reads_it() {
    assert_eq!(
        lines(FileKind::Config, "  [default]\n  a = 1\n    more\n  b = 2\n c = 3\n[profile x]\n d = 4\n"),
        [
            Line::Section(Section::Default),
            property_line("a", "1"),
            Line::Continuation("more".into()),
            property_line("b", "2"),
            property_line("c", "3"),
            Line::Section(Section::Profile("x".into())),
            property_line("d", "4"),
        ]
    );
}

#[test]
fn malformed_lines_have_a_reason() {
    for (text, number, reason) in [
        ("[profile foo", 1, "missing ]"),
        ("[profile 'foo", 1, "missing ]"),
        ("\n\nname = value", 3, "outside of a section"),
        (" -continued", 1, "outside of a section"),
        ("[default]\nname", 2, "expected key = value"),
        ("[default]\n= value", 2, "key before = is missing"),
        ("[default]\na = 1\n[default]\n -continued", 4, "expected key = value"),
    ] {
        let found = scan(FileKind::Config, text.as_bytes()).find_map(|scanned| match scanned.line {
            Line::Malformed(reason) => Some((scanned.number, reason)),
            _ => None,
        });
        let (line, why) = found.expect(text);
        assert_eq!(line, number, "{text}");
        assert!(why.contains(reason), "{text}: {why}");
    }
}

#[test]
fn every_byte_is_kept() {
    let text = b"\xef\xbb\xbf[default]\r\nname = \xff\xfe\r more\n\n\n  x\r\r\nlast";
    let raw: Vec<u8> = scan(FileKind::Config, text).flat_map(|scanned| scanned.raw.to_vec()).collect();
    assert_eq!(raw, text);
    assert_eq!(scan(FileKind::Config, b"").count(), 0);
}

//! Tests the copy of the config file with short files and with random ones.

mod random;

use super::*;

fn names(used: Option<&str>) -> Vec<String> {
    used.into_iter().map(str::to_owned).collect()
}

fn filtered(text: &str, used: Option<&str>) -> String {
    String::from_utf8(filter(text.as_bytes(), (&names(used), None), &[])).expect("text")
}

#[test]
fn credential_settings_are_removed_with_their_continuation_lines() {
    let text = "\u{feff}# mine\r\n[default]\r\nregion = eu-west-1 ; home\r\nROLE_ARN = x\r\n  more\r\n\r\n# c\r\n  # d\r\n  again\r\ns3 =\r\n  role_arn = kept\r\n";
    let expected =
        "\u{feff}# mine\r\n[default]\r\nregion = eu-west-1 ; home\r\n\r\n# c\r\ns3 =\r\n  role_arn = kept\r\n";
    for used in [None, Some("default")] {
        assert_eq!(filtered(text, used), expected);
    }
}

#[test]
fn each_credential_setting_is_removed_in_each_section() {
    let keys = CREDENTIAL_SETTINGS.iter().copied().chain(["sso_session", "sso_account_id", "sso_anything"]);
    for key in keys {
        for section in ["default", "profile default", "profile p", "other", "services s"] {
            let text = format!("[{section}]\n{key} = x\noutput = json\n {key}: x\n");
            let expected = format!("[{section}]\noutput = json\n {key}: x\n");
            assert_eq!(filtered(&text, None), expected, "{key}");
        }
        assert_eq!(filtered(&format!("[default]\n  {key} = x\n  a = b"), None), "[default]\n  a = b");
        assert_eq!(filtered(&format!("[default]\na = b\r{key}: x\r"), None), "[default]\na = b\r");
    }
}

#[test]
fn included_profiles_fill_what_the_used_one_lacks() {
    let text = "[default]\nregion = a\nca_bundle = c\n[profile base]\noutput = text\nregion = b\ns3 =\n  x = 1\n[profile p]\n\
                region = p\ninclude_profile = base";
    let used = ["p", "base", "default"].map(str::to_owned);
    let copy = String::from_utf8(filter(text.as_bytes(), (&used, None), &[])).expect("text");
    let expected = "[profile base]\noutput = text\nregion = b\ns3 =\n  x = 1\n[profile p]\nregion = p\n[default]\n\
                    region = p\noutput = text\ns3 =\n  x = 1\nca_bundle = c\n";
    assert_eq!(copy, expected);
}

#[test]
fn sso_sessions_are_removed() {
    let text = "[profile a]\noutput = json\n[sso-session corp]\n# c\nsso_region = x\nfuture = y\n\n[services s]\nsts =\n  endpoint_url = u\n";
    assert_eq!(filtered(text, None), "[profile a]\noutput = json\n[services s]\nsts =\n  endpoint_url = u\n");
}

#[test]
fn the_used_profile_becomes_the_default() {
    for (text, expected) in [
        (
            "[profile p]\nrole_arn = r\nregion = x\n# c\ns3 =\n  a = b\n[profile q]\noutput = json\n",
            "[profile p]\nregion = x\n# c\ns3 =\n  a = b\n[profile q]\noutput = json\n[default]\nregion = x\ns3 =\n  a = b\n",
        ),
        // The default profile is replaced, and its comments too, whichever of the two section names it has.
        (
            "# top\n[default]\n# its\nregion = y\n  z\nendpoint_url = http://old\n[profile p]\nregion = x",
            "# top\n[profile p]\nregion = x\n[default]\nregion = x",
        ),
        (
            "[profile default]\nregion = y\n[profile p]\nregion = x\n",
            "[profile p]\nregion = x\n[default]\nregion = x\n",
        ),
        (
            "[default]\na = 1\n[profile p]\nregion = x\n[profile default]\nb = 2\n",
            "[profile p]\nregion = x\n[default]\nregion = x\n",
        ),
        // Sections with the same name are merged.
        (
            "[profile p]\na = 1\n[profile q]\nb = 2\n[profile \"p\"]\nc = 3\n",
            "[profile p]\na = 1\n[profile q]\nb = 2\n[profile \"p\"]\nc = 3\n[default]\na = 1\nc = 3\n",
        ),
        (
            "[profile p]\na = 1\n[profile p]\n  b = 2\n  s3 =\n    c = 3\n",
            "[profile p]\na = 1\n[profile p]\n  b = 2\n  s3 =\n    c = 3\n[default]\na = 1\nb = 2\ns3 =\n    c = 3\n",
        ),
        // The used profile may exist only in the credentials file, or may contain only credentials.
        ("[default]\nregion = y\n", "[default]\n"),
        ("[profile p]\nrole_arn = r", "[profile p]\n[default]\n"),
        ("", "[default]\n"),
    ] {
        assert_eq!(filtered(text, Some("p")), expected, "{text}");
    }
}

#[test]
fn the_section_of_another_profile_replaces_those_with_its_name() {
    let text = "[default]\nregion = d\n[profile a]\nregion = a\nrole_arn = r\n[profile b]\ninclude_profile = base\n\
                role_arn = r\noutput = text\n[profile base]\nregion = x\n[profile \"a\"]\ns3 =\n  k = v";
    let used = ["b", "base"].map(str::to_owned).to_vec();
    let others = [
        OtherProfile { name: "a", used: Vec::new(), region: Some("e".into()) },
        OtherProfile { name: "b", used, region: None },
    ];
    let copy = |used: &[String]| String::from_utf8(filter(text.as_bytes(), (used, None), &others)).expect("text");
    let last = "[profile a]\nregion = e\n[profile b]\noutput = text\nregion = x\n";
    assert_eq!(copy(&[]), format!("[default]\nregion = d\n[profile base]\nregion = x\n{last}"));
    let default = "[default]\nregion = a\ns3 =\n  k = v";
    assert_eq!(copy(&names(Some("a"))), format!("[profile base]\nregion = x\n{default}\n{last}"));
    let of_instance = |text: &str, used: &[String]| filter(text.as_bytes(), (used, Some("i".into())), &[]);
    let text = "[default]\noutput = json\n";
    for used in [names(None), names(Some("default"))] {
        assert_eq!(of_instance(text, &used), b"[default]\nregion = i\noutput = json\n");
    }
}

#[test]
fn a_header_after_a_removed_section_continues_no_setting() {
    let text = "[profile a]\nregion = x\n[sso-session s]\n  sso_region = y\n [profile b]\noutput = json\n";
    assert_eq!(filtered(text, None), "[profile a]\nregion = x\n[profile b]\noutput = json\n");
}

#[test]
fn only_the_default_profile_that_counts_becomes_a_part_of_a_new_section() {
    let text = "[default]\nregion = x\noutput = text\n[profile default]\nregion = y\n[profile p]\ns3 =\n";
    let used = ["p", "default"].map(str::to_owned);
    let copy = String::from_utf8(filter(text.as_bytes(), (&used, None), &[])).expect("text");
    assert_eq!(copy, "[profile p]\ns3 =\n[default]\ns3 =\nregion = y\n");
}

#[test]
fn bytes_that_are_not_text_are_kept() {
    let text = b"[default]\nname = \xff\xfe\nsso_\xff = x\nbroken line\n[open\n";
    assert_eq!(filter(text, (&[], None), &[]), b"[default]\nname = \xff\xfe\nbroken line\n[open\n");
}

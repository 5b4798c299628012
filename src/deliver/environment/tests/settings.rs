//! Tests of the variables for settings of the profile, and of those for proxies.

use super::{OURS, PLAIN, SESSION, With, delivery, run};

#[test]
fn settings_are_exported_in_env_mode_where_the_variable_is_not_set() {
    let settings = [("AWS_CA_BUNDLE", "/ca"), ("AWS_PAGER", "less"), ("AWS_ENDPOINT_URL_S3", "u")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (inherited, expected) in [
        (vec![], vec!["AWS_CA_BUNDLE=/ca", "AWS_PAGER=less", "AWS_ENDPOINT_URL_S3=u"]),
        (vec![("AWS_PAGER", ""), ("AWS_CA_BUNDLE", "/mine")], vec!["AWS_ENDPOINT_URL_S3=u"]),
        (vec![("AWS_ENDPOINT_URL", "all")], vec!["AWS_CA_BUNDLE=/ca", "AWS_PAGER=less"]),
    ] {
        let found = run(&inherited, With { profile_settings: &settings, ..PLAIN });
        assert_eq!(found[inherited.len() + SESSION.len()..found.len() - OURS.len()], expected);
    }
    let found = run(&[], With { profile_settings: &settings, credentials: delivery("isolated"), ..PLAIN });
    assert!(!found.iter().any(|line| line.starts_with("AWS_CA_BUNDLE")));
}

#[test]
fn requests_to_the_endpoint_use_no_proxy() {
    const BOTH: &str = "127.0.0.1,localhost";
    for (inherited, expected) in [
        (vec![], None),
        (vec![("HTTP_PROXY", "")], None),
        (vec![("NO_PROXY", "a")], None),
        (vec![("https_proxy", "p")], Some([BOTH, BOTH])),
        (vec![("ALL_PROXY", "p"), ("no_proxy", "corp")], Some(["corp,127.0.0.1,localhost"; 2])),
        (
            vec![("http_proxy", "p"), ("NO_PROXY", "a, LOCALHOST"), ("no_proxy", "b")],
            Some(["a, LOCALHOST,127.0.0.1", "b,127.0.0.1,localhost"]),
        ),
        (vec![("HTTPS_PROXY", "p"), ("NO_PROXY", BOTH)], Some([BOTH, BOTH])),
        (vec![("all_proxy", "p"), ("NO_PROXY", "*")], Some(["*", "*"])),
    ] {
        let found = run(&inherited, With { credentials: delivery("endpoint"), ..PLAIN });
        let value = |name: &str| found.iter().find_map(|line| line.strip_prefix(&format!("{name}=")));
        match expected {
            Some(values) => {
                assert_eq!([value("NO_PROXY"), value("no_proxy")], values.map(Some), "{inherited:?}");
                assert_eq!(found.iter().filter(|line| line.to_lowercase().starts_with("no_proxy=")).count(), 2);
            }
            None => assert_eq!(value("no_proxy"), None, "{inherited:?}"),
        }
        let env = run(&inherited, PLAIN);
        assert_eq!(
            env.iter().filter(|line| line.contains("127.0.0.1")).count(),
            usize::from(inherited.contains(&("NO_PROXY", BOTH)))
        );
    }
}

//! Tests of which names are removed.

use super::{CommandCredentials, PLAIN, Vars, With, deliveries, run, settings};
use crate::deliver::environment::{is_of_removed_flag, is_removed_by_default, other_credentials};

#[test]
fn the_variables_of_minio_count_only_if_the_keys_are_not_in_variables() {
    let inherited = [("MINIO_ACCESS_KEY", "old"), ("AWS_PROFILE", "old"), ("AWS_ROLE_ARN", ""), ("PATH", "/bin")];
    let vars: Vars = inherited.into_iter().collect();
    for (name, credentials) in deliveries() {
        let in_variables = matches!(credentials, CommandCredentials::Env { .. });
        let found = run(&inherited, With { credentials, ..PLAIN });
        assert_eq!(found.contains(&"MINIO_ACCESS_KEY=old".to_owned()), in_variables, "{name}");
        let others: Vec<_> = other_credentials(&vars, &settings(name).via).collect();
        let expected = ["AWS_PROFILE", "MINIO_ACCESS_KEY"];
        assert_eq!(others, expected[..if in_variables { 1 } else { 2 }], "{name}");
    }
}

#[test]
fn only_names_that_could_give_other_credentials_or_sockets_are_removed() {
    for (name, of_flag, by_default) in [
        ("PATH", false, false),
        ("XASSUME_CACHE_DIR", false, false),
        ("XASSUME_ROLE_ARN", true, true),
        ("AWS_PROFILE", false, true),
        ("MINIO_ACCESS_KEY", false, true),
        ("LISTEN_FDS", false, true),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", false, true),
    ] {
        assert_eq!(
            (is_of_removed_flag(name.as_ref()), is_removed_by_default(name.as_ref())),
            (of_flag, by_default),
            "{name}"
        );
    }
}

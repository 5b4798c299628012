//! Checks what holds for every inherited environment and every delivery.

use super::super::names::is_removed_by_default;
use super::*;
use crate::hostile::property_config;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::{BTreeMap, BTreeSet};

type Variables = Vec<(OsString, OsString)>;

/// Names that have a meaning for xassume, AWS's tools or a service manager, and names that resemble them.
fn special_names() -> Vec<OsString> {
    const OTHERS: &[&str] = &[
        "",
        "PATH",
        "aws_profile",
        "AWS_PROFILE ",
        "AWS_PROFIL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_SDK_LOAD_CONFIG",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_PAGER",
        "BOTO_CONFIG",
        "MINIO_ROOT_USER",
        "MINIO_SECRET_KEY",
        "MINIO_SHARED_CREDENTIALS_FILE",
        "HTTP_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "LISTEN_PIDFDID",
        "LISTEN",
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "XASSUME_DEPTH",
        "XASSUME_CACHE_DIR",
        "XASSUME_",
        "XASSUME_NEW",
    ];
    let not_text = |name: &str| [name.as_bytes(), b"\xff"].concat();
    let not_text = ["AWS_PROFILE", "", "XASSUME_LABEL"].map(not_text).map(OsString::from_vec);
    REMOVED.iter().copied().chain(OWN).chain(OTHERS.iter().copied()).map(OsString::from).chain(not_text).collect()
}

fn bytes() -> impl Strategy<Value = OsString> {
    prop::collection::vec(1_u8.., 0..4).prop_map(OsString::from_vec)
}

/// Generates an environment, in which names may occur several times.
fn inherited() -> impl Strategy<Value = Variables> {
    let plain_name = bytes().prop_filter("no =", |name| !name.as_bytes().contains(&b'='));
    let name = prop_oneof![5 => select(special_names()), 1 => plain_name];
    let value = prop_oneof![bytes(), select(vec!["", "127.0.0.1", "*", "a,b"]).prop_map(OsString::from)];
    prop::collection::vec((name, value), 0..40)
}

/// Settings of the profile, with variables of each kind.
const SETTINGS: [(&str, &str); 4] =
    [("AWS_PAGER", ""), ("AWS_ENDPOINT_URL", "u"), ("AWS_ENDPOINT_URL_S3", "v"), ("AWS_CA_BUNDLE", "/c")];

/// Everything else that determines the environment.
#[derive(Debug, Clone)]
struct Case {
    delivery: &'static str,
    recipient: Recipient<'static>,
    keep: Vec<OsString>,
    settings: Vec<(String, String)>,
    sockets: Variables,
    session: Session,
    region: Option<&'static str>,
}

fn case() -> impl Strategy<Value = Case> {
    let recipients = vec![
        Recipient::Exec,
        Recipient::Supervise,
        Recipient::Hook { number: 0, profile: None },
        Recipient::Hook { number: 7, profile: Some("p") },
        Recipient::Print,
    ];
    let how = (select(deliveries().map(|(name, _)| name).to_vec()), select(recipients));
    let settings = subsequence(SETTINGS.to_vec(), 0..=SETTINGS.len());
    let facts = any::<[bool; 5]>();
    (how, subsequence(special_names(), 0..20), settings, facts).prop_map(
        |((delivery, recipient), keep, settings, facts)| {
            let delivery = if recipient == Recipient::Print { "env" } else { delivery };
            let may_be_kept = |name: &OsString| name.to_str().is_none_or(|name| check_keep(delivery, name).is_ok());
            let [token, validity, arn, region, sockets] = facts;
            let mut session = session();
            session.keys.session_token = session.keys.session_token.filter(|_| token);
            session.validity = session.validity.filter(|_| validity);
            session.assumed_role_arn = session.assumed_role_arn.filter(|_| arn);
            let sockets = if sockets {
                vec![("LISTEN_FDS".into(), "1".into()), ("LISTEN_PID".into(), "5".into())]
            } else {
                Vec::new()
            };
            Case {
                delivery,
                recipient,
                keep: keep.into_iter().filter(may_be_kept).collect(),
                settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                sockets,
                session,
                region: region.then_some("eu-west-1"),
            }
        },
    )
}

impl Case {
    fn inputs<'a>(&'a self, inherited: &'a Vars) -> Inputs<'a> {
        Inputs {
            inherited,
            session: &self.session,
            label: "prod",
            region: self.region,
            credentials: delivery(self.delivery),
            recipient: self.recipient,
            depth: 3,
            profile_settings: &self.settings,
            isolate: self.delivery == "isolated",
            sockets: &self.sockets,
            keep: &self.keep,
        }
    }
}

/// Returns the variables that getenv(3) finds.
fn found(variables: &[(OsString, OsString)]) -> BTreeMap<OsString, OsString> {
    variables.iter().rev().cloned().collect()
}

/// Checks that the variables that do not come from xassume are inherited ones in their order.
fn rest_is_inherited(rest: &[(OsString, OsString)], inherited: &[(OsString, OsString)]) -> bool {
    let mut inherited = inherited.iter();
    rest.iter().all(|variable| inherited.any(|known| known == variable))
}

proptest! {
    #![proptest_config(property_config(256))]

    #[test]
    fn own_variables_come_last_and_once_and_the_others_keep_their_order(vars in inherited(), case in case()) {
        let inherited: Vars = vars.iter().cloned().collect();
        let variables = environment(&case.inputs(&inherited));
        let own = ours(&case.inputs(&inherited));
        let (rest, last) = variables.split_at(variables.len() - own.len());
        prop_assert_eq!(last, own);
        let names: BTreeSet<_> = variables.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(names.len(), variables.len(), "a name occurs twice");
        prop_assert!(rest_is_inherited(rest, &vars));
        prop_assert!(rest.iter().all(|(name, value)| found(&vars).get(name) == Some(value)), "the first one counts");
    }

    #[test]
    fn only_removed_names_do_not_stay(vars in inherited(), case in case()) {
        let inherited: Vars = vars.iter().cloned().collect();
        let variables = environment(&case.inputs(&inherited));
        let own: BTreeSet<_> = ours(&case.inputs(&inherited)).into_iter().map(|(name, _)| name).collect();
        let of_hook = |name: &OsStr| matches!(case.recipient, Recipient::Hook { .. }) && is_for_main_process(name);
        for (name, value) in found(&vars).iter().filter(|(name, _)| !own.contains(*name)) {
            let stays = variables.iter().any(|known| known == &(name.clone(), value.clone()));
            let is_kept = case.keep.contains(name);
            if OWN.iter().any(|known| name == known) || of_hook(name) {
                prop_assert!(!stays, "{:?}", name);
            } else if is_kept || !is_removed_by_default(name) {
                prop_assert!(stays, "{:?}", name);
            } else if REMOVED.iter().any(|known| name == known)
                || case.delivery == "isolated" && name.as_bytes().starts_with(b"ACTIONS_ID_TOKEN_")
                || !["env", "isolated"].contains(&case.delivery) && name.as_bytes().starts_with(b"MINIO_")
                || case.recipient == Recipient::Supervise && name.as_bytes().starts_with(b"LISTEN_")
                || !case.sockets.is_empty() && name.as_bytes().starts_with(b"LISTEN_")
            {
                prop_assert!(!stays, "{:?}", name);
            } else {
                prop_assert!(stays, "{:?}", name);
            }
        }
    }

    #[test]
    fn an_environment_made_from_one_is_the_same(vars in inherited(), case in case()) {
        let once = environment(&case.inputs(&vars.into_iter().collect()));
        let inherited: Vars = once.iter().cloned().collect();
        prop_assert_eq!(found(&environment(&case.inputs(&inherited))), found(&once));
    }

    #[test]
    fn the_change_makes_the_environment_from_the_inherited_one(vars in inherited(), case in case()) {
        let case = Case { delivery: "env", recipient: Recipient::Print, sockets: Vec::new(), ..case };
        let inherited: Vars = vars.iter().cloned().collect();
        let EnvironmentChange { removed, set } = change(&case.inputs(&inherited));
        let mut evaluated = found(&vars);
        evaluated.retain(|name, _| !removed.iter().any(|removed| name == removed));
        evaluated.extend(set);
        prop_assert_eq!(evaluated, found(&environment(&case.inputs(&inherited))));
    }
}

//! Tests each delivery with the whole table of variables that are removed and set.

mod change;
mod man_page;
mod names;
mod random;
mod settings;

use super::*;
use crate::deliver::settings::{DeliverySettings, Via};
use crate::error::Error;
use crate::flags::KEEP_ENV;
use crate::origin::Origin;
use crate::session::{Keys, Secret, Validity};
use core::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

fn session() -> Session {
    Session {
        keys: Keys {
            access_key_id: "ASIANEW".into(),
            secret_access_key: Secret::new("new-secret"),
            session_token: Some(Secret::new("new-token")),
        },
        validity: Some(Validity {
            expiration: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
            left: Duration::from_hours(1),
            lifetime: Duration::from_hours(1),
            skew_secs: 0,
        }),
        assumed_role_arn: Some("arn:aws:sts::1:assumed-role/r/me".into()),
        account_id: None,
        instance_region: None,
    }
}

fn deliveries() -> [(&'static str, CommandCredentials<'static>); 5] {
    let (credentials_file, config_file) = (Path::new("/run/credentials"), Path::new("/run/config"));
    let endpoint = CommandCredentials::Endpoint {
        url: "http://127.0.0.1:1/x",
        ip: Ipv4Addr::LOCALHOST.into(),
        token: "tok",
        token_file: Some(Path::new("/run/token")),
        empty_credentials_file: Path::new("/run/empty"),
        config_file,
    };
    [
        ("env", CommandCredentials::Env { config_file: None }),
        ("isolated", CommandCredentials::Env { config_file: Some(config_file) }),
        ("file", CommandCredentials::Files { credentials_file, config_file }),
        ("endpoint", endpoint),
        ("process", CommandCredentials::Files { credentials_file, config_file }),
    ]
}

fn delivery(name: &str) -> CommandCredentials<'static> {
    deliveries().into_iter().find(|(known, _)| *known == name).expect(name).1
}

/// Returns the settings that lead to the delivery with this name.
fn settings(name: &str) -> DeliverySettings {
    let via = match name {
        "env" | "isolated" => Via::Env,
        "file" => Via::File { path: None, mode: 0o600 },
        "endpoint" => Via::Endpoint { address: None, token_file: None },
        other => {
            assert_eq!(other, "process");
            Via::Process
        }
    };
    DeliverySettings {
        via,
        env_file: None,
        keep: Vec::new(),
        keep_by: Origin::Flag(&KEEP_ENV),
        isolate: name == "isolated",
    }
}

fn check_keep(name: &str, variable: &str) -> Result<(), Error> {
    DeliverySettings { keep: vec![variable.into()], ..settings(name) }.check_keep()
}

/// The inputs that a test can change.
#[derive(Clone, Copy)]
struct With<'a> {
    region: Option<&'a str>,
    credentials: CommandCredentials<'a>,
    recipient: Recipient<'a>,
    depth: u32,
    profile_settings: &'a [(String, String)],
    isolate: bool,
    sockets: &'a [(OsString, OsString)],
    keep: &'a [OsString],
    skew_secs: i64,
}

const PLAIN: With<'static> = With {
    region: None,
    credentials: CommandCredentials::Env { config_file: None },
    recipient: Recipient::Exec,
    depth: 1,
    profile_settings: &[],
    isolate: false,
    sockets: &[],
    keep: &[],
    skew_secs: 0,
};

fn variables(inherited: &Vars, with: With<'_>) -> Vec<(OsString, OsString)> {
    let mut session = session();
    session.validity = session.validity.map(|validity| Validity { skew_secs: with.skew_secs, ..validity });
    environment(&Inputs {
        inherited,
        session: &session,
        label: "prod",
        region: with.region,
        credentials: with.credentials,
        recipient: with.recipient,
        depth: with.depth,
        profile_settings: with.profile_settings,
        isolate: with.isolate,
        sockets: with.sockets,
        keep: with.keep,
    })
}

/// Returns the resulting environment as `NAME=value` lines.
fn run(inherited: &[(&str, &str)], with: With<'_>) -> Vec<String> {
    let vars: Vars = inherited.iter().copied().collect();
    let show = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
    variables(&vars, with).into_iter().map(show).collect()
}

const OURS: [&str; 3] = ["XASSUME_SESSION=arn:aws:sts::1:assumed-role/r/me", "XASSUME_LABEL=prod", "XASSUME_DEPTH=1"];
const SESSION: [&str; 5] = [
    "AWS_ACCESS_KEY_ID=ASIANEW",
    "AWS_SECRET_ACCESS_KEY=new-secret",
    "AWS_SESSION_TOKEN=new-token",
    "AWS_CREDENTIAL_EXPIRATION=1970-01-12T13:46:40Z",
    "AWS_ACCOUNT_ID=1",
];

#[test]
fn each_delivery_sets_its_own_and_nothing_else() {
    let files = |credentials: &str| {
        vec![
            format!("AWS_SHARED_CREDENTIALS_FILE={credentials}"),
            format!("AWS_CREDENTIAL_PROFILES_FILE={credentials}"),
            "AWS_CONFIG_FILE=/run/config".to_owned(),
            "AWS_SDK_LOAD_CONFIG=1".to_owned(),
        ]
    };
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let no_others =
        texts(&["BOTO_CONFIG=/dev/null", "MINIO_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"]);
    let endpoint = texts(&[
        "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN=tok",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/run/token",
    ]);
    for (name, expected) in [
        ("env", texts(&SESSION)),
        ("isolated", [texts(&SESSION), files("/dev/null")].concat()),
        ("file", [files("/run/credentials"), no_others.clone()].concat()),
        ("endpoint", [endpoint, files("/run/empty"), no_others.clone()].concat()),
        ("process", [files("/run/credentials"), no_others].concat()),
    ] {
        let inherited: Vec<_> = REMOVED.iter().map(|name| (*name, "old")).collect();
        let found = run(&inherited, With { credentials: delivery(name), region: Some("eu-west-1"), ..PLAIN });
        let region = texts(&["AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1"]);
        assert_eq!(found, [expected, region, texts(&OURS)].concat(), "{name}");
        assert!(!found.iter().any(|line| line.ends_with("=old")), "{name}");
    }
}

#[test]
fn there_is_no_token_file_if_the_command_could_not_read_it() {
    let CommandCredentials::Endpoint { url, ip, token, empty_credentials_file, config_file, .. } = delivery("endpoint")
    else {
        panic!("it is an endpoint");
    };
    let endpoint =
        CommandCredentials::Endpoint { url, ip, token, token_file: None, empty_credentials_file, config_file };
    let name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let found = run(&[(name, "old")], With { credentials: endpoint, ..PLAIN });
    assert!(!found.iter().any(|line| line.starts_with(name)), "{found:?}");
    assert!(check_keep("endpoint", name).is_err(), "an inherited one would count before the token");
}

#[test]
fn the_names_that_cannot_be_kept_are_those_that_are_set() {
    for (name, delivery) in deliveries() {
        let set: Vec<String> = run(&[], With { credentials: delivery, region: Some("x"), ..PLAIN })
            .into_iter()
            .filter_map(|line| Some(line.split_once('=')?.0.to_owned()))
            .collect();
        for variable in &set {
            let error = check_keep(name, variable).expect_err(variable);
            assert!(
                error.to_string().starts_with(&format!("invalid value '{variable}' for '--keep-env': ")),
                "{error}"
            );
        }
        for variable in REMOVED.iter().filter(|variable| !set.iter().any(|known| known == *variable)) {
            assert!(check_keep(name, variable).is_ok(), "{name} {variable}");
        }
    }
}

#[test]
fn other_variables_stay_in_order_and_the_first_duplicate_counts() {
    let inherited = [
        ("PATH", "/bin"),
        ("AWS_PROFILE", "p"),
        ("AWS_REGION", "mine"),
        ("PATH", "/other"),
        ("EMPTY", ""),
        ("XASSUME_CACHE_DIR", "/c"),
        ("XASSUME_DEPTH", "4"),
        ("XASSUME_SESSION", "outer"),
        ("XASSUME_LABEL", "outer"),
        ("XASSUME_STS_ENDPOINT", "u"),
        ("AWS_PAGER", "less"),
        ("AWS_EC2_METADATA_DISABLED", "false"),
    ];
    let found = run(&inherited, With { depth: 5, ..PLAIN });
    let kept = ["PATH=/bin", "AWS_REGION=mine", "EMPTY=", "XASSUME_CACHE_DIR=/c", "XASSUME_STS_ENDPOINT=u"];
    assert_eq!(found[..5], kept);
    assert_eq!(found[5..7], ["AWS_PAGER=less", "AWS_EC2_METADATA_DISABLED=false"]);
    assert_eq!(found[7..12], SESSION);
    assert_eq!(found[12..], [OURS[0], OURS[1], "XASSUME_DEPTH=5"]);
}

#[test]
fn bytes_that_are_not_utf_8_are_kept() {
    let bytes = || OsString::from_vec(vec![b'x', 0xff]);
    let vars: Vars = [(bytes(), bytes())].into_iter().collect();
    assert_eq!(variables(&vars, PLAIN)[0], (bytes(), bytes()));
}

#[test]
fn kept_names_are_inherited_unless_xassume_sets_them() {
    let keep = ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "XASSUME_TAG"].map(OsString::from);
    let inherited = [("AWS_PROFILE", "p"), ("AWS_ACCESS_KEY_ID", "old"), ("XASSUME_TAG", "a=b")];
    let found = run(&inherited, With { keep: &keep, ..PLAIN });
    assert_eq!(found[..2], ["AWS_PROFILE=p", "XASSUME_TAG=a=b"]);
    assert_eq!(found.iter().filter(|line| line.starts_with("AWS_ACCESS_KEY_ID=")).count(), 1);
}

#[test]
fn variables_about_sockets_describe_the_sockets_of_the_command() {
    let inherited =
        [("LISTEN_FDS", "2"), ("LISTEN_FDNAMES", "a:b"), ("LISTEN_PID", "7"), ("LISTEN_PIDFDID", "8"), ("LISTEN", "9")];
    let sockets = [("LISTEN_FDS".into(), "1".into()), ("LISTEN_PID".into(), "5".into())];
    let about_sockets = |with| {
        let found = run(&inherited, with);
        found.into_iter().filter(|line| line.starts_with("LISTEN")).collect::<Vec<_>>()
    };
    let supervised = With { recipient: Recipient::Supervise, ..PLAIN };
    assert_eq!(about_sockets(PLAIN).len(), 5, "in exec mode, they are for the process that the command becomes");
    assert_eq!(about_sockets(supervised), ["LISTEN=9"]);
    for with in [PLAIN, supervised] {
        let found = about_sockets(With { sockets: &sockets, ..with });
        assert_eq!(found, ["LISTEN=9", "LISTEN_FDS=1", "LISTEN_PID=5"]);
    }
}

#[test]
fn a_hook_gets_what_the_command_gets_and_facts_about_the_session() {
    let inherited = [
        ("PATH", "/bin"),
        ("LISTEN_FDS", "2"),
        ("LISTEN_PID", "7"),
        ("NOTIFY_SOCKET", "/n"),
        ("WATCHDOG_PID", "7"),
        ("WATCHDOG_USEC", "1"),
        ("XASSUME_REFRESH", "9"),
        ("XASSUME_REFRESH_NAME", "outer"),
        ("XASSUME_REFRESH_HOOK", "true"),
    ];
    let keep = ["LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC"].map(OsString::from);
    let sockets = [("LISTEN_FDS".into(), "1".into())];
    let added = ["AWS_CREDENTIAL_EXPIRATION=1970-01-12T13:46:40Z", "AWS_ACCOUNT_ID=1", "XASSUME_REFRESH=2"];
    for (name, credentials) in deliveries() {
        let with = With { credentials, keep: &keep, sockets: &sockets, recipient: Recipient::Supervise, ..PLAIN };
        let mut expected = run(&inherited[..2], with);
        expected.retain(|line| !line.starts_with("LISTEN_") && !added.contains(&line.as_str()));
        expected.extend(added.map(String::from));
        let mut found = run(&inherited, With { recipient: Recipient::Hook { number: 2, profile: None }, ..with });
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
        let of_command = run(&inherited, with);
        assert!(!of_command.iter().any(|line| line.starts_with("XASSUME_REFRESH")), "{of_command:?}");
    }
}

#[test]
fn an_isolated_command_cannot_get_tokens_of_github() {
    let (name, keep) = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ["ACTIONS_ID_TOKEN_REQUEST_TOKEN".into()]);
    for (_, credentials) in deliveries() {
        let found = |isolate, keep| {
            let with = With { credentials, isolate, keep, ..PLAIN };
            run(&[(name, "t"), ("ACTIONS_ID_TOKEN_NEW", "n")], with)
                .iter()
                .filter(|v| v.starts_with("ACTIONS_"))
                .count()
        };
        assert_eq!([found(false, &[]), found(true, &[]), found(true, &keep)], [2, 0, 1]);
    }
}

#[test]
fn the_expiry_is_by_the_local_clock_if_that_is_far_off() {
    let found = run(&[], With { skew_secs: 3600, ..PLAIN });
    assert_eq!(found[3], "AWS_CREDENTIAL_EXPIRATION=1970-01-12T12:46:40Z");
}

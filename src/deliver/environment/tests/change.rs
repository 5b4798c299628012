//! Tests of the change that a shell evaluates.

use super::super::*;
use super::{deliveries, session};

#[test]
fn the_change_turns_any_shell_environment_into_the_commands() {
    let (vars, session) = (Vars::default(), session());
    let keep = ["AWS_PROFILE".into()];
    let here = Inputs {
        inherited: &vars,
        session: &session,
        label: "prod",
        region: Some("eu-west-1"),
        credentials: CommandCredentials::Env { config_file: None },
        recipient: Recipient::Print,
        depth: 4,
        profile_settings: &[],
        isolate: false,
        sockets: &[],
        keep: &keep,
    };
    // The change is computed without inherited variables. Then it is applied to an environment in which all of them are
    // set.
    let EnvironmentChange { removed, set } = change(&here);
    let other = [("PATH", "/bin"), ("AWS_REGION", "mine"), ("XASSUME_DEPTH", "3")];
    let shell: Vars = REMOVED.iter().map(|name| (*name, "old")).chain(other).collect();
    let stays = |(name, _): &(&OsStr, &OsStr)| {
        !removed.iter().any(|known| name == known) && !set.iter().any(|(known, _)| name == known)
    };
    let left: Vec<_> = shell.iter().filter(stays).map(|(name, value)| (name.into(), value.into())).collect();
    // The change does not contain `XASSUME_DEPTH`, so the shell keeps its nesting depth.
    let evaluated = [left, set].concat();
    assert_eq!(evaluated, environment(&Inputs { inherited: &shell, ..here }));
    let value = |name: &str| evaluated.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str());
    assert_eq!([value("XASSUME_DEPTH"), value("AWS_PROFILE")], [Some(Some("3")), Some(Some("old"))]);
}

#[test]
fn a_stale_account_does_not_stay_if_the_account_is_unknown() {
    let (vars, session) = ([("AWS_ACCOUNT_ID", "old")].into_iter().collect(), session());
    let session = Session { assumed_role_arn: None, ..session };
    for (name, credentials) in deliveries() {
        let inputs = Inputs {
            inherited: &vars,
            session: &session,
            label: "prod",
            region: None,
            credentials,
            recipient: Recipient::Print,
            depth: 1,
            profile_settings: &[],
            isolate: false,
            sockets: &[],
            keep: &[],
        };
        assert!(!environment(&inputs).iter().any(|(name, _)| name == "AWS_ACCOUNT_ID"), "{name}");
        assert!(change(&inputs).removed.contains(&"AWS_ACCOUNT_ID"), "{name}");
    }
}

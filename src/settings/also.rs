//! The flags about several sessions: `--also` and `--expect-account`.

use super::values::FlagValues;
use crate::error::Error;
use crate::event::Ignored;
use crate::flags::{ALSO, EXPECT_ACCOUNT};
use crate::profile::{AlsoRole, DEFAULT};
use crate::role::{Invalid, RoleArn, is_account};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The length limit of a name.
const LONGEST: usize = 64;
/// The most sessions besides the default one. Each needs a socket, whose path has two digits for its number.
const MOST: usize = 99;

/// The value of `--also`: the name of a profile, and its role.
pub(super) type Named = (String, AlsoRole);

/// Reads `--also`.
///
/// # Errors
/// A name or a role is invalid, a name is repeated, or there are too many.
pub(super) fn also(flags: &FlagValues) -> Result<Vec<Named>, Error> {
    let mut all: Vec<Named> = Vec::new();
    let given = flags.many(&ALSO);
    if let Some(excess) = given.get(MOST) {
        let reason = format!("too many roles: {} (maximum {MOST})", given.len());
        return Err(excess.invalid(Invalid::new(reason).hint("give some of the roles to another command")));
    }
    for given in given {
        let named = given.parse(named)?;
        if all.iter().any(|(name, _)| name.eq_ignore_ascii_case(&named.0)) {
            return Err(given.invalid(Invalid::new("the name is repeated").hint("use each name once")));
        }
        all.push(named);
    }
    Ok(all)
}

fn named(text: &str) -> Result<Named, Invalid> {
    let (name, role) = match text.split_once('=') {
        Some((name, role)) => (name, Some(role)),
        None => (text, None),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
    if RoleArn::parse(text).is_ok() {
        return Err(
            Invalid::new("the name of a profile must come before the role").hint(format!("for example audit={text}"))
        );
    }
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_plain) {
        let reason = format!("a name has 1 to {LONGEST} letters, digits and ._@+- characters");
        return Err(Invalid::new(reason).hint("for example prod=123456789012:ReadOnly"));
    }
    // Some SDKs compare the name without regard to case.
    if name.eq_ignore_ascii_case(DEFAULT) {
        let reason = "the default profile has the session of the first role";
        return Err(Invalid::new(reason).hint("use another name; -r and -p select the role of the default profile"));
    }
    if role == Some("") {
        let hint = format!("for the role of profile {name}, use --also {name}");
        return Err(Invalid::new("the role is missing").hint(hint));
    }
    let role = role.map_or(Ok(AlsoRole::OfProfile), |role| RoleArn::parse(role).map(AlsoRole::Given))?;
    Ok((name.to_owned(), role))
}

/// The accounts of `--expect-account`, by the names of their profiles. The name is `None` for the default session.
type Accounts = BTreeMap<Option<String>, String>;

/// What is said about accounts that are not checked: notes, and warnings.
type Remarks<'a> = (&'a mut Vec<Ignored>, &'a mut Vec<String>);

/// Reads `--expect-account`. An account of the variable is ignored if its profile is unknown, because it may be meant for
/// other runs. If there are other profiles, the name may be misspelled, so there is a warning.
///
/// # Errors
/// A value is not an account ID, a profile is repeated, or a flag names a profile that no `--also` has.
pub(super) fn accounts(flags: &FlagValues, also: &[Named], (notes, warnings): Remarks<'_>) -> Result<Accounts, Error> {
    let mut accounts = Accounts::new();
    for given in flags.many(&EXPECT_ACCOUNT).iter().chain(&flags.further_accounts) {
        let (name, account) = given.parse(account)?;
        if let Some(unknown) = name.as_ref().filter(|name| also.iter().all(|(known, _)| known != *name)) {
            let reason = format!("--also does not name a profile '{unknown}'");
            if given.origin.is_typed() {
                return Err(given.invalid(Invalid::new(reason).hint(format!("add --also {unknown}=ROLE"))));
            } else if also.is_empty() {
                notes.push(Ignored::new(given.origin, reason));
            } else {
                warnings.push(format!("{} is not checked: {reason}", given.shown()));
            }
            continue;
        }
        match accounts.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(account);
            }
            Entry::Occupied(_) if !given.origin.is_typed() && !flags.further_accounts.is_empty() => {
                notes.push(Ignored::new(given.shown(), "overridden by --expect-account"));
            }
            Entry::Occupied(_) => {
                let hint = "for the account of a profile of --also, use NAME=ID";
                return Err(given.invalid(Invalid::new("the account of this session is given twice").hint(hint)));
            }
        }
    }
    Ok(accounts)
}

fn account(text: &str) -> Result<(Option<String>, String), Invalid> {
    let (name, account) =
        text.rsplit_once('=').map_or((None, text), |(name, account)| (Some(name.to_owned()), account));
    let account = is_account(account).then(|| account.to_owned());
    let account = account.ok_or_else(|| Invalid::new("not an account ID").hint("an account ID has 12 digits"))?;
    Ok((name, account))
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/A";

    #[test]
    fn a_value_is_a_name_with_or_without_a_role() {
        let role = |text: &str| AlsoRole::Given(RoleArn::parse(text).expect("a role"));
        let long = "n".repeat(64);
        for (text, expected) in [
            (format!("a={ARN}"), ("a", role(ARN))),
            ("a.B@c+d_e-9=123456789012:A".into(), ("a.B@c+d_e-9", role(ARN))),
            ("prod".into(), ("prod", AlsoRole::OfProfile)),
            (long.clone(), (long.as_str(), AlsoRole::OfProfile)),
        ] {
            let found = named(&text).expect(&text);
            assert_eq!((found.0.as_str(), found.1), expected);
        }
        for text in ["", "=", "a=", "a=b", "=123456789012:A", "a b", "a/b=123456789012:A", ARN, "123456789012:A"] {
            assert!(named(text).is_err(), "{text}");
        }
        for text in ["default", "Default=123456789012:A", &"n".repeat(65)] {
            assert!(named(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_name_is_used_once() {
        assert_eq!(also(&values("--also a --also b", &[])).expect("two").len(), 2);
        assert_eq!(also(&values("", &[("XASSUME_ALSO", "a\nb=123456789012:A\n")])).expect("two").len(), 2);
        let error = also(&values("--also a --also a=123456789012:A", &[])).expect_err("repeated").to_string();
        assert!(error.contains("the name is repeated"), "{error}");
        assert!(also(&values("--also a --also A", &[])).is_err(), "some SDKs compare names without regard to case");
        let many = |count: usize| (0..count).map(|at| format!("--also n{at}")).collect::<Vec<_>>().join(" ");
        assert_eq!(also(&values(&many(99), &[])).expect("enough").len(), 99);
        let error = also(&values(&many(100), &[])).expect_err("too many").to_string();
        assert!(error.contains("too many roles: 100 (maximum 99)"), "{error}");
    }

    #[test]
    fn each_account_belongs_to_a_session() {
        let found = |line: &str, variable: &str| {
            let (values, mut notes, mut warnings) =
                (values(line, &[("XASSUME_EXPECT_ACCOUNT", variable)]), Vec::new(), Vec::new());
            let accounts = accounts(&values, &also(&values)?, (&mut notes, &mut warnings))?;
            let shown = |(name, account): (Option<String>, String)| format!("{}={account}", name.unwrap_or_default());
            let accounts = accounts.into_iter().map(shown).collect::<Vec<_>>().join(" ");
            Ok::<_, Error>((accounts, notes.len(), warnings.len()))
        };
        let (a, b) = ("111111111111", "222222222222");
        for (line, variable, expected, notes, warnings) in [
            (
                format!("--also x --expect-account {a} --expect-account x={b}"),
                String::new(),
                format!("={a} x={b}"),
                0,
                0,
            ),
            ("--also x".into(), format!("y={b}\n{a}"), format!("={a}"), 0, 1),
            (String::new(), format!("y={b}\n{a}"), format!("={a}"), 1, 0),
            // The flag is for one session, and the variable for the other.
            (format!("--also x --expect-account x={b}"), a.into(), format!("={a} x={b}"), 0, 0),
            (format!("--also x --expect-account x={b}"), format!("x={a}"), format!("x={b}"), 1, 0),
        ] {
            assert_eq!(found(&line, &variable).expect(&line), (expected, notes, warnings), "{line} {variable}");
        }
        for line in [
            format!("--expect-account {a} --expect-account {b}"),
            format!("--also x --expect-account x={a} --expect-account x={b}"),
            format!("--expect-account x={a}"),
            "--also x --expect-account x=1".into(),
        ] {
            assert!(found(&line, "").is_err(), "{line}");
        }
    }
}

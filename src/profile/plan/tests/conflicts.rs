//! Tests of flags and variables that conflict because of the roles.

use super::{TOKEN, check, planned, refuse};

/// A profile with a device, a chain of profiles, and a profile with a token.
const RANKS: &str = "[profile m]\nrole_arn = @M\ncredential_source = Environment\nmfa_serial = serial-mm\n\
                     [profile d]\nrole_arn = @D\nsource_profile = m\nduration_seconds = 1800\n\
                     [profile w]\nrole_arn = @W\nweb_identity_token_file = /w\nmfa_serial = serial-ww";

/// A profile without a device.
const BARE: &str = "[profile n]\nrole_arn = @N\ncredential_source = Environment";

#[test]
fn a_flag_takes_precedence_over_a_variable() {
    let of = |role: &str, what: &str| format!("({what}arn:aws:iam::123456789012:role/{role}");
    let (chained, by_token) = (of("B", "role chaining is capped at 1h, for "), of("A", ""));
    for (variables, flags, expected, word, note) in [
        ("KEYS", "-r A -r B $--duration 2h", "AKENV > A > B", "DURATION", &*chained),
        ("KEYS", "-p m -r B $--duration 2h", "AKENV > M,mfa=serial-mm > B", "DURATION", &chained),
        ("KEYS", "-p d $--duration 2h", "AKENV > M,mfa=serial-mm > D,for=1800", "DURATION", "role chaining"),
        (TOKEN, "-r A -r B $--duration 2h", "env:token /t > A > B", "DURATION", &chained),
        (
            "KEYS",
            "-r A --mfa serial-ff $--duration max",
            "AKENV > A,mfa=serial-ff",
            "DURATION",
            "conflicts with --mfa-serial",
        ),
        ("KEYS", "-p m $--duration max", "AKENV > M,mfa=serial-mm", "DURATION", "conflicts with --profile"),
        (
            "KEYS",
            "-r A $--mfa serial-ff --duration max",
            "AKENV > A,for=max",
            "MFA_SERIAL",
            "conflicts with --duration",
        ),
        ("KEYS", "-R A --token /f $--external-id ee", "token /f > A", "EXTERNAL_ID", &by_token),
        ("", "-r A $--token /f $--tag a=b", "token /f > A", "TAG", &by_token),
        ("", "-r A --token-command c $--external-id ee", "token by c > A", "EXTERNAL_ID", &by_token),
        (
            "KEYS",
            "-R A $--token-command c --external-id ee",
            "AKENV > A,ext=ee",
            "WEB_IDENTITY_TOKEN_COMMAND",
            "conflicts with --ext",
        ),
        (TOKEN, "-r A $--source-identity me", "env:token /t > A", "SOURCE_IDENTITY", &by_token),
        ("", "-p w $--mfa serial-ff", "w:token /w > W", "MFA_SERIAL", "is assumed with a web identity token"),
        (
            "KEYS",
            "-R A $--token /f --external-id ee",
            "AKENV > A,ext=ee",
            "WEB_IDENTITY_TOKEN_FILE",
            "conflicts with --ext",
        ),
    ] {
        let plan = planned(RANKS, variables, flags).expect(flags);
        check(&[(RANKS, variables, flags, expected)]);
        let name = format!("ignoring XASSUME_{word} (");
        let found: Vec<_> =
            plan.notes.iter().map(ToString::to_string).filter(|note| note.contains("XASSUME_")).collect();
        assert!(found.len() == 1 && found[0].starts_with(&name) && found[0].contains(note), "{flags}: {found:?}");
    }
    // A variable that does not conflict is kept.
    check(&[
        ("", "KEYS", "-r A -r B $--duration 1h", "AKENV > A > B,for=3600"),
        ("", "KEYS", "-r A $--duration 2h", "AKENV > A,for=7200"),
        ("", "KEYS", "-r A --mfa serial-ff $--duration 2h", "AKENV > A,for=7200,mfa=serial-ff"),
        ("", "KEYS", "-r A -r B --mfa serial-ff $--duration max", "AKENV > A,mfa=serial-ff > B,for=max"),
        (RANKS, "", "-p w $--duration max", "w:token /w > W,for=max"),
        (BARE, "KEYS", "-p n $--duration max", "AKENV > N,for=max"),
        ("", TOKEN, "-r A -r B $--external-id ee", "env:token /t > A > B,ext=ee"),
    ]);
}

#[test]
fn two_values_of_the_same_precedence_are_an_error() {
    refuse(&[
        (
            "",
            "KEYS",
            "-R A -R B $--duration 2h",
            "XASSUME_DURATION is too long for arn:aws:iam::123456789012:role/B (role 2 of 2, from XASSUME_ROLE_ARN)",
            "unset XASSUME_D",
        ),
        (
            RANKS,
            "KEYS AWS_PROFILE=d",
            "$--duration 2h",
            "(role 2 of 2): AWS limits role chaining to 1h",
            "unset XASSUME_DURATION",
        ),
        (
            RANKS,
            "KEYS",
            "-P d $--duration 2h",
            "from XASSUME_PROFILE): AWS limits role chaining to 1h",
            "unset XASSUME_DURATION",
        ),
        (
            "",
            "KEYS",
            "-R A $--mfa serial-ff $--duration max",
            "XASSUME_DURATION=max cannot be used with MFA (from XASSUME_MFA_SERIAL) for",
            "set a fixed duration",
        ),
        (
            RANKS,
            "KEYS AWS_PROFILE=m",
            "$--duration max",
            "XASSUME_DURATION=max cannot be used with MFA for",
            "set a fixed duration",
        ),
        ("", "", "-R A $--token /f $--tag a=b", "XASSUME_TAG cannot be used for", "unset XASSUME_TAG"),
        (
            "",
            "AWS_ROLE_ARN=@A AWS_WEB_IDENTITY_TOKEN_FILE=/t",
            "$--external-id ee",
            "XASSUME_EXTERNAL_ID cannot be",
            "unset XASSUME",
        ),
        // Without the variable, no credentials are configured, and the role of the instance does not replace the token.
        ("", "", "-R A $--token /f --tag a=b", "--tag cannot be used for", "remove --tag"),
        (
            "",
            "AWS_EC2_METADATA_DISABLED=true",
            "-R A $--token /f --tag a=b",
            "--tag cannot be used for arn:aws:iam::123456789012:role/A, which is assumed with a web identity token (from XASSUME_WEB_",
            "remove --tag",
        ),
    ]);
    refuse(&[
        ("", "KEYS", "-r A -r B --duration 2h", "from --role-arn): AWS limits role chaining", "remove --duration"),
        // Without the variable, other roles would be assumed.
        ("", "KEYS", "-R A -R B --duration 2h", "from XASSUME_ROLE_ARN): AWS limits role", "remove --duration"),
        (
            "",
            "KEYS",
            "-r A --duration max --mfa serial-ff",
            "--duration max cannot be used with MFA (from --mfa-serial) for",
            "set a fixed duration",
        ),
        (
            RANKS,
            "KEYS",
            "-p m --duration max $--mfa serial-ff",
            "--duration max cannot be used with MFA for",
            "set a fixed duration",
        ),
        (
            "",
            "",
            "-r A --token /f --tag a=b",
            "which is assumed with a web identity token (from --web-identity-token-file)",
            "remove",
        ),
    ]);
}

//! Tests of the parameters of the hops, the Region, and the network settings.

use super::{TOKEN, check, files, planned, refuse, request, vars};
use crate::flags::{DURATION, EXTERNAL_ID, MFA_SERIAL, SOURCE_IDENTITY, TAG, TRANSITIVE_TAG, WEB_IDENTITY_TOKEN_FILE};
use crate::profile::plan::plan;
use crate::profile::{Region, endpoint};
use crate::role::Hop;
use std::path::Path;

#[test]
fn settings_of_a_profile_apply_to_its_hop() {
    let text = "[profile a]\nrole_arn = @A\nsource_profile = b\nrole_session_name = na\nexternal_id = ext-a\n\
                duration_seconds = 900\nmfa_serial = serial-aa\n\
                [profile b]\nrole_arn = @B\nsource_profile = c\nrole_session_name = nb\nexternal_id = ext-b\n\
                duration_seconds = 7200\nmfa_serial = serial-bb\n[profile c]\n+AKC\n";
    let web = "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w\nrole_session_name = nw\n\
               duration_seconds = 43200\nexternal_id = ext\nmfa_serial = serial-ww";
    check(&[
        (text, "", "-p b", "c:AKC > B,name=nb,ext=ext-b,for=7200,mfa=serial-bb"),
        (
            text,
            "AWS_ROLE_SESSION_NAME=aws",
            "-p a",
            // Only the first role keeps its device, because a code is valid for one call.
            "c:AKC > B,name=nb,ext=ext-b,for=7200,mfa=serial-bb > A,name=na,ext=ext-a,for=900",
        ),
        (text, "AWS_ROLE_SESSION_NAME=aws", "-p c -r X", "c:AKC > X,name=aws"),
        (
            text,
            "AWS_ROLE_SESSION_NAME=not/valid",
            "-p b --name nn",
            "c:AKC > B,name=nn,ext=ext-b,for=7200,mfa=serial-bb",
        ),
        // A web identity call has neither an external ID nor an MFA device.
        (web, "", "-p w", "w:token /w > W,name=nw,for=43200"),
    ]);
    let of =
        |key_and_value: &str| format!("[profile a]\nrole_arn = @A\n{key_and_value}\ncredential_source = Environment");
    refuse(&[
        (
            "[profile a]\nrole_arn = x",
            "",
            "-p a",
            "invalid value 'x' for role_arn of profile 'a' in config: not a role ARN",
            "put the account ID",
        ),
        (
            &of("role_session_name = a/b"),
            "KEYS",
            "-p a",
            "role_session_name of profile 'a' in config: contains an invalid character: '/'",
            "letters",
        ),
        (&of("external_id = x y"), "KEYS", "-p a", "invalid character: ' '", "letters"),
        (
            &of("duration_seconds = 60"),
            "KEYS",
            "-p a",
            "invalid value '60' for duration_seconds of profile 'a' in config: must be between",
            "is shorter",
        ),
        (&of("duration_seconds = -3600"), "KEYS", "-p a", "invalid value '-3600' for duration_seconds", "session is"),
        (&of("duration_seconds = 99999999999999999999999"), "KEYS", "-p a", "must be between", "session is"),
        (&of("mfa_serial = short"), "KEYS", "-p a", "must have 9 to 256 characters, not 5", "allowed: "),
        (
            "",
            "KEYS AWS_ROLE_SESSION_NAME=x",
            "-r A",
            "invalid value 'x' for 'AWS_ROLE_SESSION_NAME': must have 2",
            "allowed: ",
        ),
        ("---\n[a]\nrole_arn = x", "", "-p a", "role_arn of profile 'a' in credentials: not", "put the account ID"),
    ]);
}

#[test]
fn a_duration_counts_if_the_aws_cli_reads_it_as_a_number() {
    for (value, duration, noted) in [
        ("7200", ",for=7200", false),
        ("+7200", ",for=7200", false),
        ("07200", ",for=7200", false),
        ("7_200", ",for=7200", false),
        ("", "", false),
        ("1h", "", true),
        ("7200.0", "", true),
        ("7200s", "", true),
        ("\"7200\"", "", true),
        ("7__200", "", true),
        ("_7200", "", true),
        ("+", "", true),
    ] {
        let text = format!("[profile a]\nrole_arn = @A\ncredential_source = Environment\nduration_seconds = {value}\n");
        check(&[(&text, "KEYS", "-p a", &format!("AKENV > A{duration}"))]);
        let notes = planned(&text, "KEYS", "-p a").expect("planned").notes;
        let note = "ignoring duration_seconds of profile a (not a whole number of seconds)";
        assert_eq!(notes.iter().any(|found| found.to_string() == note), noted, "{value}: {notes:?}");
    }
}

#[test]
fn each_flag_applies_to_its_hop() {
    let all = "--name nn --external-id ee --duration 1h --mfa serial-ff --source-identity who --tag a=b --transitive a \
               --policy {} --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess";
    let last = "ext=ee,for=3600";
    let rest = "policy={},policies=1,tags=1,transitive=1";
    let profile = "[profile p]\nrole_arn = @P\ncredential_source = Environment\nexternal_id = ext-p\nduration_seconds = 900\n\
                   mfa_serial = serial-pp";
    check(&[
        ("", "KEYS", &format!("-r A {all}"), &format!("AKENV > A,name=nn,{last},mfa=serial-ff,who=who,{rest}")),
        (
            "",
            "KEYS",
            &format!("-r A -r B -r C {all}"),
            &format!("AKENV > A,name=nn,mfa=serial-ff,who=who > B,name=nn > C,name=nn,{last},{rest}"),
        ),
        (profile, "KEYS", &format!("-p p {all}"), &format!("AKENV > P,name=nn,{last},mfa=serial-ff,who=who,{rest}")),
        (
            profile,
            "KEYS",
            "-p p -r A --external-id ee --duration max",
            "AKENV > P,ext=ext-p,for=900,mfa=serial-pp > A,ext=ee,for=max",
        ),
        // With a web identity, the flags about the caller apply to the second hop.
        (
            "",
            TOKEN,
            &format!("-r A -r B {all}"),
            &format!("env:token /t > A,name=nn > B,name=nn,{last},mfa=serial-ff,who=who,{rest}"),
        ),
        ("", TOKEN, "-r A --duration 12h --policy {}", "env:token /t > A,for=43200,policy={}"),
        // Role chaining limits the duration to one hour.
        ("", "KEYS", "-r A --duration 12h", "AKENV > A,for=43200"),
        ("", "KEYS", "-r A -r B --duration 1h", "AKENV > A > B,for=3600"),
        ("", "KEYS", "-r A -r B --duration max", "AKENV > A > B,for=max"),
    ]);
    let long = "[profile a]\nrole_arn = @A\nsource_profile = b\nduration_seconds = 3601\n[profile b]\nrole_arn = @B\n\
                credential_source = Environment";
    let ten: String = " -r A".repeat(10);
    assert_eq!(planned("", "KEYS", &ten).expect("ten roles").hops.len(), 10);
    refuse(&[
        ("", TOKEN, "-r A --external-id ee", "--external-id cannot be used", "remove --"),
        ("", TOKEN, "-r A --tag a=b", "--tag cannot be used", "remove --"),
        ("", TOKEN, "-r A --transitive a", "--transitive-tag cannot be used", "remove --"),
        ("", TOKEN, "-r A --source-identity me", "--source-identity cannot be used", "remove --"),
        ("", TOKEN, "-r A --mfa serial-ff", "--mfa-serial cannot be used", "remove --"),
        ("", "KEYS", "-r A -r B --duration 61m", "role/B (role 2 of 2, from --role-arn)", "remove --duration"),
        ("", "KEYS", "-r A --duration max --mfa serial-ff", "each try would need a new code", "set a fixed duration"),
        ("", TOKEN, "-r A -r B --duration 61m", "role/B (role 2 of 2, from --role-arn)", "remove --duration"),
        (long, "KEYS", "-p a", "role/A (role 2 of 2)", "remove duration_seconds from profile 'a'"),
        (long, "KEYS", "-p a -r Z", "role/A (role 2 of 3)", "remove duration_seconds from profile 'a'"),
        (long, "KEYS", "-p a --duration 2h", "role/A (role 2 of 2, from --profile)", "remove --duration"),
        ("", "KEYS", &format!("{ten} -r B"), "more than 10 roles", "closer"),
    ]);
    check(&[(long, "KEYS", "-p a --duration 1h", "AKENV > B > A,for=3600")]);
}

#[test]
fn a_removed_flag_leaves_no_trace_in_the_request() {
    let all = [
        (&WEB_IDENTITY_TOKEN_FILE, "--token /t"),
        (&EXTERNAL_ID, "--external-id ee"),
        (&DURATION, "--duration 1h"),
        (&TAG, "--tag a=b"),
        (&TRANSITIVE_TAG, "--transitive a"),
        (&SOURCE_IDENTITY, "--source-identity who"),
        (&MFA_SERIAL, "--mfa serial-ff"),
    ];
    let without = |removed: Option<&str>| {
        let kept = all.iter().map(|(_, words)| *words).filter(|words| Some(*words) != removed);
        request(&kept.collect::<Vec<_>>().join(" "))
    };
    for (flag, words) in all {
        let mut found = without(None);
        found.remove(flag);
        assert_eq!(format!("{found:?}"), format!("{:?}", without(Some(words))));
    }
}

#[test]
fn a_hop_has_the_keys_of_the_profiles_that_affect_its_call() {
    let keys = |more: &str, flags: &str| {
        let text = format!(
            "[profile a]\nrole_arn = @A\nsource_profile = b\nsession_tags = x=1\n[profile b]\nrole_arn = @B\n\
             credential_source = Environment\nsession_tags = y=2\nsource_identity = who\n{more}"
        );
        let hops = planned(&text, "KEYS", flags).expect(flags).hops;
        let keys = |hop: &Hop| hop.options.of_profiles.iter().map(|of| format!("{} {}", of.profile, of.key)).collect();
        hops.iter().map(keys).collect::<Vec<Vec<_>>>()
    };
    // STS passes on the source identity, and only those tags that are transitive.
    let of_b = ["b session_tags", "b source_identity"];
    assert_eq!(keys("", "-p a"), [&of_b[..], &["a session_tags", "b source_identity"]]);
    let transitive = "transitive_session_tags = y";
    assert_eq!(keys(transitive, "-p a"), [&of_b[..], &["a session_tags", "b session_tags", "b source_identity"]]);
    // The value of a flag does not come from a profile.
    assert_eq!(keys("", "-p a --source-identity me"), [["b session_tags"], ["a session_tags"]]);
    assert_eq!(keys("", "-p a --tag z=3"), [&of_b[..], &["b source_identity"]]);
    assert_eq!(keys("", "-p b --tag z=3"), [["b source_identity"]]);
}

#[test]
fn the_region_comes_from_the_flag_the_variables_and_the_used_profile() {
    let text = "[default]\nregion = default-1\n[profile p]\nregion = p-1\nrole_arn = @P\nsource_profile = q\n\
                [profile q]\nregion = q-1\n+AKQ\n[profile n]\nrole_arn = @N\nsource_profile = q";
    let region = |variables: &str, flags: &str| {
        planned(text, &format!("KEYS {variables}"), flags)
            .expect("plan")
            .region
            .map(|Region { name, from }| (name, from))
    };
    let some = |name: &str, from: &str| Some((name.to_owned(), from.to_owned()));
    let both = "AWS_REGION=env-1 AWS_DEFAULT_REGION=env-2";
    assert_eq!(region(both, "-p p --region flag-1"), some("flag-1", "--region"));
    assert_eq!(region(both, "-p p"), some("env-1", "AWS_REGION"));
    assert_eq!(region("AWS_DEFAULT_REGION=env-2", "-p p"), some("env-2", "AWS_DEFAULT_REGION"));
    assert_eq!(region("", "-p p"), some("p-1", "profile p"));
    // The profile also sets the Region if the source is keys in the environment. A source profile never sets the
    // Region.
    assert_eq!(region("AWS_PROFILE=p", "-r A"), some("p-1", "profile p"));
    assert_eq!(region("", "-r A"), some("default-1", "profile default"));
    assert_eq!(region("", "-p n"), None);
    refuse(&[
        (
            "",
            "KEYS AWS_REGION=eu/west",
            "-r A",
            "invalid value 'eu/west' for 'AWS_REGION': not a region name",
            "eu-west-1",
        ),
        (
            "",
            "KEYS AWS_REGION=US-East-1",
            "-r A",
            "invalid value 'US-East-1' for 'AWS_REGION'",
            "did you mean us-east-1?",
        ),
        ("", "KEYS AWS_REGION=Frankfurt", "-r A", "invalid value 'Frankfurt' for 'AWS_REGION'", "eu-west-1"),
        (
            "[default]\nregion = EU-WEST-1",
            "KEYS",
            "-r A",
            "invalid value 'EU-WEST-1' for region of profile 'default' in config",
            "did you mean eu-west-1?",
        ),
        ("", "KEYS", "-r A --region -x", "invalid value '-x' for '--region': not", "eu-west-1"),
        ("[default]\nregion = a b", "KEYS", "-r A", "invalid value 'a b' for region of profile 'default'", "eu-west-1"),
    ]);
}

#[test]
fn variables_about_the_network_take_precedence_over_the_used_profile() {
    let text = "[default]\nservices = s\nendpoint_url = http://profile\nca_bundle = /profile.pem\nuse_fips_endpoint = True\n\
                use_dualstack_endpoint = true\n[services s]\nsts =\n\u{20} endpoint_url = http://service\n\u{20} other = x\n\
                [profile e]\nendpoint_url = http://e\nservices = other\n[services other]\ns3 =\n\u{20} endpoint_url = x\n\
                [profile i]\nendpoint_url = http://i\nignore_configured_endpoint_urls = true\n[profile n]\nservices = none";
    // The lines of this text are not trimmed, because nested settings must be indented.
    let set = files(text, "");
    let network = |variables: &str, flags: &str| {
        let variables = format!("AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=s {variables}");
        plan(&request(flags), &set, &vars(&variables)).map(|plan| plan.network)
    };
    let url = |variables: &str, flags: &str| network(variables, flags).expect("network").endpoint_url;
    let some = |url: &str| Some(url.to_owned());
    let (all, sts) = ("AWS_ENDPOINT_URL=http://all", "AWS_ENDPOINT_URL_STS=http://sts");
    assert_eq!(url(&format!("{all} {sts}"), "-r A"), some("http://sts"));
    assert_eq!(url(all, "-r A"), some("http://all"));
    assert_eq!(url("", "-r A"), some("http://service"));
    assert_eq!(url("AWS_PROFILE=e", "-r A"), some("http://e"));
    assert_eq!(url("AWS_PROFILE=i", "-r A"), None);
    assert_eq!(url(&format!("AWS_PROFILE=i {sts}"), "-r A"), None);
    assert_eq!(url("AWS_PROFILE=i AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "-r A"), some("http://i"));
    assert_eq!(url(&format!("{sts} AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"), "-r A"), None);
    assert_eq!(url(&format!("AWS_PROFILE=n {all}"), "-r A"), some("http://all"));
    let missing = network("AWS_PROFILE=n", "-r A").expect_err("no section");
    assert_eq!(missing.to_string(), "[services none] not found (from profile 'n')");

    let default = network("", "-r A").expect("network");
    assert_eq!(
        (default.ca_bundle.as_deref(), default.fips, default.dualstack),
        (Some(Path::new("/profile.pem")), true, true)
    );
    let off = "AWS_CA_BUNDLE=/env.pem AWS_USE_FIPS_ENDPOINT=false AWS_USE_DUALSTACK_ENDPOINT=no";
    let env = network(off, "-r A").expect("network");
    assert_eq!((env.ca_bundle.as_deref(), env.fips, env.dualstack), (Some(Path::new("/env.pem")), false, false));
    let on = network("AWS_PROFILE=e AWS_USE_FIPS_ENDPOINT=true", "-r A").expect("network");
    assert_eq!((on.ca_bundle, on.fips, on.dualstack), (None, true, false));
}

#[test]
fn an_endpoint_has_a_scheme_and_a_host() {
    assert_eq!(endpoint("HTTPS://Host:1/x").as_deref(), Ok("https://Host:1/x"));
    for text in ["ftp://h", "h", "http://", "http:///x", "http://h x", "http://h\n"] {
        assert!(endpoint(text).is_err(), "{text:?}");
    }
}

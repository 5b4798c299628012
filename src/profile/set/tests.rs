use super::*;

fn set(config: &str, credentials: &str) -> ProfileSet {
    let (config, credentials) = (config.as_bytes(), credentials.as_bytes());
    ProfileSet::parse((Path::new("config"), config), (Path::new("credentials"), credentials)).expect("parses")
}

/// Shows all profiles as `name{key=value,…}`.
fn shown(set: &ProfileSet) -> String {
    let profile = |name: &str| {
        let settings = set.profile(name).expect("each name has settings");
        let pairs: Vec<_> = settings
            .keys()
            .map(|key| {
                let nested = settings.nested(key).iter().map(|(k, v)| format!("({k}={v})"));
                let nested = nested.collect::<Vec<_>>().concat();
                format!("{key}={}{nested}", settings.get(key).unwrap_or_default().replace('\n', "|"))
            })
            .collect();
        format!("{name}{{{}}}", pairs.join(","))
    };
    set.names().map(profile).collect::<Vec<_>>().join(" ")
}

/// These are the cases about merging in the parser tests of the AWS SDKs.
#[test]
fn merges_as_the_sdks_do() {
    for (config, credentials, expected) in [
        ("", "", ""),
        ("[profile foo]", "", "foo{}"),
        ("[profile foo]\nname = value\n[profile bar]\nname2 = value2", "", "bar{name2=value2} foo{name=value}"),
        ("[profile foo]\na = 1\n[profile foo]\nb = 2", "", "foo{a=1,b=2}"),
        ("[profile foo]\nname = value\nname = value2", "", "foo{name=value2}"),
        ("[profile foo]\nName = value\n[profile foo]\nname = value2", "", "foo{name=value2}"),
        ("[profile default]\nname = value\n[default]\nname2 = value2", "", "default{name=value}"),
        ("[default]\nname2 = value2\n[profile default]\nname = value", "", "default{name=value}"),
        ("[profile default]\na = 1\n[default]\nb = 2\n[profile default]\nc = 3", "", "default{a=1,c=3}"),
        ("[profile default]\na = 1\n[default]\nb = 2", "[default]\ns = foo", "default{a=1,s=foo}"),
        ("[default]\na = 1", "[default]\na = 2\nb = 3", "default{a=2,b=3}"),
        ("[profile foo]\nname = value", "[foo]\nname2 = value2", "foo{name=value,name2=value2}"),
        ("[profile foo]\nname = value", "[foo]\nname = value2", "foo{name=value2}"),
        ("[profile foo]\nname = value", "[profile foo]\nname = value2", "foo{name=value}"),
        ("[foo]\nname = value", "", ""),
        ("[profile foo]\nname = value\n -continued # c", "", "foo{name=value|-continued # c}"),
        ("[profile foo]\ns3 =\n name = value # c\n\t \n Two =", "", "foo{s3=(name=value)(two=)}"),
        ("[profile foo]\ns3 =\n a = b\ns3 = \n c = d", "", "foo{s3=(c=d)}"),
        ("[profile foo]\na = 1\n[profile in valid]\nx = 1\n[profile bar]\nb = 2", "", "bar{b=2} foo{a=1}"),
    ] {
        assert_eq!(shown(&set(config, credentials)), expected, "{config} / {credentials}");
    }
}

#[test]
fn sections_and_files_are_kept_apart() {
    let set = set(
        "[sso-session corp]\nsso_region = us-east-1\n[services local]\nsts =\n  endpoint_url = http://x\n[profile p]\na=1",
        "[p]\nb=2\n[sso-session no]\nsso_region=x",
    );
    assert_eq!(set.sso_sessions.get("corp").and_then(|s| s.get("sso_region")), Some("us-east-1"));
    assert!(!set.sso_sessions.contains_key("no"));
    let services = set.services.get("local").expect("services");
    assert_eq!(services.nested("sts"), [("endpoint_url".to_owned(), "http://x".to_owned())]);
    assert_eq!((set.path_of("p", "a"), set.path_of("p", "b")), (Path::new("config"), Path::new("credentials")));
    let p = set.profile("p").expect("p");
    assert_eq!((p.get_from(FileKind::Config, "a"), p.get_from(FileKind::Config, "b")), (Some("1"), None));
}

#[test]
fn syntax_errors_name_file_and_line() {
    for (config, credentials, file, line) in [
        ("[profile foo", "", "config", 1),
        ("name = value", "", "config", 1),
        ("[default]\n\nname", "", "config", 3),
        ("[default]\ns3 =\n invalid", "", "config", 3),
        ("[default]\ns3 =\n = value", "", "config", 3),
        ("[default]", "[default]\nx", "credentials", 2),
    ] {
        let (config, credentials) = (config.as_bytes(), credentials.as_bytes());
        let set = ProfileSet::parse((Path::new("config"), config), (Path::new("credentials"), credentials));
        match set {
            Err(ConfigError::Syntax { file: found, line: at, .. }) => {
                assert_eq!((found.as_path(), at), (Path::new(file), line));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn similar_names_are_suggested_or_else_all_of_a_few() {
    let few = set("[profile a]\n[profile b]", "[c]");
    assert_eq!(near("zzz", few.profiles.keys()), ["a", "b", "c"]);
    assert_eq!(near("B", few.profiles.keys()), ["b"], "only the case differs");
    let some = set("[profile dev]\n[profile staging]\n[profile production]", "");
    assert_eq!(near("prodution", some.profiles.keys()), ["production"]);
    let both = set("[profile a]\n[profile A]", "[c]");
    assert_eq!(near("a", both.profiles.keys()), ["A", "a", "c"]);
    let many = set("", "[production]\n[staging]\n[stage]\n[dev]\n[test]\n[Prod]\n[sandbox]");
    assert_eq!(near("prod", many.profiles.keys()), ["Prod"]);
    assert_eq!(near("produ", many.profiles.keys()), ["Prod", "production"]);
    assert_eq!(near("stagin", many.profiles.keys()), ["staging", "stage"]);
    assert_eq!(near("unheard-of", many.profiles.keys()), Vec::<String>::new());
    // Comparing these names would take days.
    let long = "n".repeat(1 << 20);
    let endless = set("", &format!("[a]\n[b]\n[c]\n[d]\n[e]\n[{long}]"));
    assert_eq!(near(&format!("{long}x"), endless.profiles.keys()), Vec::<String>::new());
}

#[test]
fn a_header_in_the_form_of_the_other_file_is_recorded() {
    let set = set("[foo]\n[profile a b]\n[profile baz]", "[profile bar]\n[profile 'b z']\n[profile baz]");
    let misplaced = |name| set.misplaced(name).map(|found| (found.written.as_str(), found.expected.as_str()));
    assert_eq!(misplaced("foo"), Some(("[foo]", "[profile foo]")));
    assert_eq!(misplaced("bar"), Some(("[profile bar]", "[bar]")));
    assert_eq!(misplaced("b z"), Some(("[profile 'b z']", "[b z]")));
    assert_eq!(misplaced("baz"), Some(("[profile baz]", "[baz]")));
    assert_eq!(misplaced("a b"), Some(("[profile a b]", "[profile \"a b\"]")));
}

#[test]
fn values_do_not_print() {
    let set = set("[default]\naws_secret_access_key = hidden", "");
    let shown = format!("{set:?}");
    assert!(shown.contains("aws_secret_access_key") && !shown.contains("hidden"), "{shown}");
}

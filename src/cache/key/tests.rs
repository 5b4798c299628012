//! Tests that each field changes the key, and that no two fields can be confused.

use super::*;
use crate::profile::{Audience, Metadata, Network, Region, RoleChain, TokenFrom, TokenSource};
use crate::role::{ExternalId, PolicyArn, RoleArn, RoleSessionName, SessionPolicy, SourceIdentity, Tag, TagKey};
use crate::session::{Keys, Secret};
use std::collections::{HashMap, HashSet};

/// A request with every option set. Each test case changes one of the options.
#[derive(Clone)]
struct Request {
    source: Source,
    host: Option<Host>,
    settings: Vec<(&'static str, Option<OsString>)>,
    token: Option<Vec<u8>>,
    region: Option<&'static str>,
    endpoint: Option<&'static str>,
    fips: bool,
    dualstack: bool,
    hops: Vec<Hop>,
}

fn keys(id: &str, secret: &str) -> Keys {
    Keys { access_key_id: id.into(), secret_access_key: Secret::new(secret), session_token: None }
}

fn hop(role: &str) -> Hop {
    Hop {
        role: RoleArn::parse(role).expect("a role"),
        session_name: RoleSessionName::parse("name").expect("a name"),
        options: HopOptions {
            external_id: ExternalId::parse("external").ok(),
            duration: SessionDuration::parse("1h").ok(),
            policy: SessionPolicy::parse("{}").ok(),
            policy_arns: vec![PolicyArn::parse("arn:aws:iam::aws:policy/One").expect("an ARN")],
            tags: vec![Tag::parse("a=b").expect("a tag")],
            transitive_tags: vec![TagKey::parse("a").expect("a key")],
            source_identity: SourceIdentity::parse("alice").ok(),
            mfa_serial: MfaSerial::parse("123456789").ok(),
            mfa_process: Some("helper".into()),
            of_profiles: Vec::new(),
        },
    }
}

impl Request {
    fn new() -> Self {
        let host = Host { machine_id: Some("machine".into()), boot_id: "boot".into(), name: "host".into() };
        Self {
            source: Source::EnvironmentKeys(keys("AKIAONE", "secret")),
            host: Some(host),
            settings: vec![("A", Some("1".into())), ("B", None)],
            token: Some(b"token".to_vec()),
            region: Some("eu-west-1"),
            endpoint: Some("https://sts.example.com"),
            fips: false,
            dualstack: false,
            hops: vec![hop("111111111111:First"), hop("222222222222:Last")],
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut request = Self::new();
        change(&mut request);
        request
    }

    fn from(source: Source) -> Self {
        Self::with(|request| request.source = source)
    }

    fn on(change: impl FnOnce(&mut Host)) -> Self {
        Self::with(|request| {
            if let Some(host) = &mut request.host {
                change(host);
            }
        })
    }

    fn last(change: impl FnOnce(&mut HopOptions)) -> Self {
        Self::with(|request| change(&mut request.hops[1].options))
    }

    fn key(&self) -> String {
        let scope = SourceScope {
            host: self.host.clone(),
            settings: self.settings.clone(),
            token: self.token.clone().map(Zeroizing::new),
        };
        let key = Key::of_role(&self.plan(), &scope, self.endpoint);
        assert_eq!(key.as_str().len(), 64);
        key.as_str().to_owned()
    }

    fn plan(&self) -> Plan {
        Plan {
            source: self.source.clone(),
            hops: RoleChain::new(self.hops.clone()),
            inherits_role: false,
            device: None,
            mfa_process: None,
            profile: None,
            label: String::new(),
            region: self.region.map(|name| Region { name: name.into(), from: "--region".into() }),
            network: Network { fips: self.fips, dualstack: self.dualstack, ..Network::default() },
            metadata: Metadata::default(),
            notes: Vec::new(),
        }
    }
}

fn sso(change: impl FnOnce(&mut [String; 6])) -> Source {
    let mut words = ["p", "s", "https://start", "eu-west-1", "111111111111", "Role"].map(str::to_owned);
    change(&mut words);
    let [profile, name, start_url, region, account_id, role_name] = words;
    let session = SsoSession { profile, name: Some(name), start_url, region, scopes: None };
    Source::Sso { session, account_id, role_name }
}

fn process(profile: &str, command: &str) -> Source {
    Source::Process { profile: profile.into(), command: command.into() }
}

fn login(profile: &str, session: &str) -> Source {
    Source::Login { profile: profile.into(), session_arn: session.into() }
}

fn web(path: &str) -> Source {
    token(TokenSource::File(path.into()))
}

fn token(token: TokenSource) -> Source {
    Source::WebIdentity { token, from: TokenFrom::Profile { name: "p".into(), key: "web_identity_token_file" } }
}

#[test]
#[rustfmt::skip]
fn changing_any_field_changes_the_key() {
    let named: Vec<(&str, Request)> = vec![
        ("nothing", Request::new()),
        ("access key id", Request::from(Source::EnvironmentKeys(keys("AKIATWO", "secret")))),
        ("process", Request::from(process("p", "helper"))),
        ("its profile", Request::from(process("q", "helper"))),
        ("its command", Request::from(process("p", "helper -x"))),
        ("login", Request::from(login("p", "arn:1"))),
        ("its profile", Request::from(login("q", "arn:1"))),
        ("its session", Request::from(login("p", "arn:2"))),
        ("web identity", Request::from(web("/token"))),
        ("its file", Request::from(web("/token2"))),
        ("container", Request::from(Source::Container)),
        ("instance metadata", Request::from(Source::InstanceMetadata)),
        ("no host", Request::with(|request| request.host = None)),
        ("machine-id", Request::on(|host| host.machine_id = Some("other".into()))),
        ("no machine-id", Request::on(|host| host.machine_id = None)),
        ("boot id", Request::on(|host| host.boot_id = "other".into())),
        ("host name", Request::on(|host| host.name = "other".into())),
        ("a setting", Request::with(|request| request.settings[0].1 = Some("2".into()))),
        ("an absent setting", Request::with(|request| request.settings[0].1 = None)),
        ("an empty setting", Request::with(|request| request.settings[1].1 = Some(OsString::new()))),
        ("token", Request::with(|request| request.token = Some(b"other".to_vec()))),
        ("no token", Request::with(|request| request.token = None)),
        ("token command", Request::from(token(TokenSource::Command("/token".into())))),
        ("another token command", Request::from(token(TokenSource::Command("/token 2".into())))),
        ("provider", Request::from(token(TokenSource::GitHub { audience: Audience::default() }))),
        ("another audience", Request::from(token(TokenSource::GitHub { audience: Audience::parse("/token").expect("a word") }))),
        ("region", Request::with(|request| request.region = Some("eu-west-2"))),
        ("no region", Request::with(|request| request.region = None)),
        ("endpoint", Request::with(|request| request.endpoint = Some("https://sts.example.org"))),
        ("no endpoint", Request::with(|request| request.endpoint = None)),
        ("fips", Request::with(|request| request.fips = true)),
        ("dualstack", Request::with(|request| request.dualstack = true)),
        ("one hop less", Request::with(|request| drop(request.hops.remove(0)))),
        ("order of the hops", Request::with(|request| request.hops.reverse())),
        ("first role", Request::with(|request| request.hops[0].role = hop("111111111111:Other").role)),
        ("role's path", Request::with(|request| request.hops[1].role = hop("arn:aws:iam::222222222222:role/p/Last").role)),
        ("session name", Request::with(|request| request.hops[1].session_name = RoleSessionName::parse("other").expect("a name"))),
        ("external id", Request::last(|options| options.external_id = ExternalId::parse("other").ok())),
        ("no external id", Request::last(|options| options.external_id = None)),
        ("duration", Request::last(|options| options.duration = SessionDuration::parse("2h").ok())),
        ("longest duration", Request::last(|options| options.duration = Some(SessionDuration::Max))),
        ("no duration", Request::last(|options| options.duration = None)),
        ("policy", Request::last(|options| options.policy = SessionPolicy::parse("{\"a\":1}").ok())),
        ("no policy", Request::last(|options| options.policy = None)),
        ("policy ARN", Request::last(|options| options.policy_arns = vec![PolicyArn::parse("arn:aws:iam::aws:policy/Two").expect("an ARN")])),
        ("no policy ARN", Request::last(|options| options.policy_arns.clear())),
        ("tag's key", Request::last(|options| options.tags = vec![Tag::parse("ab=").expect("a tag")])),
        ("tag's value", Request::last(|options| options.tags = vec![Tag::parse("a=c").expect("a tag")])),
        ("no tag", Request::last(|options| options.tags.clear())),
        ("transitive tag", Request::last(|options| options.transitive_tags.clear())),
        ("source identity", Request::last(|options| options.source_identity = SourceIdentity::parse("bob").ok())),
        ("no source identity", Request::last(|options| options.source_identity = None)),
        ("MFA serial", Request::last(|options| options.mfa_serial = MfaSerial::parse("987654321").ok())),
        ("no MFA serial", Request::last(|options| options.mfa_serial = None)),
        ("MFA process", Request::last(|options| options.mfa_process = Some("helper -x".into()))),
        ("no MFA process", Request::last(|options| options.mfa_process = None)),
        ("an option of the other hop", Request::with(|request| request.hops[0].options.external_id = None)),
    ];
    let mut requests: Vec<_> = named.into_iter().map(|(name, request)| (name.to_owned(), request)).collect();
    requests.push(("sso".into(), Request::from(sso(|_| {}))));
    for at in 0..6 {
        requests.push((format!("sso setting {at}"), Request::from(sso(|words| words[at].push('x')))));
    }
    let mut seen = HashMap::new();
    for (name, request) in requests {
        if let Some(other) = seen.insert(request.key(), name.clone()) {
            panic!("`{name}` and `{other}` have the same key");
        }
    }
}

#[test]
fn what_does_not_change_the_answer_of_sts_does_not_change_the_key() {
    let key = Request::new().key();
    assert_eq!(Request::from(Source::EnvironmentKeys(keys("AKIAONE", "other"))).key(), key, "no secret is in a name");
    let of_profile = Source::ProfileKeys { profile: "p".into(), keys: keys("AKIAONE", "secret") };
    assert_eq!(Request::from(of_profile).key(), key, "the same caller");
    let by_variable = Source::WebIdentity { token: TokenSource::File("/token".into()), from: TokenFrom::Variable };
    assert_eq!(Request::from(by_variable).key(), Request::from(web("/token")).key());
}

#[test]
fn the_key_of_an_mfa_session_has_caller_device_and_duration() {
    let key = |source: Source, serial: &str, hours: Option<u64>| {
        let serial = MfaSerial::parse(serial).expect("a serial");
        let duration = hours.map(Duration::from_hours);
        let request = Request::from(source);
        Key::of_mfa(&request.plan(), &SourceScope::default(), request.endpoint, &serial, duration)
    };
    let (user, other) = ["AKIAONE", "AKIATWO"].map(|id| Source::EnvironmentKeys(keys(id, "secret"))).into();
    let all = [
        key(user.clone(), "123456789", None),
        key(user.clone(), "123456789", Some(12)),
        key(user.clone(), "123456789", Some(36)),
        key(user.clone(), "987654321", None),
        key(other, "123456789", None),
    ];
    let distinct: HashSet<_> = all.iter().map(Key::as_str).collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(key(user.clone(), "123456789", None), all[0]);
}

#[test]
fn the_key_of_a_sources_own_credentials_has_each_setting_of_the_source() {
    let mut sources = vec![sso(|_| {})];
    sources.extend((0..6).map(|at| sso(|words| words[at].push('x'))));
    let mut keys: HashSet<String> =
        sources.iter().map(|source| Key::of_source(source, [0; 8]).as_str().to_owned()).collect();
    assert_eq!(keys.len(), 7);
    assert!(keys.insert(Request::from(sso(|_| {})).key()), "a role that is assumed with them is another session");
}

#[test]
fn fields_do_not_run_into_one_another() {
    let hash = |write: &dyn Fn(&mut Fields)| {
        let mut fields = Fields::new("test");
        write(&mut fields);
        fields.hexadecimal()
    };
    let all = [
        hash(&|fields| fields.text("ab", "c")),
        hash(&|fields| fields.text("a", "bc")),
        hash(&|fields| fields.optional("ab", Some("c"))),
        hash(&|fields| fields.optional("ab", None)),
        hash(&|fields| fields.list("ab", ["c", "d"].into_iter())),
        hash(&|fields| fields.list("ab", ["cd"].into_iter())),
        hash(&|_| {}),
    ];
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

//! Which keys of `~/.aws` and which AWS variables have an effect: each is used, or ignored with a reason.

mod rows;

use crate::support::{
    FakeContainer, FakeImds, FakeProxy, FakeSso, FakeSts, Identity, Login, StsRequest, Xassume, probe, write_login,
    write_sign_in,
};
use rows::Proof::{Asks, Fails, Says};
use rows::{CREDENTIALS, METADATA, NETWORK, PASSED_OVER, PLACES, ROLE, ROLES, Row, TABLES};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// All services that a row may need.
struct World {
    sts: FakeSts,
    imds: FakeImds,
    container: FakeContainer,
    sso: FakeSso,
    proxy: FakeProxy,
    /// A user whose keys are in a file and not in the environment.
    file: Identity,
}

impl World {
    fn new() -> Self {
        let file = Identity::long_term("AKIAPROFILE000000001", "file/secret", "user/bob");
        let sts = FakeSts::builder().identity(file.clone()).mfa_codes(&["123456"]).start();
        let proxy = FakeProxy::start();
        proxy.map("sts.invalid:80", sts.port());
        let (imds, container) = (FakeImds::start(), FakeContainer::start());
        Self { sts, imds, container, sso: FakeSso::start(), proxy, file }
    }

    /// Expands the abbreviations of a row.
    fn expanded(&self, home: &Path, text: &str) -> String {
        let (user, task) = (Identity::user(), Identity::task());
        let keys = |identity: &Identity| {
            let (id, secret) = (&identity.access_key_id, &identity.secret_access_key);
            let token = identity.session_token.as_ref();
            let token = token.map(|token| format!("\naws_session_token = {token}")).unwrap_or_default();
            format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}{token}")
        };
        let token_file = self.container.token_file();
        [
            ("+file", keys(&self.file)),
            ("+task", keys(&task)),
            ("@", "arn:aws:iam::111111111111:role/".into()),
            ("{home}", home.display().to_string()),
            ("{sts}", self.sts.url()),
            ("{imds}", self.imds.url()),
            ("{container}", self.container.full_uri()),
            ("{token}", self.container.token()),
            ("{token.file}", token_file.display().to_string()),
            ("{sso}", self.sso.url()),
            ("{proxy}", self.proxy.url()),
            ("{PROXY}", self.proxy.url().to_uppercase()),
            ("{user}", user.access_key_id),
            ("{user.secret}", user.secret_access_key),
            ("{task}", task.access_key_id),
            ("{task.secret}", task.secret_access_key),
            ("{task.token}", task.session_token.unwrap_or_default()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (short, long)| text.replace(short, long))
    }

    fn launch(&self, (_, config, variables, args, _): &Row) -> Xassume {
        let world = Xassume::new(&self.sts).without_keys();
        let home = world.home();
        let fill = |text: &str| self.expanded(&home, text);
        write_login(&home, "corp", Login::Valid);
        write_login(&home, "old", Login::Refreshable);
        write_sign_in(&home, "arn:aws:iam::222222222222:user/alice", Duration::from_hours(1));
        write_sign_in(&home, "arn:aws:iam::222222222222:user/late", Duration::ZERO);
        let keys = fill("+file");
        let world = world
            .file("token", "token.of.pod")
            .file("other", format!("[profile other]\n{keys}\n"))
            .file("credentials", format!("[other]\n{keys}\n"))
            .file(".aws/config", fill(&format!("[profile p]\n{config}\n")));
        let world = variables.iter().fold(world, |world, (name, value)| world.env(name, fill(value)));
        world.arg("-v").args(args.iter().map(|arg| fill(arg))).arg("--").args(probe()).args(["exit", "0"])
    }

    /// The requests in the notation of the rows.
    fn notation_of_requests(&self) -> String {
        let issued = self.sts.issued();
        let notation = |request: StsRequest| {
            let key = request.access_key_id.clone().unwrap_or_else(|| "-".into());
            let known = [
                (&self.file, "file"),
                (&Identity::user(), "user"),
                (&Identity::task(), "task"),
                (&Identity::sso(), "sso"),
                (&Identity::login(), "login"),
                (&Identity::instance(), "instance"),
            ]
            .iter()
            .find(|(identity, _)| identity.access_key_id == key)
            .map(|(_, name)| (*name).to_owned());
            let session = issued.iter().find(|session| session.access_key_id == key);
            let signer = known.or_else(|| session.map(|session| format!("#{}", session.generation))).unwrap_or(key);
            let region = request.region.clone().filter(|region| region != "us-east-1");
            let region = region.map(|region| format!("@{region}")).unwrap_or_default();
            let role = request.param("RoleArn").and_then(|arn| arn.rsplit('/').next()).unwrap_or(&request.action);
            let mut rest: Vec<String> = request
                .params
                .iter()
                .filter(|(name, value)| {
                    let default_name = name == "RoleSessionName" && value.starts_with("xassume-");
                    !default_name && !matches!(name.as_str(), "Action" | "Version" | "RoleArn")
                })
                .map(|(name, value)| format!(" {name}={value}"))
                .collect();
            rest.sort();
            format!("{signer}{region} {role}{}", rest.concat())
        };
        self.sts.requests().into_iter().map(notation).collect::<Vec<_>>().join("; ")
    }
}

fn check(rows: &[Row]) {
    for row in rows {
        let world = World::new();
        let finished = world.launch(row).run();
        match row.4 {
            Asks(expected) => {
                let finished = finished.exited(0);
                assert_eq!(world.notation_of_requests(), expected, "{row:?}\n{}", finished.stderr);
            }
            Says(words) => {
                let finished = finished.exited(0);
                assert!(finished.stderr.contains(words), "{row:?}\n{}", finished.stderr);
            }
            Fails(words) => {
                let finished = finished.exited(125);
                assert!(finished.stderr.contains(words), "{row:?}\n{}", finished.stderr);
            }
        }
    }
}

#[test]
fn roles_are_assumed_as_their_profiles_say() {
    check(ROLES);
}

#[test]
fn credentials_come_from_every_place_that_aws_defines() {
    check(CREDENTIALS);
}

#[test]
fn instance_metadata_settings_work_as_in_the_aws_cli() {
    check(METADATA);
}

#[test]
fn files_profiles_and_regions_are_selected() {
    check(PLACES);
}

#[test]
fn profile_and_variables_select_the_sts_endpoint() {
    check(NETWORK);
}

#[test]
fn ignored_settings_are_logged_with_the_reason() {
    check(PASSED_OVER);
}

/// The variables that are read, in the order of the rows. Ignored variables are not included.
pub(crate) fn variables_that_are_read() -> Vec<&'static str> {
    let is_variable = |name: &&str| !name.contains(|c: char| c.is_ascii_lowercase());
    let names =
        [ROLES, CREDENTIALS, METADATA, PLACES, NETWORK].into_iter().flatten().flat_map(|row| row.0.split_whitespace());
    let mut variables: Vec<&str> = Vec::new();
    for name in names.filter(is_variable) {
        if !variables.contains(&name) {
            variables.push(name);
        }
    }
    variables
}

/// The table of `docs/configuration.md` has the same names as the rows here.
#[test]
fn the_documentation_lists_each_key_and_variable() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(page).expect("docs/configuration.md");
    let section = page.split("# Configuration\n").nth(1).expect("the section");
    let section = section.split("\n#").next().expect("its text");
    let table = section.lines().filter(|line| line.starts_with('|'));
    let documented: BTreeSet<&str> = table.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let documented: BTreeSet<&str> = documented.into_iter().filter(|word| !word.starts_with('-')).collect();
    let tested: BTreeSet<&str> =
        TABLES.iter().flat_map(|rows| rows.iter().flat_map(|row| row.0.split_whitespace())).collect();
    assert_eq!(documented, tested);
}

#[test]
fn the_plan_is_one_readable_block() {
    let world = World::new();
    let config =
        "mfa_serial = GAHT12345678\nexternal_id = a:b\nregion = eu-west-1\nrole_arn = @T\nsource_profile = p\n+file";
    let row: Row = ("", config, &[("AWS_REGION", "")], &["-p", "p", "-r", "@R", "--mfa-token", "123456"], Asks(""));
    let finished = world.launch(&row).run().exited(0);
    let (sts, issued) = (world.sts.url(), world.sts.issued());
    let name = world.sts.requests()[1].param("RoleSessionName").expect("a name").to_owned();
    let role = "arn:aws:iam::111111111111:role";
    let block = format!(
        "xassume: plan:\n  \
           source: keys of profile p (AKIAPROFILE000000001)\n  \
           role 1 of 2: {role}/T, session name {name}, external ID a:b, MFA device GAHT12345678\n  \
           role 2 of 2: {role}/R, session name {name}\n  \
           MFA: device GAHT12345678, code from --mfa-token\n  \
           region: eu-west-1 (profile p)\n  \
           endpoint: {sts}\n  \
           command: credentials via env, no refresh\n\
         xassume: cache: miss\n\
         xassume: source credentials: AKIAPROFILE000000001 (long-term)\n\
         xassume: MFA session: {}, expires at ",
        issued[0].access_key_id
    );
    assert!(finished.stderr.starts_with(&block), "{}\n{block}", finished.stderr);
    assert!(
        finished.stderr.contains(&format!(
            "xassume: assumed {role}/R as {name} with keys of profile p (AKIAPROFILE000000001), expires at "
        )),
        "{}",
        finished.stderr
    );

    let row: Row =
        ("", "", &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{imds}")], ROLE, Asks(""));
    let stderr = world.launch(&row).run().exited(0).stderr;
    let answered = format!("source credentials: {} (temporary)\n", Identity::instance().access_key_id);
    assert!(stderr.contains("source: the instance's role (EC2 metadata)\n") && stderr.contains(&answered), "{stderr}");
}

/// As in the AWS CLI. A container runtime creates a directory if the file to mount does not exist.
#[test]
fn a_directory_in_place_of_a_shared_file_is_ignored() {
    let sts = FakeSts::start();
    let at = |args: &[&str]| {
        let world = Xassume::new(&sts).file(".aws/config/x", "").file(".aws/credentials/x", "");
        let home = world.home();
        (home, world.args(args).args(["-r", "111111111111:R"]))
    };
    // Also if there is no plan, because that file may contain the profile.
    for (args, status) in [(&["-v"][..], 0), (&["-v", "-p", "unknown"], 125)] {
        let (home, launch) = at(args);
        let stderr = launch.args(["--", "true"]).run().exited(status).stderr;
        for file in ["config", "credentials"] {
            let note = format!("ignoring {} (it is a directory)\n", home.join(".aws").join(file).display());
            assert_eq!(stderr.matches(&note).count(), 1, "{stderr}");
        }
    }
    assert_eq!(at(&[]).1.args(["--", "true"]).run().exited(0).stderr, "");
    let document = at(&["--check", "--log-format", "json"]).1.run().exited(0);
    let document = document.stdout_text();
    assert_eq!(document.matches("\"present\":false").count(), 2, "{document}");
}

#[test]
fn an_ignored_section_of_the_selected_profile_is_reported() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts).file(".aws/config", "[profile p]\nregion = us-east-1\n");
    let world = world.file(".aws/credentials", "[profile p]\naws_access_key_id = A\naws_secret_access_key = s\n");
    let stderr =
        world.env("AWS_PROFILE", "p").args(["-v", "-r", "111111111111:R", "--", "true"]).run().exited(0).stderr;
    let note = "ignoring [profile p] (its file uses the form [p])\n";
    assert!(stderr.contains(note), "{stderr}");
}

#[test]
fn a_command_with_its_own_profile_is_warned_about_once() {
    let sts = FakeSts::start();
    let run = |args: &[&str]| {
        let xassume =
            Xassume::new(&sts).args(args).args(["-r", "111111111111:R", "--", "sh", "-c", "true aws --profile x"]);
        xassume.run().exited(0).stderr
    };
    let warning = "xassume: warning: the command uses aws --profile and will ignore the assumed role; --isolate hides the \
                   profile\n";
    assert_eq!(run(&["-v"]).matches(warning).count(), 1);
    assert_eq!(run(&[]), warning);
    for args in [&["-q"][..], &["--isolate"], &["--via", "file"]] {
        assert_eq!(run(args), "", "{args:?}");
    }
}

//! `XASSUME_LABEL`: its value for each kind of session, in each delivery, and the prompt of bash that shows it.

use crate::documents::read;
use crate::support::{FakeSts, Terminal, Xassume, probe};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const CONFIG: &str = "[default]\nrole_arn = arn:aws:iam::111111111111:role/Usual\ncredential_source = Environment\n\
    [profile production]\nrole_arn = arn:aws:iam::222222222222:role/team/Deploy\ncredential_source = Environment\n\
    [profile keys]\naws_access_key_id = AKIAKEYS\naws_secret_access_key = secret\n\
    [profile \"x$(touch owned)`id`\\\\w%F!\u{e9}\"]\nrole_arn = arn:aws:iam::333333333333:role/R\ncredential_source = Environment\n";
/// The name of the last profile, and its label.
const HOSTILE: [&str; 2] = ["x$(touch owned)`id`\\w%F!\u{e9}", "x__touch_owned__id__w_F_\u{e9}"];

fn world(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).file(".aws/config", CONFIG).env("XASSUME_LABEL", "stale")
}

fn label(xassume: &Xassume) -> Option<String> {
    xassume.clone().arg("--").args(probe()).arg("environ").run().exited(0).variable("XASSUME_LABEL")
}

/// Arguments, variables, and the label.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn the_label_is_the_named_profile_or_the_role() {
    let sts = FakeSts::start();
    let world = world(&sts);
    let cases: [Case; 13] = [
        (&["-p", "production"], &[], "production"),
        (&[], &[("AWS_PROFILE", "production")], "production"),
        (&[], &[("XASSUME_PROFILE", "production")], "production"),
        (&["-p", "default"], &[], "default"),
        (&[], &[], "111111111111:Usual"),
        (&["-r", ROLE], &[], "111111111111:R"),
        (&[], &[("AWS_ROLE_ARN", ROLE), ("AWS_CONFIG_FILE", "/dev/null")], "111111111111:R"),
        (&["-r", ROLE, "-r", "arn:aws:iam::222222222222:role/a/b/Last,+=@.-_"], &[], "222222222222:Last,+=@.-_"),
        (&["-r", "arn:aws-cn:iam::111111111111:role/R"], &[], "111111111111:R"),
        (&["-p", "production", "-r", ROLE], &[], "111111111111:R"),
        (&["-p", "production", "-r", "arn:aws:iam::222222222222:role/team/Deploy"], &[], "production"),
        (&["-p", "keys"], &[], "keys"),
        (&["-p", HOSTILE[0]], &[], HOSTILE[1]),
    ];
    for (args, variables, expected) in cases {
        let world = variables.iter().fold(world.clone().args(args), |world, (name, value)| world.env(name, value));
        // The second run gets the session from the cache.
        for _ in 0..2 {
            assert_eq!(label(&world).as_deref(), Some(expected), "{args:?} {variables:?}");
        }
    }
}

#[test]
fn every_delivery_sets_the_label() {
    let sts = FakeSts::start();
    let world = world(&sts).args(["-p", "production"]);
    for via in ["env", "file", "endpoint", "process"] {
        assert_eq!(label(&world.clone().args(["--via", via])).as_deref(), Some("production"), "{via}");
    }
    assert_eq!(label(&world.clone().arg("--isolate")).as_deref(), Some("production"));
    let restart = world.clone().args(["--on-expiry", "restart"]);
    assert_eq!(label(&restart).as_deref(), Some("production"));
    for (format, line) in [
        ("env", "XASSUME_LABEL=production\n"),
        ("dotenv", "XASSUME_LABEL='production'\n"),
        ("export", "export XASSUME_LABEL='production'\n"),
        ("fish", "set -gx XASSUME_LABEL 'production'"),
        ("powershell", "$Env:XASSUME_LABEL = 'production'\n"),
    ] {
        let text = world.clone().args(["--print", format]).run().exited(0).stdout_text();
        assert!(text.contains(line), "{format}: {text}");
    }
    let kept = world.args(["--keep-env", "XASSUME_LABEL", "--", "true"]).run().exited(125).stderr;
    assert!(kept.contains("invalid value 'XASSUME_LABEL' for '--keep-env': xassume sets this variable"), "{kept}");
}

/// The snippet for a shell in `docs/prompt.md`.
fn snippet(shell: &str) -> String {
    let page = read("docs/prompt.md");
    let (_, rest) = page.split_once(&format!("```{shell}\n")).expect("a snippet");
    rest.split("```").next().unwrap_or_default().to_owned()
}

#[test]
fn the_documented_prompt_of_bash_shows_the_label_and_expands_nothing_in_it() {
    let sts = FakeSts::start();
    let world = world(&sts).file("rc", format!("set -u\nPS1='ready> '\n{0}{0}", snippet("bash")));
    let rc = world.home().join("rc");
    let shell = world.args(["-q", "-p", HOSTILE[0], "--", "bash", "--noediting", "--rcfile"]).arg(rc).arg("-i");
    let shell = shell.env("TERM", "dumb");
    let terminal = Terminal::run(&shell);
    terminal.through(&format!("[{}] ready> ", HOSTILE[1]));
    terminal.keys("exit\n");
    // The file of the shell is read twice here, but the prompt has the label once.
    let text = terminal.wait().stdout_text();
    assert!(!text.contains("] ["), "{text}");
    assert!(!shell.sandbox().work().join("owned").exists() && !shell.home().join("owned").exists());
}

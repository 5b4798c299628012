//! What `xassume` alone, `-h`, `--help`, `-V` and `--version` print.

use crate::documents::{command_line, parses};
use crate::support::{Finished, Terminal, Xassume};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fmt::Write as _;
use xassume::cli::all_flags;

/// A user without STS.
fn user() -> Xassume {
    Xassume::without_sts()
}

#[track_caller]
fn printed(xassume: &Xassume, args: &[&str]) -> String {
    let finished = xassume.clone().args(args).run().exited(0);
    assert_eq!(finished.stderr, "", "{args:?}");
    finished.stdout_text()
}

/// What `xassume` alone prints.
#[track_caller]
fn overview(xassume: &Xassume) -> String {
    let finished = xassume.run().exited(125);
    assert_eq!(finished.stdout_text(), "");
    let text = finished.stderr;
    assert!(text.lines().count() <= 25, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.starts_with("xassume runs a command with "), "{text}");
    assert!(text.ends_with("\nRead on: xassume -h (short), xassume --help (everything), man xassume\n"), "{text}");
    text
}

/// The lines below the heading of the profiles.
fn profiles(overview: &str) -> Vec<&str> {
    let list = overview.split("\nYour profiles with a role:\n").nth(1).unwrap_or_default();
    list.lines().take_while(|line| !line.is_empty()).collect()
}

#[test]
fn alone_it_prints_an_overview_with_five_examples() {
    let text = overview(&user());
    let examples: Vec<_> = text.lines().filter(|line| line.starts_with("  xassume ")).collect();
    assert_eq!(examples.len(), 5, "{text}");
    for line in examples {
        let (command, meaning) = line.rsplit_once("   ").expect("a command and its meaning");
        assert!(!meaning.is_empty());
        parses(&command_line(command).expect("a command line")).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    assert!(!text.contains("profiles"), "there are none: {text}");
}

#[test]
fn the_overview_lists_a_few_profiles_with_their_roles() {
    let config = "[default]\nregion = eu-west-1\n\
        [profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = default\n\
        [profile reader]\nrole_arn = arn:aws:iam::222222222222:role/team/Reader\n\
        [profile sso]\nsso_account_id = 333333333333\nsso_role_name = Admin\nsso_session = corp\n\
        [profile broken]\nrole_arn = nonsense\n";
    let few = overview(&user().file(".aws/config", config));
    assert_eq!(
        profiles(&few),
        [
            "  deploy  521111111144:DeployMaster",
            "  reader  arn:aws:iam::222222222222:role/team/Reader",
            "  sso     333333333333:Admin (IAM Identity Center)",
        ]
    );
    let mut config = String::new();
    for number in 0..2000 {
        let role = "arn:aws:iam::521111111144:role/Deploy";
        let _ = writeln!(config, "[profile p{number:04}{}]\nrole_arn = {role}", "x".repeat(number % 200));
    }
    let many = overview(&user().file(".aws/config", config));
    let listed = profiles(&many);
    assert_eq!(listed.len(), 8, "{many}");
    assert_eq!((listed[0], listed[7]), ("  p0000        521111111144:Deploy", "  … and 1993 more"));
}

#[test]
fn names_in_the_overview_are_safe_for_a_terminal() {
    let role = "sso_account_id = 333333333333\nsso_role_name =";
    let config = format!(
        "[profile a\x1b]0;title\x07]\n{role} X\n[profile b]\n{role} \x1b[31mRed\n[profile c\u{202e}d]\n{role} X\n\
         [profile long{}]\n{role} {}\n",
        "x".repeat(500),
        "y".repeat(500)
    );
    let text = overview(&user().file(".aws/config", config));
    assert!(!text.contains(['\x1b', '\x07', '\u{202e}']), "{text:?}");
    assert_eq!(profiles(&text).len(), 1, "{text}");
}

#[test]
fn config_files_that_cannot_be_read_do_not_hurt_the_overview() {
    let fifo = user();
    let path = fifo.home().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).expect("a FIFO");
    let variable = "AWS_CONFIG_FILE";
    for user in [
        user().env_remove("HOME"),
        user().file(".aws/config", "[profile x\n"),
        user().file(".aws/config", b"\xff\xfe[[[\n"),
        user().env(variable, "/nonexistent"),
        user().env(variable, "/dev/zero"),
        user().env(variable, fifo.home()),
        fifo.env(variable, path),
    ] {
        assert_eq!(profiles(&overview(&user)), Vec::<&str>::new());
    }
}

#[test]
fn with_flags_or_json_a_missing_command_stays_an_error() {
    for args in [&["-p", "x"][..], &["--"], &["-v"], &["--log-format", "text"]] {
        let failed = user().args(args).run().exited(125);
        assert!(failed.stderr.starts_with("xassume: error: no command given\nhint: "), "{args:?}: {}", failed.stderr);
        assert_eq!((failed.stderr.lines().count(), failed.stdout_text()), (3, String::new()), "{args:?}");
    }
    for user in [user().env("XASSUME_LOG_FORMAT", "json"), user().args(["--log-format", "json"])] {
        let failed = user.run().exited(125);
        let object: serde_json::Value = serde_json::from_str(&failed.stderr).expect("one object");
        assert_eq!(object["message"], "no command given");
    }
}

#[test]
fn the_short_help_fits_a_page_and_names_every_flag() {
    let text = printed(&user(), &["-h"]);
    assert!(text.lines().count() <= 60, "{} lines", text.lines().count());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("  -") || line.starts_with("      --")).collect();
    let first = ["--role-arn", "--profile", "--check", "--print", "--via", "--on-expiry", "--duration", "--verbose"];
    for (flag, row) in first.iter().zip(&rows) {
        assert!(row.contains(flag) && row.contains("  "), "{flag}: {row}");
    }
    let words: Vec<_> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    for long in all_flags().map(|flag| flag.long).chain(["help", "version"]) {
        let name = format!("--{long}");
        assert!(words.contains(&name.as_str()), "{name}");
    }
    assert!(text.contains("[possible values: none, restart, signal]"), "{text}");
    assert!(text.contains("\nExample: xassume -p production -- aws s3 ls\n"), "{text}");
}

/// The part of `--help` about one flag.
fn about<'t>(help: &'t str, long: &str) -> &'t str {
    let is_head = |line: &str| {
        let names = line.strip_prefix("      ").or_else(|| line.get(6..)).filter(|_| line.trim().starts_with('-'));
        let name = names.and_then(|names| names.strip_prefix("--"));
        name.is_some_and(|name| name.split([' ', '.', '\n']).next() == Some(long))
    };
    let mut at = 0;
    let start = help.split_inclusive('\n').find_map(|line| {
        at += line.len();
        is_head(line).then_some(at)
    });
    let rest = &help[start.unwrap_or_else(|| panic!("--help lacks --{long}"))..];
    let end = rest.match_indices("\n\n").map(|(at, _)| at).find(|at| !rest[at + 2..].starts_with("        "));
    &rest[..end.unwrap_or(rest.len())]
}

#[test]
fn the_long_help_has_the_variable_the_default_and_the_values_of_each_flag() {
    let help = printed(&user().env("COLUMNS", "100"), &["--help"]);
    for flag in all_flags() {
        let about = about(&help, flag.long);
        let lines: Vec<_> = about.lines().map(str::trim).collect();
        assert_eq!(about.contains("[env: "), flag.variable().is_some(), "{about}");
        if let Some(variable) = flag.variable() {
            assert!(lines.contains(&format!("[env: {variable}]").as_str()), "{about}");
        }
        assert_eq!(
            lines.contains(&format!("[default: {}]", flag.default).as_str()),
            !flag.default.is_empty(),
            "{about}"
        );
        assert_eq!(about.contains("Possible values:"), !flag.values.is_empty(), "{about}");
        for (word, _) in flag.values {
            assert!(lines.iter().any(|line| line.starts_with(&format!("- {word}:"))), "{word}: {about}");
        }
    }
    for text in ["TIME    90s, 15m, 1h", "SIGNAL  a name or a number", "\nExamples:\n", "Exit status:"] {
        assert!(help.contains(text), "{text}");
    }
    let examples = help.split("\nExamples:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("examples");
    for line in examples.lines() {
        parses(&command_line(line).expect("a command line")).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn the_help_never_shows_the_values_of_variables() {
    let secretive = user().env("XASSUME_EXTERNAL_ID", "hidden").env("XASSUME_MFA_COMMAND", "hidden");
    for form in ["-h", "--help"] {
        assert!(!printed(&secretive, &[form]).contains("hidden"), "{form}");
    }
}

/// The words that a flag accepts are those of its help.
#[test]
fn an_invalid_word_lists_the_words_of_the_help() {
    let mut flags = 0;
    for flag in all_flags().filter(|flag| !flag.values.is_empty()) {
        let words: Vec<_> = flag.values.iter().map(|(word, _)| *word).collect();
        let listed = format!("[possible values: {}]\n", words.join(", "));
        let long = format!("--{}", flag.long);
        let command: &[&str] = if ["print", "completions"].contains(&flag.long) { &[] } else { &["--", "true"] };
        let supervised: &[&str] = if flag.long == "on-expiry" { &[] } else { &["--on-expiry", "restart"] };
        let supervised = if command.is_empty() { &[] } else { supervised };
        let role = ["-r", "521111111144:DeployMaster", &long, "nonsense"];
        let failed = user().args(role).args(supervised).args(command).run().exited(125);
        let error = format!("xassume: error: invalid value 'nonsense' for '{long}' {listed}");
        assert!(failed.stderr.starts_with(&error), "{error}{}", failed.stderr);
        let missing = user().arg(&long).run().exited(125);
        assert!(missing.stderr.contains(&format!("none was supplied {listed}")), "{}", missing.stderr);
        flags += 1;
    }
    assert!(flags >= 8, "{flags}");
}

#[test]
fn on_a_terminal_the_help_is_colored_as_clap_colors_it() {
    let shown = |user: Xassume, form: &str, columns: u16| -> String {
        let finished: Finished = Terminal::of_columns(&user.arg(form), columns).wait().exited(0);
        finished.stdout_text().replace('\r', "")
    };
    let (heading, bold, end) = ("\x1b[1;4m", "\x1b[1m", "\x1b[0m");
    let terminal = || user().env("TERM", "xterm");
    let plain = printed(&user().env("COLUMNS", "100"), &["--help"]);
    let colored = shown(terminal(), "--help", 100);
    for part in [
        format!("{heading}Usage:{end} xassume [OPTIONS]"),
        format!("\n{heading}Role:{end}\n"),
        format!("\n  {bold}-r,{end} {bold}--role-arn{end} <ARN>\n"),
        format!("\n      {bold}--check{end}\n"),
        format!("\n          - {bold}file{end}:     in a private"),
        format!("\n{heading}Examples:{end}\n"),
    ] {
        assert!(colored.contains(&part), "{part:?}\n{colored}");
    }
    let stripped = [heading, bold, end].iter().fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain, "the colors change nothing else");
    assert!(!plain.contains('\x1b'));
    for user in [terminal().env("NO_COLOR", "1"), user().env("TERM", "dumb"), user()] {
        assert_eq!(shown(user, "--help", 100), plain);
    }
    assert!(shown(terminal(), "-h", 80).contains(&format!("  {bold}-p,{end} {bold}--profile{end} <NAME>  ")));
    // The width is that of the terminal, but at most 100.
    let widest = |columns| shown(user(), "--help", columns).lines().map(|line| line.chars().count()).max();
    assert!(widest(60) < widest(100) && widest(100) == widest(200), "{:?}", [60, 100, 200].map(widest));
}

#[test]
fn the_long_version_names_the_build() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(printed(&user(), &["-V"]), format!("xassume {version}\n"));
    let text = printed(&user(), &["--version"]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(format!("xassume {version}").as_str()));
    let mut field =
        |name: &str| lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
    let commit = field("commit").expect("a commit");
    assert!(commit == "unknown" || commit.len() == "0123456789ab 2026-11-28".len(), "{commit}");
    let target = field("target").expect("a target");
    assert!(target.starts_with(std::env::consts::ARCH) && target.contains("linux"), "{target}");
    let libc = field("libc").expect("a C library");
    assert!(["glibc, dynamic", "glibc, static", "musl, static"].contains(&libc.as_str()), "{libc}");
    assert_eq!(lines.next(), None);
}

//! Every error as the user sees it: the real program in a broken situation, compared with an approved page.
//!
//! `UPDATE=1 cargo test --locked --test main errors` writes the pages of `approved/` again. Read the changes before you
//! commit them. `reasons.txt` has the reason that the log gives for each page.

mod command;
mod config;
mod delivery;
mod denial;
mod listen;
mod mfa;
mod network;
mod page;
mod source;
mod sts;
mod token;
mod usage;
mod values;
mod wrapping;

use crate::support::{FakeSts, Terminal, Xassume};
use page::{Page, ROLE, directory, user_without_sts};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, thread};

const GROUPS: [fn() -> Vec<Page>; 12] = [
    command::pages,
    config::pages,
    delivery::pages,
    denial::pages,
    listen::pages,
    mfa::pages,
    network::pages,
    source::pages,
    sts::pages,
    token::pages,
    usage::pages,
    values::pages,
];

fn groups() -> Vec<Vec<Page>> {
    GROUPS.map(|pages| pages()).into()
}

fn updating() -> bool {
    std::env::var_os("UPDATE").is_some()
}

#[track_caller]
fn compare(pages: &[Page]) {
    let mut different = String::new();
    for page in pages {
        let written = page.written();
        if updating() {
            fs::create_dir_all(directory()).expect("the repository is writable");
            fs::write(page.approved(), &written).expect("the repository is writable");
            continue;
        }
        let approved = fs::read_to_string(page.approved()).unwrap_or_default();
        if written != approved {
            let _ = write!(different, "\n=== {}, approved:\n{approved}=== {}, now:\n{written}", page.name, page.name);
        }
    }
    assert!(different.is_empty(), "UPDATE=1 approves of:\n{different}");
}

#[test]
fn errors_of_the_command() {
    compare(&command::pages());
}

#[test]
fn errors_of_the_config_files() {
    compare(&config::pages());
}

#[test]
fn errors_of_delivery() {
    compare(&delivery::pages());
}

#[test]
fn errors_of_denied_roles() {
    compare(&denial::pages());
}

#[test]
fn errors_about_sockets() {
    compare(&listen::pages());
}

#[test]
fn errors_of_mfa_codes() {
    compare(&mfa::pages());
}

#[test]
fn errors_of_the_network() {
    compare(&network::pages());
}

#[test]
fn errors_of_the_source() {
    compare(&source::pages());
}

#[test]
fn errors_of_sts() {
    compare(&sts::pages());
}

#[test]
fn errors_of_web_identity_tokens() {
    compare(&token::pages());
}

#[test]
fn errors_of_usage() {
    compare(&usage::pages());
}

#[test]
fn errors_of_values() {
    compare(&values::pages());
}

#[test]
fn no_page_is_stale_and_none_is_missing() {
    let known: Vec<&str> = groups().iter().flatten().map(|page| page.name).collect();
    let files: BTreeSet<String> = fs::read_dir(directory())
        .expect("there are approved pages")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let expected: BTreeSet<String> = known.iter().map(|name| format!("{name}.txt")).collect();
    assert_eq!(expected.len(), known.len(), "two pages have one name");
    if updating() {
        for stale in files.difference(&expected) {
            fs::remove_file(directory().join(stale)).expect("the repository is writable");
        }
        return;
    }
    assert_eq!(files, expected);
}

#[test]
fn every_page_has_the_form_of_an_error() {
    for page in groups().iter().flatten() {
        if updating() {
            return;
        }
        let text = fs::read_to_string(page.approved()).expect(page.name);
        assert!(text.contains("\nxassume: error: "), "{}", page.name);
        assert!(text.contains("\nhint: "), "{} does not say what to do", page.name);
        // The hint of a failed refresh leaves out these words, because xassume itself tries again.
        let later = text.matches("try again later\n").count();
        assert_eq!(text.matches("try again").count(), later, "{}", page.name);
        for word in ["os error", "service error", "Some(", "None", "Error {", "Error("] {
            assert!(!text.contains(word), "{} says `{word}`", page.name);
        }
    }
}

/// The reason of each page in the log, in `reasons.txt`. The table in `docs/supervision.md` says what it means.
#[test]
fn every_page_has_its_reason_in_the_log() {
    let of_group = |pages: fn() -> Vec<Page>| pages().iter().map(|page| (page.name, page.reason())).collect::<Vec<_>>();
    let reasons: BTreeMap<&str, String> = thread::scope(|scope| {
        let groups = GROUPS.map(|pages| scope.spawn(move || of_group(pages)));
        groups.into_iter().flat_map(|group| group.join().expect("a group of pages")).collect()
    });
    let written: String = reasons.iter().flat_map(|(name, reason)| [name, " ", reason, "\n"]).collect();
    let approved = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/reasons.txt");
    if updating() {
        fs::write(&approved, &written).expect("the repository is writable");
    }
    let approved = fs::read_to_string(approved).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let different: Vec<_> = lines(&written).symmetric_difference(&lines(&approved)).cloned().collect();
    assert!(different.is_empty(), "UPDATE=1 approves of: {different:#?}");
}

#[test]
fn errors_are_colored_on_terminals_if_the_user_wants_it() {
    let red = format!("\x1b[1;31mxassume: error:\x1b[0m cannot assume {ROLE}");
    let xassume =
        user_without_sts().args(["-r", ROLE, "--sts-timeout", "100ms", "--", "true"]).env("TERM", "xterm-256color");
    let on_terminal = |xassume: &Xassume| Terminal::run(xassume).wait().exited(125).stdout_text();
    let shown = on_terminal(&xassume);
    assert!(shown.starts_with(&red) && shown.contains("\r\n\x1b[36mhint:\x1b[0m "), "{shown:?}");
    let shown = on_terminal(&xassume.clone().env("NO_COLOR", ""));
    assert!(shown.starts_with(&red), "an empty NO_COLOR is none: {shown:?}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb"), ("XASSUME_LOG_FORMAT", "json")] {
        let shown = on_terminal(&xassume.clone().env(name, value));
        assert!(!shown.contains('\x1b'), "{name}={value}: {shown:?}");
    }
    assert!(!xassume.run().exited(125).stderr.contains('\x1b'), "on a pipe");
    let usage = on_terminal(&user_without_sts().arg("--no-such-flag").env("TERM", "xterm"));
    assert!(usage.starts_with("\x1b[1;31mxassume: error:\x1b[0m unexpected argument"), "{usage:?}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let shown = user_without_sts().args(["-r", "\x1b[2Jarn:aws\x07", "--", "true"]).run().exited(125).stderr;
    assert!(!shown.contains(['\x1b', '\x07']), "{shown:?}");
}

#[test]
fn a_broken_stderr_is_not_an_error() {
    let sts = FakeSts::start();
    let script = format!("exec 2>&-; {} -v -r {ROLE} -- sh -c 'exit 7'; exit $?", crate::support::binary().display());
    Xassume::new(&sts).program("/bin/sh").args(["-c", &script]).run().exited(7);
}

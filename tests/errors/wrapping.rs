//! Messages on terminals of several widths, and in a pipe.

use super::page::ROLE;
use crate::support::{FakeSts, Finished, RoleRules, Terminal, Xassume, on_one_line};

const WIDTHS: [u16; 3] = [40, 80, 200];
/// The longest beginning of a line of `--check`: `warning      environment`.
const STEP: usize = 24;

/// A role that is denied: a long message, and a hint with policy statements.
fn denied() -> (FakeSts, Xassume) {
    let sts = FakeSts::builder().role(ROLE, RoleRules { allowed: false, ..RoleRules::default() }).start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE]);
    (sts, xassume)
}

/// The text on a terminal of this width. Each line fits or cannot be broken.
fn on_terminal(xassume: &Xassume, columns: u16, exited: impl FnOnce(Finished) -> Finished) -> String {
    let shown = exited(Terminal::of_columns(xassume, columns).wait()).stdout_text().replace('\r', "");
    for line in shown.lines() {
        // A long word has its own line, except after the name of a step and `hint:`.
        let before = line.rsplit_once(' ').map_or("", |(before, _)| before.trim());
        let is_whole = before.len() <= STEP || line.trim_start().starts_with('{');
        assert!(line.chars().count() <= columns.into() || is_whole, "{columns}: {line}");
    }
    shown
}

#[test]
fn an_error_wraps_at_the_width_of_the_terminal_and_a_policy_statement_stays_whole() {
    let (_sts, xassume) = denied();
    let xassume = xassume.args(["--", "true"]);
    let piped = xassume.run().exited(125).stderr;
    let statements: Vec<&str> = piped.lines().map(str::trim).filter(|line| line.starts_with('{')).collect();
    assert_eq!(statements.len(), 2, "{piped}");
    for columns in WIDTHS {
        let shown = on_terminal(&xassume, columns, |finished| finished.exited(125));
        assert_eq!(on_one_line(&shown), on_one_line(&piped), "the words are the same");
        for statement in &statements {
            assert!(shown.lines().any(|line| line.trim() == *statement), "{columns}: {shown}");
        }
        assert!(shown.lines().skip(1).all(|line| line.starts_with("  ") || line.starts_with("hint: ")), "{shown}");
    }
    let narrow = on_terminal(&xassume, 40, |finished| finished.exited(125));
    assert!(narrow.lines().count() > piped.lines().count(), "{narrow}");
}

#[test]
fn a_warning_wraps_too() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--print", "env"]);
    for columns in WIDTHS {
        let shown = Terminal::of_columns(&xassume, columns).wait().exited(0).stdout_text();
        let warning = "xassume: warning: standard output is a terminal, which";
        assert_eq!(shown.starts_with(warning), columns > 40, "{shown}");
    }
}

#[test]
fn the_page_of_a_check_wraps_at_the_width_of_the_terminal() {
    let (_sts, xassume) = denied();
    let xassume = xassume.arg("--check");
    let piped = xassume.run().exited(125).stdout_text();
    for columns in WIDTHS {
        let shown = on_terminal(&xassume, columns, |finished| finished.exited(125));
        assert_eq!(on_one_line(&shown), on_one_line(&piped), "the words are the same");
    }
}

#[test]
fn a_pipe_gets_whole_lines() {
    let (_sts, xassume) = denied();
    let error = xassume.args(["--", "true"]).run().exited(125).stderr;
    let first = error.lines().next().expect("a line");
    assert!(first.starts_with("xassume: error: cannot assume ") && first.ends_with(ROLE), "{first}");
}

//! `--completions`: it prints the script of a shell.

use crate::documents::read;
use crate::support::Xassume;
use xassume::cli::all_flags;

#[track_caller]
fn printed(xassume: &Xassume, shell: &str) -> String {
    let finished = xassume.clone().args(["--completions", shell]).run().exited(0);
    assert_eq!(finished.stderr, "", "{shell}");
    finished.stdout_text()
}

#[test]
fn each_completion_script_is_printed() {
    let shells = all_flags().find(|flag| flag.long == "completions").expect("the flag").values;
    let files = ["xassume.bash", "_xassume", "xassume.fish", "xassume.elv", "_xassume.ps1"];
    assert_eq!(shells.len(), files.len());
    for ((shell, _), file) in shells.iter().zip(files) {
        let script = printed(&Xassume::without_sts(), shell);
        assert_eq!(script, read(&format!("completions/{file}")), "after UPDATE=1, build once more: {shell}");
    }
    // A shell that starts must not get an error because of variables that conflict, or an invalid one.
    let conflicting = Xassume::without_sts().env("XASSUME_VIA", "endpoint").env("XASSUME_ON_EXPIRY", "restart");
    let invalid = conflicting.env("XASSUME_DURATION", "nonsense").env("XASSUME_PROFILE", "none");
    assert_eq!(printed(&invalid, "zsh"), read("completions/_xassume"));
}

#[test]
fn the_completions_exclude_a_command_and_other_modes() {
    for (args, message) in [
        (&["--completions", "bash", "--", "true"][..], "--completions does not run a command"),
        (&["--completions", "bash", "--check"], "--check cannot be used with --completions"),
        (&["--completions", "bash", "--clear-cache"], "--completions cannot be used with --clear-cache"),
        (&["--completions", "bash", "--print", "env"], "--completions cannot be used with --print"),
        (&["--completions", ""], "invalid value '' for '--completions': must not be empty"),
        (&["--completions", "tcsh"], "invalid value 'tcsh' for '--completions' [possible values: bash, zsh, fish, "),
    ] {
        let failed = Xassume::without_sts().args(args).run().exited(125);
        assert!(failed.stderr.starts_with(&format!("xassume: error: {message}")), "{}", failed.stderr);
        assert_eq!(failed.stdout_text(), "");
    }
    let variable = Xassume::without_sts().env("XASSUME_COMPLETIONS", "bash").run().exited(125);
    assert!(variable.stderr.starts_with("xassume runs "), "the flag has no variable: {}", variable.stderr);
}

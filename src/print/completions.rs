//! The completion scripts of shells (`--completions`). A test generates the files from the flags.

use crate::role::{Invalid, one_of};

/// Each shell with its script.
const SCRIPTS: &[(&str, &str)] = &[
    ("bash", include_str!("../../completions/xassume.bash")),
    ("zsh", include_str!("../../completions/_xassume")),
    ("fish", include_str!("../../completions/xassume.fish")),
    ("elvish", include_str!("../../completions/xassume.elv")),
    ("powershell", include_str!("../../completions/_xassume.ps1")),
];

/// Returns the script for the shell with this name.
///
/// # Errors
/// There is no script for this shell.
pub(crate) fn script(shell: &str) -> Result<&'static str, Invalid> {
    one_of(SCRIPTS, shell)
}

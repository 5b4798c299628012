//! The label of a session, for the prompts of shells.

use crate::error::deceives;
use crate::role::Hop;

/// The maximum number of characters of a label. The longest `ACCOUNT:ROLE-NAME` has 77.
const LONGEST: usize = 80;

/// Returns the text with only the characters that a label may have: letters, digits and `+=,.@_-:/`. Each other
/// character becomes `_`. The text is cut at 80 characters.
///
/// A shell writes the label into its prompt, and the name of a profile can contain any character. In a prompt, bash
/// expands `$(…)`, `` `…` ``, `\` and `!`. zsh expands `%` and `!`, and with `PROMPT_SUBST` also `$(…)`.
pub(crate) fn label(text: &str) -> String {
    let is_harmless = |c: char| c.is_alphanumeric() && !deceives(c) || "+=,.@_-:/".contains(c);
    text.chars().take(LONGEST).map(|c| if is_harmless(c) { c } else { '_' }).collect()
}

/// Returns the label of a session of `last`, or of the profile with this name if `last` is `None`.
pub(super) fn label_of(last: Option<&Hop>, profile: &str) -> String {
    match last {
        Some(Hop { role, .. }) => label(&format!("{}:{}", role.account(), role.name())),
        None => label(profile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_character_that_a_prompt_expands() {
        for (text, expected) in [
            ("production", "production"),
            ("521111111144:Deploy+=,.@_-Master", "521111111144:Deploy+=,.@_-Master"),
            ("team/prod eu", "team/prod_eu"),
            ("a$(touch x)`y`", "a__touch_x__y_"),
            (r"\w\u\033[31m", "_w_u_033_31m"),
            ("%F{red}!$HOME~#", "_F_red___HOME__"),
            ("a\u{1b}[2Jb\nc\u{202e}d\u{3164}e", "a__2Jb_c_d_e"),
            ("größe日本", "größe日本"),
            ("", ""),
        ] {
            assert_eq!(label(text), expected, "{text:?}");
        }
        assert_eq!(label(&"ü".repeat(999)), "ü".repeat(80));
    }
}

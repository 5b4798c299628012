//! Makes text from services and files safe to show, because such text may be malicious.

use crate::claims::contain_token;
use serde_json::Value;
use std::fmt::Write as _;

/// The end of a hint if the same run may succeed later.
pub(super) const TRY_LATER: &str = "try again later";

/// The end of a hint about a duration that AWS does not allow.
pub(super) const LONGER_COMMAND: &str = "for a longer command use --via endpoint or --on-expiry restart";

/// The hint if a limit of the operating system has been reached.
pub(crate) const CHECK_LIMITS: &str =
    "check `ulimit -a` and the limits of the container or unit: processes, memory, open files";

/// Returns at most the first 80 characters of the value, on one line, as errors show them.
pub(crate) fn shortened(value: &str) -> String {
    one_line(value, 80)
}

/// Returns the value in quotes, shortened to 80 characters. A value that contains a token is not shown.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", if contain_token(value.as_bytes()) { "(a token)".into() } else { shortened(value) })
}

/// Returns the text on one line. Each character for which [`deceives`] is true becomes a space. A text of more than
/// `most` characters is cut and ends with `…`.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut rest = text.chars().map(|c| if deceives(c) { ' ' } else { c });
    let mut line: String = rest.by_ref().take(most).collect();
    if rest.next().is_some() {
        line.push('…');
    }
    line
}

/// Checks whether a character can make a terminal show a different text. This is true of control characters and of
/// characters that change the writing direction, break the line, or are invisible (Unicode's `Bidi_Control`,
/// `Default_Ignorable_Code_Point`, `Zl` and `Zp`).
pub(crate) fn deceives(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    unseen || c.is_control()
}

/// Returns the value as JSON. Characters for which [`deceives`] is true are escaped, because `serde_json` escapes only
/// the control characters of ASCII.
pub(crate) fn plain_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if deceives(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Returns the number with its noun, which is in the plural unless the number is 1.
pub(crate) fn counted(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Returns the operating system's text for the error, without the error number that Rust appends.
pub(crate) fn reason_of(error: &std::io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

/// Returns the text without the error number that Rust appends.
pub(crate) fn without_number(text: &str) -> &str {
    text.split(" (os error ").next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(shortened(&"ü".repeat(81)), format!("{}…", "ü".repeat(80)));
        assert_eq!(shortened("a\nb"), "a b");
    }

    #[test]
    fn a_token_is_not_quoted() {
        assert_eq!(quoted("eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.c2ln"), "'(a token)'");
        assert_eq!(quoted("eyJhbGciOiJub25lIn0"), "'eyJhbGciOiJub25lIn0'");
    }

    #[test]
    fn characters_that_reorder_or_hide_text_are_shown_as_spaces() {
        let named = ['\u{200b}', '\u{feff}'].into_iter().chain('\u{2028}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
        let siblings = ['\u{61c}', '\u{ad}', '\u{e0041}']
            .into_iter()
            .chain('\u{200c}'..='\u{200f}')
            .chain('\u{2060}'..='\u{2064}');
        for c in named.chain(siblings).chain(['\u{1b}', '\u{7f}', '\u{9b}']) {
            assert_eq!(one_line(&format!("a{c}b"), 9), "a b", "{c:?}");
            let json = plain_json(&Value::String(format!("a{c}b")));
            assert!(
                json.is_ascii() && serde_json::from_str::<String>(&json).is_ok_and(|text| text.contains(c)),
                "{json}"
            );
        }
        assert_eq!(one_line("naïve ﬂü 日本 مرحبا", 99), "naïve ﬂü 日本 مرحبا");
        assert_eq!(plain_json(&Value::String("日本\n".into())), "\"日本\\n\"");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([0_u32, 1, 2].map(|number| counted(number, "time")), ["0 times", "1 time", "2 times"]);
    }

    #[test]
    fn error_numbers_of_the_system_are_not_shown() {
        assert_eq!(reason_of(&std::io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(reason_of(&std::io::Error::other("no")), "no");
    }
}

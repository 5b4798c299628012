//! The flags about messages on a command line that cannot be parsed. They decide how the error is shown.

use crate::flags::{Flag, Kind, LOG_FORMAT, TAG, all_flags};
use crate::log_options::{LogFormat, LogOptions};
use crate::vars::Vars;
use std::borrow::Cow;
use std::ffi::OsString;

/// Returns the options for an error that is found before [`log_options`](super::log_options) has returned. An invalid
/// log format counts as text.
pub(crate) fn log_options_of_unparsed(arguments: &[OsString], vars: &Vars) -> LogOptions {
    let usual = LogOptions::usual(vars);
    let variable = || LOG_FORMAT.variable().and_then(|name| vars.text(&name));
    let format = typed_format(arguments).or_else(|| variable().and_then(valid)).unwrap_or(usual.format);
    LogOptions { format, ..usual }
}

fn valid(value: &str) -> Option<LogFormat> {
    match value {
        "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        _ => None,
    }
}

/// Returns the last valid value of `--log-format`. Ignores the command, its arguments and the values of other flags.
/// The word after an unknown flag may be its value or the command. So a later `text` does not count: a program that reads
/// JSON could not read the error.
fn typed_format(arguments: &[OsString]) -> Option<LogFormat> {
    let mut words = arguments.iter().skip(1).map(|word| word.to_string_lossy()).peekable();
    let (mut format, mut may_be_in_command) = (None, false);
    while let Some(word) = words.next_if(|word| word.len() > 1 && word.starts_with('-') && word != "--") {
        let (flag, attached) = match word.strip_prefix("--") {
            Some(long) => {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                (all_flags().find(|flag| flag.long == name), value)
            }
            None => last_of(&word),
        };
        let takes_value = flag.is_none_or(|flag| matches!(flag.kind, Kind::One | Kind::Many));
        // A flag that is not known may have a value, too.
        let follows = |next: &Cow<'_, str>| next == "-" || !next.starts_with('-') || flag == Some(&TAG);
        let value = match attached {
            Some(value) => Some(Cow::Owned(value.to_owned())),
            None if takes_value => words.next_if(follows),
            None => None,
        };
        may_be_in_command |= flag.is_none() && attached.is_none() && value.is_some();
        if flag == Some(&LOG_FORMAT)
            && let Some(valid) = value.as_deref().and_then(valid)
            && (valid == LogFormat::Json || !may_be_in_command)
        {
            format = Some(valid);
        }
    }
    format
}

/// Returns the last flag in a word of short flags, such as `-vr`, and its value if the word contains one (`-vrARN`).
fn last_of(word: &str) -> (Option<&'static Flag>, Option<&str>) {
    let mut flag = None;
    for (at, letter) in word.char_indices().skip(1) {
        flag = all_flags().find(|flag| flag.short == Some(letter));
        if flag.is_some_and(|flag| matches!(flag.kind, Kind::One | Kind::Many)) {
            let value = &word[at + letter.len_utf8()..];
            return (flag, Some(value).filter(|value| !value.is_empty()));
        }
    }
    (flag, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_found_among_mistakes_but_not_in_the_command() {
        for (line, found) in [
            ("--log-format json --nonsense", Some("json")),
            ("--nonsense --log-format=json", Some("json")),
            ("--nonsense value --log-format json -- true", Some("json")),
            ("--log-format text -p dev --log-format json", Some("json")),
            ("--log-format json --log-format xml", Some("json")),
            ("--log-format xml", None),
            ("--chek tool --log-format json", Some("json")),
            ("--chek tool --log-format text", None),
            ("--log-format json --chek tool --log-format text", Some("json")),
            ("--chek=tool --log-format text", Some("text")),
            ("-vr 1:A -p=x --log-format json", Some("json")),
            ("-vrA --duration --log-format json", Some("json")),
            ("--tag --log-format json", None),
            ("--duration 1h --role-arn --log-format", None),
            ("--nonsense -- --log-format json", None),
            ("-p dev aws --log-format json", None),
            ("-- --log-format json", None),
            ("--external-id=--log-format json", None),
            ("-v - --log-format json", None),
            ("", None),
        ] {
            let arguments: Vec<OsString> =
                ["xassume"].into_iter().chain(line.split_whitespace()).map(Into::into).collect();
            assert_eq!(typed_format(&arguments), found.and_then(valid), "{line}");
        }
    }

    #[test]
    fn a_flag_takes_precedence_over_the_variable() {
        let format = |line: &str, value| {
            let arguments: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            log_options_of_unparsed(&arguments, &[("XASSUME_LOG_FORMAT", value)].into_iter().collect()).format
        };
        assert_eq!(format("xassume --nonsense", "json"), LogFormat::Json);
        assert_eq!(format("xassume --log-format text --nonsense", "json"), LogFormat::Text);
        assert_eq!(format("xassume --nonsense", "xml"), LogFormat::Text);
        assert_eq!(format("xassume --log-format xml -- true", "json"), LogFormat::Json);
        assert_eq!(format("xassume --chek tool --log-format text", "json"), LogFormat::Json);
    }
}

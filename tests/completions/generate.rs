//! Generates the completions of bash, zsh and fish from templates and the table of flags.
//!
//! `clap_complete` generates scripts that know only clap's kinds of values, and that take the arguments of the command
//! for xassume's own. The scripts here ask the program for profiles, roles and signals, and let the shell complete the
//! command and everything after it.

use clap::ValueHint;
use std::fmt::Write as _;
use xassume::cli::{Flag, Kind, all_flags};

/// How a value of a flag is completed.
enum Values {
    /// The flag has no value.
    None,
    /// Not at all.
    Unknown,
    /// With one of these words.
    Words(Vec<&'static str>),
    /// With the output of `xassume --list` for this word.
    Listed(&'static str),
    /// With the name of a variable.
    Variables,
    Files,
    Folders,
}

impl Values {
    fn of(flag: &Flag) -> Self {
        match (flag.long, flag.value, flag.hint) {
            _ if matches!(flag.kind, Kind::Switch | Kind::Count) => Self::None,
            ("profile" | "also", ..) => Self::Listed("profiles"),
            ("role-arn", ..) => Self::Listed("roles"),
            (_, "SIGNAL", _) => Self::Listed("signals"),
            ("keep-env", ..) => Self::Variables,
            (_, _, ValueHint::FilePath) => Self::Files,
            (_, _, ValueHint::DirPath) => Self::Folders,
            _ if flag.values.is_empty() => Self::Unknown,
            _ => Self::Words(flag.values.iter().map(|(word, _)| *word).collect()),
        }
    }
}

/// A flag: its names, its values, its help, and whether it can be repeated.
struct Row {
    long: &'static str,
    short: Option<char>,
    values: Values,
    /// The placeholder of the value.
    name: &'static str,
    help: String,
    repeatable: bool,
}

/// Every flag, including the two that clap adds.
fn rows() -> Vec<Row> {
    let help = |flag: &Flag| {
        let first = flag.help.lines().next().unwrap_or_default();
        if flag.default.is_empty() { first.to_owned() } else { format!("{first} [default: {}]", flag.default) }
    };
    let mut rows: Vec<_> = all_flags()
        .map(|flag| Row {
            long: flag.long,
            short: flag.short,
            values: Values::of(flag),
            name: flag.value,
            help: help(flag),
            repeatable: matches!(flag.kind, Kind::Many | Kind::Count),
        })
        .collect();
    for (long, short, help) in [("help", 'h', "Print help"), ("version", 'V', "Print version")] {
        let help = help.to_owned();
        rows.push(Row { long, short: Some(short), values: Values::None, name: "", help, repeatable: false });
    }
    rows
}

fn longs(rows: &[Row], wanted: impl Fn(&Row) -> bool) -> String {
    let chosen = rows.iter().filter(|row| wanted(row));
    chosen.map(|row| format!("--{}", row.long)).collect::<Vec<_>>().join(" ")
}

pub(super) fn bash() -> String {
    let rows = rows();
    let mut values = String::new();
    for row in &rows {
        let action = match &row.values {
            Values::None | Values::Unknown => continue,
            Values::Words(words) => format!("_xassume_offer \"$2\" <<<$'{}'", words.join("\\n")),
            Values::Listed(kind) => {
                format!("_xassume_offer \"$2\" < <(\"$program\" --list {kind} 2>/dev/null)")
            }
            Values::Variables => "_xassume_offer \"$2\" < <(compgen -e)".to_owned(),
            // What bash itself does without candidates.
            Values::Files => "compopt -o default -o bashdefault 2>/dev/null".to_owned(),
            Values::Folders => "compopt -o dirnames 2>/dev/null".to_owned(),
        };
        let _ = writeln!(values, "        --{})\n            {action}\n            ;;", row.long);
    }
    let letters = rows.iter().filter_map(|row| row.short.map(|short| format!("[{short}]=--{}", row.long)));
    include_str!("templates/xassume.bash")
        .replace("@VALUES@\n", &values)
        .replace("@FLAGS@", &longs(&rows, |_| true))
        .replace("@VALUED@", &longs(&rows, |row| !matches!(row.values, Values::None)))
        .replace("@REPEATABLE@", &longs(&rows, |row| row.repeatable))
        .replace("@LONG@", &letters.collect::<Vec<_>>().join(" "))
}

pub(super) fn zsh() -> String {
    let mut flags = String::new();
    for row in &rows() {
        let action = match &row.values {
            Values::None => None,
            Values::Listed("profiles") => Some(" _xassume_profiles".to_owned()),
            Values::Unknown => Some(" ".to_owned()),
            Values::Words(words) => Some(format!("({})", words.join(" "))),
            Values::Listed(kind) => Some(format!(" _xassume_list {kind}")),
            Values::Variables => Some("_parameters -g \"*export*\"".to_owned()),
            Values::Files => Some("_files".to_owned()),
            Values::Folders => Some("_directories".to_owned()),
        };
        let (letter, sign) = if action.is_some() { ("+", "=") } else { ("", "") };
        // The text above the candidates. There is none if the candidates are fixed words.
        let name = if matches!(row.values, Values::Words(_)) { row.long } else { row.name };
        let value = action.map(|action| format!(":{}:{action}", escaped(&name.to_lowercase(), ":", '\\')));
        let spec = format!("[{}]{}", escaped(&row.help, "[]:\\", '\\'), value.unwrap_or_default());
        let spec = single_quoted(&spec);
        // A flag excludes itself. The short and the long form of a flag exclude each other, and flags that replace a
        // run exclude all others.
        let again = match row.short {
            _ if row.repeatable => "'*'".to_owned(),
            _ if matches!(row.long, "help" | "version") => "'(-)'".to_owned(),
            Some(short) => format!("'(-{short} --{})'", row.long),
            None => String::new(),
        };
        let _ = match row.short {
            Some(short) => writeln!(flags, "    {again}{{-{short}{letter},--{}{sign}}}{spec}", row.long),
            None => writeln!(flags, "    {again}--{}{sign}{spec}", row.long),
        };
    }
    include_str!("templates/_xassume").replace("@FLAGS@\n", &flags)
}

pub(super) fn fish() -> String {
    let rows = rows();
    let mut flags = String::new();
    let mut known = Vec::new();
    for row in &rows {
        let value = match &row.values {
            Values::None => String::new(),
            Values::Unknown => " -x".to_owned(),
            Values::Words(words) => format!(" -x -a '{}'", words.join(" ")),
            Values::Listed("profiles") => " -x -a '(__fish_xassume_list described-profiles)'".to_owned(),
            Values::Listed(kind) => format!(" -x -a '(__fish_xassume_list {kind})'"),
            Values::Variables => " -x -a '(set -nx)'".to_owned(),
            Values::Files => " -r -F".to_owned(),
            Values::Folders => " -x -a '(__fish_complete_directories (commandline -ct))'".to_owned(),
        };
        let short = row.short.map(|short| format!(" -s {short}")).unwrap_or_default();
        let condition = match row.short {
            _ if row.repeatable => "not __fish_xassume_command >/dev/null".to_owned(),
            Some(short) => format!("__fish_xassume_wants {} {short}", row.long),
            None => format!("__fish_xassume_wants {}", row.long),
        };
        let help = single_quoted(&row.help);
        let _ = writeln!(flags, "complete -c xassume -n '{condition}'{short} -l {}{value} -d {help}", row.long);
        let takes = if matches!(row.values, Values::None) { "" } else { "=" };
        known.push(row.short.map_or_else(String::new, |short| format!("{short}/")) + row.long + takes);
    }
    include_str!("templates/xassume.fish").replace("@FLAGS@\n", &flags).replace("@ARGPARSE@", &known.join(" "))
}

/// The text in single quotes. All three shells read it correctly if it does not end with a backslash.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn escaped(text: &str, special: &str, escape: char) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some(escape).into_iter().chain([c])).collect()
}

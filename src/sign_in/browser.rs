//! Opens a page in the user's browser, as `xdg-open` and the AWS CLI do: with the commands in `BROWSER`, or else with
//! `xdg-open` if there is a graphical session.

use crate::deliver::environment::is_removed_by_default;
use crate::sys::helper::{Attendance, ProgramLimit, run_shell};
use crate::vars::{Vars, c_strings};
use std::ffi::OsStr;

/// The maximum number of bytes that the shell may print. It prints nothing, because it only starts the browser and exits.
const MAX_OUTPUT: usize = 64;

/// Opens a URL in a browser if one is configured. The browser runs in a new session, which has no terminal, and is not a
/// child of xassume. It gets the inherited environment without the variables that contain or select credentials. It is not
/// an error if the browser does not start, because the terminal shows the URL too.
pub(super) async fn open(url: &str, vars: &Vars) {
    let Some(line) = command_line(url, vars) else { return };
    let kept = vars.iter().filter(|(name, _)| !is_removed_by_default(name));
    let environment = c_strings(kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let _ = run_shell(&line, &environment, Attendance::Detached, ProgramLimit::OWN, MAX_OUTPUT).await;
}

/// Returns a shell command that opens a URL. `BROWSER` contains commands, separated by colons, which are tried in this
/// order. `%s` in a command is the URL; without it, the URL is the last argument. Returns `None` if no browser is
/// configured.
fn command_line(url: &str, vars: &Vars) -> Option<String> {
    let is_set = |name| vars.get(name).is_some_and(|value: &OsStr| !value.is_empty());
    let commands = match vars.text("BROWSER") {
        Some(commands) => commands,
        None if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => "xdg-open",
        None => return None,
    };
    let command = |command: &str| {
        let mut words: Vec<String> = command.split_whitespace().map(|word| word.replace("%s", url)).collect();
        if !command.contains("%s") && !words.is_empty() {
            words.push(url.to_owned());
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    };
    let commands: Vec<String> = commands.split(':').map(command).filter(|command| !command.is_empty()).collect();
    (!commands.is_empty()).then(|| format!("{{ {}; }} >/dev/null 2>&1 &", commands.join(" || ")))
}

/// Quotes a word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_the_user_get_the_url_as_one_word() {
        let line = |vars: &[(&str, &str)]| command_line("https://x/?a=b&c='$(d)", &vars.iter().copied().collect());
        let url = r"'https://x/?a=b&c='\''$(d)'";
        let run = |commands: &str| Some(format!("{{ {commands}; }} >/dev/null 2>&1 &"));
        assert_eq!(line(&[]), None);
        assert_eq!(line(&[("BROWSER", ""), ("DISPLAY", "")]), None);
        assert_eq!(line(&[("DISPLAY", ":0")]), run(&format!("'xdg-open' {url}")));
        assert_eq!(line(&[("WAYLAND_DISPLAY", "wayland-0")]), run(&format!("'xdg-open' {url}")));
        assert_eq!(line(&[("BROWSER", "firefox -P x"), ("DISPLAY", ":0")]), run(&format!("'firefox' '-P' 'x' {url}")));
        assert_eq!(
            line(&[("BROWSER", "a --url=%s -x::b;")]),
            run(&format!("'a' '--url={} '-x' || 'b;' {url}", &url[1..]))
        );
        assert_eq!(line(&[("BROWSER", " : ")]), None);
    }
}

//! `-h` and `--help`, and the overview that `xassume` alone prints.

use super::list::{names, role_of};
use crate::cli::{self, Form};
use crate::error::{Error, one_line};
use crate::files;
use crate::flags::USAGE;
use crate::profile::ProfileSet;
use crate::report::{output, writer};
use crate::terminal::Screen;
use crate::vars::Vars;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// The maximum number of profiles that the overview shows.
const MOST_PROFILES: usize = 7;
/// The maximum width of a line of the overview, in columns.
const WIDTH: usize = 80;

/// Prints a form of the help to standard output.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn print(form: Form, vars: &Vars) -> Result<(), Error> {
    let screen = if std::io::stdout().is_terminal() { Screen::of(vars) } else { Screen::Dumb };
    output::print_until_closed(cli::text(form, screen).as_bytes())
}

/// Prints the overview to standard error: what xassume is, how it is used, and the user's profiles with a role. If the
/// config files cannot be read, the overview has no profiles.
pub(crate) fn overview(vars: &Vars) {
    let profiles = files::profiles(vars).unwrap_or_default();
    writer::write(text(&profiles).as_bytes());
}

fn text(profiles: &ProfileSet) -> String {
    let roles = names(profiles).filter_map(|name| Some((name, role_of(profiles, name)?)));
    let roles: Vec<(&str, String)> = roles.collect();
    let mut list = String::new();
    if !roles.is_empty() {
        list.push_str("\nYour profiles with a role:\n");
    }
    let few = &roles[..roles.len().min(MOST_PROFILES)];
    let longest = few.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default().min(WIDTH / 2);
    for (name, role) in few {
        let line = one_line(&format!("  {name:longest$}  {role}"), WIDTH - 1);
        let _ = writeln!(list, "{line}");
    }
    if roles.len() > few.len() {
        let _ = writeln!(list, "  … and {} more", roles.len() - few.len());
    }
    format!(
        "\
xassume runs a command with the temporary credentials of an AWS IAM role.

Usage: {USAGE}

Examples:
  xassume -p production -- aws s3 ls                 a command, with a profile
  xassume -r 521111111144:DeployMaster -- ./deploy   the same with a role
  xassume -p production -- $SHELL                    a shell
  xassume --via endpoint -p production -- ./server   always fresh credentials
  xassume --check -p production                      why does it not work?
{list}
Read on: xassume -h (short), xassume --help (everything), man xassume
"
    )
}

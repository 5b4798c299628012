//! The state that lasts for a whole run. A refresh keeps this state, but reads the config files again.

use crate::cache::Key;
use crate::deliver::environment::is_of_removed_flag;
use crate::error::Error;
use crate::files::ConfigFiles;
use crate::mfa::{Codes, LastMfaSession, mode};
use crate::profile::{Plan, Source, TokenSource, exported_settings};
use crate::report::{Progress, Report};
use crate::settings::Settings;
use crate::sys::helper::ProgramLimit;
use crate::vars::{Vars, c_strings, describes_sockets};
use std::ffi::{CString, OsStr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The maximum number of xassume processes that run one inside the other. If there are more, a `credential_process`
/// probably calls itself.
const MAX_DEPTH: u32 = 8;

/// The environment variable with the cache keys that are locked while a helper program runs. If the program starts
/// xassume to get the session of one of these keys, that xassume fails. Without this check, both would wait for each
/// other until a time limit.
pub(super) const HELD: &str = "XASSUME_HELD";

/// The settings of a run and its state.
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) vars: &'a Vars,
    pub(crate) report: Report,
    /// The number of xassume processes inside which the command runs. This process is one of them.
    pub(crate) depth: u32,
    pub(crate) codes: Codes,
    pub(crate) mfa_sessions: LastMfaSession,
    /// Whether the user has been warned that the cache cannot be used.
    pub(crate) cache_warned: AtomicBool,
    /// The progress line, which is shown while the user waits for the first session. Once the command runs, the command
    /// uses the terminal.
    pub(crate) progress: Progress,
}

/// The shared config files and the plan that follows from them. A refresh reads the files again.
pub(crate) struct Planned {
    /// The sessions of `--also` share those of the default session.
    pub(crate) files: Arc<ConfigFiles>,
    pub(crate) plan: Plan,
}

impl Planned {
    /// Returns the settings of the selected profile, except credentials, as names and values of environment variables.
    /// Returns an empty list if no profile is selected.
    pub(super) fn profile_settings(&self) -> Vec<(String, String)> {
        let used = self.plan.profile.as_deref();
        used.map(|name| exported_settings(&self.files.profiles, name)).unwrap_or_default()
    }

    /// Returns the selected profile and the profiles that it includes. Returns an empty list if no profile is selected.
    pub(super) fn used_profiles(&self) -> Vec<String> {
        let included = |name: &String| self.files.profiles.includes(name).unwrap_or_default();
        self.plan.profile.iter().flat_map(|name| [vec![name.clone()], included(name)].concat()).collect()
    }
}

impl<'a> Context<'a> {
    /// Creates the context of a run with this plan.
    ///
    /// # Errors
    /// Fails if xassume is nested too deeply, if an MFA code is given but the plan has no MFA device, or if the code is
    /// to be read from standard input and there is none.
    pub(super) fn new(settings: &'a Settings, vars: &'a Vars, report: Report, plan: &Plan) -> Result<Self, Error> {
        let depth = depth(vars)?;
        let (device, source) = (mode::device(plan).map(|(_, serial)| serial), mode::code_source(plan, &settings.mfa));
        let codes = Codes::new(&source, device, helper_environment(vars, depth, None))?;
        let (mfa_sessions, cache_warned, progress) =
            (LastMfaSession::default(), AtomicBool::default(), report.progress());
        Ok(Self { settings, vars, report, depth, codes, mfa_sessions, cache_warned, progress })
    }

    /// Returns how long the helper programs may run to get a session for this plan, in addition to the time of
    /// `--sts-timeout`. Returns zero if the user has set `--sts-timeout`, because it then includes the programs.
    pub(super) fn program_time(&self, plan: &Plan) -> Duration {
        if self.settings.sts.timeout_by.is_some() {
            return Duration::ZERO;
        }
        let of_source = match &plan.source {
            Source::Process { .. } => ProgramLimit::OWN.left,
            Source::WebIdentity { token: TokenSource::Command(_), .. } => ProgramLimit::ALL_RUNS.left,
            _ => Duration::ZERO,
        };
        let gives_code = self.codes.are_from_a_program() && mode::device(plan).is_some();
        of_source + ProgramLimit::OWN.left * u32::from(gives_code)
    }
}

/// Returns the number of xassume processes inside which the command runs. It is 1 if this xassume does not run inside
/// another one.
///
/// # Errors
/// xassume is nested too deeply.
pub(crate) fn depth(vars: &Vars) -> Result<u32, Error> {
    let outer = vars.text("XASSUME_DEPTH").and_then(|depth| depth.parse().ok()).unwrap_or(0_u32);
    if outer >= MAX_DEPTH {
        let reason = format!("xassume is nested too deeply ({outer} levels, XASSUME_DEPTH)");
        let hint = "does a credential_process or the command call xassume recursively?";
        return Err(Error::Cannot { what: "start", reason, hint: Some(hint) });
    }
    Ok(outer + 1)
}

/// Returns the environment of the helper programs, such as a `credential_process`, which xassume runs for itself. It is
/// the inherited environment, but with the same nesting depth as for the command, without the variables that describe
/// sockets, and without xassume's variables that the command does not get either. With these, an xassume that the program
/// starts would assume the same role again. `held` are the keys of the session that the program is run for, and of the
/// program.
pub(super) fn helper_environment<'a>(
    vars: &'a Vars,
    depth: u32,
    held: impl IntoIterator<Item = &'a Key>,
) -> Vec<CString> {
    let is_ours = |name: &OsStr| name == "XASSUME_DEPTH" || name == HELD || is_of_removed_flag(name);
    let others = vars.iter().filter(|(name, _)| !is_ours(name) && !describes_sockets(name));
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let outer = vars.text(HELD).into_iter();
    let held = outer.chain(held.into_iter().map(Key::as_str)).collect::<Vec<_>>().join(" ");
    let held = (!held.is_empty()).then(|| (HELD.into(), held.into()));
    c_strings(others.chain([("XASSUME_DEPTH".into(), depth.to_string().into())]).chain(held))
}

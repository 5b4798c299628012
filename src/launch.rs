//! What a run has worked out before there is a session, and what follows from it: calls to STS, the environment.

use crate::deliver::environment::{self, Delivery, Inputs, Mode};
use crate::error::Error;
use crate::files::{self, ConfigFiles};
use crate::profile::{Plan, exported_settings, plan};
use crate::report::Report;
use crate::session::{Session, Validity};
use crate::settings::{Settings, StsSettings};
use crate::sts::source::Helpers;
use crate::sts::{Network, Obtained, Sts, read_bundle};
use crate::supervise::happening::Happening;
use crate::vars::Vars;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt as _;
use tokio::runtime::{Builder, Runtime};

/// The most xassumes that may lie around one another; more are a `credential_process` that calls itself.
const MOST_DEPTH: u32 = 8;

/// One run, ready to ask STS.
pub(crate) struct Launch<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) vars: &'a Vars,
    pub(crate) report: Report,
    pub(crate) files: ConfigFiles,
    pub(crate) plan: Plan,
    network: Network,
    depth: u32,
}

impl<'a> Launch<'a> {
    /// Reads the config files, decides the plan, and checks whatever can be checked without a call.
    ///
    /// # Errors
    /// What is missing or wrong in the environment, the files or the flags.
    pub(crate) fn prepare(settings: &'a Settings, vars: &'a Vars, report: Report) -> Result<Self, Error> {
        let depth = depth(vars)?;
        let files = files::read(vars)?;
        let plan = plan(&settings.request, &files.profiles, vars)?;
        let network = network(&settings.sts, &plan)?;
        Ok(Self { settings, vars, report, files, plan, network, depth })
    }

    /// Obtains a session by the plan.
    ///
    /// # Errors
    /// The source's failure, STS's, or a session in another account than the expected one.
    pub(crate) async fn obtain(&self) -> Result<Obtained, Error> {
        self.obtain_by(&self.plan).await
    }

    /// Obtains a session with everything read anew: rotated keys, a new login, an edited profile.
    ///
    /// # Errors
    /// As for the first one; and what became wrong in the files since.
    pub(crate) async fn obtain_anew(&self) -> Result<Obtained, Error> {
        let files = files::read(self.vars)?;
        let plan = plan(&self.settings.request, &files.profiles, self.vars)?;
        self.obtain_by(&plan).await
    }

    async fn obtain_by(&self, plan: &Plan) -> Result<Obtained, Error> {
        let environment = self.helper_environment();
        let sts = Sts { plan, network: &self.network, helpers: Helpers { environment: &environment } };
        let obtained = sts.obtain().await?;
        self.settings.check_account(&obtained.session)?;
        Ok(obtained)
    }

    /// The command's environment, with this session delivered in this way.
    pub(crate) fn environment(&self, obtained: &Obtained, delivery: Delivery<'_>, mode: Mode) -> Vec<CString> {
        let used = self.plan.profile.as_deref();
        let exported = used.map(|name| exported_settings(&self.files.profiles, name)).unwrap_or_default();
        let region = self.plan.region.as_ref().map(|region| region.name.as_str());
        c_strings(environment::environment(&Inputs {
            inherited: self.vars,
            session: &obtained.session,
            region: region.or(obtained.instance_region.as_deref()),
            delivery,
            mode,
            depth: self.depth,
            profile_settings: &exported,
            keep: &self.settings.delivery.keep,
        }))
    }

    /// What programs that xassume runs for itself inherit: everything, with the depth counted on.
    fn helper_environment(&self) -> Vec<CString> {
        let others = self.vars.iter().filter(|(name, _)| *name != "XASSUME_DEPTH");
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        c_strings(others.chain([("XASSUME_DEPTH".into(), self.depth.to_string().into())]))
    }
}

/// What there is to tell of a first session.
pub(crate) fn assumed(session: &Session) -> Happening {
    let Validity { expiration, lifetime, .. } = session.validity;
    Happening::Assumed { role: session.assumed_role_arn.clone(), expiration, lifetime }
}

/// A runtime on this thread alone.
///
/// # Errors
/// When the system has no descriptors left.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::System { what: "start", reason: error.to_string() })
}

/// How deep the command will be nested.
fn depth(vars: &Vars) -> Result<u32, Error> {
    let outer = vars.text("XASSUME_DEPTH").and_then(|depth| depth.parse().ok()).unwrap_or(0_u32);
    if outer >= MOST_DEPTH {
        return Err(Error::usage(
            format!("xassume is nested {outer} deep (XASSUME_DEPTH)"),
            "does a credential_process, or the command itself, call xassume in a circle?",
        ));
    }
    Ok(outer + 1)
}

/// How STS is reached: flags before the plan's variables and profile.
fn network(flags: &StsSettings, plan: &Plan) -> Result<Network, Error> {
    let ca_bundle = match flags.ca_bundle.as_ref().or(plan.network.ca_bundle.as_ref()) {
        Some(path) => Some(read_bundle(path).map_err(|reason| Error::File {
            what: "the certificates in".into(),
            path: path.clone(),
            reason,
        })?),
        None => None,
    };
    Ok(Network {
        endpoint: flags.endpoint.clone().or_else(|| plan.network.endpoint_url.clone()),
        ca_bundle,
        fips: plan.network.fips,
        dualstack: plan.network.dualstack,
        timeout: flags.timeout,
    })
}

/// Variables as execve(2) takes them. None can hold a NUL byte: they come from such a list, or from text without one.
fn c_strings(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<CString> {
    let joined = variables.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name.into_vec()
    });
    joined.filter_map(|variable| CString::new(variable).ok()).collect()
}

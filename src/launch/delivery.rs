//! The delivery of a supervision: how sessions reach the command, and the files, the address or the socket for it.

use super::Launch;
use crate::deliver::Via;
use crate::deliver::config_copy;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::environment::{CommandCredentials, Recipient};
use crate::deliver::file;
use crate::deliver::process::CredentialProcess;
use crate::deliver::published::PublishedFile;
use crate::deliver::run_directory::RunDirectory;
use crate::deliver::token_file;
use crate::error::{Error, reason_of};
use crate::session::Session;
use crate::supervise::ports::{Deliver, Publishing};
use crate::sys::offload::{Life, Offload};
use crate::sys::program;
use std::ffi::CString;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// How sessions reach the command.
pub(crate) struct Delivery<'a, 'b> {
    launch: &'a Launch<'b>,
    offload: Offload,
    /// Before the directory, since fields are dropped in this order.
    method: Method,
    /// Has the command's copy of the config file; none if the command sees the user's own.
    directory: Option<RunDirectory>,
    /// The region of the instance, if the first session's source gave one.
    pub(crate) instance_region: Option<String>,
}

/// `--via`, once its file, address or socket exists.
enum Method {
    Env,
    File(PublishedFile),
    Endpoint(Endpoint),
    Process(CredentialProcess),
}

/// How long the end waits for files to be removed.
const REMOVAL_LIMIT: Duration = Duration::from_millis(500);

/// The name of the config file's copy in the run's directory.
const CONFIG: &str = "config";

impl<'a, 'b> Delivery<'a, 'b> {
    /// Within a runtime of tokio.
    ///
    /// # Errors
    /// A file, an address or a socket that cannot be created.
    pub(crate) fn open(launch: &'a Launch<'b>, offload: Offload) -> Result<Self, Error> {
        let directory = run_directory(launch)?;
        let method = match &directory {
            Some(directory) => Method::open(&launch.context.settings.delivery.via, directory)?,
            None => Method::Env,
        };
        Ok(Self { launch, offload, method, directory, instance_region: None })
    }

    /// Removes all files, in a process that is left behind if their file system does not answer.
    pub(crate) async fn remove(self) {
        let file = match &self.method {
            Method::File(file) => Some(file),
            Method::Endpoint(endpoint) => endpoint.token_file(),
            Method::Env | Method::Process(_) => None,
        };
        if file.is_none() && self.directory.is_none() {
            return;
        }
        let started = self.offload.start(Life::Free(file.and_then(PublishedFile::unread)), 1, |answer| {
            if let Some(file) = file {
                file.remove_at_last();
            }
            let removed = self.directory.as_ref().is_none_or(RunDirectory::remove);
            // A parent that is gone needs no answer.
            let _ = answer.write_all(if removed { b"." } else { b"" });
        });
        if let Ok(mut job) = started {
            match tokio::time::timeout(REMOVAL_LIMIT, job.answered()).await {
                // It ended early: the values that are dropped here remove the files.
                Ok(Ok(b"") | Err(_)) => return,
                Ok(Ok(_)) => {}
                // It continues.
                Err(_) => std::mem::forget(job),
            }
            std::mem::forget(self);
        }
    }
}

impl Method {
    /// Within a runtime of tokio.
    fn open(via: &Via, directory: &RunDirectory) -> Result<Self, Error> {
        Ok(match via {
            Via::Env => Self::Env,
            Via::File { path: Some(path), mode } => Self::File(PublishedFile::at(path, &file::KIND, *mode)?),
            Via::File { path: None, mode } => {
                Self::File(PublishedFile::new(directory.path().join("credentials"), *mode)?)
            }
            Via::Endpoint { token_file } => Self::Endpoint(Endpoint::open(directory, token_file.as_deref())?),
            Via::Process => Self::Process(CredentialProcess::open(directory, &own_file()?)?),
        })
    }
}

/// The path of xassume's own file.
fn own_file() -> Result<PathBuf, Error> {
    program::own().map_err(|error| Error::Missing {
        what: "find the executable of xassume",
        reason: reason_of(&error),
        hint: "/proc must be mounted",
    })
}

/// The run's directory with the command's copy of the config file; none if the command sees the user's own.
fn run_directory(launch: &Launch<'_>) -> Result<Option<RunDirectory>, Error> {
    let (vars, delivery) = (launch.context.vars, &launch.context.settings.delivery);
    let directory = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunDirectory::create(vars)?,
        Via::Process => RunDirectory::create_for_commands(vars)?,
    };
    let copy = config_copy::filter(&launch.planned.files.config_text, launch.planned.plan.profile.as_deref());
    directory.write(CONFIG, &copy)?;
    Ok(Some(directory))
}

/// Creates all that a launch creates before its first session, and removes it: directory, file, address or socket. In exec
/// mode a command's copy of the config file remains in its own directory; another one is created for the rehearsal.
/// Within a runtime of tokio.
///
/// # Errors
/// Those of a launch.
pub(crate) fn rehearse(launch: &Launch<'_>) -> Result<(), Error> {
    let Some(directory) = run_directory(launch)? else { return Ok(()) };
    match &launch.context.settings.delivery.via {
        Via::File { path: Some(path), mode } => PublishedFile::try_at(path, &file::KIND, *mode),
        Via::Endpoint { token_file: Some(path) } => {
            PublishedFile::try_at(path, &token_file::KIND, token_file::MODE)?;
            Endpoint::open(&directory, None).map(drop)
        }
        via => Method::open(via, &directory).map(drop),
    }
}

impl Deliver for Delivery<'_, '_> {
    fn environment(&self, session: &Session) -> Vec<CString> {
        let config_file = self.directory.as_ref().map(|directory| directory.path().join(CONFIG));
        let credentials = match (&self.method, config_file.as_deref()) {
            (Method::Env, Some(config_file)) => CommandCredentials::EnvIsolated { config_file },
            (Method::File(file), Some(config_file)) => {
                CommandCredentials::Files { credentials_file: file.path(), config_file }
            }
            (Method::Endpoint(endpoint), Some(config_file)) => endpoint.credentials(config_file),
            (Method::Process(process), Some(config_file)) => process.credentials(config_file),
            (_, None) => CommandCredentials::Env,
        };
        self.launch.environment(session, self.instance_region.as_deref(), credentials, Recipient::Supervise)
    }

    fn publish(&mut self, session: &Session) -> Option<Publishing> {
        match &self.method {
            Method::Env => None,
            Method::File(file) => Some(Box::pin(file.put(file::contents(&session.keys), &self.offload))),
            Method::Endpoint(endpoint) => {
                endpoint.put(session);
                Some(Box::pin(endpoint.publish_token(&self.offload)?))
            }
            Method::Process(process) => {
                process.put(session);
                None
            }
        }
    }
}

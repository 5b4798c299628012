//! The delivery of sessions to a supervised command, with the files, the address or the socket that it needs.

use super::Launch;
use super::removal::removed_in_child;
use crate::deliver::Via;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::environment::{CommandCredentials, Recipient};
use crate::deliver::file;
use crate::deliver::process::CredentialProcess;
use crate::deliver::published::PublishedFile;
use crate::deliver::run_directory::RunDirectory;
use crate::deliver::token_file;
use crate::error::Error;
use crate::session::Session;
use crate::supervise::ports::{Deliver, Publishing};
use crate::sys::offload::{Life, Offload};
use crate::sys::program;
use std::ffi::CString;
use std::path::PathBuf;

/// How sessions reach the command.
pub(crate) struct Delivery<'a, 'b> {
    launch: &'a Launch<'b>,
    offload: Offload,
    /// This field must be declared before `directory`, because fields are dropped in the order of their declaration.
    /// The files of the method must be removed before the directory that contains them.
    method: Method,
    /// The directory of this run, which contains the command's copy of the config file. `None` if the command uses the
    /// user's config file.
    directory: Option<RunDirectory>,
    /// The region of the EC2 instance, if the source of the first session returned one.
    pub(crate) instance_region: Option<String>,
}

/// The method that `--via` selects, with the file, address or socket that was created for it.
enum Method {
    Env,
    File(PublishedFile),
    Endpoint(Endpoint),
    Process(CredentialProcess),
}

/// The name of the command's copy of the config file in the run's directory.
const CONFIG: &str = "config";

impl<'a, 'b> Delivery<'a, 'b> {
    /// Creates the files, the address or the socket of the delivery. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// A file, an address or a socket cannot be created.
    pub(crate) fn open(launch: &'a Launch<'b>, offload: Offload) -> Result<Self, Error> {
        let directory = run_directory(launch)?;
        let method = match &directory {
            Some(directory) => Method::open(&launch.context.settings.delivery.via, directory)?,
            None => Method::Env,
        };
        Ok(Self { launch, offload, method, directory, instance_region: None })
    }

    /// Removes all files of the delivery. If the file system does not answer, xassume exits nevertheless.
    pub(crate) async fn remove(self) {
        let file = match &self.method {
            Method::File(file) => Some(file),
            Method::Endpoint(endpoint) => endpoint.token_file(),
            Method::Env | Method::Process(_) => None,
        };
        if file.is_none() && self.directory.is_none() {
            return;
        }
        let remove = || {
            if let Some(file) = file {
                file.remove_at_last();
            }
            self.directory.as_ref().is_none_or(RunDirectory::remove)
        };
        // Otherwise dropping `self` removes the rest.
        if removed_in_child(&self.offload, Life::Free(file.and_then(PublishedFile::unread)), remove).await {
            std::mem::forget(self);
        }
    }
}

impl Method {
    /// Creates the file, the address or the socket for the method that `--via` selects. Must be called within a Tokio
    /// runtime.
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

/// Returns the path of xassume's executable.
fn own_file() -> Result<PathBuf, Error> {
    program::own().map_err(|error| Error::cannot("find the executable of xassume", &error, "/proc must be mounted"))
}

/// Creates the directory of this run, with the command's copy of the config file. Returns `None` if the command uses
/// the user's config file.
fn run_directory(launch: &Launch<'_>) -> Result<Option<RunDirectory>, Error> {
    let (vars, delivery) = (launch.context.vars, &launch.context.settings.delivery);
    let directory = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunDirectory::create(vars)?,
        Via::Process => RunDirectory::create_for_commands(vars)?,
    };
    directory.write(CONFIG, &launch.planned.config_copy())?;
    Ok(Some(directory))
}

/// Creates everything that a launch creates before its first session (the directory, the file, the address or the
/// socket), and removes it again. `--check` uses this to find errors.
///
/// In exec mode, a launch would write the config file for the command to a directory that later runs share. This
/// function creates and removes another directory instead. Must be called within a Tokio runtime.
///
/// # Errors
/// The same errors as for a launch.
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
            (Method::File(file), Some(config_file)) => {
                CommandCredentials::Files { credentials_file: file.path(), config_file }
            }
            (Method::Endpoint(endpoint), Some(config_file)) => endpoint.credentials(config_file),
            (Method::Process(process), Some(config_file)) => process.credentials(config_file),
            (_, config_file) => CommandCredentials::Env { config_file },
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

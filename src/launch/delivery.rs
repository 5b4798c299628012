//! The delivery of sessions to a supervised command, with the files, the address or the socket that it needs.

mod rehearsal;

pub(crate) use rehearsal::rehearse;

use super::Launch;
use super::others::{Regions, region_variable};
use super::removal::removed_in_child;
use crate::deliver::Via;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::env_file::{self, Place};
use crate::deliver::environment::{CommandCredentials, Recipient};
use crate::deliver::file;
use crate::deliver::process::CredentialProcess;
use crate::deliver::published::PublishedFile;
use crate::deliver::run_directory::RunDirectory;
use crate::error::Error;
use crate::event::Problem;
use crate::session::{Secret, Session};
use crate::settings::Mode;
use crate::supervise::ports::{Deliver, Publishing, SessionId};
use crate::sys::offload::{Life, Offload};
use crate::sys::program;
use std::ffi::CString;
use std::path::{Path, PathBuf};

/// How sessions reach the command.
pub(crate) struct Delivery<'a, 'b> {
    launch: &'a Launch<'b>,
    offload: Offload,
    /// This field must be declared before `directory`, because fields are dropped in the order of their declaration.
    /// The files of the method must be removed before the directory that contains them.
    method: Method,
    /// The file of `--env-file`. Like the previous field, it must be declared before `directory`.
    env_file: Option<PublishedFile>,
    /// The directory of this run, which contains the command's copy of the config file. `None` if the command uses the
    /// user's config file.
    directory: Option<RunDirectory>,
    /// The regions of the sessions.
    regions: Regions,
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
        let settings = &launch.context.settings.delivery;
        let directory = run_directory(launch)?;
        let method = Method::open(launch, directory.as_ref())?;
        let env_file = settings.env_file.as_deref();
        let env_file = env_file.map(|path| PublishedFile::at(path, &env_file::KIND, env_file::MODE)).transpose()?;
        let delivery = Self { launch, offload, method, env_file, directory, regions: launch.known_regions() };
        refuse_same_files(&settings.via, delivery.files().map(PublishedFile::path))?;
        // The error comes before STS is called.
        delivery.variables().transpose()?;
        if let Via::Endpoint { address: Some(_), .. } = settings.via {
            // This run has the address, so the run that wrote these files was killed. If they stayed, other programs
            // would take xassume for ready, and send it the token of that run.
            delivery.files().for_each(PublishedFile::remove_earlier);
        }
        Ok(delivery)
    }

    /// Sets the regions of EC2 instances, which only the first sessions have shown.
    ///
    /// # Errors
    /// The command's config file cannot be written again.
    pub(crate) fn set_instance_regions(&mut self, first: &[&Session]) -> Result<(), Error> {
        let before = self.regions.clone();
        for (id, session) in first.iter().enumerate() {
            let region = self.launch.of(SessionId(id)).region(session.instance_region.as_deref());
            self.regions[id] = region.map(str::to_owned);
        }
        match &self.directory {
            // With one session, the region is in the variables.
            Some(directory) if self.regions != before && !self.launch.others.is_empty() => {
                directory.rewrite(CONFIG, &self.launch.config_copy(&self.regions))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns where other programs find the credentials, without any secret.
    pub(crate) fn shown(&self) -> String {
        let place = match &self.method {
            Method::Env => None,
            Method::File(file) => Some(file.path().display().to_string()),
            Method::Endpoint(endpoint) => Some(format!("http://{}", endpoint.address())),
            Method::Process(process) => Some(process.credentials_file().display().to_string()),
        };
        let variables = self.env_file.as_ref().map(|file| format!("variables in {}", file.path().display()));
        place.into_iter().chain(variables).collect::<Vec<_>>().join(", ")
    }

    /// Returns the files at paths from the user, and with `--via file` the credentials file.
    fn files(&self) -> impl Iterator<Item = &PublishedFile> {
        let of_method = match &self.method {
            Method::File(file) => Some(file),
            Method::Endpoint(endpoint) => endpoint.token_file(),
            Method::Env | Method::Process(_) => None,
        };
        of_method.into_iter().chain(&self.env_file)
    }

    /// Returns the contents for the file of `--env-file`. Returns `None` without that flag.
    fn variables(&self) -> Option<Result<Secret, Error>> {
        let config = self.directory.as_ref().map(|directory| directory.path().join(CONFIG)).unwrap_or_default();
        let files = |credentials_file| Place::Files { credentials_file, config_file: &config };
        let place = match &self.method {
            Method::Env => return None,
            Method::File(file) => files(file.path()),
            Method::Endpoint(endpoint) => endpoint.place(),
            Method::Process(process) => files(process.credentials_file()),
        };
        let path = self.env_file.as_ref()?.path();
        Some(env_file::contents(path, place, region_variable(&self.regions)))
    }

    /// Returns a future that writes the file of `--env-file`. Returns `None` without that flag, or if the file has
    /// already been written.
    fn publish_variables(&self) -> Option<Publishing> {
        let file = self.env_file.as_ref().filter(|file| !file.is_there())?;
        Some(match self.variables()? {
            Ok(variables) => Box::pin(file.put(variables, &self.offload)),
            Err(error) => Box::pin(std::future::ready(Err(Problem::from(&error)))),
        })
    }

    /// Removes all files of the delivery. If the file system does not answer, xassume exits nevertheless.
    pub(crate) async fn remove(self) {
        if self.files().next().is_none() && self.directory.is_none() {
            return;
        }
        let remove = || {
            self.files().for_each(PublishedFile::remove_at_last);
            self.directory.as_ref().is_none_or(RunDirectory::remove)
        };
        // At most one file is being written.
        let unread = self.files().find_map(PublishedFile::unread);
        // Otherwise dropping `self` removes the rest.
        if removed_in_child(&self.offload, Life::Free(unread), remove).await {
            std::mem::forget(self);
        }
    }
}

impl Method {
    /// Creates the file, the address or the socket for the method that `--via` selects. Must be called within a Tokio
    /// runtime.
    fn open(launch: &Launch<'_>, directory: Option<&RunDirectory>) -> Result<Self, Error> {
        let kind = file::kind(launch.profiles().count());
        Ok(match (&launch.context.settings.delivery.via, directory) {
            (Via::File { path: Some(path), mode }, _) => Self::File(PublishedFile::at(path, &kind, *mode)?),
            (Via::File { path: None, mode }, Some(directory)) => {
                Self::File(PublishedFile::new(directory.path().join("credentials"), *mode)?)
            }
            (Via::Endpoint { address, token_file }, directory) => {
                Self::Endpoint(Endpoint::open(directory, *address, token_file.as_deref())?)
            }
            (Via::Process, Some(directory)) => {
                Self::Process(CredentialProcess::open(directory, &own_file()?, launch.profiles())?)
            }
            (Via::Env, _) | (Via::File { .. } | Via::Process, None) => Self::Env,
        })
    }
}

/// Fails if the file of `--env-file` is also the other file of the delivery. There are at most two files.
fn refuse_same_files<'a>(via: &Via, mut paths: impl Iterator<Item = &'a Path>) -> Result<(), Error> {
    let other = if let Via::File { .. } = via { "--credentials-file" } else { "--endpoint-token-file" };
    match (paths.next(), paths.next()) {
        (Some(first), Some(second)) if first == second => Err(Error::Conflict {
            message: format!("--env-file and {other} cannot name the same file ({})", first.display()),
            hint: "use another path for one of them".into(),
        }),
        _ => Ok(()),
    }
}

/// Returns the path of xassume's executable.
fn own_file() -> Result<PathBuf, Error> {
    program::own().map_err(|error| Error::cannot("find the executable of xassume", &error, "/proc must be mounted"))
}

/// Creates the directory of this run, with the command's copy of the config file. Returns `None` if the command uses
/// the user's config file, or if there is no command and its other files are not needed.
fn run_directory(launch: &Launch<'_>) -> Result<Option<RunDirectory>, Error> {
    let (vars, delivery) = (launch.context.vars, &launch.context.settings.delivery);
    let directory = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        // Without a command, only the hook needs files.
        Via::Endpoint { .. } if matches!(launch.context.settings.mode, Mode::Serve(policy) if !policy.has_hook) => {
            return Ok(None);
        }
        // The paths are in the file of `--env-file`.
        Via::File { .. } if delivery.env_file.is_some() => RunDirectory::create_for_commands(vars)?,
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunDirectory::create(vars)?,
        Via::Process => RunDirectory::create_for_commands(vars)?,
    };
    directory.write(CONFIG, &launch.config_copy(&launch.known_regions()))?;
    Ok(Some(directory))
}

impl Delivery<'_, '_> {
    fn environment_for(&self, id: SessionId, session: &Session, recipient: Recipient<'_>) -> Vec<CString> {
        let config_file = self.directory.as_ref().map(|directory| directory.path().join(CONFIG));
        let credentials = match (&self.method, config_file.as_deref()) {
            (Method::File(file), Some(config_file)) => {
                CommandCredentials::Files { credentials_file: file.path(), config_file }
            }
            (Method::Endpoint(endpoint), Some(config_file)) => endpoint.credentials(config_file),
            (Method::Process(process), Some(config_file)) => process.credentials(config_file),
            (_, config_file) => CommandCredentials::Env { config_file },
        };
        self.launch.of(id).environment(session, region_variable(&self.regions), credentials, recipient)
    }
}

impl Deliver for Delivery<'_, '_> {
    fn environment(&self, session: &Session) -> Vec<CString> {
        self.environment_for(SessionId::DEFAULT, session, Recipient::Supervise)
    }

    fn hook_environment(&self, id: SessionId, session: &Session, number: u32) -> Vec<CString> {
        let profile = self.launch.profiles().nth(id.0).filter(|_| !self.launch.others.is_empty());
        self.environment_for(id, session, Recipient::Hook { number, profile })
    }

    fn publish(&mut self, sessions: &[&Session], new: &[SessionId]) -> Option<Publishing> {
        let publishing: Option<Publishing> = match (&self.method, sessions) {
            (Method::Env, _) | (Method::Endpoint(_), []) => None,
            (Method::File(file), _) => {
                let keys = sessions.iter().map(|session| &session.keys);
                let contents = file::contents(self.launch.profiles().zip(keys));
                Some(Box::pin(file.put(contents, &self.offload)))
            }
            (Method::Endpoint(endpoint), [session, ..]) => {
                endpoint.put(session);
                endpoint.publish_token(&self.offload).map(|publishing| Box::pin(publishing) as Publishing)
            }
            (Method::Process(process), _) => {
                for id in new {
                    process.put(*id, sessions[id.0]);
                }
                None
            }
        };
        let Some(last) = self.publish_variables() else { return publishing };
        Some(Box::pin(async {
            if let Some(publishing) = publishing {
                publishing.await?;
            }
            last.await
        }))
    }
}

//! How sessions reach the command of a supervision, and the files that this takes.

use crate::deliver::config_copy;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::environment::{Delivery as By, Recipient};
use crate::deliver::file;
use crate::deliver::process::Process;
use crate::deliver::published::PublishedFile;
use crate::deliver::run_directory::RunDirectory;
use crate::deliver::token_file;
use crate::error::Error;
use crate::launch::Launch;
use crate::session::Session;
use crate::settings::Via;
use crate::sts::Obtained;
use crate::supervise::ports::{Delivery, Publishing};
use crate::sys::offload::{Life, Offload};
use crate::sys::program;
use std::ffi::CString;
use std::io::Write as _;
use std::time::Duration;

/// How sessions reach the command, and the files that this takes.
pub(crate) struct Handover<'a, 'b> {
    launch: &'a Launch<'b>,
    pub(crate) offload: Offload,
    /// Stands before the directory: what is dropped first is removed first.
    road: OpenDelivery,
    /// Holds the command's copy of the config file; none where the command sees the user's own.
    directory: Option<RunDirectory>,
    pub(crate) region_of_the_instance: Option<String>,
}

/// The delivery, in being.
enum OpenDelivery {
    Environment,
    File(PublishedFile),
    Endpoint(Endpoint),
    Process(Process),
}

/// How long the end waits for files to be removed.
const REMOVAL: Duration = Duration::from_millis(500);

/// The name of the config file's copy in the run's directory.
const CONFIG: &str = "config";

impl<'a, 'b> Handover<'a, 'b> {
    pub(crate) fn prepare(launch: &'a Launch<'b>, offload: Offload) -> Result<Self, Error> {
        let directory = furnished(launch)?;
        let road = match &directory {
            Some(directory) => OpenDelivery::open(&launch.settings.delivery.via, directory)?,
            None => OpenDelivery::Environment,
        };
        Ok(Self { launch, offload, road, directory, region_of_the_instance: None })
    }

    /// Removes all files, by a process that is left behind if their file system does not answer.
    pub(crate) async fn remove(self) {
        let file = match &self.road {
            OpenDelivery::File(file) => Some(file),
            OpenDelivery::Endpoint(endpoint) => endpoint.token_file(),
            OpenDelivery::Environment | OpenDelivery::Process(_) => None,
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
            match tokio::time::timeout(REMOVAL, job.answered()).await {
                // Ended before its work was done: the values that are dropped here do it.
                Ok(Ok(b"") | Err(_)) => return,
                Ok(Ok(_)) => {}
                // It goes on.
                Err(_) => std::mem::forget(job),
            }
            std::mem::forget(self);
        }
    }
}

impl OpenDelivery {
    /// Within a runtime of tokio.
    fn open(via: &Via, directory: &RunDirectory) -> Result<Self, Error> {
        Ok(match via {
            Via::Env => Self::Environment,
            Via::File { path: Some(path), mode } => Self::File(file::at(path, *mode)?),
            Via::File { path: None, mode } => Self::File(file::within(directory, *mode)?),
            Via::Endpoint { token_file } => Self::Endpoint(Endpoint::open(directory, token_file.as_deref())?),
            Via::Process => Self::Process(Process::open(directory, &program::own()?)?),
        })
    }
}

/// The run's directory with the command's copy of the config file; none where the command sees the user's own.
fn furnished(launch: &Launch<'_>) -> Result<Option<RunDirectory>, Error> {
    let delivery = &launch.settings.delivery;
    let directory = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunDirectory::create(launch.vars)?,
        Via::Process => RunDirectory::create_for_commands(launch.vars)?,
    };
    let copy = config_copy::filter(&launch.files.config_text, launch.plan.profile.as_deref());
    directory.write(CONFIG, &copy)?;
    Ok(Some(directory))
}

/// Makes all that a launch makes before its first session, and removes it: directory, file, address or socket. A command
/// that xassume becomes has its copy of the config file in a directory that stays; for it, one beside that is made.
/// Within a runtime of tokio.
///
/// # Errors
/// Those that a launch would end with.
pub(crate) fn rehearse(launch: &Launch<'_>) -> Result<(), Error> {
    let Some(directory) = furnished(launch)? else { return Ok(()) };
    match &launch.settings.delivery.via {
        Via::File { path: Some(path), mode } => file::try_at(path, *mode),
        Via::Endpoint { token_file: Some(path) } => {
            token_file::try_at(path)?;
            Endpoint::open(&directory, None).map(drop)
        }
        via => OpenDelivery::open(via, &directory).map(drop),
    }
}

impl Delivery for Handover<'_, '_> {
    fn environment(&self, session: &Session) -> Vec<CString> {
        let obtained =
            Obtained { session: session.clone(), instance_region: self.region_of_the_instance.clone(), asked: None };
        let config_file = self.directory.as_ref().map(|directory| directory.path().join(CONFIG));
        let by = match (&self.road, config_file.as_deref()) {
            (OpenDelivery::Environment, Some(config_file)) => By::EnvIsolated { config_file },
            (OpenDelivery::File(file), Some(config_file)) => By::File { credentials_file: file.path(), config_file },
            (OpenDelivery::Endpoint(endpoint), Some(config_file)) => endpoint.delivery(config_file),
            (OpenDelivery::Process(process), Some(config_file)) => process.delivery(config_file),
            (_, None) => By::Env,
        };
        self.launch.environment(&obtained, by, Recipient::Supervise)
    }

    fn publish(&mut self, session: &Session) -> Publishing {
        match &self.road {
            OpenDelivery::Environment => {}
            OpenDelivery::File(file) => return Publishing::Begun(Box::pin(file::put(file, session, &self.offload))),
            OpenDelivery::Endpoint(endpoint) => {
                endpoint.put(session);
                if let Some(written) = endpoint.publish_token(&self.offload) {
                    return Publishing::Begun(Box::pin(written));
                }
            }
            OpenDelivery::Process(process) => process.put(session),
        }
        Publishing::Done(Ok(()))
    }
}

//! How sessions reach the command of a supervision, and the files that this takes.

use crate::deliver::config_copy;
use crate::deliver::endpoint::Endpoint;
use crate::deliver::environment::{Delivery as By, Mode};
use crate::deliver::file;
use crate::deliver::process::Process;
use crate::deliver::published::PublishedFile;
use crate::deliver::run_directory::RunFolder;
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
    /// Stands before the folder: what is dropped first is removed first.
    road: Road,
    /// Holds the command's copy of the config file; none where the command sees the user's own.
    folder: Option<RunFolder>,
    pub(crate) region_of_the_instance: Option<String>,
}

/// The delivery, in being.
enum Road {
    Environment,
    File(PublishedFile),
    Endpoint(Endpoint),
    Process(Process),
}

/// How long the end waits for files to be removed.
const REMOVAL: Duration = Duration::from_millis(500);

/// The name of the config file's copy in the run's folder.
const CONFIG: &str = "config";

impl<'a, 'b> Handover<'a, 'b> {
    pub(crate) fn prepare(launch: &'a Launch<'b>, offload: Offload) -> Result<Self, Error> {
        let folder = furnished(launch)?;
        let road = match &folder {
            Some(folder) => Road::open(&launch.settings.delivery.via, folder)?,
            None => Road::Environment,
        };
        Ok(Self { launch, offload, road, folder, region_of_the_instance: None })
    }

    /// Removes all files, by a process that is left behind if their file system does not answer.
    pub(crate) async fn remove(self) {
        let file = match &self.road {
            Road::File(file) => Some(file),
            Road::Endpoint(endpoint) => endpoint.token_file(),
            Road::Environment | Road::Process(_) => None,
        };
        if file.is_none() && self.folder.is_none() {
            return;
        }
        let started = self.offload.start(Life::Free(file.and_then(PublishedFile::unread)), 1, |answer| {
            if let Some(file) = file {
                file.remove_at_last();
            }
            let removed = self.folder.as_ref().is_none_or(RunFolder::remove);
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

impl Road {
    /// Within a runtime of tokio.
    fn open(via: &Via, folder: &RunFolder) -> Result<Self, Error> {
        Ok(match via {
            Via::Env => Self::Environment,
            Via::File { path: Some(path), mode } => Self::File(file::at(path, *mode)?),
            Via::File { path: None, mode } => Self::File(file::within(folder, *mode)?),
            Via::Endpoint { token_file } => Self::Endpoint(Endpoint::open(folder, token_file.as_deref())?),
            Via::Process => Self::Process(Process::open(folder, &program::own()?)?),
        })
    }
}

/// The run's folder with the command's copy of the config file; none where the command sees the user's own.
fn furnished(launch: &Launch<'_>) -> Result<Option<RunFolder>, Error> {
    let delivery = &launch.settings.delivery;
    let folder = match delivery.via {
        Via::Env if !delivery.isolate => return Ok(None),
        Via::Env | Via::File { .. } | Via::Endpoint { .. } => RunFolder::create(launch.vars)?,
        Via::Process => RunFolder::create_for_commands(launch.vars)?,
    };
    let copy = config_copy::filter(&launch.files.config_text, launch.plan.profile.as_deref());
    folder.write(CONFIG, &copy)?;
    Ok(Some(folder))
}

/// Makes all that a launch makes before its first session, and removes it: folder, file, address or socket. A command
/// that xassume becomes has its copy of the config file in a folder that stays; for it, one beside that is made.
/// Within a runtime of tokio.
///
/// # Errors
/// Those that a launch would end with.
pub(crate) fn rehearse(launch: &Launch<'_>) -> Result<(), Error> {
    let Some(folder) = furnished(launch)? else { return Ok(()) };
    match &launch.settings.delivery.via {
        Via::File { path: Some(path), mode } => file::try_at(path, *mode),
        Via::Endpoint { token_file: Some(path) } => {
            token_file::try_at(path)?;
            Endpoint::open(&folder, None).map(drop)
        }
        via => Road::open(via, &folder).map(drop),
    }
}

impl Delivery for Handover<'_, '_> {
    fn environment(&self, session: &Session) -> Vec<CString> {
        let obtained =
            Obtained { session: session.clone(), instance_region: self.region_of_the_instance.clone(), asked: None };
        let config_file = self.folder.as_ref().map(|folder| folder.path().join(CONFIG));
        let by = match (&self.road, config_file.as_deref()) {
            (Road::Environment, Some(config_file)) => By::EnvIsolated { config_file },
            (Road::File(file), Some(config_file)) => By::File { credentials_file: file.path(), config_file },
            (Road::Endpoint(endpoint), Some(config_file)) => endpoint.delivery(config_file),
            (Road::Process(process), Some(config_file)) => process.delivery(config_file),
            (_, None) => By::Env,
        };
        self.launch.environment(&obtained, by, Mode::Supervise)
    }

    fn publish(&mut self, session: &Session) -> Publishing {
        match &self.road {
            Road::Environment => {}
            Road::File(file) => return Publishing::Begun(Box::pin(file::put(file, session, &self.offload))),
            Road::Endpoint(endpoint) => {
                endpoint.put(session);
                if let Some(written) = endpoint.publish_token(&self.offload) {
                    return Publishing::Begun(Box::pin(written));
                }
            }
            Road::Process(process) => process.put(session),
        }
        Publishing::Done(Ok(()))
    }
}

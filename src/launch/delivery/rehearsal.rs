//! The delivery as `--check` tries it.

use super::{CONFIG, Method, refuse_same_files, run_directory};
use crate::deliver::Via;
use crate::deliver::endpoint::{Endpoint, FIXED_PATH};
use crate::deliver::env_file::{self, Place, Token};
use crate::deliver::published::PublishedFile;
use crate::deliver::{file, token_file};
use crate::error::Error;
use crate::launch::Launch;
use crate::launch::others::region_variable;
use std::path::{Path, PathBuf};

/// Creates everything that a launch creates before its first session (the directory, the file, the address or the
/// socket), and removes it again. `--check` uses this to find errors.
///
/// In exec mode, a launch would write the config file for the command to a directory that later runs share. This
/// function creates and removes another directory instead. Must be called within a Tokio runtime.
///
/// # Errors
/// The same errors as for a launch.
pub(crate) fn rehearse(launch: &Launch<'_>) -> Result<(), Error> {
    let directory = run_directory(launch)?;
    let delivery = &launch.context.settings.delivery;
    let mut tried = Vec::new();
    if let Some(path) = &delivery.env_file {
        tried.push(PublishedFile::try_at(path, &env_file::KIND, env_file::MODE)?);
        let config_file = Path::new(CONFIG);
        let place = match &delivery.via {
            Via::Endpoint { token_file: Some(path), .. } => {
                Some(Place::Endpoint { url: FIXED_PATH, token: Token::File(path) })
            }
            Via::File { path: Some(path), .. } => Some(Place::Files { credentials_file: path, config_file }),
            // All paths are xassume's own.
            Via::Endpoint { token_file: None, .. } | Via::File { path: None, .. } | Via::Env | Via::Process => None,
        };
        place.map(|place| env_file::contents(path, place, region_variable(&launch.known_regions()))).transpose()?;
    }
    match &delivery.via {
        Via::File { path: Some(path), mode } => {
            let kind = file::kind(launch.profiles().count());
            tried.push(PublishedFile::try_at(path, &kind, *mode)?);
        }
        Via::Endpoint { address, token_file } => {
            if let Some(path) = token_file {
                tried.push(PublishedFile::try_at(path, &token_file::KIND, token_file::MODE)?);
            }
            // The address may be that of a running xassume.
            if address.is_none() {
                Endpoint::open(directory.as_ref(), None, None)?;
            }
        }
        Via::Env | Via::File { path: None, .. } | Via::Process => drop(Method::open(launch, directory.as_ref())?),
    }
    refuse_same_files(&delivery.via, tried.iter().map(PathBuf::as_path))
}

//! The file of an IAM Identity Center session in the cache that the AWS CLI and the SDKs share, and the lock for a sign-in.

use super::login_file::{LoginContext, LoginFile, give, metadata_of_parent, target};
use crate::error::{SignInFailure, SourceError, TokenId, reason_of};
use crate::files::home;
use crate::profile::SsoSession;
use crate::sys::clock::wall;
use crate::vars::Vars;
use nix::unistd::{AccessFlags, access, geteuid};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, lchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// The directory of the sessions' files, in the home directory.
const SSO_CACHE: &str = ".aws/sso/cache";
/// How often a sign-in checks whether another xassume has finished its sign-in.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The age from which a temporary file is that of a killed run.
const UNFINISHED_AFTER: Duration = Duration::from_mins(1);

impl SsoSession {
    /// Returns what identifies the session: the name of its section, or else its start URL.
    pub(crate) fn identifier(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.start_url)
    }

    /// Returns the path of the session's file. Returns `None` if there is no home directory.
    pub(super) fn path(&self, vars: &Vars) -> Option<PathBuf> {
        let directory = home(vars)?.join(SSO_CACHE);
        Some(LoginFile::path(&directory, &SHA1_FOR_LEGACY_USE_ONLY, self.identifier()))
    }

    /// Identifies the session's token, which may have expired. Returns `None` if there is no token, for example after
    /// `aws sso logout`.
    pub(crate) fn token_id(&self, vars: &Vars) -> Option<TokenId> {
        let login = LoginFile::read(self.path(vars)?, &self.profile).ok()??;
        login.needed("/accessToken").ok().map(token_id)
    }

    /// Reads the session's file. Returns `None` if there is no such file.
    pub(super) fn login(&self, context: &LoginContext<'_>) -> Result<Option<LoginFile>, SourceError> {
        self.path(context.vars).map_or(Ok(None), |path| LoginFile::read(path, &self.profile))
    }

    /// Returns the time until which the session is valid. Returns `None` if the user must sign in: there is no token, it
    /// has expired, or it is the `refused` one.
    ///
    /// # Errors
    /// The file cannot be read or is not valid.
    pub(crate) fn valid_until(
        &self,
        refused: Option<TokenId>,
        context: &LoginContext<'_>,
    ) -> Result<Option<SystemTime>, SourceError> {
        let Some(login) = self.login(context)? else { return Ok(None) };
        let end = login.time("/expiresAt")?;
        let is_valid = end > wall() && Some(token_id(login.needed("/accessToken")?)) != refused;
        Ok(is_valid.then_some(end))
    }

    /// Checks whether the login contains everything that is needed to refresh its token, and whether the registration of
    /// the OIDC client is still valid. The login of a profile without `sso-session` is never refreshed.
    pub(super) fn is_refreshable(&self, login: &LoginFile) -> Result<bool, SourceError> {
        let all = ["/clientId", "/clientSecret", "/refreshToken", "/registrationExpiresAt"];
        let has_all = self.name.is_some() && all.iter().all(|pointer| login.text(pointer).is_some());
        Ok(has_all && login.time("/registrationExpiresAt")? > wall())
    }

    /// Returns the time at which the login expires. Returns `None` if the login can be refreshed, or if its file cannot be
    /// used.
    pub(crate) fn login_end(&self, vars: &Vars) -> Option<SystemTime> {
        let login = LoginFile::read(self.path(vars)?, &self.profile).ok()??;
        if self.is_refreshable(&login).ok()? { None } else { login.time("/expiresAt").ok() }
    }

    /// Waits until no other xassume signs in to the session, or until the session is valid, as in [`Self::valid_until`]:
    /// the other one may wait for its user, who has signed in with another program. Calls `waits` first if it has to wait.
    ///
    /// No other sign-in begins until the returned file is dropped. Returns `None` if the session is valid, or if the file
    /// system has no locks.
    ///
    /// # Errors
    /// A token could not be stored: there is no home directory, or the directory of the session's file cannot be written.
    pub(crate) async fn lock(
        &self,
        context: &LoginContext<'_>,
        refused: Option<TokenId>,
        waits: impl AsyncFnOnce(),
    ) -> Result<Option<File>, SourceError> {
        let (Some(path), Some(home)) = (self.path(context.vars), home(context.vars)) else {
            return Err(self.expired(None));
        };
        let made = make_directory(home, SSO_CACHE).and_then(|()| check_writable(&path));
        made.map_err(|error| self.not_stored(&path, &error))?;
        let file = open_lock(&path).map_err(|error| self.not_stored(&path.with_extension("lock"), &error))?;
        let mut waits = Some(waits);
        loop {
            match file.try_lock() {
                Ok(()) => {
                    remove_unfinished(&path);
                    return Ok(Some(file));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(_)) => return Ok(None),
            }
            if let Some(waits) = waits.take() {
                waits().await;
            }
            sleep(LOCK_POLL).await;
            // Other programs do not replace the file at once, so it may be incomplete for a moment.
            if matches!(self.valid_until(refused, context), Ok(Some(_))) {
                return Ok(None);
            }
        }
    }

    /// Returns the error which says that the user must sign in. `refused` is the token that the access portal has
    /// refused, or `None` if it has refused no token.
    pub(super) fn expired(&self, refused: Option<&str>) -> SourceError {
        SourceError::SsoExpired {
            profile: self.profile.clone(),
            sso_session: self.name.clone(),
            refused: refused.map(token_id),
        }
    }

    pub(super) fn not_signed_in(&self, failure: SignInFailure) -> SourceError {
        let sso_session = self.name.clone();
        SourceError::SignIn { profile: self.profile.clone(), sso_session, failure }
    }

    pub(super) fn not_stored(&self, path: &Path, error: &std::io::Error) -> SourceError {
        self.not_signed_in(SignInFailure::NotStored { path: path.to_owned(), reason: reason_of(error) })
    }
}

fn token_id(token: &str) -> TokenId {
    let mut id = TokenId::default();
    id.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    id
}

/// Creates the missing directories of a relative path. Each new directory belongs to the owner of the one above it.
///
/// # Errors
/// A directory is missing and cannot be created.
fn make_directory(base: PathBuf, relative: &str) -> io::Result<()> {
    let mut path = base;
    for name in relative.split('/') {
        path.push(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) if geteuid().is_root() => {
                let owner = metadata_of_parent(&path)?;
                lchown(&path, Some(owner.uid()), Some(owner.gid()))?;
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Checks whether [`LoginFile::save`] may write in the directory of a file.
///
/// # Errors
/// The directory cannot be written.
fn check_writable(path: &Path) -> io::Result<()> {
    let target = target(path)?;
    let directory = target.parent().unwrap_or(&target);
    Ok(access(directory, AccessFlags::W_OK | AccessFlags::X_OK)?)
}

/// Removes the temporary files of [`LoginFile::save`] that a killed run has left beside a file, because they contain a token.
/// A younger one may be that of another run.
fn remove_unfinished(path: &Path) {
    let Ok(path) = target(path) else { return };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else { return };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let file_name = entry.file_name();
        let digits = file_name.to_str().and_then(|text| text.strip_prefix(name)?.strip_prefix('.'));
        let is_temporary = digits.is_some_and(|text| text.len() == 32 && text.bytes().all(|c| c.is_ascii_hexdigit()));
        let age = || wall().duration_since(entry.metadata().ok()?.modified().ok()?).ok();
        if is_temporary && age().is_some_and(|age| age > UNFINISHED_AFTER) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Opens the lock file beside the file of a login. It is created if it is missing, and never removed.
///
/// # Errors
/// The lock file cannot be opened or created.
fn open_lock(login: &Path) -> io::Result<File> {
    // With these flags, opening a FIFO does not block, and no file that a link names is created.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let options = OpenOptions::new().write(true).mode(0o600).custom_flags(flags).to_owned();
    let path = login.with_extension("lock");
    match options.clone().create_new(true).open(&path) {
        // Only a new file is given away. An existing one may be a hard link to a file of root.
        Ok(file) => give(&file, &metadata_of_parent(login)?).map(|()| file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(&path),
        Err(error) => Err(error),
    }
}

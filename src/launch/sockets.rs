//! The listening sockets for the command: those that xassume inherits (`LISTEN_FDS`), and then those of `--listen`.
//! The command finds them by the same variables, as `sd_listen_fds(3)` describes.

use super::removal::removed_in_child;
use super::socket_file::SocketFile;
use crate::error::{ListenError, SocketRefusal, shortened};
use crate::event::{CommandEvent, EventSink as _, Ignored};
use crate::process::listen_address::ListenAddress;
use crate::report::Report;
use crate::sys::limits;
use crate::sys::listen::{self, ListenSockets};
use crate::sys::offload::{Life, Offload};
use crate::vars::Vars;
use nix::unistd::getpid;
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The sockets for the command.
pub(crate) struct CommandSockets<'a> {
    pub(crate) held: ListenSockets,
    inherited: usize,
    addresses: &'a [ListenAddress],
    /// The names of all sockets, separated by colons.
    names: OsString,
    /// The files of the Unix sockets, once they are bound.
    files: OnceCell<SocketFiles>,
}

impl<'a> CommandSockets<'a> {
    /// Takes the inherited sockets, creates the sockets for `addresses` without binding them, and reserves the descriptor
    /// of `--ready fd:N`. Must be called before xassume opens any descriptor that stays open, because each of these needs
    /// a particular number.
    ///
    /// # Errors
    /// `LISTEN_FDS` is wrong, or one of the descriptors is already open.
    pub(crate) fn reserve(
        addresses: &'a [ListenAddress],
        ready: Option<RawFd>,
        vars: &Vars,
    ) -> Result<Self, ListenError> {
        let inherited = inherited_count(vars)?;
        let held = ListenSockets::inherit(inherited);
        let mut held = held.map_err(|descriptor| ListenError::NotOpen { descriptor, count: inherited })?;
        for address in addresses {
            let descriptor = held.next_descriptor();
            if let Some(target) = listen::target(descriptor) {
                return Err(ListenError::Occupied { descriptor, address: address.clone(), target });
            }
            held.add(address).map_err(|error| refused(address, error))?;
        }
        if let Some(descriptor) = ready {
            if let Some(target) = listen::target(descriptor) {
                let reason = format!("it is already open ({})", shortened(&target));
                return Err(ListenError::Ready { descriptor, reason });
            }
            let refused = |error: std::io::Error| {
                let limit = limits::files();
                let is_above = usize::try_from(descriptor).is_ok_and(|descriptor| descriptor >= limit);
                let reason = if is_above { format!("the limit of open files is {limit}") } else { error.to_string() };
                ListenError::Ready { descriptor, reason }
            };
            held.reserve_ready(descriptor).map_err(refused)?;
        }
        let names = names(vars, inherited, addresses.len());
        Ok(Self { held, inherited, addresses, names, files: OnceCell::new() })
    }

    /// Binds the sockets of `--listen` and listens. The files of Unix sockets exist until this value is dropped. Must be
    /// called only once.
    ///
    /// # Errors
    /// An address is in use, not available or not allowed.
    pub(crate) fn listen(&self, report: Report) -> Result<(), ListenError> {
        let mut files = SocketFiles(Vec::new());
        for (position, address) in (self.inherited..).zip(self.addresses) {
            let mut port = None;
            let mut listen = || self.held.listen(position).map(|found| port = found);
            match address {
                ListenAddress::Unix(path) => {
                    files.0.push(SocketFile::create(path, listen).map_err(|refusal| refused(address, refusal))?);
                }
                ListenAddress::Ip(_) | ListenAddress::DualStack(_) => {
                    listen().map_err(|error| refused(address, error))?;
                }
            }
            let address = address.with_port(port.unwrap_or_default()).to_string();
            let descriptor = ListenSockets::descriptor(position);
            report.emit(CommandEvent::Listening { address, descriptor }.into());
        }
        self.files.get_or_init(|| files);
        Ok(())
    }

    /// Removes the files of the Unix sockets. If the file system does not answer, xassume exits nevertheless.
    pub(crate) async fn remove_files(self, offload: &Offload) {
        let Some(mut files) = self.files.into_inner().filter(|files| !files.0.is_empty()) else { return };
        if removed_in_child(offload, Life::Free(None), || files.remove()).await {
            files.0.clear();
        }
    }

    /// Returns the variables that describe the sockets to the command. There are none if there are no sockets.
    /// `LISTEN_PID` is the ID of xassume, which becomes that of the command after fork(2).
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        if self.held.len() == 0 {
            return Vec::new();
        }
        let count = self.held.len().to_string();
        let pid = getpid().to_string();
        vec![
            ("LISTEN_FDS".into(), count.into()),
            ("LISTEN_PID".into(), pid.into()),
            ("LISTEN_FDNAMES".into(), self.names.clone()),
        ]
    }
}

/// Returns a note if `LISTEN_FDS` is inherited but meant for another process. Programs leave these variables in the
/// environment of the processes that they start.
pub(crate) fn meant_for_another(vars: &Vars) -> Option<Ignored> {
    vars.get("LISTEN_FDS").filter(|count| !count.is_empty() && !vars.has_sockets_for(std::process::id()))?;
    let reason = match vars.get("LISTEN_PID") {
        Some(pid) => {
            format!("LISTEN_PID is {}, and xassume's process ID is {}", shortened(&pid.to_string_lossy()), getpid())
        }
        None => "LISTEN_PID is not set".to_owned(),
    };
    Some(Ignored::new("LISTEN_FDS", reason))
}

/// Returns the number of inherited sockets. It is 0 if `LISTEN_FDS` is not set, or is meant for another process.
fn inherited_count(vars: &Vars) -> Result<usize, ListenError> {
    match vars.get("LISTEN_FDS").filter(|_| vars.has_sockets_for(std::process::id())) {
        None => Ok(0),
        Some(count) => {
            let parsed = count.to_str().and_then(|count| count.parse().ok());
            parsed.ok_or_else(|| ListenError::Count(count.to_string_lossy().into_owned()))
        }
    }
}

/// Returns the names of the sockets: the inherited names, `unknown` for inherited sockets without a name, and `listen`,
/// `listen2` and so on for the others.
fn names(vars: &Vars, inherited: usize, own: usize) -> OsString {
    let known = vars.get("LISTEN_FDNAMES").filter(|names| !names.is_empty()).map(OsStr::as_bytes);
    let known = known.into_iter().flat_map(|names| names.split(|byte| *byte == b':'));
    let unnamed = std::iter::repeat(&b"unknown"[..]);
    let inherited = known.chain(unnamed).take(inherited).map(<[u8]>::to_vec);
    let own =
        (1..=own).map(|number| if number == 1 { "listen".into() } else { format!("listen{number}").into_bytes() });
    OsString::from_vec(inherited.chain(own).collect::<Vec<_>>().join(&b':'))
}

fn refused(address: &ListenAddress, refusal: impl Into<SocketRefusal>) -> ListenError {
    ListenError::Refused { address: address.clone(), refusal: refusal.into() }
}

/// The files of the Unix sockets. Dropping this value removes them, unless other runs have replaced them.
struct SocketFiles(Vec<SocketFile>);

impl SocketFiles {
    /// Removes the files, and returns whether none is left.
    fn remove(&self) -> bool {
        self.0.iter().filter(|file| !file.remove()).count() == 0
    }
}

impl Drop for SocketFiles {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        pairs.iter().copied().collect()
    }

    #[test]
    fn inherited_sockets_count_only_if_they_are_meant_for_this_process() {
        let me = getpid().to_string();
        let count = |fds: &str, pid: &str| inherited_count(&vars(&[("LISTEN_FDS", fds), ("LISTEN_PID", pid)])).ok();
        assert_eq!(count("2", &me), Some(2));
        assert_eq!([count("2", &format!("0{me}")), count("2", &format!("+{me}"))], [Some(0); 2]);
        assert_eq!([count("2", "1"), count("x", "1"), count("2", ""), count("2", "x")], [Some(0); 4]);
        assert_eq!([count("", &me), count("0", &me)], [Some(0); 2]);
        assert_eq!([count("x", &me), count("-1", &me), count("1e3", &me)], [None; 3]);
        assert_eq!(count("99999999999999999999999", &me), None);
        assert_eq!(inherited_count(&vars(&[("LISTEN_PID", &me)])).ok(), Some(0));
        assert_eq!(inherited_count(&vars(&[("LISTEN_FDS", "1")])).ok(), Some(0));
    }

    #[test]
    fn a_long_process_id_is_shortened() {
        let ignored = meant_for_another(&vars(&[("LISTEN_FDS", "1"), ("LISTEN_PID", &"9".repeat(1000))]));
        let shown = ignored.expect("ignored").to_string();
        assert!(shown.contains(&format!("LISTEN_PID is {}…, and", "9".repeat(80))), "{shown}");
    }

    #[test]
    fn each_socket_has_a_name() {
        let names = |known: &str, inherited, own| names(&vars(&[("LISTEN_FDNAMES", known)]), inherited, own);
        assert_eq!(names("", 0, 3), "listen:listen2:listen3");
        assert_eq!(names("web:admin", 2, 1), "web:admin:listen");
        assert_eq!(names("web", 3, 1), "web:unknown:unknown:listen");
        assert_eq!(names("a::b:c", 3, 0), "a::b");
        assert_eq!(names("web", 0, 1), "listen");
    }
}

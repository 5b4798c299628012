//! The rule that decides in which directories no other user can replace a file.
//!
//! A directory is trusted if both conditions are met for it and for each of its parents: it belongs to this user or to
//! root, and it is sticky or no other user can write to it. In a sticky directory, only owners can rename and remove
//! files. The path is followed from the root, link by link. A trusted directory can be changed only by the directory's
//! owner and by root, so nothing changes between this check and the use of the directory. The resulting path contains
//! no links.

use crate::error::{Reason, reason_of};
use crate::event::Problem;
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// The kernel's limit for the number of links in one path (symlink(7)).
const MOST_LINKS: usize = 40;
/// The mode bit of a directory in which only owners can remove or rename files.
pub(super) const STICKY: u32 = 0o1000;

/// Whether members of a directory's group may have write permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupWrite {
    Denied,
    /// The group may have write permission, because the file is meant for the group, as in a Kubernetes volume with an
    /// `fsGroup`.
    Allowed,
}

impl GroupWrite {
    /// Returns `Allowed` if the mode of the file gives its group access, because the directory may then be writable by
    /// the group too.
    pub(super) fn of_mode(mode: u32) -> Self {
        if mode & 0o060 == 0 { Self::Denied } else { Self::Allowed }
    }
}

fn untrusted(text: String) -> Problem {
    Problem::new(Reason::File, text)
}

/// Returns the path of a trusted directory, with all links resolved.
///
/// # Errors
/// Reports the first directory or link in the path that is missing or that another user controls.
pub(super) fn directory(path: &Path, group: GroupWrite) -> Result<PathBuf, Problem> {
    let failed = |error: &std::io::Error, at: &Path| untrusted(format!("{}: {}", at.display(), reason_of(error)));
    let path = std::path::absolute(path).map_err(|error| failed(&error, path))?;
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    let mut rest = parts(&path);
    check(&at, &at.symlink_metadata().map_err(|error| failed(&error, &at))?, group)?;
    while let Some(part) = rest.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let found = next.symlink_metadata().map_err(|error| failed(&error, &next))?;
        check(&next, &found, group)?;
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(untrusted(format!("{}: too many links", next.display())));
        }
        let target = next.read_link().map_err(|error| failed(&error, &next))?;
        if target.is_absolute() {
            at = "/".into();
        }
        rest.append(&mut parts(&target));
    }
    Ok(at)
}

/// Returns the components of a path in reverse order.
fn parts(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| part.as_os_str().to_owned()).collect()
}

fn check(path: &Path, found: &Metadata, group: GroupWrite) -> Result<(), Problem> {
    let shown = path.display();
    if !found.is_dir() && !found.is_symlink() {
        return Err(untrusted(format!("{shown} is not a directory")));
    }
    let me = geteuid().as_raw();
    let is_machines = || is_outside(found.uid()) && !is_in_open_directory(path);
    if found.uid() != me && found.uid() != 0 && !is_machines() {
        let problem = untrusted(format!("{shown} belongs to another user (uid {})", found.uid()));
        return Err(problem.with_hint(format!("as root: chown {me} {shown}; or use a directory that you own")));
    }
    let forbidden = if group == GroupWrite::Allowed { 0o002 } else { 0o022 };
    // A symbolic link is accepted whatever its mode is, because the mode of a link has no meaning.
    if found.is_symlink() || found.mode() & STICKY != 0 || found.mode() & forbidden == 0 {
        return Ok(());
    }
    let (who, change) = if found.mode() & 0o002 == 0 { ("its group", "g-w") } else { ("all users", "go-w") };
    let hint = match (found.uid() == me, group) {
        (true, GroupWrite::Denied) => format!("chmod {change} {shown}"),
        (true, GroupWrite::Allowed) => format!("chmod o-w {shown}"),
        // The hint does not suggest removing the write permission of others, because this user is not the owner and
        // needs that permission to create the file.
        (false, _) => format!("as its owner: chmod +t {shown}; or use a directory that you own"),
    };
    Err(untrusted(format!("{who} can write to {shown} (mode {:04o})", found.mode() & 0o7777)).with_hint(hint))
}

/// Checks whether users other than the owner may create files in the parent of `path`.
fn is_in_open_directory(path: &Path) -> bool {
    let parent = path.parent().map(std::fs::symlink_metadata);
    parent.is_some_and(|parent| parent.is_ok_and(|parent| parent.mode() & 0o022 != 0))
}

/// Checks whether an owner has no ID in this user namespace, so that the kernel reports the overflow ID instead (see
/// `user_namespaces(7)`). In a sandbox, the host's root has no ID, and neither has any other user of the host. But
/// these other users can create directories only where all users can (`/tmp`), and there [`check`] does not trust such
/// an owner.
fn is_outside(uid: u32) -> bool {
    let Ok(map) = std::fs::read_to_string("/proc/self/uid_map") else { return false };
    let maps = |line: &str| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) = (numbers.next(), numbers.next(), numbers.next()) else {
            return true;
        };
        (first..first + count).contains(&u64::from(uid))
    };
    !map.is_empty() && !map.lines().any(maps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, create_dir_all, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn with_mode(base: &Path, name: &str, mode: u32) -> PathBuf {
        let path = base.join(name);
        create_dir_all(&path).expect("a directory");
        set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        path
    }

    #[test]
    fn the_mode_of_each_directory_of_the_path_decides() {
        let base = tempfile::tempdir().expect("a directory");
        for (mode, forbidden, allowed) in [
            (0o700, None, None),
            (0o755, None, None),
            (0o1777, None, None),
            (0o775, Some("g-w"), None),
            (0o2770, Some("g-w"), None),
            (0o777, Some("go-w"), Some("o-w")),
            (0o702, Some("go-w"), Some("o-w")),
        ] {
            let open = with_mode(base.path(), &format!("{mode:o}"), mode);
            let below = with_mode(&open, "below", 0o700);
            for path in [&open, &below] {
                for (group, change) in [(GroupWrite::Denied, forbidden), (GroupWrite::Allowed, allowed)] {
                    let hint = directory(path, group).err().map(|untrusted| untrusted.hint.unwrap_or_default());
                    let expected = change.map(|change| format!("chmod {change} {}", open.display()));
                    assert_eq!(hint, expected, "{mode:o} {group:?} {}", path.display());
                }
            }
        }
    }

    #[test]
    fn links_are_followed_and_each_directory_on_their_path_is_checked() {
        let base = tempfile::tempdir().expect("a directory");
        let (good, open) = (with_mode(base.path(), "good", 0o700), with_mode(base.path(), "open", 0o777));
        symlink("good", base.path().join("link")).expect("a link");
        symlink("link/../link/.", base.path().join("links")).expect("a link");
        symlink(&open, good.join("out")).expect("a link");
        symlink("loop", base.path().join("loop")).expect("a link");
        write(good.join("file"), "").expect("a file");
        let real = good.canonicalize().expect("there");
        for name in ["good", "link", "links", "./good/../link"] {
            assert_eq!(directory(&base.path().join(name), GroupWrite::Denied), Ok(real.clone()), "{name}");
        }
        for (name, reason) in [
            ("links/out", "all users can write to"),
            ("loop", "too many links"),
            ("good/file", "is not a directory"),
            ("none", "No such file or directory"),
        ] {
            let untrusted = directory(&base.path().join(name), GroupWrite::Denied).expect_err(name);
            assert!(untrusted.text.contains(reason), "{name}: {untrusted:?}");
        }
    }

    #[test]
    fn an_unmapped_owner_is_recognized_by_the_id_map() {
        assert!(!is_outside(geteuid().as_raw()));
    }
}

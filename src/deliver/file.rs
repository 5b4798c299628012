//! Delivery through a shared credentials file. Its `[default]` profile contains the access key ID, the secret access
//! key and the session token, and so do the profiles of `--also`. The file is replaced atomically at each refresh.

use crate::deliver::location::FileKind;
use crate::session::{Keys, Secret};

/// The beginnings of the lines of a section.
const SECTION: &str = "[";
const ID: &str = "aws_access_key_id = ";
const SECRET: &str = "aws_secret_access_key = ";
const TOKEN: &str = "aws_session_token = ";

/// Describes the file of `--credentials-file` for this number of sessions.
pub(crate) const fn kind(sessions: usize) -> FileKind {
    FileKind {
        what: "credentials",
        flag: "--credentials-file",
        contents: "a session",
        is_replaceable,
        max_bytes: sessions * (8 << 10),
    }
}

/// Checks whether a file is empty or has the form of [`contents`]. Such a file comes from an earlier run and is not the
/// user's `~/.aws/credentials`.
fn is_replaceable(text: &[u8]) -> bool {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let beginnings = [SECTION, ID, SECRET, TOKEN];
    let is_section = |lines: &[&[u8]]| {
        lines.len() == beginnings.len()
            && lines.iter().zip(beginnings).all(|(line, with)| line.starts_with(with.as_bytes()))
    };
    lines.first().is_none_or(|line| *line == b"[default]\n") && lines.chunks(beginnings.len()).all(is_section)
}

/// Returns the text of the credentials file with these profiles, in a form that every SDK reads.
pub(crate) fn contents<'k>(profiles: impl Iterator<Item = (&'static str, &'k Keys)>) -> Secret {
    let section = |(profile, keys): (&'static str, &'k Keys)| {
        let (id, secret) = (keys.access_key_id.as_str(), keys.secret_access_key.reveal());
        let token = keys.session_token.as_ref();
        let [name, token, end] = token.map_or([""; 3], |token| [TOKEN, token.reveal(), "\n"]);
        [SECTION, profile, "]\n", ID, id, "\n", SECRET, secret, "\n", name, token, end]
    };
    // The text is allocated once at its full size, because growing would leave copies of the secret.
    Secret::new(profiles.flat_map(section).collect::<Vec<_>>().concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::published::PublishedFile;
    use crate::error::Error;
    use crate::session::{Session, Validity};
    use crate::sys::offload::Offload;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn session(id: &str) -> Session {
        let hour = Duration::from_hours(1);
        Session {
            keys: Keys {
                access_key_id: id.into(),
                secret_access_key: Secret::new("s"),
                session_token: Some(Secret::new("t")),
            },
            validity: Some(Validity { expiration: SystemTime::UNIX_EPOCH, left: hour, lifetime: hour, skew_secs: 0 }),
            assumed_role_arn: Some("arn".into()),
            account_id: None,
            instance_region: None,
        }
    }

    fn at(path: &Path, mode: u32) -> Result<PublishedFile, Error> {
        PublishedFile::at(path, &kind(1), mode)
    }

    fn put(file: &PublishedFile, session: &Session) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let offload = Offload::new(|_| {}, || {});
            file.put(contents([("default", &session.keys)].into_iter()), &offload).await.expect("written");
        });
    }

    #[test]
    fn a_file_is_replaced_atomically_and_removed_at_the_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("credentials");
        let file = at(&path, 0o640).expect("a file");
        for id in ["ASIA1", "ASIA2"] {
            put(&file, &session(id));
            let text = std::fs::read_to_string(&path).expect("there");
            assert_eq!(
                text,
                format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = s\naws_session_token = t\n")
            );
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 1, "no temporary file is left");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_another_run_has_written_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("credentials");
        let open = || at(&path, 0o600).expect("a file");
        let (old, new, unused) = (open(), open(), open());
        put(&old, &session("ASIA1"));
        put(&new, &session("ASIA2"));
        drop(unused);
        drop(old);
        assert!(std::fs::read_to_string(&path).expect("there").contains("ASIA2"));
        drop(new);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_with_other_contents_is_refused_and_one_of_an_earlier_run_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("credentials");
        let session = session("ASIA1");
        let left = contents([("default", &session.keys)].into_iter());
        let two = contents([("default", &session.keys), ("prod", &session.keys)].into_iter());
        for (text, fits) in [
            ("", true),
            (left.reveal(), true),
            (two.reveal(), true),
            (two.reveal().trim_start_matches(left.reveal()), false),
            ("[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n", false),
            (&format!("{}[me]\n", left.reveal()), false),
            ("notes", false),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(at(&path, 0o600).is_ok(), fits, "{text}");
            assert_eq!(
                std::fs::read_to_string(&path).expect("there"),
                text,
                "nothing is done before there is a session"
            );
        }
    }

    #[test]
    fn a_directory_that_another_user_could_replace_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        symlink(directory.path(), directory.path().join("link")).expect("a link");
        for path in ["link/credentials", "missing/credentials", ""] {
            assert!(at(&directory.path().join(path), 0o600).is_err(), "{path}");
        }
        assert!(at(Path::new("/dev/null"), 0o600).is_err(), "it is not replaced");
    }
}

//! Searches for secrets: each as it is, and in encoded forms.

use crate::support::processes::session_members;
use crate::support::{FakeSts, Identity, Running, binary};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How many characters of a secret count as a leak, because a secret may be cut off. The fakes' secrets differ within
/// that length.
const TELLING: usize = 44;

/// The secrets of one test.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    pub(super) fn add(&mut self, name: &str, secret: &str) {
        let part = &secret.as_bytes()[..secret.len().min(TELLING)];
        let hexadecimal = part.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let escaped = part.iter().fold(String::new(), |mut text, &byte| {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    write!(text, "{}", char::from(byte))
                }
                _ => write!(text, "%{byte:02X}"),
            };
            text
        });
        self.0.push((name.to_owned(), part.to_vec()));
        // Six digits are too short in base64 to be distinguished from random text.
        if part.len() > 8 {
            self.0.push((format!("{name}, in hexadecimal"), hexadecimal.into_bytes()));
            for shift in 0..3 {
                self.0.push((format!("{name}, in base 64"), base64_at(part, shift)));
            }
        }
        if escaped.as_bytes() != part {
            self.0.push((format!("{name}, as in a URL"), escaped.into_bytes()));
        }
    }

    pub(super) fn add_identity(&mut self, identity: &Identity) {
        self.add(&identity.access_key_id, &identity.secret_access_key);
        if let Some(token) = &identity.session_token {
            self.add(&format!("{}'s token", identity.access_key_id), token);
        }
    }

    /// Adds the sessions that STS has issued so far.
    pub(super) fn add_issued(&mut self, sts: &FakeSts) {
        for issued in sts.issued() {
            self.add(&format!("session {}", issued.generation), &issued.secret_access_key);
            self.add(&format!("session {}'s token", issued.generation), &issued.session_token);
        }
    }

    /// The first secret that the text contains.
    pub(super) fn found_in(&self, place: &[u8]) -> Option<&str> {
        let known = self.0.iter().find(|(_, mark)| contains(place, mark));
        known.map(|(name, _)| name.as_str())
    }

    #[track_caller]
    pub(super) fn assert_absent(&self, place: &str, bytes: &[u8]) {
        assert!(!self.0.is_empty());
        if let Some(name) = self.found_in(bytes) {
            panic!("{place} contains {name}:\n{}", String::from_utf8_lossy(bytes));
        }
    }

    /// Asserts that no process of the run has a secret in its arguments, and that xassume has none in its environment.
    #[track_caller]
    pub(super) fn assert_absent_from_processes(&self, running: &Running) {
        let this = fs::canonicalize(binary()).expect("the program is there");
        for pid in session_members(running.pid()).into_iter().chain([running.pid()]) {
            let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            self.assert_absent(&format!("the command line of {pid}"), &read("cmdline"));
            if fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program == this) {
                self.assert_absent(&format!("the environment of xassume, {pid}"), &read("environ"));
            }
        }
    }

    /// Asserts that below a directory only private files of sessions contain secrets, and that no file name does.
    /// Returns those files.
    #[track_caller]
    pub(super) fn files_with_any(&self, below: &Path) -> Vec<PathBuf> {
        let mut holding = Vec::new();
        let mut directories = vec![below.to_owned()];
        while let Some(directory) = directories.pop() {
            // A run may be ending at the same time.
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                self.assert_absent("a path", path.as_os_str().as_bytes());
                let Ok(about) = fs::symlink_metadata(&path) else { continue };
                if about.is_dir() {
                    directories.push(path);
                } else if about.is_file() && self.found_in(&fs::read(&path).unwrap_or_default()).is_some() {
                    assert_eq!(about.mode() & 0o7777, 0o600, "{}", path.display());
                    holding.push(path);
                }
            }
        }
        holding.sort();
        holding
    }
}

fn contains(place: &[u8], mark: &[u8]) -> bool {
    // Search for the first byte first: most of the text is long and contains no secret.
    let first = mark[0];
    let mut from = 0;
    while let Some(at) = place[from..].iter().position(|&byte| byte == first) {
        if place[from + at..].starts_with(mark) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// The base64 characters of every text that contains these bytes at this offset within a group of three.
fn base64_at(bytes: &[u8], shift: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let shifted = [&vec![0; shift][..], bytes].concat();
    let groups = shifted.chunks_exact(3);
    let digits = groups.flat_map(|group| {
        let number = group.iter().fold(0_usize, |number, &byte| number << 8 | usize::from(byte));
        [18, 12, 6, 0].map(|bits| DIGITS[number >> bits & 63])
    });
    // The first group may contain bits of the preceding bytes.
    digits.skip(if shift == 0 { 0 } else { 4 }).collect()
}

#[test]
fn a_secret_is_recognized_in_each_of_its_forms() {
    let mut secrets = Secrets::default();
    secrets.add("it", "sentinel+of/the+user");
    for hidden in [
        "x=sentinel+of/the+user;",
        "73656e74696e656c2b6f662f7468652b75736572",
        "c2VudGluZWwrb2YvdGhlK3VzZXI=",
        "eHNlbnRpbmVsK29mL3RoZSt1c2Vy",
        "eHhzZW50aW5lbCtvZi90aGUrdXNlcg==",
        "token=sentinel%2Bof%2Fthe%2Buser&",
    ] {
        assert!(secrets.found_in(hidden.as_bytes()).is_some(), "{hidden}");
    }
    assert_eq!(secrets.found_in(b"sentinel"), None);
}

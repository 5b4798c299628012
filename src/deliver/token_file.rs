//! The file of `--endpoint-token-file`, which contains the endpoint's token. The file has no line feed after the token,
//! because SDKs would send the line feed as a part of the token.

use crate::deliver::location::FileKind;

/// Describes the token file. The file is written once, and its presence means that the endpoint has a session.
pub(crate) const KIND: FileKind = FileKind {
    what: "the endpoint's token",
    flag: "--endpoint-token-file",
    contents: "a token",
    is_replaceable: |text| text.is_empty() || (text.len() == LENGTH && text.iter().all(u8::is_ascii_hexdigit)),
    max_bytes: LENGTH,
};

/// The length of a token, in hexadecimal digits.
pub(super) const LENGTH: usize = 64;
pub(crate) const MODE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::published::PublishedFile;
    use crate::session::Secret;
    use crate::sys::offload::Offload;

    fn put(file: &PublishedFile, token: Secret) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { file.put(token, &Offload::new(|_| {}, || {})).await.expect("written") });
    }

    #[test]
    fn the_file_has_only_the_token_and_is_removed_unless_another_run_replaced_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let token = |digit: &str| Secret::new(digit.repeat(LENGTH));
        let at = || PublishedFile::at(&path, &KIND, MODE);
        let try_at = || PublishedFile::try_at(&path, &KIND, MODE);
        let (old, new) = (at().expect("a place"), at().expect("a place"));
        assert!(!path.exists() && !old.is_there(), "nothing is there before there is a session");
        put(&old, token("a"));
        assert!(old.is_there());
        try_at().expect("a token may be replaced");
        put(&new, token("b"));
        drop(old);
        assert_eq!(std::fs::read(&path).expect("there"), token("b").reveal().as_bytes());
        drop(new);
        assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
        std::fs::write(&path, "a token of another program").expect("written");
        assert!(at().is_err() && try_at().is_err());
    }
}

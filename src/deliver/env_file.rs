//! The file of `--env-file`: the variables with which programs that xassume has not started find the credentials. The
//! file is written once, and its presence means that there is a session.
//!
//! docker, systemd and shells read such a file in different ways, so a value may contain only characters that all of
//! them take literally.

use crate::deliver::location::FileKind;
use crate::error::Error;
use crate::session::Secret;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

pub(crate) const KIND: FileKind = FileKind {
    what: "the variables",
    flag: FLAG,
    contents: "the variables of an earlier run",
    is_replaceable,
    max_bytes: 16 << 10,
};
pub(crate) const MODE: u32 = 0o600;
const FLAG: &str = "--env-file";

const URL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
const CONFIG_FILE: &str = "AWS_CONFIG_FILE";
const REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
/// The last variable of each file. With it, SDKs do not use the credentials of the EC2 instance.
const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

/// The characters that a value may contain, in addition to letters and digits.
const PUNCTUATION: &[u8] = b"/._:@%+,=[]-";

/// Where programs find the credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Endpoint { url: &'a str, token: Token<'a> },
    Files { credentials_file: &'a Path, config_file: &'a Path },
}

/// Where programs find the token of the endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    Value(&'a Secret),
    File(&'a Path),
}

/// Returns the contents for the file at `path`. `region` is `None` if the region is not known.
///
/// # Errors
/// A value contains a character that some readers would not take literally.
pub(crate) fn contents(path: &Path, place: Place<'_>, region: Option<&str>) -> Result<Secret, Error> {
    let of_place: [(&str, &OsStr); 2] = match place {
        Place::Endpoint { url, token: Token::Value(token) } => [(URL, url.as_ref()), (TOKEN, token.reveal().as_ref())],
        Place::Endpoint { url, token: Token::File(path) } => [(URL, url.as_ref()), (TOKEN_FILE, path.as_os_str())],
        Place::Files { credentials_file, config_file } => {
            [(CREDENTIALS_FILE, credentials_file.as_os_str()), (CONFIG_FILE, config_file.as_os_str())]
        }
    };
    let region = region.map(|region| [REGION, DEFAULT_REGION].map(|name| (name, region.as_ref())));
    let last = (NO_METADATA.0, NO_METADATA.1.as_ref());
    let mut parts = Vec::new();
    for (name, value) in of_place.into_iter().chain(region.into_iter().flatten()).chain([last]) {
        parts.extend([name, "=", plain(name, value, path)?, "\n"]);
    }
    // The text is allocated once at its full size, because growing would leave copies of the token.
    Ok(Secret::new(parts.concat()))
}

/// Returns the value if every reader takes it literally.
fn plain<'a>(name: &str, value: &'a OsStr, path: &Path) -> Result<&'a str, Error> {
    let is_plain = value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(byte));
    value.to_str().filter(|_| is_plain).ok_or_else(|| Error::Place {
        what: KIND.what,
        flag: FLAG,
        path: path.to_owned(),
        reason: format!(
            "the value of {name} contains characters other than letters, digits and {}: {}",
            String::from_utf8_lossy(PUNCTUATION),
            value.display()
        ),
        hint: Some("docker, systemd and shells read other characters differently; use another path".into()),
    })
}

/// Checks whether a file is empty or has exactly the variables of [`contents`]. A user's own file may have some of them.
fn is_replaceable(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else { return false };
    let names: Vec<&str> = text.lines().map(|line| line.split_once('=').map_or("", |(name, _)| name)).collect();
    match names.as_slice() {
        [] => true,
        [URL, TOKEN | TOKEN_FILE, rest @ ..] | [CREDENTIALS_FILE, CONFIG_FILE, rest @ ..] => {
            matches!(rest, [last] | [REGION, DEFAULT_REGION, last] if *last == NO_METADATA.0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/run/keeper/env";

    fn text(place: Place<'_>, region: Option<&str>) -> Result<String, String> {
        let made = contents(Path::new(PATH), place, region);
        made.map(|text| text.reveal().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_has_the_variables_of_the_delivery_and_may_be_replaced() {
        let (url, token) = ("http://[fd00:ec2::23]:80/credentials", Secret::new("a1"));
        let endpoint = |token| Place::Endpoint { url, token };
        let files = Place::Files { credentials_file: Path::new("/x/credentials"), config_file: Path::new("/x/config") };
        for (place, region, expected) in [
            (
                endpoint(Token::Value(&token)),
                Some("eu-west-1"),
                "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]:80/credentials\n\
                 AWS_CONTAINER_AUTHORIZATION_TOKEN=a1\n\
                 AWS_REGION=eu-west-1\nAWS_DEFAULT_REGION=eu-west-1\nAWS_EC2_METADATA_DISABLED=true\n",
            ),
            (
                endpoint(Token::File(Path::new("/x/token"))),
                None,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]:80/credentials\n\
                 AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/x/token\nAWS_EC2_METADATA_DISABLED=true\n",
            ),
            (
                files,
                None,
                "AWS_SHARED_CREDENTIALS_FILE=/x/credentials\nAWS_CONFIG_FILE=/x/config\n\
                 AWS_EC2_METADATA_DISABLED=true\n",
            ),
        ] {
            assert_eq!(text(place, region).as_deref(), Ok(expected));
            assert!(is_replaceable(expected.as_bytes()));
        }
    }

    #[test]
    fn a_value_that_readers_would_take_differently_is_an_error() {
        for path in ["/a b", "/a$b", "/a'b", "/a\"b", "/a#b", "/a\\b", "/a\nb", "/\u{fc}", "/a;b", "/~"] {
            let place = Place::Files { credentials_file: Path::new(path), config_file: Path::new("/c") };
            let error = text(place, None).expect_err(path);
            assert!(
                error.starts_with("cannot write the variables to /run/keeper/env: the value of AWS_SHARED"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_with_other_contents_is_not_replaced() {
        let ours = "AWS_SHARED_CREDENTIALS_FILE=/x\nAWS_CONFIG_FILE=/y\nAWS_EC2_METADATA_DISABLED=true\n";
        assert!(is_replaceable(b"") && is_replaceable(ours.as_bytes()));
        for text in [
            "AWS_REGION=eu-west-1\n",
            "AWS_EC2_METADATA_DISABLED=true\n",
            "AWS_SHARED_CREDENTIALS_FILE=/x\nAWS_CONFIG_FILE=/y\n",
            &format!("{ours}MINE=1\n"),
            &format!("# a comment\n{ours}"),
            &format!("{ours}\n"),
            "notes",
        ] {
            assert!(!is_replaceable(text.as_bytes()), "{text}");
        }
    }
}

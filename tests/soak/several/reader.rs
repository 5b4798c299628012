//! Reads what SDKs read: the command's credentials file, or the socket of its `credential_process`.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The access key of a profile. `None` if xassume says that there is no session.
///
/// # Errors
/// The file or the socket cannot be read.
pub(super) fn shown(file: &Path, profile: &str) -> io::Result<Option<String>> {
    let text = fs::read_to_string(file)?;
    let header = format!("[{profile}]");
    let setting = text.lines().skip_while(|line| *line != header).nth(1).and_then(|line| line.split_once(" = "));
    match setting {
        Some(("aws_access_key_id", key)) => Ok(Some(key.to_owned())),
        Some(("credential_process", command)) => given(command.rsplit(' ').next().unwrap_or_default()),
        _ => Err(io::Error::other(format!("no setting below {header}: {text:?}"))),
    }
}

/// The access key that a socket gives.
fn given(socket: &str) -> io::Result<Option<String>> {
    let mut answer = String::new();
    UnixStream::connect(socket)?.read_to_string(&mut answer)?;
    let Some(document) = answer.strip_prefix("given\n") else {
        let refused = answer.starts_with("refused\n");
        return if refused { Ok(None) } else { Err(io::Error::other(format!("not an answer: {answer:?}"))) };
    };
    let document: serde_json::Value = serde_json::from_str(document)?;
    Ok(document["AccessKeyId"].as_str().map(str::to_owned))
}

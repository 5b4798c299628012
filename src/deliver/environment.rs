//! The command's environment: the inherited variables without those that select other credentials, and the variables
//! that the delivery sets.
//!
//! These functions are pure, so they can be tested without files. The paths and the address in the environment need not
//! exist yet.

pub(super) mod names;

pub use names::REMOVED;
pub(crate) use names::{is_of_removed_flag, is_removed_by_default, other_credentials};

use crate::print::EnvironmentChange;
use crate::session::{Session, rfc3339};
use crate::vars::{Vars, describes_sockets};
use core::net::IpAddr;
use names::{comes_before_files, is_for_main_process, requests_tokens};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// Where the command finds its credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CommandCredentials<'a> {
    /// `--via env`: the credentials are in variables. With `--isolate`, `config_file` is set, and the user's shared
    /// files are hidden.
    Env { config_file: Option<&'a Path> },
    /// `--via file` or `--via process`. With `process`, the credentials file contains a `credential_process` setting.
    Files { credentials_file: &'a Path, config_file: &'a Path },
    /// `--via endpoint`. The credentials file is empty, because a profile in it would take precedence over the
    /// endpoint.
    Endpoint {
        url: &'a str,
        /// The IP address in the URL.
        ip: IpAddr,
        token: &'a str,
        /// The file with the token. `None` if there is no such file, because the command might change its user and then
        /// could not read the file.
        token_file: Option<&'a Path>,
        empty_credentials_file: &'a Path,
        config_file: &'a Path,
    },
}

/// Who receives the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipient<'a> {
    /// The command, which replaces xassume.
    Exec,
    /// A supervised command.
    Supervise,
    /// The refresh hook of a supervised command.
    Hook {
        /// The number of the session: 0 for the first one.
        number: u32,
        /// The name of the session's profile. `None` if there is only the default session.
        profile: Option<&'a str>,
    },
    /// A program that reads the output of `--print`. xassume does not start this program, so the nesting depth does not
    /// change.
    Print,
}

/// Everything that determines the command's environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) inherited: &'a Vars,
    pub(crate) session: &'a Session,
    /// What identifies the session in a prompt.
    pub(crate) label: &'a str,
    /// The region that the user, the profile or the instance gives. `None` if none of them gives one. xassume then
    /// calls STS in a fallback region, but the command does not get that region.
    pub(crate) region: Option<&'a str>,
    pub(crate) credentials: CommandCredentials<'a>,
    pub(crate) recipient: Recipient<'a>,
    /// The nesting depth of the command (`XASSUME_DEPTH`), which is one more than the inherited depth.
    pub(crate) depth: u32,
    /// The profile's settings as variables. They are not set if the command gets a copy of the config file instead.
    pub(crate) profile_settings: &'a [(String, String)],
    /// Whether `--isolate` is set.
    pub(crate) isolate: bool,
    /// The variables that describe the listening sockets. Empty if there are no sockets.
    pub(crate) sockets: &'a [(OsString, OsString)],
    /// The names of the variables that `--keep-env` keeps.
    pub(crate) keep: &'a [OsString],
}

/// The ARN of the assumed role's session. Without a role, a value that an outer xassume has set does not stay.
const SESSION: &str = "XASSUME_SESSION";
/// What identifies the session in a prompt. It has only characters that are harmless there.
const LABEL: &str = "XASSUME_LABEL";
/// The number of the session for which the refresh hook runs: 0 for the first one.
const REFRESH: &str = "XASSUME_REFRESH";
/// The name of the command's profile with the session for which the refresh hook runs, if there are several profiles.
const REFRESH_NAME: &str = "XASSUME_REFRESH_NAME";
/// The variables that do not stay if an outer xassume has set them.
const OWN: [&str; 4] = [SESSION, LABEL, REFRESH, REFRESH_NAME];

/// If one of these variables is set, SDKs may send requests for 127.0.0.1 to a proxy.
const PROXIES: &[&str] = &["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Returns the whole environment of the command: the inherited variables in their order, then the variables that
/// xassume sets. If an inherited name occurs more than once, only its first variable is kept.
pub(crate) fn environment(inputs: &Inputs) -> Vec<(OsString, OsString)> {
    let ours = ours(inputs);
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in inputs.inherited.iter() {
        let replaced = ours.iter().any(|(known, _)| known == name);
        let duplicate = variables.iter().any(|(known, _)| known == name);
        if !replaced && !duplicate && !is_removed(name, inputs) {
            variables.push((name.to_owned(), value.to_owned()));
        }
    }
    variables.extend(ours);
    variables
}

/// Returns the change that [`environment`] makes to the inherited variables.
pub(crate) fn change(inputs: &Inputs) -> EnvironmentChange {
    let set = ours(inputs);
    let stays = |name: &str| !is_removed(name.as_ref(), inputs) || set.iter().any(|(known, _)| known == name);
    let removed = REMOVED.iter().copied().chain(OWN).filter(|name| !stays(name)).collect();
    EnvironmentChange { removed, set }
}

fn is_removed(name: &OsStr, inputs: &Inputs) -> bool {
    let in_variables = matches!(inputs.credentials, CommandCredentials::Env { .. });
    let identity = REMOVED.iter().any(|removed| name == *removed)
        || inputs.isolate && requests_tokens(name)
        || !in_variables && comes_before_files(name);
    if matches!(inputs.recipient, Recipient::Hook { .. }) && is_for_main_process(name) {
        return true;
    }
    // After fork(2), the LISTEN_PID of another process could happen to be the ID of the command. In exec mode it cannot,
    // because the process ID stays the same.
    let may_mislead = inputs.recipient == Recipient::Supervise || !inputs.sockets.is_empty();
    let misleads = may_mislead && describes_sockets(name);
    OWN.iter().any(|own| name == *own) || (identity || misleads) && !inputs.keep.iter().any(|kept| kept == name)
}

fn ours(inputs: &Inputs) -> Vec<(OsString, OsString)> {
    let mut set = Setter(Vec::new());
    match inputs.credentials {
        CommandCredentials::Env { config_file } => {
            set.keys(inputs.session);
            if !matches!(inputs.recipient, Recipient::Hook { .. }) {
                set.term(inputs.session);
            }
            match config_file {
                Some(config_file) => set.files(Path::new("/dev/null"), config_file),
                None => set.settings(inputs),
            }
        }
        CommandCredentials::Files { credentials_file, config_file } => set.files(credentials_file, config_file),
        CommandCredentials::Endpoint { url, ip, token, token_file, empty_credentials_file, config_file } => {
            set.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
            // Some SDKs read only AWS_CONTAINER_AUTHORIZATION_TOKEN, and Rust's object_store reads only
            // AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.
            set.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", token);
            if let Some(path) = token_file {
                set.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
            }
            set.files(empty_credentials_file, config_file);
            set.no_proxy(inputs.inherited, ip);
        }
    }
    if !matches!(inputs.credentials, CommandCredentials::Env { .. }) {
        // boto 2 has its own config files, which may contain access keys. botocore reads boto 2's files before it calls
        // an endpoint, so it must not find them.
        set.variable("BOTO_CONFIG", "/dev/null");
        // minio-go reads the config file of MinIO's client before it calls an endpoint.
        set.variable("MINIO_SHARED_CREDENTIALS_FILE", "/dev/null");
        set.variable("AWS_EC2_METADATA_DISABLED", "true");
    }
    if let Some(region) = inputs.region {
        set.variable("AWS_REGION", region);
        set.variable("AWS_DEFAULT_REGION", region);
    }
    if let Some(arn) = &inputs.session.assumed_role_arn {
        set.variable(SESSION, arn);
    }
    set.variable(LABEL, inputs.label);
    if let Recipient::Hook { number, profile } = inputs.recipient {
        set.term(inputs.session);
        set.variable(REFRESH, number.to_string());
        if let Some(profile) = profile {
            set.variable(REFRESH_NAME, profile);
        }
    } else {
        set.0.extend_from_slice(inputs.sockets);
    }
    if inputs.recipient != Recipient::Print {
        set.variable("XASSUME_DEPTH", inputs.depth.to_string());
    }
    set.0
}

/// Collects the variables that xassume sets.
struct Setter(Vec<(OsString, OsString)>);

impl Setter {
    fn variable(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.0.push((name.into(), value.as_ref().into()));
    }

    fn keys(&mut self, session: &Session) {
        let keys = &session.keys;
        self.variable("AWS_ACCESS_KEY_ID", &keys.access_key_id);
        self.variable("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.reveal());
        if let Some(token) = &keys.session_token {
            self.variable("AWS_SESSION_TOKEN", token.reveal());
        }
    }

    /// Sets when the session expires, and its account. These are not secret.
    fn term(&mut self, session: &Session) {
        if let Some(validity) = &session.validity {
            self.variable("AWS_CREDENTIAL_EXPIRATION", rfc3339(validity.local_expiration()));
        }
        // SDKs use the account for endpoints that contain it, such as those of DynamoDB.
        if let Some(account) = session.account() {
            self.variable("AWS_ACCOUNT_ID", account);
        }
    }

    fn files(&mut self, credentials_file: &Path, config_file: &Path) {
        self.variable("AWS_SHARED_CREDENTIALS_FILE", credentials_file);
        self.variable("AWS_CREDENTIAL_PROFILES_FILE", credentials_file);
        self.variable("AWS_CONFIG_FILE", config_file);
        // Without AWS_SDK_LOAD_CONFIG, JavaScript's SDK 2 ignores AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, and
        // Go's SDK 1 ignores AWS_CONFIG_FILE.
        self.variable("AWS_SDK_LOAD_CONFIG", "1");
    }

    /// Sets the variables for the profile's settings. A variable that the user has set is not changed, even if its
    /// value is empty.
    fn settings(&mut self, inputs: &Inputs) {
        // If the user has set AWS_ENDPOINT_URL, which is for all services, the profile's endpoints for single services
        // are not set, because they would take precedence over AWS_ENDPOINT_URL.
        let all_services = inputs.inherited.text("AWS_ENDPOINT_URL").is_some();
        for (name, value) in inputs.profile_settings {
            let beaten = all_services && name.starts_with("AWS_ENDPOINT_URL_");
            if !beaten && inputs.inherited.get(name).is_none() {
                self.variable(name, value);
            }
        }
    }

    /// Adds the loopback address and the endpoint's IP address to `NO_PROXY` and `no_proxy`, so that no proxy is used for
    /// them. Both spellings are set, because SDKs differ in the spelling that they read. If the user has set only one
    /// spelling, the other one gets the user's value too. Otherwise an SDK that prefers the other spelling would not see
    /// the user's value.
    fn no_proxy(&mut self, inherited: &Vars, ip: IpAddr) {
        if !PROXIES.iter().any(|name| inherited.nonempty(name).is_some()) {
            return;
        }
        for (name, other) in [("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")] {
            let list = inherited.nonempty(name).or(inherited.nonempty(other)).unwrap_or_default();
            self.variable(name, with_hosts(list, &["127.0.0.1", "localhost", &ip.to_string()]));
        }
    }
}

/// Adds hosts to a list of hosts, unless the list contains them or `*`, which means all hosts.
fn with_hosts(list: &OsStr, hosts: &[&str]) -> OsString {
    let mut bytes = list.as_bytes().to_vec();
    for host in hosts {
        let listed = bytes.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        if !listed.into_iter().any(|entry| entry == b"*" || entry.eq_ignore_ascii_case(host.as_bytes())) {
            if !bytes.is_empty() {
                bytes.push(b',');
            }
            bytes.extend_from_slice(host.as_bytes());
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests;

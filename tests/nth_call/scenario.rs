//! What is run: a launch, or a supervised run with a refresh.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::calls::Call;
use crate::support::processes::pid_namespace;
use crate::support::{FakeSso, FakeSts, Identity, Login, Xassume, probe, write_login};
use crate::tracer::Fault;

pub const ROLE: &str = "arn:aws:iam::111111111111:role/R";
pub const OTHER: &str = "arn:aws:iam::333333333333:role/A";
/// The exit status of the command in all cases.
pub const STATUS: i32 = 7;
/// Of a session in supervised runs. It is refreshed after half of it.
const LIFETIME: Duration = Duration::from_secs(4);
const CONFIG: &str = "[profile p]\nrole_arn = arn:aws:iam::111111111111:role/R\nsource_profile = s\n";
const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";
const HANDOVER: &[&str] =
    &["--listen", "0", "--on-expiry", "restart", "--restart-order", "start-first", "--ready", "notify"];
const HOOK: &[&str] = &["--serve", "--refresh-hook", "true"];
const PRINTS_KEYS: &[&str] = &["env", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
const PRINTS_PLACES: &[&str] =
    &["env", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE"];
const WAITS: &[&str] = &["then", "print-keys", "exit-on", "USR2", "then", "exit", "7"];
const SERVES: &[&str] =
    &["then", "sockets", "then", "nonblocking-sockets", "then", "serve", "notify", "then", "exit", "7"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Exec mode without a cached session. The keys are in the environment.
    Cold,
    /// Exec mode with a cached session. The keys are in `~/.aws`.
    Cached,
    Print,
    Check,
    /// A sign-in to IAM Identity Center at a terminal.
    SignIn,
    /// Restarted by each refresh. The keys are in `~/.aws`.
    Restart,
    /// The same with a server and `--restart-order start-first`.
    Handover,
    Signal,
    File,
    /// The keys come from a `credential_process`.
    Endpoint,
    Process,
    /// `--also`.
    Several,
    /// `--serve` with a hook.
    Serve,
    /// Restarted by each refresh, as PID 1.
    Pid1,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// A scenario with its services, which has not been started.
pub struct World {
    pub scenario: Scenario,
    pub sts: FakeSts,
    _sso: Option<FakeSso>,
    /// Its arguments are missing.
    base: Xassume,
    binary: PathBuf,
}

impl Scenario {
    pub const ALL: [Self; 14] = [
        Self::Cold,
        Self::Cached,
        Self::Print,
        Self::Check,
        Self::SignIn,
        Self::Restart,
        Self::Handover,
        Self::Signal,
        Self::File,
        Self::Endpoint,
        Self::Process,
        Self::Several,
        Self::Serve,
        Self::Pid1,
    ];

    /// Whether xassume stays with the command, and refreshes its session.
    pub fn is_supervised(self) -> bool {
        !matches!(self, Self::Cold | Self::Cached | Self::Print | Self::Check | Self::SignIn)
    }

    /// Whether each refresh starts the command again.
    pub fn restarts(self) -> bool {
        matches!(self, Self::Restart | Self::Handover | Self::Pid1)
    }

    pub fn world(self, binary: &Path) -> World {
        let sts = FakeSts::builder();
        let sts = if self.is_supervised() { sts.lifetime(LIFETIME) } else { sts }.start();
        let base = Xassume::new(&sts);
        let Identity { access_key_id: id, secret_access_key: secret, .. } = Identity::user();
        let base = if matches!(self, Self::Cached | Self::Restart | Self::Signal) {
            let keys = format!("[s]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
            base.without_keys().file(".aws/config", CONFIG).file(".aws/credentials", keys)
        } else if self == Self::Endpoint {
            let keys = format!(r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}"#);
            let source = format!("[profile s]\ncredential_process = echo '{keys}'\n");
            base.without_keys().file(".aws/config", format!("{CONFIG}{source}"))
        } else {
            base
        };
        let sso = (self == Self::SignIn).then(FakeSso::start);
        let base = if let Some(sso) = &sso {
            write_login(&base.home(), "corp", Login::Expired);
            let base = base.without_keys().file(".aws/config", SSO);
            base.env("AWS_ENDPOINT_URL_SSO", sso.url()).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url())
        } else {
            base
        };
        let world = World { scenario: self, sts, _sso: sso, base, binary: binary.to_owned() };
        if self == Self::Cached {
            world.plain().run().exited(STATUS);
        }
        world
    }

    fn flags(self) -> Vec<OsString> {
        let other = format!("other={OTHER}");
        let flags = match self {
            Self::Cold | Self::Cached => &[][..],
            Self::SignIn => &["-p", "dev"],
            Self::Print => &["--print", "json"],
            Self::Check => &["--check"],
            Self::Restart | Self::Pid1 => &["--on-expiry", "restart"],
            Self::Handover => HANDOVER,
            Self::Signal => &["--on-expiry", "signal"],
            Self::File => &["--via", "file"],
            Self::Endpoint => &["--via", "endpoint"],
            Self::Process => &["--via", "process"],
            Self::Several => &["--also", &other],
            Self::Serve => HOOK,
        };
        let role = match self {
            Self::Cached | Self::Restart | Self::Signal | Self::Endpoint => ["-p", "p"],
            _ => ["-r", ROLE],
        };
        let margin = if self.is_supervised() { &["-v", "--refresh-margin", "1h"][..] } else { &[] };
        let words = margin.iter().chain(&role).chain(flags).copied();
        let command = match self {
            Self::Print | Self::Check | Self::Serve => return words.map(OsString::from).collect(),
            Self::Cold | Self::Cached => [PRINTS_KEYS, &["then", "exit", "7"]].concat(),
            // Its output is on the terminal, which must not show a secret.
            Self::SignIn => [&PRINTS_KEYS[..2], &["then", "exit", "7"]].concat(),
            Self::Restart | Self::Pid1 => [PRINTS_KEYS, WAITS].concat(),
            Self::Handover => [PRINTS_KEYS, SERVES].concat(),
            Self::Signal | Self::File | Self::Endpoint | Self::Process | Self::Several => {
                [PRINTS_PLACES, WAITS].concat()
            }
        };
        words.chain(["--"]).map(OsString::from).chain(probe()).chain(command.iter().map(OsString::from)).collect()
    }
}

impl World {
    /// The directory in which the tracer lists the calls, or the call of the fault.
    pub fn log(&self) -> PathBuf {
        self.base.sandbox().directory().join("calls")
    }

    pub fn sandbox(&self) -> &crate::support::Sandbox {
        self.base.sandbox()
    }

    /// The file of `--env-file`.
    pub fn variables(&self) -> PathBuf {
        self.sandbox().work().join("variables")
    }

    /// A Unix socket, which a killed run leaves.
    fn listen(&self) -> [OsString; 2] {
        ["--listen".into(), format!("unix:{}", self.sandbox().work().join("socket").display()).into()]
    }

    fn flags(&self) -> Vec<OsString> {
        let mut flags = self.scenario.flags();
        match self.scenario {
            Scenario::Serve => flags.extend(["--env-file".into(), self.variables().into()]),
            // Before the words of the command.
            Scenario::Restart => drop(flags.splice(..0, self.listen())),
            _ => {}
        }
        flags
    }

    /// The run without the tracer.
    pub fn plain(&self) -> Xassume {
        self.base.clone().program(&self.binary).args(self.flags())
    }

    /// A launch in the same sandbox, which prints its keys.
    pub fn next_launch(&self) -> Xassume {
        let role = match self.scenario {
            Scenario::Cached | Scenario::Restart | Scenario::Signal | Scenario::Endpoint => ["-p", "p"],
            _ => ["-r", ROLE],
        };
        let via = if self.scenario.is_supervised() { &["--via", "file"][..] } else { &[] };
        let xassume = self.base.clone().program(&self.binary).args(role).args(via);
        let xassume = if self.scenario == Scenario::Restart { xassume.args(self.listen()) } else { xassume };
        xassume.arg("--").args(probe()).args(PRINTS_KEYS).args(["then", "exit", "7"])
    }

    /// The run with a fault at this call; the first run, without a fault, lists the calls.
    pub fn traced(&self, fault: Option<(&Call, Fault)>) -> Xassume {
        let this = std::env::current_exe().expect("a running program has a path");
        let traced = self.base.clone().program(this).arg("trace").arg(self.log());
        let traced = match fault {
            None => traced.args(["0", "", "", "list", "0"]),
            Some((call, fault)) => {
                let (name, value) = words(fault);
                traced.args([&call.at.to_string(), &call.name, &call.caller, name, &value.to_string()])
            }
        };
        let traced = if self.scenario == Scenario::Pid1 {
            traced.arg("/usr/bin/unshare").args(pid_namespace().expect("root can create a namespace"))
        } else {
            traced
        };
        traced.arg(&self.binary).args(self.flags())
    }
}

/// A fault as two arguments of the tracer.
fn words(fault: Fault) -> (&'static str, u64) {
    match fault {
        Fault::Hold => ("hold", 0),
        Fault::Fail(errno) => ("fail", u64::try_from(errno).unwrap_or_default()),
        Fault::Short(most) => ("short", most),
        Fault::Kill => ("kill", 0),
        Fault::KillCaller => ("kill-caller", 0),
    }
}

/// The fault of these arguments.
pub fn fault(name: &str, value: &str) -> Option<Fault> {
    let value: u64 = value.parse().ok()?;
    Some(match name {
        "hold" => Fault::Hold,
        "fail" => Fault::Fail(i32::try_from(value).ok()?),
        "short" => Fault::Short(value),
        "kill" => Fault::Kill,
        "kill-caller" => Fault::KillCaller,
        _ => return None,
    })
}
